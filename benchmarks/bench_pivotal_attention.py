"""Pivotal attention of pairs, forward and backward, beside the einsum of the published package `floydnet`, two threads.

Inputs are views of the output of one linear map, `[B, n, n, 5 C]`, and the result goes back to `[B, n, n, C]`, as in a
block. Besides: numbers that are kept for the backward pass beyond the inputs; the largest resident set of two blocks at
n = 512 (B 1, C 64, H 4), forward and backward, above the input; growth over four sizes and its exponent between the two
largest; the rate of arithmetic as a share of that of a large product of matrices, and the least time that reading the
inputs and writing the results and gradients once takes, as a share.

Expected: the einsum writes and reads the scores, n^3 numbers a head, several times; here they never leave the cache:
at least half as fast again where they do not fit in it, the same where they do.

    pip install --no-deps floydnet==1.1.0
    python benchmarks/bench_pivotal_attention.py
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import torch
from measure import interleaved, measured_in_a_child, median_ratio, peak_mib, write_result
from torch import Tensor

from graphlab.model.floyd_block import FloydBlock
from graphlab.ops.pivotal_attention import pivotal_attention

CASES = (
    (8, 16, 64, 4),
    (1, 16, 64, 4),
    (32, 16, 64, 4),
    (8, 24, 64, 4),
    (8, 32, 64, 4),
    (1, 32, 64, 4),
    (1, 48, 64, 4),
    (8, 64, 64, 4),
    (1, 64, 64, 4),
    (1, 128, 128, 8),
)
"""B, n, C, H."""

SIZES = (32, 64, 128, 256)
REPEATS, THREADS = 7, 2
SHORT = 51
"""Rounds of cases whose calls take less than the machine's own disturbances."""


def published() -> ModuleType | None:
    """The functions of the package, whose own start needs nothing that is not there."""
    package = importlib.util.find_spec("floydnet")
    if package is None or not package.submodule_search_locations:
        return None
    file = Path(package.submodule_search_locations[0]) / "functional.py"
    spec = importlib.util.spec_from_file_location("floydnet_functional", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def heads(x: Tensor, count: int) -> list[Tensor]:
    """Query, two keys, two values, `[B, H, n, n, d]`."""
    return [part.movedim(3, 1) for part in x.unflatten(3, (5, count, -1)).unbind(3)]


def ours(x: Tensor, count: int) -> Tensor:
    query, key_ij, key_jk, value_ij, value_jk = heads(x, count)
    return pivotal_attention(query, (key_jk, key_ij), (value_jk, value_ij)).movedim(1, 3).flatten(3)


def theirs(functions: ModuleType) -> Callable[[Tensor, int], Tensor]:
    return lambda x, count: functions.pivotal_attention(*heads(x, count)).movedim(1, 3).flatten(3)


def step(attend: Callable[[Tensor, int], Tensor], x: Tensor, grad: Tensor, count: int) -> Callable[[], object]:
    return lambda: torch.autograd.grad(attend(x, count), x, grad)


def kept_mib(attend: Callable[[Tensor, int], Tensor], x: Tensor, count: int) -> float:
    """MiB of tensors that are saved for the backward pass and are no part of the input's memory."""
    own, saved = x.untyped_storage().data_ptr(), {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() != own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = attend(x, count)
    del out
    return round(sum(saved.values()) / 2**20, 2)


def compared(functions: ModuleType, batch: int, n: int, width: int, count: int) -> dict[str, Any]:
    x, grad = torch.randn(batch, n, n, 5 * width, requires_grad=True), torch.randn(batch, n, n, width)
    arms = {"ours": ours, "theirs": theirs(functions)}
    torch.testing.assert_close(ours(x, count), arms["theirs"](x, count), rtol=1e-4, atol=1e-4)
    inner = max(1, round(2_000_000 / (batch * n**3)))  # short calls are timed several at a time

    def several(call: Callable[[], object]) -> Callable[[], object]:
        return lambda: [call() for _ in range(inner)]

    calls = {name: several(step(attend, x, grad, count)) for name, attend in arms.items()}
    repeats = SHORT if batch * n**3 < 10**6 else REPEATS
    seconds = interleaved(calls, repeats)
    with torch.no_grad():
        forward = interleaved(
            {name: several(lambda attend=attend: attend(x, count)) for name, attend in arms.items()}, repeats
        )
    return {
        "B, n, C, H": [batch, n, width, count],
        "milliseconds, wall": {name: round(median(each) / inner * 1e3, 2) for name, each in seconds["wall"].items()},
        "times theirs": {
            clock: round(median_ratio(each["theirs"], each["ours"]), 2) for clock, each in seconds.items()
        },
        "times theirs, forward": {
            clock: round(median_ratio(each["theirs"], each["ours"]), 2) for clock, each in forward.items()
        },
        "kept MiB": {name: kept_mib(attend, x, count) for name, attend in arms.items()},
    }


def limits(batch: int, n: int, width: int, count: int) -> dict[str, Any]:
    """Shares of two limits: 14 products of n^3 C numbers each, at the rate of a product of large matrices; and the
    input, its gradient, the result and its gradient, moved once at the rate of a copy."""
    x, grad = torch.randn(batch, n, n, 5 * width, requires_grad=True), torch.randn(batch, n, n, width)
    matrix, large = torch.randn(2048, 2048), torch.randn(2**26)
    room, place = torch.empty_like(matrix), torch.empty_like(large)
    seconds = interleaved(
        {
            "ours": step(ours, x, grad, count),
            "product": lambda: torch.mm(matrix, matrix, out=room),
            "copy": lambda: place.copy_(large),
        },
        REPEATS,
    )["wall"]
    rate = 2 * 2048**3 / median(seconds["product"])
    bandwidth = 2 * large.nbytes / median(seconds["copy"])
    time = median(seconds["ours"])
    return {
        "B, n, C, H": [batch, n, width, count],
        "gigaflops": round(28 * batch * n**3 * width / time / 1e9, 1),
        "gigaflops, product": round(rate / 1e9, 1),
        "share of arithmetic": round(28 * batch * n**3 * width / rate / time, 2),
        "share of bandwidth": round(2 * (x.nbytes + grad.nbytes) / bandwidth / time, 2),
    }


def growth() -> dict[str, Any]:
    times = {}
    for n in SIZES:
        x, grad = torch.randn(1, n, n, 5 * 64, requires_grad=True), torch.randn(1, n, n, 64)
        times[n] = median(interleaved({"ours": step(ours, x, grad, 4)}, 3)["wall"]["ours"])
    return {
        "milliseconds": {n: round(seconds * 1e3, 1) for n, seconds in times.items()},
        "exponent": round(math.log2(times[SIZES[-1]] / times[SIZES[-2]]), 2),
    }


def two_blocks(n: int) -> float:
    """MiB above the input that two blocks take, forward and backward."""
    x = torch.randn(1, n, n, 64, requires_grad=True)
    blocks = [FloydBlock(64, 4) for _ in range(2)]
    before = peak_mib()
    out = x
    for block in blocks:
        out = block(out)
    out.square().mean().backward()
    return peak_mib() - before


def main() -> None:
    torch.set_num_threads(THREADS)
    if len(sys.argv) > 1:
        print(two_blocks(int(sys.argv[1])))
        return
    functions = published()
    if functions is None:
        print("floydnet is not installed: pip install --no-deps floydnet==1.1.0", file=sys.stderr)
        sys.exit(2)
    write_result(
        "pivotal_attention",
        {
            "cases": [compared(functions, *case) for case in CASES],
            "limits": [limits(*case) for case in CASES if case[1] >= 64],
            "growth, B 1, C 64, H 4": growth(),
            "two blocks at n = 512, MiB": measured_in_a_child(__file__, 512),
        },
    )


if __name__ == "__main__":
    main()
