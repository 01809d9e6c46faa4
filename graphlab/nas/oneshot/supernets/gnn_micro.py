"""The supernet of the micro space of GraphNAS and AGNN. Gao et al., IJCAI 2020, for the networks that it holds.

Attention functions are mixed as coefficients, aggregations, activations and combinations as rows. All widths and
numbers of heads are the first so many of the largest: a mixture of them is a mask, the sum of the weights of those that
a channel or a head is part of, on what a layer gives and on what it sums over channels. Wan et al. (FBNetV2), CVPR
2020, section 3.1. Weights of narrower networks are slices of those of wider ones. Cai et al. (Once-for-All), ICLR 2020.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch_geometric.data import Data
from torch_geometric.nn.inits import glorot

from graphlab.data.node_vectors import node_vectors
from graphlab.data.spec import DataSpec
from graphlab.model.attention import ATTENTIONS
from graphlab.model.base import vector_dim
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, linear
from graphlab.model.zoo.gnn_micro import ACTIVATIONS, CENTRED, HEADS, HIDDEN_DIMS, MLP_DIM, unit_rows
from graphlab.nas.oneshot.supernets import Mixture, Supernet, mixed
from graphlab.nas.spaces.gnn_micro import CHOICES, LAYERS

AVERAGE = CHOICES["combine"].index("average")


class Precision:
    """How a layer keeps its numbers: here as they are."""

    def __call__(self, component: str, value: Tensor) -> Tensor:
        """A value of a component, as `graphlab.quantization.assignment` names them; of a weight `[out, in]`."""
        return value

    def bias(self, bias: Tensor, weight: Tensor) -> Tensor:
        """A bias `[out]` that is added to products of rows and of a weight `[out, in]`, given as it is trained."""
        return bias


class GNNMicroSupernet(Supernet):
    """batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.

    Heads are not shrunk. Every `partial`-th channel of a head is sent and heard, the others stay where they are.
    """

    kinds: tuple[str, ...] = tuple(CHOICES)

    def __init__(self, config: Any, spec: DataSpec, shrink: int, partial: int) -> None:
        super().__init__(config, spec, shrink, partial)
        self.node_features = spec.node
        self.features = FeatureInput(config.dropout)
        self.dropout, self.decayed = config.dropout, config.decayed
        self._scaled = unit_rows if config.unit_rows else None
        widths = tuple(max(1, width // shrink) for width in HIDDEN_DIMS)
        in_shape: tuple[int, ...] = (vector_dim(spec.node, "gnn-micro"),)
        self.layers = nn.ModuleList()
        for k in range(LAYERS):
            last = k == LAYERS - 1
            dims = tuple(self.row_width(spec, width) for width in widths) if last else widths
            layer = self.make_layer(in_shape, dims, last, config, partial)
            self.layers.append(layer)
            in_shape = layer.out_shape
        self.out_dim = in_shape[-1]
        self._neighbourhood = Remembered(Neighbourhood)

    def make_layer(
        self, in_shape: tuple[int, ...], dims: tuple[int, ...], averaged: bool, config: Any, partial: int
    ) -> MicroLayer:
        """One of the layers; `dims` are the widths that a head may have."""
        return MicroLayer(in_shape, dims, averaged, config, partial)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Weights of the layers decay that decay in the space's networks."""
        if self.decayed == "all":
            return super().parameter_groups(weight_decay)
        return [
            {"params": list(self.layers[0].parameters()), "weight_decay": weight_decay},
            {"params": list(self.layers[1:].parameters()), "weight_decay": 0.0},
        ]

    def forward(self, batch: Data) -> Tensor:
        near = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0))
        first, *rest = self.layers
        x = first(self.features(node_vectors(batch, self.node_features), self._scaled), near, self._of(1))
        for k, layer in enumerate(rest, start=2):
            x = layer(F.dropout(x, self.dropout, self.training), near, self._of(k))
        rows = x.flatten(1)
        return F.pad(rows, (0, self.out_dim - rows.size(1)))

    def _of(self, k: int) -> Mixture:
        """Of one layer, by kind; the last has the width of the one before it."""
        kinds = {kind: f"{kind}_{k}" for kind in self.kinds}
        kinds["hidden_dims"] = f"hidden_dims_{min(k, LAYERS - 1)}"
        return {kind: self.mixture[name] for kind, name in kinds.items()}


class MicroLayer(nn.Module):
    """x `[num_nodes, *in_shape]` -> `[num_nodes, heads, dim]`, as many heads and channels as have a weight; with
    `averaged` one head, the mean."""

    def __init__(
        self, in_shape: tuple[int, ...], dims: tuple[int, ...], averaged: bool, config: Any, partial: int
    ) -> None:
        super().__init__()
        self.dims, self.averaged, self.partial = dims, averaged, partial
        heads, dim = max(HEADS), max(dims)
        self.out_shape = (1 if averaged else heads, dim)
        self.weight = _matrix(heads, dim, in_shape)
        self.own = _matrix(*self.out_shape, in_shape)
        sent = -(-dim // partial)
        self.attentions = nn.ModuleList(ATTENTIONS[name](heads, sent, config.dropout) for name in CHOICES["attention"])
        self.aggregate = _MLP(1, sent)
        self.combine = _MLP(*self.out_shape)
        self.bias = nn.Parameter(torch.zeros(self.out_shape))
        known = CENTRED if config.centred else ACTIVATIONS
        self.activations = [known[name] for name in CHOICES["activation"]]

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood, of: Mixture) -> Tensor:
        head_mask, dim_mask = self.head_mask(of), _mask(self.dims, of["hidden_dims"])
        keep = self.precision(of)
        h = keep("linear", _map(x, self.taken(self.weight, dim_mask.expand(len(head_mask), -1)), keep))
        heard = self._hear(h, near, of, dim_mask)
        mean = self.mean_of_heads(heard, of)
        mask = head_mask[:, None] * dim_mask
        if self.averaged or _asked(of["combine"]) == [AVERAGE]:
            heard, mask = mean, mask[:1]
        return self._combine(x, heard, mean, of, mask) * mask

    def head_mask(self, of: Mixture) -> Tensor:
        """`[heads]`, as many as have a weight."""
        return _mask(HEADS, of["heads"])

    def taken(self, parameter: Tensor, mask: Tensor) -> Tensor:
        """What is read of a parameter `[heads, dim, ...]`, given the mask of what it makes `[h, d]`: here its first h
        heads and d channels, since the mask is applied to rows."""
        return parameter[: len(mask), : mask.size(1)]

    def mapped(self, mlp: nn.Module, x: Tensor, mask: Tensor, keep: Precision) -> Tensor:
        """Rows through the maps of `mlp`, which read and give as many channels as the mask `[..., dim]` has."""
        return mlp(x * mask, keep)

    def precision(self, of: Mixture) -> Precision:
        """How the layer keeps its numbers under a mixture."""
        return Precision()

    def mean_of_heads(self, rows: Tensor, of: Mixture) -> Tensor:
        """`[num_nodes, heads, dim]` -> `[num_nodes, 1, dim]`, mixed over numbers of heads."""
        shares = _mask(HEADS, of["heads"] / torch.tensor(HEADS, dtype=rows.dtype, device=rows.device))
        return (rows * shares[:, None]).sum(1, keepdim=True)

    def mean_of_neighbours(self, near: Neighbourhood, weights: Tensor, sent: Tensor, total: Tensor) -> Tensor:
        """The mean of what nodes hear, of which `total` is the sum."""
        return total / (near.degree + 1).view(-1, 1, 1)

    def _combine(self, x: Tensor | SparseRows, heard: Tensor, mean: Tensor, of: Mixture, mask: Tensor) -> Tensor:
        """`[num_nodes, heads, dim]` before the mask. An average is the first head; the others are then 0, whatever the
        activation makes of 0."""
        heads = len(mask)
        keep = self.precision(of)
        combined = mixed(
            of["combine"],
            [
                lambda: heard,
                lambda: F.pad(mean, (0, 0, 0, heads - 1)),
                lambda: heard + _map(x, self.taken(self.own, mask), keep),
                lambda: self.mapped(self.combine, heard, mask, keep),
            ],
        )
        nothing = of["combine"][AVERAGE] * (torch.arange(heads, device=mean.device) > 0)[:, None]
        before = combined + self.taken(self.bias, mask) * (1 - nothing)
        zero = mean.new_zeros(())
        return mixed(of["activation"], [lambda act=act: act(before) - nothing * act(zero) for act in self.activations])

    def _hear(self, h: Tensor, near: Neighbourhood, of: Mixture, dim_mask: Tensor) -> Tensor:
        """What the nodes hear of the channels that are sent; the others as they are."""
        sent, mask = h[..., :: self.partial].contiguous(), dim_mask[:: self.partial]
        keep = self.precision(of)
        weights = keep("attention", self._coefficients(sent * mask, near, of["attention"], keep))
        total = cache(lambda: near.sum(weights, sent))
        heard = mixed(
            of["aggregation"],
            [
                lambda: keep("aggregate", total()),
                lambda: keep("aggregate", self.mean_of_neighbours(near, weights, sent, total())),
                lambda: keep("aggregate", near.max(weights, sent)),
                lambda: self.mapped(
                    self.aggregate, keep("aggregate", total()).flatten(0, 1)[:, None], mask, keep
                ).view_as(sent),
            ],
        )
        if self.partial == 1:
            return heard
        out = h.clone()
        out[..., :: self.partial] = heard
        return out

    def _coefficients(self, sent: Tensor, near: Neighbourhood, weights: Tensor, keep: Precision) -> Tensor:
        """`[E + num_nodes]` where they are of the graph alone, else `[E + num_nodes, heads]`."""
        heads, dim = sent.shape[1:]
        several = any(True for i in _asked(weights) for _ in self.attentions[i].parameters())

        def of(attention: nn.Module) -> Tensor:
            slices = {
                name: keep("weight", p[:heads, :dim]) if p.dim() == 2 else p[:dim]
                for name, p in attention.named_parameters()
            }
            found = functional_call(attention, slices, (sent, near))
            return found[:, None].expand(-1, heads) if several and found.dim() == 1 else found

        return mixed(weights, [lambda attention=attention: of(attention) for attention in self.attentions])


class _MLP(nn.Module):
    """Two maps with a ReLU between, of x `[n, heads, dim]`, or of its first heads and channels alone."""

    def __init__(self, heads: int, dim: int) -> None:
        super().__init__()
        self.first, self.second = _matrix(1, MLP_DIM, (heads, dim)), _matrix(heads, dim, (MLP_DIM,))
        self.first_bias, self.second_bias = nn.Parameter(torch.zeros(MLP_DIM)), nn.Parameter(torch.zeros(heads, dim))

    def forward(self, x: Tensor, keep: Precision) -> Tensor:
        heads, dim = x.shape[1:]
        first, second = self.first[0, :, :heads, :dim].flatten(1), self.second[:heads, :dim].flatten(0, 1)
        inner = _affine(x.flatten(1), first, self.first_bias, keep).relu()
        outer = _affine(inner, second, self.second_bias[:heads, :dim].flatten(), keep)
        return outer.unflatten(1, (heads, dim))


def _affine(x: Tensor, weight: Tensor, bias: Tensor, keep: Precision) -> Tensor:
    """x `[n, in]` by weight `[out, in]` and bias `[out]` -> `[n, out]`."""
    return keep("linear", F.linear(keep("linear", x), keep("weight", weight), keep.bias(bias, weight)))


def _matrix(heads: int, dim: int, in_shape: tuple[int, ...]) -> nn.Parameter:
    weight = torch.empty(heads * dim, torch.Size(in_shape).numel())
    glorot(weight)
    return nn.Parameter(weight.view(heads, dim, *in_shape))


def _map(x: Tensor | SparseRows, weight: Tensor, keep: Precision) -> Tensor:
    """x `[n, ...]` by weight `[heads, dim, ...]`, or by as much of it as x has channels -> `[n, heads, dim]`."""
    if isinstance(x, Tensor) and x.dim() == 3:
        weight, x = weight[:, :, : x.size(1), : x.size(2)], x.flatten(1)
    return linear(x, keep("weight", weight.flatten(2).flatten(0, 1))).unflatten(1, weight.shape[:2])


def _asked(weights: Tensor) -> list[int]:
    """The options that `mixed` asks."""
    return list(range(len(weights))) if weights.requires_grad else weights.nonzero().flatten().tolist()


def _mask(sizes: tuple[int, ...], weights: Tensor) -> Tensor:
    """Of each of the first places, the sum of the weights of the sizes that it is part of; up to the last of them."""
    places = torch.arange(max(sizes[i] for i in _asked(weights)), device=weights.device)
    return (places < torch.tensor(sizes, device=weights.device)[:, None]).to(weights.dtype).T @ weights
