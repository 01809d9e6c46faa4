"""Searches of elastic spaces: what is proposed, what is cut out of the supernet, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.nas.elastic.sandwich import Shrinking
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.oneshot.evolve import Scored
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.registry import find_space, find_strategy
from graphlab.nas.results.cut_out import digest
from graphlab.nas.strategies.elastic import in_fronts, parameters_of
from graphlab.records.store import Store
from graphlab.testing.examples import example, examples_of

GCN = find_space("elastic-gcn")
BRIEF = {"strategy.epochs": 3, "strategy.population": 4, "strategy.generations": 1, "strategy.parents": 2}
SHORT = {**BRIEF, "training.epochs": 3}


def strategy(folder, space=GCN, data=None, limits=None, names=("validation",), **settings):
    data = data or example("node-classification")
    objective = TrainingObjective(
        searched(data, "validation", 0),
        space,
        Store(folder),
        constraints=limits,
        names=names,
        settings={"dropout": 0.2},
    )
    objective.keep_in(folder / "search")
    cls = find_strategy("elastic")
    return cls(cls.Config.parse({"epochs": 3, **settings}, where="elastic"), space, objective, SeedStream(0))


def search(folder, space="elastic-gcn", name="elastic", **settings):
    data = settings.pop("data", None) or example("node-classification")
    own = {"trials": 2, "start": False, "store": folder, "device": "cpu", "progress": False, **SHORT, **settings}
    return gl.search(name, data, space=space, **own)


def test_all_networks_of_a_small_space_are_scored_the_best_first(tmp_path):
    searching = strategy(tmp_path)
    training = searching.make_training()
    proposals = list(searching.candidates(training))
    scores = [proposal.notes["supernet"] for proposal in proposals]
    assert scores == sorted(scores, reverse=True) and len(proposals) == GCN.size == 155
    assert len({GCN.key(proposal.choices) for proposal in proposals}) == GCN.size
    assert scores[3] == training.score(path(GCN, proposals[3].choices))


@pytest.mark.parametrize("space", ["elastic-gcn", "elastic-gat"])
def test_a_limit_holds_for_all_that_is_proposed(space, tmp_path):
    few = {"population": 4, "generations": 1, "parents": 2, "epochs": 1}
    searching = strategy(tmp_path, find_space(space), limits={"parameters": 3000.0}, **few)
    training = searching.make_training()
    proposals = list(searching.candidates(training))
    sizes = [searching.objective.plan(each.choices).make_learner(training.task, 0).num_parameters for each in proposals]
    assert sizes == [each.notes["parameters"] for each in proposals]
    assert max(sizes) <= 3000 < parameters_of(training, find_space(space).largest())


def test_limits_that_nothing_keeps_are_an_error(tmp_path):
    for space in ("elastic-gcn", "elastic-gat"):
        searching = strategy(tmp_path / space, find_space(space), limits={"parameters": 10.0}, epochs=1)
        with pytest.raises(ConfigError, match="keeps the limits"):
            next(searching.candidates(searching.make_training()))


def test_fronts_come_one_after_the_other():
    points = [(5, -9), (4, -3), (4, -5), (3, -4), (1, -1), (2, -2), (0, -9)]
    scored = [Scored({"place": i}, float(score)) for i, (score, _) in enumerate(points)]
    order = [each.values["place"] for each in in_fronts(scored, [size for _, size in points])]
    assert order == [0, 1, 4, 5, 2, 3, 6]


def test_two_objectives_begin_with_the_front(tmp_path):
    searching = strategy(tmp_path, names=("validation", "parameters"))
    proposals = list(searching.candidates(searching.make_training()))
    first = proposals[0].notes
    assert first["supernet"] == max(each.notes["supernet"] for each in proposals)
    as_good = [each.notes for each in proposals if each.notes["supernet"] == first["supernet"]]
    assert first["parameters"] == min(notes["parameters"] for notes in as_good)


def planted():
    """Nodes whose class is that of their first feature."""
    data = example("node-classification")
    graph = data.graph.clone()
    graph.x = torch.eye(3)[graph.y] + 0.3 * torch.rand(len(graph.y), 3, generator=torch.Generator().manual_seed(0))
    graph.edge_index = torch.empty(2, 0, dtype=torch.long)
    return replace(data, graphs=(graph,), spec=replace(data.spec, node=replace(data.spec.node, dim=3)))


@pytest.mark.parametrize("shrinking", ["", "width,heads,depth"])
def test_networks_that_saw_no_label_learn_from_the_largest(shrinking, tmp_path):
    settings = {"epochs": 60, "teaching": "soft", "shrinking": shrinking}
    searching = strategy(tmp_path, find_space("elastic-gcn"), planted(), **settings)
    training = searching.trained()
    assert training.score(path(GCN, GCN.largest())) >= 0.9
    assert training.score(path(GCN, GCN.smallest())) >= 0.9
    untrained = searching.make_training()
    assert untrained.score(path(GCN, GCN.smallest())) < 0.8


def test_networks_learn_that_the_phase_has_opened(tmp_path, monkeypatch):
    searching = strategy(tmp_path, epochs=8, shrinking="width,heads,depth")
    steps = []
    monkeypatch.setattr(searching, "_descend", lambda training, loss, networks: steps.append(networks) or 0.0)
    training = searching.make_training()
    training._losses.append(0.0)
    monkeypatch.setattr(training.engine, "after_epoch", lambda loss, metric: None)
    monkeypatch.setattr("graphlab.nas.oneshot.training.fmean", lambda losses: 0.0)
    searching._learn(training)
    assert steps[0] == [GCN.largest()] and len(steps) == 8
    assert GCN.smallest() in steps[-1] and GCN.largest() in steps[-1]
    floors = [Shrinking(GCN, searching.config.order, 8).smallest(epoch) for epoch in range(1, 9)]
    assert all(floor in networks for floor, networks in zip(floors, steps, strict=True))


@pytest.mark.parametrize("space", ["elastic-gat", "elastic-gcn", "elastic-sage"])
def test_a_network_that_is_cut_out_is_the_supernet_at_that_choice_to_the_bit(space, tmp_path):
    result = search(tmp_path, space, on="validation", **{"strategy.shrinking": "depth,width"})
    strategy, outcome = result.plan.strategy, result.outcomes[-1]
    runs = result.cut_out(outcome)
    restored = gl.restore(runs)
    training = strategy.trained()
    training.mix(path(result.plan.space, outcome.values))
    training.learner.eval()
    graph = restored.task.dataset.graph
    with torch.no_grad():
        rows = restored.learner.head(restored.model(graph), graph)
        assert torch.equal(rows, training.learner.head(training.learner.model(graph), graph))
    record = runs[0]
    assert record.result.epochs == 0 and record.result.num_parameters == restored.learner.num_parameters
    assert record.result.validation["accuracy"] == training.score(training.supernet.mixture)


def test_the_record_says_where_weights_are_from(tmp_path):
    result = search(tmp_path)
    runs = result.cut_out()
    weights = runs[0].spec.component_configs["weights"]
    assert weights["study"] == result.plan.name and weights["architecture"] == result.best.key
    assert weights["sha256"] == digest(gl.restore(runs).learner.state_dict())
    assert str(runs).startswith("Runs(gnn-micro (cut out of a supernet) on ")
    assert gl.leaderboard(runs[0].spec.dataset, store=tmp_path)["model"].tolist() == [
        "gnn-micro (cut out of a supernet)"
    ]
    assert result.cut_out()[0].id == runs[0].id, "the same again"
    others = {result.cut_out(outcome)[0].id for outcome in result.outcomes}
    assert len(others) == len(result.outcomes)


def test_training_goes_on_from_what_was_cut_out(tmp_path):
    result = search(tmp_path)
    model, chosen = result.plan.space.settings(result.best.values)
    own = {"store": tmp_path, "device": "cpu", "progress": False, "training.start": result.cut_out()[0].id, **chosen}
    (record,) = gl.run(model, example("node-classification"), epochs=2, **own)
    assert record.result.epochs == 2
    (start,) = gl.run(model, example("node-classification"), epochs=0, **own)
    assert start.result.validation == result.cut_out()[0].result.validation


def test_another_process_cuts_out_the_same(tmp_path, monkeypatch):
    first = search(tmp_path).cut_out()[0]
    again = search(tmp_path)
    monkeypatch.setattr(type(again.plan.strategy), "_descend", None)  # nothing is trained again
    assert again.cut_out()[0].id == first.id


def test_digests_differ_in_names_shapes_and_numbers():
    tensor = torch.arange(6.0)
    states = [{"a": tensor}, {"b": tensor}, {"a": tensor.view(2, 3)}, {"a": tensor + 1}, {"a": tensor.double()}]
    assert len({digest(state) for state in states}) == len(states)
    both = {"a": tensor, "b": tensor + 1}
    assert digest(both) == digest(dict(reversed(both.items())))
    assert digest({"a": tensor.view(2, 3).T.contiguous().T}) == digest({"a": tensor.view(2, 3)})


def test_spos_searches_an_elastic_space(tmp_path):
    result = search(tmp_path, "elastic-gat", "spos", **{"strategy.shrink": 1})
    assert [outcome.state for outcome in result.outcomes] == ["finished"] * 2
    with pytest.raises(InputError, match="spos trains no supernet that networks can be cut out of"):
        result.cut_out()


@pytest.mark.parametrize("name", ["darts", "darts-pt", "pc-darts"])
def test_an_elastic_space_is_not_mixed(name, tmp_path):
    with pytest.raises(IncompatibleError, match="slices of one weight"):
        gl.search(name, example("node-classification"), space="elastic-gcn", trials=1, store=tmp_path)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"shrinking": "width,width"}, "lists each of width, heads and depth once"),
        ({"shrinking": "kernels"}, "lists each of width, heads and depth once"),
        ({"sampling": "random", "num_random": 0, "teaching": "none"}, "nothing would learn"),
        ({"sampling": "random", "teaching": "soft"}, "the largest network alone learns labels"),
        ({"shrink": 4}, "as wide as the largest"),
    ],
)
def test_settings_that_do_not_go_together(settings, problem, tmp_path):
    with pytest.raises(ConfigError, match=problem):
        strategy(tmp_path, **settings)


def test_what_elastic_does_not_search(tmp_path):
    with pytest.raises(IncompatibleError, match="its largest and its smallest"):
        search(tmp_path, "gnn-micro")
    (data,) = [each for each in examples_of("graph-prediction").values() if each.spec.output.type == "value"][:1]
    with pytest.raises(IncompatibleError, match=r"set strategy\.teaching=none"):
        search(tmp_path, data=data)
    result = search(tmp_path, data=data, **{"strategy.teaching": "none"})
    assert result.cut_out()[0].result.status == "finished", "the head of graphs is shared by all networks"
