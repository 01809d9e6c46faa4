"""What a model wants made of its graphs is made once, kept on disk, and made again when it is damaged."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.load import load
from graphlab.data.prepared import entry, prepare
from graphlab.model.subgraph.policies import Distance, EgoDistance, Resistance


@dataclass(frozen=True)
class Counting:
    """Adds its number of calls to each graph, a row a node."""

    calls: list = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return "Counting"

    def prepare(self, graphs):
        self.calls.append(len(graphs))
        return [self.restore(g, {"made": torch.full((int(g.num_nodes or 0),), len(self.calls))}) for g in graphs]

    def restore(self, graph, added):
        return Data(**graph.to_dict(), **added)


def entry_of(dataset, preparation):
    return entry(dataset, preparation, dataset.fingerprint)


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """A data set that is made of files, and a fresh place to keep what is made of it."""
    loaded = load("substructures/triangles")
    monkeypatch.setenv("GRAPHLAB_DATA", str(tmp_path))
    return loaded


def test_it_is_made_once_and_read_after_that(dataset):
    counting = Counting([])
    first = prepare(dataset, counting)
    assert prepare(dataset, counting) is first
    again = prepare(replace(dataset), counting)
    assert counting.calls == [len(dataset.graphs)]
    assert all(torch.equal(one["made"], other["made"]) for one, other in zip(first.graphs, again.graphs, strict=True))
    assert again.fingerprint == first.fingerprint


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:200] + b"x" * 50 + raw[250:]])
def test_a_damaged_entry_is_made_again(dataset, damage):
    counting = Counting([])
    prepare(dataset, counting)
    path = entry_of(dataset, counting)
    path.write_bytes(damage(path.read_bytes()))
    prepare(replace(dataset), counting)
    assert len(counting.calls) == 2


def _shifted(arrays):
    arrays["rows/made"][:2] += [1, -1]


def _other_values(arrays):
    arrays["values/made"][0] += 1


@pytest.mark.parametrize(
    "change", [_shifted, _other_values, dict.popitem, lambda arrays: arrays.update(more=np.ones(3))]
)
def test_an_entry_that_was_changed_is_made_again(dataset, change):
    """Whole as an archive, but not what was written."""
    counting = Counting([])
    prepare(dataset, counting)
    path = entry_of(dataset, counting)
    with np.load(path) as stored:
        arrays = dict(stored)
    change(arrays)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    again = prepare(replace(dataset), counting)
    assert len(counting.calls) == 2 and all((graph["made"] == 2).all() for graph in again.graphs)


def test_where_nothing_can_be_written_it_is_made_each_time(dataset, tmp_path):
    (tmp_path / "prepared").write_text("no folder")
    counting = Counting([])
    prepare(dataset, counting)
    prepare(replace(dataset), counting)
    assert len(counting.calls) == 2


def test_a_data_set_in_memory_leaves_nothing_on_disk(dataset):
    in_memory = replace(dataset, card=replace(dataset.card, sources={}))
    counting = Counting([])
    prepare(in_memory, counting)
    assert not entry_of(in_memory, counting).exists()


def test_another_preparation_or_other_data_have_another_entry(dataset):
    other = replace(dataset, graphs=dataset.graphs[:500])
    assert len({entry_of(dataset, Distance(3)), entry_of(dataset, Distance(4)), entry_of(other, Distance(3))}) == 3


@pytest.mark.parametrize("policy", [Distance(3), EgoDistance(hops=2)])
def test_tuples_come_back_as_they_were_made(dataset, policy):
    made = prepare(dataset, policy).graphs
    kept = prepare(replace(dataset), policy).graphs
    assert entry_of(dataset, policy).exists()
    for one, other in zip(made, kept, strict=True):
        assert type(one) is type(other)
        assert one.to_dict().keys() == other.to_dict().keys()
        assert all(
            torch.equal(value, other[key]) for key, value in one.to_dict().items() if isinstance(value, torch.Tensor)
        )


def test_hops_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="0 hops"):
        EgoDistance(hops=0)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of somebody else, whose preparation is a chain of imports away from some of its code."""
    folder = tmp_path / "preparers"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "numbers.py").write_text("NUMBER = 1\n")
    (folder / "middle.py").write_text("def number():\n    from . import numbers\n    return numbers.NUMBER\n")
    (folder / "other.py").write_text("NUMBER = 1\n")
    (folder / "own.py").write_text(
        "from graphlab.data import connectivity\n"
        "from preparers.middle import number\n"
        "class Own:\n    def __repr__(self):\n        return 'Own'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [m for m in sys.modules if m.partition(".")[0] == "preparers"]:
        del sys.modules[name]


def own():
    return importlib.import_module("preparers.own").Own()


@pytest.mark.parametrize(("file", "other"), [("numbers.py", True), ("middle.py", True), ("other.py", False)])
def test_code_that_is_imported_is_part_of_the_name(dataset, package, file, other):
    """What one module of a preparation takes from another may change what it makes."""
    before = entry_of(dataset, own())
    with (package / file).open("a") as code:
        code.write("MORE = 2\n")
    imported = sys.modules.get(f"preparers.{file.removesuffix('.py')}")
    if imported:
        assert entry_of(dataset, own()) == before, "what is in memory is as it was"
        importlib.reload(imported)
    assert (entry_of(dataset, own()) != before) is other


@pytest.mark.parametrize("module", ["graphlab.data.connectivity", "graphlab.ops.compiled"])
def test_code_of_other_packages_is_part_of_the_name(dataset, monkeypatch, tmp_path, module):
    """Resistances and bags are made by code that does not lie beside the policies."""
    policies = Resistance(), EgoDistance(hops=2)
    before = {entry_of(dataset, policy) for policy in policies}
    changed = tmp_path / "changed.py"
    changed.write_text("MORE = 2\n")
    monkeypatch.setattr(importlib.import_module(module), "__file__", str(changed))
    monkeypatch.setattr(importlib.import_module(module), "__spec__", ModuleSpec(module, None))
    assert {entry_of(dataset, policy) for policy in policies} != before


def test_an_entry_in_the_place_of_another_is_made_again(dataset):
    """Two entries of equal shapes, one copied over the other."""
    prepare(dataset, Distance(3))
    entry_of(dataset, Distance(2)).write_bytes(entry_of(dataset, Distance(3)).read_bytes())
    labels = [torch.cat([g["tuple_label"] for g in prepare(replace(dataset), Distance(cap)).graphs]) for cap in (2, 3)]
    assert [int(label.max()) for label in labels] == [3, 4]
