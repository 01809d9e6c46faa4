"""The committed files of our own are those that their code makes."""

from __future__ import annotations

import importlib.util

import pytest

from graphlab.core.paths import PROJECT
from graphlab.data.fetch import Files

LARGEST = 150_000


def _make():
    spec = importlib.util.spec_from_file_location("make_datasets", PROJECT / "datasets" / "make.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _make()


@pytest.mark.parametrize("source", make.sources(), ids=lambda source: source.path)
def test_made_again_byte_for_byte(source, tmp_path):
    committed = (PROJECT / "datasets" / source.path).read_bytes()
    assert make.make(source, tmp_path).read_bytes() == committed
    assert len(committed) < LARGEST


def test_an_installed_package_makes_them_on_demand(data_root):
    source = next(source for source in make.sources() if source.path == "sbm/nodes.tsv")
    assert Files([source]).path(source.path) == data_root / "sbm/nodes.tsv"
