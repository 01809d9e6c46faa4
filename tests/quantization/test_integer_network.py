"""Operations of integer networks beside the same in float64, and their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import DataError, InputError
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.files import load_network, save_network
from graphlab.quantization.formats import parse
from graphlab.quantization.network import IntegerNetwork
from graphlab.quantization.operations import Join, Product, Sum
from graphlab.quantization.rows import Edges, Grid, Rows

GRID = Grid(0.05, -3, -128, 127)


def network(seed: int, bits: int = 8) -> IntegerNetwork:
    """A convolution as of gcn, then one as of sage, of random numbers."""
    random = torch.Generator().manual_seed(seed)

    def weight(inner: int, width: int) -> dict[str, object]:
        largest = 2 ** (bits - 1) - 1
        integers = torch.randint(-largest, largest + 1, (inner, width), generator=random).to(torch.int8)
        scale = torch.rand(width, generator=random, dtype=torch.float64) / largest + 1e-3
        return {"weight": integers, "weight_scale": scale, "weight_bits": bits}

    hidden, mapped = Grid(0.02, -128, -128, 127), Grid(0.04, 5, -128, 127)
    bias = torch.randn(6, generator=random, dtype=torch.float64), torch.randn(3, generator=random, dtype=torch.float64)
    return IntegerNetwork(
        "gcn",
        GRID,
        Grid(1 / 255, -128, -128, 127),
        (
            Product("input", "map0", mapped, False, **weight(5, 6)),  # pyright: ignore[reportArgumentType]
            Sum("map0", "rows1", hidden, True, bias=bias[0]),
            Product("rows1", "map1", mapped, False, **weight(6, 3)),  # pyright: ignore[reportArgumentType]
            Product("rows1", "own1", mapped, False, **weight(6, 3)),  # pyright: ignore[reportArgumentType]
            Sum("map1", "mean1", None, False, bias=None),
            Join("mean1", "output", None, False, other="own1", bias=bias[1]),
        ),
    )


def graph(seed: int, num_nodes: int = 20) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    edges = torch.randint(num_nodes, (2, 60), generator=random)
    return torch.randn(num_nodes, 5, generator=random), edges, torch.rand(60, generator=random)


@given(st.integers(0, 10**6), st.sampled_from([2, 4, 8]))
def test_each_operation_rounds_what_floats_give(seed, bits):
    """Within one step of the grid's nearest number, which differs by the rounding of biases alone."""
    integers, (x, edge_index, weight) = network(seed, bits), graph(seed)
    edges = integers.edges(edge_index, weight, len(x))
    rows = dict(integers.stages(x, edges, by_definition=True))
    exact = {
        name: (each.integers.double() - each.zero_point) * torch.as_tensor(np.asarray(each.scale))
        for name, each in rows.items()
    }
    assert edges.weight is not None
    dense = torch.zeros(len(x), len(x), dtype=torch.float64)
    dense.index_put_((edge_index[1], edge_index[0]), edges.weight.double() * edges.scale, accumulate=True)
    for operation in integers.operations:
        if isinstance(operation, Product):
            expected = exact[operation.source] @ (operation.weight.double() * operation.weight_scale)
        elif isinstance(operation, Sum):
            expected = dense @ exact[operation.source]
            expected = expected if operation.bias is None else expected + operation.bias
        else:
            assert isinstance(operation, Join)
            expected = exact[operation.source] + exact[operation.other] + operation.bias
        grid = operation.grid
        if grid is None:
            torch.testing.assert_close(
                exact[operation.target], expected, rtol=1e-6, atol=np.max(rows[operation.target].scale)
            )
            continue
        low = grid.zero_point if operation.relu else grid.lowest
        expected = expected.clamp((low - grid.zero_point) * grid.scale, (grid.highest - grid.zero_point) * grid.scale)
        assert (exact[operation.target] - expected).abs().max() <= 0.51 * grid.scale


@pytest.mark.parametrize("seed", range(5))
def test_kernels_give_the_integers_of_the_definition(seed):
    integers, (x, edge_index, weight) = network(seed), graph(seed)
    edges = integers.edges(edge_index, weight, len(x))
    fast, slow = (dict(integers.stages(x, edges, by_definition)) for by_definition in (False, True))
    assert fast.keys() == slow.keys()
    assert all(torch.equal(fast[name].integers, slow[name].integers) for name in fast)


def test_weights_of_few_bits_have_finer_steps():
    edge_index, weight = torch.tensor([[0, 1], [1, 0]]), torch.tensor([0.25, 1.0])
    of_four_bits = IntegerNetwork("gcn", GRID, Grid(1 / 15, -8, -8, 7), ())
    edges = of_four_bits.edges(edge_index, weight, 2)
    assert edges.weight is not None and edges.weight.tolist() == [64, 240] and edges.scale == pytest.approx(1 / 240)


def test_weights_of_edges_below_zero_are_refused():
    with pytest.raises(InputError, match="negative"):
        IntegerNetwork("gcn", GRID, Grid(0.01, 0, -128, 127), ()).edges(
            torch.tensor([[0], [1]]), torch.tensor([-0.5]), 2
        )


def test_a_bias_beyond_int32_is_refused():
    rows = Rows(torch.zeros(2, 1, dtype=torch.int8), 1e-12)
    edges = Edges(Neighbours(torch.tensor([[0], [1]]), 2, 2), None, 1.0)
    with pytest.raises(InputError, match="2\\^31"):
        Sum("a", "b", GRID, False, bias=torch.ones(1, dtype=torch.float64)).run({"a": rows}, edges, True)


@pytest.mark.parametrize("name", ["int16", "q3.4", "ternary"])
def test_rows_of_other_formats_are_refused_by_name(name):
    chosen = parse(name)
    assert chosen is not None
    with pytest.raises(InputError, match=name):
        Grid.of(chosen, torch.tensor(1.0), torch.tensor(0))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_a_file_gives_the_network_again(tmp_path, bits):
    path, integers, (x, edge_index, weight) = tmp_path / "net.safetensors", network(0, bits), graph(0)
    digest = save_network(integers, path, {"run": "abc"})
    again, about = load_network(path)
    assert about == {"run": "abc"} and len(digest) == 64
    edges = integers.edges(edge_index, weight, len(x))
    assert torch.equal(integers.run(x, edges, True).integers, again.run(x, edges, True).integers)


def test_a_file_with_an_altered_bit_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(network(0, 4), path, {"run": "abc"})
    content = path.read_bytes()
    for place in range(8 * len(content)):
        if place % 7:
            continue
        altered = bytearray(content)
        altered[place // 8] ^= 1 << place % 8
        path.write_bytes(altered)
        with pytest.raises(DataError):
            load_network(path)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_file_that_is_cut_off_or_not_there_is_refused(tmp_path, length):
    path = tmp_path / "net.safetensors"
    with pytest.raises(DataError):
        load_network(path)
    save_network(network(0), path, {})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError):
        load_network(Path(path))
