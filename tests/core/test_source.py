"""Digests of the code that runs: of what is imported now, and quick to ask for again."""

from __future__ import annotations

import importlib
import sys
import time

from graphlab.core.source import code_digest


def test_digests_follow_what_is_imported_at_any_remove(tmp_path, monkeypatch):
    package = tmp_path / "digested"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text("from digested import second\n")
    (package / "second.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("digested.first")
    try:
        before = code_digest(["digested.first"])
        (package / "second.py").write_text("VALUE = 22\n")
        assert code_digest(["digested.first"]) == before  # what runs is what was imported
        importlib.reload(sys.modules["digested.second"])
        after = code_digest(["digested.first"])
        assert after != before
        (package / "second.py").write_text("from digested import third\n")
        (package / "third.py").write_text("VALUE = 3\n")
        importlib.reload(sys.modules["digested.second"])
        importlib.reload(module)
        assert len({before, after, code_digest(["digested.first"])}) == 3
    finally:
        for name in [name for name in sys.modules if name.startswith("digested")]:
            del sys.modules[name]


def test_a_digest_is_walked_for_once():
    """It was walked for twice a run, for a third of the time of planning one."""
    modules = ("graphlab.training.loop", "graphlab.model.zoo.gcn")
    importlib.import_module(modules[0]), importlib.import_module(modules[1])
    digest = code_digest(modules)
    start = time.perf_counter()
    assert all(code_digest(modules) == digest for _ in range(100))
    assert time.perf_counter() - start < 0.05
