"""Costs of schemes, and trained runs as networks on integers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.errors import DataError, IncompatibleError, InputError
from graphlab.ops.integer.gpu.dispatch import PLAIN
from graphlab.quantization.biases import BiasQuantiser
from tests.ops.integer.device_checks import path_of_gpus

SHORT = {"epochs": 30, "hidden_dim": 8}


@pytest.fixture(scope="module")
def data():
    random = torch.Generator().manual_seed(0)
    y = torch.arange(120) % 3
    edge_index = torch.randint(120, (2, 900), generator=random)
    edge_index = edge_index[:, (y[edge_index[0]] == y[edge_index[1]]) | (torch.rand(900, generator=random) < 0.3)]
    x = torch.nn.functional.one_hot(y, 12).float() + 0.8 * torch.randn(120, 12, generator=random)
    graph = Data(x=x, edge_index=torch.cat([edge_index, edge_index.flip(0)], 1), y=y)
    return gl.dataset(graph, task="node-classification", split="random-60/20/20")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def weighted(data):
    graph = data.graph.clone()
    graph.edge_weight = torch.rand(graph.num_edges, generator=torch.Generator().manual_seed(0))
    return gl.dataset(graph, task="node-classification", split="random-60/20/20")


def trained(model, data, store, scheme, **settings):
    rules = {"transform": "quantize", "transform.scheme": scheme}
    return gl.run(model, data, store=store, progress=False, **rules, **SHORT, **settings)


@pytest.mark.parametrize("scheme", ["w8a8", "w4a8", "w4a4", "mixed"])
@pytest.mark.parametrize("model", ["gcn", "sage", "gat", "gin"])
def test_integers_give_what_training_simulated(model, scheme, data, store):
    """Logits to the last bits of float32, of sage, whose bias is added to two sums, within a few steps of the coarsest
    grid; labels of all nodes but for ties; the same integers by the definition."""
    runs = trained(model, data, store, scheme)
    frozen, run = gl.frozen(runs, store=store), gl.restore(runs, store=store)
    graph = run.dataset.graph
    with torch.no_grad():
        expected = run.learner.head(run.learner.model(graph), graph)
    logits = frozen(graph)
    assert torch.equal(frozen.network.run(graph.x, frozen.edges(graph), by_definition=True).values(), logits)
    with path_of_gpus(PLAIN):
        assert torch.equal(frozen(graph), logits)
    steps = max(each.grid.scale for each in frozen.network.operations if each.grid is not None)
    is_exact = model != "sage"
    assert (logits - expected).abs().max() <= (1e-5 if is_exact else 3 * steps)
    differ = int((logits.argmax(1) != expected.argmax(1)).sum())
    assert (
        differ <= (0 if is_exact else 2 if "a8" in scheme else 8)
        and frozen.about["labels that differ"] == f"{differ} of 120"
    )


@pytest.mark.gpu
@pytest.mark.parametrize("model", ["gcn", "sage", "gat", "gin"])
def test_logits_on_a_gpu_are_those_of_the_cpu(model, data, store):
    runs = trained(model, data, store, "w4a8")
    frozen, graph = gl.frozen(runs, store=store), gl.restore(runs, store=store).dataset.graph.cpu()
    there = frozen(graph.clone().to("cuda"))
    assert there.is_cuda and torch.equal(there.cpu(), frozen(graph))


def test_gat_rounds_shares_in_training_as_integers_do(data, store):
    """In the mean logits are as near as no softmax of floats is, which has them differ by .009."""
    runs = trained("gat", data, store, "w8a8")
    frozen, run = gl.frozen(runs, store=store), gl.restore(runs, store=store)
    with torch.no_grad():
        expected = run.learner.model(run.dataset.graph)
    assert (frozen(run.dataset.graph) - expected).abs().mean() < 0.003


def test_gat_of_three_layers_and_several_heads_at_the_end(data, store):
    runs = trained("gat", data, store, "w8a8", num_layers=3, output_heads=4)
    frozen, run = gl.frozen(runs, store=store), gl.restore(runs, store=store)
    graph, biases = run.dataset.graph, [each for each in run.learner.modules() if isinstance(each, BiasQuantiser)]
    assert [each.divisor for each in biases] == [1, 1, 4]
    kinds = ["product", "product", "attention", "table"]
    assert [each.kind for each in frozen.network.operations] == 2 * kinds + kinds[:3]
    assert torch.equal(frozen.network.run(graph.x, frozen.edges(graph), by_definition=True).values(), frozen(graph))
    assert int(frozen.about["labels that differ"].split()[0]) <= 2
    with pytest.raises(IncompatibleError, match="without weights"):
        frozen(weighted(data).graph)


@pytest.fixture(scope="module")
def graphs():
    """60 graphs of two densities."""
    random, graphs = torch.Generator().manual_seed(0), []
    for k in range(60):
        num_nodes = int(torch.randint(8, 20, (1,), generator=random))
        edges = torch.randint(num_nodes, (2, num_nodes * (1 + k % 2)), generator=random)
        x = torch.randn(num_nodes, 4, generator=random) + 0.3 * (k % 2)
        graphs.append(Data(x=x, edge_index=torch.cat([edges, edges.flip(0)], 1), y=torch.tensor([k % 2])))
    return gl.dataset(graphs, task="graph-prediction", split="random-60/20/20")


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_gin_classifies_graphs_on_integers(pooling, graphs, store, tmp_path):
    """With a layer in the head; a graph by itself has the logits that it has in a batch."""
    path, layers = tmp_path / "net.safetensors", {"num_layers": 2, "readout_dims": (8,)}
    runs = trained("gin", graphs, store, "w8a8", pooling=pooling, **layers)
    frozen, run = gl.frozen(runs, path, store), gl.restore(runs, store=store)
    task: Any = run.task
    batch, grid = task.collate(torch.arange(40)), frozen.network.operations[-1].grid
    with torch.no_grad():
        expected = run.learner.head(run.learner.model(batch), batch)
    logits = frozen(batch)
    assert torch.equal(frozen.network.run(batch.x, frozen.edges(batch), by_definition=True).values(), logits)
    assert logits.shape == (40, 2) and torch.equal(frozen(run.dataset.graphs[7]), logits[7:8])
    assert grid is not None and (logits - expected).abs().max() <= 3 * grid.scale
    assert int((logits.argmax(1) != expected.argmax(1)).sum()) <= 1 and frozen.about["labels that differ"][-2:] == "60"
    assert torch.equal(gl.load_frozen(path)(batch), logits)


def test_pooling_by_max_is_refused(graphs, store):
    runs = trained("gin", graphs, store, "w8a8", pooling="max")
    with pytest.raises(IncompatibleError, match="max"):
        gl.frozen(runs, store=store)


@pytest.mark.parametrize("model", ["gcn", "gat", "gin"])
def test_a_file_gives_the_same_integers_in_another_process(model, data, store, tmp_path):
    runs, path = trained(model, data, store, "w4a8"), tmp_path / "frozen.safetensors"
    frozen, graph = gl.frozen(runs, path, store), gl.restore(runs, store=store).dataset.graph
    torch.save({"x": graph.x, "edge_index": graph.edge_index}, tmp_path / "graph.pt")
    code = (
        "import sys, torch, graphlab as gl; from torch_geometric.data import Data; "
        "graph = Data(**torch.load(sys.argv[2], weights_only=True)); frozen = gl.load_frozen(sys.argv[1]); "
        "torch.save(frozen.network.run(graph.x, frozen.edges(graph)).integers, sys.argv[3])"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "graph.pt"), str(tmp_path / "out.pt")]
    subprocess.run(command, check=True)
    again = torch.load(tmp_path / "out.pt", weights_only=True)
    assert torch.equal(again, frozen.network.run(graph.x, frozen.edges(graph)).integers)
    with pytest.raises(DataError):
        gl.load_frozen(tmp_path / "graph.pt")


def test_what_cannot_be_frozen_is_refused_by_name(data, store, tmp_path):
    for runs, name in (
        (trained("mlp", data, store, "w8a8"), "MLP"),
        (gl.run("gcn", data, store=store, progress=False, **SHORT), "not rounded|8 bits"),
        (trained("gcn", data, store, "w8a8,aggregate=int8"), "aggregate"),
        (trained("gcn", data, store, "w8a8,weight=int8"), "symmetric"),
        (trained("gcn", data, store, "w8a8,input=int16"), "int16"),
        (trained("sage", data, store, "w8a8", normalize=True), "length one"),
        (trained("gat", data, store, "w8a8,attention=float32"), "attention of GATConv"),
        (trained("gat", data, store, "w8a8,model.convs.0.states=float32"), "states of GATConv"),
        (trained("gat", data, store, "w8a8,model.convs.1.att_src=float32"), "scores1"),
        (trained("gat", weighted(data), store, "w8a8"), "weights of edges"),
        (trained("gin", data, store, "w8a8,adjacency=float32"), "adjacency of Convolution"),
        (trained("gin", data, store, "w8a8,model.states=float32"), "states of GIN"),
        (trained("gin", data, store, "w8a8,aggregate=int8"), "aggregate"),
        (trained("gin", weighted(data), store, "w8a8"), "weights of edges"),
    ):
        with pytest.raises(IncompatibleError, match=name):
            gl.frozen(runs, store=store)
    with pytest.raises(InputError, match="cannot write"):
        gl.frozen(trained("gcn", data, store, "w8a8"), tmp_path, store)


def test_bits_are_those_of_the_network(data, store):
    """gcn with 12, 8, 3 columns on 120 nodes: weights 12*8 + 8*3, and so on."""
    frame = gl.quantized_bits("gcn", data, "w4a8", store, hidden_dim=8)
    num_edges = gl.restore(trained("gcn", data, store, "w8a8"), store=store).dataset.graph.num_edges
    assert frame.loc["weight", "weight_bits"] == 4 * (12 * 8 + 8 * 3) + 32 * (8 + 3)
    assert frame.loc["input", "buffer_bits"] == 8 * 120 * (12 + 8) + 2 * 32
    assert frame.loc["linear", "buffer_bits"] == 8 * 120 * (8 + 3) + 2 * 32
    assert frame.loc["input", "operations"] == 8 * 4 * 120 * (12 * 8 + 8 * 3)
    assert frame.loc["adjacency", "operations"] >= 8 * 8 * num_edges * (8 + 3)
    assert frame.loc["total", "average"] == pytest.approx((2 * 4 + 5 * 8) / 7)
    assert frame.attrs["without_place"] == ("attention",)


def test_commands(cli, store, tmp_path):
    done = cli("run", "gcn", "karate", "--quantize", "w4a8", "--set", "epochs=3", "--store", str(store), "--json")
    assert done.code == 0 and json.loads(done.out)["transform"] == "quantize"
    twice = cli("run", "gcn", "karate", "--quantize", "w4a8", "--set", "transform.scheme=w8a8", "--store", str(store))
    assert twice.code == 2 and "--quantize" in twice.err
    wrong = cli("run", "gcn", "karate", "--quantize", "w9a8", "--store", str(store))
    assert wrong.code == 2 and "int9" in wrong.err
    costs = cli("bits", "gcn", "karate", "--quantize", "w4a8", "--json")
    assert costs.code == 0 and json.loads(costs.out)[-1]["name"] == "total" and "attention" in costs.err
    path = tmp_path / "net.safetensors"
    frozen = cli("freeze", "latest", "--out", str(path), "--store", str(store), "--json")
    assert frozen.code == 0 and json.loads(frozen.out)["sha256"] and path.exists()
