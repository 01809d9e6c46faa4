"""Directed graphs with labelled nodes against what is known of them, and files that nobody has seen by their layout."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.utils import contains_self_loops, is_undirected

from graphlab.core.errors import DataError
from graphlab.data.adapters import citation_directed, film, heterophilous, telegram, webkb, wiki
from graphlab.data.fetch import Files
from graphlab.data.load import load
from graphlab.data.node_files import without_direction

CLASS_SIZES = {
    "webkb/cornell": [33, 1, 18, 101, 30],
    "webkb/texas": [33, 1, 18, 101, 30],
    "webkb/wisconsin": [10, 70, 118, 32, 21],
    "webkb/cornell-undirected": [38, 16, 30, 82, 17],
    "film": [853, 1337, 1630, 1815, 1965],
    "wiki/chameleon": [456, 460, 453, 521, 387],
    "wiki/chameleon-filtered": [242, 134, 209, 164, 141],
    "wiki/squirrel": [1042, 1040, 1039, 1040, 1040],
    "heterophilous/tolokers": [9192, 2566],
    "citation-directed/cora-directed": [298, 418, 818, 426, 217, 180, 351],
    "citation-directed/citeseer-directed": [249, 596, 701, 508, 668, 590],
    "telegram": [39, 84, 30, 92],
    "polblogs": [758, 732],
}

EDGES = {
    "webkb/cornell": (298, 3, 277),
    "webkb/texas": (325, 16, 279),
    "webkb/wisconsin": (515, 16, 450),
    "film": (30019, 93, 26659),
    "wiki/chameleon": (36101, 50, 31371),
    "wiki/chameleon-filtered": (13584, 50, 8854),
    "wiki/squirrel": (217073, 140, 198353),
    "citation-directed/cora-directed": (5429, 0, 5278),
    "citation-directed/citeseer-directed": (4715, 124, 4536),
    "telegram": (8912, 0, 8126),
    "polblogs": (19025, 3, 16715),
    "blog": (19024, 3, 16714),
}
"""Of directed graphs: edges, self-loops, and pairs that an edge joins one way or both."""

UNDIRECTED = {
    "webkb/cornell-undirected": 277,
    "wiki/chameleon-undirected": 31371,
    "wiki/chameleon-filtered-undirected": 8854,
    "wiki/squirrel-undirected": 198353,
    "heterophilous/tolokers": 519000,
}
"""Pairs that are joined."""

TEN = {
    **dict.fromkeys(("webkb/cornell", "webkb/texas", "webkb/cornell-undirected"), (87, 59, 37)),
    "webkb/wisconsin": (120, 80, 51),
    "film": (3648, 2432, 1520),
    **dict.fromkeys(("wiki/chameleon", "wiki/chameleon-undirected"), (1092, 729, 456)),
    **dict.fromkeys(("wiki/squirrel", "wiki/squirrel-undirected"), (2496, 1664, 1041)),
    "heterophilous/tolokers": (5879, 2939, 2940),
}


def mirror(name: str) -> Path:
    return Path(os.environ["GRAPHLAB_MIRROR"], name)


def joined(edge_index: torch.Tensor) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in edge_index.t().tolist() if pair[0] != pair[1]}


@pytest.mark.real_data
@pytest.mark.parametrize("name", CLASS_SIZES)
def test_classes_have_their_sizes(name):
    assert load(name).graph.y.bincount().tolist() == CLASS_SIZES[name]


@pytest.mark.real_data
@pytest.mark.parametrize("name", EDGES)
def test_directed_graphs_say_so_and_keep_direction_and_loops(name):
    dataset = load(name)
    edges = dataset.graph.edge_index
    assert dataset.spec.directed and not is_undirected(edges, num_nodes=dataset.graph.num_nodes)
    loops = int((edges[0] == edges[1]).sum())
    assert (edges.shape[1], loops, len(joined(edges))) == EDGES[name]
    assert edges.shape == edges.unique(dim=1).shape


@pytest.mark.real_data
@pytest.mark.parametrize("name", UNDIRECTED)
def test_undirected_graphs_have_each_link_both_ways(name):
    dataset = load(name)
    edges = dataset.graph.edge_index
    assert not dataset.spec.directed and not contains_self_loops(edges)
    assert is_undirected(edges, num_nodes=dataset.graph.num_nodes)
    assert edges.shape[1] == 2 * UNDIRECTED[name] and edges.shape == edges.unique(dim=1).shape


@pytest.mark.real_data
@pytest.mark.parametrize("name", TEN)
def test_ten_splits_share_all_nodes_out(name):
    dataset = load(name)
    assert len(dataset.splits.fixed) == 10
    for seed in range(10):
        parts = [items for _, items in dataset.split(seed).parts()]
        assert tuple(map(len, parts)) == TEN[name]
        assert torch.cat(parts).sort().values.equal(torch.arange(dataset.graph.num_nodes))
    assert dataset.split(13).test.equal(dataset.split(3).test)
    assert not dataset.split(0).test.equal(dataset.split(1).test)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["chameleon", "squirrel", "chameleon-filtered"])
def test_variants_of_a_wiki_differ_in_direction_and_loops_alone(name):
    directed, undirected = load(f"wiki/{name}"), load(f"wiki/{name}-undirected")
    assert directed.graph.x.equal(undirected.graph.x) and directed.graph.y.equal(undirected.graph.y)
    assert [split.fingerprint for split in directed.splits.fixed] == [
        split.fingerprint for split in undirected.splits.fixed
    ]
    assert without_direction(directed.graph.edge_index).equal(undirected.graph.edge_index)


@pytest.mark.real_data
def test_both_publications_of_chameleon_agree():
    dataset = load("wiki/chameleon")
    lines = mirror("geom-gcn/new_data/chameleon/out1_graph_edges.txt").read_text().splitlines()[1:]
    assert {tuple(map(int, line.split("\t"))) for line in lines} == set(
        map(tuple, dataset.graph.edge_index.t().tolist())
    )
    for k, split in enumerate(dataset.splits.fixed):
        with np.load(mirror(f"geom-gcn/splits/chameleon_split_0.6_0.2_{k}.npz")) as masks:
            for name, (_, items) in zip(("train", "val", "test"), split.parts(), strict=True):
                assert np.array_equal(np.flatnonzero(masks[f"{name}_mask"]), items.numpy())


@pytest.mark.real_data
def test_the_filtered_graph_is_a_subgraph_with_the_same_splits():
    """Articles whose features occur once say where they are in the whole graph."""
    whole, part = load("wiki/chameleon"), load("wiki/chameleon-filtered")
    places: dict[bytes, list[int]] = {}
    for node, row in enumerate(whole.graph.x.numpy()):
        places.setdefault(row.tobytes(), []).append(node)
    known = {
        node: places[row.tobytes()][0]
        for node, row in enumerate(part.graph.x.numpy())
        if len(places[row.tobytes()]) == 1
    }
    assert len(known) > 700
    kept = set(known.values())
    inside = {(u, v) for u, v in whole.graph.edge_index.t().tolist() if u in kept and v in kept}
    edges = part.graph.edge_index.t().tolist()
    assert {(known[u], known[v]) for u, v in edges if u in known and v in known} == inside
    for mine, all_nodes in zip(part.splits.fixed, whole.splits.fixed, strict=True):
        for (_, items), (_, others) in zip(mine.parts(), all_nodes.parts(), strict=True):
            assert {known[node] for node in items.tolist() if node in known} == kept & set(others.tolist())


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["texas", "wisconsin", "film"])
def test_both_publications_of_geom_gcn_s_graphs_agree(name):
    dataset = load(name)
    other = "actor" if name == "film" else name
    with np.load(mirror(f"heterophilous/{other}.npz"), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["node_features"], dataset.graph.x.numpy())
        assert np.array_equal(arrays["node_labels"], dataset.graph.y.numpy())
        assert joined(torch.from_numpy(arrays["edges"].T)) == joined(dataset.graph.edge_index)
        for k, split in enumerate(dataset.splits.fixed):
            assert np.array_equal(np.flatnonzero(arrays["test_masks"][k]), split.test.numpy())


@pytest.mark.real_data
def test_cornell_has_the_nodes_of_texas_and_the_corrected_one_has_not():
    cornell, texas, corrected = (load(f"webkb/{name}").graph for name in ("cornell", "texas", "cornell-undirected"))
    assert cornell.x.equal(texas.x) and cornell.y.equal(texas.y)
    assert not corrected.x.equal(texas.x)
    degrees = [
        torch.tensor([node for pair in joined(graph.edge_index) for node in pair]).bincount().sort().values
        for graph in (cornell, corrected)
    ]
    assert degrees[0].equal(degrees[1])


@pytest.mark.real_data
def test_blog_is_the_largest_component_of_polblogs():
    import networkx as nx

    polblogs, blog = load("polblogs"), load("blog")
    graph = nx.DiGraph(polblogs.graph.edge_index.t().tolist())
    largest = sorted(max(nx.weakly_connected_components(graph), key=len))
    place = {node: k for k, node in enumerate(largest)}
    edges = {(place[u], place[v]) for u, v in graph.edges if u in place and v in place}
    assert edges == set(map(tuple, blog.graph.edge_index.t().tolist()))


@pytest.mark.real_data
def test_weights_of_telegram_are_those_of_the_file():
    dataset = load("telegram")
    weight = dataset.graph.edge_weight
    assert dataset.spec.weighted and (weight.min(), weight.max()) == (1, 7934)
    with np.load(mirror(telegram.ADJACENCY.path), allow_pickle=False) as arrays:
        source = np.repeat(np.arange(245), np.diff(arrays["indptr"]))
        stored = dict(zip(zip(source.tolist(), arrays["indices"].tolist(), strict=True), arrays["data"], strict=True))
    assert stored == dict(zip(map(tuple, dataset.graph.edge_index.t().tolist()), weight.tolist(), strict=True))


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "sizes"), [("telegram", [147, 49, 49]), ("polblogs", [894, 298, 298])])
def test_shares_are_drawn_from_the_seed(name, sizes):
    dataset = load(name)
    parts = [items for _, items in dataset.split(0).parts()]
    assert [len(items) for items in parts] == sizes
    assert torch.cat(parts).sort().values.equal(torch.arange(dataset.graph.num_nodes))
    assert dataset.split(0).test.equal(parts[2]) and not dataset.split(1).test.equal(parts[2])


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cora-directed", "citeseer-directed"])
def test_twenty_of_each_class_are_drawn_from_the_seed(name):
    dataset = load(f"citation-directed/{name}")
    split, y = dataset.split(0), dataset.graph.y
    assert y[split.train].bincount().tolist() == [20] * dataset.spec.num_outputs and len(split.validation) == 500
    assert torch.cat([items for _, items in split.parts()]).sort().values.equal(torch.arange(len(y)))
    assert not dataset.split(1).train.equal(split.train)
    assert set(dataset.graph.x.unique().tolist()) == {0.0, 1.0}


@pytest.mark.real_data
def test_directed_cora_has_the_classes_of_planetoid_s():
    """Article by article they cannot be matched, but their numbers can."""
    directed, planetoid = load("citation-directed/cora-directed"), load("planetoid/cora")
    sizes = [dict(zip(d.labels["classes"], d.graph.y.bincount().tolist(), strict=True)) for d in (directed, planetoid)]
    assert sizes[0] == sizes[1]
    assert len(joined(directed.graph.edge_index)) == len(joined(planetoid.graph.edge_index))


NUM_NODES, DIM = 40, 3


def write_heterophilous(path: Path, **changes: np.ndarray) -> dict[str, np.ndarray]:
    """A graph in the published layout: a ring with chords, each edge once, and a self-loop."""
    rng = np.random.default_rng(0)
    order = np.stack([rng.permutation(NUM_NODES) for _ in range(10)])
    bounds = {"train": (0, 20), "val": (20, 30), "test": (30, 40)}
    node = np.arange(NUM_NODES)
    arrays = {
        "node_features": rng.normal(size=(NUM_NODES, DIM)).astype(np.float32),
        "node_labels": node % 2,
        "edges": np.concatenate([np.stack([node, (node + 1) % NUM_NODES], 1), [[0, 0], [3, 9]]]),
        **{f"{part}_masks": (order >= first) & (order < last) for part, (first, last) in bounds.items()},
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return arrays


@pytest.fixture
def unseen(tmp_path, monkeypatch):
    """A mirror for stand-ins of files without a digest."""
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(tmp_path))
    for counts in (heterophilous.COUNTS, wiki.COUNTS, citation_directed.COUNTS):
        for name in counts:
            monkeypatch.setitem(counts, name, (NUM_NODES, NUM_NODES + 2, DIM, 2)[: len(counts[name])])
    return tmp_path


@pytest.mark.parametrize("variant", ["roman-empire", "amazon-ratings", "minesweeper", "questions"])
def test_heterophilous_graphs_by_their_layout(unseen, variant):
    arrays = write_heterophilous(unseen / "heterophilous" / f"{variant.replace('-', '_')}.npz")
    dataset = load(f"heterophilous/{variant}")
    assert dataset.metric == ("auroc" if variant in ("minesweeper", "questions") else "")
    assert np.array_equal(dataset.graph.x.numpy(), arrays["node_features"])
    assert np.array_equal(dataset.graph.y.numpy(), arrays["node_labels"])
    assert joined(dataset.graph.edge_index) == joined(torch.from_numpy(arrays["edges"].T))
    assert not dataset.spec.directed and dataset.graph.num_edges == 2 * (NUM_NODES + 1)
    for k, split in enumerate(dataset.splits.fixed):
        for name, (_, items) in zip(("train", "val", "test"), split.parts(), strict=True):
            assert np.array_equal(items.numpy(), np.flatnonzero(arrays[f"{name}_masks"][k]))


def test_roman_empire_directed_keeps_the_order_of_ends(unseen):
    arrays = write_heterophilous(unseen / "heterophilous" / "roman_empire.npz")
    dataset = load("heterophilous/roman-empire-directed")
    assert dataset.spec.directed
    assert sorted(map(tuple, dataset.graph.edge_index.t().tolist())) == sorted(map(tuple, arrays["edges"].tolist()))


def test_the_filtered_squirrel_by_its_layout(unseen, monkeypatch):
    monkeypatch.setitem(wiki.NUM_FEATURES, "squirrel", DIM)
    monkeypatch.setattr(wiki, "NUM_CLASSES", 2)
    monkeypatch.setitem(wiki.COUNTS, "squirrel-filtered-undirected", (NUM_NODES, 2 * (NUM_NODES + 1)))
    arrays = write_heterophilous(unseen / "heterophilous" / "squirrel_filtered_directed.npz")
    write_heterophilous(unseen / "heterophilous" / "squirrel_filtered.npz")
    directed, undirected = load("wiki/squirrel-filtered"), load("wiki/squirrel-filtered-undirected")
    assert sorted(map(tuple, directed.graph.edge_index.t().tolist())) == sorted(map(tuple, arrays["edges"].tolist()))
    assert directed.spec.directed and not undirected.spec.directed
    assert without_direction(directed.graph.edge_index).equal(undirected.graph.edge_index)


def test_cora_ml_by_its_layout(unseen, monkeypatch):
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    monkeypatch.setitem(citation_directed.COUNTS, "cora-ml", (NUM_NODES, 60, DIM, 2))
    monkeypatch.setattr(citation_directed, "NUM_TRAIN", 5)
    monkeypatch.setattr(citation_directed, "NUM_VALIDATION", 10)
    chosen = rng.choice(NUM_NODES**2, 60, replace=False)
    dense = np.zeros(NUM_NODES**2, dtype=np.float32)
    dense[chosen] = 1
    adjacency, words = csr_matrix(dense.reshape(NUM_NODES, -1)), csr_matrix(rng.integers(0, 2, (NUM_NODES, DIM)))
    parts = {"adj": adjacency, "attr": words}
    arrays = {f"{p}_{key}": getattr(m, key) for p, m in parts.items() for key in ("data", "indices", "indptr", "shape")}
    path = unseen / "directed" / "gnn-benchmark" / "cora_ml.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, labels=np.arange(NUM_NODES) % 2, **arrays)
    dataset = load("citation-directed/cora-ml")
    assert dataset.spec.directed
    assert np.array_equal(dataset.graph.edge_index.numpy(), np.argwhere(adjacency.toarray()).T)
    assert np.array_equal(dataset.graph.x.numpy(), words.toarray())
    assert [len(items) for _, items in dataset.split(3).parts()] == [10, 10, 20]


def with_mask(part: str, value: bool) -> dict[str, np.ndarray]:
    masks = np.zeros((10, NUM_NODES), dtype=bool)
    masks[:] = value
    return {f"{part}_masks": masks}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"edges": np.array([[0, NUM_NODES]])}, "edges are not pairs of its 40 nodes"),
        ({"edges": np.array([[0, 1, 2]])}, "edges are not pairs of its 40 nodes"),
        ({"node_labels": np.zeros(NUM_NODES - 1, dtype=np.int64)}, "its arrays have the shapes"),
        ({"val_masks": np.zeros((9, NUM_NODES), dtype=bool)}, "its arrays have the shapes"),
        (with_mask("train", True), "a node is not in exactly one part of each split"),
        ({"node_labels": np.arange(NUM_NODES) % 3}, r"are \(40, 42, 3, 3\), not \(40, 42, 3, 2\)"),
        ({"node_labels": np.array([{}] * NUM_NODES)}, "does not hold"),
    ],
)
def test_a_file_of_another_layout_is_refused(unseen, changes, reason):
    write_heterophilous(unseen / "heterophilous" / "minesweeper.npz", **changes)
    with pytest.raises(DataError, match=reason) as refused:
        load("heterophilous/minesweeper")
    assert refused.value.hint


def test_splits_of_other_shares_are_refused(unseen):
    masks = {f"{part}_masks": np.zeros((10, NUM_NODES), dtype=bool) for part in ("train", "val", "test")}
    masks["train_masks"][:, :30], masks["val_masks"][:, 30:35], masks["test_masks"][:, 35:] = True, True, True
    write_heterophilous(unseen / "heterophilous" / "questions.npz", **masks)
    with pytest.raises(DataError, match="a split is not 50/25/25"):
        load("heterophilous/questions")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"no archive"])
def test_a_file_that_is_no_archive_is_refused(unseen, content):
    path = unseen / "heterophilous" / "questions.npz"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"questions\.npz does not hold"):
        load("heterophilous/questions")


class Unchecked(Files):
    """Files of a folder, whatever they hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name


NODES_OF_WEB = "node_id\tfeature\tlabel\n" + "".join(f"{k}\t{','.join(['1'] * 1703)}\t0\n" for k in range(183))


@pytest.mark.parametrize(
    ("nodes", "edges", "reason"),
    [
        ("node_id\tfeature\tlabel\n0\t1,0\t1\n", "a\tb\n0\t0\n", "has not 1,703 numbers"),
        ("node_id\tfeature\tlabel\n1\t1\t1\n", "a\tb\n0\t0\n", "its 1 lines are not of as many nodes"),
        ("node_id\tfeature\tlabel\n0\tword\t1\n", "a\tb\n0\t0\n", "does not hold features and classes"),
        ("node_id\tfeature\n0\t1\n", "a\tb\n0\t0\n", "does not hold features and classes"),
        (NODES_OF_WEB, "a\tb\n0\t183\n", "lines are two nodes from 0 to 182"),
        (NODES_OF_WEB, "a\tb\n0 1\n", "does not hold edges"),
        (NODES_OF_WEB, "a\tb\n", "does not hold edges"),
        (NODES_OF_WEB, "a\tb\n0\t1\n", r"are \(183, 1, 1703, 1\), not \(183, 325, 1703, 5\)"),
    ],
)
def test_text_files_of_another_layout_are_refused(tmp_path, nodes, edges, reason):
    folder = tmp_path / "geom-gcn" / "new_data" / "texas"
    folder.mkdir(parents=True)
    (folder / "out1_node_feature_label.txt").write_text(nodes)
    (folder / "out1_graph_edges.txt").write_text(edges)
    splits = tmp_path / "geom-gcn" / "splits"
    splits.mkdir()
    for k in range(10):
        masks = {f"{part}_mask": np.eye(3, 183, dtype=np.uint8)[i] for i, part in enumerate(("train", "val", "test"))}
        np.savez(splits / f"texas_split_0.6_0.2_{k}.npz", **masks)
    with pytest.raises(DataError, match=reason) as refused:
        webkb.build("texas", Unchecked(tmp_path), "geom-gcn")
    assert refused.value.hint


def test_a_keyword_beyond_the_vocabulary_is_refused(tmp_path):
    folder = tmp_path / "geom-gcn" / "new_data" / "film"
    folder.mkdir(parents=True)
    (folder / "out1_node_feature_label.txt").write_text("node_id\tfeature\tlabel\n0\t5,932\t1\n")
    with pytest.raises(DataError, match="a keyword is none of 932"):
        film.build("", Unchecked(tmp_path), "geom-gcn")
