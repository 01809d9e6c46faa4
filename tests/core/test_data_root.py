"""Where the data root is."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlab.core import paths


def test_the_variable_goes_first(monkeypatch):
    monkeypatch.setenv("GRAPHLAB_DATA", "~/elsewhere")
    assert paths.data_root() == Path.home() / "elsewhere"


def test_a_checkout_has_its_own(monkeypatch):
    monkeypatch.delenv("GRAPHLAB_DATA")
    assert paths.data_root() == paths.PROJECT / "datasets"


@pytest.mark.parametrize("caches", ["", "/var/tmp/caches"])
def test_an_installed_package_uses_the_users_cache(monkeypatch, tmp_path, caches):
    monkeypatch.delenv("GRAPHLAB_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", caches)
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    assert paths.data_root() == (Path(caches) if caches else Path.home() / ".cache") / "graphlab"
