"""Proxies against slow truths: loops, closed forms, differences; and what uses them in a search."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError, UnknownNameError
from graphlab.data.dataset import Split, Splits
from graphlab.experiment.plan import make_plan
from graphlab.nas.proxies import jacob_cov, naswot
from graphlab.nas.registry import PROXIES, find_proxy
from graphlab.testing.examples import example

NAMES = PROXIES.names()
NETWORKS = {
    "gcn": {"hidden_dim": 8},
    "gnn-micro": {"heads": (2, 1), "hidden_dims": (4, 4), "activation": ("relu", "tanh")},
    "nas-bench-graph": {"link": (0, 1, 1, 2), "operators": ("arma", "gat", "cheb", "sage"), "hidden_dim": 8},
}


def built(model="gcn", data=None, **settings):
    """A task and the untrained learner for it."""
    plan = make_plan(model, data or example("node-classification"), {**NETWORKS[model], **settings})
    task = plan.make_task(0)
    return plan.make_learner(task, 0), task


def closed(learner, task):
    """The loss of the training nodes, dropout off, batch norm by the batch: as a proxy sees it."""
    learner.eval()
    for module in learner.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.train()
    return task.loss(learner, task.batches(None)[0])


@pytest.mark.parametrize("model", NETWORKS)
def test_parameters_are_those_that_a_record_counts(model, tmp_path):
    learner, task = built(model)
    run = gl.run(model, example("node-classification"), store=tmp_path, **NETWORKS[model], **{"training.epochs": 1})
    assert find_proxy("parameters")(learner, task) == run.records[0].result.num_parameters


@pytest.mark.parametrize("model", NETWORKS)
def test_gradients_are_finite_differences_of_the_loss(model):
    """In float64, number by number, over every parameter whatever module owns it."""
    learner, task = built(model)
    learner.double()
    task.batches(None)[0]["x"] = task.batches(None)[0]["x"].double()
    norms, sensitivity, step = 0.0, 0.0, 1e-6
    with torch.no_grad():
        for weight in learner.parameters():
            squares = 0.0
            for at in np.ndindex(weight.shape):
                kept = float(weight[at])
                weight[at] = kept + step
                above = float(closed(learner, task))
                weight[at] = kept - step
                slope = (above - float(closed(learner, task))) / (2 * step)
                weight[at] = kept
                squares += slope**2
                sensitivity += abs(kept * slope)
            norms += squares**0.5
    assert find_proxy("grad-norm")(learner, task) == pytest.approx(norms, rel=1e-4)
    assert find_proxy("snip")(learner, task) == pytest.approx(sensitivity, rel=1e-4)


@pytest.mark.parametrize("model", NETWORKS)
def test_grad_sign_is_a_loop_over_the_losses_of_single_nodes(model):
    """The truth in float64, where what a softmax or a norm cancels is far below all that is not."""
    learner, task = built(model)
    value = find_proxy("grad-sign")(learner, task)
    graph, labels, nodes = task.batches(None)[0], task.dataset.graph["y"], task.split.train
    learner.double()
    graph["x"] = graph["x"].double()
    total = [torch.zeros_like(weight) for weight in learner.parameters()]
    for node in nodes.tolist():
        closed(learner, task)
        learner.zero_grad()
        cross_entropy(learner.model(graph)[node : node + 1], labels[node : node + 1]).backward()
        grads = [weight.grad for weight in learner.parameters()]
        least = 1e-9 * max(float(grad.abs().max()) for grad in grads if grad is not None)
        for one, grad in zip(total, grads, strict=True):
            if grad is not None:
                one += grad.sign() * (grad.abs() > least)
    assert value == pytest.approx(sum(float(one.abs().sum()) for one in total), rel=2e-3)


def test_grad_sign_takes_nodes_that_are_spread_over_the_split():
    data = example("node-classification")
    few, every = Split(torch.arange(0, 22, 2), [22], [23]), torch.arange(22)
    thinned = replace(data, splits=Splits("few", fixed=(few,)))
    whole = replace(data, splits=Splits("all", fixed=(Split(every, [22], [23]),)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphlab.nas.proxies.grad_sign.MOST_NODES", 11)
        assert find_proxy("grad-sign")(*built(data=whole)) == find_proxy("grad-sign")(*built(data=thinned))


class Chain(nn.Module):
    """Linear maps and messages, W_2 A W_1 x + b and, where it has one, a batch norm between."""

    def __init__(self, norm=False):
        super().__init__()
        self.first, self.second = nn.Linear(5, 4, bias=False), nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(4) if norm else nn.Identity()

    def forward(self, batch):
        h = self.norm(self.first(batch.x))
        row, column = batch.edge_index
        return self.second(torch.zeros_like(h).index_add(0, column, h[row]))


@pytest.mark.parametrize("norm", [False, True])
def test_synflow_of_a_chain_is_its_closed_form(norm):
    """R = sum over edges of 1|W_2||W_1|1 + n sum |b|, and w dR/dw of a map's weights sum to R's part with the map."""
    learner, task = built()
    learner.model = Chain(norm)
    learner.model.norm.requires_grad_(False)
    graph = task.batches(None)[0]
    first, second = (m.weight.detach().double().abs() for m in (learner.model.first, learner.model.second))
    through = graph.num_edges * float((second @ first).sum())
    of_bias = graph.num_nodes * float(learner.model.second.bias.detach().double().abs().sum())
    assert find_proxy("synflow")(learner, task) == pytest.approx(2 * through + of_bias, rel=1e-12)


def test_synflow_is_in_float64_where_float32_would_overflow():
    learner, task = built()
    with torch.no_grad():
        for weight in learner.parameters():
            weight.fill_(-1e25)
    small, large = find_proxy("synflow")(*built()), find_proxy("synflow")(learner, task)
    assert np.isfinite(large)
    assert large > 1e45 > small > 0


@pytest.mark.parametrize("model", NETWORKS)
def test_jacob_cov_is_that_of_the_jacobian(model):
    learner, task = built(model)
    graph, nodes = task.batches(None)[0], task.split.train
    value = find_proxy("jacob-cov")(learner, task)
    closed(learner, task)

    def outputs(x):
        return learner.model(Data.from_dict({**graph.to_dict(), "x": x})).sum(dim=0)

    jacobian = torch.autograd.functional.jacobian(outputs, graph.x).sum(dim=0)[nodes].double().numpy()
    v = np.linalg.eigvalsh(np.corrcoef(jacobian)).clip(min=0)
    k = 1e-5
    # Where an eigenvalue is near 0, 1 / (v + k) magnifies the rounding of the float32 gradients.
    assert value == pytest.approx(-float(np.sum(np.log(v + k) + 1 / (v + k))), rel=1e-2)


def test_evenness_falls_as_rows_become_alike():
    rows = torch.eye(4, dtype=torch.float64) * 3 - 1
    apart = jacob_cov.evenness(jacob_cov.correlations(rows))
    alike = jacob_cov.evenness(jacob_cov.correlations(rows[[0, 0, 1, 2]]))
    assert apart > alike
    assert torch.equal(jacob_cov.correlations(torch.ones(2, 3)), torch.zeros(2, 2))


class Activations(nn.Module):
    """ReLU, in place and as a module, tanh, and one over edges that does not count."""

    def __init__(self):
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(5, 40) for _ in range(3))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, batch):
        torch.zeros(batch.num_edges, 2).relu()
        a, b, c = (one(batch.x) for one in self.maps)
        return (self.relu(a) + b.tanh() + c.unflatten(1, (2, 20)).relu().flatten(1))[:, :3]


def test_naswot_is_the_determinant_of_agreements_counted_one_by_one():
    learner, task = built()
    learner.model = Activations()
    x, nodes = task.batches(None)[0].x, task.split.train.tolist()
    with torch.no_grad():
        codes = torch.cat([one(x) > 0 for one in learner.model.maps], dim=1).tolist()
    kernel = [[sum(p == q for p, q in zip(codes[i], codes[j], strict=True)) for j in nodes] for i in nodes]
    sign, expected = np.linalg.slogdet(np.array(kernel, float))
    assert sign == 1
    assert find_proxy("naswot")(learner, task) == pytest.approx(expected, rel=1e-9)


def test_equal_codes_make_the_determinant_low_and_finite():
    told_apart = torch.tensor([[4.0, 1.0], [1.0, 4.0]], dtype=torch.float64)
    alike = torch.full((2, 2), 4.0, dtype=torch.float64)
    assert naswot.log_determinant(told_apart) == pytest.approx(np.log(15))
    assert -50 < naswot.log_determinant(alike) < 0
    assert np.isfinite(naswot.log_determinant(torch.zeros(3, 3, dtype=torch.float64)))


def relabelled(data, order):
    """The same graph and split, node order[i] called i."""
    place = order.argsort()
    graph = data.graph.clone()
    graph.x, graph.y, graph.edge_index = graph.x[order], graph.y[order], place[graph.edge_index]
    split = data.split()
    fixed = Split(*(place[part] for part in (split.train, split.validation, split.test)))
    return replace(data, graphs=(graph,), splits=Splits(data.splits.name, fixed=(fixed,)))


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_nodes_do_not_matter(name, model):
    data = example("node-classification")
    order = torch.randperm(data.graph.num_nodes, generator=torch.Generator().manual_seed(3))
    values = [find_proxy(name)(*built(model, one)) for one in (data, relabelled(data, order))]
    assert values[1] == pytest.approx(values[0], rel=1e-2 if name in ("jacob-cov", "grad-sign") else 1e-4)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_changed_and_the_value_is_the_same_again(name, model):
    learner, task = built(model, dropout=0.5)
    modes = [module.training for module in learner.modules()]
    before = {key: value.clone() for key, value in learner.state_dict().items()}
    graph = task.batches(None)[0].clone()
    state = torch.get_rng_state()
    first = find_proxy(name)(learner, task)
    assert np.isfinite(first)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in learner.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in learner.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in learner.parameters())
    assert not any(module._forward_hooks for module in learner.modules())
    assert all(torch.equal(value, graph[key]) for key, value in task.batches(None)[0] if torch.is_tensor(value))
    torch.manual_seed(99)
    assert find_proxy(name)(learner.eval(), task) == pytest.approx(first, rel=1e-6)
    assert not any(module.training for module in learner.modules())


def test_each_proxy_is_cited_and_named():
    assert {"grad-norm", "grad-sign", "jacob-cov", "naswot", "parameters", "snip", "synflow"} <= set(NAMES)
    for name in NAMES:
        assert find_proxy(name).name == name
        assert find_proxy(name).citation.year >= 2018
    with pytest.raises(UnknownNameError, match="synflaw"):
        find_proxy("synflaw")


@pytest.mark.parametrize("name", ["grad-norm", "snip", "parameters"])
def test_what_asks_for_the_loss_alone_takes_every_task(name):
    plan = make_plan("gin", example("graph-classification"), {"hidden_dim": 8})
    task = plan.make_task(0)
    assert find_proxy(name)(plan.make_learner(task, 0), task) > 0


def test_what_looks_at_nodes_refuses_graphs():
    plan = make_plan("gin", example("graph-classification"), {"hidden_dim": 8})
    task = plan.make_task(0)
    with pytest.raises(IncompatibleError, match="naswot does not read graph-prediction"):
        find_proxy("naswot")(plan.make_learner(task, 0), task)


def search(tmp_path, strategy, **options):
    options = {"space": "gcn", "trials": 6, "training.epochs": 3, "store": tmp_path, **options}
    return gl.search(strategy, example("node-classification"), **options)


def test_a_proxy_is_an_objective_beside_the_validation(tmp_path):
    found = search(tmp_path, "random", objectives=("validation", "synflow"))
    for outcome in found.outcomes:
        model, settings = found.plan.space.settings(outcome.values)
        plan = make_plan(model, found.plan.objective.dataset, settings)
        task = plan.make_task(0)
        assert outcome.metrics["synflow"] == pytest.approx(find_proxy("synflow")(plan.make_learner(task, 0), task))
    best = found.df["synflow"].max()
    assert best in set(found.pareto()["synflow"])


def test_an_objective_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(IncompatibleError, match="synflow does not read graph-prediction"):
        gl.search("random", example("graph-classification"), store=tmp_path / "a", objectives=("validation", "synflow"))
    with pytest.raises(IncompatibleError, match="naswot does not read graph-prediction"):
        gl.search("screened", example("graph-classification"), store=tmp_path / "a", **{"strategy.proxy": "naswot"})
    with pytest.raises(ConfigError, match="tpe makes one proposal"):
        search(tmp_path / "a", "screened", **{"strategy.base": "tpe"})
    with pytest.raises(ConfigError, match="populaton"):
        search(tmp_path / "a", "screened", **{"strategy.settings": {"populaton": 3}})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("base", ["random", "evolution", "local-search", "graphnas", "agnn"])
def test_a_screen_proposes_the_best_of_what_its_base_drew(tmp_path, base):
    space = "gnn-micro" if base in ("graphnas", "agnn") else "gcn"
    settings = {"strategy.base": base, "strategy.proxy": "parameters", "strategy.draws": 6}
    screened = search(tmp_path, "screened", space=space, trials=4, start=False, **settings)
    assert [outcome.notes["parameters"] for outcome in screened.outcomes] == [
        outcome.metrics["parameters"] for outcome in screened.outcomes
    ]
    strategy, stream = screened.plan.strategy, np.random.default_rng(5)
    drawn = [strategy.base.ask(stream).choices for _ in range(6)]
    chosen = strategy.ask(np.random.default_rng(5)).choices
    sizes = {strategy.space.key(one): strategy.objective.guess(strategy.proxy, one) for one in drawn}
    assert sizes[strategy.space.key(chosen)] == max(sizes.values())


def test_a_screened_search_goes_on_as_if_it_had_not_stopped(tmp_path):
    settings = {"strategy.draws": 3, "strategy.settings": {"population": 2}}
    search(tmp_path / "a", "screened", trials=3, **settings)
    stopped = search(tmp_path / "a", "screened", trials=6, **settings)
    whole = search(tmp_path / "b", "screened", trials=6, **settings)
    assert [outcome.key for outcome in stopped.outcomes] == [outcome.key for outcome in whole.outcomes]


@pytest.mark.real_data
def test_a_table_s_networks_are_built_for_the_screen(tmp_path):
    settings = {"strategy.base": "random", "strategy.proxy": "parameters", "strategy.draws": 3}
    screened = gl.search("screened", "nas-bench-graph/cora", trials=2, store=tmp_path, start=False, **settings)
    objective = screened.plan.objective
    for outcome in screened.outcomes:
        counted = objective.plan(outcome.values)
        learner = counted.make_learner(counted.make_task(0), 0)
        assert outcome.notes["parameters"] <= learner.model.counted_parameters()
        assert abs(learner.model.counted_parameters() - outcome.metrics["parameters"]) <= 1
    assert json.loads(json.dumps(screened.to_json()))["trials"] == 2


def test_the_list_of_proxies(cli):
    frame = gl.proxies()
    assert list(frame.name) == PROXIES.names()
    assert frame.about.str.endswith(".").all() and (frame.citation != "").all()
    assert set(frame.tasks) == {"all", "node-classification"}
    assert set(frame[frame.tasks == "all"].name) == {"grad-norm", "parameters", "snip"}
    found = cli("proxies", "--json")
    assert [row["name"] for row in found.json] == PROXIES.names()


@pytest.mark.parametrize("name", ["grad-sign", "grad-norm", "snip"])
def test_a_sample_of_all_neighbours_has_the_value_of_the_whole_graph(name):
    """Of a sampled batch the seeds are the nodes that are looked at."""
    pairs = built("gnn-micro"), built("gnn-micro", **{"task.batch_size": 100, "task.fan_outs": (-1, -1)})
    whole, sampled = (find_proxy(name)(learner, task) for learner, task in pairs)
    assert sampled == pytest.approx(whole, rel=1e-5)
