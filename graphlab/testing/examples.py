"""A tiny data set for each kind of task, made in memory."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.seeds import SeedStream
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.links import split_links, unordered
from graphlab.data.spec import DISTINCT, FACT, LINK, Continuous, DataSpec, Target

NODES, FEATURES, CLASSES, RELATIONS = 24, 5, 3, 3
CITATION = Citation("none", "An example of no data", "GraphLab", 2026, "https://example.org")


def example(name: str) -> Dataset:
    """The example data set called `name`; see EXAMPLES."""
    return EXAMPLES[name]()


def node_classification() -> Dataset:
    random = SeedStream(0, ("example", "node")).torch()
    graph = _random_graph(NODES, random)
    graph.y = graph["x"][:, :CLASSES].argmax(dim=1)
    spec = DataSpec("nodes", (Target("y", "node", "class", CLASSES),), node=Continuous(FEATURES))
    return _dataset("node-classification", (graph,), _thirds(torch.arange(NODES)), spec)


def graph_classification() -> Dataset:
    spec = DataSpec("graphs", (Target("y", "graph", "class", 2),), node=Continuous(FEATURES))
    return _graph_prediction(spec, lambda graph: (graph.x[:, :1].mean() > 0).long().view(1))


def graph_regression() -> Dataset:
    spec = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(FEATURES))
    return _graph_prediction(spec, lambda graph: graph.x[:, :1].mean().view(1, 1))


def pairs() -> Dataset:
    """Four random graphs, each two of them a pair; features of nodes tell them apart, so that every model can."""
    random = SeedStream(0, ("example", "pairs")).torch()
    graphs = tuple(_random_graph(5 + i, random) for i in range(4))
    nothing = torch.zeros(0, dtype=torch.int64)
    split = Split(nothing, nothing, torch.arange(len(graphs)))
    return _dataset(
        "pair-discrimination", graphs, split, DataSpec("graph-pairs", (DISTINCT,), node=Continuous(FEATURES))
    )


def kg_transductive() -> Dataset:
    graph, facts = _world(SeedStream(0, ("example", "kg")).torch())
    spec = DataSpec("triples", (FACT,), num_relations=RELATIONS, num_entities=NODES, directed=True)
    held_out = _thirds(facts)
    _set_facts(graph, held_out.train, facts)
    return _dataset("kg-completion", (graph,), held_out, spec)


def kg_inductive() -> Dataset:
    random = SeedStream(0, ("example", "kg")).torch()
    (seen, facts), (unseen, other) = _world(random), _world(random)
    thirds, rest = _thirds(facts), _thirds(other)
    _set_facts(seen, thirds.train, facts)
    _set_facts(unseen, rest.train, other)
    spec = DataSpec("triples", (FACT,), num_relations=RELATIONS, directed=True)
    split = Split(thirds.train, thirds.validation, rest.test)
    return _dataset("kg-completion", (seen, unseen), split, spec)


def kg_mixture() -> Dataset:
    """The transductive example and the same without its last relation, two graphs of which neither knows the other."""
    whole = kg_transductive()
    graphs, parts = [], []
    for k, num_relations in enumerate((RELATIONS, RELATIONS - 1)):
        held = [triples[triples[:, 1] < num_relations] for _, triples in whole.split().parts()]
        graph = Data(num_nodes=NODES, num_relations=num_relations)
        _set_facts(graph, held[0], torch.cat(held))
        graphs.append(graph)
        parts.append([torch.cat([torch.full((len(rows), 1), k), rows], dim=1) for rows in held])
    split = Split(*(torch.cat(rows) for rows in zip(*parts, strict=True)))
    mixture = _dataset("kg-mixture", tuple(graphs), split, DataSpec("mixture-triples", (FACT,), directed=True))
    return replace(mixture, labels={"graphs": ("all", "fewer")})


def links() -> Dataset:
    """Links between nodes of like features."""
    random = SeedStream(0, ("example", "links")).torch()
    x = torch.randn(NODES, FEATURES, generator=random)
    near = torch.triu((x @ x.T) > 1.5, diagonal=1)
    return _link_prediction(Data(x=x, edge_index=(near | near.T).nonzero().T.contiguous()), Continuous(FEATURES))


def links_without_features() -> Dataset:
    return _link_prediction(Data(edge_index=links().graph.edge_index, num_nodes=NODES), None)


EXAMPLES = {
    "node-classification": node_classification,
    "graph-classification": graph_classification,
    "graph-regression": graph_regression,
    "pairs": pairs,
    "kg-transductive": kg_transductive,
    "kg-inductive": kg_inductive,
    "kg-mixture": kg_mixture,
    "links": links,
    "links-without-features": links_without_features,
}


def _random_graph(num_nodes: int, random: torch.Generator) -> Data:
    upper = torch.triu(torch.rand(num_nodes, num_nodes, generator=random) < 0.25, diagonal=1)
    edge_index = (upper | upper.T).nonzero().T.contiguous()
    return Data(x=torch.randn(num_nodes, FEATURES, generator=random), edge_index=edge_index)


def _graph_prediction(spec: DataSpec, target) -> Dataset:
    random = SeedStream(0, ("example", "graph")).torch()
    graphs = tuple(_random_graph(5 + i % 4, random) for i in range(NODES))
    for graph in graphs:
        graph.y = target(graph)
    return _dataset("graph-prediction", graphs, _thirds(torch.arange(NODES)), spec)


def _link_prediction(graph: Data, features: Continuous | None) -> Dataset:
    split = split_links(unordered(graph["edge_index"]), NODES, SeedStream(0, ("example", "split")))
    spec = DataSpec("node-pairs", (LINK,), node=features, num_entities=NODES)
    return _dataset("link-prediction", (graph,), split, spec)


def _world(random: torch.Generator) -> tuple[Data, torch.Tensor]:
    """A ring under every relation, entity i to i + 1 + relation, and its triples in a random order."""
    heads = torch.arange(NODES).repeat(RELATIONS)
    relations = torch.arange(RELATIONS).repeat_interleave(NODES)
    triples = torch.stack([heads, relations, (heads + 1 + relations) % NODES], dim=1)
    return Data(num_nodes=NODES), triples[torch.randperm(len(triples), generator=random)]


def _set_facts(graph: Data, facts: torch.Tensor, known: torch.Tensor) -> None:
    graph.edge_index = facts[:, [0, 2]].T.contiguous()
    graph.edge_type = facts[:, 1].contiguous()
    graph.known_triples = known


def _thirds(items: torch.Tensor) -> Split:
    half, quarter = len(items) // 2, len(items) // 4
    return Split(items[:half], items[half : half + quarter], items[half + quarter :])


def _dataset(task: str, graphs: tuple[Data, ...], split: Split, spec: DataSpec) -> Dataset:
    card = Card("example", "Examples for the contract tests", task, "MIT", CITATION)
    return Dataset("example", task, graphs, Splits("public", (split,)), spec, card)
