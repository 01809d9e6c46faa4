"""What pairs gather over a third node, against its definition, in blocks of any size, and what is kept for it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.ops import triples
from graphlab.ops.triples import largest_sums, triangular_attention


def drawn(seed: int, *shape: int, count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(count)]


def attention_by_definition(query, key, left, right, there):
    batch, heads, nodes, _, dim = query.shape
    out = torch.zeros_like(query)
    for b in range(batch):
        between = [j for j in range(nodes) if there[b, j]]
        for h in range(heads):
            for i in range(nodes):
                for k in range(nodes):
                    scores = torch.stack([query[b, h, i, j] @ key[b, h, j, k] for j in between]) / dim**0.5
                    for weight, j in zip(scores.softmax(0), between, strict=True):
                        out[b, h, i, k] = out[b, h, i, k] + weight * left[b, h, i, j] * right[b, h, j, k]
    return out


def gradients(out: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    weights = torch.randn(out.shape, dtype=out.dtype, generator=torch.Generator().manual_seed(9))
    return list(torch.autograd.grad((out * weights).sum(), inputs))


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 2), st.integers(1, 5), st.integers(1, 3), st.integers(0, 99), st.sampled_from([1, 40, 2**20]))
def test_triangular_attention(batch, nodes, dim, seed, laid_out):
    inputs = drawn(seed, batch, 2, nodes, nodes, dim, count=4)
    there = torch.arange(nodes) <= torch.arange(batch).unsqueeze(1)
    expected = attention_by_definition(*inputs, there)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triples, "LAID_OUT", laid_out)
        out = triangular_attention(*inputs, there)
        torch.testing.assert_close(out, expected, rtol=0, atol=1e-10)
        with torch.no_grad():
            torch.testing.assert_close(triangular_attention(*inputs, there), expected, rtol=0, atol=1e-10)
        for grad, wanted in zip(gradients(out, inputs), gradients(expected, inputs), strict=True):
            torch.testing.assert_close(grad, wanted, rtol=0, atol=1e-10)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 2), st.integers(1, 5), st.integers(1, 3), st.integers(0, 99), st.sampled_from([1, 40, 2**20]))
def test_largest_sums(batch, nodes, dim, seed, laid_out):
    first, second = drawn(seed, batch, nodes, nodes, dim, count=2)
    expected = torch.stack(
        [torch.stack([first[:, i].unsqueeze(2) + second[:, i].unsqueeze(1) for i in range(nodes)]).amax(0)]
    )[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triples, "LAID_OUT", laid_out)
        out = largest_sums(first, second)
        assert torch.equal(out, expected)
        for grad, wanted in zip(gradients(out, [first, second]), gradients(expected, [first, second]), strict=True):
            torch.testing.assert_close(grad, wanted, rtol=0, atol=1e-12)


def test_equal_maxima_share_their_gradient_and_absent_nodes_have_none(monkeypatch):
    first, second = torch.zeros(1, 3, 3, 1), torch.zeros(1, 3, 3, 1)
    first[0, 2] = -torch.inf
    first.requires_grad_()
    for laid_out in (1, 2**20):
        monkeypatch.setattr(triples, "LAID_OUT", laid_out)
        (grad,) = torch.autograd.grad(largest_sums(first, second).sum(), first)
        assert grad[0, :2].unique().tolist() == [1.5] and not grad[0, 2].any()


def bytes_kept(name: str, nodes: int) -> int:
    """For the gradient."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        if name == "attention":
            inputs = [torch.randn(1, 2, nodes, nodes, 8, requires_grad=True) for _ in range(4)]
            triangular_attention(*inputs, torch.ones(1, nodes, dtype=torch.bool))
        else:
            largest_sums(*(torch.randn(1, nodes, nodes, 16, requires_grad=True) for _ in range(2)))
    return sum(kept.values())


@pytest.mark.parametrize("name", ["attention", "maxima"])
def test_no_triples_are_kept(name, monkeypatch):
    inputs = 4 * 96**2 * 16 * 4
    assert bytes_kept(name, 96) <= inputs
    monkeypatch.setattr(triples, "LAID_OUT", 2**40)
    assert bytes_kept(name, 96) > 10 * inputs
