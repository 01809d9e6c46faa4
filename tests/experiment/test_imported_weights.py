"""Weights of others as runs: like any other, under their own conventions, and nothing else."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

import graphlab as gl
from graphlab.core.errors import ConfigError, InputError, StoreError, UnknownNameError
from graphlab.records.store import Store
from graphlab.testing.examples import example
from tests.model.test_weight_formats import basic, tensors, ultra_names

SMALL = {"dim": 16, "num_layers": 3}
ALONG = {"edges": "along", "head_queries": "inverse"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of ultra on rings, and its weights in a file under their published names."""
    folder = tmp_path_factory.mktemp("trained")
    runs = gl.run("ultra", example("kg-transductive"), store=folder, epochs=8, lr=0.01, **SMALL)
    path = folder / "ultra.pth"
    torch.save({"model": ultra_names(gl.restore(runs).model), "optimizer": {"lr": 0.01}}, path)
    return runs, path


def imported(trained, store, **settings):
    return gl.import_weights("ultra", trained[1], example("kg-transductive"), store=store, **{**ALONG, **settings})


def test_an_import_is_a_run_like_any_other(trained, tmp_path):
    runs, _ = trained
    ours = imported(trained, tmp_path)
    record = ours[0]
    assert record.result.test == runs[0].result.test and record.result.status == "finished"
    assert record.spec.components == {"weights": "ultra"} and len(record.spec.settings["weights"]["sha256"]) == 64
    assert str(ours).startswith("Runs(ultra (weights of others) on ")
    assert gl.restore(record.id[:6], tmp_path).record.id == record.id
    answers = gl.answers(record, tmp_path)
    assert answers.predict(0, 0, 3).equals(gl.answers(runs).predict(0, 0, 3))
    assert gl.runs(tmp_path)["weights"].tolist() == ["ultra"]
    assert imported(trained, tmp_path)[0] == record  # read, not written again


def test_a_leaderboard_says_whose_weights_they_are(trained, tmp_path):
    record = imported(trained, tmp_path)[0]
    board = gl.leaderboard(record.spec.dataset, tmp_path)
    assert board["model"].tolist() == ["ultra (weights of others)"]
    tuned = gl.run("ultra", example("kg-transductive"), store=tmp_path, epochs=1, start=record.id, **SMALL)
    board = gl.leaderboard(record.spec.dataset, tmp_path)
    assert sorted(board["model"]) == ["ultra", "ultra (weights of others)"]
    assert tuned[0].spec.components == {}


def test_fine_tuning_under_another_convention_is_refused(trained, tmp_path):
    record = imported(trained, tmp_path)[0]
    with pytest.raises(InputError, match="mean something else with edges=against") as raised:
        gl.run("ultra", example("kg-transductive"), store=tmp_path, epochs=1, start=record.id, edges="against", **SMALL)
    assert "model.edges=along" in str(raised.value.hint)


def test_the_wrong_convention_is_found(trained, tmp_path):
    with pytest.raises(InputError, match=r"with model.edges=along the weights have mrr") as raised:
        imported(trained, tmp_path, edges="against")
    assert "model.edges=along" in str(raised.value.hint) and not Store(tmp_path).records()
    forced = imported(trained, tmp_path, edges="against", check=False)[0]
    right = imported(trained, tmp_path)[0]
    assert forced.result.test["mrr"] < 0.85 * right.result.test["mrr"] and forced.id != right.id


@pytest.mark.real_data
def test_published_weights_are_refused_along_the_edges(truth, tmp_path):
    torch.save({"model": tensors(truth("../truth_zoo/ultra_3g"))}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"they are imported 0\.4"):
        gl.import_weights("ultra", tmp_path / "w.pth", "kg/nations", store=tmp_path, edges="along")
    record = gl.import_weights("ultra", tmp_path / "w.pth", "kg/nations", store=tmp_path)[0]
    assert record.spec.model_config["edges"] == "against" and record.result.test["mrr"] > 0.54
    assert gl.answers(record, tmp_path).paths(0, 0, 1, 3).paths


def test_weights_that_are_evaluated_later(trained, tmp_path):
    record = imported(trained, tmp_path, evaluate=False)[0]
    assert record.result.test == {} and record.result.status == "finished"
    assert len(gl.answers(record, tmp_path).predict(0, 0, 3)) == 3
    assert gl.runs(tmp_path)["status"].tolist() == ["finished"] and len(gl.leaderboard(record.spec.dataset, tmp_path))
    scored = gl.evaluate(record.id, tmp_path)
    assert scored.id == record.id and scored.result.test == trained[0][0].result.test
    assert gl.evaluate(record.id, tmp_path) == scored and imported(trained, tmp_path)[0] == scored


def test_no_other_run_is_evaluated_and_no_such_run_is_trained(trained, tmp_path):
    runs, _ = trained
    assert gl.evaluate(runs) == runs[0]
    with pytest.raises(InputError, match="are imported, not trained"):
        gl.run("ultra", example("kg-transductive"), store=tmp_path, epochs=0, weights="ultra", **SMALL)


def test_altered_checkpoints_are_refused(trained, tmp_path):
    record = imported(trained, tmp_path)[0]
    path = tmp_path / record.id / "best.pt"
    saved = torch.load(path, weights_only=True)
    saved["model"]["model.readout.2.bias"] += 1
    torch.save(saved, path)
    for call in (lambda: gl.restore(record, tmp_path), lambda: gl.answers(record, tmp_path)):
        with pytest.raises(StoreError, match="is not what run"):
            call()
    with pytest.raises(StoreError, match="is not what run"):
        gl.run("ultra", example("kg-transductive"), store=tmp_path, epochs=1, start=record.id, **SMALL)
    path.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        gl.restore(record, tmp_path)


def test_altered_and_truncated_files_are_refused(trained, tmp_path):
    _, path = trained
    digest = imported(trained, tmp_path)[0].spec.settings["weights"]["sha256"]
    assert imported(trained, tmp_path, sha256=digest.upper())[0].spec.settings["weights"]["sha256"] == digest
    with pytest.raises(InputError, match="has the sha256"):
        imported(trained, tmp_path, sha256="0" * 64)
    whole = path.read_bytes()
    cut = tmp_path / "cut.pth"
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(InputError) as raised:
            gl.import_weights("ultra", cut, example("kg-transductive"), store=tmp_path)
        assert raised.value.hint
    with pytest.raises(InputError, match="there are no weights"):
        gl.import_weights("ultra", tmp_path / "absent.pth", example("kg-transductive"), store=tmp_path)


def test_broken_headers_of_safetensors_are_one_clear_error(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file({"entity.weight": torch.zeros(2, 2)}, path)
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    header["entity.weight"]["shape"] = [2, 3]
    other = json.dumps(header).encode()
    cases = [
        whole[:5],
        (2**62).to_bytes(8, "little") + whole[8:],
        whole[:8] + b"\xff" + whole[9:],
        whole[: 8 + size],
        whole[:-1],
        whole + b"0",
        len(other).to_bytes(8, "little") + other + whole[8 + size :],
        (2).to_bytes(8, "little") + b"[]",
    ]
    for content in cases:
        path.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as weights") as raised:
            gl.import_weights("own", path, example("kg-transductive"), model="distmult", store=tmp_path)
        assert raised.value.hint


def test_settings_of_import(trained, tmp_path):
    with pytest.raises(UnknownNameError, match="weight-format"):
        gl.import_weights("ultr4", trained[1], example("kg-transductive"), store=tmp_path)
    for settings, error in (
        ({"sha256": None, "weights.sha256": "0" * 64}, InputError),
        ({"model.edges": "against"}, ConfigError),
        ({"depth": 3}, ConfigError),
        ({"relations": ["a"]}, InputError),
    ):
        with pytest.raises(error):
            imported(trained, tmp_path, **settings)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """A trained distmult on kinship rules, which knows its entities."""
    folder = tmp_path_factory.mktemp("embedded")
    return gl.run("distmult", "kinship-rules/transductive", store=folder, epochs=8, dim=32)


def pykeen_names(model):
    return {
        f"{name}_representations.0._embeddings.weight": getattr(model, name).weight for name in ("entity", "relation")
    }


def test_rows_in_another_order_are_found_and_put_right(embedded, tmp_path):
    trained = gl.restore(embedded)
    labels = trained.dataset.labels["entities"]
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    weights = {name: tensor.detach().clone() for name, tensor in pykeen_names(trained.model).items()}
    weights["entity_representations.0._embeddings.weight"] = weights["entity_representations.0._embeddings.weight"][
        order
    ]
    torch.save(weights, tmp_path / "w.pt")
    options = {"model": "distmult", "store": tmp_path}
    with pytest.raises(InputError, match="weights drawn at random"):
        gl.import_weights("pykeen", tmp_path / "w.pt", "kinship-rules/transductive", **options)
    names = [labels[row] for row in order.tolist()]
    record = gl.import_weights("pykeen", tmp_path / "w.pt", "kinship-rules/transductive", entities=names, **options)[0]
    assert record.result.test == pytest.approx(embedded[0].result.test)
    with pytest.raises(InputError, match="one is listed twice"):
        gl.import_weights(
            "pykeen", tmp_path / "w.pt", "kinship-rules/transductive", entities=[*names, names[0]], **options
        )
    with pytest.raises(InputError, match="is not among them"):
        gl.import_weights("pykeen", tmp_path / "w.pt", "kinship-rules/transductive", entities=names[1:], **options)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_state_dicts_of_ones_own_go_round(embedded, tmp_path, suffix):
    learner, path = gl.restore(embedded).learner, tmp_path / f"w.{suffix}"
    save_file(learner.state_dict(), path) if suffix == "safetensors" else torch.save(learner.model.state_dict(), path)
    record = gl.import_weights("own", path, "kinship-rules/transductive", model="distmult", store=tmp_path, dim=32)[0]
    assert record.result.test == embedded[0].result.test
    state = gl.restore(record, tmp_path).learner.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in learner.state_dict().items())
    with pytest.raises(InputError, match="shapes differ"):
        gl.import_weights("own", path, "kinship-rules/transductive", model="distmult", store=tmp_path, dim=16)


def test_nodes_of_a_graph_by_a_basic_model_of_pyg(tmp_path):
    data = gl.load("karate")
    torch.manual_seed(0)
    from torch_geometric.nn.models import GCN

    graph, split = data.graph, data.split()
    model = GCN(graph.x.size(1), 16, 2, out_channels=int(graph.y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        out = model(graph.x, graph.edge_index)
        torch.nn.functional.cross_entropy(out[split.train], graph.y[split.train]).backward()
        optimizer.step()
    torch.save(model.state_dict(), tmp_path / "w.pt")
    record = gl.import_weights("pyg", tmp_path / "w.pt", data, store=tmp_path)[0]
    right = (model.eval()(graph.x, graph.edge_index).argmax(1) == graph.y)[split.test].float().mean()
    assert record.result.test["accuracy"] == pytest.approx(right.item())
    classes = torch.arange(int(graph.y.max()) + 1).roll(1)
    last = model.convs[1]
    last.lin.weight.data, last.bias.data = last.lin.weight.data[classes], last.bias.data[classes]
    torch.save(model.state_dict(), tmp_path / "other.pt")
    with pytest.raises(InputError, match="weights drawn at random"):
        gl.import_weights("pyg", tmp_path / "other.pt", data, store=tmp_path)


def test_a_network_for_other_data_does_not_fit(tmp_path):
    torch.save(basic("gcn").float().state_dict(), tmp_path / "w.pt")
    with pytest.raises(InputError, match="the weights do not fit"):
        gl.import_weights("pyg", tmp_path / "w.pt", "karate", store=tmp_path)
