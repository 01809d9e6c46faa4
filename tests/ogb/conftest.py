"""A stand-in for data sets that the package ogb downloads."""

from __future__ import annotations

import pytest

from graphlab.data.adapters import ogbl, ogbn
from tests.ogb import stand_in


@pytest.fixture
def ogb(tmp_path, monkeypatch, data_root):
    """`ogb("ogbl/collab")` writes a stand-in where raw files are looked for first, and gives its folder. Its counts are
    taken for the published ones."""
    root = tmp_path / "dataset"
    root.mkdir()
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(root))

    def write(name, **options):
        family, variant = name.split("/")
        counts = stand_in.write(root, name, **options)
        monkeypatch.setitem({"ogbl": ogbl, "ogbn": ogbn}[family].COUNTS, variant, counts)
        return root / stand_in.LAYOUTS[name].folder

    return write
