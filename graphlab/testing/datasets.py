"""The contract of a data set. In a package that adds one, this is the whole test:

@pytest.mark.parametrize("name", ["my-family/my-variant"])
def test_contract(name):
    check_dataset(name)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split
from graphlab.data.fetch import Files
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.data.spec import Categorical, Continuous, DataSpec, Features


def check_dataset(name: str) -> None:
    """Load a data set in all its splits and check it against its card, its spec and itself.

    Raises AssertionError saying what is not as it should be.
    """
    found = DATASETS.resolve(name)
    card: Card = found.module.CARD
    check_card(card, found.family, found.variant)
    for split in card.splits:
        dataset = load(found.name, split=split)
        default = split == card.splits[0]
        assert dataset.name == (found.name if default else f"{found.name}@{split}"), dataset.name
        assert dataset.splits.name == split, f"{dataset.name} calls its split {dataset.splits.name}"
        assert dataset.task == card.task, f"{dataset.name} has another task than its card"
        check_statistics(dataset, card.statistics[found.variant], parts=default)
        for graph in dataset.graphs:
            check_graph(dataset, graph)
        check_splits(dataset)
        built = found.module.build(found.variant, Files(card.sources.get(found.variant, ())), split)
        for other in (built, load(found.name, split=split)):
            assert other.fingerprint == dataset.fingerprint, f"{dataset.name} is not the same when loaded again"


def check_card(card: Card, family: str, variant: str) -> None:
    """It says whose the data are, where every file comes from and what must be in them."""
    assert card.family == family, f"the card of {family} says {card.family}"
    assert card.splits, "the card names no split"
    assert card.licence, "the card names no licence"
    citation = card.citation
    assert all((citation.key, citation.title, citation.authors, citation.year, citation.url)), "the citation has gaps"
    assert variant in card.statistics, f"the card has no statistics of {variant!r}"
    for source in card.sources.get(variant, ()):
        origins = [source.url, source.made_by, source.origin]
        assert sum(map(bool, origins)) == 1, f"{source.path} needs one of address, maker and origin"
        assert source.sha256 is None or len(source.sha256) == 64, f"{source.path}: not a sha256"


def check_statistics(dataset: Dataset, declared: Mapping[str, int], *, parts: bool) -> None:
    """The card's counts are those of the data; `parts` says whether they are of this split."""
    found = dataset.statistics()
    sizes = {"num_train", "num_validation", "num_test"}
    expected = {key: n for key, n in declared.items() if parts or key not in sizes}
    assert expected, "the card declares no counts"
    different = {key: (found.get(key), n) for key, n in expected.items() if found.get(key) != n}
    assert not different, f"{dataset.name} has other counts (found, declared) than its card: {different}"


def check_graph(dataset: Dataset, graph: Data) -> None:
    """Tensors have the types, shapes and ranges that the spec promises."""
    spec = dataset.spec
    num_nodes = int(graph.num_nodes or 0)
    edge_index = graph.edge_index
    assert edge_index is not None, f"{dataset.name} has no edge_index"
    assert edge_index.dtype == torch.int64 and edge_index.shape[0] == 2, "edge_index is not int64 [2, E]"
    assert _within(edge_index, num_nodes), f"{dataset.name}: an edge leads out of the graph"
    assert edge_index.is_contiguous(), "edge_index is not contiguous"
    _check_features(spec.node, graph.x, num_nodes)
    _check_features(spec.edge, graph.edge_attr, edge_index.shape[1])
    if spec.level in ("triple", "mixture"):
        num_relations = spec.num_relations if spec.level == "triple" else graph["num_relations"]
        assert num_relations > 0, "the spec names no relations"
        assert graph.edge_type.shape == (edge_index.shape[1],), "edge_type is not one relation an edge"
        assert _within(graph.edge_type, num_relations), "an edge has a relation that is not counted"
        assert spec.num_entities in (None, num_nodes), f"{dataset.name} has {num_nodes} entities"
        return
    assert spec.directed or graph.is_undirected(), f"{dataset.name} is directed and its spec says it is not"
    if spec.level == "link":
        assert spec.num_entities in (None, num_nodes), f"{dataset.name} has {num_nodes} nodes"
    elif spec.level != "pair":
        rows = {"graph": 1, "node": num_nodes, "edge": edge_index.shape[1]}
        _check_targets(spec, graph.y, num_nodes if spec.level == "node" else rows[spec.target_of])


def _check_features(declared: Features | None, values: object, rows: int) -> None:
    if declared is None:
        assert values is None, "there are features that the spec does not declare"
        return
    assert isinstance(values, Tensor), "the spec declares features that are not there"
    if isinstance(declared, Continuous):
        assert values.dtype == torch.float32, f"continuous features are {values.dtype}, not float32"
        assert values.shape == (rows, declared.dim), f"features are {tuple(values.shape)}, not {(rows, declared.dim)}"
        assert values.isfinite().all(), "a feature is not finite"
    if isinstance(declared, Categorical):
        shape = (rows, len(declared.sizes))
        assert values.dtype == torch.int64, f"categorical features are {values.dtype}, not int64"
        assert values.shape == shape, f"features are {tuple(values.shape)}, not {shape}"
        in_range = all(_within(column, size) for column, size in zip(values.t(), declared.sizes, strict=True))
        assert in_range, "a categorical feature is not in its vocabulary"


def _check_targets(spec: DataSpec, y: object, rows: int) -> None:
    assert isinstance(y, Tensor), "there are no targets"
    if spec.target == "class":
        assert y.dtype == torch.int64 and y.shape == (rows,), f"classes are not int64 [{rows}]"
        assert _within(y, spec.num_outputs), f"a class is not below {spec.num_outputs}"
    else:
        shape = (rows, spec.num_outputs)
        assert y.dtype == torch.float32 and y.shape == shape, f"targets are not float32 {shape}"
        assert not y.isinf().any(), "a target is infinite"


def check_splits(dataset: Dataset) -> None:
    """Parts are there, disjoint and within the data; a seed always gets the same."""
    for seed, split in enumerate(dataset.splits.fixed or map(dataset.split, range(3))):
        for (part, items), (_, again) in zip(split.parts(), dataset.split(seed).parts(), strict=True):
            may_be_empty = dataset.spec.level == "pair" and part != "test"
            assert items.dtype == torch.int64, f"{part} of {dataset.name} is no index"
            assert len(items) or may_be_empty, f"{part} of {dataset.name} is empty"
            assert torch.equal(items, again), f"{part} of {dataset.name} changes for one seed"
        if dataset.spec.level == "triple":
            _check_triples(dataset, split)
        elif dataset.spec.level == "mixture":
            _check_mixture(dataset, split)
        elif dataset.spec.level == "link":
            _check_links(dataset, split)
        elif dataset.spec.level == "pair":
            _check_pairs(dataset, split)
        else:
            items = torch.cat([items for _, items in split.parts()])
            size = int(dataset.graph.num_nodes or 0) if dataset.spec.level == "node" else len(dataset.graphs)
            assert len(items.unique()) == len(items), f"the parts of {dataset.name} overlap"
            assert _within(items, size), f"the split of {dataset.name} leads out of the data"


def _check_triples(dataset: Dataset, split: Split) -> None:
    first, last = dataset.graphs[0], dataset.graphs[-1]
    for (part, triples), graph in zip(split.parts(), (first, first, last), strict=True):
        _check_part(dataset, part, triples, graph, dataset.spec.num_relations)


def _check_mixture(dataset: Dataset, split: Split) -> None:
    """Rows name a graph and then a triple of it; every graph is asked about."""
    assert len(dataset.labels["graphs"]) == len(dataset.graphs), f"{dataset.name} does not name its graphs"
    rows = torch.cat([items for _, items in split.parts()])
    assert rows[:, 0].unique().tolist() == list(range(len(dataset.graphs))), (
        f"{dataset.name} asks of no or other graphs"
    )
    for part, items in split.parts():
        for k, graph in enumerate(dataset.graphs):
            triples = items[items[:, 0] == k][:, 1:]
            _check_part(dataset, part, triples, graph, graph["num_relations"])


def _check_part(dataset: Dataset, part: str, triples: Tensor, graph: Data, num_relations: int) -> None:
    """The triples of one part are true in their graph and, but for training, none of its facts."""
    num_nodes = int(graph.num_nodes or 0)
    assert triples.shape[1] == 3, f"{part} triples are not [n, 3]"
    assert _within(triples[:, [0, 2]], num_nodes), f"a {part} triple of {dataset.name} names no entity"
    assert _within(triples[:, 1], num_relations), f"a {part} triple of {dataset.name} names no relation"
    asked, known, facts = (
        (rows[:, 0] * num_relations + rows[:, 1]) * num_nodes + rows[:, 2]
        for rows in (triples, graph.known_triples, _facts(graph))
    )
    assert len(asked.unique()) == len(asked), f"a {part} triple of {dataset.name} occurs twice"
    assert torch.isin(asked, known).all(), f"a {part} triple of {dataset.name} is not known to be true"
    assert torch.isin(facts, known).all(), f"a fact of {dataset.name} is not known to be true"
    if part != "train":
        assert not torch.isin(asked, facts).any(), f"a {part} triple of {dataset.name} is among the facts"


def _check_links(dataset: Dataset, split: Split) -> None:
    """Pairs are in order and occur once; those labelled 1 are all the links of the graph, and no other pair is one."""
    graph, rows = dataset.graph, torch.cat([items for _, items in split.parts()])
    assert graph.edge_index is not None
    num_nodes = int(graph.num_nodes or 0)
    low, high, label = rows.unbind(1)
    assert (low < high).all() and _within(rows[:, :2], num_nodes), f"a pair of {dataset.name} is not u < v of its nodes"
    assert split.train[:, 2].all(), f"a training pair of {dataset.name} is no link"
    codes = low * num_nodes + high
    assert len(codes.unique()) == len(codes), f"a pair of {dataset.name} occurs twice"
    source, target = graph.edge_index
    links = (source * num_nodes + target)[source < target]
    assert torch.equal(codes[label == 1].sort().values, links.sort().values), f"a link of {dataset.name} is in no part"
    assert not torch.isin(codes[label == 0], links).any(), f"a negative pair of {dataset.name} is a link"


def _check_pairs(dataset: Dataset, split: Split) -> None:
    """Pairs are of two graphs that exist, none occurs twice, and their kinds are named once a pair or not at all."""
    rows = torch.cat([items.flatten() for _, items in split.parts()])
    assert _within(rows, len(dataset.graphs)), f"a pair of {dataset.name} names no graph"
    for part, items in split.parts():
        assert items.ndim == 1 or items.shape[1:] == (2,), f"{part} of {dataset.name} is neither graph ids nor pairs"
    if split.test.ndim == 1:
        assert len(split.test.unique()) == len(split.test) > 1, f"{dataset.name} names a graph twice, or one alone"
        assert "categories" not in dataset.labels, f"{dataset.name} names kinds of pairs that it does not list"
        return
    low, high = split.test.sort(dim=1).values.unbind(1)
    assert (low < high).all(), f"a pair of {dataset.name} is one graph"
    codes = low * len(dataset.graphs) + high
    assert len(codes.unique()) == len(codes), f"a pair of {dataset.name} occurs twice"
    categories = dataset.labels.get("categories")
    assert categories is None or len(categories) == len(codes), f"{dataset.name} names its kinds not once a pair"


def _facts(graph: Data) -> Tensor:
    assert graph.edge_index is not None
    return torch.stack([graph.edge_index[0], graph.edge_type, graph.edge_index[1]], dim=1)


def _within(values: Tensor, size: int) -> bool:
    return not values.numel() or (int(values.min()) >= 0 and int(values.max()) < size)
