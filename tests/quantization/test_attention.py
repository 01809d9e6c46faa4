"""Attention and tables of integer networks beside the same in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.errors import InputError
from graphlab.ops.integer.softmax import neighbour_softmax
from graphlab.ops.neighbour_sum import Neighbours
from graphlab.quantization.attention import SCORE, Attention, Table
from graphlab.quantization.files import load_network, save_network
from graphlab.quantization.network import IntegerNetwork
from graphlab.quantization.operations import Product
from graphlab.quantization.rows import Edges, Grid, Rows

NODES, WIDTH = 15, 5
MAPPED, SUMS, AFTER = Grid(0.05, -3, -128, 127), Grid(0.03, 10, -128, 127), Grid(0.02, -60, -128, 127)
SHARES = {8: Grid(0.9 / 255, -128, -128, 127), 4: Grid(1 / 15, -8, -8, 7), 7: Grid(1 / 127, 0, -127, 127)}


def example(seed: int) -> tuple[Edges, dict[str, Rows]]:
    """Edges with a loop a node, rows of two heads, and scores that are far apart."""
    random = torch.Generator().manual_seed(seed)
    loops = torch.arange(NODES).expand(2, -1)
    edges = torch.cat([torch.randint(NODES, (2, 50), generator=random), loops], dim=1)
    rows = Rows(torch.randint(-128, 128, (NODES, 2 * WIDTH), generator=random).to(torch.int8), 0.05, -3)
    scores = torch.randint(-90_000, 90_000, (NODES, 4), generator=random).to(torch.int32)
    scales = np.array([1e-5, 2e-5, 3e-5, 1.5e-5])
    neighbours = Neighbours(edges, NODES, NODES)
    return Edges(neighbours, None, 1.0), {"map": rows, "scores": Rows(scores, scales)}


def attention(is_mean: bool, shares: Grid, grid: Grid | None, seed: int = 0) -> Attention:
    bias = torch.randn(
        WIDTH if is_mean else 2 * WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.double
    )
    return Attention("map", "out", grid, False, "scores", 2, is_mean, 0.2, shares, bias)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([4, 7, 8]), st.booleans())
def test_attention_is_that_of_floats_within_a_step(seed, is_mean, bits, is_rounded):
    """The softmax in float64 differs by half of 1 / 32 of logits, half of 1 / 255 and half a step of the shares."""
    edges, rows = example(seed)
    grid, shares = SUMS if is_rounded else None, SHARES[bits]
    operation = attention(is_mean, shares, grid, seed)
    fast, slow = (operation.run(rows, edges, by_definition) for by_definition in (False, True))
    assert torch.equal(fast.integers, slow.integers) and fast.integers.dtype == slow.integers.dtype
    source, target = edges.neighbours.source, edges.neighbours.target
    scores = rows["scores"].integers.double() * torch.as_tensor(rows["scores"].scale)
    logits = torch.nn.functional.leaky_relu(scores[source, :2] + scores[target, 2:], 0.2)
    h = rows["map"].values().double().unflatten(1, (2, WIDTH))
    exact, slack = torch.zeros(NODES, 2, WIDTH, dtype=torch.double), torch.zeros(NODES, 2, WIDTH, dtype=torch.double)
    for node in range(NODES):
        into = target == node
        share = torch.softmax(logits[into], dim=0)
        largest = (shares.highest - shares.zero_point) * shares.scale
        exact[node] = torch.einsum("eh,ehd->hd", share.clamp(max=largest), h[source[into]])
        error = share / 30 + 0.5 / 255 + 0.51 * shares.scale + 0.0004
        slack[node] = torch.einsum("eh,ehd->hd", error, h[source[into]].abs())
    expected = (exact.mean(1) if is_mean else exact.flatten(1)) + operation.bias
    allowed = (slack.mean(1) if is_mean else slack.flatten(1)) + 1e-3
    if grid is not None:
        low, high = ((end - grid.zero_point) * grid.scale for end in (grid.lowest, grid.highest))
        expected, allowed = expected.clamp(low, high), allowed + 0.51 * grid.scale
    else:
        allowed = allowed + fast.scale
    assert ((fast.values() - expected).abs() <= allowed).all()


def test_sums_are_exact_in_the_shares_that_the_kernel_gives():
    """Without a grid the accumulators are the sums of shares times rows, and the bias to half a step."""
    edges, rows = example(3)
    operation = attention(True, SHARES[4], None)
    scale = torch.as_tensor(rows["scores"].scale) / SCORE
    steps = (rows["scores"].integers.double() * scale + 0.5).floor().to(torch.int32)
    shares = neighbour_softmax(edges.neighbours, steps[:, :2].contiguous(), steps[:, 2:].contiguous(), SCORE)
    rounded = (shares.double() / 255 * 15).round() / 15
    dense = torch.zeros(2, NODES, NODES, dtype=torch.double)
    for head in range(2):
        dense[head].index_put_((edges.neighbours.target, edges.neighbours.source), rounded[head], accumulate=True)
    h = (rows["map"].integers.double() + 3) * 0.05
    expected = torch.einsum("hij,jhd->ihd", dense, h.unflatten(1, (2, WIDTH))).mean(1) + operation.bias
    out = operation.run(rows, edges, False)
    assert (out.integers.double() * float(out.scale) - expected).abs().max() <= 0.5 * float(out.scale) + 1e-9


@pytest.mark.parametrize("before", [SUMS, Grid(0.4, 2, -8, 7), Grid(0.02, 30, 0, 255)])
def test_a_table_gives_the_nearest_number_for_every_integer(before):
    table = Table.of(torch.nn.functional.elu, "a", "b", before, AFTER)
    integers = torch.arange(before.lowest, before.highest + 1).to(before.dtype).reshape(-1, 1)
    edges = Edges(Neighbours(torch.zeros(2, 0, dtype=torch.int64), 1, 1), None, 1.0)
    fast, slow = (
        table.run({"a": Rows(integers, before.scale, before.zero_point)}, edges, each) for each in (False, True)
    )
    values = (integers.double() - before.zero_point) * before.scale
    exact = torch.where(values > 0, values, values.expm1()).clamp(-68 * 0.02, 187 * 0.02)
    assert torch.equal(fast.integers, slow.integers) and fast.integers.dtype == torch.int8
    assert (fast.values() - exact).abs().max() <= 0.5001 * AFTER.scale


def test_sums_that_could_pass_int32_are_refused():
    """A node of 20,000 neighbours whose shares are as fine as 1 / 100,000, so that all of them can be 255."""
    edges = torch.stack([torch.arange(20000), torch.zeros(20000, dtype=torch.int64)])
    wide = Edges(Neighbours(edges, 20000, 20000), None, 1.0)
    heads = 8
    rows = {
        "map": Rows(torch.zeros(20000, heads, dtype=torch.int8), 0.05, 127),
        "scores": Rows(torch.zeros(20000, 2 * heads, dtype=torch.int32), 1e-5),
    }
    bias = torch.zeros(1, dtype=torch.float64)
    operation = Attention("map", "out", None, False, "scores", heads, True, 0.2, Grid(1e-5, 0, 0, 255), bias)
    with pytest.raises(InputError, match="attention of a node"):
        operation.run(rows, wide, False)
    coarse = Attention("map", "out", None, False, "scores", heads, True, 0.2, Grid(1 / 255, 0, 0, 255), bias)
    coarse.run(rows, wide, False)


def test_a_file_gives_attention_and_tables_again(tmp_path):
    """With weights of 4 bits, which are packed."""
    random = torch.Generator().manual_seed(0)

    def product(target: str, grid: Grid | None, width: int) -> Product:
        weight = torch.randint(-7, 8, (2 * WIDTH, width), generator=random).to(torch.int8)
        return Product("input" if grid else "map", target, grid, False, weight, torch.full((width,), 0.03).double(), 4)

    table = Table.of(torch.nn.functional.elu, "out", "output", SUMS, AFTER)
    operations = product("map", MAPPED, 2 * WIDTH), product("scores", None, 4), attention(False, SHARES[8], SUMS), table
    network, path = IntegerNetwork("gat", MAPPED, None, operations), tmp_path / "net.safetensors"
    save_network(network, path, {})
    again, _ = load_network(path)
    edges = example(0)[0]
    x = torch.randn(NODES, 2 * WIDTH, generator=random)
    before, after = (dict(each.stages(x, edges)) for each in (network, again))
    assert before.keys() == after.keys() == {"input", "map", "scores", "out", "output"}
    assert all(torch.equal(before[name].integers, after[name].integers) for name in before)
