"""What a newcomer waits while loops are compiled: the first use with an empty cache of numba's, beside the second.

Each use is a process of its own: the expressiveness of `csl` under all usual tests, an epoch of `nbfnet` with the
published aggregation on the Nations graph, and an epoch of `gin` on a fold of its own data. Data are prepared before.
Processor time; the difference between first and second use is that of compiling. Three rounds, each with an empty
cache, whose median counts; then eight more uses, after which the cache must hold the files of the first use.

Expected: half of what it was, which on the processor of the first measurement was 19 s for expressiveness, 9.7 for
nbfnet and 8.4 for gin; no file after the first process. Found: see `results/first_use.json`.
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

RUN = "import graphlab as gl; gl.run({}, device='cpu', progress=False, epochs=1, {})"

PROGRAMS = {
    "expressiveness": "import graphlab as gl; gl.analyze('expressiveness', 'csl')",
    "nbfnet": RUN.format("'nbfnet', 'kg/nations'", "dim=32, num_layers=2, aggregate='pna'"),
    "gin": RUN.format("'gin', 'csl'", "pre_transform='one-hot-degree'"),
}


def use(program: str, cache: Path) -> float:
    """Processor seconds of a process of its own, whose run is not stored for the next."""
    with tempfile.TemporaryDirectory() as store:
        variables = {"NUMBA_CACHE_DIR": str(cache), "GRAPHLAB_STORE": store, "OMP_NUM_THREADS": "1"}
        started = processor_seconds()
        subprocess.run([sys.executable, "-W", "ignore", "-c", program], env={**os.environ, **variables}, check=True)
        return processor_seconds() - started


def files(cache: Path) -> set[str]:
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}


def measured(program: str) -> dict[str, Any]:
    first, second, left = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        use(program, Path(folder, "prepare"))
        caches = [Path(folder, str(k)) for k in range(ROUNDS)]
        for cache in caches:
            first.append(use(program, cache))
            left.append(files(cache))
            second.append(use(program, cache))
        after_second = files(caches[0])
        for _ in range(USES - 2):
            use(program, caches[0])
        after_all = files(caches[0])
    return {
        "seconds": {"first": round(median(first), 2), "second": round(median(second), 2)},
        "seconds_more": round(median(a - b for a, b in zip(first, second, strict=True)), 2),
        "files": len(left[0]),
        "files_more_after_second_use": len(after_second - left[0]),
        f"files_more_after_{USES}_uses": len(after_all - left[0]),
    }


def main() -> None:
    write_result("first_use", {name: measured(program) for name, program in PROGRAMS.items()})


if __name__ == "__main__":
    main()
