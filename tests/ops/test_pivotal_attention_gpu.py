"""The GPU path of pivotal attention against the reference: by Triton's interpreter where Triton is installed, and on a
GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlab.ops.pivotal_attention import dispatch, pivotal_attention, reference
from graphlab.ops.pivotal_attention.reference import attend
from tests.ops.pivotal_problems import DROPOUT, IN_HALF, NAMES, SEEDS, forward_and_back, problem, problems, with_dropout

PROBLEMS = problems()
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 4e-2, torch.float16: 5e-3}
"""The reference itself, in these dtypes, is as far from float64 where scores are steep."""

CASES = [(dtype, name) for dtype, names in {torch.float32: PROBLEMS, **IN_HALF}.items() for name in names]
with_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed; it comes with torch on GPU machines"
)


def assert_equals_the_reference(found: dict[str, Tensor], name: str, dtype: torch.dtype) -> None:
    """The reference takes what the dtype makes of the numbers."""
    rounded = {
        key: value.to(dtype).double() if isinstance(value, Tensor) and value.is_floating_point() else value
        for key, value in PROBLEMS[name].items()
        if key not in ("far", "views")
    }
    assert_alike(found, forward_and_back(reference, rounded, torch.float64), TOLERANCE[dtype])


def assert_alike(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # Sums of many numbers are off by a share of the largest of them.
        close = {"rtol": tolerance, "atol": tolerance * float(value.abs().max())}
        torch.testing.assert_close(found[key], value, **close, msg=lambda message, key=key: f"{key}: {message}")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    """What the interpreter makes of all problems and of dropout, in a process of its own."""
    folder = tmp_path_factory.mktemp("interpreted")
    torch.save(PROBLEMS, folder / "problems.pt")
    subprocess.run(
        [sys.executable, "-m", "tests.ops.pivotal_problems", str(folder / "problems.pt"), str(folder / "found.pt")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    return torch.load(folder / "found.pt")


@with_triton
@pytest.mark.parametrize(("dtype", "name"), CASES)
def test_interpreted(interpreted, name, dtype):
    assert_equals_the_reference(interpreted[0][name, dtype], name, dtype)


@with_triton
def test_interpreted_dropout(interpreted):
    assert_drops_as_the_reference_with_its_draws(interpreted[1])


def assert_drops_as_the_reference_with_its_draws(found: dict) -> None:
    kept = [found[f"kept {seed}"] for seed in SEEDS]
    for seed, of_seed in zip(SEEDS, kept, strict=True):
        stays = (of_seed > 0).double()
        torch.testing.assert_close(of_seed.double(), stays / (1 - DROPOUT), rtol=1e-5, atol=0)
        # Of 2,040 draws; a standard deviation is .011.
        assert abs(float(1 - stays.mean()) - DROPOUT) < 0.05
        expected = forward_and_back(with_weights(stays / (1 - DROPOUT)), problem("tiles"), torch.float64)
        assert_alike(found[f"results {seed}"], expected, TOLERANCE[torch.float32])
    # Seeds, heads, rows and pivots agree by chance alone: in .36 + .16 of all weights.
    first = kept[0]
    of_heads, of_rows, of_pivots = first.unbind(1), (first[:, :, 0], first[:, :, 16]), (first[..., :4], first[..., 16:])
    for first, second in (kept, of_heads, of_rows, of_pivots):
        assert 0.4 < float(((first > 0) == (second > 0)).double().mean()) < 0.64
    assert not any(value.any() for value in found["all"].values())


def with_weights(factor: Tensor):
    """The reference with weights that are multiplied by a factor."""

    def path(query, keys, values, mask, cap, scale):
        return attend(query, keys, values, mask, cap, 0.5, lambda weights: weights * factor)

    return path


@with_triton
@pytest.mark.parametrize(
    ("capability", "dtype", "masking", "drops"), [(80, "bf16", "bool", False), (90, "fp32", "numbers", True)]
)
def test_kernels_compile_without_a_gpu(capability, dtype, masking, drops, tmp_path, monkeypatch):
    """What the interpreter cannot show: that the compiler takes the kernels, with products of half precision on tensor
    cores, in the shared memory of small GPUs."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from graphlab.ops.pivotal_attention import gpu, gpu_kernels

    width = {"bf16": gpu.WIDTH[torch.bfloat16], "fp32": gpu.WIDTH[torch.float32]}[dtype]
    constants = {"WIDTH": width, "STEP": gpu.STEP, "SIDE": gpu.SIDE, "CAPPED": True, "MASKING": masking, "DROPS": drops}
    tensors = {"out", "grad", "to_query", "to_key", "to_value", *NAMES}
    types = dict.fromkeys(tensors, (f"*{dtype}", *("i32",) * 4)) | dict.fromkeys(constants, "constexpr")
    types |= {"mask": ("*u8" if masking == "bool" else "*fp32", *("i32",) * 5), "sizes": ("i32",) * 5, "seed": "i64"}
    types |= dict.fromkeys(("largest", "total", "inner"), "*fp32") | dict.fromkeys(("scale", "cap", "dropout"), "fp32")
    types |= dict.fromkeys(("row_stride", "column_stride"), "i32")
    for kernel in (gpu_kernels.forward, gpu_kernels.backward_to_query, gpu_kernels.backward_to_first):
        places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
        compiled = triton.compile(
            ASTSource(kernel, {name: types[name] for name in kernel.arg_names}, places),
            target=GPUTarget("cuda", capability, 32),
            options={"num_warps": gpu.WARPS, "num_stages": 1},
        )
        assert compiled.asm["cubin"]
        assert ("mma.sync" in compiled.asm["ptx"]) == (dtype == "bf16")
        assert compiled.metadata.shared < 99 * 1024


def test_on_the_cpu_no_kernels_are_taken():
    query = torch.zeros(1, 1, 2, 2, 4)
    assert not dispatch.has_kernels([query] * 5, None)


@pytest.fixture
def by_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "FEW", 0)
    monkeypatch.setattr(dispatch, "reference", None)
    inputs = [torch.zeros(1, 1, 2, 2, 4, device="cuda")] * 5
    assert dispatch.has_kernels(inputs, None)
    assert not dispatch.has_kernels([each.double() for each in inputs], None)
    assert not dispatch.has_kernels(inputs, inputs[0].as_strided((1,) * 5, (0, 0, dispatch.FAR, 0, 1)))


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "name"), CASES)
def test_on_a_gpu(by_kernels, name, dtype):
    found, again = (forward_and_back(pivotal_attention, PROBLEMS[name], dtype, "cuda") for _ in range(2))
    assert_equals_the_reference(found, name, dtype)
    assert all(torch.equal(found[key], again[key]) for key in found)


@pytest.mark.gpu
def test_on_a_gpu_with_dropout(by_kernels):
    assert_drops_as_the_reference_with_its_draws(with_dropout(pivotal_attention, "cuda"))


@pytest.mark.gpu
def test_on_a_gpu_under_autocast(by_kernels):
    """Inputs in bfloat16, as a linear map gives them, give what they give without autocast."""
    expected = forward_and_back(pivotal_attention, PROBLEMS["tiles"], torch.bfloat16, "cuda")
    with torch.autocast("cuda", torch.bfloat16):
        found = forward_and_back(pivotal_attention, PROBLEMS["tiles"], torch.bfloat16, "cuda")
    assert all(torch.equal(found[key], expected[key]) for key in found)


@pytest.mark.gpu
def test_on_a_gpu_scores_are_not_kept():
    """Of 256 nodes and 4 heads, 256 MiB of scores in float32; forward and backward take less than a third."""
    leaves = [torch.randn(1, 4, 256, 256, 8, device="cuda", requires_grad=True) for _ in range(5)]
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    pivotal_attention(leaves[0], leaves[1:3], leaves[3:]).sum().backward()
    assert torch.cuda.max_memory_allocated() - before < 2**28 / 3
