"""Compiled loops are kept on disk and found there by the next process.

numba names what it keeps by the values that a loop closes over. Numbers have the same name in every process; a compiled
function has another name each time, so that a loop which closes over one is compiled, and kept, anew.
"""

from __future__ import annotations

import ast
import gc
import os
import shutil
import subprocess
import symtable
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import graphlab
from graphlab.ops.compiled import FEW, counting_sort, kept

PACKAGE = Path(graphlab.__file__).parent
COMPILERS = ("contracted", "compiled", "called_by_loops", "kept", "numba.njit")
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
from graphlab.ops.compiled import FEW, counting_sort
from graphlab.ops.tuple_spmm import Messages, tuple_spmm

counting_sort(torch.zeros(FEW + 1, dtype=torch.int64).numpy(), 1)
ids = torch.arange(4)
messages = Messages.of_pairs(ids, ids.flip(0), 4, 4)
for width in (3, 16):
    x = torch.ones(4, width, requires_grad=True)
    tuple_spmm(messages, x, None, torch.ones(())).sum().backward()
"""


def run_program(path: Path, **variables: str) -> str:
    """What a new process that imports the package from this path says."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, cwd=path, env=environment, check=True, capture_output=True, text=True).stderr


def files_of_numba(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.nb*")}


@pytest.mark.slow
def test_a_second_process_keeps_nothing_new(tmp_path):
    files = []
    for _ in range(2):
        run_program(PACKAGE.parent, NUMBA_CACHE_DIR=str(tmp_path))
        files.append(files_of_numba(tmp_path))
    assert files[0] and files[1] == files[0]


@pytest.fixture
def read_only(tmp_path) -> Path:
    """A folder with a copy of the package beside whose sources no user can keep anything: the place of every
    `__pycache__` is taken by a file."""
    copy = tmp_path / "installed"
    shutil.copytree(PACKAGE, copy / "graphlab", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in {path.parent for path in copy.rglob("*.py")}:
        (folder / "__pycache__").touch()
    return copy


@pytest.mark.slow
def test_a_read_only_installation_keeps_loops_in_the_cache_of_the_user(read_only, tmp_path):
    cache = tmp_path / "cache"
    written = []
    for _ in range(2):
        run_program(read_only, XDG_CACHE_HOME=str(cache), HOME=str(tmp_path / "home"))
        written.append({path.name: path.stat().st_mtime_ns for path in cache.rglob("*.nb*")})
    assert any("counting_sort" in name for name in written[0])
    assert any("locals" in name for name in written[0]), "no loop that a factory makes was kept"
    assert written[1] == written[0]
    assert not files_of_numba(read_only)


@pytest.mark.slow
def test_loops_run_where_nothing_can_be_kept_and_a_warning_says_so_once(read_only, tmp_path):
    (tmp_path / "taken").touch()
    warnings = run_program(read_only, XDG_CACHE_HOME=str(tmp_path / "taken"), HOME=str(tmp_path / "taken"))
    assert warnings.count("no folder for compiled loops can be written") == 1
    assert not files_of_numba(tmp_path)


def test_garbage_is_collected_after_a_compilation_as_before():
    @kept()
    def add(a, b):
        return a + b

    states = []
    for enable in (gc.enable, gc.disable):
        enable()
        try:
            add(*([1, 2] if not states else [1.0, 2.0]))
            states.append(gc.isenabled())
        finally:
            gc.enable()
    assert states == [True, False]


@pytest.mark.parametrize(("length", "num_keys"), [(0, 0), (0, 3), (7, 3), (FEW, FEW), (FEW + 1, 9), (9, FEW + 1)])
def test_few_keys_and_many_are_sorted_alike(length, num_keys):
    key = np.random.default_rng(0).integers(max(1, num_keys), size=length)
    start, order = counting_sort(key, num_keys)
    assert (start.dtype, order.dtype) == (np.int64, np.int64)
    assert np.array_equal(order, sorted(range(length), key=key.__getitem__))
    assert np.array_equal(start, [np.sum(key < k) for k in range(num_keys + 1)])
