"""The files of ogb are read to what its own loaders make of them, and damaged ones are refused without being run."""

from __future__ import annotations

import builtins
import io
import os
import socket
import urllib.error
import urllib.request
import zipfile
from functools import partial

import numpy as np
import pytest
import torch
from torch_geometric.transforms import ToUndirected

import graphlab as gl
from graphlab.core.errors import DataError, UnsafePickleError
from graphlab.data.adapters import ogbl
from graphlab.data.fetch import Files
from graphlab.data.ogb_files import Layout, OgbFiles
from graphlab.testing.datasets import check_dataset
from tests.data.server import content, serve
from tests.ogb.stand_in import CLASSES, LAYOUTS, cut, master, rewrite, write, write_table

LINKS = [name for name in LAYOUTS if name.startswith("ogbl")]
NODES = [name for name in LAYOUTS if name.startswith("ogbn")]

FORMATS = ({}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4})
"""What torch.save has written over the years."""


@pytest.fixture
def ogb_loader(monkeypatch):
    """`ogb_loader("ogbl/collab", folder)` reads a folder by ogb's own loader, which may ask nothing."""
    from graphlab.task.ogb_evaluator import _module

    def refuse(prompt=""):
        raise AssertionError(f"ogb asks: {prompt}")

    monkeypatch.setattr(builtins, "input", refuse)
    # Its loaders are older than torch's refusal to unpickle arrays.
    monkeypatch.setattr(torch, "load", partial(torch.load, weights_only=False))

    def load(name, folder):
        about = {**master(LAYOUTS[name].name), "dir_path": str(folder)}
        if name in LINKS:
            return _module("linkproppred").LinkPropPredDataset(LAYOUTS[name].name, meta_dict=about)
        return _module("nodeproppred").NodePropPredDataset(LAYOUTS[name].name, meta_dict=about)

    return load


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_those_that_ogb_tells(name):
    layout, about = LAYOUTS[name], master(LAYOUTS[name].name)
    assert (layout.archive, layout.scheme, str(layout.version)) == (about["url"], about["split"], about["version"])
    assert about["binary"] == "False"
    tables = [*(["node-feat"] if about["has_node_attr"] == "True" else []), *(["node-label"] if name in NODES else [])]
    more = [about[f"additional {place} files"] for place in ("node", "edge")]
    assert set(layout.tables) == {*tables, *(table for text in more if text != "None" for table in text.split(","))}
    assert (name == "ogbn/arxiv" or name == "ogbl/citation2") == (about["add_inverse_edge"] == "False")


@pytest.mark.parametrize("saving", [*FORMATS, {"as_tensors": True}, {"as_tensors": True, **FORMATS[1]}])
@pytest.mark.parametrize("name", LINKS)
def test_links_are_those_of_ogbs_own_loader(ogb, ogb_loader, name, saving):
    folder = ogb(name, **saving)
    ours, theirs = gl.load(name), ogb_loader(name, folder)
    graph, split = theirs[0], theirs.get_edge_split()
    edges = torch.from_numpy(graph["edge_index"])
    if name == "ogbl/citation2":
        assert torch.equal(ours.graph.edge_index[:, 0::2], edges)
        assert torch.equal(ours.graph.edge_index[:, 1::2], edges.flip(0))
    else:
        assert torch.equal(ours.graph.edge_index, edges)
    assert ours.graph.num_nodes == graph["num_nodes"]
    assert (ours.graph.x is None) == (graph["node_feat"] is None)
    if graph["node_feat"] is not None:
        assert torch.equal(ours.graph.x, torch.from_numpy(graph["node_feat"]).float())
    usual = ("edge_index", "edge_feat", "node_feat")
    extras = [key for key in graph if key.startswith(("node_", "edge_")) and key not in usual]
    assert set(extras) == set(LAYOUTS[name].tables) - {"node-feat"}
    for key in extras:
        assert np.array_equal(ours.graph[key].numpy(), graph[key][:, 0]), key
    for part, theirs_part in (("train", "train"), ("validation", "valid"), ("test", "test")):
        rows, arrays = getattr(ours.split(), part), {k: np.asarray(v) for k, v in split[theirs_part].items()}
        links, others = rows[rows[:, 2] == 1][:, :2].numpy(), rows[rows[:, 2] == 0][:, :2].numpy()
        if name == "ogbl/citation2":
            assert np.array_equal(links, np.stack([arrays["source_node"], arrays["target_node"]], axis=1))
            if part != "train":
                assert np.array_equal(ours.split().negatives[part][:, 0].numpy(), arrays["target_node_neg"])
        else:
            assert np.array_equal(links, arrays["edge"])
            assert np.array_equal(others, arrays.get("edge_neg", np.zeros((0, 2), int)))


@pytest.mark.parametrize("name", NODES)
def test_nodes_are_those_of_ogbs_own_loader(ogb, ogb_loader, name):
    folder = ogb(name)
    ours, theirs = gl.load(name), ogb_loader(name, folder)
    graph, labels = theirs[0]
    assert torch.equal(ours.graph.edge_index, torch.from_numpy(graph["edge_index"]))
    assert torch.equal(ours.graph.x, torch.from_numpy(graph["node_feat"]))
    assert torch.equal(ours.graph.y, torch.tensor(labels[:, 0]))
    if name == "ogbn/arxiv":
        assert torch.equal(ours.graph.node_year, torch.from_numpy(graph["node_year"][:, 0]))
    split = theirs.get_idx_split()
    for part, theirs_part in (("train", "train"), ("validation", "valid"), ("test", "test")):
        assert torch.equal(getattr(ours.split(), part), torch.tensor(split[theirs_part]))
    assert (ours.spec.directed, ours.evaluator) == (name == "ogbn/arxiv", LAYOUTS[name].name)


def test_pairs_that_repeat_are_told(ogb):
    ogb("ogbl/collab")
    notices = gl.load("ogbl/collab").notices
    assert "5 of 127 train links repeat another of them" in notices
    assert "2 of 12 validation links are training links too" in notices
    assert "2 of 14 test links are training links too" in notices
    ogb("ogbl/ddi")
    assert gl.load("ogbl/ddi").notices == ()


def test_what_was_built_is_kept_with_its_evaluator(ogb):
    ogb("ogbl/citation2")
    first, second = gl.load("ogbl/citation2"), gl.load("ogbl/citation2")
    assert first.fingerprint == second.fingerprint and second.evaluator == "ogbl-citation2"
    assert first.origin == second.origin


@pytest.mark.parametrize("name", ["ogbl/ppa", "ogbl/ddi", *NODES])
def test_contract(ogb, name):
    """Of those whose stand-ins give no notice: nothing in them repeats."""
    ogb(name)
    assert set(check_dataset(name)) == {"official"}


def test_a_transform_keeps_the_evaluator(ogb):
    ogb("ogbn/arxiv")
    both = gl.load("ogbn/arxiv", transform=ToUndirected())
    assert both.evaluator == "ogbn-arxiv" and not both.spec.directed and both.graph.is_undirected()


def test_other_files_are_another_identity(ogb):
    folder = ogb("ogbl/ddi")
    before = gl.load("ogbl/ddi").origin.identity
    path = folder / "split" / "target" / "test.pt"
    split = torch.load(path, weights_only=False)
    split["edge_neg"] = split["edge_neg"][::-1].copy()
    torch.save(split, path)
    assert gl.load("ogbl/ddi").origin.identity != before


@pytest.fixture
def offline(monkeypatch):
    def refuse(*arguments, **options):
        raise urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.mark.parametrize("missing", ["raw/edge.csv.gz", "raw/edge_year.csv.gz", "split/time/test.pt", "RELEASE_v1.txt"])
def test_a_missing_file_is_named_with_its_place(ogb, offline, missing):
    folder = ogb("ogbl/collab")
    (folder / missing).unlink()
    with pytest.raises(DataError) as caught:
        gl.load("ogbl/collab")
    assert f"ogbl_collab/{missing} is neither in {folder.parent}" in caught.value.message
    assert "http://snap.stanford.edu/ogb/data/linkproppred/collab.zip cannot be fetched" in caught.value.message
    assert "GRAPHLAB_MIRROR" in caught.value.hint


def _cut(path):
    return lambda folder: cut(folder / path)


def _rewrite(path, text):
    return lambda folder: rewrite(folder / path, text)


def _save(path, **changes):
    def change(folder):
        arrays = torch.load(folder / path, weights_only=False)
        torch.save({key: value for key, value in {**arrays, **changes}.items() if value is not None}, folder / path)

    return change


def _table(path, values):
    return lambda folder: write_table((folder / path).parent, (folder / path).name.removesuffix(".csv.gz"), values)


DAMAGE = {
    "table cut short": ("ogbl/ddi", _cut("raw/edge.csv.gz"), "cannot be read as compressed CSV"),
    "table of text": ("ogbl/ddi", _rewrite("raw/edge.csv.gz", "u,v\n1,2\n"), "columns that are no numbers"),
    "table of fractions": ("ogbl/ddi", _rewrite("raw/edge.csv.gz", "0.5,1\n1,2\n"), "not 120 pairs"),
    "ragged table": ("ogbl/ddi", _rewrite("raw/edge.csv.gz", "1,2\n1,2,3\n"), "cannot be read as compressed CSV"),
    "empty table": ("ogbl/ddi", _rewrite("raw/edge.csv.gz", ""), "cannot be read as compressed CSV"),
    "no gzip": ("ogbl/ddi", lambda folder: (folder / "raw/edge.csv.gz").write_text("1,2\n"), "cannot be read"),
    "fewer edges": ("ogbl/ddi", _rewrite("raw/edge.csv.gz", "1,2\n"), "1 rows of 2 numbers, not 120 pairs"),
    "two numbers of nodes": ("ogbl/ddi", _rewrite("raw/num-node-list.csv.gz", "3\n4\n"), "does not hold one number"),
    "other number of nodes": ("ogbl/ddi", _rewrite("raw/num-node-list.csv.gz", "41\n"), "num_nodes is 41, not 40"),
    "features of fewer nodes": ("ogbl/ppa", _rewrite("raw/node-feat.csv.gz", "1,0\n"), "has 1 rows, not 40"),
    "split cut short": ("ogbl/ddi", _cut("split/target/test.pt"), "cannot be read as a file of torch.save"),
    "split without negatives": ("ogbl/ddi", _save("split/target/test.pt", edge_neg=None), "holds edge, not edge_neg"),
    "split of text": ("ogbl/ddi", _save("split/target/test.pt", edge="1 2"), "edge that is no array of whole numbers"),
    "split of triples": (
        "ogbl/ddi",
        _save("split/target/test.pt", edge=np.ones((4, 3), int)),
        "has edge of the shape [4, 3]",
    ),
    "link out of range": (
        "ogbl/ddi",
        _save("split/target/test.pt", edge=np.full((12, 2), 40)),
        "the test part of ogbl/ddi names nodes 40",
    ),
    "negative out of range": (
        "ogbl/citation2",
        _save("split/time/test.pt", target_node_neg=np.full((12, 30), -1)),
        "has negatives -1",
    ),
    "negatives of fewer links": (
        "ogbl/citation2",
        _save("split/time/test.pt", target_node_neg=np.ones((11, 30), int)),
        "of the shapes [12], [12], [11, 30]",
    ),
    "training link that is no edge": (
        "ogbl/ddi",
        _save("split/target/train.pt", edge=np.tile([[0, 0]], (120, 1))),
        "are no edges of its graph",
    ),
    "node out of range": (
        "ogbn/arxiv",
        _table("split/time/test.csv.gz", [[k + 31] for k in range(10)]),
        "names node 40",
    ),
    "node in two parts": (
        "ogbn/arxiv",
        _table("split/time/valid.csv.gz", [[k] for k in range(10)]),
        "parts of ogbn/arxiv",
    ),
    "class out of range": ("ogbn/arxiv", _table("raw/node-label.csv.gz", [[CLASSES]] * 40), "40"),
    "missing classes": ("ogbn/arxiv", _table("raw/node-label.csv.gz", [[1]] * 39), "has 39 rows, not 40"),
    "ids with a heading": ("ogbn/arxiv", _rewrite("split/time/test.csv.gz", "id\n3\n"), "columns that are no numbers"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_error_with_a_hint(ogb, cli, damage):
    name, change, message = DAMAGE[damage]
    change(ogb(name))
    with pytest.raises(DataError) as caught:
        gl.load(name)
    assert message in caught.value.message and caught.value.hint
    done = cli("run", "mlp" if name in NODES else "common-neighbours", name)
    assert done.code == 1 and done.err.startswith("error: ") and "Traceback" not in done.err


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("saving", FORMATS)
def test_a_split_that_would_run_code_is_refused_and_not_run(ogb, tmp_path, saving):
    folder, proof = ogb("ogbl/ddi"), tmp_path / "proof"
    path = folder / "split" / "target" / "test.pt"
    torch.save({"edge": Runs(f"touch {proof}")}, path, **saving)
    torch.load(path, weights_only=False)
    assert proof.exists(), "the file does nothing, so that refusing it says nothing"
    proof.unlink()
    with pytest.raises(UnsafePickleError, match="system, which is not plain numeric data"):
        gl.load("ogbl/ddi")
    assert not proof.exists()


def test_what_ogb_has_processed_is_not_read(ogb):
    folder = ogb("ogbl/ddi")
    (folder / "processed" / "data_processed").write_bytes(b"not read")
    (folder / "processed" / "geometric_data_processed.pt").write_bytes(b"not read")
    assert gl.load("ogbl/ddi").graph.num_nodes == 40


def test_files_are_taken_out_of_the_archive_without_a_question(tmp_path, data_root, monkeypatch, capsys):
    monkeypatch.setattr(builtins, "input", lambda prompt="": pytest.fail(f"asked: {prompt}"))
    monkeypatch.delenv("GRAPHLAB_MIRROR", raising=False)
    write(tmp_path / "made", "ogbl/ddi")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted((tmp_path / "made" / "ogbl_ddi").rglob("*")):
            if path.is_file():
                zipped.write(path, f"ddi/{path.relative_to(tmp_path / 'made' / 'ogbl_ddi')}")
    with serve() as site:
        site.answers["/ddi.zip"] = [content(archive.getvalue())]
        layout = Layout("ogbl-ddi", f"{site.url}/ddi.zip", "target")
        raw = OgbFiles(layout, Files(layout.sources()))
        assert raw.edges().shape == (2, 120) and len(raw.pairs("test", "edge")) == 12
        assert site.requests == ["/ddi.zip"]
    assert (data_root / "ogbl_ddi" / "raw" / "edge.csv.gz").is_file()
    assert capsys.readouterr() == ("", "")


def test_counts_of_links_add_up_to_the_published_edges():
    """The numbers of edges that the Open Graph Benchmark tells, over all parts."""
    published = {"collab": 1_285_465, "ppa": 30_326_273, "ddi": 1_334_889, "citation2": 30_561_187}
    parts = ("num_train", "num_validation_links", "num_test_links")
    assert {name: sum(counts[part] for part in parts) for name, counts in ogbl.COUNTS.items()} == published
