"""The GPU path against the slow reference: by Triton's interpreter where Triton is installed, and on a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlab.ops.tuple_spmm import reference, tuple_spmm
from tests.ops.tuple_problems import forward_and_back, problems

PROBLEMS = problems()
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 4e-2}
with_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed; it comes with torch on GPU machines"
)


def assert_equals_the_reference(found: dict[str, Tensor], name: str, dtype: torch.dtype) -> None:
    """The reference sums what the dtype makes of the numbers, so that both see the same signs."""
    rounded = {k: v.to(dtype).double() if v.is_floating_point() else v for k, v in PROBLEMS[name].items()}
    expected = forward_and_back(reference, rounded, torch.float64)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        scale = max(1.0, float(value.abs().max()) if value.numel() else 0.0)
        close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * scale}
        torch.testing.assert_close(found[key], value, **close, msg=lambda said, key=key: f"{key}: {said}")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the interpreter makes of all problems, in a process of its own."""
    folder = tmp_path_factory.mktemp("interpreted")
    torch.save(PROBLEMS, folder / "problems.pt")
    subprocess.run(
        [sys.executable, "-m", "tests.ops.tuple_problems", str(folder / "problems.pt"), str(folder / "found.pt")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    return torch.load(folder / "found.pt")


@with_triton
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", PROBLEMS)
def test_interpreted(interpreted, name, dtype):
    assert_equals_the_reference(interpreted[name, dtype], name, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", PROBLEMS)
def test_on_a_gpu(name, dtype):
    found = forward_and_back(tuple_spmm, PROBLEMS[name], dtype, "cuda")
    assert_equals_the_reference(found, name, dtype)
    again = forward_and_back(tuple_spmm, PROBLEMS[name], dtype, "cuda")
    assert all(torch.equal(found[key], again[key]) for key in found)
