"""The inverse model, a rule baseline without parameters. Dettmers et al., AAAI 2018, "Test set leakage".

r and s are taken for each other's inverse if, of the facts of either, at least a share `min_overlap` is there as a
fact of the other with head and tail exchanged; a relation may be its own inverse. The score of (h, r, t) is 1 if
a fact (t, s, h) with such an s is there, else 0. All answers that the rules give tie, and so do all that they do
not give: a ranking by the mean of tied ranks is the expectation of the paper's random order among equals.
"""

from __future__ import annotations

from typing import Annotated

import torch
from scipy import sparse
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, Probability
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig, Preset, TripleModel
from graphlab.ops.relational_spmm import RelationalGraph


class Config(ModelConfig):
    """min_overlap  the paper's 0.99 less the share of triples that are held out, as far as those are a random share"""

    min_overlap: Annotated[Probability, FloatRange(0.5, 0.99)] = 0.9


class InverseRule(TripleModel):
    """Turns known triples around. What it answers is what leaks from training into test through inverses."""

    citation = Citation(
        key="dettmers2018",
        title="Convolutional 2D Knowledge Graph Embeddings",
        authors="Dettmers, Tim and Minervini, Pasquale and Stenetorp, Pontus and Riedel, Sebastian",
        venue="AAAI",
        year=2018,
        url="https://arxiv.org/abs/1707.01476",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = 0
        self.num_relations = spec.num_relations
        self.min_overlap = config.min_overlap
        self._learned: tuple[Data, RelationalGraph, Tensor] | None = None

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        edges, rules = self._learn(graph)
        places = edges.by_source
        scores = torch.zeros(len(head), edges.num_nodes, device=head.device)
        first = places.start[head]
        count = places.start[head + 1] - first
        row = torch.repeat_interleave(torch.arange(len(head), device=head.device), count)
        place = first[row] + torch.arange(len(row), device=head.device) - (count.cumsum(0) - count)[row]
        answers = rules[relation[row], places.kind[place].long()]
        scores[row[answers], places.other[place[answers]].long()] = 1.0
        return scores if tail is None else scores.gather(1, tail)

    def _learn(self, graph: Data) -> tuple[RelationalGraph, Tensor]:
        """The facts with their inverses, and which relation answers for which, bool `[2 R, 2 R]`; of the last graph."""
        if self._learned is None or self._learned[0] is not graph:
            edge_index, edge_type = graph["edge_index"], graph["edge_type"]
            if "edge_mask" in graph:
                edge_index, edge_type = edge_index[:, graph["edge_mask"]], edge_type[graph["edge_mask"]]
            num_nodes = int(graph.num_nodes or 0)
            edges = RelationalGraph.with_inverses(edge_index, edge_type, num_nodes, self.num_relations)
            inverse = self.inverses(edge_index, edge_type, num_nodes)
            same = torch.zeros_like(inverse)
            rules = torch.cat([torch.cat([same, inverse], 1), torch.cat([inverse, same], 1)])
            self._learned = graph, edges, rules.to(edge_index.device)
        return self._learned[1:]

    def inverses(self, edge_index: Tensor, edge_type: Tensor, num_nodes: int) -> Tensor:
        """Which relations are each other's inverse: bool `[R, R]`, symmetric."""
        same, turned = relation_overlap(edge_index, edge_type, num_nodes, self.num_relations)
        covered = (turned >= self.min_overlap * same.diagonal().unsqueeze(1)) & (turned > 0)
        return covered | covered.T


def relation_overlap(
    edge_index: Tensor, edge_type: Tensor, num_nodes: int, num_relations: int
) -> tuple[Tensor, Tensor]:
    """How many facts of relation r are also facts of s: as they are, and with head and tail exchanged.

    Two int64 `[R, R]`; the diagonal of the first counts r's facts, that of the second those with their mirror image.
    A fact about one entity alone is its own mirror image and is left out.
    """
    two = edge_index[0] != edge_index[1]
    facts = torch.unique(torch.stack([edge_type[two], *edge_index[:, two]]).cpu(), dim=1)
    kind, head, tail = facts
    pairs, place = torch.unique(torch.cat([head * num_nodes + tail, tail * num_nodes + head]), return_inverse=True)
    shape = num_relations, len(pairs)
    plain, turned = (sparse.csr_array((torch.ones(len(kind)), (kind, at)), shape=shape) for at in place.chunk(2))
    same, mirrored = (torch.from_numpy((plain @ other.T).toarray()) for other in (plain, turned))
    return same.long(), mirrored.long()


SOURCE = "Dettmers et al., AAAI 2018, 'Test set leakage': 0.99 less the share of validation and test"
_MEAN_TIES = {"tie": "mean"}
_OVERLAPS = {
    "kg/fb15k-237": 0.8674,
    "kg/wn18rr": 0.9236,
    "kg/umls": 0.7888,
    "kg/kinship": 0.7895,
    "kg/nations": 0.7891,
    "kg/family": 0.8181,
}

PRESETS = {
    **{
        name: Preset(SOURCE, model={"min_overlap": overlap}, task=_MEAN_TIES, ours=("task.tie",))
        for name, overlap in _OVERLAPS.items()
    },
    "kg-completion": Preset("the threshold is GraphLab's own", task=_MEAN_TIES, is_published=False),
}
