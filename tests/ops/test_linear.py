"""Linear maps without gradients: torch's own numbers, in blocks that cover all rows."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from graphlab.ops import linear as module
from graphlab.ops.linear import BLOCKS, Linear, blocks, in_blocks, linear


@pytest.mark.parametrize("num_rows", [0, 1, 255, 256, 257, 1000, 2048, 2049, 2880, 5000])
def test_blocks_cover_the_rows_by_few_lengths(num_rows):
    parts = list(blocks(num_rows))
    assert {row for part in parts for row in range(part.start, part.stop)} == set(range(num_rows))
    if num_rows >= BLOCKS[0]:
        assert {part.stop - part.start for part in parts} <= set(BLOCKS)
    assert in_blocks(lambda rows: 2 * rows, torch.ones(num_rows, 3)).sum() == 6 * num_rows


@pytest.mark.parametrize("shape", [(3000,), (20, 150), (40,)], ids=str)
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("sliced", [True, False])
def test_map_is_that_of_torch(shape, biased, sliced):
    random = torch.Generator().manual_seed(0)
    x, weight = torch.randn(*shape, 64, generator=random), torch.randn(48, 128, generator=random)
    weight = weight[:, 64:] if sliced else weight[:, 64:].contiguous()
    bias = torch.randn(48, generator=random) if biased else None
    expected = F.linear(x, weight, bias)
    with torch.no_grad():
        torch.testing.assert_close(linear(x, weight, bias), expected, rtol=1e-6, atol=1e-5)


def test_gradients_are_those_of_torch(monkeypatch):
    monkeypatch.setattr(module, "_of_block", lambda *_: pytest.fail("a map with a gradient is computed without it"))
    x, layer = torch.ones(3000, 64), Linear(64, 64)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad, torch.full((64, 64), 3000.0))
