"""Trained models over pairs: what is asked for is run once, counted rightly, and set beside what the class can."""

from __future__ import annotations

import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import graphlab as gl
from graphlab.analysis.expressiveness import partition
from graphlab.analysis.expressiveness.pairs import parse_pairs
from graphlab.analysis.expressiveness.trained import Discrimination, PairOutcome
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.data.dataset import Dataset, Splits
from graphlab.data.spec import Categorical, Continuous
from graphlab.testing.examples import example

QUICK = {"hidden_dim": 16, "num_layers": 3, "progress": False}
CATEGORIES = ("Basic",) * 3 + ("CFI",) * 2


def outcome(pair: int, category: str, **changes) -> PairOutcome:
    told = PairOutcome(pair, category, 0, "finished", True, True, True, True, False, 100.0, True, 3, 0.1, "0" * 16)
    return replace(told, **changes)


FAILED = dict.fromkeys(
    ("official", "calibrated", "official_reliable", "calibrated_reliable", "degenerate", "statistic")
) | {"status": "failed"}

FOUND = Discrimination(
    "m",
    "d",
    "SSWL",
    (
        outcome(0, "Basic"),
        outcome(1, "Basic", calibrated=False, separable=False),
        outcome(2, "Basic", official=False, official_reliable=False, degenerate=True),
        outcome(3, "CFI", official=False, calibrated=False, calibrated_reliable=False, separable=False),
        outcome(4, "CFI", **FAILED),
    ),
)


@pytest.mark.parametrize(
    ("pairs", "chosen"),
    [
        ("all", (0, 1, 2, 3, 4)),
        ("0:2", (0, 1)),
        ("3:5", (3, 4)),
        ("4", (4,)),
        ("3,1", (3, 1)),
        ("CFI", (3, 4)),
        ("0:2, 4", (0, 1, 4)),
        ("CFI,1,0:1", (3, 4, 1, 0)),
        ([2, 0], (2, 0)),
        (range(1, 3), (1, 2)),
        (np.array([4]), (4,)),
    ],
)
def test_pairs_are_read(pairs, chosen):
    assert parse_pairs(pairs, CATEGORIES) == chosen


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("0:6", "no pair 5: the 5 pairs are 0 to 4"),
        ("5", "no pair 5"),
        ([-1], "no pair -1"),
        ("-1:2", "no pair -1"),
        ("2:2", "name no pair"),
        ([], "name no pair"),
        ("1,1", "twice"),
        ("CFI,3", "twice"),
        ("cfi", "cannot read pairs 'cfi'"),
        ("1:2:3", "cannot read"),
        ("", "cannot read"),
        ([0.5], "cannot read"),
        ([True], "cannot read"),
        (3, "cannot read"),
    ],
)
def test_pairs_that_are_not_there_are_one_error(pairs, message):
    with pytest.raises(InputError, match=message) as raised:
        parse_pairs(pairs, CATEGORIES)
    assert raised.value.hint


def test_the_table_counts_by_category():
    table = FOUND.table().set_index("category")
    expected = {
        "pairs": (3, 2, 5),
        "failed": (0, 1, 1),
        "official": (2, 0, 2),
        "official_unreliable": (1, 0, 1),
        "official_beyond": (1, 0, 1),
        "calibrated": (2, 0, 2),
        "calibrated_unreliable": (0, 1, 1),
        "calibrated_beyond": (0, 0, 0),
        "ceiling": (2, 1, 3),
        "degenerate": (1, 0, 1),
        "counts": (False, False, False),
    }
    assert list(table.index) == ["Basic", "CFI", "total"]
    assert {name: tuple(table[name]) for name in expected} == expected
    assert FOUND.num_failed == 1
    assert "does not count" in FOUND.text and "1 runs failed" in FOUND.text and "SSWL, which bounds it, 3" in FOUND.text
    assert "(so that 1 official verdicts are rounding)" in FOUND.text


def test_an_official_score_without_failures_counts():
    clean = replace(FOUND, rows=FOUND.rows[:2])
    assert list(clean.table()["counts"]) == [True, True] and "does not count" not in clean.text
    assert "failed" not in clean.brief() and "official beyond" in clean.brief() and "seed" not in clean.brief()


def test_seeds_have_lines_of_their_own():
    again = tuple(replace(row, seed=7, official=True) for row in FOUND.rows[:4])
    table = replace(FOUND, rows=FOUND.rows + again).table().set_index(["seed", "category"])
    assert table.loc[(0, "total"), "official"] == 2
    assert table.loc[(7, "total"), "official"] == 4


def test_without_a_known_class_nothing_is_said_of_one():
    unknown = replace(FOUND, test=None, rows=tuple(replace(row, separable=None) for row in FOUND.rows))
    assert "ceiling" not in unknown.table() and "bounds" not in repr(unknown)
    assert unknown.plot().data_uri()


def test_json_holds_no_nan_and_the_figures_are_drawn():
    text = json.dumps(FOUND.to_json(), allow_nan=False)
    assert [row["status"] for row in json.loads(text)["pairs"]].count("failed") == 1
    assert "<table>" in FOUND._repr_html_()
    (axes,) = FOUND.plot().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Basic", "CFI"]
    assert [round(bar.get_width()) for bar in axes.containers[0]] == [3, 2]


def two_pairs() -> Dataset:
    """Two triangles and a hexagon, alike under 1-WL; a path and a star, which are not."""
    graphs = []
    for graph in (
        nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)),
        nx.cycle_graph(6),
        nx.path_graph(6),
        nx.star_graph(5),
    ):
        one_way = torch.tensor(list(graph.edges)).T
        graphs.append(Data(x=torch.ones(6, 1), edge_index=torch.cat([one_way, one_way.flip(0)], dim=1), num_nodes=6))
    data = example("pairs")
    split = replace(data.split(), test=torch.tensor([[0, 1], [2, 3]]))
    spec = replace(data.spec, node=Continuous(1))
    return replace(
        data, graphs=tuple(graphs), splits=Splits("pairs", (split,)), spec=spec, labels={"categories": ("tied", "easy")}
    )


def test_models_are_set_beside_their_class(tmp_path):
    data = two_pairs()
    gin = gl.discriminate("gin", data, store=tmp_path, dropout=0.0, **{**QUICK, "hidden_dim": 64})
    assert gin.test == "1-WL"
    assert [(row.category, row.calibrated, row.separable) for row in gin.rows] == [
        ("tied", False, False),
        ("easy", True, True),
    ]
    sswl = gl.discriminate("subgraph/sswl", data, store=tmp_path, **QUICK)
    assert [row.calibrated for row in sswl.rows] == [row.separable for row in sswl.rows] == [True, True]
    assert sswl.test == "SSWL"


def test_what_edges_carry_is_renumbered_with_them_and_nodes_may_carry_nothing(tmp_path):
    """A hexagon with two bonds of another kind, beside each other or across: only bonds tell the two apart."""
    data, hexagon = two_pairs(), two_pairs().graphs[1].edge_index
    kinds = torch.zeros(2, 6, dtype=torch.int64)
    kinds[0, [0, 1]] = kinds[1, [0, 3]] = 1
    graphs = [Data(edge_index=hexagon, edge_attr=kind.repeat(2).unsqueeze(1), num_nodes=6) for kind in kinds]
    spec = replace(data.spec, node=None, edge=Categorical((2,)))
    split = replace(data.split(), test=torch.tensor([[0, 1]]))
    bonds = replace(data, graphs=tuple(graphs), spec=spec, splits=Splits("pairs", (split,)), labels={})
    (row,) = gl.discriminate("subgraph/sswl", bonds, store=tmp_path, **QUICK).rows
    assert row.status == "finished" and row.separable and row.calibrated


def test_a_pair_is_a_run_that_is_not_repeated(tmp_path, monkeypatch):
    settings = {"seeds": [3, 5], "store": tmp_path, "dropout": 0.0, **QUICK, "training.epochs": 1}
    first = gl.discriminate("gin", "hard-pairs", pairs=[4, 2], **settings)
    assert [(row.pair, row.seed) for row in first.rows] == [(4, 3), (4, 5), (2, 3), (2, 5)]
    assert len(gl.runs(tmp_path)) == 4
    monkeypatch.setattr("graphlab.experiment.execute._execute", lambda *_: pytest.fail("ran again"))
    again = gl.discriminate("gin", "hard-pairs", pairs=[2, 4], **settings)
    assert sorted(again.rows, key=str) == sorted(first.rows, key=str)


def test_workers_come_to_what_one_comes_to(tmp_path):
    settings = {"pairs": "0:4", "dropout": 0.0, "device": "cpu", **QUICK, "training.epochs": 2}
    alone = gl.discriminate("gin", "hard-pairs", store=tmp_path / "alone", **settings)
    shared = gl.discriminate("gin", "hard-pairs", store=tmp_path / "shared", workers=2, **settings)
    assert [replace(row, seconds=0) for row in shared.rows] == [replace(row, seconds=0) for row in alone.rows]


def test_separability_is_the_exact_tests(tmp_path):
    data = gl.load("hard-pairs")
    discrimination = gl.discriminate(
        "ppgn-normalised", data, pairs="8:12", store=tmp_path, **{**QUICK, "training.epochs": 0}
    )
    exact = partition("FWL(2)", data.graphs).separates(data.split().test.numpy()[8:12])
    assert discrimination.test == "FWL(2)"
    assert [row.separable for row in discrimination.rows] == exact.tolist()


def test_a_run_that_diverges_is_shown(tmp_path):
    found = gl.discriminate(
        "gin",
        two_pairs(),
        pairs=[1],
        store=tmp_path,
        progress=False,
        **{"training.optimizer": "sgd", "training.lr": 1000.0, "training.weight_decay": 1000.0},
    )
    (row,) = found.rows
    assert (row.status, row.official, row.statistic) == ("failed", None, None)
    assert found.num_failed == 1 and not any(found.table()["counts"])


def test_graphs_of_which_every_two_are_a_pair(tmp_path):
    found = gl.discriminate("gin", example("pairs"), store=tmp_path, **{**QUICK, "training.epochs": 1})
    assert len(found.rows) == 6
    assert list(found.table()["category"]) == ["total"]


def test_requests_that_cannot_be_met(tmp_path):
    with pytest.raises(IncompatibleError, match="no pairs"):
        gl.discriminate("gin", "csl", store=tmp_path)
    with pytest.raises(IncompatibleError, match="distmult does"):
        gl.discriminate("distmult", "hard-pairs", store=tmp_path)
    with pytest.raises(ConfigError, match="not a setting"):
        gl.discriminate("gin", "hard-pairs", store=tmp_path, pair=3)
