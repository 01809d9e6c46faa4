"""What a newcomer waits while loops are compiled: the first use with an empty cache of numba's, beside the second.

Each use is a process of its own: the expressiveness of `csl` under all usual tests, an epoch of `nbfnet` with the
published aggregation and as it is by default on the Nations graph, and an epoch of `gin` on MUTAG. Data are prepared
before. Processor time; the difference between first and second use is that of compiling. Three rounds, each with an
empty cache, whose median counts; then eight more uses, after which the cache must hold the files of the first use.

`BEFORE` names a checkout of an earlier version, whose uses take turns with these.

Expected: half of the compiling at most, and no file after the first process. Found: see `results/first_use.json`.

    BEFORE=path/to/checkout python benchmarks/bench_first_use.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from measure import processor_seconds, write_result

ROUNDS = 3
USES = 10

RUN = "import graphlab as gl; gl.run({}, device='cpu', progress=False, epochs=1{})"

PROGRAMS = {
    "expressiveness": "import graphlab as gl; gl.analyze('expressiveness', 'csl')",
    "nbfnet, as published": RUN.format("'nbfnet', 'kg/nations'", ", dim=32, num_layers=2, aggregate='pna'"),
    "nbfnet": RUN.format("'nbfnet', 'kg/nations'", ""),
    "gin": RUN.format("'gin', 'tu/mutag'", ""),
}


def use(program: str, checkout: Path, folder: Path, cache: str) -> float:
    """Processor seconds of a process of its own, whose run is not stored for the next."""
    with tempfile.TemporaryDirectory() as store:
        variables = {
            "PYTHONPATH": str(checkout),
            "NUMBA_CACHE_DIR": str(folder / cache),
            "GRAPHLAB_STORE": store,
            "GRAPHLAB_DATA": str(folder / "data"),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-W", "ignore", "-c", program]
        started = processor_seconds()
        subprocess.run(command, cwd=checkout, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL)
        return processor_seconds() - started


def files(cache: Path) -> set[str]:
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}


def measured(program: str, checkouts: dict[str, Path]) -> dict[str, Any]:
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
    left = {}
    with tempfile.TemporaryDirectory() as folder:
        folders = {name: Path(folder, name) for name in checkouts}
        for name, checkout in checkouts.items():
            use(program, checkout, folders[name], "prepare")
        for k in range(ROUNDS):
            for name, checkout in checkouts.items():
                first = use(program, checkout, folders[name], str(k))
                if k == 0:
                    left[name] = files(folders[name] / "0")
                seconds[name].append((first, use(program, checkout, folders[name], str(k))))
        cache = folders["now"] / "0"
        after_second = files(cache)
        for _ in range(USES - 2):
            use(program, checkouts["now"], folders["now"], "0")
        after_all = files(cache)
    figures: dict[str, Any] = {
        name: {
            "first": round(median(first for first, _ in pairs), 2),
            "second": round(median(second for _, second in pairs), 2),
            "more": round(median(first - second for first, second in pairs), 2),
        }
        for name, pairs in seconds.items()
    }
    if "before" in figures:
        figures["share of before"] = round(figures["now"]["more"] / figures["before"]["more"], 2)
    return {
        **figures,
        "files": len(left["now"]),
        "files_more_after_second_use": len(after_second - left["now"]),
        f"files_more_after_{USES}_uses": len(after_all - left["now"]),
    }


def main() -> None:
    checkouts = {"now": Path(__file__).parents[1]}
    if "BEFORE" in os.environ:
        checkouts = {"before": Path(os.environ["BEFORE"]).resolve(), **checkouts}
    write_result("first_use", {name: measured(program, checkouts) for name, program in PROGRAMS.items()})


if __name__ == "__main__":
    main()
