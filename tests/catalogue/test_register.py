"""A file of one's own beside a notebook: a model, a data set and a probe, here and in workers."""

import importlib
import sys

import pytest

import graphlab as gl
from graphlab.analysis.registry import PROBES
from graphlab.core.errors import InputError
from graphlab.core.registry import PLUGINS, PluginError
from graphlab.data.registry import DATASETS
from graphlab.model.registry import MODELS
from graphlab.nas.registry import TABLES, is_table
from tests.docs.blocks import blocks

FILES = {block.mark: block.text for block in blocks("CONTRIBUTING.md")}
PROBE = """
from graphlab.analysis.probe import Finding

def probe(dataset, *, power: int = 1) -> Finding:
    return Finding("own_probe", dataset.name, "found", {"nodes": float(dataset.graph.num_nodes**power)}, ())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with modules in it, as a notebook's is; nothing of them is left behind."""
    for name, text in {"ppnp.py": FILES["ppnp.py"], "caveman.py": FILES["caveman.py"], "own_probe.py": PROBE}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "nothing.py").write_text("x = 1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(PLUGINS, "")
    yield tmp_path
    monkeypatch.undo()
    for registry in (MODELS, DATASETS, PROBES):
        vars(registry).pop("families", None)
    for name in ("ppnp", "caveman", "own_probe", "nothing"):
        sys.modules.pop(name, None)


def test_a_model_and_a_dataset_run_also_in_workers(folder):
    assert gl.register(importlib.import_module("ppnp")) == "ppnp"
    assert gl.register("caveman") == gl.register("caveman") == "caveman"
    runs = gl.run("ppnp", "caveman", seeds=2, workers=2, store=folder / "runs", epochs=2)
    assert (runs.model, runs.dataset, len(runs)) == ("ppnp", "caveman", 2)
    assert gl.restore(runs, folder / "runs").model.out_dim == 10
    assert gl.describe("ppnp").df["meaning"][1].startswith("share of its own prediction")
    assert "ppnp" in set(gl.models()["name"]) and "caveman" in set(gl.datasets()["name"])


def test_as_the_page_says(folder, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_STORE", str(folder / "runs"))
    told: dict = {}
    exec(FILES["notebook.py"].replace("epochs=20", "epochs=1"), told)
    assert told["runs"].model == "ppnp"


def test_an_edited_model_is_another_one(folder):
    """Once Python has read it again; its earlier runs are there, with a warning."""
    gl.register("ppnp")
    options = {"store": folder / "runs", "epochs": 1}
    before = gl.run("ppnp", "karate", **options)[0]
    file = folder / "ppnp.py"
    file.write_text(file.read_text().replace(").relu()", ").tanh()"))
    assert gl.run("ppnp", "karate", **options)[0].id == before.id, "what is in memory is as it was"
    importlib.reload(sys.modules["ppnp"])
    after = gl.run("ppnp", "karate", **options)[0]
    assert after.id != before.id and after.result.validation != before.result.validation
    assert gl.runs(folder / "runs").shape[0] == 2
    with pytest.warns(UserWarning, match=f"the code of ppnp has changed since run {before.id}"):
        gl.restore(before, folder / "runs")


def test_a_probe_and_a_name_of_ones_own(folder):
    assert gl.register("own_probe", name="My_Probe") == "my-probe"
    assert gl.analyze("my-probe", "karate", power=2).summary == {"nodes": 34.0**2}


TABLE = """
from graphlab.core.citation import UNSTATED
from graphlab.data.card import Card

ABOUT = {"title": "Mine", "task": "architecture-search", "licence": "MIT", "citation": UNSTATED}
CARD = Card(family="own-table", variants=("a",), **ABOUT)

def read_table(path, name): ...
"""


def test_a_table_of_a_search(folder):
    (folder / "own_table.py").write_text(TABLE)
    assert gl.register("own_table") == "own-table"
    try:
        assert "own-table/a" in TABLES.names() and is_table("own_table/a")
    finally:
        vars(TABLES).pop("families", None)
        sys.modules.pop("own_table", None)


def test_what_cannot_be_registered(folder):
    with pytest.raises(InputError, match="nothing defines no model"):
        gl.register("nothing")
    with pytest.raises(InputError, match="cannot be imported"):
        gl.register("no_such_module_anywhere")
    with pytest.raises(InputError, match="notebook or script"):
        gl.register(sys.modules["__main__"])
    with pytest.raises(InputError, match="cannot be registered"):
        gl.register(MODELS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(PluginError, match="'gcn' is defined twice"):
        gl.register("ppnp", name="gcn")
    assert "ppnp" not in MODELS.families


def test_the_environment_names_modules_too(folder, monkeypatch):
    vars(MODELS).pop("families", None)
    monkeypatch.setenv(PLUGINS, "graphlab.models:mine=ppnp, graphlab.datasets:caveman=caveman")
    assert MODELS.families["mine"] == "ppnp"
    vars(MODELS).pop("families", None)
    monkeypatch.setenv(PLUGINS, "graphlab.models:gcn=ppnp")
    with pytest.raises(PluginError, match="defined twice"):
        _ = MODELS.families
