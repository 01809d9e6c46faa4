"""Models that are stacks of layers: the same rows on the whole graph, layer by layer, and on a sampled subgraph."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.layered import LayeredModel, _ranges, layerwise
from graphlab.model.registry import MODELS, build_model, find_model
from graphlab.ops.neighbour_sampling import ALL
from graphlab.task.base import Shard
from graphlab.task.sampled_nodes import NodeSampler

NODES, FEATURES, CLASSES = 60, 5, 3
LAYERED = [name for name in MODELS.names() if issubclass(find_model(name).cls, LayeredModel)]
TOLERANCES = {torch.float32: 1e-6, torch.float64: 1e-12}


def graph(weighted=False, dtype=torch.float32):
    """Random directed edges, some of them parallel, some loops; the last three nodes have none."""
    random = SeedStream(0, ("layered",)).torch()
    edge_index = torch.randint(NODES - 3, (2, 400), generator=random)
    x = torch.randn(NODES, FEATURES, generator=random, dtype=torch.float64).to(dtype)
    weight = {"edge_weight": 0.5 + torch.rand(400, generator=random, dtype=torch.float64).to(dtype)} if weighted else {}
    return Data(x=x, edge_index=edge_index, num_nodes=NODES, **weight)


def model_of(name, weighted=False, dtype=torch.float32, **settings) -> LayeredModel:
    SeedStream(0).seed_torch()
    spec = DataSpec("nodes", (Target("y", "node", "class", CLASSES),), node=Continuous(FEATURES), weighted=weighted)
    return build_model(name, spec, {"hidden_dim": 8, **settings}).to(dtype).eval()  # pyright: ignore[reportReturnType]


def sampled(whole, seeds, fan_outs, key=0):
    sampler = NodeSampler(whole, torch.zeros(NODES), torch.arange(NODES), fan_outs, Shard(), torch.device("cpu"))
    return sampler.batch(torch.tensor(seeds), key)


def test_sage_and_gcn_are_layered():
    assert {"sage", "gcn"} <= set(LAYERED)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("name", LAYERED)
def test_layer_by_layer_gives_the_rows_of_the_whole_graph(name, num_layers, weighted, dtype):
    whole = graph(weighted, dtype)
    model = model_of(name, weighted, dtype, num_layers=num_layers)
    expected = model(whole)
    for max_numbers in (1, 200, 2**24):
        found = layerwise(model, whole, max_numbers=max_numbers)
        assert found.dtype == dtype and not found.requires_grad
        torch.testing.assert_close(found, expected, rtol=TOLERANCES[dtype], atol=TOLERANCES[dtype])


def test_unit_rows_of_sage_too():
    model = model_of("sage", normalize=True)
    torch.testing.assert_close(layerwise(model, graph(), max_numbers=100), model(graph()), rtol=1e-6, atol=1e-6)


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 20))
@settings(deadline=None)
def test_blocks_cover_all_nodes_in_order_and_keep_to_the_bound(degrees, max_rows):
    start = torch.tensor([0, *degrees]).cumsum(0)
    ranges = list(_ranges(start, max_rows))
    assert [v for first, last in ranges for v in range(first, last)] == list(range(len(degrees)))
    sizes = [sum(degrees[first:last]) + last - first for first, last in ranges]
    assert all(size <= max_rows or last - first == 1 for size, (first, last) in zip(sizes, ranges, strict=True))
    for (first, last), (_, after), size in zip(ranges, ranges[1:], sizes, strict=False):
        assert after > last > first and size + degrees[last] + 1 > max_rows, "a block that had room was ended"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LAYERED)
def test_a_sample_is_trimmed_layer_by_layer_to_the_same_rows_and_gradients(name, weighted):
    batch = sampled(graph(weighted, torch.float64), [7, 3, 58, 21], [3, 2, 2])
    untrimmed = batch.clone()
    del untrimmed.num_sampled_nodes
    model = model_of(name, weighted, torch.float64, num_layers=3)
    rows, grads = [], []
    for each in (batch, untrimmed):
        out = model(each)
        assert out.size(0) == (4 if each is batch else each.num_nodes)
        rows.append(out[:4])
        grads.append(torch.autograd.grad(out[:4].square().sum(), list(model.parameters())))
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["sage", "gat", "gin", "mlp"])
def test_with_all_neighbours_the_seeds_rows_are_those_of_the_whole_graph(name, weighted):
    whole = graph(weighted, torch.float64)
    model = model_of(name, weighted, torch.float64, num_layers=2)
    expected = model(whole)
    seeds = [7, 3, 58, 21]
    found = model(sampled(whole, seeds, [ALL, ALL]))[:4]
    torch.testing.assert_close(found, expected[seeds], rtol=1e-12, atol=1e-12)


def test_gcn_differs_from_the_whole_graph_by_the_degrees_of_the_outermost_nodes_alone():
    whole, seeds = graph(dtype=torch.float64), [7, 3]
    model = model_of("gcn", dtype=torch.float64, num_layers=1)
    assert not torch.allclose(model(sampled(whole, seeds, [ALL])), model(whole)[seeds])
    further = sampled(whole, seeds, [ALL, ALL])
    del further.num_sampled_nodes
    torch.testing.assert_close(model(further)[:2], model(whole)[seeds], rtol=1e-12, atol=1e-12)


def test_a_mean_over_sampled_neighbours_is_right_on_average():
    """One layer of sage is linear in the mean: its mean over keys tends to the row of the whole graph."""
    whole = graph(dtype=torch.float64)
    model = model_of("sage", dtype=torch.float64, num_layers=1)
    rows = torch.stack([model(sampled(whole, [7, 3], [2], key)) for key in range(500)])
    error = (rows.mean(0) - model(whole)[[7, 3]]).abs() / (rows.std(0) / 500**0.5)
    assert error.max() < 4


def test_isolated_seeds_have_rows():
    whole = graph()
    model = model_of("sage")
    torch.testing.assert_close(model(sampled(whole, [59], [2, 2])), model(whole)[[59]])
