"""What is said of a name is what the registries have, for every name that there is."""

import json

import pytest

import graphlab as gl
from graphlab.catalogue.describe import KINDS, describe
from graphlab.core.errors import ConfigError, InputError, UnknownNameError


@pytest.mark.parametrize("kind", KINDS)
def test_everything_registered_is_described(kind):
    for name in KINDS[kind][0].names():
        found = describe(name, kind)
        assert (found.kind, found.name) == (kind, name)
        assert found.about.strip()
        assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == found.to_json()
        assert found.text in repr(found)
        for row in found.settings:
            assert row.get("allowed") or row["options"], row


def test_a_model():
    found = gl.describe("gcn")
    assert found.facts["tasks"] == "graph-prediction, node-classification"
    assert found.facts["recipes"].startswith("planetoid: training.epochs=200, training.lr=0.01")
    assert "https://arxiv.org/abs/1609.02907" in found.facts["citation"]
    assert list(found.df["setting"]) == ["hidden_dim", "num_layers", "dropout"]
    assert list(found.df["allowed"]) == ["whole number ≥ 1", "whole number ≥ 1", "number ≥ 0, < 1"]
    assert list(found.df["searched"]) == ["8 to 256, log", "1 to 4", "0 to 0.8"]
    assert "meaning" not in found.df
    assert "whole number ≥ 1" in found._repr_html_()


def test_a_dataset_by_its_variant_and_split():
    found = gl.describe("cora@random")
    assert (found.kind, found.name) == ("dataset", "planetoid/cora")
    assert found.facts["counts"].startswith("nodes 2,708, edges 10,556, features 1,433")
    assert found.facts["split"].startswith("random, or @public, or @full, or @geom-gcn, or @links, or @links-without")
    assert (found.facts["task"], found.facts["other tasks"]) == ("node-classification", "link-prediction")
    assert found.facts["published"] == "4 numbers"
    with pytest.raises(InputError, match="no split 'foo'"):
        describe("cora@foo")
    with pytest.raises(InputError, match="several variants"):
        describe("planetoid")


def test_one_name_for_several_kinds():
    assert (describe("gnn-micro").kind, describe("gnn-micro").also) == ("model", ("space",))
    assert describe("gnn-micro", "space").df["decision"][0] == "attention_1"
    assert "space of this name" in describe("gnn-micro").text
    assert (describe("biconnectivity").kind, describe("biconnectivity").also) == ("probe", ("dataset",))
    with pytest.raises(InputError, match="several variants"):
        describe("biconnectivity", "dataset")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("gnc",), UnknownNameError, "'gcn' or "),
        (("citeser",), UnknownNameError, "'citeseer'"),
        (("zzzz", "model"), UnknownNameError, "known: adpa"),
        (("gcn", "modell"), ConfigError, "model, dataset"),
        ((3,), InputError, "in quotes"),
    ],
)
def test_what_is_not_there(words, error, hint):
    with pytest.raises(error) as caught:
        describe(*words)
    assert caught.value.hint and hint in caught.value.hint


def test_tables_have_what_is_described():
    for table, kind in ((gl.probes(), "probe"), (gl.spaces(), "space"), (gl.proxies(), "proxy")):
        assert list(table["name"]) == KINDS[kind][0].names()
        assert all(table["about"])
    probes = gl.probes().set_index("name")
    assert (probes["of"]["expressiveness"], probes["of"]["biconnectivity"]) == ("data sets, models", "data sets")
    assert probes["options"]["expressiveness"] == "tests, settings"
    assert gl.datasets().set_index("name")["title"]["karate"] == "Zachary's karate club"
