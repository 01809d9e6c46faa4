"""Integer kernels of a GPU against their definitions, to the bit: by operations of torch, by Triton's interpreter where
Triton is installed, and on a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.ops.integer.gpu import constants, dispatch
from graphlab.ops.integer.gpu.dispatch import PLAIN
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.ops.integer.neighbour_sum import neighbour_sum
from graphlab.ops.integer.pack import pack
from graphlab.ops.integer.product import product
from graphlab.ops.integer.requantise import requantise_rows, rescale_rows
from graphlab.ops.integer.rescale import Multiplier, Output
from graphlab.ops.neighbour_sum import Neighbours
from tests.ops.integer.device_checks import CHECKS, path_of_gpus
from tests.ops.integer.integer_problems import graph

NAMES = sorted(CHECKS)
CPU = torch.device("cpu")
with_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed; it comes with torch on GPU machines"
)


@pytest.mark.parametrize("name", NAMES)
def test_operations_of_torch_give_the_integers_of_the_definition(name):
    with path_of_gpus(PLAIN):
        CHECKS[name]("cpu")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What checks of the kernels fail with in the interpreter, in a process of its own."""
    results = tmp_path_factory.mktemp("interpreted") / "results.json"
    subprocess.run(
        [sys.executable, "-m", "tests.ops.integer.device_checks", str(results)],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    return json.loads(results.read_text())


@with_triton
@pytest.mark.parametrize("name", NAMES)
def test_interpreted(interpreted, name):
    assert interpreted[name] == ""


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu(name):
    CHECKS[name]("cuda")


TYPES = {
    **dict.fromkeys(("x", "weight", "out"), "*i8"),
    **dict.fromkeys(("column_sums", "bias", "mantissa", "right", "start", "other", "place"), "*i32"),
    **dict.fromkeys(("source", "target", "table", "sums"), "*i32"),
}
CONSTANTS = {"BITS": 8, "UNSIGNED": False, "BIASED": True, "TO_BYTES": True, "PER_CHANNEL": True, "WEIGHTED": True}
TILES = {"BLOCK_M": 64, "BLOCK_N": 128, "BLOCK_K": 64, "TILE": 16}
UNSIGNED = {"x": "*u8", "out": "*u8"}
VARIANTS = [  # a number that is 1 when a kernel is launched is a constant of the compiled code
    ("product_kernel.product", {}, {}),
    ("product_kernel.product", UNSIGNED, {"UNSIGNED": True, "PER_CHANNEL": False, "BLOCK_N": 16}),
    ("product_kernel.product", {"weight": "*u8"}, {"BITS": 4}),
    ("product_kernel.product", {"weight": "*u8", "out": "*i32"}, {"BITS": 2, "TO_BYTES": False, "BIASED": False}),
    ("product_kernel.product", {}, {"BLOCK_N": 16, "rows": 1, "inner": 1, "columns": 1}),
    ("rescale_kernels.rescale", {}, {"BLOCK_M": 16}),
    ("rescale_kernels.rescale", {"out": "*i32"}, {"BLOCK_M": 16, "PER_CHANNEL": False}),
    ("softmax_kernel.neighbour_softmax", {"out": "*u8"}, {"TILE": 128}),
    ("softmax_kernel.neighbour_softmax", {"out": "*u8"}, {"TILE": 128, "heads": 1, "num_edges": 1}),
    ("sum_kernel.neighbour_sum", {}, {}),
    ("sum_kernel.neighbour_sum", {}, {"columns": 1, "BLOCK_N": 1, "TILE": 32}),
    ("sum_kernel.neighbour_sum", UNSIGNED | {"weight": "*u8"}, {"PER_CHANNEL": False, "BLOCK_N": 4, "TILE": 32}),
    ("sum_kernel.neighbour_sum", {"out": "*i32"}, {"WEIGHTED": False, "TO_BYTES": False, "BIASED": False}),
]


@with_triton
@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("variant", range(len(VARIANTS)))
def test_kernels_compile_without_a_gpu(variant, capability, tmp_path, monkeypatch):
    """What the interpreter cannot show: that the kernels are in the part of Python that the compiler takes, and that
    the product is one of tensor cores on int8."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from graphlab.ops.integer.gpu import product_kernel, rescale_kernels, softmax_kernel, sum_kernel

    modules = {each.__name__.rpartition(".")[2]: each for each in (product_kernel, rescale_kernels)}
    modules |= {each.__name__.rpartition(".")[2]: each for each in (softmax_kernel, sum_kernel)}
    name, types, choices = VARIANTS[variant]
    module, _, function = name.partition(".")
    kernel = getattr(modules[module], function)
    constants = {key: value for key, value in {**CONSTANTS, **TILES, **choices}.items() if key in kernel.arg_names}
    signature = {each: (TYPES | types).get(each, "i32") for each in kernel.arg_names}
    compiled = triton.compile(
        ASTSource(
            kernel,
            signature | dict.fromkeys(constants, "constexpr"),
            {(kernel.arg_names.index(key),): value for key, value in constants.items()},
        ),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": 4, "enable_fp_fusion": False},
    )
    assert compiled.asm["cubin"]
    if function == "product":
        assert ".s32.s8.s8" in compiled.asm["ptx"]


def test_a_gpu_without_triton_takes_the_plain_path_and_says_so_once(monkeypatch):
    monkeypatch.setattr(dispatch, "find_spec", lambda name: None)
    dispatch.paths.cache_clear()
    try:
        with pytest.warns(UserWarning, match="Triton is not installed"):
            assert dispatch.paths() is PLAIN
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert dispatch.paths() is PLAIN
    finally:
        dispatch.paths.cache_clear()


def test_small_constants_are_kept_and_large_ones_are_not():
    small, large = torch.arange(8).numpy(), torch.arange(constants.SMALL).numpy()
    assert constants.constant(small, CPU) is constants.constant(small.copy(), CPU)
    assert constants.constant(small, CPU) is not constants.constant(small + 1, CPU)
    assert constants.constant(small + 1, CPU).tolist() == list(range(1, 9))
    assert torch.equal(constants.constant(large, CPU), torch.arange(constants.SMALL))


ROWS, WEIGHT = torch.zeros(2, 3, dtype=torch.int8), torch.zeros(3, 4, dtype=torch.int8)
REFUSED = {
    "bias": (lambda: product(ROWS, WEIGHT, None, torch.zeros(3, dtype=torch.int32)), r"bias \(3,\)"),
    "bias beyond int32": (lambda: product(ROWS, WEIGHT, None, torch.full((4,), 2**31)), "bias from"),
    "channels": (lambda: product(ROWS, WEIGHT, Output.of([0.1, 0.2])), "2 multipliers"),
    "columns": (lambda: product(ROWS, WEIGHT.t().contiguous()), "times weights"),
    "device of edges": (
        lambda: neighbour_sum(graph(torch.Generator(), 2, 2, 3).to("meta"), ROWS),
        "edges on meta for rows on cpu",
    ),
    "device of weights": (lambda: product(ROWS, WEIGHT.to("meta")), "weights on meta for rows on cpu"),
    "float rows": (lambda: product(ROWS.float(), WEIGHT), "rows"),
    "float sums": (lambda: requantise_rows(ROWS.float(), Output.of(0.1)), "sums"),
    "float weights": (lambda: product(ROWS, WEIGHT.float()), "weights"),
    "multipliers": (lambda: rescale_rows(ROWS.int(), Multiplier.of([0.1, 0.2])), "2 multipliers"),
    "shape": (lambda: neighbour_sum(graph(torch.Generator(), 2, 3, 3), ROWS), "3 nodes"),
    "wide rows": (lambda: neighbour_sum(graph(torch.Generator(), 2, 2, 3), ROWS.int()), "rows"),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_other_shapes_types_and_devices_are_refused(what):
    call, message = REFUSED[what]
    with path_of_gpus(PLAIN), pytest.raises(InputError, match=message):
        call()


def test_weights_of_a_gpu_are_refused_for_rows_on_the_cpu():
    with pytest.raises(InputError, match="laid out"):
        product(ROWS, DeviceWeights.of(pack(WEIGHT, 4), CPU))


def test_edges_are_sorted_by_target_in_their_order():
    neighbours = graph(torch.Generator().manual_seed(0), 9, 7, 50)
    rows, edges = neighbours.by_target, neighbours.sorted_edges
    assert edges.start.tolist() == rows.start.tolist() and edges.other.tolist() == rows.other.tolist()
    assert edges.place.tolist() == rows.place.tolist()
    assert neighbours.degrees.tolist() == edges.start.diff().tolist()


def test_edges_that_are_moved_keep_what_is_on_the_host():
    neighbours = Neighbours(torch.tensor([[0, 1, 1], [2, 2, 0]]), 3, 2)
    assert neighbours.to("cpu") is neighbours and neighbours.degrees.tolist() == [1, 0, 2]
    assert neighbours.to("meta").degrees.tolist() == [1, 0, 2]
