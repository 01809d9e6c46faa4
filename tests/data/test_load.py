"""Names, splits and transforms."""

from __future__ import annotations

import sys

import pytest
import torch
import torch_geometric.transforms as T

from graphlab.core.errors import DataError, InputError, UnknownNameError
from graphlab.data.dataset import Dataset
from graphlab.data.identity import identify
from graphlab.data.load import load, table
from graphlab.data.registry import DATASETS
from graphlab.data.spec import Continuous
from graphlab.data.transform import apply
from graphlab.testing.examples import example


@pytest.mark.parametrize("name", ["sbm/directed-h0.3", "directed-h0.3", "SBM/Directed-H0.3", "sbm/directed_h0.3@fixed"])
def test_names_of_one_data_set(name):
    dataset = load(name)
    assert isinstance(dataset, Dataset)
    assert dataset.name == "sbm/directed-h0.3"


@pytest.mark.real_data
def test_split_is_part_of_the_name():
    assert load("cora").name == "planetoid/cora"
    assert load("cora", split="public").name == "planetoid/cora"
    by_name, by_argument = load("planetoid/cora@full"), load("cora", split="full")
    assert by_name.name == by_argument.name == "planetoid/cora@full"
    assert by_name.fingerprint == by_argument.fingerprint != load("cora").fingerprint


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("karat", UnknownNameError, "karate"),
        ("sbm/directed-h0.4", UnknownNameError, "sbm/directed-h0."),
        ("sbm", InputError, "sbm/undirected-h0.1"),
        ("karate/small", UnknownNameError, "karate"),
        ("karate@public", InputError, "leaders"),
        ("", UnknownNameError, "known"),
        ("../../etc", UnknownNameError, "known"),
    ],
)
def test_unknown_names_and_splits(name, kind, words):
    with pytest.raises(kind) as caught:
        load(name)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_two_different_splits_at_once():
    with pytest.raises(InputError, match="name two splits"):
        load("karate@leaders", split="public")


def test_table_lists_everything():
    frame = table().set_index("name")
    assert list(frame.index) == DATASETS.names()
    assert frame.loc["planetoid/cora", "num_edges"] == 10556
    splits = "public, full, random, geom-gcn, links, links-without-features"
    splits += ", links-70/10/20, links-70/10/20-without-features"
    assert frame.loc["planetoid/cora", "splits"] == splits
    assert frame.loc["planetoid/citeseer", "splits"] == f"{splits}, heart"
    assert frame["licence"].str.len().min() > 0


def test_transform_brings_the_spec_into_line():
    plain = load("sbm/directed-h0.9")
    wider = load("sbm/directed-h0.9", transform=T.Compose([T.ToUndirected(), T.OneHotDegree(40)]))
    assert plain.spec.directed and not wider.spec.directed
    assert wider.spec.node == Continuous(16 + 41)
    assert torch.equal(plain.split().test, wider.split().test)
    assert plain.fingerprint != wider.fingerprint


def test_random_transform_is_the_same_at_each_load():
    before = torch.random.get_rng_state()
    first, second = (load("karate", transform=T.AddRandomWalkPE(3, attr_name=None)) for _ in range(2))
    dropped = [load("karate", transform=Noise()) for _ in range(2)]
    assert first.fingerprint == second.fingerprint
    assert dropped[0].fingerprint == dropped[1].fingerprint != load("karate").fingerprint
    assert torch.equal(before, torch.random.get_rng_state())


class Noise:
    def __call__(self, data):
        data.x = data.x + torch.randn_like(data.x)
        return data


class Backwards:
    def __call__(self, data):
        data.edge_index = data.edge_index.flip(1)
        return data


@pytest.mark.parametrize("transform", [T.LargestConnectedComponents(), lambda data: (data, data), lambda data: None])
def test_transform_that_does_not_keep_the_nodes(transform):
    with pytest.raises(InputError, match="does not keep the nodes"):
        load("substructures/triangles", transform=transform)


@pytest.mark.parametrize("transform", [T.AddSelfLoops(), Backwards()])
def test_transform_that_does_not_keep_the_edges_that_are_asked_about(transform):
    with pytest.raises(InputError, match="does not keep the edges"):
        load("biconnectivity/cut-edge", transform=transform)
    load("biconnectivity/cut-graph", transform=transform)


def test_transform_leaves_the_kept_data_set_as_it_is():
    plain = load("karate").fingerprint
    load("karate", transform=Noise())
    assert load("karate").fingerprint == plain


@pytest.mark.parametrize(
    "transform",
    [T.AddRandomWalkPE(3, attr_name="x"), T.OneHotDegree(40), T.AddLaplacianEigenvectorPE(2, attr_name="x")],
)
def test_features_made_of_the_links_to_be_predicted_are_refused(transform):
    """The task shows a model the training links alone; features of all links would tell it the others."""
    with pytest.raises(InputError, match="that are to be predicted"):
        apply(example("links-without-features"), transform)


def test_features_that_no_link_has_a_part_in_are_given_to_a_link_task():
    noise = Noise()
    for transform in (T.Constant(), T.Compose([T.Constant(), noise])):
        plain = example("links-without-features")
        given = apply(plain, transform)
        assert given.spec.node == Continuous(1) and given.graph.num_edges == plain.graph.num_edges


@pytest.mark.parametrize("transform", [lambda graph: 1 / 0, T.KNNGraph(3)], ids=["raises", "knn"])
def test_transforms_that_fail_are_one_error(transform):
    with pytest.raises(InputError, match="fails on karate: ") as caught:
        load("karate", transform=transform)
    assert caught.value.hint and "edge_index, num_nodes, x, y" in caught.value.hint


ADAPTER = """
from dataclasses import replace
from graphlab.data.adapters.karate import CARD
from graphlab.data.load import load

def build(variant, files, split):
    {body}
"""


@pytest.fixture
def adapter(tmp_path, monkeypatch):
    """Registers an adapter whose `build` has this body."""

    def make(body):
        (tmp_path / "of_others.py").write_text(ADAPTER.format(body=body))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "of_others", raising=False)
        monkeypatch.setitem(DATASETS.families, "of-others", "of_others")
        return "of-others"

    yield make
    sys.modules.pop("of_others", None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "gives a NoneType, no Dataset"),
        ("return [load('karate')]", "gives a list, no Dataset"),
        ("raise ValueError('line 3')", "fails: ValueError: line 3"),
        ("return 1 / 0", "fails: ZeroDivisionError"),
        ("return open('nowhere')", "fails: FileNotFoundError"),
    ],
)
def test_adapters_that_fail_are_one_error(adapter, body, words):
    with pytest.raises(DataError, match=f"the adapter of of-others {words}") as caught:
        load(adapter(body))
    assert caught.value.hint and "of_others.py" in caught.value.hint


def test_what_an_adapter_makes_of_another_data_set_is_its_own(adapter):
    """It had kept the fingerprint of the other, and so was taken for data that were changed after loading."""
    data = load(adapter("d = load('karate'); d.graph.x.mul_(2); return d"))
    assert data.origin is not None and data.origin.content == data.fingerprint
    assert identify(data).name == "of-others"
