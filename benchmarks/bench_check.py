"""What the check of data costs beside loading: FB15k-237 from its raw files, and Cora.

Two arms take turns: `load` into an empty data root, which reads, checks and keeps, and the check alone of what was
loaded, as every plan on a data set in memory asks for it. The ratio is the median over rounds.

Expected: under 2 % of loading FB15k-237.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from measure import interleaved, median_ratio, write_result

from graphlab.core.errors import DataError
from graphlab.data.check import check
from graphlab.data.load import load

REPEATS = 7
DATASETS = ("kg/fb15k-237", "planetoid/cora")


def from_raw_files(name: str) -> Callable[[], object]:
    """Load with nothing kept from before."""

    def arm() -> None:
        root = tempfile.mkdtemp()
        before, os.environ["GRAPHLAB_DATA"] = os.environ.get("GRAPHLAB_DATA"), root
        try:
            load(name)
        finally:
            shutil.rmtree(root)
            del os.environ["GRAPHLAB_DATA"]
            if before is not None:
                os.environ["GRAPHLAB_DATA"] = before

    return arm


def compare(name: str) -> dict[str, float | str]:
    dataset = replace(load(name), notices=(), findings=())
    report: dict[str, float | str] = {"dataset": name}
    seconds = interleaved({"load": from_raw_files(name), "check": lambda: check(dataset)}, REPEATS)
    for clock, arms in seconds.items():
        report |= {f"{clock}_seconds_{arm}": round(median(values), 4) for arm, values in arms.items()}
        report[f"{clock}_ratio"] = round(median_ratio(arms["check"], arms["load"]), 4)
    return report


def main() -> int:
    try:
        results = [compare(name) for name in DATASETS]
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    write_result("check", {"datasets": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
