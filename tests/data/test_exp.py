"""EXP and CEXP: classes against a solver of formulas, pairs against 1-WL, and damaged text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch_geometric.utils import to_dense_adj

from graphlab.core.errors import DataError
from graphlab.data.adapters import exp
from graphlab.data.load import load
from tests.data.refinement import same_under_1_wl

pytestmark = pytest.mark.real_data


def clauses(graph) -> list[frozenset[int]]:
    """The formula that a graph was made from; literals are linked to their negation."""
    literal = graph.x.flatten().bool().tolist()
    neighbours: list[list[int]] = [[] for _ in literal]
    for u, v in graph.edge_index.t().tolist():
        neighbours[u].append(v)
    variable: dict[int, int] = {}
    for u in range(len(literal)):
        if literal[u] and u not in variable:
            (negation,) = (v for v in neighbours[u] if literal[v])
            variable[u], variable[negation] = len(variable) + 1, -len(variable) - 1
    return [frozenset(variable[u] for u in neighbours[v]) for v in range(len(literal)) if not literal[v]]


def satisfiable(formula: list[frozenset[int]]) -> bool:
    """Davis, Putnam, Logemann and Loveland."""
    if frozenset() in formula:
        return False
    if not formula:
        return True
    literal = next(iter(min(formula, key=len)))
    choices = [literal] if len(min(formula, key=len)) == 1 else [literal, -literal]
    return any(satisfiable([c - {-choice} for c in formula if choice not in c]) for choice in choices)


@pytest.mark.parametrize("variant", exp.SHA256)
def test_classes_say_whether_the_formula_can_be_satisfied(variant):
    dataset = load(f"exp/{variant}")
    for graph in dataset.graphs:
        name = "satisfiable" if satisfiable(clauses(graph)) else "unsatisfiable"
        assert dataset.labels["classes"][int(graph.y)] == name


def alike_under_1_wl(first, second) -> bool:
    dense = [
        to_dense_adj(graph.edge_index, max_num_nodes=graph.num_nodes)[0].bool().numpy() for graph in (first, second)
    ]
    return same_under_1_wl(*dense, *(graph.x.flatten().tolist() for graph in (first, second)))


@pytest.mark.parametrize(("variant", "alike"), [("exp", [True, True]), ("cexp", [False, True])])
def test_pairs_under_1_wl(variant, alike):
    graphs = load(f"exp/{variant}").graphs
    found = [alike_under_1_wl(graphs[2 * k], graphs[2 * k + 1]) for k in range(600)]
    assert found == alike * 300


def test_folds_divide_no_pair_and_test_every_graph_once():
    splits = load("exp/exp").splits.fixed
    assert torch.equal(torch.cat([split.test for split in splits]), torch.arange(1200))
    for split in splits:
        for _, items in split.parts():
            assert torch.equal(items[::2] + 1, items[1::2]) and (items[::2] % 2 == 0).all()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "EXP"),
        (lambda text: text.replace("1200", "1199", 1), "600 pairs"),
        (lambda text: text.replace("50 1\n", "50 0\n", 1), "600 pairs"),
        (lambda text: text.replace("0 4 1 4 17 18", "0 4 1 4 17 19", 1), "undirected"),
        (lambda text: text.replace("0 4 1 4 17 18", "0 3 1 4 17 18", 1), "cut short"),
        (lambda text: text.replace("0 4 1 4 17 18", "0 4 1 4 17 x", 1), "EXP"),
        (lambda text: "", "EXP"),
    ],
)
def test_damaged_text_is_refused(damage, words, tmp_path):
    path = tmp_path / "EXP.txt"
    path.write_text(damage(Path(os.environ["GRAPHLAB_MIRROR"], "exp/EXP.txt").read_text()))
    with pytest.raises(DataError, match=words):
        exp.read_graphs(path)
