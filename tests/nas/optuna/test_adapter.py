"""Optuna is known in one folder, and its private parts in one file of it."""

from __future__ import annotations

import ast
from configparser import ConfigParser
from pathlib import Path

import optuna

import graphlab
from tests.docs.blocks import ROOT

PACKAGE = Path(graphlab.__file__).parent
INTERNALS = PACKAGE / "nas" / "optuna" / "internals.py"
OWN = ("self", "cls", "super")


def private_parts(text: str) -> set[str]:
    """Names that begin with an underscore and belong to something else: imported, or read off another object."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optuna"):
            names = [*str(node.module).split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") not in OWN:
            names = [node.attr]
        else:
            continue
        found |= {name for name in names if name.startswith("_") and not name.startswith("__")}
    return found


def uses_optuna(text: str) -> bool:
    return "graphlab.nas.optuna" in text or "import optuna" in text or "from optuna" in text


def test_one_file_touches_the_private_parts():
    files = [path for path in PACKAGE.rglob("*.py") if uses_optuna(path.read_text())]
    touching = {path for path in files if private_parts(path.read_text())}
    assert INTERNALS in touching and len(files) > 10
    assert touching == {INTERNALS}


def test_a_private_part_is_noticed():
    assert private_parts("from optuna.storages._heartbeat import thread") == {"_heartbeat"}
    assert private_parts("trial._suggest('x', d)") == {"_suggest"}
    assert private_parts("self._count = 1\nfrom optuna import Study") == set()


def test_the_version_is_bounded_by_the_one_that_they_are_written_for():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    (line,) = [line for line in setup["options"]["install_requires"].splitlines() if line.startswith("optuna")]
    assert line == "optuna>=5.0,<6"
    assert optuna.__version__.startswith("5.")
