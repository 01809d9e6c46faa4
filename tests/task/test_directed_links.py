"""Links with a direction: what is asked, what a model sees, what degrees, symmetry and linear maps can tell."""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Split, Splits
from graphlab.experiment.plan import make_plan
from graphlab.model.base import DirectedLinkModel
from graphlab.task.base import Learner, Shard
from graphlab.task.kinds.directed_links import METRICS, PARTS, Config, DirectedLinks, PairHead
from graphlab.testing.examples import example
from graphlab.testing.tasks import TASK_CHECKS
from tests.task.references import DirectedLinks as Reference

QUESTIONS = tuple(METRICS)


class Table(DirectedLinkModel):
    """A score for each ordered pair, drawn at random; symmetric where that is asked for."""

    def __init__(self, size=24, symmetric=False):
        super().__init__()
        scores = torch.randn(size, size, generator=SeedStream(3).torch())
        self.scores = nn.Parameter(scores + scores.T if symmetric else scores)
        self.out_dim = 1

    def encode(self, graph) -> Tensor:
        return self.scores

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        return encoding[sources] if candidates is None else encoding[sources].gather(1, candidates)


@pytest.fixture(autouse=True)
def _store(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))


def sparse():
    """A graph of so few edges that all negatives can be fair."""
    graph = nx.gnp_random_graph(80, 0.04, seed=0, directed=True)
    return gl.dataset(graph, task="directed-links", features="identity", split="random-70/10/20")


def task(data=None, shard: Shard | None = None, **options) -> DirectedLinks:
    data = example("directed-edges") if data is None else data
    return DirectedLinks(Config(**options), data, data.split(), shard=shard)


def joined(rows):
    return set(map(tuple, rows.tolist()))


def with_other_held_out_edges(data, count=6):
    """The same training edges; some held-out edges, and the edges of the graph that they are, lead elsewhere."""
    split, size = data.split(), int(data.graph.num_nodes)
    edges = joined(data.graph.edge_index.T)
    free = [(u, v) for u in range(size) for v in range(size) if u != v and not {(u, v), (v, u)} & edges]
    others = torch.tensor(free)[torch.randperm(len(free), generator=SeedStream(5).torch())[: 2 * count]]
    parts = [torch.cat([rows[count:], new]) for rows, new in zip((split.validation, split.test), others.split(count))]  # noqa: B905
    graph = data.graph.clone()
    graph.edge_index = torch.cat([split.train, *parts]).unique(dim=0).T.contiguous()
    changed = Splits(data.splits.name, fixed=(Split(split.train, *parts),))
    return replace(data, graphs=(graph,), splits=changed)


@pytest.mark.parametrize("question", ["direction", "three-class"])
@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_other_questions_keep_the_contract(check, question):
    check("directed-links", "directed-edges", Reference(question))


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_asked(question):
    data = example("directed-edges")
    edges = joined(data.graph.edge_index.T)
    built = task(data, question=question)
    for part in PARTS:
        rows, pairs, is_asked = getattr(data.split(), part), built.pairs(part), built.is_asked(part)
        for (u, v), row, kept in zip(rows.tolist(), pairs.tolist(), is_asked.tolist(), strict=True):
            assert kept == (question == "existence" or (v, u) not in edges)
            if not kept:
                continue
            assert tuple(row[0]) == (u, v)
            if question != "existence":
                assert tuple(row[1]) == (v, u)
            if question != "direction":
                a, b = row[-1]
                assert a != b and (a, b) not in edges
                assert question == "existence" or (b, a) not in edges
    assert question == "existence" or not all(built.is_asked(part).all() for part in PARTS), "no edge has its reverse"
    shape = (3, 3) if question == "three-class" else (2,)
    labelled = built.labelled(torch.zeros(len(data.split().test), *shape), "test")
    count = int(built.is_asked("test").sum()) * shape[0]
    assert len(labelled.rows) == len(labelled.truth) == len(labelled.items) == count


@pytest.mark.parametrize("question", ["existence", "three-class"])
def test_negatives_of_validation_are_none_of_test(question):
    built = task(question=question)
    codes = [joined(built.pairs(part)[built.is_asked(part)][:, -1]) for part in PARTS]
    assert not codes[0] & codes[1]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("model", ["dir-gnn", "magnet", "adpa", "gcn", "digae", "hope"])
def test_held_out_edges_reach_neither_the_model_nor_what_is_prepared(model, question):
    if model == "hope" and question == "three-class":
        return
    data = example("directed-edges")
    plans = [make_plan(model, each, {"task.question": question}) for each in (data, with_other_held_out_edges(data))]
    assert all(set(plan.prepared.graph.keys()) == {"x", "edge_index"} for plan in plans), "prepared as a whole"
    tasks = [plan.make_task(0) for plan in plans]
    batches = [each.batches(SeedStream(0))[0] for each in tasks]
    for key, value in batches[0].graph.to_dict().items():
        other = batches[1].graph[key]
        assert torch.equal(value, other) if isinstance(value, Tensor) else value == other, f"{key} differs"
    assert joined(batches[0].graph.edge_index.T) == joined(data.split().train)
    assert torch.equal(batches[0].pairs, batches[1].pairs)
    learners = [plan.make_learner(each, 0).eval() for plan, each in zip(plans, tasks, strict=True)]
    losses = [each.loss(learner, b).item() for each, learner, b in zip(tasks, learners, batches, strict=True)]
    assert losses[0] == losses[1]
    assert not torch.equal(tasks[0].pairs("test"), tasks[1].pairs("test"))
    if model == "adpa":
        assert "propagated_a_1" in batches[0].graph


def test_propagated_features_are_those_of_the_training_edges():
    data = example("directed-edges")
    plan = make_plan("adpa", data)
    alone = data.graph.clone()
    alone.edge_index = data.split().train.T.contiguous()
    preparation = plan.model.cls.preparation(plan.model_config)
    (expected,), shown = preparation.prepare([alone]), plan.make_task(0).batches(SeedStream(0))[0].graph
    (whole,) = preparation.prepare([data.graph])
    for pattern in ("a", "at", "aat"):
        torch.testing.assert_close(shown[f"propagated_{pattern}_2"], expected[f"propagated_{pattern}_2"])
        assert not torch.allclose(shown[f"propagated_{pattern}_2"], whole[f"propagated_{pattern}_2"])


@pytest.mark.parametrize("negatives", ["fair", "uniform"])
def test_training_negatives_are_no_training_edges_and_follow_the_step(negatives):
    built = task(negatives=negatives, batch_size=20)
    edges, steps = joined(built.split.train), built.batches(SeedStream(1))
    batches = [steps[k] for k in range(len(steps))]
    assert joined(torch.cat([b.pairs[:, 0] for b in batches])) == edges
    for batch, again in zip(batches, (built.batches(SeedStream(1))[k] for k in range(len(steps))), strict=True):
        assert torch.equal(batch.pairs, again.pairs)
        assert not joined(batch.pairs[:, 1]) & edges
    other = built.batches(SeedStream(2))[0]
    assert not torch.equal(other.pairs[:, 1], batches[0].pairs[:, 1])


def test_fair_training_negatives_have_the_degrees_of_the_edges():
    built = task(sparse())
    assert not built.num_unfair
    for pairs in (built.batches(SeedStream(0))[0].pairs, built.pairs("validation"), built.pairs("test")):
        for end in range(2):
            assert torch.equal(pairs[:, 0, end].bincount(minlength=80), pairs[:, 1, end].bincount(minlength=80))


def test_a_linear_map_of_both_rows_cannot_tell_edges_from_fair_negatives():
    """Its logits are sums over both ends, which are equal in total: by convexity the loss is log 2 at least."""
    built = task(sparse(), decoder="linear")
    batch = built.batches(SeedStream(0))[0]
    for seed in range(20):
        SeedStream(seed).seed_torch()
        head, rows = PairHead(6, 1, "linear"), 3 * torch.randn(80, 6)
        logits = head(rows, type(batch.graph)(pairs=batch.pairs.flatten(0, 1))).view(-1, 2)
        assert logits[:, 0].sum().item() == pytest.approx(logits[:, 1].sum().item(), abs=1e-3)
        loss = (torch.nn.functional.softplus(-logits[:, 0]) + torch.nn.functional.softplus(logits[:, 1])).mean() / 2
        assert loss.item() >= math.log(2) - 1e-6
    fit = gl.run("dir-gnn", sparse(), epochs=40, progress=False, **{"task.decoder": "linear"})
    assert fit.curves["loss"].min() >= math.log(2) - 1e-5
    other = gl.run("dir-gnn", sparse(), epochs=40, progress=False)
    assert other.curves["loss"].min() < 0.9 * math.log(2)


def test_who_scores_both_orders_alike_is_right_half_of_the_time():
    built = task(question="direction")
    learner = Learner(Table(symmetric=True), nn.Identity())
    for part in PARTS:
        scores = built.evaluate(learner, part)
        assert scores["auroc"] == pytest.approx(0.5) and scores["accuracy"] == 0.5
    assert built.evaluate(Learner(Table(), nn.Identity()), "test")["auroc"] != pytest.approx(0.5)


def test_three_classes_of_scores_are_both_orders_and_none():
    built = task(question="three-class")
    table = Table()
    rows = built.predict(Learner(table, nn.Identity()), "test")
    for pairs, logits in zip(built.pairs("test").tolist(), rows.tolist(), strict=True):
        for (u, v), row in zip(pairs, logits, strict=True):
            np.testing.assert_allclose(row, [table.scores[u, v].item(), table.scores[v, u].item(), 0], rtol=1e-6)


def dial(model, data, question, **more):
    settings = {"task.question": question, "epochs": 60, "seeds": 2, "progress": False, **more}
    runs = gl.run(model, data, task="directed-links", **settings)
    return np.mean([record.result.test["auroc"] for record in runs.records])


@pytest.mark.parametrize("model", ["dir-gnn", "nste"])
def test_direction_is_learned_where_it_says_something(model):
    """Half of the edges join the blocks, from 0 to 1: who knows the blocks has an AUROC of about .87."""
    assert dial(model, "directed-sbm/direction-1", "direction") > 0.75
    assert abs(dial(model, "directed-sbm/direction-0", "direction") - 0.5) < 0.1


def test_existence_is_learned_where_it_says_something():
    assert dial("dir-gnn", "directed-sbm/direction-1", "existence", **{"task.negatives": "uniform"}) > 0.58


def test_who_sees_no_direction_is_at_chance():
    seen = dial("gcn", "directed-sbm/direction-1", "direction", **{"task.undirected_messages": True})
    assert abs(seen - 0.5) < 0.1


def test_undirected_messages_have_each_training_edge_both_ways():
    built = task(undirected_messages=True)
    train = joined(built.split.train)
    shown = built.batches(SeedStream(0))[0].graph.edge_index.T
    assert joined(shown) == train | {(v, u) for u, v in train} and len(joined(shown)) == len(shown)


def test_a_run_is_restored():
    run = gl.run("digae", example("directed-edges"), epochs=5, progress=False, **{"task.question": "three-class"})
    trained = gl.restore(run)
    scores = trained.task.evaluate(trained.learner, "test")
    assert scores == pytest.approx(run.records[0].result.test)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_report_shows_what_was_asked(question, tmp_path):
    run = gl.run("digae", example("directed-edges"), epochs=3, progress=False, **{"task.question": question})
    page = gl.report(run, tmp_path / "page.html").read_text()
    assert ("class 2" in page and "Confusion" in page) == (question == "three-class")
    assert ("share of what is so" in page) == (question != "three-class")


def test_negatives_that_cannot_be_fair_are_told():
    """All edges leave one node, and all targets that there are are its own."""
    graph = nx.DiGraph([(0, v) for v in range(1, 31)])
    graph.add_nodes_from(range(40))
    data = gl.dataset(graph, task="directed-links", split="random-60/20/20")
    with pytest.warns(UserWarning, match="6 of validation and 6 of test are drawn uniformly"):
        built = make_plan("hope", data).make_task(0)
    assert built.num_unfair == {"validation": 6, "test": 6}


def both_ways(num_nodes=20):
    graph = nx.gnp_random_graph(num_nodes, 0.3, seed=0).to_directed()
    return gl.dataset(graph, task="directed-links", split="random-60/20/20")


@pytest.mark.parametrize("question", ["direction", "three-class"])
def test_a_graph_of_which_all_edges_have_their_reverse_has_no_direction_to_ask_about(question):
    with pytest.raises(InputError, match="has its reverse") as problem:
        make_plan("digae", both_ways(), {"task.question": question})
    assert "existence" in problem.value.hint
    assert make_plan("digae", both_ways()).make_task(0).num_edges


def test_a_part_without_a_pair_of_one_direction_is_refused():
    data = example("directed-edges")
    edges = joined(data.graph.edge_index.T)
    back = [(u, v) for u, v in edges if (v, u) in edges]
    rest = torch.tensor(sorted(edges - set(back)))
    split = Split(rest[4:], rest[:4], torch.tensor(sorted(back)))
    with pytest.raises(InputError, match="test edges of example has its reverse"):
        task(replace(data, splits=Splits("mine", fixed=(split,))), question="direction")


def test_a_complete_graph_has_no_negatives():
    graph = nx.complete_graph(8).to_directed()
    data = gl.dataset(graph, task="directed-links", split="random-60/20/20")
    with pytest.raises(InputError, match="are not joined") as problem:
        make_plan("digae", data).make_task(0)
    assert "direction" in problem.value.hint


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        ("digae", {"task.metric": "macro_f1"}, InputError, "macro_f1 is not measured"),
        ("digae", {"task.question": "three-class", "task.metric": "auroc"}, InputError, "auroc is not measured"),
        ("digae", {"task.question": "which"}, ConfigError, "question"),
        ("hope", {"task.question": "three-class"}, IncompatibleError, "no threshold"),
        ("hope", {"model.beta": 0.0}, ConfigError, "beta"),
        ("label-propagation", {}, IncompatibleError, "no rows of nodes"),
        ("i2gnn", {}, IncompatibleError, "lead one way"),
        ("gae", {}, IncompatibleError, "gae does link-prediction, not directed-links"),
        ("transe", {}, IncompatibleError, "not directed-links"),
    ],
)
def test_what_does_not_fit_is_one_error(model, options, error, message):
    with pytest.raises(error, match=message) as problem:
        make_plan(model, example("directed-edges"), options)
    assert problem.value.hint and problem.value.exit_code == 2


def test_an_undirected_graph_is_refused():
    with pytest.raises(IncompatibleError, match="directed-links is about directed links"):
        make_plan("digae", "karate", task="directed-links")


def test_pre_transforms_that_read_edges_are_refused():
    with pytest.raises(IncompatibleError):
        make_plan("gcn", example("directed-edges"), {"pre_transform": "degree"})
