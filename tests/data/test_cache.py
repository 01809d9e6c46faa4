"""A kept data set is read again only while nothing it was built from has changed."""

from __future__ import annotations

import importlib.metadata
import sys

import numpy as np
import pytest
import torch_geometric.transforms as T

from graphlab.data import load as loading
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.data.transform import fingerprint

pytestmark = pytest.mark.usefixtures("data_root")

NAME = "sbm/directed-h0.9"


@pytest.fixture
def builds(monkeypatch):
    """The names of the data sets that were built rather than read."""
    built = []

    def build(found, files, split, real=loading._build):
        built.append(found.name)
        return real(found, files, split)

    monkeypatch.setattr(loading, "_build", build)
    return built


def entries(data_root):
    return sorted(data_root.glob("processed/*.npz"))


def test_built_once(builds, data_root):
    first, second = load(NAME), load(NAME)
    assert builds == [NAME]
    assert len(entries(data_root)) == 1
    assert first.fingerprint == second.fingerprint
    assert (first.name, first.task, first.spec, first.labels) == (second.name, second.task, second.spec, second.labels)
    assert first.split().train.equal(second.split().train)


@pytest.mark.parametrize("name", ["substructures/triangles", "substructures/has-triangle"])
def test_many_graphs_come_back_in_order(builds, name):
    first, second = load(name), load(name)
    assert builds == [name]
    for graph, other in zip(first.graphs, second.graphs, strict=True):
        assert graph.to_dict().keys() == other.to_dict().keys()
        assert graph.edge_index.equal(other.edge_index) and graph.y.equal(other.y) and graph.count.equal(other.count)


@pytest.mark.real_data
def test_drawn_splits_are_not_kept(builds):
    assert [load("cora@random").split(s).train.sum() for s in (0, 1)] == [
        load("cora@random").split(s).train.sum() for s in (0, 1)
    ]
    assert len(builds) == 4


def test_an_entry_in_the_place_of_another_is_built_again(builds, data_root):
    expected = load(NAME).fingerprint
    (mine,) = entries(data_root)
    load("sbm/directed-h0.1")
    (other,) = set(entries(data_root)) - {mine}
    mine.write_bytes(other.read_bytes())
    assert load(NAME).fingerprint == expected
    assert builds == [NAME, "sbm/directed-h0.1", NAME]


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b"", lambda b: b[:400] + b"\0" * 8 + b[408:]])
def test_damaged_entry_is_built_again(builds, data_root, damage):
    expected = load(NAME).fingerprint
    (entry,) = entries(data_root)
    entry.write_bytes(damage(entry.read_bytes()))
    assert load(NAME).fingerprint == expected
    assert load(NAME).fingerprint == expected
    assert builds == [NAME, NAME]


def test_entry_with_other_content_is_built_again(builds, data_root):
    expected = load(NAME).fingerprint
    (entry,) = entries(data_root)
    with np.load(entry) as stored:
        arrays = dict(stored)
    arrays["split/0/test"][0] += 1
    np.savez(entry, **arrays)
    assert load(NAME).fingerprint == expected
    assert builds == [NAME, NAME]


def test_pickle_in_an_entry_is_not_read(builds, data_root):
    load(NAME)
    (entry,) = entries(data_root)
    np.savez(entry, about=np.array([{}], dtype=object))
    load(NAME)
    assert builds == [NAME, NAME]


def test_full_or_read_only_disk_does_not_fail_a_load(data_root, monkeypatch):
    load(NAME)
    (entry,) = entries(data_root)
    entry.unlink()
    (data_root / "processed").rmdir()
    (data_root / "processed").write_text("a file where the folder should be")
    assert load(NAME).name == NAME


def test_each_library_transform_has_its_own_entry(builds, data_root):
    for transform in (T.ToUndirected(), T.OneHotDegree(40), T.OneHotDegree(41), None) * 2:
        load(NAME, transform=transform)
    assert len(entries(data_root)) == 4
    assert builds == [NAME]


def test_own_transform_is_applied_at_each_load(data_root):
    calls = []

    class Own(T.BaseTransform):
        def forward(self, data):
            calls.append(data)
            return data

    for transform in (Own(), T.Compose([Own()]), lambda data: Own()(data)):
        assert fingerprint(transform) is None
        load(NAME, transform=transform)
        load(NAME, transform=transform)
    assert len(calls) == 6
    assert len(entries(data_root)) == 1


ADAPTER = '''
"""A data set in a package of its own."""
import torch
from torch_geometric.data import Data
from graphlab.core.citation import Citation
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import Continuous, DataSpec, Target

CARD = Card(
    family="foreign", title="Foreign", task="node-classification", licence="MIT",
    citation=Citation("key", "Title", "Authors", 2024, "https://example.org"),
    sources={"": (Source("foreign/edges.tsv", SHA256, made_by="foreign_files"),)},
    statistics={"": {"num_nodes": 6, "num_edges": 2, "num_features": 1, "num_outputs": 2}},
)

def build(variant, files, split):
    pairs = [tuple(map(int, line.split())) for line in files.path("foreign/edges.tsv").read_text().splitlines()]
    parts = (torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4, 5]))
    graph = Data(x=torch.ones(6, 1) * 1.0, edge_index=torch.tensor(pairs).t().contiguous(),
                 y=torch.tensor([0, 1] * 3), num_nodes=6)
    return Dataset("foreign", CARD.task, (graph,), Splits(split, fixed=(Split(*parts),)),
                   DataSpec("nodes", (Target("y", "node", "class", 2),), node=Continuous(1)), CARD)
'''
MAKER = 'def make(path):\n    path.write_bytes(b"0\\t1\\n1\\t0\\n")\n'


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A package that adds a data set through an entry point."""
    from graphlab.core.files import hash_text

    adapter = ADAPTER.replace("SHA256", repr(hash_text("0\t1\n1\t0\n")))
    (tmp_path / "foreign_adapter.py").write_text(adapter)
    (tmp_path / "foreign_files.py").write_text(MAKER)
    monkeypatch.syspath_prepend(tmp_path)
    point = importlib.metadata.EntryPoint("foreign", "foreign_adapter", DATASETS.group)
    monkeypatch.setitem(DATASETS.families, "foreign", point.value)
    yield tmp_path / "foreign_adapter.py"
    sys.modules.pop("foreign_adapter", None)
    sys.modules.pop("foreign_files", None)


def test_foreign_data_set_keeps_the_contract(foreign):
    from graphlab.testing.datasets import check_dataset

    check_dataset("foreign")


def test_changed_adapter_never_reads_an_old_entry(foreign, builds):
    assert load("foreign").graph.x[0, 0] == 1
    assert load("foreign").graph.x[0, 0] == 1
    foreign.write_text(foreign.read_text().replace("* 1.0", "* 2.0"))
    sys.modules.pop("foreign_adapter")
    importlib.invalidate_caches()
    assert load("foreign").graph.x[0, 0] == 2
    assert builds == ["foreign", "foreign"]
