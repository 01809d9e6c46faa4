"""BUDDY. Chamberlain et al., Graph Neural Networks for Link Prediction with Subgraph Sketching, ICLR 2023, section 4.

    score(u, v) = psi(z_u * z_v, A_uv[i, j], B_uv[i], B_vu[i])    for i, j = 1 to k
    z_v = W [x_v, (S X)_v, ..., (S^k X)_v],    S = D^-1/2 (A + I) D^-1/2

A_uv[i, j] is the number of nodes at distance i from u and j from v, and B_uv[i] that of nodes at distance i from u and
more than k from v. Both come from the neighbourhoods N_i, the nodes at most i edges away, by their sizes and shares:

    A_uv[i, j] = s(i, j) - s(i - 1, j) - s(i, j - 1) + s(i - 1, j - 1),    s(i, j) = |N_i(u) and N_j(v)|, s(0, .) = 0
    B_uv[i] = |N_i(u)| - |N_(i-1)(u)| - sum over j of A_uv[i, j]

which `graphlab.ops.neighbourhood_sketches` estimates by MinHash and HyperLogLog, so that no subgraph is made. As N_1(v)
has v itself, v counts as at distance 1. The publication leaves psi open; here it is

    w_1 . relu(BN(W_1 (z_u * z_v) + b_1)) + w_2 . mean over both orders of relu(BN(W_2 [A, B, B'] + b_2)) + b

whose mean over the orders (u, v) and (v, u) is ours, as a link has no direction. Sketches are of the links that are
visible, at each step anew. Where the data have no node features the counts alone are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, input_dim, visible_edges
from graphlab.model.node_encoder import dtype_of, normalised_block
from graphlab.model.pairs_in_blocks import scores_in_blocks
from graphlab.model.sparse_features import FeatureInput, Remembered, linear
from graphlab.ops.neighbourhood_sketches import Neighbourhoods, counted, sketched


class Config(ModelConfig):
    """hidden_dim  width of z and of the maps in psi
    num_hops    k, for counts and features
    counts      sketched: estimated; exact: counted, on graphs of up to 20,000 nodes
    num_hashes  of MinHash
    precision   of HyperLogLog, which has 2^precision registers
    dropout     in psi
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 64
    num_hops: Annotated[PositiveInt, IntRange(1, 3)] = 2
    counts: Literal["sketched", "exact"] = "sketched"
    num_hashes: PositiveInt = 128
    precision: Annotated[int, Field(ge=4, le=16), IntRange(4, 12)] = 8
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


@dataclass(frozen=True)
class SketchedGraph:
    """What pairs are scored from.

    Attributes:
        num_nodes: Number of nodes.
        rows: z `[num_nodes, hidden_dim]`; None where there are no features.
        neighbourhoods: N_1 to N_k of each node.
        sizes: Their sizes `[k, num_nodes]`.
    """

    num_nodes: int
    rows: Tensor | None
    neighbourhoods: Neighbourhoods
    sizes: Tensor


class BUDDY(LinkModel):
    """Propagated features, and counts of nodes by their distances from both ends, from sketches."""

    citation = Citation(
        key="chamberlain2023",
        title="Graph Neural Networks for Link Prediction with Subgraph Sketching",
        authors=(
            "Chamberlain, Benjamin Paul and Shirobokov, Sergey and Rossi, Emanuele and Frasca, Fabrizio and "
            "Markovich, Thomas and Hammerla, Nils and Bronstein, Michael M. and Hansmire, Max"
        ),
        venue="ICLR",
        year=2023,
        url="https://arxiv.org/abs/2209.15486",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, dim, hops = config, config.hidden_dim, config.num_hops
        self.out_dim, num_counts = dim, hops * (hops + 2)
        self.propagated = None
        if spec.node is not None:
            width = input_dim(spec.node, "buddy")
            self.propagated = nn.ModuleList(nn.Linear(width, dim, bias=False) for _ in range(hops + 1))
            self.product = _map(dim, dim, config.dropout)
            self.of_product = nn.Linear(dim, 1, bias=False)
        self.structure = _map(num_counts, dim, config.dropout)
        self.of_structure = nn.Linear(dim, 1)
        self.features = FeatureInput(0.0)
        self._block, self._neighbourhoods = Remembered(normalised_block), Remembered(self._sketch)

    def encode(self, graph: Data) -> SketchedGraph:
        num_nodes, edges = int(graph.num_nodes or 0), visible_edges(graph)
        neighbourhoods, sizes = self._neighbourhoods(edges, num_nodes)
        return SketchedGraph(num_nodes, self._propagate(graph, edges, num_nodes), neighbourhoods, sizes)

    def _sketch(self, edges: Tensor, num_nodes: int) -> tuple[Neighbourhoods, Tensor]:
        hops = self.config.num_hops
        if self.config.counts == "exact":
            neighbourhoods: Neighbourhoods = counted(edges, num_nodes, hops)
        else:
            neighbourhoods = sketched(edges, num_nodes, hops, self.config.num_hashes, self.config.precision)
        return neighbourhoods, neighbourhoods.sizes

    def _propagate(self, graph: Data, edges: Tensor, num_nodes: int) -> Tensor | None:
        """z, as the sum over i of S^i (X W_i): maps come first, which make wide features narrow."""
        if self.propagated is None:
            return None
        dtype = dtype_of(self)
        x = self.features(graph["x"].to(dtype))
        block = self._block(edges, num_nodes, dtype, True)
        first, *others = cast(list[nn.Linear], list(self.propagated))
        rows = None
        for layer in reversed(others):
            mapped = linear(x, layer.weight)
            rows = block.sum(mapped if rows is None else mapped + rows)
        own = linear(x, first.weight)
        return own if rows is None else own + rows

    def counts(self, encoding: SketchedGraph, pairs: Tensor) -> Tensor:
        """A_uv by rows, B_uv and B_vu of pairs int64 `[P, 2]`, `[P, k (k + 2)]`."""
        hops = self.config.num_hops
        shared = encoding.sizes.new_zeros(len(pairs), hops + 1, hops + 1)
        for i in range(1, hops + 1):
            for j in range(1, hops + 1):
                shared[:, i, j] = encoding.neighbourhoods.shared(i, j, pairs)
        both = shared.diff(dim=1).diff(dim=2)
        size = nn.functional.pad(encoding.sizes, (0, 0, 1, 0)).diff(dim=0).T
        first, second = size[pairs].unbind(1)
        return torch.cat([both.flatten(1), first - both.sum(2), second - both.sum(1)], dim=1)

    def score_nodes(self, encoding: SketchedGraph, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        width = self.config.num_hashes + 2**self.config.precision + 2 * self.out_dim
        if self.config.counts == "exact":
            width = encoding.num_nodes + 2 * self.out_dim
        return scores_in_blocks(
            lambda pairs: self.score_pairs(encoding, pairs), sources, candidates, encoding.num_nodes, width
        )

    def score_pairs(self, encoding: SketchedGraph, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        counts = self.counts(encoding, pairs)
        both = torch.cat([counts, self._reversed(counts)]).to(dtype_of(self))
        forward, backward = self.structure(both).view(2, len(pairs), self.out_dim)
        score = self.of_structure((forward + backward) / 2)
        if encoding.rows is not None:
            first, second = encoding.rows[pairs].unbind(1)
            score = score + self.of_product(self.product(first * second))
        return score.squeeze(1)

    def _reversed(self, counts: Tensor) -> Tensor:
        """The counts of (v, u) from those of (u, v)."""
        hops = self.config.num_hops
        both, first, second = counts.split([hops * hops, hops, hops], dim=1)
        return torch.cat([both.view(len(both), hops, hops).transpose(1, 2).flatten(1), second, first], dim=1)


def _map(width: int, out_dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, out_dim), nn.BatchNorm1d(out_dim), nn.ReLU(), nn.Dropout(dropout))


PRESETS = {
    "planetoid/citeseer@heart": Preset(
        source="Li et al., NeurIPS 2023: settings released for CiteSeer; they train until validation stops rising",
        model={"hidden_dim": 256, "dropout": 0.5},
        task={"negatives": "hard", "batch_size": 1024, "evaluation_batch_size": 4096},
        training={"epochs": 300, "evaluate_every": 5, "patience": 10, "lr": 0.001},
        ours=("training.epochs", "task.evaluation_batch_size"),
    ),
    "link-prediction": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        model={"dropout": 0.3},
        task={"batch_size": 1024, "evaluation_batch_size": 4096},
        training={"epochs": 100, "lr": 0.005},
        num_parameters={
            DataSpec("node-pairs", (LINK,), node=Continuous(1433), num_entities=2708): (
                3 * 1433 * 64 + (64 * 64 + 64 + 128) + 64 + (8 * 64 + 64 + 128) + 64 + 1
            )
        },
    ),
}
