"""The block of FloydNet against the published package and against what it promises."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.model.floyd_block import FloydBlock, from_published

CONFIGURATIONS = {
    "pre_ln_relu": {},
    "pre_affine_silu": {"norm": "affine", "activation": "silu"},
    "pre_rms_gelu_bias": {"norm": "rms", "activation": "gelu", "bias": True},
    "post_ln_relu": {"norm_first": False},
    "pre_nomix_noffn": {"mixes": False, "ffn_ratio": 0},
    "pre_none_relu": {"norm": "none"},
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_published_block_with_its_weights(truth, name):
    """`truth/floydnet_block2`: outputs, with and without a mask, and all gradients."""
    arrays = {key: torch.from_numpy(value) for key, value in truth("floydnet_block2").items()}
    block = FloydBlock(8, 2, **CONFIGURATIONS[name]).double()
    prefix = f"{name}/param/"
    block.load_state_dict(
        from_published({key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)})
    )
    x, mask = arrays["x"].requires_grad_(), arrays["attn_mask"]
    torch.testing.assert_close(block(x), arrays[f"{name}/plain/y"], rtol=0, atol=1e-10)
    out = block(x, mask)
    torch.testing.assert_close(out, arrays[f"{name}/mask/y"], rtol=0, atol=1e-10)
    (out * arrays["upstream_grad"]).sum().backward()
    prefix = f"{name}/mask/grad_param/"
    gradients = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
    for key, expected in {"x": arrays[f"{name}/mask/grad_x"], **from_published(gradients)}.items():
        grad = x.grad if key == "x" else block.get_parameter(key).grad
        torch.testing.assert_close(grad, expected, rtol=0, atol=1e-10, msg=key)
    assert len(gradients) == len(list(block.parameters()))


@pytest.mark.parametrize("order", [2, 3])
def test_a_new_block_is_the_identity_and_a_trained_one_is_equivariant(order):
    torch.manual_seed(0)
    block = FloydBlock(6, 3, order=order).double()
    x = torch.randn(2, *(5,) * order, 6, dtype=torch.float64)
    assert torch.equal(block(x), x)
    for parameter in block.parameters():
        parameter.data = torch.randn_like(parameter) / 3
    permutation = torch.randperm(5)
    moved = x
    for axis in range(1, 1 + order):
        moved = moved.index_select(axis, permutation)
    expected = block(x)
    for axis in range(1, 1 + order):
        expected = expected.index_select(axis, permutation)
    torch.testing.assert_close(block(moved), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dim", [8, 64])
def test_parameters_are_as_many_as_published(dim):
    def count(**options: object) -> int:
        return sum(parameter.numel() for parameter in FloydBlock(dim, 2, **options).parameters())

    assert count() == 15 * dim**2 + 4 * dim + 1
    assert count(ffn_ratio=0) == 7 * dim**2 + 2 * dim


def test_nodes_that_are_masked_as_pivots_do_not_reach_the_rest():
    torch.manual_seed(1)
    block = FloydBlock(4, 2).double()
    for parameter in block.parameters():
        parameter.data = torch.randn_like(parameter) / 2
    x = torch.randn(1, 6, 6, 4, dtype=torch.float64)
    mask = torch.tensor([False] * 4 + [True] * 2).view(1, 1, 1, 1, 6)
    torch.testing.assert_close(block(x, mask)[:, :4, :4], block(x[:, :4, :4]), rtol=0, atol=1e-12)


def test_heads_divide_the_width():
    with pytest.raises(InputError, match="3 heads"):
        FloydBlock(8, 3)
