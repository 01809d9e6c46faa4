"""Sums with weights of their own, norms and pooling of integer networks beside the same in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.files import load_network, save_network
from graphlab.quantization.network import IntegerNetwork
from graphlab.quantization.rows import Edges, Grid, Rows
from graphlab.quantization.states import Beside, Norm, OwnSum, Pool

NODES, WIDTH = 12, 6
GRID = Grid(0.07, 4, -128, 127)


def rows_of(seed: int) -> Rows:
    random = torch.Generator().manual_seed(seed)
    return Rows(torch.randint(-128, 128, (NODES, WIDTH), generator=random).to(torch.int8), 0.03, -20)


def edges_of(seed: int) -> Edges:
    """Edges and a loop a node; three graphs, of which the second has no nodes."""
    random = torch.Generator().manual_seed(seed)
    edges = torch.cat([torch.randint(NODES, (2, 30), generator=random), torch.arange(NODES).expand(2, -1)], dim=1)
    graphs = torch.stack([torch.arange(NODES), torch.tensor([0] * 5 + [2] * 7)])
    return Edges(Neighbours(edges, NODES, NODES), None, 1.0, Neighbours(graphs, 3, NODES))


def both(operation, rows, edges) -> Rows:
    """What an operation gives, after the same by the definition."""
    fast, slow = (operation.run({"a": rows}, edges, by_definition) for by_definition in (False, True))
    assert torch.equal(fast.integers, slow.integers) and fast.integers.dtype == slow.integers.dtype
    return fast


def assert_nearest(result: Rows, expected: torch.Tensor, grid: Grid = GRID, low: int | None = None) -> None:
    ends = [(end - grid.zero_point) * grid.scale for end in (grid.lowest if low is None else low, grid.highest)]
    assert (result.values() - expected.clamp(*ends)).abs().max() <= 0.501 * grid.scale


@given(st.integers(0, 10**6), st.floats(0.0, 3.0), st.sampled_from([4, 8]))
def test_a_node_counts_itself_one_and_eps_times(seed, own, bits):
    largest = 2**bits - 1
    weights = Grid(max(1.0, own) / largest, -(2 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    operation, rows, edges = OwnSum.of("a", "b", GRID, weights, own), rows_of(seed), edges_of(seed)
    near, far = operation.neighbour * operation.step, operation.own * operation.step
    assert abs(near - 1) <= 0.501 * weights.scale and abs(far - own) <= 0.501 * weights.scale
    messages = rows.values().double()[edges.neighbours.source]
    factor = torch.tensor([near] * 30 + [far] * NODES, dtype=torch.double)
    expected = torch.zeros(NODES, WIDTH, dtype=torch.double)
    expected.index_add_(0, edges.neighbours.target, messages * factor[:, None])
    assert_nearest(both(operation, rows, edges), expected)


def test_a_negative_weight_of_the_node_itself_is_refused():
    with pytest.raises(InputError, match=r"-0\.5 times"):
        OwnSum.of("a", "b", GRID, Grid(0.01, 0, -128, 127), -0.5)


@given(st.integers(0, 10**6), st.sampled_from([1e-6, 1.0, 50.0]), st.booleans())
def test_norms_have_factors_of_either_sign(seed, size, relu):
    random = torch.Generator().manual_seed(seed)
    factor = size * torch.randn(WIDTH, generator=random, dtype=torch.double)
    offset = torch.randn(WIDTH, generator=random, dtype=torch.double)
    rows = rows_of(seed)
    result = both(Norm("a", "b", GRID, relu, factor, offset), rows, edges_of(0))
    assert_nearest(result, rows.values().double() * factor + offset, low=GRID.zero_point if relu else None)


def test_a_norm_of_zeros_gives_its_offset():
    zeros = torch.zeros(WIDTH, dtype=torch.double)
    result = both(Norm("a", "b", GRID, False, zeros, zeros + 0.7), rows_of(0), edges_of(0))
    assert result.integers.unique().tolist() == [14]


@pytest.mark.parametrize("is_mean", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_pooling_sums_the_nodes_of_each_graph(seed, is_mean):
    rows, grid = rows_of(seed), Grid(0.3, 4, -128, 127) if not is_mean else GRID
    values = rows.values().double()
    expected = torch.stack([values[:5].sum(0), torch.zeros(WIDTH).double(), values[5:].sum(0)])
    if is_mean:
        expected /= torch.tensor([[5.0], [1.0], [7.0]])
    assert_nearest(both(Pool("a", "b", grid, False, is_mean), rows, edges_of(seed)), expected, grid)


def test_pooling_without_graphs_is_refused():
    edges = Edges(edges_of(0).neighbours, None, 1.0)
    with pytest.raises(InputError, match="does not pool"):
        Pool("a", "b", GRID, False, False).run({"a": rows_of(0)}, edges, False)


def test_a_file_gives_the_operations_again(tmp_path):
    values = torch.linspace(-1, 1, WIDTH, dtype=torch.double)
    operations = (
        OwnSum.of("input", "sums", GRID, Grid(1.5 / 255, -128, -128, 127), 1.5),
        Norm("sums", "normed", GRID, True, values, values + 1),
        Beside("normed", "all", GRID, False, ("sums", "normed")),
        Pool("all", "output", GRID, False, True),
    )
    network, path, edges = IntegerNetwork("gin", GRID, None, operations), tmp_path / "net.safetensors", edges_of(0)
    save_network(network, path, {})
    x = torch.randn(NODES, WIDTH, generator=torch.Generator().manual_seed(0))
    before, after = (dict(each.stages(x, edges)) for each in (network, load_network(path)[0]))
    assert before.keys() == after.keys() and before["output"].integers.shape == (3, 3 * WIDTH)
    assert all(torch.equal(before[name].integers, after[name].integers) for name in before)
    parts = before["all"].integers.chunk(3, dim=1)
    assert torch.equal(parts[0], before["normed"].integers) and torch.equal(parts[1], before["sums"].integers)
