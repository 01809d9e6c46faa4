"""The check as a whole: what is right comes back as it is, what is wrong is one error at every door."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from graphlab.core.errors import DataError, InputError
from graphlab.data.check import check
from graphlab.data.item import find_items
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.data.spec import DataSpec, Target
from graphlab.experiment.plan import make_plan
from graphlab.testing.examples import EXAMPLES, example
from tests.data.refusals import NODE, refusal, with_graph
from tests.specs import with_output


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_right_comes_back_as_it_is(name):
    data = example(name)
    checked = check(data)
    assert check(checked) is checked
    if not find_items(data.spec.items).are_relational:  # of which an entity is in no fact
        assert checked is data
    assert not any("converted" in notice for notice in checked.notices)
    assert checked.graphs[0] is data.graphs[0] and checked.splits is data.splits and checked.spec is data.spec


def test_the_class_of_the_error_says_where_data_come_from():
    data = with_graph(NODE, edge_index=None)
    with pytest.raises(InputError, match="has no edge_index"):
        check(data)
    with pytest.raises(DataError, match="has no edge_index") as caught:
        check(data, DataError)
    assert caught.value.hint and caught.value.exit_code == 1


# What numbers nodes and edges carry.


def test_outlines():
    data = example(NODE)
    refusal(replace(data, graphs=()), "has 0 graphs")
    refusal(replace(data, graphs=data.graphs * 2), "has 2 graphs, and its items are nodes")
    refusal(replace(data, graphs=data.graph), "are no tuple of PyG's Data")
    refusal(replace(data, spec=None), "has the spec None")
    refusal(replace(data, spec=with_output(data.spec, size=0)), "has size=0")
    refusal(replace(data, spec=replace(data.spec, items="vertices")), "no kind of items is named 'vertices'", "nodes")
    refusal(replace(data, validation_graph=1), "no graph 1 for validation")
    refusal(replace(data, labels={"classes": ("a", "b")}), "2 names of 3 classes")
    assert check(replace(data, labels={"classes": ("a", "b", "b")})).notices == (
        "1 of the 3 names of classes occur twice: 'b'",
    )


def test_notices_are_shown_and_travel():
    data = with_graph(NODE, x=example(NODE).graph.x.double(), extra=torch.ones(24))
    plan = make_plan("gcn", data)
    assert (
        plan.notices
        == plan.dataset.notices
        == (
            "converted: x from float64 to float32",
            "no model of GraphLab reads extra of the graphs",
        )
    )
    assert "\n  notice: no model of GraphLab reads extra" in repr(plan.dataset)
    assert "no model of GraphLab reads extra" in plan.dataset._repr_html_()


def test_findings_are_made_anew_and_the_rest_is_kept():
    data = replace(with_graph(NODE, extra=torch.ones(24)), notices=("a line was empty",))
    checked = check(data)
    assert checked.notices == ("a line was empty", "no model of GraphLab reads extra of the graphs")
    assert check(checked) is checked
    graph = checked.graph.clone()
    del graph["extra"]
    assert check(replace(checked, graphs=(graph,))).notices == ("a line was empty",)


def test_data_changed_after_loading_are_checked_at_the_plan():
    data = load("karate")
    data.graph.x = data.graph.x.clone()
    data.graph.x[3, 0] = float("nan")
    with pytest.raises(InputError, match="karate has x = nan at node 3, column 0"):
        make_plan("gcn", data)


def test_bad_data_on_the_command_line_are_one_error(cli, tmp_path, monkeypatch):
    (tmp_path / "damaged.py").write_text(ADAPTER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(DATASETS.families, "damaged", "damaged")
    result = cli("run", "gcn", "damaged", "--json")
    assert result.code == 1
    assert json.loads(result.out)["error"]["kind"] == "data"
    assert "y of 2, at node 1, and there are 2 classes" in json.loads(result.out)["error"]["message"]


ADAPTER = """
import torch
from torch_geometric.data import Data
from graphlab.core.citation import Citation
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import Continuous, DataSpec, Target

CARD = Card("damaged", "Damaged", "node-classification", "MIT", Citation("k", "T", "A", 2024, "https://example.org"))

def build(variant, files, split):
    graph = Data(x=torch.ones(3, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([1, 2, 1]))
    return Dataset("damaged", CARD.task, (graph,), Splits(split, (Split([0], [1], [2]),)),
                   DataSpec("nodes", (Target("y", "node", "class", 2),), node=Continuous(1)), CARD)
"""


def test_specs_of_other_objects():
    data = example(NODE)
    refusal(replace(data, card=None), "has the card None", "a Card")  # pyright: ignore[reportArgumentType]
    for key, value in {"directed": "yes", "weighted": 1}.items():
        refusal(replace(data, spec=replace(data.spec, **{key: value})), f"{key}={value!r}", "it is ")
    for key, value in {"type": "classes", "location": "nodes", "stage": 1, "size": True}.items():
        refusal(replace(data, spec=with_output(data.spec, **{key: value})), f"{key}={value!r}", "it is ")
    for targets, words in {
        (): r"has targets=\(\)",
        ("y",): "the target 'y'",
        (replace(data.spec.output, stage="hint"),): "has no output among its targets",
        (data.spec.output, data.spec.output): "two targets of one name: y, y",
    }.items():
        refusal(replace(data, spec=replace(data.spec, targets=targets)), words)
    refusal(
        replace(data, spec=DataSpec("nodes", (Target("y", "node", "class", 3),), node="five")),
        "'five' describes no features",
    )  # pyright: ignore
