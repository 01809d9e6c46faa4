"""Features of nodes made beforehand: against PyG's transforms, and by a contract over all that are there."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric import transforms as T
from torch_geometric.data import Data

import graphlab as gl
from graphlab.comparison.recipe import check_recipe
from graphlab.core.errors import ConfigError, IncompatibleError, UnknownNameError
from graphlab.data.pre_transform import encode
from graphlab.data.registry import PRE_TRANSFORMS
from graphlab.data.spec import Categorical, Continuous
from graphlab.experiment.plan import make_plan, plan_of
from graphlab.records.record import RunSpec
from graphlab.testing.examples import example

FEATURES = {"none": None, "numbers": Continuous(3), "categories": Categorical((3, 2))}
MODELS = ("gcn", "gat", "sage", "gin")


def graphs_with(features: str, num_graphs: int = 3, seed: int = 0) -> gl.Dataset:
    """Graphs whose edges may have a direction, one of them without any."""
    random = torch.Generator().manual_seed(seed)
    graphs = []
    for k in range(num_graphs):
        n = 4 + k
        edge_index = torch.randint(n, (2, 3 * k), generator=random)
        graphs.append(Data(edge_index=edge_index, y=torch.tensor([k % 2]), num_nodes=n))
        if features == "numbers":
            graphs[-1].x = torch.randn(n, 3, generator=random)
        if features == "categories":
            columns = [torch.randint(size, (n,), generator=random) for size in (3, 2)]
            graphs[-1].x = torch.stack(columns, dim=1)
    base = example("graph-classification")
    return replace(base, graphs=tuple(graphs), spec=replace(base.spec, node=FEATURES[features]))


def pre_transform_of(name: str, dataset: gl.Dataset, **settings):
    cls = PRE_TRANSFORMS.find(name)
    return cls(cls.Config.parse(settings, where=name), dataset)


FITTING = [
    (name, features)
    for name in PRE_TRANSFORMS.names()
    for features in FEATURES
    if name != "one-hot" or features == "categories"
]


def data_for(name: str, features: str) -> gl.Dataset:
    return graphs_with(features, 1 if name == "identity" else 3)


@pytest.mark.parametrize(("name", "features"), FITTING)
def test_contract(name, features):
    """What nodes carry comes first, the spec says the width, nothing else changes, and nothing of the data set does."""
    dataset = data_for(name, features)
    before = [copy(graph).to_dict() for graph in dataset.graphs]
    pre_transform = pre_transform_of(name, dataset)
    encoded = encode(dataset, pre_transform)
    assert encode(dataset, pre_transform_of(name, dataset)) is encoded
    for graph, old, held in zip(encoded.graphs, dataset.graphs, before, strict=True):
        assert graph["x"].shape == (graph.num_nodes, encoded.spec.node.dim) and graph["x"].dtype == torch.float32
        if features == "numbers":
            assert torch.equal(graph["x"][:, :3], old["x"])
        if features == "categories":
            both = torch.cat([torch.eye(3)[old["x"][:, 0]], torch.eye(2)[old["x"][:, 1]]], dim=1)
            assert torch.equal(graph["x"][:, :5], both)
        assert {**graph.to_dict(), "x": 0} == {**held, "x": 0}
        assert (old.get("x") is None) == ("x" not in held) and (old.get("x") is None or old["x"] is held["x"])
    assert encoded.spec.node.dim == {"none": 0, "numbers": 3, "categories": 5}[features] + pre_transform.width
    assert replace(encoded.spec, node=None) == replace(dataset.spec, node=None)


@given(seed=st.integers(0, 999), name=st.sampled_from([n for n in PRE_TRANSFORMS.names() if n != "identity"]))
def test_rows_move_with_their_nodes(seed, name):
    dataset = graphs_with("categories", seed=seed)
    pre_transform, graph = pre_transform_of(name, dataset), dataset.graphs[2]
    order = torch.randperm(int(graph.num_nodes), generator=torch.Generator().manual_seed(seed))
    place = order.argsort()
    renamed = Data(x=graph["x"][order], edge_index=place[graph["edge_index"]].flip(1), num_nodes=graph.num_nodes)
    first, second = pre_transform.graphs([graph, renamed])
    assert torch.equal(first["x"][order], second["x"])


@pytest.mark.parametrize("features", ["none", "numbers"])
@pytest.mark.parametrize("in_degree", [False, True])
def test_the_same_as_pyg(features, in_degree):
    dataset = graphs_with(features)
    highest = max(graph["edge_index"][int(in_degree)].bincount().max().item() for graph in dataset.graphs[1:])
    one_hot = pre_transform_of("one-hot-degree", dataset, in_degree=in_degree)
    assert one_hot.width == highest + 1
    for ours_of, by_pyg in [
        (one_hot, T.OneHotDegree(highest, in_degree=in_degree)),
        (pre_transform_of("constant", dataset), T.Constant()),
    ]:
        for ours, theirs in zip(ours_of.graphs(dataset.graphs), map(by_pyg, map(copy, dataset.graphs)), strict=True):
            assert torch.equal(ours["x"], theirs["x"])
    (single,) = pre_transform_of("degree", dataset, in_degree=in_degree).graphs(dataset.graphs[2:])
    counts = dataset.graphs[2]["edge_index"][int(in_degree)].bincount(minlength=6)
    assert torch.equal(single["x"][:, -1], counts.float())


def test_degrees_above_the_highest_share_a_column():
    star = Data(edge_index=torch.tensor([[0, 0, 0, 1], [1, 2, 3, 0]]), num_nodes=4)
    pre_transform = pre_transform_of("one-hot-degree", replace(graphs_with("none"), graphs=(star,)), max_degree=1)
    (encoded,) = pre_transform.graphs([star])
    assert encoded["x"].tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]


def test_what_cannot_be_is_refused_with_the_way_out():
    def refused(model, data, **settings):
        with pytest.raises(IncompatibleError) as caught:
            make_plan(model, data, settings)
        return f"{caught.value.message}; {caught.value.hint}"

    several, links = graphs_with("none", 24), example("links-without-features")
    assert "pre_transform=constant, degree or identity" in refused("gcn", several)
    assert "pre_transform=one-hot" in refused("gcn", graphs_with("categories", 24))
    assert "for nodes with categories" in refused("gcn", several, pre_transform="one-hot")
    assert "is for one graph" in refused("gcn", several, pre_transform="identity")
    assert "that are to be predicted" in refused("gae", links, pre_transform="degree")
    assert "models of triples read none" in refused("distmult", example("kg-transductive"), pre_transform="constant")
    with pytest.raises(UnknownNameError, match="one-hot-degre"):
        make_plan("gcn", several, {"pre_transform": "one-hot-degre"})
    with pytest.raises(ConfigError, match="is a setting of a pre-transform") as caught:
        make_plan("gcn", several, {"pre_transform.max_degree": 3})
    assert "graphlab pre-transforms" in caught.value.hint
    with pytest.raises(ConfigError, match="max_degree"):
        make_plan("gcn", several, {"pre_transform": "one-hot-degree", "max_degree": -1})


def molecules() -> gl.Dataset:
    """The example of graphs with categories in place of numbers."""
    base = example("graph-classification")
    graphs = []
    for graph in base.graphs:
        graphs.append(copy(graph))
        graphs[-1].x = (graph["x"][:, :1] > 0).long()
    return replace(base, graphs=tuple(graphs), spec=replace(base.spec, node=Categorical((2,))), name="molecules")


@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_restored_and_predicts(model, tmp_path):
    runs = gl.run(model, molecules(), store=tmp_path, epochs=2, hidden_dim=8, pre_transform="one-hot-degree")
    record = runs[0]
    assert record.result.status == "finished", record.result.error
    assert record.spec.identity["pre_transform"] == "one-hot-degree" and record.spec.versions["pre_transform"] == 1
    assert RunSpec.from_json(json.loads(json.dumps(record.spec.to_json()))) == record.spec
    assert plan_of(record.spec, store=tmp_path).spec(0) == record.spec
    trained = gl.restore(runs)
    assert trained.task.evaluate(trained.learner, "test") == record.result.test
    assert len(trained.task.predict(trained.learner, "test")) == len(trained.dataset.split(0).test)
    assert f"{model} (one-hot-degree)" in repr(runs)


def test_who_a_run_is():
    data = molecules()
    ids = {
        make_plan("gin", data, settings).spec(0).id
        for settings in (
            {},
            {"pre_transform": "degree"},
            {"pre_transform": "one-hot-degree"},
            {"pre_transform": "one-hot-degree", "max_degree": 2},
            {"pre_transform": "one-hot-degree", "max_degree": 2, "transform": "quantize"},
        )
    }
    assert len(ids) == 5
    plan = make_plan("gin", data, {"pre_transform": "degree", "transform": "quantize"})
    assert plan.title == "gin (degree, quantize)" and not check_recipe(plan.spec(0)).is_followed


def test_searches_and_supernets_see_the_features(tmp_path):
    settings = {"pre_transform": "one-hot", "training.epochs": 1, "store": tmp_path}
    search = gl.search("random", molecules(), space="gcn", trials=2, on="validation", **settings)
    assert search.best is not None and len(search.df) == 2
    darts = gl.search("darts", example("node-classification"), space="gnn-micro", trials=1, on="validation",
        pre_transform="degree", epochs=1, store=tmp_path, **{"strategy.epochs": 1})  # fmt: skip
    assert darts.best is not None


def test_commands(cli, tmp_path):
    words = ["run", "gcn", "karate", "--pre-transform", "one_hot_degree", "--set", "max_degree=5", "--set", "epochs=2"]
    done = cli(*words, "--store", str(tmp_path), "--json")
    assert done.code == 0 and json.loads(done.out)["pre_transform"] == "one-hot-degree"
    assert set(PRE_TRANSFORMS.names()) == {row["name"] for row in json.loads(cli("pre-transforms", "--json").out)}
    assert "max_degree" in cli("describe", "one-hot-degree").out
    twice = cli(*words, "--set", "pre_transform=degree", "--store", str(tmp_path))
    assert twice.code == 2 and "--pre-transform alone" in twice.err


@pytest.mark.real_data
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("pre_transform", ["one-hot", "one-hot-degree"])
def test_every_collection_of_molecules_can_be_trained_on(model, pre_transform):
    for variant in ("mutag", "ptc", "enzymes", "proteins"):
        plan = make_plan(model, f"tu/{variant}", {"pre_transform": pre_transform})
        task = plan.make_task(0)
        learner = plan.make_learner(task, 0)
        scores = task.evaluate(learner, "validation")
        assert 0 <= scores["accuracy"] <= 1 and learner.num_parameters
