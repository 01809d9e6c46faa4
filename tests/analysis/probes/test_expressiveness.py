"""Ceilings of data sets: known figures, hand-counted pairs, and the command's JSON."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.analysis.expressiveness import (
    HIERARCHY,
    TESTS,
    as_arrays,
    ceilings,
    separates,
    stronger_than,
    weaker_than,
)
from graphlab.analysis.probe import analyze
from graphlab.core.errors import ConfigError, IncompatibleError, UnknownNameError
from graphlab.data.dataset import Split, Splits
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.model.registry import MODELS
from tests.ops.slow_refinement import rational_resistances

CATEGORIES = ("Basic", "Regular", "StronglyRegular", "Extension", "CFI", "4Vertex", "DistanceRegular")
EASY = {"Basic": 60, "Regular": 50, "StronglyRegular": 0, "Extension": 100, "4Vertex": 0, "DistanceRegular": 0}
CFI = {
    "RD-WL": 26,
    "SWL(VS)": 41,
    "PSWL(VS)": 49,
    "LFWL(2)": 49,
    "SWL(SV)": 50,
    "PSWL(SV)": 50,
    "GSWL": 50,
    "SSWL": 57,
    "SLFWL(2)": 57,
    "FWL(2)": 60,
}
BREC = {
    "1-WL": dict.fromkeys(CATEGORIES, 0),
    "SPD-WL": dict.fromkeys(CATEGORIES, 0) | {"Basic": 16, "Regular": 14, "Extension": 41, "CFI": 12},
    **{name: EASY | {"CFI": count} for name, count in CFI.items()},
}


def test_csl_has_45_pairs_of_classes(cli):
    found = cli("analyze", "expressiveness", "csl", "--json").json
    assert found["probe"] == "expressiveness" and found["dataset"] == "csl"
    assert {name: counts["total"] for name, counts in found["tests"].items()} == {
        name: {"1-WL": 0, "SPD-WL": 44}.get(name, 45) for name in TESTS if name != "FWL(3)"
    }
    assert found["tests"]["SPD-WL"] == {"total": 44, "pairs": 45, "tied": 1}


@pytest.mark.parametrize("name", ["1-WL", "SPD-WL", "SWL(VS)"])
def test_graphs_with_targets_are_counted_by_hand(name):
    data = load("substructures/triangles")
    few = range(60)
    graphs = [data.graphs[g] for g in few]
    targets = [float(graph.y) for graph in graphs]
    different = [(i, j) for i, j in combinations(few, 2) if targets[i] != targets[j]]
    tied = sum(not separates(name, graphs[i], graphs[j]) for i, j in different)
    found = ceilings(replace(data, graphs=tuple(graphs)), name).tests[name]
    assert found["tied"] == tied and found["pairs"] <= len(different)
    assert found["total"] == found["pairs"] - tied


def test_equal_graphs_with_equal_targets_count_once_and_with_others_cannot_be_separated():
    data = load("substructures/has-triangle")
    graph = data.graphs[0]
    other = graph.clone()
    other.y = 1 - torch.as_tensor(graph.y)
    twice = ceilings(replace(data, graphs=(graph, graph.clone(), other)))
    assert all(counts == {"total": 0, "pairs": 1, "tied": 1} for counts in twice.tests.values())


def test_missing_targets_are_alike():
    data = load("csl")
    graphs = [graph.clone() for graph in data.graphs[::5]]
    for graph in graphs:
        graph.y = torch.tensor([[float("nan"), float(graph.y)]])
    assert ceilings(replace(data, graphs=tuple(graphs)), "1-WL, FWL(2)").summary["num_pairs"] == 45


def test_a_table_a_sentence_and_options():
    found = analyze("expressiveness", "csl", tests=["1-WL", "FWL(2)"])
    assert found.df["test"].tolist() == ["1-WL", "FWL(2)"] and found.df["tied"].tolist() == [45, 0]
    assert "1-WL 0" in repr(found) and "FWL(2)" in found._repr_html_()
    with pytest.raises(ConfigError, match="no option 'test'"):
        analyze("expressiveness", "csl", test="1-WL")
    with pytest.raises(ConfigError, match="no option 'tests'"):
        analyze("inverse-relations", "karate", tests="all")


def test_what_has_no_graphs_to_tell_apart_and_unknown_tests_are_bad_input(cli):
    with pytest.raises(IncompatibleError, match="about nodes"):
        analyze("expressiveness", "karate")
    with pytest.raises(UnknownNameError, match="PSWL"):
        analyze("expressiveness", "csl", tests="PSWL")
    refused = cli("analyze", "expressiveness", "csl", "--tests", "SSWL+", "--json")
    assert refused.code == 2 and "SSWL" in refused.json["error"]["hint"]


@pytest.mark.real_data
def test_ceilings_of_brec_by_category(cli):
    found = cli("analyze", "expressiveness", "brec", "--tests", "all", "--json").json["tests"]
    assert found == {name: counts | {"total": sum(counts.values())} for name, counts in BREC.items()}
    assert list(found["1-WL"]) == [*CATEGORIES, "total"]
    totals = [0, 83, 236, 251, 259, 259, 260, 260, 260, 267, 267, 270]
    assert [counts["total"] for counts in found.values()] == totals


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("pair", [316, 328])
def test_resistances_as_fractions_do_not_separate_what_rounded_ones_seem_to(pair):
    """Float64 resistances rounded to 6 or 7 decimals tell one of these two CFI pairs apart, and 27 in all: a value
    that lies between two decimals. As fractions they are the same bags of the same bags, and 26 pairs are left."""
    data = load("brec")
    graphs = [nx.Graph(data.graphs[2 * pair + side].edge_index.T.tolist()) for side in (0, 1)]
    far = [rational_resistances(graph) for graph in graphs]
    colours: list[dict] = [dict.fromkeys(graph, 0) for graph in graphs]
    for _ in range(4):
        bags = [
            {v: tuple(sorted((d, c[w]) for w, d in one[v].items())) for v in c}
            for one, c in zip(far, colours, strict=True)
        ]
        names: dict = {}
        colours = [
            {v: names.setdefault((c[v], b[v]), len(names)) for v in c} for c, b in zip(colours, bags, strict=True)
        ]
        assert sorted(colours[0].values()) == sorted(colours[1].values())
    assert not separates("RD-WL", data.graphs[2 * pair], data.graphs[2 * pair + 1])


@pytest.mark.real_data
def test_ties_of_graph8c_and_sr25(cli):
    found = analyze("expressiveness", "graph8c", tests="1-WL, SPD-WL, RD-WL, SWL(VS), SSWL, FWL(2)").tests
    assert [counts["tied"] for counts in found.values()] == [312, 186, 0, 0, 0, 0]
    assert all(counts["pairs"] == 61788286 for counts in found.values())
    found = analyze("expressiveness", "sr25", tests=[*TESTS]).tests
    assert [counts["total"] for counts in found.values()] == 12 * [0] + [105]


@pytest.mark.real_data
def test_no_test_takes_isomorphic_graphs_of_brec_apart():
    graphs = [nx.Graph(graph.edge_index.T.tolist()) for graph in load("brec").graphs[500:540]]
    orders = [np.random.default_rng(len(graph)).permutation(len(graph)) for graph in graphs]
    renumbered = [
        nx.Graph([(order[u], order[v]) for u, v in graph.edges]) for graph, order in zip(graphs, orders, strict=True)
    ]
    arrays = as_arrays([*graphs, *renumbered])
    for test in TESTS.values():
        if test.name == "FWL(3)":
            continue
        found = test.refinement.histories(arrays).invariant
        assert (found[: len(graphs)] == found[len(graphs) :]).all()


def test_a_model_has_a_class_and_a_place(cli):
    found = analyze("expressiveness", "sswl-plus")
    assert found.test == "SSWL" and found.ceiling is None and not found.tests
    assert found.weaker == ("1-WL", "SPD-WL", "RD-WL", "SWL(VS)", "PSWL(VS)", "SWL(SV)", "PSWL(SV)", "GSWL")
    assert found.stronger == ("SLFWL(2)", "FWL(2)", "FWL(3)")
    rows = found.df.set_index("test")["is"]
    assert rows["LFWL(2)"] == "not compared" and rows["SSWL"] == "the model's class" and len(rows) == len(TESTS)
    printed = cli("analyze", "expressiveness", "subgraph/sswl-plus", "--json").json
    assert printed == found.to_json() and "dataset" not in printed
    assert "Stronger ones: SLFWL(2), FWL(2), FWL(3)." in cli("analyze", "expressiveness", "sswl-plus").out.replace(
        "\n", " "
    ).replace("  ", " ")


def test_order_of_the_diagram_is_that_of_its_transitive_closure():
    diagram = nx.DiGraph([(edge.weaker, edge.stronger) for edge in HIERARCHY])
    assert nx.is_directed_acyclic_graph(diagram) and set(diagram) == set(TESTS)
    for name in TESTS:
        assert set(weaker_than(name)) == nx.ancestors(diagram, name)
        assert set(stronger_than(name)) == nx.descendants(diagram, name)


def test_a_model_on_a_data_set_has_the_ceiling_of_its_class_beside_the_table(cli):
    found = cli("analyze", "expressiveness", "gin", "hard-pairs", "--json").json
    whole = analyze("expressiveness", "hard-pairs")
    assert found["tests"] == whole.to_json()["tests"] and found["ceiling"] == found["tests"]["1-WL"]
    assert found["class"] == "1-WL" and found["weaker"] == [] and found["ceiling"]["total"] == 0
    plain = {"resistance": False}
    some = analyze("expressiveness", "ngnn", dataset=load("csl"), tests="1-WL", settings=plain)
    assert list(some.tests) == ["1-WL"] and some.ceiling == {"total": 45, "pairs": 45, "tied": 0}
    assert some.df["test"].tolist() == ["1-WL", "SWL(VS)"] and "the ceiling is 45 of 45 pairs" in repr(some)


def test_a_class_that_is_not_run_on_graphs_so_large_has_no_ceiling():
    data = load("csl")
    graphs = [nx.disjoint_union_all([nx.Graph(graph.edge_index.T.tolist())] * 3) for graph in data.graphs[::15]]
    edges = [torch.tensor([*graph.edges, *((v, u) for u, v in graph.edges)]).T for graph in graphs]
    large = tuple(
        Data(x=torch.ones(len(graph), 1), edge_index=e, num_nodes=len(graph), y=old.y)
        for e, graph, old in zip(edges, graphs, data.graphs[::15], strict=True)
    )
    splits = Splits("mine", fixed=(Split(range(6), [6, 7], [8, 9]),))
    found = analyze("expressiveness", "i2gnn", replace(data, graphs=large, splits=splits), tests="1-WL")
    assert found.test == "FWL(3)" and found.ceiling is None and "not known" in found.text
    assert found.df["test"].tolist() == ["1-WL"]


def test_settings_decide_a_class(cli):
    assert analyze("expressiveness", "esan/dss", settings={"policy": "null"}).test == "1-WL"
    words = ("analyze", "expressiveness", "subgraph/swl-vs", "--set", "policy=resistance", "--json")
    found = cli(*words).json
    assert found["class"] == "PSWL(VS)" and found["settings"] == {"policy": "resistance"}
    with pytest.raises(ConfigError, match="no setting 'polisy'"):
        analyze("expressiveness", "ngnn", settings={"polisy": 1})


@pytest.mark.parametrize(
    ("words", "kind", "message", "hint"),
    [
        (("expressiveness", "sswl-pls"), "unknown-name", "no data set or model is named 'sswl-pls'", "sswl-plus"),
        (("expressiveness", "hard-pair"), "unknown-name", "no data set or model is named 'hard-pair'", "hard-pairs"),
        (("expressiveness", "subgraph/sswl-pls"), "unknown-name", "subgraph/sswl-pls", "subgraph/sswl-plus"),
        (("expressiveness", "gin", "crl"), "unknown-name", "no dataset is named 'crl'", "csl"),
        (("expressiveness", "csl", "hard-pairs"), "input", "csl is a data set already", "a model and a data set"),
        (("expressiveness", "nbfnet"), "incompatible", "no test is known", "subgraph/sswl-plus"),
        (("expressiveness", "gin", "karate"), "incompatible", "about nodes", "pair-discrimination"),
        (("expressiveness", "biconnectivity/cut-node"), "incompatible", "about nodes", "analyze biconnectivity"),
        (("expressiveness", "gin", "biconnectivity/cut-edge"), "incompatible", "about edges", "analyze biconnectivity"),
        (("expressiveness", "csl", "--set", "policy=x"), "config", "no option 'settings' here", "tests"),
        (("inverse-relations", "gcn"), "unknown-name", "no dataset is named 'gcn'", ""),
    ],
)
def test_bad_questions_have_one_clear_error(cli, words, kind, message, hint):
    done = cli("analyze", *words, "--json")
    assert done.code == 2 and done.json["error"]["kind"] == kind
    assert message in done.json["error"]["message"] and hint in (done.json["error"]["hint"] or "")


def test_no_name_is_that_of_a_data_set_and_of_a_model():
    names = [
        {*names, *(name.partition("/")[2] for name in names)} - {""} for names in (DATASETS.names(), MODELS.names())
    ]
    assert not names[0] & names[1]
