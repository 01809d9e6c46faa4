"""Data of one's own do all that registered data do, by name alone once a store has them; what is wrong is one error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv

import graphlab as gl
from graphlab.data.dataset import Dataset
from graphlab.experiment import workers
from graphlab.experiment.plan import make_plan
from graphlab.experiment.runs import Runs
from graphlab.model.registry import OWN_MODELS
from graphlab.nas.workers import work
from graphlab.records.store import Store
from graphlab.task.ranking import ranking_metrics
from tests.experiment.own_files import triples

SHORT = {"training.epochs": 2}


def club() -> nx.Graph:
    """Zachary's club with people for numbers; the file has the weights of its edges too."""
    return nx.relabel_nodes(nx.karate_club_graph(), {k: f"member {k:02}" for k in range(34)})


def club_data() -> Data:
    return Data(**{key: value for key, value in gl.load("karate").graph.to_dict().items() if key != "edge_attr"})


def from_masks(folder: Path) -> Dataset:
    data = club_data()
    for place, key in enumerate(("train_mask", "val_mask", "test_mask")):
        data[key] = torch.arange(34) % 3 == place
    return gl.dataset(data, name="club")


def from_graphs(folder: Path) -> Dataset:
    """Rings and stars, told apart by their classes."""
    graphs = []
    for size in range(4, 16):
        network = nx.cycle_graph(size) if size % 2 else nx.star_graph(size)
        edges = torch.tensor(list(network.edges)).t()
        graphs.append(Data(x=torch.ones(len(network), 1), edge_index=torch.cat([edges, edges.flip(0)], 1)))
        graphs[-1].y = "ring" if size % 2 else "star"
    return gl.dataset(graphs, name="shapes", split="stratified-50/25/25")


def from_network(folder: Path) -> Dataset:
    return gl.dataset(club(), name="club", target="club", features="identity", split="stratified-30/20/50")


def from_frames(folder: Path) -> Dataset:
    people = pd.DataFrame({"node": sorted(club()), "age": np.arange(34.0) % 7, "friends": 1.0})
    people["club"] = [club().nodes[name]["club"] for name in people["node"]]
    edges = pd.DataFrame([(u, v, float(w)) for u, v, w in club().edges.data("weight")], columns=["a", "b", "weight"])
    return gl.dataset(
        {"edges": edges, "nodes": people}, name="club", target="club", directed=False, split="random-60/20/20"
    )


def from_edge_list(folder: Path) -> Dataset:
    path = folder / "friends.txt"
    path.write_text("".join(f"{u}\t{v}\n" for u, v in club().edges))
    labels = {name: club().nodes[name]["club"] for name in club()}
    return gl.dataset(path, labels=labels, directed=False, features="degree", split="random-60/20/20")


TRAINING = "ann mother bob,bob child ann,bob father eve,eve child bob,ann mother tom,tom father joe,joe child tom"
INFERENCE = "max father ida,ida child max,ida mother leo,leo father kim,kim child leo"


def from_triples(folder: Path) -> Dataset:
    files = triples(folder / "family", train=TRAINING, valid="tom child ann", test="eve child bob,joe child tom")
    return gl.dataset(files)


def from_two_graphs(folder: Path) -> Dataset:
    files = triples(folder / "two", train=TRAINING, inference=INFERENCE, valid="tom child ann", test="leo child ida")
    return gl.dataset(files, validation="train")


def from_two_graphs_validated_in_the_second(folder: Path) -> Dataset:
    parts = {"valid": "max father leo", "test": "leo child ida"}
    return gl.dataset(triples(folder / "ours", train=TRAINING, inference=INFERENCE, **parts), validation="inference")


def from_links(folder: Path) -> Dataset:
    return gl.dataset(club(), name="ties", task="link-prediction", features="identity", split="random-70/10/20")


@dataclass(frozen=True)
class Case:
    """A way to a data set, a model that fits it, and settings of it to search over."""

    make: Callable[[Path], Dataset]
    model: str = "gcn"
    space: Mapping[str, Any] = field(default_factory=lambda: {"hidden_dim": [4, 8], "lr": [0.01, 0.1]})
    settings: Mapping[str, Any] = field(default_factory=lambda: {"hidden_dim": 8})


NBFNET = {"model": "nbfnet", "settings": {"dim": 4, "num_layers": 2}, "space": {"dim": [4, 8], "num_layers": [1, 2]}}

CASES = {
    "data": Case(from_masks),
    "list": Case(from_graphs, "gin", {"hidden_dim": [4, 8], "num_layers": [1, 2]}, {"hidden_dim": 8, "num_layers": 2}),
    "networkx": Case(from_network),
    "frames": Case(from_frames),
    "edge-list": Case(from_edge_list),
    "triples": Case(from_triples, "distmult", {"dim": [4, 8], "lr": [0.01, 0.1]}, {"dim": 4}),
    "two-graphs": Case(from_two_graphs, **NBFNET),
    "two-graphs-validated-in-the-second": Case(from_two_graphs_validated_in_the_second, **NBFNET),
    "links": Case(from_links, "gae", {"hidden_dim": [4, 8], "lr": [0.01, 0.1]}, {"hidden_dim": 8}),
}


@dataclass(frozen=True)
class TrainedCase:
    """A case with its data set in memory and its runs over two seeds."""

    case: Case
    data: Dataset
    runs: Runs
    store: Path

    @property
    def name(self) -> str:
        return self.runs.dataset

    def run(self, dataset: Dataset | str, **options: Any) -> Runs:
        return go(self.case, dataset, self.store, **options)


def go(case: Case, dataset: Dataset | str, store: Path, **options: Any) -> Runs:
    return gl.run(case.model, dataset, store=store, progress=False, **{**SHORT, **case.settings, **options})


@pytest.fixture(scope="module", params=CASES)
def trained_case(request, tmp_path_factory) -> TrainedCase:
    folder, case = tmp_path_factory.mktemp(request.param), CASES[request.param]
    data = case.make(folder)
    return TrainedCase(case, data, go(case, data, folder / "runs", seeds=2), folder / "runs")


def test_its_name_says_what_it_is_and_is_enough(trained_case):
    assert trained_case.runs.df["status"].tolist() == ["finished"] * 2
    stem, _, split = trained_case.name.partition("@")
    assert stem.startswith(f"own/{trained_case.data.name}-") and split == trained_case.data.splits.name
    for name in (trained_case.name, f"own/{trained_case.data.name}", stem):
        assert trained_case.run(name, seeds=2).records == trained_case.runs.records
    again = gl.load(trained_case.name, store=trained_case.store)
    assert again.fingerprint == trained_case.data.fingerprint and dict(again.labels) == dict(trained_case.data.labels)
    assert again.notices == trained_case.data.notices and again.validation_graph == trained_case.data.validation_graph


def test_what_it_predicts_is_what_it_was_scored_by(trained_case):
    """The metric on test, calculated here from predictions of the restored model."""
    for record in trained_case.runs:
        trained = gl.restore(record, trained_case.store)
        with torch.no_grad():
            rows = trained.task.predict(trained.learner, "test")
        test = trained.dataset.split(record.seed).test
        assert expected(trained.dataset, rows, test) == pytest.approx(record.test_value)
        if trained_case.data.spec.items == "nodes":
            assert torch.equal(gl.predictions(record, trained_case.store)[test], rows)
        else:
            with pytest.raises(gl.GraphLabError, match="predicts nothing of single nodes"):
                gl.predictions(record, trained_case.store)


def expected(data: Dataset, rows: torch.Tensor, test: torch.Tensor) -> float:
    if data.spec.items == "nodes":
        return float((rows.argmax(1) == data.graph.y[test]).double().mean())
    if data.spec.items == "graphs":
        classes = torch.cat([data.graphs[place].y for place in test.tolist()])
        return float((rows.argmax(1) == classes).double().mean())
    if data.spec.items == "node-pairs":
        linked, apart = rows[test[:, 2] == 1].double(), rows[test[:, 2] == 0].double()
        difference = linked[:, None] - apart
        return float(((difference > 0).double() + (difference == 0).double() / 2).mean())
    ranks = torch.cat([rows[:, 0], rows[:, 2]])
    assert ranking_metrics(ranks, torch.ones_like(ranks))["mrr"] == pytest.approx(float((1 / ranks).mean()))
    return float((1 / ranks).mean())


def test_workers_know_it_by_name_alone(trained_case, tmp_path):
    alone = trained_case.run(trained_case.data, seeds="2:4")
    plan = make_plan(trained_case.case.model, trained_case.data, {**SHORT, **trained_case.case.settings})
    ids_before = {record.id for record in alone}
    specs = [spec for spec in (plan.spec(seed) for seed in range(2, 6)) if spec.id not in ids_before]
    order = {"store": str(trained_case.store), "device": "cpu", "specs": [spec.to_json() for spec in specs]}
    workers.help_with(json.loads(json.dumps(order)))
    assert all(Store(trained_case.store).folder(spec).read_finished() for spec in specs) and len(specs) == 2
    shared = go(trained_case.case, trained_case.data, tmp_path, seeds=4, workers=2)
    assert [record.result for record in shared][2:] == [record.result for record in alone]


def test_a_search_and_its_workers_know_it_by_name_alone(trained_case):
    options = {
        "space": {"model": trained_case.case.model, **trained_case.case.space},
        "on": "validation",
        "store": trained_case.store,
    }
    before = gl.runs(trained_case.store)
    search = gl.search("random", trained_case.data, trials=2, workers=2, progress=False, **options, **SHORT)
    assert search.to_json()["dataset"] == trained_case.name and len(search.finished) == 2
    work(replace(search.plan.spec, trials=3))
    again = gl.search("random", trained_case.name, trials=3, progress=False, **options, **SHORT)
    assert len(again.finished) == 3 and again.df["key"].tolist()[:2] == search.df["key"].tolist()
    assert gl.runs(trained_case.store).equals(before)
    (best,) = again.retrain(seeds=1).values()
    assert best.dataset == trained_case.name and best.summary().n == 1


def test_tables_have_it_by_name(trained_case, tmp_path):
    listed = gl.runs(trained_case.store)
    assert set(listed["dataset"]) == {trained_case.name} and set(trained_case.runs.df["id"]) <= set(listed["id"])
    for name in (trained_case.name, f"own/{trained_case.data.name}"):
        board = gl.leaderboard(name, trained_case.store)
        assert trained_case.case.model in set(board["model"]) and board["published"].isna().all()
    assert trained_case.name.replace("_", r"\_") in gl.export(trained_case.name, "latex", trained_case.store)
    grid = gl.table(
        [trained_case.case.model],
        [trained_case.name],
        seeds=2,
        store=trained_case.store,
        train=False,
        **SHORT,
        **trained_case.case.settings,
    )
    assert grid.df[trained_case.name, "n"].tolist() == [2] and trained_case.name in repr(grid)
    kept = gl.datasets(trained_case.store).set_index("name").loc[trained_case.name]
    counts = trained_case.data.statistics()
    assert (kept["num_nodes"], kept["num_edges"]) == (counts["num_nodes"], counts["num_edges"])
    about = gl.describe(trained_case.name, store=trained_case.store)
    assert (about.kind, about.name, about.facts["licence"]) == ("dataset", trained_case.name, "not stated")
    assert about.facts["notices"].splitlines() == list(trained_case.data.notices)


def test_an_experiment_file_and_its_report_have_it_by_name(trained_case, tmp_path):
    settings = "".join(f"      {key}: {value}\n" for key, value in {**SHORT, **trained_case.case.settings}.items())
    file = tmp_path / "ours.yaml"
    file.write_text(
        "title: Ours\nseeds: 2\nruns:\n"
        f"  - model: {trained_case.case.model}\n    dataset: {trained_case.name}\n    settings:\n{settings}"
        f"    expect: [{{metric: {trained_case.runs.metric}, at_least: 0.0}}]\n"
    )
    comparison = gl.reproduce(file, store=trained_case.store, progress=False)
    assert comparison.ok and comparison.runs[0].records == trained_case.runs.records
    assert trained_case.name in comparison.report(tmp_path / "ours.html").read_text()


def test_names_of_nodes_are_drawn_and_entities_answer(trained_case):
    data = gl.load(trained_case.name, store=trained_case.store)
    if data.spec.items in ("nodes", "node-pairs") and "nodes" in data.labels:
        drawn = {text.get_text() for text in data.plot().axes[0].texts}
        assert {f"member {k:02}" for k in range(34)} <= drawn
    if data.spec.items == "triples":
        answers = gl.answers(trained_case.runs)
        people = {"ann", "bob", "eve", "tom", "joe"} if len(data) == 1 else {"max", "ida", "leo", "kim"}
        child, parent = ("joe", "tom") if len(data) == 1 else ("leo", "ida")
        tails = answers.predict(child, "child", len(people))
        assert set(tails["tail"]) == people
        assert tails.set_index("tail").loc[parent, "known"] == ("fact" if len(data) == 1 else "held out")
        heads = answers.predict(relation="child", tail=parent, k=2)
        assert len(heads) == 2 and set(heads["head"]) <= people
    assert data.plot().axes


BY_NAME = """
import json, sys
import graphlab as gl

name, run, store, model, settings = sys.argv[1:]
runs = gl.run(model, name, seeds=2, store=store, progress=False, **json.loads(settings))
trained = gl.restore(run, store)
if trained.dataset.spec.items == "triples":
    answers = gl.answers(run, store).predict("leo", "child", 4)
    shown = dict(zip(answers["tail"], answers["score"]))
else:
    shown = gl.predictions(run, store).tolist()
board = gl.leaderboard(name, store)
print(json.dumps([[record.id for record in runs], shown, int(board["ours_n"].max())]))
"""


@pytest.mark.parametrize("key", ["networkx", pytest.param("two-graphs", marks=pytest.mark.slow)])
def test_a_new_process_knows_it_by_name_alone(key, tmp_path):
    case = CASES[key]
    runs = go(case, case.make(tmp_path), tmp_path / "runs", seeds=2)
    settings = json.dumps({**SHORT, **case.settings})
    words = [f"own/{case.make(tmp_path).name}", runs[0].id, str(tmp_path / "runs"), case.model, settings]
    ended = subprocess.run([sys.executable, "-c", BY_NAME, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    ids, shown, number = json.loads(ended.stdout)
    assert ids == [record.id for record in runs] and number == 2
    if key == "networkx":
        assert torch.equal(torch.tensor(shown), gl.predictions(runs[0], tmp_path / "runs"))
    else:
        answers = gl.answers(runs[0], tmp_path / "runs").predict("leo", "child", 4)
        assert shown == pytest.approx(dict(zip(answers["tail"], answers["score"], strict=True)))


class Net(nn.Module):
    def __init__(self, in_channels, out_channels, hidden=8):
        super().__init__()
        self.first, self.second = GCNConv(in_channels, hidden), GCNConv(hidden, out_channels)

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index)


def test_a_class_on_data_of_ones_own_is_known_by_two_names(tmp_path):
    data = from_network(tmp_path)
    runs = gl.run(Net, data, seeds=3, workers=2, store=tmp_path, progress=False, **SHORT)
    assert runs.summary().n == 3 and runs.model.startswith("own/Net-")
    expected_predictions = gl.predictions(runs)
    file = tmp_path / "ours.yaml"
    entry = f"{{model: {runs.model}, dataset: own/club, settings: {{training.epochs: 2}}}}"
    file.write_text(f"title: Ours\nseeds: 3\nruns:\n  - {entry}\n")
    OWN_MODELS.clear()
    assert gl.describe(runs.model, store=tmp_path).kind == "model"
    OWN_MODELS.clear()
    assert gl.reproduce(file, store=tmp_path, progress=False).runs[0].records == runs.records
    OWN_MODELS.clear()
    assert torch.equal(gl.predictions(runs), expected_predictions)
    assert gl.leaderboard("own/club", tmp_path)["model"].tolist() == [runs.model]


def test_names_are_part_of_what_data_are(tmp_path):
    """Two families of one shape had one name, and the second answered by the people of the first."""
    texts = {"train": TRAINING, "valid": "tom child ann", "test": "eve child bob"}
    others = {part: text.replace("ann", "amy").replace("eve", "eva") for part, text in texts.items()}
    case = CASES["triples"]
    first, second = (
        go(case, gl.dataset(triples(tmp_path / str(place), **parts), name="family"), tmp_path / "runs")
        for place, parts in enumerate((texts, others))
    )
    assert first.dataset != second.dataset and first[0].test_value == second[0].test_value
    assert set(gl.answers(first).predict("bob", "child", 5)["tail"]) == {"ann", "bob", "eve", "tom", "joe"}
    assert set(gl.answers(second).predict("bob", "child", 5)["tail"]) == {"amy", "bob", "eva", "tom", "joe"}
    with pytest.raises(gl.GraphLabError, match="2 data sets begin with 'own/family'"):
        gl.load("own/family", store=tmp_path / "runs")


def test_what_it_is_called_in_full_is_meant_before_what_begins_so(tmp_path):
    for name in ("club", "club-2", "clubs"):
        data = gl.dataset(club(), name=name, target="club", features="degree", split="random-60/20/20")
        go(CASES["networkx"], data, tmp_path)
    assert gl.load("own/club", store=tmp_path).name.startswith("own/club-")
    assert gl.load("own/clubs", store=tmp_path).name.startswith("own/clubs-")
    with pytest.raises(gl.GraphLabError, match="3 data sets begin with 'own/c'"):
        gl.load("own/c", store=tmp_path)
    with pytest.raises(gl.GraphLabError, match="has no split 'public'"):
        gl.load("own/club", split="public", store=tmp_path)


def test_a_store_with_a_file_that_cannot_be_read_lists_the_others(tmp_path):
    names = []
    for name in ("first", "second"):
        data = gl.dataset(club(), name=name, target="club", features="degree", split="random-60/20/20")
        names.append(go(CASES["networkx"], data, tmp_path).dataset)
    (broken,) = (tmp_path / "data").glob("first-*.json")
    broken.write_text("{")
    with pytest.warns(UserWarning, match="a data set is left out"):
        listed = gl.datasets(tmp_path)
    assert [name for name in listed["name"] if name.startswith("own/")] == names[1:]
    assert gl.load(names[1], store=tmp_path).name == names[1]
    with pytest.raises(gl.GraphLabError, match="cannot be read"):
        gl.load(names[0], store=tmp_path)


def test_a_card_may_be_given_afterwards(tmp_path):
    def make(**more):
        named = {"name": "club", "target": "club", "features": "degree", "split": "random-60/20/20"}
        return gl.dataset(club(), **named, **more)

    runs = go(CASES["networkx"], make(), tmp_path)
    card = replace(make().card, licence="CC0", title="Zachary's club")
    assert go(CASES["networkx"], make(card=card), tmp_path).records == runs.records
    assert gl.describe(runs.dataset, store=tmp_path).facts["licence"] == "CC0"
    assert gl.load(runs.dataset, store=tmp_path).card.title == "Zachary's club"
