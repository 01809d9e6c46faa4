"""The weights of a network as slices of those of the largest of its space. Cai et al. (Once-for-All), ICLR 2020.

The leading channels of each head, the leading heads of each layer and the first layers are kept; the last layer, which
gives the outputs, is that of the largest network, of which it reads fewer channels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.func import functional_call

from graphlab.data.spec import DataSpec
from graphlab.model.registry import find_model
from graphlab.model.zoo.gnn_micro import GNNMicro
from graphlab.nas.elastic.layout import Axes, gathered, layer_shapes, name_of, parts_of, spread
from graphlab.nas.elastic.space import MODEL


def build(settings: Mapping[str, object], dropout: float, spec: DataSpec) -> GNNMicro:
    """The network of some settings of the model `gnn-micro`."""
    entry = find_model(MODEL)
    config = entry.config.parse({**settings, "dropout": dropout}, where=MODEL)
    network = entry.build(spec, config)
    assert isinstance(network, GNNMicro)
    return network


def skeleton(settings: Mapping[str, object], dropout: float, spec: DataSpec) -> GNNMicro:
    """The same without its numbers."""
    with torch.device("meta"):
        return build(settings, dropout, spec)


def slices(largest: GNNMicro, smaller: GNNMicro) -> dict[str, Tensor]:
    """The parameters of a smaller network, by name, with gradients that reach those of the largest.

    Args:
        smaller: Its numbers are not read.
    """
    wide, narrow = layer_shapes(largest), layer_shapes(smaller)
    whole, own = dict(largest.named_parameters()), dict(smaller.named_parameters())
    parts: dict[str, Tensor] = {}
    for k, part, name in parts_of(list(own)):
        source = len(wide) - 1 if k == len(narrow) - 1 else k
        axes = wide[source].axes(part)
        leading = _leading(spread(whole[name_of(source, part)], axes), narrow[k].axes(part))
        parts[name] = gathered(leading, own[name])
    return parts


def _leading(tensor: Tensor, sizes: Axes) -> Tensor:
    return tensor[tuple(slice(size) for size in sizes)]


def run_with(network: GNNMicro, parameters: Mapping[str, Tensor], *inputs: object) -> Tensor:
    """What a network gives with other parameters than its own."""
    return functional_call(network, dict(parameters), inputs)
