"""Shared weights: exactly the tensors that the rules allow pass, and a search with them goes on as if never stopped."""

from __future__ import annotations

import itertools

import pytest
import torch

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.core.space import Space
from graphlab.nas.objectives.inner import searched
from graphlab.nas.objectives.sharing import SharingObjective, WeightStore, inherit, roles
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.registry import find_space
from graphlab.records.store import Store
from graphlab.testing.examples import example

SHORT = {"training.epochs": 6}


def silent(step, value):
    pass


def architecture(first, second=("gat", "sum", "elu", 1, "concat")):
    """attention, aggregation, activation, heads, width and combine of the first layer; the second has no width."""
    names = ("attention", "aggregation", "activation", "heads", "hidden_dims", "combine")
    values = {f"{name}_1": value for name, value in zip(names, first, strict=True)}
    without = [name for name in names if name != "hidden_dims"]
    return values | {f"{name}_2": value for name, value in zip(without, second, strict=True)}


PARENT = architecture(("gat", "sum", "elu", 2, 8, "concat"))
FAMILY = {
    "parent": PARENT,
    "other attention": PARENT | {"attention_1": "cos"},
    "other attention in both": PARENT | {"attention_1": "cos", "attention_2": "linear"},
    "other activation": PARENT | {"activation_2": "tanh"},
    "as wide by other heads": PARENT | {"heads_1": 1, "hidden_dims_1": 16},
    "wider": PARENT | {"hidden_dims_1": 16},
    "with an mlp": PARENT | {"aggregation_1": "mlp", "combine_2": "mlp"},
    "with skips": PARENT | {"combine_1": "add", "combine_2": "add"},
    "averaged": PARENT | {"combine_1": "average"},
    "without parameters of attention": PARENT | {"attention_1": "gcn", "attention_2": "const"},
    "nothing alike": architecture(("linear", "mean", "relu", 4, 4, "add"), ("cos", "max", "tanh", 2, "mlp")),
}


def learner_of(values, seed=0, space=None):
    model, settings = (space or find_space("gnn-micro")).settings(values)
    plan = make_plan(model, example("node-classification"), settings)
    return plan.make_learner(plan.make_task(seed), seed)


def scrambled(learner, seed):
    """Every parameter another one than any other learner's."""
    random = torch.Generator().manual_seed(seed)
    for parameter in learner.parameters():
        parameter.data = torch.rand(parameter.shape, generator=random)
    return learner


def leave(weights, learner, tags, key="ancestor", score=0.5, seed=0):
    weights.put(key, Evaluation({"validation": score}), score, roles(learner, tags, seed))


def may_pass(name, ancestor, offspring, parents, own):
    """The rules, written down once more."""
    _, _, layer, part, *_ = name.split(".")
    k = int(layer) + 1
    alike = all(ancestor[f"{what}_{k}"] == offspring[f"{what}_{k}"] for what in ("attention", "activation"))
    return alike and part != "own" and name in parents and parents[name].shape == own[name].shape


@pytest.mark.parametrize(("ancestor", "offspring"), list(itertools.product(FAMILY, FAMILY)))
def test_exactly_the_tensors_that_the_rules_allow_are_copied(ancestor, offspring, tmp_path):
    space, weights = find_space("gnn-micro"), WeightStore(tmp_path)
    parent = scrambled(learner_of(FAMILY[ancestor]), 1)
    leave(weights, parent, space.sharing(FAMILY[ancestor]))
    child = scrambled(learner_of(FAMILY[offspring]), 2)
    before = {name: parameter.detach().clone() for name, parameter in child.named_parameters()}
    count = inherit(child, space.sharing(FAMILY[offspring]), 0, weights)
    parents, passed = dict(parent.named_parameters()), 0
    for name, parameter in child.named_parameters():
        allowed = may_pass(name, FAMILY[ancestor], FAMILY[offspring], parents, before)
        assert torch.equal(parameter, parents[name] if allowed else before[name]), name
        passed += parameter.numel() * allowed
    assert count == passed


def test_the_same_architecture_has_all_of_its_parent_s_weights(tmp_path):
    space, weights = find_space("gnn-micro"), WeightStore(tmp_path)
    for values in (PARENT, FAMILY["with an mlp"], FAMILY["without parameters of attention"]):
        parent, child = scrambled(learner_of(values), 1), learner_of(values)
        leave(weights, parent, space.sharing(values))
        assert inherit(child, space.sharing(values), 0, weights) == sum(p.numel() for p in child.parameters())
        assert all(torch.equal(a, b) for a, b in zip(parent.parameters(), child.parameters(), strict=True))


class Everything(Space):
    """Declares all that the model `gin` has to be shared, its batch normalisation too."""

    name = "everything"
    decisions = find_space("gin").decisions

    def settings(self, values):
        return "gin", dict(values)

    def sharing(self, values):
        return {name.removeprefix("model."): "any" for name, _ in learner_of(values, space=self).named_parameters()}


def test_batch_normalisation_is_never_shared(tmp_path):
    space = Everything()
    values = space.sample(SeedStream(0).numpy())
    parent, child = scrambled(learner_of(values, space=space), 1), scrambled(learner_of(values, space=space), 2)
    state = {name: tensor.clone() for name, tensor in child.state_dict().items()}
    weights, tags = WeightStore(tmp_path), space.sharing(values)
    leave(weights, parent, tags)
    inherit(child, tags, 0, weights)
    norms = [name for name, module in child.named_modules() if isinstance(module, torch.nn.BatchNorm1d)]
    assert norms
    changed = {name for name, tensor in child.state_dict().items() if not torch.equal(tensor, state[name])}
    others = {name for name, _ in child.model.named_parameters(prefix="model") if name.rpartition(".")[0] not in norms}
    assert changed == others


def test_weights_of_one_seed_do_not_pass_to_another(tmp_path):
    space, weights = find_space("gnn-micro"), WeightStore(tmp_path)
    leave(weights, learner_of(PARENT), space.sharing(PARENT), seed=0)
    assert inherit(learner_of(PARENT), space.sharing(PARENT), 1, weights) == 0


def objective(path, warm_up, settings=SHORT, **options):
    data = searched(example("node-classification"), "train", 0)
    kind = SharingObjective if warm_up else TrainingObjective
    more = {"warm_up": warm_up} if warm_up else {}
    return kind(data, find_space("gnn-micro"), Store(path), settings=settings, **more, **options)


@pytest.mark.parametrize("warm_up", [2, 6])
def test_what_inherits_nothing_is_trained_as_without_sharing(warm_up, tmp_path):
    steps, plain_steps = [], []
    shared = objective(tmp_path / "shared", warm_up, seeds=(0, 1))
    found = shared.evaluate(PARENT, lambda *step: steps.append(step))
    plain = objective(tmp_path / "plain", None, seeds=(0, 1)).evaluate(PARENT, lambda *step: plain_steps.append(step))
    assert found.metrics == {**plain.metrics, "inherited": 0.0}
    assert plain.metrics["epochs"] == 12.0
    assert steps == plain_steps
    assert found.runs == ()
    assert len(gl.runs(tmp_path / "shared", trials=True)) == 0


def test_what_inherits_is_warmed_up_from_the_weights_that_its_ancestor_selected(tmp_path):
    """At a rate of nearly nothing it stays there, and is scored as a network that is given those weights by hand."""
    learning, still = {"training.epochs": 12, "training.lr": 0.05}, {"training.epochs": 12, "training.lr": 1e-12}
    objective(tmp_path, 2, learning).evaluate(PARENT, silent)
    child = PARENT | {"aggregation_1": "mean"}
    shared = objective(tmp_path, 2, still)
    found = shared.evaluate(child, silent)
    assert found.metrics["inherited"] == 1.0
    assert found.metrics["epochs"] == 2.0
    plain = objective(tmp_path / "runs", None, learning)
    plain.evaluate(PARENT, silent)
    plan = shared.plan(child)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    untrained = [parameter.clone() for parameter in learner.parameters()]
    folder = plain.store.folder(plain.plan(PARENT).spec(0))
    assert folder.restore_checkpoint("best", "cpu", lambda saved: learner.load_state_dict(saved["model"]))
    assert not any(torch.equal(a, b) for a, b in zip(untrained, learner.parameters(), strict=True))
    learner.eval()
    with torch.no_grad():
        scores = task.score(task.predict(learner, "validation"), "validation")
    assert found.metrics["validation"] == scores[task.metric]
    heir = plan.make_learner(task, 0)
    inherit(heir, shared.space.sharing(child), 0, shared.weights)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(heir.parameters(), learner.parameters(), strict=True))


def search(path, trials=14, **options):
    data = example("node-classification")
    options = {"strategy": "agnn", "sharing": 2, **SHORT, "strategy.startup": 6, **options}
    strategy = options.pop("strategy")
    return gl.search(strategy, data, space="gnn-micro", trials=trials, store=path, device="cpu", **options)


def told(found):
    return [(outcome.key, outcome.metrics) for outcome in found.outcomes]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that nobody stopped."""
    return search(tmp_path_factory.mktemp("whole"))


def test_a_search_with_sharing_inherits_and_repeats_itself(whole, tmp_path):
    without = search(tmp_path, trials=1, sharing=None)
    frame = whole.df
    assert told(search(tmp_path)) == told(whole)
    assert (frame.inherited > 0).any()
    assert set(frame.epochs) == {2.0, 6.0}
    assert (frame.epochs == 6).equals(frame.inherited == 0)
    assert "inherited" not in without.df
    assert whole.study.study_name != without.study.study_name
    runs = whole.retrain(2)[whole.best.key]
    official = gl.run("gnn-micro", example("node-classification"), seeds=2, store=tmp_path / "o", **SHORT,
                      **whole.plan.space.settings(whole.best.values)[1])  # fmt: skip
    assert [record.id for record in runs.records] == [record.id for record in official.records]


class Stopped(WeightStore):
    """A search that is cut off at its eighth evaluation, before it leaves its weights or right after."""

    at, before = 8, True

    def put(self, key, evaluation, score, weights):
        type(self).at -= 1
        if self.at == 0 and self.before:
            raise KeyboardInterrupt
        super().put(key, evaluation, score, weights)
        if self.at == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("before", [True, False])
def test_a_search_that_was_stopped_ends_with_the_same_trials(before, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Stopped, "at", 8)
        patched.setattr(Stopped, "before", before)
        patched.setattr("graphlab.nas.objectives.sharing.WeightStore", Stopped)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "stopped")
    assert len(search(tmp_path / "stopped", trials=1).study.trials) == 8
    assert told(search(tmp_path / "stopped")) == told(whole)


@pytest.mark.slow
def test_workers_share_what_they_leave(tmp_path, together):
    """This process begins when the other one has left weights. Its first architecture is a neighbour of the other's
    best, one decision away, of which two layers never lose all: what it inherits can only be the other's."""
    together.before_it_asks()
    settings = {"training.epochs": 40, "strategy.startup": 1}
    found = gl.search(
        "local-search", "karate", trials=24, on="validation", sharing=20, workers=2, store=tmp_path, device="cpu",
        start=False,
        **settings,
    )  # fmt: skip
    assert len({outcome.key for outcome in found.outcomes}) == len(found.outcomes) == 24
    mine = [outcome for outcome in found.outcomes if together.is_mine(outcome, found.study)]
    assert 0 < len(mine) < 24
    assert min(mine, key=lambda one: one.number).metrics["inherited"] > 0


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"sharing": 0}, InputError, "sharing cannot be 0"),
        ({"sharing": "5"}, InputError, "sharing cannot be '5'"),
        ({"sharing": 7}, ConfigError, "longer than a whole training, of 6"),
        ({"space": "gcn"}, IncompatibleError, "gcn does not say which weights"),
        ({"prune": True}, ConfigError, "shared weights is not pruned"),
        ({"training.start": "0" * 16}, ConfigError, "so does sharing"),
    ],
)
def test_what_cannot_share_is_refused_before_anything_is_written(options, error, said, tmp_path):
    options = {"space": "gnn-micro", "sharing": 2, **SHORT, **options}
    with pytest.raises(error, match=said):
        gl.search("random", example("node-classification"), trials=3, store=tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


@pytest.mark.real_data
def test_a_table_has_no_weights_to_share(tmp_path):
    with pytest.raises(ConfigError, match="no weights to share"):
        gl.search("random", "nas-bench-graph/cora", trials=3, sharing=2, store=tmp_path / "store")


def test_the_command(cli, tmp_path):
    words = ["search", "random", "karate", "--trials", 4, "--on", "validation", "--store", tmp_path, "--device", "cpu"]
    found = cli(*words, "--sharing", 2, "--set", "training.epochs=4", "--json")
    assert found.code == 0
    assert "inherited" in found.json["best"]
    refused = cli(*words, "--sharing", 9, "--set", "training.epochs=4")
    assert refused.code == 2
    assert "longer than a whole training" in refused.err
