"""What counts as the same run: what decides a result, as it is now, and nothing else."""

import subprocess
import sys
from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import pytest
import torch
from torch_geometric import transforms as T

import graphlab as gl
from graphlab.core.config import defaults
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Split, Splits
from graphlab.data.identity import identify, own_name
from graphlab.data.own import names
from graphlab.experiment import execute
from graphlab.experiment.plan import make_plan
from graphlab.model.zoo import gcn
from graphlab.records.store import Store
from graphlab.testing.examples import example

SHORT = {"training.epochs": 3}


def go(dataset, store, **options):
    return gl.run("gcn", dataset, store=store, progress=False, **{**SHORT, **options})


@pytest.fixture
def executed(monkeypatch):
    """The ids of the runs that are trained, in order."""
    trained = []
    execute_run = execute._execute

    def logged(plan, spec, *rest):
        trained.append(spec.id)
        return execute_run(plan, spec, *rest)

    monkeypatch.setattr(execute, "_execute", logged)
    return trained


def test_a_loaded_data_set_is_the_one_of_its_name(tmp_path, executed):
    by_name, in_memory = go("karate", tmp_path), go(gl.load("karate"), tmp_path)
    assert by_name.records == in_memory.records and len(executed) == 1


def test_a_data_set_that_was_changed_is_another_and_has_another_name(tmp_path, executed):
    """It had returned the run of the unchanged data, and then stored false results under their id."""
    unchanged = go("karate", tmp_path)
    data = gl.load("karate")
    go(data, tmp_path)
    data.graph.x.zero_()
    changed = go(data, tmp_path)
    assert changed.records[0].id != unchanged.records[0].id and len(executed) == 2
    assert changed.dataset.startswith("own/karate-") and changed.dataset.endswith("@leaders")
    assert go("karate", tmp_path).records == unchanged.records
    assert list(gl.leaderboard("karate", tmp_path)["ours_n"].dropna()) == [1]


def test_what_is_prepared_of_changed_data_is_made_anew():
    data = gl.load("csl")
    settings = {"model.hidden_dim": 8, "model.num_layers": 1}
    before = make_plan("graph-transformer", data, settings).prepared
    data.graphs[0].edge_index = data.graphs[0].edge_index[:, 8:]
    after = make_plan("graph-transformer", data, settings).prepared
    fresh = make_plan("graph-transformer", replace(data, origin=None), settings).prepared
    assert torch.equal(after.graphs[0]["tuple_label"], fresh.graphs[0]["tuple_label"])
    assert torch.equal(after.graphs[0]["tuple_label"], before.graphs[0]["tuple_label"]) is False


def test_equal_data_in_memory_are_one_data_set_and_are_prepared_once():
    data = gl.load("csl")
    data.graphs[0].edge_index = data.graphs[0].edge_index.flip(1)
    first, second = identify(data), identify(data)
    assert first is second
    settings = {"model.hidden_dim": 8, "model.num_layers": 1}
    plans = [make_plan("subgraph/sswl-plus", data, settings) for _ in range(2)]
    assert plans[0].prepared is plans[1].prepared


def test_a_transform_makes_another_data_set_and_one_that_changes_nothing_does_not(tmp_path):
    transformed = gl.load("karate", transform=T.AddSelfLoops())
    assert go(transformed, tmp_path).dataset.startswith("own/karate-")
    neutral = gl.load("karate", transform=T.NormalizeFeatures())
    assert go(neutral, tmp_path).dataset == "karate"


def test_a_data_set_of_ones_own_that_is_called_cora_is_not_cora(tmp_path):
    data = replace(gl.load("sbm/undirected-h0.9"), name="planetoid/cora", origin=None)
    runs = go(data, tmp_path, seeds=2)
    assert runs.dataset.startswith("own/planetoid-cora-")
    board = gl.leaderboard("planetoid/cora", tmp_path)
    assert board["ours"].isna().all() and board["published"].notna().all()
    own = gl.leaderboard(runs.dataset, tmp_path)
    assert own["published"].isna().all() and own["ours_n"].tolist() == [2]


def test_own_data_are_kept_and_their_name_is_enough(tmp_path, executed):
    data = gl.load("karate", transform=T.AddSelfLoops())
    runs = go(data, tmp_path, seeds=2, workers=2)
    (name,) = names(tmp_path)
    assert name == runs.dataset
    trained = len(executed)
    assert go(name, tmp_path, seeds=2).records == runs.records
    assert go("own/karate", tmp_path, seeds=2).records == runs.records and len(executed) == trained
    trained_model = gl.restore(runs)
    assert torch.equal(gl.predictions(runs.records[0].id, tmp_path), gl.predictions(runs.records[0], tmp_path))
    assert trained_model.dataset.fingerprint == data.fingerprint
    with pytest.raises(gl.GraphLabError, match="no data set of your own is named 'own/nobody'"):
        go("own/nobody", tmp_path)


def test_a_file_of_own_data_that_was_changed_is_refused(tmp_path):
    runs = go(gl.load("karate", transform=T.AddSelfLoops()), tmp_path)
    (file,) = (tmp_path / "data").glob("*.npz")
    content = file.read_bytes()
    for place in range(0, len(content), len(content) // 30):
        altered = bytearray(content)
        altered[place] ^= 1
        file.write_bytes(altered)
        with pytest.raises(gl.GraphLabError) as refused:
            gl.predictions(runs)
        assert str(file) in str(refused.value)
    assert go(gl.load("karate", transform=T.AddSelfLoops()), tmp_path).records == runs.records
    assert file.read_bytes() == content, "data that are at hand again replace the damaged file"


def test_splits_that_a_function_of_ones_own_draws_are_part_of_the_identity():
    """Two functions that agree at seed 0 give one run there, and others at other seeds."""
    data = gl.load("karate")

    def drawn(shift):
        def draw(stream):
            order = torch.randperm(34, generator=SeedStream(stream.seed and stream.seed + shift).torch())
            return Split(*order.split([10, 10, 14]))

        return make_plan("gcn", replace(data, splits=Splits("drawn", draw=draw), origin=None))

    first, second = drawn(0), drawn(5)
    assert first.dataset.name == second.dataset.name
    assert first.spec(0).id == second.spec(0).id and first.spec(1).id != second.spec(1).id
    assert first.spec(1).id == drawn(0).spec(1).id


def test_a_name_says_its_data_set_once():
    data = gl.load("karate", transform=T.AddSelfLoops())
    once = identify(data)
    assert identify(once) is once
    assert own_name(once, "0" * 64) == "own/karate-00000000@leaders"


def test_recipes_are_those_of_the_data_set_that_was_transformed():
    plan = make_plan("gat", gl.load("karate", transform=T.AddSelfLoops()))
    assert plan.training == make_plan("gat", "karate").training


def test_a_new_setting_with_a_neutral_default_changes_no_id(monkeypatch):
    before = make_plan("gcn", "karate").spec(0)

    class Wider(gcn.Config):
        residual: Annotated[bool, "new"] = False

    monkeypatch.setattr(gcn, "Config", Wider)
    plan = make_plan("gcn", "karate")
    assert plan.spec(0).id == before.id and plan.spec(0).model_config["residual"] is False
    assert make_plan("gcn", "karate", {"residual": True}).spec(0).id != before.id


def test_a_raised_version_is_another_run(monkeypatch):
    before = make_plan("gcn", "karate").spec(0)
    monkeypatch.setattr(gcn.GCN, "version", gcn.GCN.version + 1)
    assert make_plan("gcn", "karate").spec(0).id != before.id


def test_settings_that_are_the_default_are_not_told_apart_from_those_left_out():
    default = defaults(gcn.Config)["hidden_dim"]
    assert make_plan("gcn", "karate", {"hidden_dim": default}).spec(0).id == make_plan("gcn", "karate").spec(0).id


def test_other_code_of_the_same_versions_is_said(tmp_path, monkeypatch):
    assert go("karate", tmp_path).notices == ()
    monkeypatch.setattr("graphlab.experiment.plan.code_digest", lambda modules: "another")
    runs = go("karate", tmp_path, seeds=2)
    assert runs.notices == (
        "1 of 2 runs were made by other code of the same versions; results are held to be equal by tests",
    )
    assert "notice: 1 of 2 runs" in repr(runs)


def test_trials_are_no_results(tmp_path):
    """Two trials had put "gcn .740 (1), accuracy on test" on a leaderboard."""
    gl.search("random", "karate", space="gcn", on="validation", trials=2, store=tmp_path, progress=False, **SHORT)
    assert len(gl.runs(tmp_path)) == 0 and len(gl.runs(tmp_path, trials=True)) == 2
    assert gl.leaderboard("karate", tmp_path)["ours"].notna().sum() == 0
    assert gl.leaderboard("karate", tmp_path, trials=True)["ours"].notna().sum() == 2
    assert "gcn" not in gl.export("karate", "latex", tmp_path)
    with pytest.raises(gl.GraphLabError, match="no finished run"):
        gl.restore("latest", tmp_path)


class Raises(gcn.GCN):
    """Its forward pass breaks for some seeds."""

    broken: ClassVar[set[int]] = set()

    def forward(self, batch):
        if torch.initial_seed() and self.broken:
            raise KeyError("a defect")
        return super().forward(batch)


def test_what_nobody_foresaw_is_the_failure_of_one_seed(tmp_path, monkeypatch):
    fit = execute.fit
    fails = {1}

    def fit_or_fail(learner, task, config, stream, *rest):
        if stream.seed in fails:
            raise KeyError("a defect of seed 1")
        return fit(learner, task, config, stream, *rest)

    monkeypatch.setattr(execute, "fit", fit_or_fail)
    runs = go("karate", tmp_path, seeds=3)
    assert [record.result.status for record in runs] == ["finished", "failed", "finished"]
    error = runs[1].result.error
    assert error["kind"] == "unforeseen" and error["message"] == "KeyError: 'a defect of seed 1'"
    assert "fit_or_fail" in error["traceback"]
    assert runs.summary().failed == 1

    fails.clear()
    assert [record.result.status for record in go("karate", tmp_path, seeds=3)] == ["finished"] * 3
    assert len(Store(tmp_path).records()) == 3


def test_a_search_of_which_one_trial_raised_is_completed(tmp_path, monkeypatch):
    fit = execute.fit
    calls = []

    def fit_or_fail(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("a defect")
        return fit(*arguments)

    monkeypatch.setattr(execute, "fit", fit_or_fail)
    options = {"space": "gcn", "on": "validation", "store": tmp_path, "progress": False, **SHORT}
    search = gl.search("random", "karate", trials=4, **options)
    assert len(search.finished) == 3 and len(search.outcomes) == 4
    assert "ZeroDivisionError" in next(outcome.error for outcome in search.outcomes if outcome.error)
    assert len(gl.search("random", "karate", trials=6, **options).finished) == 5


def test_json_is_an_object_whatever_happens(tmp_path, cli, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("a defect")

    monkeypatch.setattr("graphlab.experiment.run.run_plans", fail)
    ended = cli("run", "gcn", "karate", "--store", tmp_path, "--json")
    assert ended.code == 1
    assert ended.json["error"]["message"] == "RuntimeError: a defect"
    assert "Traceback" in ended.err


def test_a_store_with_a_run_that_cannot_be_read_lists_the_others(tmp_path, cli):
    runs = go("karate", tmp_path, seeds=2)
    (tmp_path / runs[0].id / "result.json").write_text("{")
    ended = cli("runs", "--store", tmp_path, "--json")
    assert ended.code == 0 and [row["seed"] for row in ended.json] == [1]
    assert f"warning: run {runs[0].id} is left out" in ended.err


@pytest.mark.slow
def test_the_code_of_a_process_is_known_in_another(tmp_path):
    """The digest depends on what the modules say, not on what else a process has imported."""
    script = "from graphlab.experiment.plan import make_plan; print(make_plan('gcn', 'karate').imported_code)"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == make_plan("gcn", "karate").imported_code


def test_notices_are_those_of_the_data_as_they_are_now(tmp_path, executed):
    """A run of data in another form had left its notices to the same run of data in the right one."""
    data, other = gl.load("karate"), gl.load("karate")
    other.graph.x = other.graph.x.double()
    assert "converted: x from float64 to float32" in go(other, tmp_path).notices
    assert go(data, tmp_path).notices == () and len(executed) == 1


def test_data_with_lists_of_names_are_kept(tmp_path):
    data = gl.load("karate")
    data.graph.members, data.graph.weights = ["Hi", "Officer"], torch.ones(2, requires_grad=True)
    run = go(data, tmp_path)
    kept = gl.load(run.dataset, store=tmp_path)
    assert kept.graph.members == ["Hi", "Officer"] and kept.graph.weights.tolist() == [1, 1]


def test_one_setting_in_two_spellings_is_one_run_or_refused():
    plain = make_plan("gcn", "karate", {"hidden_dim": 8, "dropout": 0.0}).spec(0).id
    same = {"model.hidden_dim": np.int64(8), "hidden_dim": 8, "model.dropout": -0.0}
    assert make_plan("gcn", "karate", same).spec(0).id == plain
    with pytest.raises(ConfigError, match=r"model.hidden_dim is set to 8 and to 16"):
        make_plan("gcn", "karate", {"hidden_dim": 8, "model.hidden_dim": 16})


def test_lists_of_numbers_of_numpy_are_lists():
    data = example("graph-classification")
    ids = {
        make_plan("gin", data, {"readout_dims": dims}).spec(0).id
        for dims in ([8, 4], (8, 4), np.array([8, 4]), (np.int64(8), np.int32(4)))
    }
    assert len(ids) == 1
