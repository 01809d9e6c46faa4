"""The supernet of the micro space with entangled widths and heads.

Entangled are the channels of a head, 4 to 256, and the heads, 1 to 16. Masks m of channels and q of heads stand on

    what a weight makes    W, the map of `add` and the biases, and the second maps of `mlp` with theirs
    what a weight reads    the next layer's W and map of `add`, the first maps of `mlp`, the vectors of attention

so that a layer comes to act(sum of padded slices), where the supernet that is not entangled has the sum of act(slices).
A head is computed by itself, so that its mask stands on its row before the activation, which is the same, and not on
its W, of which the attention and the mean over heads would see it. An average over heads is the mean of each number
of heads, weighted.

Not entangled, since they have no weights or weights of another form: attention functions, aggregations, activations and
ways to combine, which are mixed as coefficients and rows.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from graphlab.model.sparse_features import SparseRows
from graphlab.nas.oneshot.supernets import Mixture
from graphlab.nas.oneshot.supernets.gnn_micro import GNNMicroSupernet, MicroLayer, Precision


class EntangledMicroSupernet(GNNMicroSupernet):
    """batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`."""

    def make_layer(
        self, in_shape: tuple[int, ...], dims: tuple[int, ...], averaged: bool, config: Any, partial: int
    ) -> MicroLayer:
        return EntangledLayer(in_shape, dims, averaged, config, partial)


class EntangledLayer(MicroLayer):
    """A layer that is computed with the sum of the padded slices of each weight."""

    def taken(self, parameter: Tensor, mask: Tensor) -> Tensor:
        part = super().taken(parameter, mask)
        return part * mask.view(*mask.shape, *[1] * (part.dim() - 2))

    def mapped(self, mlp: nn.Module, x: Tensor, mask: Tensor, keep: Precision) -> Tensor:
        return super().mapped(mlp, x, mask, keep) * mask

    def _combine(self, x: Tensor | SparseRows, heard: Tensor, mean: Tensor, of: Mixture, mask: Tensor) -> Tensor:
        heads = self.head_mask(of)[: len(mask), None]
        return super()._combine(x, heard * heads, mean, of, mask)
