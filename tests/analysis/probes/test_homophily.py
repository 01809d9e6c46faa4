"""The probe of homophily, and that cards tell what it finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.analysis.directedness import PATTERNS, adjacency_of, homophily_of, pattern_blocks
from graphlab.analysis.probe import analyze
from graphlab.core.errors import ConfigError, DataError, IncompatibleError, InputError
from graphlab.data.card import HOMOPHILY_MEASURES
from graphlab.data.dataset import Dataset
from graphlab.data.identity import identify
from graphlab.data.load import load
from graphlab.data.registry import DATASETS


def with_graph(dataset: Dataset, **changes: torch.Tensor) -> Dataset:
    graph = dataset.graph.clone()
    for key, value in changes.items():
        graph[key] = value
    return replace(dataset, graphs=(graph,), origin=None, name="changed")


@pytest.mark.parametrize("name", ["karate", "directed-sbm/direction-1", "sbm/directed-h0.1"])
def test_rows_are_those_of_the_patterns(name):
    dataset = load(name)
    finding = analyze("homophily", name)
    adjacency = adjacency_of(dataset.graph.edge_index, dataset.graph.num_nodes)
    assert [row["pattern"] for row in finding.rows] == list(PATTERNS)
    for row in finding.rows:
        expected = homophily_of(pattern_blocks(adjacency, row["pattern"]), dataset.graph.y.numpy())
        assert row == {"pattern": row["pattern"], **vars(expected)}
    assert {key: finding.summary[key] for key in ("edge", "adjusted")} == {
        key: finding.rows[0][key] for key in ("edge", "adjusted")
    }


def test_patterns_are_chosen_and_self_loops_kept():
    chosen = analyze("homophily", "directed-sbm/direction-1", patterns="AA', S")
    assert [row["pattern"] for row in chosen.rows] == ["AA'", "S"]
    listed = analyze("homophily", "directed-sbm/direction-1", patterns=["AA'", "S"])
    assert listed.rows == chosen.rows
    loop = with_graph(load("karate"), edge_index=torch.tensor([[0, 0], [0, 33]]))
    assert analyze("homophily", loop).summary["edge"] == 0.0
    assert analyze("homophily", loop, self_pairs=True).summary["edge"] == 0.5


def test_without_edges_it_says_so_and_gives_no_number():
    bare = with_graph(load("karate"), edge_index=torch.zeros(2, 0, dtype=torch.int64))
    finding = analyze("homophily", bare)
    assert "no edge joins" in finding.text and "joined by A, A', AA" in finding.text
    assert finding.summary == {"num_pairs": 0}
    assert all(value in (0, None) for row in finding.rows for key, value in row.items() if key != "pattern")


def test_where_all_ends_have_one_class_it_says_so():
    alike = with_graph(load("karate"), edge_index=torch.tensor([[0, 1], [1, 0]]))
    finding = analyze("homophily", alike)
    assert "not defined, as all ends have one class" in finding.text
    assert finding.summary["edge"] == 1.0 and "adjusted" not in finding.summary


def test_what_it_is_not_about_is_refused():
    with pytest.raises(IncompatibleError, match="has no classes of the nodes"):
        analyze("homophily", "csl")
    with pytest.raises(IncompatibleError, match="has no classes of the nodes"):
        analyze("homophily", "kinship-rules/inductive")
    with pytest.raises(InputError, match="no pattern 'SA'"):
        analyze("homophily", "karate", patterns="A,SA")
    with pytest.raises(ConfigError, match="no option"):
        analyze("homophily", "karate", hops=2)


MODULES = {name: DATASETS.resolve(name).module for name in DATASETS.names()}
NODE_CLASSES = [
    name
    for name, module in MODULES.items()
    if module.CARD.task == "node-classification" and module.__name__.startswith("graphlab.")
]


def _marks(name: str) -> list[pytest.MarkDecorator]:
    is_made_here = name.partition("/")[0] in ("karate", "sbm", "directed-sbm")
    return [] if is_made_here else [pytest.mark.real_data]


@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in NODE_CLASSES])
def test_cards_tell_what_the_probe_finds(name):
    try:
        finding = analyze("homophily", name, patterns="A")
    except DataError as error:
        assert "is neither in" in error.message
        registered = DATASETS.resolve(name)
        assert registered.variant not in registered.module.CARD.homophily
        pytest.skip("the mirror lacks a file, and the card says nothing of it")
    expected = [finding.summary[key.replace(" ", "_")] for key in HOMOPHILY_MEASURES]
    assert list(load(name).homophily.values()) == pytest.approx(expected, abs=0.00051)


def test_a_data_set_that_was_changed_has_not_the_homophily_of_the_card():
    dataset = load("karate")
    assert dataset.homophily["edge"] == 0.859 and "homophily" in dataset._repr_html_()
    changed = identify(replace(dataset, graphs=(dataset.graph.clone(),)))
    assert changed.homophily
    graph = dataset.graph.clone()
    graph.edge_index = graph.edge_index[:, :-2]
    assert identify(replace(dataset, graphs=(graph,))).homophily == {}


def test_the_command_has_the_same_options_and_refuses_other_patterns(cli):
    done = cli("analyze", "homophily", "karate", "--patterns", "A,SS", "--self-pairs", "--json")
    assert done.code == 0
    expected = analyze("homophily", "karate", patterns="A,SS", self_pairs=True)
    assert done.json["rows"] == [dict(row) for row in expected.rows]
    refused = cli("analyze", "homophily", "karate", "--patterns", "A,B")
    assert refused.code == 2 and "there is no pattern 'B'" in refused.err and "hint" in refused.err
    assert cli("analyze", "inverse-relations", "kinship-rules/inductive", "--patterns", "A").code == 2
