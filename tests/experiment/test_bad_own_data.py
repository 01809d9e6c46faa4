"""Data of one's own that are given wrongly are one error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data, HeteroData

import graphlab as gl
from graphlab.data.convert import dataset
from tests.experiment.own_files import triples

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
SPLIT = {"split": "random-50/25/25"}
LINES = pd.DataFrame({"a": list("abcd"), "b": list("bcda")})
POINTS = pd.DataFrame({"node": list("abcd"), "height": [1.0, 2.0, 3.0, 4.0], "kind": [0, 1, 0, 1]})
FRAMES = {"directed": False, **SPLIT}
TIES = {"task": "link-prediction", **SPLIT}


def graph(**fields: Any) -> Data:
    return Data(**{"x": torch.ones(4, 2), "edge_index": EDGES, "y": torch.tensor([0, 1, 0, 1]), **fields})


def path_graph() -> nx.Graph:
    network = nx.path_graph(8)
    nx.set_node_attributes(network, {k: k % 2 for k in network}, "side")
    return network


def mask(size: int, *places: int) -> torch.Tensor:
    return torch.zeros(size, dtype=torch.bool).index_fill(0, torch.tensor(places), True)


def masks(train: Any, validation: Any, test: Any) -> dict[str, Any]:
    return {"train_mask": train, "val_mask": validation, "test_mask": test}


BAD = {
    "a number": (7, {}, "cannot be made of a int"),
    "a tensor": (EDGES, {}, "cannot be made of a Tensor"),
    "a HeteroData": (HeteroData(), SPLIT, "cannot be made of a HeteroData"),
    "a list of pairs": ([(0, 1)], SPLIT, "has a tuple among its graphs"),
    "no graphs": ([], SPLIT, "has no graphs"),
    "an empty Data": (Data(), SPLIT, "has no edge_index"),
    "an empty graph": (nx.Graph(), {"target": "side", **SPLIT}, "has no nodes"),
    "an empty frame": (LINES.head(0), {**TIES, "directed": False}, "0 links on 0 nodes"),
    "a multigraph": (nx.MultiGraph([(0, 1)]), SPLIT, "is a multigraph"),
    "a name with a blank": (graph(), {"name": "my data", **SPLIT}, "cannot be called 'my data'"),
    "x as a list": (graph(x=[[1.0]] * 4), SPLIT, "has x as a list"),
    "x with NaN": (graph(x=torch.full((4, 2), torch.nan)), SPLIT, "x = nan at node 0"),
    "y of reals": (graph(y=torch.rand(4)), SPLIT, "has y of float32"),
    "y too short": (graph(y=torch.tensor([0, 1])), SPLIT, r"y of the shape \[2\], and 4 nodes"),
    "no y": (graph(y=None), SPLIT, "have no classes"),
    "edges beyond the nodes": (graph(edge_index=EDGES + 3), SPLIT, "4 nodes, and edge_index names 4, 5, 6"),
    "edges of one direction": (graph(edge_index=EDGES[:, :1]), SPLIT, "edges without their reverse"),
    "masks of two lengths": (graph(**masks(mask(3, 0), mask(4, 1), mask(4, 2))), {}, r"shapes \(3,\), \(4,\)"),
    "masks of another length": (
        graph(**masks(mask(3, 0), mask(3, 1), mask(3, 2))),
        {},
        "the length 3, and there are 4",
    ),
    "a mask too few": (graph(train_mask=mask(4, 0)), {}, "has masks, and no val_mask, test_mask"),
    "masks of ids": (graph(**masks(*torch.tensor([[0, 1], [2, 2], [3, 3]]))), {}, "a mask of own is int64"),
    "masks that overlap": (graph(**masks(mask(4, 0), mask(4, 0), mask(4, 2))), {}, "share 1 nodes"),
    "features listed": (graph(), {"features": ["x"], **SPLIT}, "no columns to choose"),
    "features of a number": (graph(), {"features": 3, **SPLIT}, "features cannot be 3"),
    "a target that is a list": (graph(), {"target": ["y"], **SPLIT}, "target cannot be"),
    "a card that is text": (graph(), {"card": "mine", **SPLIT}, "is a str"),
    "no split": (graph(), {}, "own has no split"),
    "a split misspelt": (graph(), {"split": "randon-60/20/20"}, "no split is called 'randon-60/20/20'"),
    "percents that make no whole": (graph(), {"split": "random-60/20/30"}, "no split is called"),
    "parts misspelt": (graph(), {"split": {"train": [0], "val": [1], "test": [2]}}, "has the parts train, val, test"),
    "a part of unknown nodes": (
        path_graph(),
        {"target": "side", "split": {"train": [0], "validation": [1], "test": ["zoe"]}},
        r"no nodes: \['zoe'\]",
    ),
    "a part that is no list": (
        path_graph(),
        {"target": "side", "split": {"train": 0, "validation": [1], "test": [2]}},
        "train part of own is a int",
    ),
    "a split seed below zero": (graph(), {"split_seed": -1, **SPLIT}, "split_seed cannot be -1"),
    "direction as text": (graph(), {"directed": "yes", **SPLIT}, "directed cannot be 'yes'"),
    "graphs without targets": ([graph(y=None)] * 4, SPLIT, "graph 0, has no target y"),
    "graphs with classes of nodes": ([graph()] * 4, SPLIT, r"y of the shape \[4\]"),
    "classes and values": (
        [graph(y=torch.tensor([1])), graph(y=torch.tensor([0.5]))],
        SPLIT,
        "a class as y of graph 0, and of graph 1 a value",
    ),
    "a target that no node has": (path_graph(), {"target": "sides", **SPLIT}, "no node of own has 'sides'"),
    "weights of some edges": (nx.Graph([(0, 1, {"weight": 1}), (1, 2)]), TIES, "1 of 2 edges of own have no weight"),
    "weights as text": (nx.Graph([(0, 1, {"weight": "x"})]), TIES, "weights of edges of own are not all numbers"),
    "links of a tiny graph": (nx.path_graph(3), TIES, "2 links on 3 nodes"),
    "links of a directed graph": (nx.DiGraph([(0, 1), (1, 2)]), TIES, "have a direction"),
    "direction unsaid": (LINES, SPLIT, "do not say whether edges have a direction"),
    "one column": (LINES[["a"]], FRAMES, "have 1 columns"),
    "a frame without the named column": (LINES, {"nodes": POINTS, "target": "sort", **FRAMES}, "no column 'sort'"),
    "features without the named column": (
        LINES,
        {"nodes": POINTS, "target": "kind", "features": ["depth"], **FRAMES},
        "no column 'depth'",
    ),
    "nodes that are a file": (LINES, {"nodes": "nodes.csv", "target": "kind", **FRAMES}, "nodes of own are a str"),
    "a node twice": (LINES, {"nodes": pd.concat([POINTS, POINTS]), "target": "kind", **FRAMES}, "4 repeated names"),
    "a column twice": (
        LINES,
        {"nodes": pd.concat([POINTS, POINTS["height"]], axis=1), "target": "kind", **FRAMES},
        "several columns 'height'",
    ),
    "nodes that are lists": (LINES.map(lambda name: [name]), FRAMES, "an end of an edge of own is the list"),
    "labels of unknown nodes": (LINES, {"labels": {"z": 1}, **FRAMES}, r"1 labels of own are of no node: \['z'\]"),
    "labels and a target": (
        LINES,
        {"nodes": POINTS, "labels": {"a": 1}, "target": "kind", **FRAMES},
        "classes in labels and in target",
    ),
    "frames of other names": ({"edges": LINES, "node": POINTS}, FRAMES, "a mapping with edges, node"),
    "nodes in the mapping and beside it": ({"edges": LINES, "nodes": POINTS}, {"nodes": POINTS}, "and beside it"),
    "no such file": (Path("nowhere.txt"), FRAMES, "nowhere.txt is not there"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_are_one_error_that_says_what_to_do(case):
    source, options, words = BAD[case]
    with pytest.raises(gl.GraphLabError, match=words) as refused:
        dataset(source, **{"name": "own", **options})
    assert refused.value.hint and "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("parts", "options", "words"),
    [
        ({"valid": "a r b", "test": "b r a"}, {}, r"no_triples has no train\.txt|has no train\.txt"),
        ({"train": "a r b", "valid": "a r b"}, {}, r"has no test\.txt"),
        ({"train": "a r", "valid": "a r b", "test": "b r a"}, {}, r"train\.txt:1 has 2 columns, not 3"),
        ({"train": "a r b", "valid": "a r b", "test": "b r a"}, {"split": "random-60/20/20"}, "split says nothing"),
        ({"train": "a r b", "valid": "a r b", "test": "b r a"}, {"validation": "train"}, "has one graph"),
        ({"train": "a r b", "inference": "c r d", "valid": "a r b", "test": "d r c"}, {}, "does not say in which"),
        (
            {"train": "a r b", "inference": "c r d", "valid": "a r b", "test": "d r c"},
            {"validation": "valid"},
            "does not say in which",
        ),
    ],
)
def test_bad_folders_are_one_error_that_says_what_to_do(parts, options, words, tmp_path):
    with pytest.raises(gl.GraphLabError, match=words) as refused:
        dataset(triples(tmp_path / "kg", **parts), **options)
    assert refused.value.hint
