"""What commands cost over a Python that starts and does nothing, and a new run over importing torch and PyG.

Expected: `import graphlab` at most 0.15 s more than bare Python and `graphlab --help` at most 0.5 s, by the wall; each
command that trains nothing at most 1 s and `graphlab run gcn karate`, anew, at most 1 s more than importing torch and
PyG, of processor time. Seven rounds, each command in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from measure import CLOCKS, interleaved, write_result

REPEATS = 7

RUN = ("run", "gcn", "karate")

PROGRAMS = {"bare": "pass", "import": "import graphlab", "libraries": "import torch, torch_geometric"}

COMMANDS = {
    "help": ("--help",),
    "runs": ("runs",),
    "describe": ("describe", "gcn"),
    "datasets": ("datasets",),
    "models": ("models",),
    "leaderboard": ("leaderboard", "karate"),
    "mistyped": ("run", "gnc", "karate"),
    "done": RUN,
}


def start(words: list[str], variables: dict[str, str]) -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    subprocess.run([sys.executable, *words], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        variables = {"GRAPHLAB_DATA": str(Path(folder, "data")), "GRAPHLAB_STORE": str(Path(folder, "runs"))}

        def command(words: tuple[str, ...]) -> Callable[[], object]:
            return lambda: start(["-m", "graphlab", *words], variables)

        def new_run() -> None:
            start(["-m", "graphlab", *RUN], {**variables, "GRAPHLAB_STORE": str(Path(folder, "new"))})
            shutil.rmtree(Path(folder, "new"))

        started = {clock: read() for clock, read in CLOCKS.items()}
        command(COMMANDS["describe"])()  # makes the index
        first = {clock: round(read() - started[clock], 3) for clock, read in CLOCKS.items()}
        arms = {name: lambda program=program: start(["-c", program], variables) for name, program in PROGRAMS.items()}
        arms |= {"new": new_run, **{name: command(words) for name, words in COMMANDS.items()}}
        seconds = interleaved(arms, REPEATS)
    medians = {clock: {name: median(values) for name, values in arms.items()} for clock, arms in seconds.items()}
    more = {clock: round(values["new"] - values["libraries"], 3) for clock, values in medians.items()}
    rounded = {clock: {name: round(value, 3) for name, value in values.items()} for clock, values in medians.items()}
    write_result(
        "start",
        {
            "seconds": rounded,
            "import_seconds_more": round(medians["wall"]["import"] - medians["wall"]["bare"], 3),
            "new_run_seconds_more": more,
            "first_describe_seconds": first,
        },
    )


if __name__ == "__main__":
    main()
