"""One-shot strategies: their gradients, the order of their candidates, and searches that go on as if never stopped."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock
from torch import nn
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.config import Choices
from graphlab.core.errors import ConfigError, DivergenceError, IncompatibleError, StoreError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Split, Splits
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.nas.core.space import Decision, Space
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.oneshot.strategy import first_order, likeliest, second_order
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import SupernetTraining
from graphlab.nas.registry import find_space, find_strategy
from graphlab.nas.strategies import darts
from graphlab.nas.strategies.darts import settled
from graphlab.records.store import CheckpointFolder, Store
from graphlab.testing.examples import example

BRIEF = {"epochs": 4, "shrink": 8}
BENCH = find_space("nas-bench-graph")


def quadratic(seed: int):
    """Losses of four weights and three logits that are smooth in both, in float64."""
    random = torch.Generator().manual_seed(seed)
    w, a = (torch.randn(n, generator=random).double().requires_grad_() for n in (4, 3))
    first, second, third = (torch.randn(n, 4, generator=random).double() for n in (3, 4, 4))

    def training():
        return ((w - a.softmax(0) @ first) ** 2).sum() + (a.tanh() @ first @ w) ** 2 + (second @ w).cos().sum()

    def validation():
        return ((third @ w).sin() * (a @ first)).sum() + (w**2).sum() * a.softmax(0)[0]

    return w, a, training, validation


@pytest.mark.parametrize("seed", range(4))
def test_the_second_order_gradient_is_that_through_the_step(seed):
    """Against automatic differentiation through w' = w - lr dL_train/dw."""
    w, a, training, validation = quadratic(seed)
    lr, before = 0.05, w.detach().clone()
    (found,) = second_order([a], [w], training, validation, lr)
    assert torch.equal(w, before) and w.grad is None
    (steepest,) = torch.autograd.grad(training(), w, create_graph=True)
    stepped = w - lr * steepest
    random_w, random_a, _, there = quadratic(seed)
    with torch.no_grad():
        random_w.copy_(stepped)
    v, direct = torch.autograd.grad(there(), [random_w, random_a])
    (through,) = torch.autograd.grad(stepped, a, grad_outputs=v)
    assert torch.allclose(found, direct + through, rtol=2e-3, atol=2e-3 * float(direct.abs().max()))
    (ignoring,) = first_order([a], validation)
    assert (ignoring - found).abs().max() > 20 * (direct + through - found).abs().max()


class Twins(Space):
    """Three choices of three; "c" of the first means "b"; three times "a" is no network."""

    name = "twins"
    decisions = tuple(Decision(f"letter_{i}", Choices(tuple("abc")), "letter") for i in range(3))

    def canonical(self, values):
        choices = self.checked(values)
        return {**choices, "letter_0": "b"} if choices["letter_0"] == "c" else choices

    def is_valid(self, values):
        return set(values.values()) != {"a"}

    def settings(self, values):
        return "twins", dict(values)


@pytest.mark.parametrize("seed", range(5))
def test_architectures_come_by_their_probability(seed):
    space, random = Twins(), np.random.default_rng(seed)
    chances = {decision.name: random.dirichlet(np.ones(3)) for decision in space.decisions}
    found = list(likeliest(space, chances))
    best: dict[str, float] = {}
    for word in itertools.product("abc", repeat=3):
        values = dict(zip(chances, word, strict=True))
        chance = float(np.prod([chances[name]["abc".index(letter)] for name, letter in values.items()]))
        if space.is_valid(values):
            best[space.key(values)] = max(chance, best.get(space.key(values), 0.0))
    assert [space.key(values) for values, _ in found] == sorted(best, key=best.__getitem__, reverse=True)
    assert [chance for _, chance in found] == pytest.approx(sorted(best.values(), reverse=True))


def test_of_a_large_space_the_first_are_the_largest_products():
    random = np.random.default_rng(0)
    chances = {decision.name: random.dirichlet(np.ones(9)) for decision in BENCH.decisions}
    every = (
        float(np.prod([chances[d.name][k] for d, k in zip(BENCH.decisions, places, strict=True)]))
        for places in itertools.product(range(9), repeat=5)
        if not all(BENCH.decisions[i].options[places[i]] == "skip" for i in range(1, 5))
    )
    largest = heapq.nlargest(40, every)
    found = [chance for _, chance in itertools.islice(likeliest(BENCH, chances), 15)]
    assert found == sorted(found, reverse=True)
    assert all(any(chance == pytest.approx(one) for one in largest) for chance in found)


def objective(tmp_path, data=None, **settings):
    data = searched(data or example("node-classification"), "train", 0)
    made = TrainingObjective(data, BENCH, Store(tmp_path), settings={"training.epochs": 4, "dropout": 0.2, **settings})
    made.keep_in(tmp_path / "search")
    return made


def training_of(tmp_path, epochs=4, shrink=8, channels=1, data=None, **settings):
    return SupernetTraining(BENCH, objective(tmp_path, data, **settings), SeedStream(3), epochs, shrink, channels)


def strategy(name, tmp_path, seed=0, **settings):
    found = find_strategy(name)
    config = found.Config.parse({**BRIEF, **settings}, where=name)
    return found(config, BENCH, objective(tmp_path), SeedStream(seed))


def test_the_held_out_loss_is_of_the_held_out_part(tmp_path):
    training = training_of(tmp_path)
    ((on_train, on_held_out),) = training.losses(1)
    mixture = path(BENCH, BENCH.sample(SeedStream(0).numpy()))
    split, data = training.task.split, training.task.dataset.graph
    assert not torch.isin(split.train, split.validation).any()
    on_train(mixture).detach()
    for loss, part, stream in ((on_train, split.train, "train"), (on_held_out, split.validation, "held out")):
        training.stream.child("epoch", 1, "step", 0, stream).seed_torch()
        rows = training.learner.model(data)[part]
        expected = nn.functional.cross_entropy(rows, data["y"][part]).detach()
        assert loss(mixture).item() == pytest.approx(float(expected), rel=1e-6)
        assert loss(mixture).item() == loss(mixture).item()


def test_steps_lower_the_loss_of_what_is_trained_and_leave_the_mixture_alone(tmp_path):
    training = training_of(tmp_path, **{"training.lr": 0.05})
    mixture = path(
        BENCH,
        {"link": "0123", **dict.fromkeys(("operator_1", "operator_2", "operator_3"), "skip"), "operator_4": "gcn"},
    )
    ((on_train, _),) = training.losses(1)
    losses = [training.descend(on_train, mixture) for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]
    assert training.score(mixture) == training.task.evaluate(training.learner, "validation")["accuracy"]


def planted(by_neighbours: bool) -> gl.Dataset:
    """Nodes whose class is the sign of their first feature, or of the sum of their neighbours'."""
    random = torch.Generator().manual_seed(0)
    edges = torch.randint(400, (2, 1200), generator=random)
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    x = torch.randn(400, 4, generator=random)
    heard = torch.zeros(400).index_add(0, edges[1], x[edges[0], 0])
    y = ((heard if by_neighbours else x[:, 0]) > 0).long()
    split = Split(*torch.randperm(400, generator=random).split([300, 50, 50]))
    graph = Data(x=x, y=y, edge_index=edges, num_nodes=400)
    spec = DataSpec("nodes", (Target("y", "node", "class", 2),), node=Continuous(4))
    return replace(example("node-classification"), graphs=(graph,), splits=Splits("drawn", fixed=(split,)), spec=spec)


@pytest.mark.parametrize("name", ["darts", pytest.param("pc-darts", marks=pytest.mark.slow)])
def test_a_mixture_learns_what_helps_on_the_held_out_part(name, tmp_path):
    """Operators that hear nobody, 2 of 9, win weight where the class is in a node's own features, and less where it is
    in its neighbours'."""
    deaf = {}
    for by_neighbours in (False, True):
        folder = tmp_path / str(by_neighbours)
        made = strategy(name, folder, epochs=45, lr=0.1)
        recipe = {"training.lr": 0.05, "dropout": 0.0, "num_pre": 1}
        training = training_of(folder, 45, data=planted(by_neighbours), channels=made.partial, **recipe)
        learned = made.learn(training)
        mean = torch.stack([learned[f"operator_{i}"] for i in range(1, 5)]).mean(0).tolist()
        deaf[by_neighbours] = sum(mean[BENCH.decisions[1].options.index(name)] for name in ("fc", "skip"))
        assert training.score(learned) > 0.75
    assert deaf[False] > 1.2 * deaf[True]


@pytest.mark.parametrize("name", ["darts", "darts-pt", "spos"])
def test_a_schedule_moves_the_learning_rate_and_tuning_begins_anew(name, tmp_path):
    few = {"population": 2, "generations": 0} if name == "spos" else {}
    made = strategy(name, tmp_path, **({"order": "second"} if name == "darts" else few))
    recipe = {"training.lr": 0.04, "training.scheduler": "step", "training.step_epochs": 2, "training.gamma": 0.5}
    training = training_of(tmp_path, **recipe)
    seen = []
    descend = training.descend
    training.descend = lambda loss, mixture: seen.append(training.lr) or descend(loss, mixture)
    next(made.candidates(training))
    assert seen[:4] == pytest.approx([0.04, 0.04, 0.02, 0.02])
    assert set(seen[4:]) == ({0.04} if name == "darts-pt" else set())
    again = training_of(tmp_path, **recipe)
    next(made.candidates(again))
    assert again.lr == training.lr == pytest.approx(0.04 if name == "darts-pt" else 0.01)


def test_the_second_order_steps_as_far_as_the_schedule_lets_the_weights(tmp_path, monkeypatch):
    steps = []

    def watched(logits, weights, training, validation, lr):
        steps.append(lr)
        return first_order(logits, validation)

    monkeypatch.setattr(darts, "second_order", watched)
    recipe = {"training.lr": 0.04, "training.scheduler": "step", "training.step_epochs": 2, "training.gamma": 0.5}
    strategy("darts", tmp_path, order="second").learn(training_of(tmp_path, **recipe))
    assert steps == pytest.approx([0.04, 0.04, 0.02, 0.02])


def test_a_score_that_is_no_number_is_the_worst(tmp_path, monkeypatch):
    training = training_of(tmp_path)
    monkeypatch.setattr(training.task, "evaluate", lambda learner, part: {"accuracy": float("nan")})
    assert training.score(path(BENCH, BENCH.sample(SeedStream(0).numpy()))) == -np.inf


@pytest.mark.parametrize("order", ["first", "second"])
def test_the_mixture_moves_after_its_warm_up(order, tmp_path):
    made = strategy("darts", tmp_path, order=order, warm_up=0.5)
    training = training_of(tmp_path)
    seen = []
    descend = training.descend
    training.descend = lambda loss, mixture: seen.append(mixture["link"].clone()) or descend(loss, mixture)
    made.learn(training)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2]) and not torch.equal(seen[2], seen[3])
    assert all(float(weights.sum()) == pytest.approx(1.0) for weights in seen)


def test_orders_differ(tmp_path):
    found = [
        strategy("darts", tmp_path / order, order=order).learn(training_of(tmp_path / order))
        for order in ("first", "second")
    ]
    assert any(not torch.equal(found[0][name], found[1][name]) for name in found[0])


class Missing:
    """In the place of a trained supernet: it loses `loss[option]` in proportion to the weight that an option lacks."""

    def __init__(self, loss):
        self.loss = loss

    def score(self, mixture):
        return float(-sum(lost * (1 - w) for lost, w in zip(self.loss, mixture["link"].tolist(), strict=True)))


def test_perturbation_keeps_what_is_missed_most():
    even = torch.full((9,), 1 / 9)
    for wanted in range(9):
        loss = [1.0] * 9
        loss[wanted] = 3.0
        kept = find_strategy("darts-pt")._missed_most(Missing(loss), {"link": even}, "link", range(9))
        assert kept == wanted


def test_perturbation_that_would_keep_skips_alone_keeps_a_network(tmp_path, monkeypatch):
    """In whatever order the decisions come, that which closes the last way to a network is not kept."""
    made, training = strategy("darts-pt", tmp_path, tune_epochs=0), training_of(tmp_path, 1)
    skip = BENCH.decisions[1].options.index("skip")
    monkeypatch.setattr(
        training, "score", lambda mixture: sum(float(mixture[f"operator_{i}"][skip]) for i in range(1, 5))
    )
    for one in itertools.islice(made.candidates(training), 6):
        assert [one.choices[f"operator_{i}"] for i in range(1, 5)].count("skip") == 3


@pytest.mark.parametrize("mixture", ["learned", "fixed"])
def test_perturbation_starts_each_candidate_from_the_trained_supernet(mixture, tmp_path):
    made = strategy("darts-pt", tmp_path, mixture=mixture, tune_epochs=1)
    training = training_of(tmp_path)
    starts = []
    select = made._select

    def watched(training, mixture, number):
        starts.append([p.detach().clone() for p in training.weights])
        return select(training, mixture, number)

    made._select = watched
    first, second = itertools.islice(made.candidates(training), 2)
    assert all(torch.equal(one, other) for one, other in zip(starts[0], starts[1], strict=True))
    assert BENCH.is_valid(first.choices) and BENCH.is_valid(second.choices)


def test_evolved_architectures_come_by_what_the_supernet_says(tmp_path):
    made = strategy("spos", tmp_path, population=8, generations=3, parents=3, epochs=6)
    training = training_of(tmp_path, 6)
    found = list(made.candidates(training))
    scores = [one.notes["supernet"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert len({BENCH.key(one.choices) for one in found}) == len(found) > 8
    assert scores[0] == training.score(path(BENCH, found[0].choices))


FEW = {
    "darts": {},
    "rarts": {},
    "sd-darts": {"strategy.every": 1, "strategy.teachers": 2},
    "pc-darts": {},
    "tanglenas": {},
    "few-shot": {
        "strategy.population": 4,
        "strategy.generations": 1,
        "strategy.parents": 2,
        "strategy.levels": 1,
        "strategy.split_epochs": 2,
        "strategy.contexts": 1,
    },
    "shift-nas": {"strategy.bins": 2, "strategy.draws": 3, "strategy.warm_up": 0.25},
    "pa-da": {"strategy.population": 4, "strategy.generations": 1, "strategy.parents": 2},
    "darts-pt": {"strategy.tune_epochs": 0},
    "spos": {"strategy.population": 4, "strategy.generations": 1, "strategy.parents": 2},
}


def searched_with(name, space, trials, store):
    settings = {"training.epochs": 2, "strategy.epochs": 2, "strategy.shrink": 8, **FEW[name]}
    data = example("node-classification")
    return gl.search(name, data, space=space, trials=trials, store=store, progress=False, **settings)


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("space", ["nas-bench-graph", "gnn-micro"])
def test_a_search_from_end_to_end(name, space, tmp_path):
    found = searched_with(name, space, 2, tmp_path)
    assert len({outcome.key for outcome in found.outcomes if outcome.state == "finished"}) == 2


@pytest.mark.parametrize("name", FEW)
def test_a_search_for_more_begins_with_the_same(name, tmp_path):
    first, more = (searched_with(name, "nas-bench-graph", trials, tmp_path / str(trials)) for trials in (1, 3))
    goes_on = searched_with(name, "nas-bench-graph", 3, tmp_path / "1")
    assert [outcome.key for outcome in more.outcomes][:1] == [outcome.key for outcome in first.outcomes]
    assert [outcome.key for outcome in goes_on.outcomes] == [outcome.key for outcome in more.outcomes]


@pytest.mark.slow
def test_a_search_goes_on_the_same_once_candidates_repeat(tmp_path):
    """In another process all candidates so far are made again, which must not count as names in vain."""
    whole = searched_with("darts-pt", "nas-bench-graph", 10, tmp_path / "whole")
    searched_with("darts-pt", "nas-bench-graph", 7, tmp_path / "stopped")
    goes_on = searched_with("darts-pt", "nas-bench-graph", 10, tmp_path / "stopped")
    assert [outcome.key for outcome in goes_on.outcomes] == [outcome.key for outcome in whole.outcomes]
    assert 0 < sum("order" in outcome.notes for outcome in whole.outcomes) < 10


@pytest.mark.parametrize("name", ["darts", "spos", "rarts", "sd-darts", "pa-da", "shift-nas", "tanglenas"])
def test_a_supernet_that_was_stopped_goes_on_to_the_same(name, tmp_path):
    def watched(folder, stop_after=None):
        made, done = objective(folder), []

        def on_work(what, epoch, count):
            if what == "supernet epoch":
                done.append(epoch)
            if done and done[-1] == stop_after:
                os.kill(os.getpid(), signal.SIGINT)

        made.on_work = on_work
        return made, done

    def candidates(made):
        found = find_strategy(name)
        settings = {**BRIEF, **{key.removeprefix("strategy."): value for key, value in FEW[name].items()}}
        config = found.Config.parse(settings, where=name)
        training = SupernetTraining(BENCH, made, SeedStream(1), 4, 8, 1)
        listed = found(config, BENCH, made, SeedStream(0)).candidates(training)
        return [(one.choices, one.notes) for one in itertools.islice(listed, 4)]

    whole, done = watched(tmp_path / "whole")
    expected = candidates(whole)
    assert done == [1, 2, 3, 4]
    stopped, done = watched(tmp_path / "stopped", stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        candidates(stopped)
    assert done == [1, 2]
    rest, done = watched(tmp_path / "stopped")
    assert candidates(rest) == expected
    assert done == [3, 4]
    nothing, done = watched(tmp_path / "stopped")
    assert candidates(nothing) == expected
    assert done == []


def test_a_supernet_is_trained_by_one_worker_at_a_time(tmp_path):
    """Another one has the lock: this one waits, then reads what the other has trained."""
    other, mine = training_of(tmp_path), training_of(tmp_path)
    epochs: list[int] = []
    folder = tmp_path / "search"
    folder.mkdir()
    with FileLock(folder / "supernet.lock"):
        waiting = threading.Thread(target=mine.run, args=(epochs.append, {}))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive() and not epochs
        last = {"learner": other.learner.state_dict(), "engine": other.engine.state_dict(), "epoch": other.epochs}
        CheckpointFolder(folder).save_checkpoint("supernet", last)
    waiting.join(30)
    assert not waiting.is_alive() and epochs == [], "nothing was left to train"
    for name, tensor in other.learner.state_dict().items():
        assert torch.equal(mine.learner.state_dict()[name], tensor), name


def test_a_damaged_supernet_is_named(tmp_path):
    strategy("darts", tmp_path).learn(training_of(tmp_path))
    file = tmp_path / "search" / "supernet.pt"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(StoreError, match=r"supernet\.pt is damaged"):
        strategy("darts", tmp_path).learn(training_of(tmp_path))


def test_what_cannot_be_searched_so(tmp_path):
    for name in FEW:
        with pytest.raises(IncompatibleError, match="gcn has no supernet"):
            gl.search(name, example("node-classification"), space="gcn", trials=2, store=tmp_path)
    with pytest.raises(ConfigError, match="a width of 20 cannot be divided by 4, then by 4"):
        asked = {"space": "nas-bench-graph", "store": tmp_path / "refused", "hidden_dim": 20}
        gl.search("pc-darts", example("node-classification"), trials=2, **asked)
    assert not (tmp_path / "refused").exists()
    with pytest.raises(DivergenceError, match="supernet"):
        data = planted(by_neighbours=False)
        data.graphs[0].x[0] = 3e38  # finite, and infinite once it is multiplied
        next(strategy("spos", tmp_path).candidates(training_of(tmp_path, data=data)))


def test_settled_mixtures_are_softmaxes_without_gradients():
    found = settled(nn.ParameterDict({"a": torch.tensor([0.0, 1.0])}))
    assert found["a"].tolist() == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    assert not found["a"].requires_grad
