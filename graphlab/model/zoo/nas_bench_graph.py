"""The networks of NAS-Bench-Graph. Qin et al., NeurIPS 2022 (data sets and benchmarks), section 3.

Four operators in one of nine trees (`graphlab.model.link_patterns`), between linear maps:

    h_0 = x, or a linear map of it
    h_i = o_i(z), z = h_parent(i) where that is x, else drop(relu(BN_i(h_parent(i))))
    rows = linear maps of relu(what no operator reads, side by side)

An architecture is built as the canonical one that it is the same as, so that equal ones have equal weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, Probability
from graphlab.core.errors import ConfigError
from graphlab.data.node_vectors import node_vectors
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, vector_dim
from graphlab.model.link_operators import HEADS, Convolution, Skip, make_operator
from graphlab.model.link_patterns import canonical
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.sparse_features import FeatureInput, Remembered

Operator = Literal["gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip"]


class Config(ModelConfig):
    """link        for each operator the node that it reads, 0 the input; a node comes before those that read it
    operators   what they are
    num_pre     linear maps of the features before the operators
    num_post    linear maps after the one that takes what is read by none
    binary      whether every feature that is not zero counts as one, as the tables' networks read the words of Cora and
                CiteSeer; from rows that are scaled to sum one they learn something else
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
    binary: bool = False

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
    output_items = frozenset({"nodes"})
    citation = Citation(
        key="qin2022",
        title="NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search",
        authors="Qin, Yijian and Zhang, Ziwei and Wang, Xin and Zhang, Zeyang and Zhu, Wenwu",
        venue="NeurIPS datasets and benchmarks",
        year=2022,
        url="https://arxiv.org/abs/2206.09166",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        given, dim = vector_dim(spec.node, "nas-bench-graph"), config.hidden_dim
        self.out_dim = self.row_width(spec, dim)
        self.node_features, self.hidden_dim = spec.node, dim
        self.link, self.names = canonical(config.link, config.operators)
        raw = _reads_features(config.num_pre, self.link, self.names)
        self.dropout = config.dropout
        self.features = FeatureInput(config.dropout, config.binary)
        self.pre = Convolution("fc", given, dim) if config.num_pre else Skip()
        self.norms = nn.ModuleList(nn.Identity() if is_raw else nn.BatchNorm1d(dim) for is_raw in raw)
        self.operators = nn.ModuleList(
            make_operator(name, given if is_raw else dim, dim) for name, is_raw in zip(self.names, raw, strict=True)
        )
        self.leaves = [node for node in range(1, 5) if node not in self.link]
        self.post = _ReadOut(dim * len(self.leaves), dim if config.num_post else None, self.out_dim)
        self._neighbourhood = Remembered(Neighbourhood)

    def counted_parameters(self) -> int:
        """As many as the published tables count: with a batch norm for each operator, used or not, and for each arma a
        square matrix that its only step has no use for."""
        unused = sum(isinstance(norm, nn.Identity) for norm in self.norms)
        armas = self.names.count("arma")
        trained = sum(parameter.numel() for parameter in self.parameters())
        return trained + 2 * self.hidden_dim * unused + self.hidden_dim**2 * armas

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "1-WL"

    def forward(self, batch: Data) -> Tensor:
        near = self._neighbourhood(batch["edge_index"], int(batch.num_nodes or 0))
        h = [self.pre(self.features(node_vectors(batch, self.node_features)), near)]
        for parent, norm, operator in zip(self.link, self.norms, self.operators, strict=True):
            z = h[parent]
            if isinstance(norm, nn.BatchNorm1d):
                z = F.dropout(norm(z).relu(), self.dropout, self.training)
            h.append(operator(z, near))
        return self.post(torch.cat([h[leaf] for leaf in self.leaves], dim=1).relu())


def _reads_features(num_pre: int, link: Sequence[int], names: Sequence[str]) -> list[bool]:
    """Of each operator, whether what it reads is the features as they are."""
    given = [num_pre == 0]
    for parent, name in zip(link, names, strict=True):
        given.append(given[parent] and name == "skip")
    return [given[parent] for parent in link]


class _ReadOut(nn.Module):
    """One linear map, or two with nothing between, which become one for a hundredth of the products."""

    def __init__(self, in_dim: int, dim: int | None, out_dim: int) -> None:
        super().__init__()
        self.first = nn.Linear(in_dim, dim or out_dim)
        self.second = nn.Linear(dim, out_dim) if dim else None

    def forward(self, h: Tensor) -> Tensor:
        if self.second is None:
            return self.first(h)
        return F.linear(h, self.second.weight @ self.first.weight, self.second(self.first.bias))


APPENDIX = "appendix, hyper-parameters; the widths and the number of maps are those that the tables count"
WORDS = APPENDIX + "; words as they are, as the published training code reads them"
ARCHITECTURE = ("model.link", "model.operators")
"""Whose choice an architecture is."""

SGD = {"optimizer": "sgd", "weight_decay": 5e-4}
PRESETS = {
    "planetoid/cora": Preset(
        source=WORDS,
        model={"dropout": 0.7, "binary": True},
        training=SGD | {"lr": 0.1, "epochs": 400},
        ours=ARCHITECTURE,
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433)): 500_999},
    ),
    "planetoid/citeseer": Preset(
        source=WORDS,
        model={"dropout": 0.7, "binary": True},
        training=SGD | {"lr": 0.2, "epochs": 400},
        ours=ARCHITECTURE,
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 6),), node=Continuous(3703)): 1_081_862},
    ),
    "planetoid/pubmed": Preset(
        source=APPENDIX,
        model={"hidden_dim": 128, "num_post": 0, "dropout": 0.3},
        training=SGD | {"lr": 0.2, "epochs": 500},
        ours=ARCHITECTURE,
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(500)): 81_283},
    ),
    "coauthor/cs": Preset(
        source=APPENDIX,
        model={"hidden_dim": 128, "num_pre": 1, "num_post": 0, "dropout": 0.6},
        training=SGD | {"lr": 0.5, "epochs": 400},
        ours=ARCHITECTURE,
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 15),), node=Continuous(6805)): 907_151},
    ),
    "amazon/photo": Preset(
        source=APPENDIX + ", where it has a map more before the operators",
        model={"hidden_dim": 128, "num_post": 0, "dropout": 0.7},
        ours=(*ARCHITECTURE, "model.num_pre"),
        training={"lr": 0.0002, "weight_decay": 5e-4, "epochs": 500},
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 8),), node=Continuous(745)): 113_288},
    ),
    "ogb/arxiv": Preset(
        source=APPENDIX,
        model={"hidden_dim": 128, "dropout": 0.2},
        training={"lr": 0.002, "epochs": 500},
        ours=ARCHITECTURE,
        num_parameters={DataSpec("nodes", (Target("y", "node", "class", 40),), node=Continuous(128)): 54_952},
    ),
}
