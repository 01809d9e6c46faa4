"""Encoders and decoders of links against dense algebra in float64."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.spec import LINK, Categorical, DataSpec
from graphlab.model.registry import build_model
from tests.model.links import PAIRS, N, adjacency, graph_of, spec_of

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
