"""Models that read weights of edges, against PyG's layers with the same weights; the others say that they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric import transforms as T
from torch_geometric.data import Data
from torch_geometric.nn import GATConv, GCNConv, GraphConv
from torch_geometric.nn import LabelPropagation as PyGLabelPropagation
from torch_geometric.utils import scatter, to_dense_adj

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.load import load
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.data.transform import apply
from graphlab.data.weights import with_weights
from graphlab.experiment.plan import make_plan
from graphlab.experiment.run import run
from graphlab.model.registry import build_model, find_model
from graphlab.testing.examples import example

SPEC = DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(5), weighted=True)
READERS = ("gcn", "sage", "gat", "gin", "label-propagation")


def weighted_graph(**fields) -> Data:
    graph = example("node-classification").graph
    weight = 0.1 + torch.rand(graph.num_edges, generator=SeedStream(3).torch())
    known = F.one_hot(graph.y, 3).float() * (torch.arange(len(graph.y)) < 6).unsqueeze(1)
    return Data(**{**graph.to_dict(), "edge_weight": weight, "known_labels": known, **fields})


def output(model: str, graph: Data, spec: DataSpec = SPEC, **settings) -> tuple[Tensor, torch.nn.Module]:
    built = build_model(model, spec, settings).eval()
    with torch.no_grad():
        return built(graph), built


def close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


def test_gcn_is_that_of_pyg():
    graph = weighted_graph()
    ours, model = output("gcn", graph)
    theirs = [GCNConv(5, 16), GCNConv(16, 3)]
    with torch.no_grad():
        for conv, copy in zip(model.convs, theirs, strict=True):
            copy.load_state_dict(conv.state_dict())
        h = theirs[0](graph.x, graph.edge_index, graph.edge_weight).relu()
        close(ours, theirs[1](h, graph.edge_index, graph.edge_weight))


@pytest.mark.parametrize("normalize", [False, True])
def test_sage_is_the_graph_convolution_of_pyg_with_its_mean(normalize):
    graph = weighted_graph()
    ours, model = output("sage", graph, normalize=normalize)
    with torch.no_grad():
        h = graph.x
        for depth, conv in enumerate(model.convs):
            theirs = GraphConv(conv.in_channels, conv.out_channels, aggr="mean")
            theirs.lin_rel.load_state_dict(conv.lin_l.state_dict())
            theirs.lin_root.load_state_dict(conv.lin_r.state_dict())
            h = theirs(h.relu() if depth else h, graph.edge_index, graph.edge_weight)
            h = F.normalize(h, dim=-1) if normalize else h
        close(ours, h)


def test_gat_is_that_of_pyg_with_one_edge_feature():
    graph = weighted_graph()
    ours, model = output("gat", graph)
    theirs = [GATConv(5, 8, 8, edge_dim=1), GATConv(64, 3, 1, concat=False, edge_dim=1)]
    with torch.no_grad():
        for conv, copy in zip(model.convs, theirs, strict=True):
            copy.load_state_dict(conv.state_dict())
        h = F.elu(theirs[0](graph.x, graph.edge_index, graph.edge_weight.unsqueeze(1)))
        close(ours, theirs[1](h, graph.edge_index, graph.edge_weight.unsqueeze(1)))


def test_gin_sums_its_neighbours_times_their_weights():
    graph = weighted_graph()
    ours, model = output("gin", graph)
    adjacency = to_dense_adj(graph.edge_index, edge_attr=graph.edge_weight, max_num_nodes=24)[0].double()
    with torch.no_grad():
        states = [graph.x]
        for conv in model.convs:
            h = states[-1].double()
            states.append(conv.mlp((adjacency.T @ h + (1 + conv.eps) * h).float()))
        close(ours, torch.cat(states, dim=1))


def test_label_propagation_is_that_of_pyg():
    """PyG's takes weights as they are, so that it gets ours divided by their sums, and clamps what is known after each
    step, as ours does."""
    graph = weighted_graph()
    ours, _ = output("label-propagation", graph, num_iterations=7)
    target, known = graph.edge_index[1], graph.known_labels
    share = graph.edge_weight / scatter(graph.edge_weight, target, dim_size=24, reduce="sum")[target]
    clamped = known.sum(1, keepdim=True) > 0
    theirs = PyGLabelPropagation(num_layers=7, alpha=1.0)(
        known, graph.edge_index, edge_weight=share, post_step=lambda labels: torch.where(clamped, known, labels)
    )
    close(ours, theirs.clamp(min=1e-6).log())


@pytest.mark.parametrize("model", [name for name in READERS if name != "gat"])
def test_weights_of_one_change_nothing(model):
    """gat learns what a weight counts."""
    graph = weighted_graph(edge_weight=torch.ones(example("node-classification").graph.num_edges))
    bare = graph.clone()
    del bare.edge_weight
    torch.manual_seed(0)
    weighted, _ = output(model, graph)
    torch.manual_seed(0)
    plain, _ = output(model, bare, replace(SPEC, weighted=False))
    close(weighted, plain)


@pytest.mark.parametrize("model", READERS)
def test_a_node_whose_edges_all_weigh_nothing_has_finite_outputs(model):
    graph = weighted_graph()
    graph.edge_weight[graph.edge_index[1] == 20] = 0.0
    assert output(model, graph)[0].isfinite().all()


@pytest.mark.parametrize("model", ["gcn", "label-propagation"])
def test_negative_weights_are_refused_where_they_are_divided_by(model):
    graph = weighted_graph()
    graph.edge_weight[:3] = -1.0
    with pytest.raises(IncompatibleError, match=f"{model} divides by sums of edge weights, and 3 of"):
        output(model, graph)


def test_gat_without_a_place_for_weights_refuses_them():
    graph = weighted_graph()
    with pytest.raises(IncompatibleError, match="built for edges without weights"):
        output("gat", graph, replace(SPEC, weighted=False))
    del graph.edge_weight
    with pytest.raises(IncompatibleError, match="built for edges with weights"):
        output("gat", graph)


def test_weights_of_gdc_reach_the_models(tmp_path):
    data = load("karate", transform=T.GDC())
    assert data.spec.weighted and data.spec.edge is None
    assert data.graph.edge_attr is None and data.graph.edge_weight.shape == (data.graph.num_edges,)
    assert data.fingerprint != load("karate").fingerprint
    runs = run("gcn", data, seeds=3, store=tmp_path, progress=False)
    assert (runs.df["test/accuracy"] > 0.95).all()
    blind = apply(data, without_weights)
    assert (run("gcn", blind, seeds=3, store=tmp_path, progress=False).df["test/accuracy"] == 0.5).all()


def test_scalars_of_edges_are_weights_whoever_brings_them():
    karate = load("karate")
    graph = karate.graph.clone()
    graph.edge_attr = torch.arange(1.0, graph.num_edges + 1)
    brought = replace(karate, graphs=(graph,))
    plan = make_plan("gcn", brought)
    assert plan.dataset.spec.weighted and torch.equal(plan.dataset.graph.edge_weight, graph.edge_attr)
    assert "edge_weight" not in graph and brought.graph is graph
    assert with_weights(plan.dataset) is plan.dataset and with_weights(karate) is karate


def test_a_transform_that_takes_weights_away_takes_them_from_the_spec():
    weighted = load("karate", transform=T.GDC())
    assert not apply(weighted, without_weights).spec.weighted


def without_weights(data: Data) -> Data:
    del data.edge_weight
    return data


def test_unread_fields_are_notices_of_the_plan():
    weighted = load("karate", transform=T.GDC())
    assert make_plan("gcn", weighted).notices == weighted.notices
    plan = make_plan("mlp", weighted)
    unread = f"mlp does not read edge_weight, which the edges of {plan.dataset.name} carry"
    assert plan.notices == (*weighted.notices, unread)
    assert not make_plan("mlp", "karate").notices


def test_a_spec_without_weights_is_written_as_before():
    plain = DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(5))
    assert "weighted" not in plain.to_json() and SPEC.to_json()["weighted"] is True
    assert load("karate").fingerprint == KARATE


KARATE = "b0810482b2c79aa98ca7abfa99b471dab0b9ef10e59de8c9cba750805fd0a3a4"
"""Of the version before specs said whether edges have weights."""


@pytest.mark.parametrize("model", READERS)
def test_readers_say_so(model):
    assert find_model(model).cls.edge_fields == {"edge_weight"}
