"""The `graphlab` command: a thin shell over the public API.

Every command takes --json (machine-readable on standard output) and exits 0, 1 (the work failed) or
2 (bad input). Torch is loaded by the commands that need it, not by `--help`.
"""

from graphlab.cli.entry import main

__all__ = ["main"]
