"""Interleaved timing: the arms take turns, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
REPEATS = 9


def processor_seconds() -> float:
    """Of this process and of those that it has started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


CLOCKS = {"wall": time.perf_counter, "processor": processor_seconds}


def interleaved(arms: Mapping[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, dict[str, list[float]]]:
    """Seconds by clock and arm, one number a round, after one round that is not counted."""
    seconds: dict[str, dict[str, list[float]]] = {clock: {name: [] for name in arms} for clock in CLOCKS}
    for counted in [False] + [True] * repeats:
        for name, arm in arms.items():
            started = {clock: read() for clock, read in CLOCKS.items()}
            arm()
            if counted:
                for clock, read in CLOCKS.items():
                    seconds[clock][name].append(read() - started[clock])
    return seconds


def median_ratio(over: list[float], under: list[float]) -> float:
    """Median over rounds of the ratio of two arms in the same round."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def peak_mib() -> float:
    """Largest resident set of this process so far. Unlike ru_maxrss it is not inherited from the parent."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


def measured_in_a_child(file: str, *words: object) -> float:
    """The number that a benchmark prints when it is called with these words, in a process of its own."""
    command = [sys.executable, "-W", "ignore", file, *map(str, words)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measured_in_a_process(file: str, *words: object) -> dict[str, Any]:
    """The JSON that a benchmark prints when it is called with these words, in a process of its own."""
    command = [sys.executable, "-W", "ignore", file, *map(str, words)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def write_result(name: str, result: Mapping[str, Any]) -> None:
    """Print a result and keep it, with what it was measured on, as `results/<name>.json`."""
    from graphlab.core import environment
    from graphlab.core.files import write_json

    ran_on = environment.capture()
    machine = {key: ran_on[key] for key in ("python", "packages", "processor", "cores", "threads", "accelerator")}
    kept = {**result, "machine": machine | {"load": round(os.getloadavg()[0], 1)}}
    write_json(RESULTS / f"{name}.json", kept)
    print(json.dumps(result, indent=1))
