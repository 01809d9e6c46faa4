"""What `import graphlab` and `graphlab --help` cost over a Python that starts and does nothing.

Expected: `import graphlab` at most 0.15 s more than bare Python, for it loads no torch; `graphlab --help`
at most 0.5 s in all.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median

from measure import interleaved, write_result

PROGRAMS = {
    "bare": "pass",
    "import": "import graphlab",
    "help": "import sys; sys.argv = ['graphlab', '--help']; from graphlab.cli import main; main()",
}


def start(program: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    seconds = interleaved({name: start(program) for name, program in PROGRAMS.items()})["wall"]
    found = {name: median(values) for name, values in seconds.items()}
    write_result(
        "import",
        {
            "bare_seconds": round(found["bare"], 3),
            "import_seconds_more": round(found["import"] - found["bare"], 3),
            "help_seconds": round(found["help"], 3),
        },
    )


if __name__ == "__main__":
    main()
