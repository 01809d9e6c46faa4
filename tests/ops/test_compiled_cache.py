"""Compiled loops are kept on disk and found there by the next process.

numba names what it keeps by the values that a loop closes over. Numbers have the same name in every process; a compiled
function has another name each time, so that a loop which closes over one is compiled, and kept, anew.
"""

from __future__ import annotations

import ast
import os
import subprocess
import symtable
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import graphlab

PACKAGE = Path(graphlab.__file__).parent
COMPILERS = ("contracted", "compiled", "numba.njit")
NUMBERS = ("int", "bool", "float")


def kept_loops(path: Path) -> Iterator[tuple[ast.FunctionDef, ast.FunctionDef]]:
    """The factories of a file, each with a loop that it compiles."""
    for factory in ast.walk(ast.parse(path.read_text())):
        for loop in factory.body if isinstance(factory, ast.FunctionDef) else ():
            if isinstance(loop, ast.FunctionDef):
                names = [ast.unparse(each).partition("(")[0] for each in loop.decorator_list]
                if set(names) & set(COMPILERS):
                    yield factory, loop


def closes_over(path: Path, factory: str, loop: str) -> tuple[str, ...]:
    table = symtable.symtable(path.read_text(), str(path), "exec")
    (outer,) = (each for each in table.get_children() if each.get_name() == factory)
    (inner,) = (each for each in outer.get_children() if each.get_name() == loop)
    assert isinstance(inner, symtable.Function)
    return inner.get_frees()


COMPILING = [
    path for path in sorted(PACKAGE.rglob("*.py")) if any(f"@{name}" in path.read_text() for name in COMPILERS)
]
LOOPS = [(path, *loop) for path in COMPILING for loop in kept_loops(path)]


def test_the_factories_are_found():
    assert {factory.name for _, factory, _ in LOOPS} >= {"_plain", "_rectified", "_map_loop", "in_place_loop", "totals"}


@pytest.mark.parametrize(("path", "factory", "loop"), LOOPS, ids=lambda each: getattr(each, "name", None))
def test_a_kept_loop_closes_over_numbers(path, factory, loop):
    numbers = {each.arg for each in factory.args.args if each.annotation and ast.unparse(each.annotation) in NUMBERS}
    for name in closes_over(path, factory.name, loop.name):
        assert name in numbers, f"{path.name}: {loop.name} closes over {name}, which may be compiled itself"


PROGRAM = """
import torch
from graphlab.ops.tuple_spmm import Messages, tuple_spmm

ids = torch.arange(4)
messages = Messages.of_pairs(ids, ids.flip(0), 4, 4)
for width in (3, 16):
    x = torch.ones(4, width, requires_grad=True)
    tuple_spmm(messages, x, None, torch.ones(())).sum().backward()
"""


@pytest.mark.slow
def test_a_second_process_keeps_nothing_new(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(PACKAGE.parent)}
    kept = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True)
        kept.append({str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.nb*")})
    assert kept[0] and kept[1] == kept[0]
