"""Encoders and decoders of links against dense algebra in float64."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import LINK, Categorical, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import build_model
from graphlab.model.reweighting import reweighted
from graphlab.training import loop
from tests.experiment.test_transformed_runs import Memory
from tests.model.links import LINKS, PAIRS, N, adjacency, graph_of, spec_of

ENCODERS = ("gcn", "sage", "gin")
DECODERS = ("dot", "bilinear", "hadamard-mlp")


def dense_encoding(encoder, x, a):
    degree = a.sum(1)
    for depth, layer in enumerate(encoder.layers):
        x = x.relu() if depth else x
        kind = type(layer).__name__
        if kind == "GCNLayer":
            looped, root = a + torch.eye(N, dtype=a.dtype), (degree + 1).rsqrt()
            x = layer.linear(root[:, None] * looped * root @ x)
        elif kind == "SAGELayer":
            mean = a / degree.clamp(min=1)[:, None] @ x
            x = mean @ layer.neighbours.weight.T + layer.neighbours.bias + x @ layer.own.weight.T
        else:
            x = layer.second(layer.first((1 + layer.eps) * x + a @ x).relu())
    return x


def dense_scores(decoder, z):
    if type(decoder).__name__ == "Dot":
        return z @ z.T
    if type(decoder).__name__ == "Bilinear":
        return z @ (decoder.weight + decoder.weight.T) @ z.T / 2
    return decoder.mlp(z[:, None] * z[None]).squeeze(-1)


@pytest.mark.parametrize("features", [None, 5, 40])
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_scores_are_those_of_dense_algebra(encoder, decoder, features):
    torch.manual_seed(0)
    settings = {"encoder": encoder, "decoder": decoder, "num_layers": 3, "hidden_dim": 8}
    model = build_model("link-encoder", spec_of(features), settings).double()
    if encoder == "gin":
        with torch.no_grad():
            for layer in model.encoder.layers:
                layer.eps.fill_(0.3)
    graph = graph_of(features)
    x = model.encoder.input.vectors if features is None else graph.x.double()
    scores = dense_scores(model.decoder, dense_encoding(model.encoder, x, adjacency(graph)))
    first, second = PAIRS.unbind(1)
    torch.testing.assert_close(model(graph, PAIRS), scores[first, second], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model(graph, PAIRS.flip(1)), scores[first, second], rtol=1e-10, atol=1e-12)
    encoding = model.encode(graph)
    torch.testing.assert_close(model.score_nodes(encoding, torch.arange(N)), scores, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_blocks_of_pairs_change_no_score(encoder, monkeypatch):
    torch.manual_seed(0)
    model = build_model("link-encoder", spec_of(5), {"encoder": encoder, "hidden_dim": 8}).double()
    encoding = model.encode(graph_of(5))
    whole = model.score_nodes(encoding, torch.arange(N))
    monkeypatch.setattr("graphlab.model.pairs_in_blocks.MAX_NUMBERS", 50)
    torch.testing.assert_close(model.score_nodes(encoding, torch.arange(N)), whole)


def test_dropout_is_of_training_alone():
    model = build_model("link-encoder", spec_of(5), {"dropout": 0.5, "hidden_dim": 8})
    graph = graph_of(5)
    assert not torch.equal(model.train()(graph, PAIRS), model(graph, PAIRS))
    assert torch.equal(model.eval()(graph, PAIRS), model(graph, PAIRS))


def test_what_it_cannot_read_is_refused():
    with pytest.raises(IncompatibleError, match="link-encoder needs continuous node features"):
        build_model("link-encoder", DataSpec("node-pairs", (LINK,), node=Categorical((3,)), num_entities=N), {})
    with pytest.raises(IncompatibleError, match="link-encoder learns one vector"):
        build_model("link-encoder", DataSpec("node-pairs", (LINK,)), {})
    with pytest.raises(ConfigError, match="encoder"):
        build_model("link-encoder", spec_of(5), {"encoder": "gat"})


@pytest.mark.parametrize("encoder", ["gcn", "sage", "gin"])
@pytest.mark.parametrize("decoder", ["dot", "hadamard-mlp"])
def test_edges_are_reweighted_by_what_was_learned(encoder, decoder):
    """At the epochs that the settings say, from the original weights; saved and loaded with the model."""
    torch.manual_seed(0)
    settings = {"encoder": encoder, "decoder": decoder, "hidden_dim": 8, "dropout": 0.3}
    reweight = {"reweight": 2.0, "reweight_warm_up": 2, "reweight_interval": 3}
    spec, graph = spec_of(5), graph_of(5)
    model = build_model("link-encoder", spec, {**settings, **reweight}).double()
    plain = build_model("link-encoder", spec, settings).double()
    plain.load_state_dict({key: value for key, value in model.state_dict().items() if key != "edge_weight"})
    updated = []
    for epoch in range(1, 8):
        model.begin_epoch(epoch)
        before = model.edge_weight
        model.train()(graph, PAIRS)
        updated += [epoch] if model.edge_weight is not before else []
    assert updated == [3, 6] and model.training
    block = model.encoder.block(graph)
    original = torch.ones(block.edge_index.shape[1]).double() if block.edge_weight is None else block.edge_weight
    model.eval(), plain.eval()
    assert not torch.allclose(model(graph, PAIRS), plain(graph, PAIRS))
    first = plain.encoder.rows(graph, plain.encoder.block(graph))
    once = reweighted(block.edge_index, original, first, plain.decoder.of_products, 2.0)
    rows = plain.encoder.rows(graph, replace(block, edge_weight=once))
    twice = reweighted(block.edge_index, original, rows, plain.decoder.of_products, 2.0)
    torch.testing.assert_close(model.edge_weight, twice)
    other = build_model("link-encoder", spec, {**settings, **reweight}).double().eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(graph, PAIRS), model(graph, PAIRS))


@pytest.fixture
def caves():
    graph = nx.relaxed_caveman_graph(10, 5, 0.3, seed=0)
    return gl.dataset(graph, name="caves", task="link-prediction", split="random-70/10/20")


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(monkeypatch, caves):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    settings = {"model.hidden_dim": 8, "model.reweight": 1.0, "model.reweight_interval": 2, "training.epochs": 6}
    plan = make_plan("link-encoder", caves, {**settings, "task.batch_size": 30, "task.remove_one_hop": False})

    def outcome(*stops: int):
        saved = Memory()
        for stop in (*stops, None):
            task = plan.make_task(0)

            def on_epoch(epoch, epochs, row, stop=stop):
                if epoch == stop:
                    raise KeyboardInterrupt

            try:
                done = loop.fit(plan.make_learner(task, 0), task, plan.training, SeedStream(0), saved, on_epoch)
            except KeyboardInterrupt:
                continue
        return done, saved.states["last"]["model"]

    whole, weights = outcome()
    stopped, others = outcome(2, 3, 4)
    assert (stopped.curve, stopped.test) == (whole.curve, whole.test)
    assert len(weights["model.edge_weight"]) > 0
    assert all(torch.equal(tensor, others[key]) for key, tensor in weights.items())


def test_reweighting_needs_all_edges(caves, tmp_path):
    hidden = {"task.batch_size": 20, "task.remove_one_hop": True}
    with pytest.raises(IncompatibleError, match="hidden now and then"):
        gl.run("link-encoder", caves, epochs=2, store=tmp_path, reweight=1.0, reweight_warm_up=0, **hidden)
    graph = graph_of(4)
    model = build_model("link-encoder", spec_of(4), {"reweight": 1.0, "hidden_dim": 4, "reweight_warm_up": 0})
    model.begin_epoch(1)
    model(graph, PAIRS)
    with pytest.raises(InputError, match="asked about a graph of"):
        model(graph_of(4, LINKS[:5]), PAIRS)


def test_reweighting_needs_scores_of_products():
    with pytest.raises(ConfigError, match="reweight needs a decoder"):
        build_model("link-encoder", spec_of(5), {"decoder": "bilinear", "reweight": 1.0})
