"""A plain torch.nn.Module as a model: its settings, its source, other processes, and what is refused."""

import linecache
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import pytest
import torch
import torch_geometric
from torch import nn
from torch_geometric import transforms as T
from torch_geometric.nn import GCNConv, GINConv, global_add_pool
from torch_geometric.nn.models import basic_gnn

import graphlab as gl
from graphlab.core.config import IntRange
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import OWN_MODELS

SHORT = {"training.epochs": 5}


class Net(nn.Module):
    """Two convolutions."""

    def __init__(self, in_channels: int, out_channels: int, hidden: Annotated[int, IntRange(4, 16)] = 8):
        super().__init__()
        self.first, self.second = GCNConv(in_channels, hidden), GCNConv(hidden, out_channels)

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index)


class WholeBatch(nn.Module):
    def __init__(self, spec, width=4):
        super().__init__()
        self.map = nn.Linear(spec.node.dim, spec.num_outputs)

    def forward(self, data):
        return self.map(data.x)


class GraphNet(nn.Module):
    def __init__(self, num_features, num_classes, hidden=8):
        super().__init__()
        self.conv = GINConv(nn.Sequential(nn.Linear(num_features, hidden), nn.ReLU(), nn.Linear(hidden, hidden)))
        self.map = nn.Linear(hidden, num_classes)

    def forward(self, x, edge_index, batch):
        return self.map(global_add_pool(self.conv(x, edge_index), batch))


class WantsPositions(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.map = nn.Linear(in_dim, out_dim)

    def forward(self, x, pos):
        return self.map(x)


class HasALayerAsSetting(nn.Module):
    def __init__(self, in_dim, out_dim, layer=nn.ReLU):
        super().__init__()


def go(model, dataset, store, **options):
    return gl.run(model, dataset, store=store, progress=False, **{**SHORT, **options})


@pytest.fixture
def forgotten():
    """Afterwards no class is known but from the store, as in another process."""
    yield OWN_MODELS.clear
    OWN_MODELS.clear()


def test_a_class_is_a_model_with_the_settings_of_its_signature(tmp_path):
    runs = go(Net, "karate", tmp_path, seeds=2, hidden=4)
    assert runs.model.startswith("own/Net-") and runs.summary().n == 2
    assert runs[0].spec.model_config == {"hidden": 4}
    trained = gl.restore(runs)
    assert isinstance(trained.model.inner, Net)
    sizes = sorted(tuple(parameter.shape) for parameter in trained.model.parameters())
    assert sizes == [(2,), (2, 4), (4,), (4, 34)]


def test_the_network_is_the_users_own():
    plan = make_plan(Net, "karate")
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).eval()
    batch = task.batches(None)[0]
    torch.testing.assert_close(learner.model(batch), learner.model.inner(batch.x, batch.edge_index), rtol=0, atol=0)


def test_its_name_is_enough_afterwards(tmp_path, forgotten):
    runs = go(Net, "karate", tmp_path, seeds=2)
    expected = gl.predictions(runs)
    forgotten()
    assert torch.equal(gl.predictions(runs[0].id, tmp_path), gl.predictions(runs[0], tmp_path))
    assert torch.equal(gl.predictions(runs), expected)
    assert go(runs.model, "karate", tmp_path, seeds=2).records == runs.records


def test_a_stored_text_that_was_changed_is_not_executed(tmp_path, forgotten):
    runs = go(Net, "karate", tmp_path)
    (file,) = (tmp_path / "models").glob("*.py")
    file.write_text("raise SystemExit('executed')\n")
    forgotten()
    with pytest.raises(gl.GraphLabError, match="not what was kept"):
        gl.restore(runs)


def test_graphs_and_whole_batches(tmp_path):
    assert go(GraphNet, "csl", tmp_path, **{"training.epochs": 1}).summary().failed == 0
    plan = make_plan(GraphNet, "csl")
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    assert learner.num_parameters == sum(parameter.numel() for parameter in learner.model.inner.parameters())
    assert go(WholeBatch, "karate", tmp_path, width=3).summary().n == 1


@pytest.mark.slow
def test_a_model_of_a_script_runs_in_workers(tmp_path):
    script = Path(__file__).with_name("own_model_script.py")
    ended = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    name, *values = ended.stdout.split()
    (kept,) = (tmp_path / "models").glob("*.py")
    text = kept.read_text()
    assert name == f"own/{kept.stem}" and len(values) == 3
    assert text.startswith(
        "import torch\nimport torch.nn.functional as F\nfrom torch_geometric.nn.conv.gcn_conv import"
    )
    assert "sys.argv" not in text
    again = gl.run(name, "karate", seeds=3, store=tmp_path, progress=False, **SHORT)
    assert [str(record.test_value) for record in again] == values


def test_a_class_of_a_notebook(tmp_path):
    """Its cells are in linecache alone, and its module has no file."""
    cell = (
        "class CellNet(torch.nn.Module):\n"
        "    def __init__(self, in_dim, out_dim):\n"
        "        super().__init__()\n"
        "        self.map = Linear(in_dim, out_dim)\n"
        "    def forward(self, x):\n"
        "        return self.map(x)\n"
    )
    linecache.cache["<ipython-input-1>"] = (len(cell), None, cell.splitlines(keepends=True), "<ipython-input-1>")
    scope = {"torch": torch, "Linear": nn.Linear, "__name__": "__main__"}
    exec(compile(cell, "<ipython-input-1>", "exec"), scope)
    runs = go(scope["CellNet"], "karate", tmp_path)
    assert runs.summary().n == 1
    (kept,) = (tmp_path / "models").glob("CellNet-*.py")
    assert "from torch.nn.modules.linear import Linear" in kept.read_text()

    scope["Linear"] = lambda *widths: nn.Linear(*widths)
    with pytest.raises(gl.GraphLabError, match="uses Linear, which is defined outside of it"):
        go(scope["CellNet"], "karate", tmp_path)


def test_a_class_of_a_library_is_known_by_its_version(tmp_path, forgotten):
    runs = go(basic_gnn.GCN, "karate", tmp_path, hidden_channels=8, num_layers=2)
    (kept,) = (tmp_path / "models").glob("GCN-*.py")
    assert (
        kept.read_text()
        == f"from torch_geometric.nn.models.basic_gnn import GCN  # torch_geometric {torch_geometric.__version__}\n"
    )
    assert runs.summary().n == 1
    forgotten()
    assert isinstance(gl.restore(runs).model.inner, basic_gnn.GCN)


def test_another_text_is_another_model(tmp_path, monkeypatch):
    names = set()
    for factor in (1, 2):
        text = (
            f"import torch\n\n\nclass Own(torch.nn.Linear):\n    def forward(self, x):\n        return {factor} * x\n"
        )
        file = tmp_path / f"net_{factor}.py"
        file.write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        names.add(make_plan(import_module(file.stem).Own, "karate").model.name)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (WantsPositions, "takes 'pos', which the data do not have"),
        (HasALayerAsSetting, "is no setting"),
        (nn.Linear(2, 2), "a model is given by its name or as a class"),
        (dict, "a model is given by its name or as a class"),
    ],
)
def test_what_cannot_be_a_model_is_one_error(tmp_path, model, words):
    with pytest.raises(gl.GraphLabError, match=words):
        runs = go(model, "karate", tmp_path)
        raise gl.GraphLabError(runs[0].result.error["message"])


def test_a_class_whose_text_is_nowhere_is_refused(tmp_path):
    scope = {"nn": nn}
    exec("class Lost(nn.Linear):\n    def forward(self, x):\n        return x\n", scope)
    with pytest.raises(gl.GraphLabError, match="text of Lost cannot be read"):
        go(scope["Lost"], "karate", tmp_path)


def test_a_search_over_a_class(tmp_path):
    options = {"on": "validation", "store": tmp_path, "progress": False, **SHORT}
    search = gl.search("random", "karate", space=Net, trials=3, **options)
    assert len(search.finished) == 3 and set(search.df["hidden"]) <= set(range(4, 17))
    listed = gl.search("random", "karate", space={"model": WholeBatch, "width": [2, 3]}, trials=2, **options)
    assert sorted(listed.df["width"]) == [2, 3]


def test_workers_of_a_search_load_class_and_data_from_the_store(tmp_path):
    data = gl.load("karate", transform=T.AddSelfLoops())
    options = {"on": "validation", "store": tmp_path, "progress": False, "workers": 2, **SHORT}
    search = gl.search("random", data, space=Net, trials=6, **options)
    assert len(search.finished) == 6
