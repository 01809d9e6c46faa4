"""The networks of NAS-Bench-Graph. Qin et al., NeurIPS 2022 (data sets and benchmarks), section 3.

Four operators in one of nine trees (`graphlab.model.link_patterns`), between linear maps:

    h_0 = x, or a linear map of it
    h_i = o_i(z), z = h_parent(i) where that is x, else drop(relu(BN_i(h_parent(i))))
    rows = linear maps of relu(what no operator reads, side by side)

An architecture is built as the canonical one that it is the same as, so that equal ones have equal weights. What an
operator does with the neighbours N(i) of a node, edges read as messages j -> i, loops of the graph left out:

    gcn    sum_j W h_j / sqrt((1 + d_i)(1 + d_j)), j in N(i) and i    gin    W (h_i + sum_j h_j)
    cheb   W' h_i - sum_j W h_j / sqrt(d_i d_j)                       sage   W' h_i + mean_j W h_j
    arma   relu(W' h_i + sum_j W h_j / sqrt(d_i d_j))                 graph  W' h_i + sum_j W h_j
    gat    4 heads side by side of sum_j softmax_j(lrelu(a W h_i + b W h_j)) W h_j, j in N(i) and i
    fc     W' h_i                                                     skip   h_i

each but skip with a bias. The parameters that the tables count are these, one batch norm an operator, used or not, and
for each arma a square matrix that its single step has no use for (`counted_parameters`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn.inits import glorot, uniform
from torch_geometric.utils import softmax

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, Probability
from graphlab.core.errors import ConfigError
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model, ModelConfig, Preset
from graphlab.model.link_patterns import canonical
from graphlab.model.neighbourhood import Neighbourhood, Weighting
from graphlab.model.node_vectors import node_vectors, vector_dim
from graphlab.model.sparse_features import FeatureInput, Remembered, SparseRows, linear

Operator = Literal["gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip"]
HEADS = 4


class Config(ModelConfig):
    """link        for each operator the node that it reads, 0 the input; a node comes before those that read it
    operators   what they are
    num_pre     linear maps of the features before the operators
    num_post    linear maps after the one that takes what is read by none
    """

    link: Annotated[tuple[int, int, int, int], Field(strict=False)] = (0, 1, 2, 3)
    operators: Annotated[tuple[Operator, Operator, Operator, Operator], Field(strict=False)] = (
        "skip",
        "skip",
        "gcn",
        "gcn",
    )
    hidden_dim: Annotated[int, Field(ge=HEADS, multiple_of=HEADS), IntRange(64, 256, log=True)] = 256
    num_pre: Annotated[int, Field(ge=0, le=1), IntRange(0, 1)] = 0
    num_post: Annotated[int, Field(ge=0, le=1), IntRange(0, 1)] = 1
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5

    @model_validator(mode="after")
    def _is_an_architecture(self) -> Self:
        try:
            canonical(self.link, self.operators)
        except ConfigError as error:
            raise ValueError(error.message) from None
        return self


class NASBenchGraph(Model):
    """One architecture of the benchmark.

    batch.x as vectors `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    citation = Citation(
        key="qin2022",
        title="NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search",
        authors="Qin, Zhang, Wang, Zhang and Zhu",
        venue="NeurIPS",
        year=2022,
        url="https://arxiv.org/abs/2206.09166",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        given, dim = vector_dim(spec.node, "nas-bench-graph"), config.hidden_dim
        self.out_dim = spec.num_outputs if spec.level == "node" else dim
        self.node_features = spec.node
        self.link, names = canonical(config.link, config.operators)
        raw = _reads_features(config.num_pre, self.link, names)
        self.dropout = config.dropout
        self.features = FeatureInput(config.dropout)
        self.pre = nn.ModuleList(nn.Linear(given, dim) for _ in range(config.num_pre))
        self.norms = nn.ModuleList(nn.Identity() if is_raw else nn.BatchNorm1d(dim) for is_raw in raw)
        self.operators = nn.ModuleList(
            _operator(name, given if is_raw else dim, dim) for name, is_raw in zip(names, raw, strict=True)
        )
        self.leaves = [node for node in range(1, 5) if node not in self.link]
        widths = [dim * len(self.leaves), *[dim] * config.num_post, self.out_dim]
        self.post = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))
        self._neighbourhood = Remembered(Neighbourhood)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        near = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0))
        x = self.features(node_vectors(batch, self.node_features))
        for pre in self.pre:
            x = linear(x, pre.weight) + pre.bias
        h = [x]
        for parent, norm, operator in zip(self.link, self.norms, self.operators, strict=True):
            z = h[parent]
            if isinstance(norm, nn.BatchNorm1d):
                z = F.dropout(norm(z).relu(), self.dropout, self.training)
            h.append(operator(z, near))
        return self._read_out(torch.cat([h[leaf] for leaf in self.leaves], dim=1).relu())

    def _read_out(self, h: Tensor) -> Tensor:
        """The last maps, which have nothing between them: made one, they take a hundredth of the products."""
        first, *rest = self.post
        weight, bias = first.weight, first.bias
        for after in rest:
            weight, bias = after.weight @ weight, after.weight @ bias + after.bias
        return F.linear(h, weight, bias)


def _reads_features(num_pre: int, link: Sequence[int], names: Sequence[str]) -> list[bool]:
    """Of each operator, whether what it reads is the features as they are."""
    given = [num_pre == 0]
    for parent, name in zip(link, names, strict=True):
        given.append(given[parent] and name == "skip")
    return [given[parent] for parent in link]


@dataclass(frozen=True)
class _Kind:
    """heard: how neighbours are summed, None without them; sign: of that sum; own: whether the node itself has a map;
    initial: of the weights, that of PyG's layer of the name."""

    heard: Weighting | None
    own: bool
    initial: Literal["glorot", "uniform"]
    sign: int = 1
    rectified: bool = False


KINDS = {
    "gcn": _Kind("symmetric with self", own=False, initial="glorot"),
    "gin": _Kind("sum with self", own=False, initial="uniform"),
    "cheb": _Kind("symmetric", own=True, initial="glorot", sign=-1),
    "sage": _Kind("mean", own=True, initial="uniform"),
    "arma": _Kind("symmetric", own=True, initial="glorot", rectified=True),
    "graph": _Kind("sum", own=True, initial="uniform"),
    "fc": _Kind(None, own=True, initial="uniform"),
}


class _Convolution(nn.Module):
    """x `[num_nodes, in_dim]` -> `[num_nodes, out_dim]`; maps come before sums, since rows of features are long."""

    def __init__(self, kind: _Kind, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.kind = kind
        self.heard = nn.Parameter(torch.empty(out_dim, in_dim)) if kind.heard else None
        self.own = nn.Parameter(torch.empty(out_dim, in_dim)) if kind.own else None
        self.bias = nn.Parameter(torch.zeros(out_dim))
        for weight in (self.heard, self.own):
            if kind.initial == "glorot":
                glorot(weight)
            else:
                uniform(in_dim, weight)
        if kind.initial == "uniform":
            uniform(in_dim, self.bias)

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor:
        out = self.bias
        if self.own is not None:
            out = linear(x, self.own) + out
        if self.heard is not None and self.kind.heard:
            out = self.kind.sign * near.sum(self.kind.heard, linear(x, self.heard)) + out
        return out.relu() if self.kind.rectified else out


class _Attention(nn.Module):
    """x `[num_nodes, in_dim]` -> `[num_nodes, out_dim]`, the heads side by side."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_dim, in_dim))
        self.receiver = nn.Parameter(torch.empty(1, HEADS, out_dim // HEADS))
        self.sender = nn.Parameter(torch.empty(1, HEADS, out_dim // HEADS))
        self.bias = nn.Parameter(torch.zeros(out_dim))
        for parameter in (self.weight, self.receiver, self.sender):
            glorot(parameter)

    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor:
        h = linear(x, self.weight).unflatten(1, (HEADS, -1))
        i, j = near.pattern.row, near.pattern.column
        logits = (h * self.receiver).sum(-1).index_select(0, i) + (h * self.sender).sum(-1).index_select(0, j)
        attention = softmax(F.leaky_relu(logits, 0.2), i, num_nodes=len(h))
        return near.sum_with(attention, h).flatten(1) + self.bias


class _Skip(nn.Module):
    def forward(self, x: Tensor | SparseRows, near: Neighbourhood) -> Tensor | SparseRows:
        return x


def _operator(name: str, in_dim: int, out_dim: int) -> nn.Module:
    if name == "skip":
        return _Skip()
    return _Attention(in_dim, out_dim) if name == "gat" else _Convolution(KINDS[name], in_dim, out_dim)


SGD = {"optimizer": "sgd", "weight_decay": 5e-4}
PRESETS = {
    "planetoid/cora": Preset(
        source="appendix, hyper-parameters; widths agree with the parameters in the tables",
        model={"dropout": 0.7},
        training=SGD | {"lr": 0.1, "epochs": 400},
    ),
    "planetoid/citeseer": Preset(
        source="appendix, hyper-parameters; widths agree with the parameters in the tables",
        model={"dropout": 0.7},
        training=SGD | {"lr": 0.2, "epochs": 400},
    ),
    "planetoid/pubmed": Preset(
        source="appendix, hyper-parameters; widths agree with the parameters in the tables",
        model={"hidden_dim": 128, "num_post": 0, "dropout": 0.3},
        training=SGD | {"lr": 0.2, "epochs": 500},
    ),
}
