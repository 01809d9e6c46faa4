"""What users have becomes a data set, with the right counts, or one error; nothing of theirs is changed."""

from __future__ import annotations

import os
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from graphlab.core.errors import DataError, InputError
from graphlab.data.convert import dataset
from graphlab.data.dataset import Split
from graphlab.data.load import load
from graphlab.data.spec import Categorical, Continuous
from graphlab.experiment.run import run
from graphlab.testing.examples import example

DRAWN = {"split": "random-60/20/20"}


def sizes(dataset, seed: int = 0) -> list[int]:
    return [len(part) for _, part in dataset.split(seed).parts()]


def karate_data(**fields) -> Data:
    return Data(**{**load("karate").graph.to_dict(), **fields})


def masks(split: Split, size: int) -> dict[str, torch.Tensor]:
    keys = ("train_mask", "val_mask", "test_mask")
    return {
        key: torch.zeros(size, dtype=torch.bool).index_fill(0, ids, True)
        for key, (_, ids) in zip(keys, split.parts(), strict=True)
    }


def test_data_with_masks_is_the_data_set_it_came_from(tmp_path):
    karate = load("karate")
    data = karate_data(**masks(karate.split(), 34))
    before = {key: value.clone() for key, value in data.to_dict().items() if isinstance(value, torch.Tensor)}
    ours = dataset(data, name="club")
    assert ours.name == "club" and ours.splits.name == "masks" and ours.card.family == "own"
    assert ours.card.licence == "not stated" and not ours.notices
    assert ours.spec == karate.spec and sizes(ours) == [4, 8, 22]
    assert all(torch.equal(data[key], value) for key, value in before.items())
    theirs, mine = (run("gcn", each, store=tmp_path, progress=False).df for each in (karate, ours))
    assert theirs["test/accuracy"].tolist() == mine["test/accuracy"].tolist()


def test_masks_of_several_columns_are_several_splits():
    first, second = (masks(Split(*torch.randperm(34).split([10, 10, 14])), 34) for _ in range(2))
    data = karate_data(**{key: torch.stack([first[key], second[key]], dim=1) for key in first})
    ours = dataset(data, name="club")
    assert len(ours.splits.fixed) == 2 and sizes(ours, 1) == [10, 10, 14]
    assert ours.split(1).train.tolist() == second["train_mask"].nonzero().flatten().tolist()


def test_splits_are_drawn_by_name_and_seed():
    first, again, other = (dataset(karate_data(), name="club", **DRAWN, split_seed=k) for k in (0, 0, 1))
    assert sizes(first) == [20, 6, 8] and first.splits.name == "random-60/20/20"
    assert other.splits.name == "random-60/20/20-seed1"
    assert torch.equal(first.split(5).test, again.split(0).test)
    assert not torch.equal(first.split().test, other.split().test)
    assert sorted(torch.cat([part for _, part in first.split().parts()]).tolist()) == list(range(34))


def test_stratified_splits_keep_the_shares_of_classes():
    y = torch.tensor([0] * 80 + [1] * 20)
    data = Data(x=torch.ones(100, 1), y=y, edge_index=torch.tensor([[0, 1], [1, 0]]))
    split = dataset(data, name="shares", split="stratified-50/25/25").split()
    assert [torch.bincount(y[part]).tolist() for _, part in split.parts()] == [[40, 10], [20, 5], [20, 5]]


def test_unlabelled_nodes_are_in_no_part():
    y = torch.full((34,), -1).scatter(0, torch.arange(20), torch.arange(20) % 2)
    ours = dataset(karate_data(y=y), name="club", **DRAWN)
    assert sizes(ours) == [12, 4, 4] and ours.spec.num_outputs == 2
    assert max(int(part.max()) for _, part in ours.split().parts()) < 20


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        ({}, {}, "club has no split"),
        ({}, {"split": "random-60/20/30"}, "no split is called"),
        ({}, {"split": "random-98/1/1"}, "leaves nothing of 34 items for validation"),
        ({}, {"split": {"train": [0], "test": [1]}}, "has the parts train, test"),
        ({"train_mask": torch.ones(34, dtype=torch.bool)}, {}, "has masks, and no val_mask, test_mask"),
        ({"y": None}, DRAWN, "the nodes of club have no classes"),
        ({"y": torch.rand(34)}, DRAWN, "has y of float32"),
        ({"edge_index": torch.tensor([[0], [1]])}, DRAWN, "edges without their reverse"),
        ({"edge_index": torch.tensor([[0], [1]])}, {**DRAWN, "directed": False}, "and directed is False"),
        ({"edge_index": None}, DRAWN, "has no edge_index"),
        ({}, {**DRAWN, "task": "kg-completion"}, "cannot be for the task 'kg-completion'"),
        ({}, {**DRAWN, "target": "club"}, "has no attribute 'club'"),
        ({}, {**DRAWN, "validation": "train"}, "says nothing about a PyG Data"),
        ({}, {**DRAWN, "features": "identity"}, "has features of its own"),
        ({}, {**DRAWN, "split_seed": -1}, "split_seed cannot be -1"),
        ({}, {"split": {"train": [0, 1], "validation": [1], "test": [2]}}, "share 1"),
    ],
)
def test_data_that_does_not_say_enough_is_one_error(fields, options, words):
    with pytest.raises(InputError, match=words) as caught:
        dataset(karate_data(**fields), name="club", **options)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "a b", "cora@random", "a/b/c", 3])
def test_names_are_plain(name):
    with pytest.raises(InputError, match="cannot be called"):
        dataset(karate_data(), name=name, **DRAWN)


def test_edges_of_one_direction_are_kept_where_it_is_said():
    data = karate_data(edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]))
    ours = dataset(data, name="ways", directed=True, **DRAWN)
    assert ours.spec.directed and ours.graph.num_edges == 3


def test_scalars_of_edges_are_weights():
    data = karate_data(edge_attr=torch.rand(156))
    ours = dataset(data, name="club", **DRAWN)
    assert ours.spec.weighted and ours.spec.edge is None and "edge_attr" in data


def test_graphs_with_classes_and_with_values(tmp_path):
    graphs = [graph.clone() for graph in example("graph-classification").graphs]
    ours = dataset(graphs, name="rings", split="stratified-50/25/25")
    assert ours.task == "graph-prediction" and ours.spec.output.type == "class" and ours.spec.num_outputs == 2
    assert len(ours) == 24 and sizes(ours) == [12, 6, 6] and ours.spec.node == Continuous(5)
    assert run("gin", ours, store=tmp_path, progress=False, epochs=1).df["status"].tolist() == ["finished"]
    for place, graph in enumerate(graphs):
        graph.y = torch.tensor([[float(place), 1.0]])
    values = dataset(graphs, name="rings", **DRAWN)
    assert values.spec.output.type == "value" and values.spec.num_outputs == 2 and values.graph.y.shape == (1, 2)
    for graph in graphs:
        graph.y, graph.energy = None, torch.tensor(0.5)
    assert dataset(graphs, name="rings", target="energy", **DRAWN).graph.y.tolist() == [[0.5]]
    assert graphs[0].y is None and graphs[0].energy.shape == ()


def test_categories_of_all_graphs_count():
    graphs = [
        Data(x=torch.tensor([[k], [0]]), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([k % 2]))
        for k in range(10)
    ]
    ours = dataset(graphs, name="atoms", **DRAWN)
    assert ours.spec.node == Categorical((10,))
    assert "read as categories" in ours.notices[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda graphs: [], "has no graphs"),
        (lambda graphs: [*graphs, "graph"], "has a str among its graphs"),
        (lambda graphs: [Data(edge_index=graphs[0].edge_index, x=graphs[0].x), *graphs], "graph 0, has no target y"),
        (lambda graphs: [Data(**{**graphs[0].to_dict(), "y": torch.tensor([0, 1])}), *graphs], r"y of the shape \[2\]"),
    ],
)
def test_lists_that_are_not_right(change, words):
    with pytest.raises(InputError, match=words):
        dataset(change(list(example("graph-classification").graphs)), name="rings", **DRAWN)


def towns() -> nx.Graph:
    network = nx.Graph()
    for k in range(20):
        network.add_node(f"town {k:02}", kind="north" if k < 8 else "south", size=[float(k), 1.0], note="x")
    network.add_edges_from((f"town {k:02}", f"town {(k + step) % 20:02}") for k in range(20) for step in (1, 3))
    return network


def test_a_networkx_graph_keeps_its_names():
    network = towns()
    ours = dataset(network, name="towns", target="kind", features=["size"], **DRAWN)
    assert not ours.spec.directed and ours.graph.num_edges == 80 == 2 * network.number_of_edges()
    assert ours.labels["nodes"] == tuple(network) and ours.labels["classes"] == ("north", "south")
    assert torch.bincount(ours.graph.y).tolist() == [8, 12] and ours.spec.node == Continuous(2)
    assert ours.graph.x[7].tolist() == [7.0, 1.0]
    assert ours.notices == ("attributes of nodes that are not read: note",)
    assert {text.get_text() for text in ours.plot().axes[0].texts} >= {"town 07"}


def test_items_of_a_split_are_names():
    names = [f"town {k:02}" for k in range(20)]
    split = {"train": names[:10], "validation": names[10:12], "test": names[12:]}
    ours = dataset(towns(), name="towns", target="kind", features="identity", split=split)
    assert ours.splits.name == "given" and ours.split().test.tolist() == list(range(12, 20))
    with pytest.raises(InputError, match="1 items that are no nodes: \\['Rome'\\]"):
        dataset(towns(), name="towns", target="kind", split={**split, "test": ["Rome"]})


def test_a_digraph_has_a_direction_and_weights_are_read():
    network = nx.DiGraph()
    network.add_weighted_edges_from([(k, (k + 1) % 10, k / 2) for k in range(10)])
    nx.set_node_attributes(network, {k: k % 2 for k in range(10)}, "side")
    ours = dataset(network, name="ring", target="side", features="degree", **DRAWN)
    assert ours.spec.directed and ours.spec.weighted and ours.graph.num_edges == 10
    source, target = ours.graph.edge_index
    assert ours.graph.edge_weight.tolist() == (source / 2).tolist() and target.tolist() == ((source + 1) % 10).tolist()


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        (nx.MultiGraph([(0, 1)]), {}, "is a multigraph"),
        (nx.Graph([(0, 1)]), {"directed": True}, "is a Graph, and directed is True"),
        (nx.Graph([(1, "1")]), {"target": "side"}, "written alike"),
        (nx.Graph([("a", "a ")]), {"target": None, "task": "link-prediction"}, "differ by blanks"),
        (towns(), {"target": "note "}, "no node of own has 'note '"),
        (towns(), {"target": "size"}, "which is no class"),
        (towns(), {"target": "kind", "features": ["kind"]}, "are not all numbers"),
        (towns(), {"target": "kind", "features": ["age"]}, "20 of 20 nodes of own have no 'age'"),
        (towns(), {"target": "kind", "features": "colour"}, "no features are called 'colour'"),
    ],
)
def test_networks_that_are_not_right(network, options, words):
    for node in () if options.get("target") != "side" else network:
        network.nodes[node]["side"] = "left"
    with pytest.raises(InputError, match=words):
        dataset(network, name="own", **{**DRAWN, **options})


EDGES = pd.DataFrame({"from": ["a", "b", "c", "d", "e", "a"], "to": ["b", "c", "d", "e", "a", "c"]})
NODES = pd.DataFrame({"node": list("abcde"), "height": [1, 2, 3, 4, 5], "kind": ["x", "y", "x", "y", None]})
FIVE = {"split": {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}}


def test_frames():
    ours = dataset(EDGES, nodes=NODES, target="kind", directed=False, name="five", **FIVE)
    assert ours.graph.num_edges == 12 and ours.labels["nodes"] == tuple("abcde")
    assert ours.graph.x.flatten().tolist() == [1.0, 2.0, 3.0, 4.0, 5.0] and ours.graph.y.tolist() == [0, 1, 0, 1, -1]
    assert ours.labels["classes"] == ("x", "y")
    directed = dataset({"edges": EDGES, "nodes": NODES}, target="kind", directed=True, name="five", **FIVE)
    assert directed.graph.num_edges == 6 and directed.spec.directed
    labels = pd.DataFrame({"who": list("dcba"), "kind": [4, 3, 4, 3]})
    for form in (labels, labels.set_index("who")["kind"], dict(zip("dcba", (4, 3, 4, 3), strict=True))):
        bare = dataset({"edges": EDGES, "labels": form}, directed=False, features="identity", name="five", **FIVE)
        assert bare.graph.y.tolist() == [0, 1, 0, 1, -1] and bare.labels["classes"] == ("3", "4")
    assert NODES.shape == (5, 3) and EDGES.shape == (6, 2)


def test_weights_of_a_frame_and_edges_that_are_listed_again():
    edges = EDGES.assign(weight=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], colour="red")
    again = pd.concat([edges, pd.DataFrame({"from": ["b"], "to": ["a"], "weight": [1.0], "colour": ["red"]})])
    ours = dataset(again, nodes=NODES, target="kind", directed=False, name="five", **FIVE)
    assert ours.graph.num_edges == 12 and ours.spec.weighted
    weight = {
        tuple(pair): w
        for pair, w in zip(ours.graph.edge_index.t().tolist(), ours.graph.edge_weight.tolist(), strict=True)
    }
    assert weight[0, 1] == weight[1, 0] == 1.0 and weight[2, 0] == 6.0
    assert ours.notices[:2] == (
        "columns of edges that are not read: colour",
        "1 of 7 edges are listed again and count once",
    )
    again.iloc[-1, 2] = 9.0
    with pytest.raises(InputError, match="list 1 edges again with other weights"):
        dataset(again, nodes=NODES, target="kind", directed=False, name="five", **FIVE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"directed": None}, "do not say whether edges have a direction"),
        ({"nodes": NODES.head(3)}, r"2 ends of edges of five are in no row of nodes: \['d', 'e'\]"),
        ({"nodes": pd.concat([NODES, NODES])}, "5 repeated names"),
        ({"nodes": NODES.assign(colour="red")}, "columns of nodes of five are no numbers: colour"),
        ({"features": ["weight"]}, "have no column 'weight'"),
        ({"target": "colour"}, "has no column 'colour'"),
        ({"labels": {"a": 1, "z": 2}, "nodes": None, "target": None}, r"1 labels of five are of no node: \['z'\]"),
        ({"labels": NODES, "nodes": None, "target": None}, "labels of five cannot be a DataFrame"),
        ({"nodes": NODES.assign(height=[1, 2, np.nan, 4, 5])}, "nan at node 2"),
    ],
)
def test_frames_that_are_not_right(options, words):
    arguments = {"nodes": NODES, "target": "kind", "directed": False, "name": "five", **FIVE, **options}
    with pytest.raises(InputError, match=words):
        dataset(EDGES, **arguments)


def test_ends_of_edges_that_are_missing_or_of_two_types():
    with pytest.raises(InputError, match="1 ends of edges of five are missing"):
        dataset(EDGES.replace("e", None).head(4), directed=False, name="five", **FIVE)
    with pytest.raises(InputError, match="several types: int, str"):
        dataset(EDGES.replace("e", 5), directed=False, name="five", **FIVE)


@pytest.mark.parametrize("separator", ["\t", ",", " ", ", ", "  "])
def test_edge_lists(separator, tmp_path):
    path, labels = tmp_path / "edges.txt", tmp_path / "labels.txt"
    ring = [(k, (k + 1) % 12) for k in range(12)]
    path.write_text("".join(f"{u}{separator}{v}\n" for u, v in ring))
    labels.write_text("".join(f"{k}{separator}{'even' if k % 2 == 0 else 'odd'}\n" for k in range(12)))
    ours = dataset(path, labels=labels, directed=False, features="identity", name="ring", **DRAWN)
    assert ours.graph.num_edges == 24 and ours.labels["nodes"] == tuple(map(str, range(12)))
    assert ours.graph.y.tolist() == [0, 1] * 6 and ours.labels["classes"] == ("even", "odd")
    path.write_text("".join(f"{u}{separator}{v}{separator}0.5\n" for u, v in ring))
    weighted = dataset(str(path), labels=labels, directed=True, features="identity", name="ring", **DRAWN)
    assert weighted.graph.edge_weight.tolist() == [0.5] * 12 and weighted.spec.directed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r":1 is empty"),
        ("a b\n\nb c\n", r":2 has 0 names"),
        ("a b\nb c d\n", r":2 has 3 names"),
        ("a b 1\nb c x\n", r":2 has the weight 'x'"),
        ("a\nb\n", r":1 has 1 names"),
        ("source,target\na,b\n", r":1 is a header"),
        ("# nodes 3\na b\n", r":1 is a comment"),
        ("a,b\n,c\n", r":2 has 1 names"),
    ],
)
def test_edge_lists_that_are_not_right(text, words, tmp_path):
    path = tmp_path / "edges.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=r"edges\.txt" + words):
        dataset(path, directed=False, task="link-prediction", name="ring", split="random-85/5/10")


def test_links_of_whatever_is_a_graph(tmp_path):
    network = nx.gnm_random_graph(40, 200, seed=0)
    path = tmp_path / "edges.txt"
    path.write_text("".join(f"{u} {v}\n" for u, v in network.edges))
    frame = pd.DataFrame(network.edges, columns=["u", "v"])
    wanted = {"task": "link-prediction", "split": "random-85/5/10", "name": "links"}
    sources = [(network, {}), (frame, {"directed": False}), (path, {"directed": False})]
    found = [dataset(source, **wanted, **options) for source, options in sources]
    for ours in found:
        assert ours.task == "link-prediction" and ours.spec.num_entities == 40 and ours.graph.num_edges == 400
        assert sizes(ours) == [170, 20, 40] and ours.splits.name == "random-85/5/10"
        assert torch.equal(ours.split().test, found[0].split().test)
    assert len({ours.fingerprint for ours in found}) == 1
    assert run("common-neighbours", found[0], store=tmp_path, progress=False).df["status"].tolist() == ["finished"]
    with pytest.raises(InputError, match="have a direction"):
        dataset(network.to_directed(), **wanted)
    with pytest.raises(InputError, match="leave 0 pairs that no link joins"):
        dataset(nx.complete_graph(20), **wanted)


def triples(folder: Path, **parts: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in parts.items():
        (folder / f"{name}.txt").write_text("".join(line.replace(" ", "\t") + "\n" for line in lines))
    return folder


TRAIN = ["a r b", "b r c", "c s a", "a s c"]


def test_a_folder_of_triples(tmp_path):
    folder = triples(tmp_path / "kg", train=TRAIN, valid=["a r c"], test=["b s c", "c r a"])
    ours = dataset(folder, name="letters")
    assert ours.task == "kg-completion" and sizes(ours) == [4, 1, 2] and ours.spec.num_relations == 2
    assert ours.spec.num_entities == 3 and ours.labels["entities"] == ("a", "b", "c")
    assert len(ours.graph.known_triples) == 7 and ours.graph.num_edges == 4
    done = run("distmult", ours, store=tmp_path / "runs", progress=False, epochs=1, dim=4)
    assert done.df["status"].tolist() == ["finished"]


@pytest.mark.parametrize(("where", "place", "known"), [("train", 0, (5, 4)), ("inference", 1, (4, 5))])
def test_triples_with_an_inference_graph(where, place, known, tmp_path):
    valid = ["a r c"] if where == "train" else ["x r z"]
    folder = triples(tmp_path / "kg", train=TRAIN, inference=["x r y", "y s z", "z r x"], valid=valid, test=["x s z"])
    ours = dataset(folder, name="letters", validation=where)
    assert len(ours) == 2 and ours.spec.num_entities is None and ours.validation_graph == place
    assert [len(graph.known_triples) for graph in ours] == list(known)
    assert ours.labels["test_entities"] == ("x", "y", "z") and sizes(ours) == [4, 1, 1]
    names = ours.labels["entities"] if where == "train" else ours.labels["test_entities"]
    head, relation, tail = ours.split().validation[0].tolist()
    assert f"{names[head]} {ours.labels['relations'][relation]} {names[tail]}" == valid[0]
    with pytest.raises(InputError, match="does not say in which validation is asked"):
        dataset(folder, name="letters")


def test_folders_that_are_not_right(tmp_path):
    folder = triples(tmp_path / "kg", train=TRAIN, test=["b s c"])
    with pytest.raises(DataError, match=r"has no valid\.txt"):
        dataset(folder, name="letters")
    triples(folder, valid=["a r c"], validation=["a r c"])
    with pytest.raises(DataError, match=r"valid\.txt and validation\.txt, either of which is valid"):
        dataset(folder, name="letters")
    (folder / "validation.txt").unlink()
    with pytest.raises(InputError, match="leave validation out"):
        dataset(folder, name="letters", validation="train")
    with pytest.raises(InputError, match="have a direction"):
        dataset(folder, name="letters", directed=False)
    with pytest.raises(DataError, match="is not there"):
        dataset(tmp_path / "absent", name="letters")
    with pytest.raises(InputError, match="cannot be made of a int"):
        dataset(7, name="letters")


@pytest.mark.real_data
@pytest.mark.parametrize(
    "case", ["plain", "bom", "crlf", "leak", "dupes", "loops", "onerel", "nan", "ids0", "onlytest"]
)
def test_cases_of_triples(case):
    folder = Path(os.environ["GRAPHLAB_MIRROR"], "cases", "triples", case)
    ours = dataset(folder, name=case)
    assert ours.spec.num_entities == (15 if case == "onlytest" else 14)
    assert bool(ours.notices) == (case not in ("plain", "bom", "crlf", "nan", "ids0", "loops"))


def test_masks_that_a_split_takes_the_place_of_are_noticed():
    data = karate_data(**masks(Split(*torch.arange(34).split([10, 10, 14])), 34))
    ours = dataset(data, name="club", split="random-50/25/25")
    assert ours.splits.name == "random-50/25/25"
    assert any("the masks are not read" in notice for notice in ours.notices)
