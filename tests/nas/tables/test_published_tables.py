"""The space of NAS-Bench-Graph against its published tables."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

import graphlab as gl
from graphlab.core.errors import DataError, InputError
from graphlab.model.link_patterns import OPERATORS, PATTERNS, from_key, key
from graphlab.nas.registry import find_space, find_table, is_table
from graphlab.nas.spaces.nas_bench_graph import FIVE_OPERATORS, LINKS, NODES
from graphlab.nas.tables import TableObjective

PUBLISHED = {
    "cora": (83.13, 82.63, 78.53, 80.17),
    "citeseer": (71.57, 71.03, 65.40, 68.97),
    "pubmed": (78.60, 75.60, 74.03, 77.77),
    "cs": (91.26, 90.59, 86.46, 84.32),
    "photo": (92.79, 92.08, 88.04, 91.42),
    "arxiv": (72.39, 71.95, 70.46, 70.69),
}
"""In percent: the best test, the test of the best validation, the median test, and two layers of GCN."""

TWO_GCN = {"link": "0123", "operator_1": "skip", "operator_2": "skip", "operator_3": "gcn", "operator_4": "gcn"}


@pytest.mark.real_data
@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "cora" else [pytest.mark.slow]) for n in PUBLISHED])
def test_the_published_figures(name):
    table = find_table(f"nas-bench-graph/{name}")
    best, chosen, median, gcn = PUBLISHED[name]
    test = 100 * table.test
    assert len(table) == len(table.rows) == 26_206
    assert test.max() == pytest.approx(best, abs=0.006)
    assert test[table.validation.argmax()] == pytest.approx(chosen, abs=0.006)
    assert np.median(test) == pytest.approx(median, abs=0.006)
    assert test[table.row(TWO_GCN)] == pytest.approx(gcn, abs=0.006)


@pytest.mark.real_data
def test_every_network_of_the_space_is_in_the_table():
    space, table = find_space("nas-bench-graph"), find_table("cora")
    found = set()
    for link, *operators in itertools.product(LINKS, *[OPERATORS] * 4):
        values = {"link": link, **dict(zip(NODES, operators, strict=True))}
        if space.is_valid(values):
            found.add(tuple(space.canonical(values).values()))
    assert found == {tuple(values.values()) for values in table.architectures}


@pytest.mark.real_data
def test_the_regret_is_to_the_best_of_the_table():
    table = find_table("cora")
    best = int(table.validation.argmax())
    regret = table.regret(best, float(table.validation.max()))
    assert regret.validation == 0
    assert regret.test == pytest.approx(83.13 - 82.63, abs=0.01)
    looked_up = TableObjective(table).evaluate(table.architectures[best], lambda step, value: None)
    assert looked_up.metrics["validation"] == table.validation.max()
    assert looked_up.metrics["test"] == table.test[best]


def row(**changed):
    return {"valid_perf": 0.5, "perf": 0.4, "latency": 0.01, "para": 1.5, **changed}


def write(path, content):
    path.write_bytes(pickle.dumps(content, protocol=3))
    return str(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({key((0, 0, 0, 0), ("gcn",) * 4): row()}, "1 architectures in 1 rows, not 26,206 once"),
        ({99999: row()}, "no architecture's number"),
        ({88811: row(perf="high")}, "could not convert"),
        ({88811: {"perf": 0.5}}, "valid_perf"),
        ([1, 2, 3], "no table"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, said):
    with pytest.raises(DataError, match=said):
        find_table(write(tmp_path / "odd.bench", content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({88811: row(), "88811": row()}, "1 architectures in 2 rows"),
        ({88811: row(perf=[0.4]), 88812: row(perf=[0.5])}, "test does not hold single numbers"),
        ({88811: row(), 88812: row(para=float("nan"))}, "size has values that are not finite"),
        ({88811: row(), 88812: row(perf=1.5)}, "accuracies above 1"),
    ],
)
def test_a_file_whose_rows_are_not_those_of_a_table_is_refused(tmp_path, monkeypatch, content, said):
    monkeypatch.setattr("graphlab.nas.tables.nas_bench_graph.NUM_ARCHITECTURES", 2)
    with pytest.raises(DataError, match=said):
        find_table(write(tmp_path / "odd.bench", content))


def five_operators(count=None):
    """A table over all architectures of five operators, as the published one of ogbn-proteins is; with the number of
    graph convolutions as its best."""
    named = itertools.product(PATTERNS, itertools.product(FIVE_OPERATORS, repeat=4))
    keys = sorted({key(link, words) for link, words in named if set(words) != {"skip"}})
    worth = {number: from_key(number)[1].count("gcn") / 5 for number in keys}
    return {number: row(valid_perf=worth[number], perf=worth[number]) for number in keys[:count]}


def test_a_table_of_five_operators_is_searched_by_its_path(tmp_path):
    path = write(tmp_path / "proteins.bench", five_operators())
    table = find_table(path)
    assert len(table) == len(table.rows) == 2_021 and table.space.name == "nas-bench-graph"
    assert all(decision.options == FIVE_OPERATORS for decision in table.space.decisions[1:])
    assert sorted(table.space.hand_set()) == ["gcn-2", "gcn-3", "sage-2", "sage-3"]
    for strategy in ("random", "evolution"):
        search = gl.search(strategy, path, trials=60, store=tmp_path / strategy, seed=0)
        assert len(search.outcomes) == 60
        used = {outcome.values[node] for outcome in search.outcomes for node in NODES}
        assert used == set(FIVE_OPERATORS) and search.best.score >= 0.4


def test_a_table_of_five_operators_that_lacks_a_row_is_refused(tmp_path):
    with pytest.raises(DataError, match="2,020 architectures in 2,020 rows"):
        find_table(write(tmp_path / "proteins.bench", five_operators(2_020)))


def test_a_table_that_asks_for_code_is_refused(tmp_path):
    (tmp_path / "bad.bench").write_bytes(pickle.dumps({1: print}))
    with pytest.raises(DataError, match="asks for"):
        find_table(str(tmp_path / "bad.bench"))


def test_a_table_that_is_not_there_is_named(tmp_path):
    assert is_table(str(tmp_path / "gone.bench"))
    with pytest.raises(DataError, match=r"gone\.bench"):
        find_table(str(tmp_path / "gone.bench"))


def test_names_of_tables_are_told_from_those_of_data_sets():
    assert is_table("nas-bench-graph/cora")
    assert is_table("NAS_Bench_Graph/cora")
    assert not is_table("planetoid/cora")


@pytest.mark.parametrize(
    ("operators", "link", "depth", "last"),
    [(("gcn", "gat", "skip", "fc"), "0012", 2, {"fc"}), (("gin", "gin", "gin", "gin"), "0123", 4, {"gin"})],
)
def test_the_encoding_counts_what_stands_in_the_tree(operators, link, depth, last):
    space = find_space("nas-bench-graph")
    values = space.canonical({"link": link, **dict(zip(NODES, operators, strict=True))})
    code = space.encode(values)
    counted = dict(zip(OPERATORS, code[: len(OPERATORS)], strict=True))
    assert {name: int(n) for name, n in counted.items() if n and name != "skip"} == {
        name: operators.count(name) for name in set(operators) - {"skip"}
    }
    assert code[-2] == depth
    assert last <= set(operators)


def test_values_of_another_space_are_not_in_the_table():
    with pytest.raises(InputError):
        find_space("nas-bench-graph").canonical({"link": "0123", "operator_1": "gcn"})
