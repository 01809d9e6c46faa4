"""The GPU path against the slow reference: by Triton's interpreter where Triton is installed, and on a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlab.ops.relational_spmm import RelationalGraph, dispatch, reference
from graphlab.ops.relational_spmm.graph import CHUNK
from graphlab.ops.relational_spmm.signature import Product
from tests.ops.relational_problems import MESSAGES, REDUCES, forward_and_back, problem, problems

PROBLEMS = problems()
IN_HALF = [f"{message}-{reduce}-small-full" for message, reduce in product(MESSAGES, REDUCES)]
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 2e-2, torch.float16: 4e-3}
with_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed; it comes with torch on GPU machines"
)


def assert_equals_the_reference(found: dict[str, Tensor], name: str, dtype: torch.dtype) -> None:
    expected = forward_and_back(reference, PROBLEMS[name], torch.float64)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # Sums of many numbers are off by a share of the largest of them.
        scale = max(1.0, float(value.abs().max()) if value.numel() else 0.0)
        close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * scale}
        torch.testing.assert_close(found[key], value, **close, msg=lambda said, key=key: f"{key}: {said}")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the interpreter makes of all problems, in one process of its own."""
    folder = tmp_path_factory.mktemp("interpreted")
    torch.save((PROBLEMS, IN_HALF), folder / "problems.pt")
    subprocess.run(
        [sys.executable, "-m", "tests.ops.relational_problems", str(folder / "problems.pt"), str(folder / "found.pt")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    return torch.load(folder / "found.pt")


@with_triton
@pytest.mark.parametrize("name", PROBLEMS)
def test_interpreted_in_float32(interpreted, name):
    assert_equals_the_reference(interpreted[name, torch.float32], name, torch.float32)


@with_triton
@pytest.mark.parametrize("name", IN_HALF)
def test_interpreted_in_bfloat16(interpreted, name):
    assert_equals_the_reference(interpreted[name, torch.bfloat16], name, torch.bfloat16)


@with_triton
@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize(("message", "reduce"), [("rotate", "pna"), ("distmult", "max"), ("transe", "sum")])
def test_kernels_compile_without_a_gpu(message, reduce, capability, tmp_path, monkeypatch):
    """What the interpreter cannot show: that the kernels are in the part of Python that the compiler takes."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from graphlab.ops.relational_spmm import gpu_kernels

    integers = dict.fromkeys(("start", "edge", "chunk_kind", "first"), "*i64") | dict.fromkeys(
        ("other", "kind", "source", "target"), "*i32"
    )
    types = integers | {"mask": "*u8", "floor": "fp32", "columns": "i32", "num_edges": "i32"}
    types |= dict.fromkeys(("state", "parts", "grad_weight"), "*fp32")
    constants = {"MESSAGE": message, "REDUCE": reduce, "DIM": 32, "SHARED": True, "TILE": 8, "BLOCK": 128}
    kernels = [gpu_kernels.forward, gpu_kernels.backward_to_sources, gpu_kernels.backward_to_relations]
    if reduce != "sum":
        kernels.append(gpu_kernels.backward_to_targets)
    for kernel in [*kernels, gpu_kernels.sum_chunks]:
        given = {name: value for name, value in constants.items() if name in kernel.arg_names}
        signature = {name: types.get(name, "*bf16") for name in kernel.arg_names} | dict.fromkeys(given, "constexpr")
        made = triton.compile(
            ASTSource(kernel, signature, {(kernel.arg_names.index(name),): value for name, value in given.items()}),
            target=GPUTarget("cuda", capability, 32),
            options={"num_warps": 4, "enable_fp_fusion": False},
        )
        assert made.asm["cubin"]


def test_chunks_hold_every_edge_of_a_type_once():
    g = torch.Generator().manual_seed(0)
    kind = torch.tensor([0] * (2 * CHUNK) + [3] * (CHUNK + 1) + [4])[torch.randperm(3 * CHUNK + 2, generator=g)]
    edge_index = torch.randint(9, (2, len(kind)), generator=g)
    chunks = RelationalGraph(edge_index, kind, 9).by_type
    assert chunks.kind.tolist() == [0, 0, 3, 3, 4]
    assert chunks.start.diff().tolist() == [CHUNK, CHUNK, CHUNK, 1, 1]
    assert chunks.first.tolist() == [0, 2, 2, 2, 4, 5]
    assert torch.equal(chunks.edge.sort().values, torch.arange(len(kind)))
    assert torch.equal(kind[chunks.edge], torch.repeat_interleave(chunks.kind, chunks.start.diff()))
    assert torch.equal(torch.stack([chunks.source, chunks.target]).long(), edge_index[:, chunks.edge])


def test_a_gpu_without_triton_takes_the_reference_and_says_so_once(monkeypatch):
    monkeypatch.setattr(dispatch, "find_spec", lambda name: None)
    dispatch.path_on_gpu.cache_clear()
    try:
        with pytest.warns(UserWarning, match="Triton is not installed"):
            assert dispatch.path_on_gpu() is reference
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert dispatch.path_on_gpu() is reference
    finally:
        dispatch.path_on_gpu.cache_clear()


def dispatched(given: Product) -> Tensor:
    return dispatch.path_of(given)(given)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", IN_HALF)
def test_on_a_gpu_in_each_precision(name, dtype):
    found = forward_and_back(dispatched, PROBLEMS[name], dtype, "cuda")
    assert_equals_the_reference(found, name, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("name", PROBLEMS)
def test_on_a_gpu(name):
    found = forward_and_back(dispatched, PROBLEMS[name], torch.float32, "cuda")
    assert_equals_the_reference(found, name, torch.float32)


@pytest.mark.gpu
@pytest.mark.parametrize("reduce", REDUCES)
@pytest.mark.parametrize("message", MESSAGES)
def test_on_a_gpu_every_bit_comes_again(message, reduce):
    given = problem(message, reduce, "large", bare=False)
    first, second = (forward_and_back(dispatched, given, torch.float32, "cuda") for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.gpu
def test_on_a_gpu_messages_are_not_kept():
    """Of 2 M edges with 64 numbers each, 512 MB of messages; forward and backward take a twentieth."""
    g = torch.Generator().manual_seed(0)
    edges = torch.randint(1000, (2, 2_000_000), generator=g).cuda()
    graph = RelationalGraph(edges, torch.zeros_like(edges[0]), 1000)
    x, relation = torch.randn(1000, 2, 32, device="cuda", requires_grad=True), torch.ones(1, 32, device="cuda")
    assert graph.by_target.start.is_cuda and graph.by_source.start.is_cuda
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    dispatched(Product(graph, relation, x, None, None, None, "distmult", "pna")).sum().backward()
    assert torch.cuda.max_memory_allocated() - before < 512e6 / 20
