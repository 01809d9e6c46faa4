"""A layer computed a few rows at a time against the same layer of PyTorch's modules, with all gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphlab.core.seeds import SeedStream
from graphlab.ops import tuple_layer as module
from graphlab.ops.tuple_layer import Branch, tuple_layer
from graphlab.ops.tuple_spmm import Messages, reference

KINDS = 3
EPS = 1e-5


def problem(num_rows: int, dim: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, list[Branch], list]:
    """h, three branches, one of them without a table, and the outer normalisation."""
    rng = SeedStream(5).child("rows", num_rows).torch()

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype).requires_grad_()

    branches = []
    for k in range(3):
        target, source = torch.randint(num_rows, (2, 3 * num_rows), generator=rng)
        kind = torch.randint(KINDS, (3 * num_rows,), generator=rng)
        messages = Messages.of_pairs(target, source, num_rows, num_rows, kind)
        table = draw(KINDS, dim) if k < 2 else None
        maps = (draw(dim, dim), draw(dim), draw(dim), draw(dim), draw(dim, dim), draw(dim))
        branches.append(Branch(messages, table, draw(), *maps))
    return draw(num_rows, dim), branches, [draw(dim), draw(dim)]


def by_modules(h: torch.Tensor, branches: list[Branch], gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    total = torch.zeros_like(h)
    for b in branches:
        x = reference(b.messages, h, b.table, b.self_weight)
        z = nn.functional.linear(x, b.weight_1, b.bias_1)
        y = nn.functional.batch_norm(z, None, None, b.gamma, b.beta, training=True, eps=EPS).relu()
        total = total + nn.functional.linear(y, b.weight_2, b.bias_2)
    return nn.functional.batch_norm(total, None, None, gamma, beta, training=True, eps=EPS).relu()


def tensors(h: torch.Tensor, branches: list[Branch], norm: list) -> list[torch.Tensor]:
    return [h, *norm, *(t for b in branches for t in b.tensors if t is not None)]


@pytest.mark.parametrize(("num_rows", "chunk_bytes"), [(5, 2**19), (40, 2**19), (203, 7 * 6 * 8)])
def test_equals_the_modules_with_all_gradients(num_rows, chunk_bytes, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", chunk_bytes)
    h, branches, norm = problem(num_rows, 6)
    out, _ = tuple_layer(h, branches, *norm, EPS)
    expected = by_modules(h, branches, *norm)
    torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)
    grad = torch.randn(out.shape, generator=SeedStream(1).torch(), dtype=torch.float64)
    inputs = tensors(h, branches, norm)
    found, wanted = (torch.autograd.grad(value, inputs, grad) for value in (out, expected))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def test_the_moments_are_those_of_the_rows():
    h, branches, norm = problem(50, 4)
    _, moments = tuple_layer(h, branches, *norm, EPS)
    first = branches[0]
    z = nn.functional.linear(reference(first.messages, h, first.table, first.self_weight), first.weight_1, first.bias_1)
    torch.testing.assert_close(torch.from_numpy(moments[0].mean), z.detach().mean(0))
    torch.testing.assert_close(torch.from_numpy(moments[0].variance), z.detach().var(0, correction=0))
    assert len(moments) == len(branches) + 1


def test_the_same_bits_for_any_number_of_threads():
    h, branches, norm = problem(700, 16, torch.float32)
    inputs = tensors(h, branches, norm)
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            out, _ = tuple_layer(h, branches, *norm, EPS)
            seen.append([out, *torch.autograd.grad(out.square().sum(), inputs)])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*seen, strict=True))


def test_gradcheck():
    h, branches, norm = problem(9, 3)
    inputs = tensors(h, branches, norm)
    assert torch.autograd.gradcheck(lambda *_: tuple_layer(h, branches, *norm, EPS)[0], inputs)
