"""Telling two graphs apart: the statistics against other formulas, the rules on noise, and what models then do."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import global_add_pool
from torch_geometric.utils import to_networkx

import graphlab as gl
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import make_plan
from graphlab.model.base import Model
from graphlab.task.base import Learner
from graphlab.task.kinds.pair_discrimination import (
    OFFICIAL_THRESHOLD,
    RIDGE,
    Config,
    PairDiscrimination,
    calibrated_threshold,
    hotelling,
    official_statistic,
)
from graphlab.testing.examples import example

Q, D = 32, 16


def noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def textbook(rows: np.ndarray, ridge: float = 0.0) -> float:
    """n (mean - 0)^T S^-1 (mean - 0), sums written out."""
    n, d = rows.shape
    mean = sum(rows) / n
    scatter = sum(np.outer(row - mean, row - mean) for row in rows)
    return float(n * mean @ np.linalg.inv(scatter / (n - 1) + ridge * np.eye(d)) @ mean)


@given(st.integers(0, 999), st.integers(1, 6), st.integers(1, 20), st.floats(-1, 1))
def test_hotelling_is_the_textbooks(seed, columns, more_rows, shift):
    rows = noise(seed, (columns + 1 + more_rows, columns)) + shift
    assert hotelling(rows) == pytest.approx(textbook(rows.numpy(), RIDGE), rel=1e-6, abs=1e-9)
    assert hotelling(rows, ridge=0.5) == pytest.approx(textbook(rows.numpy(), 0.5), rel=1e-6, abs=1e-9)


def test_of_one_column_it_is_the_square_of_students_t():
    rows = noise(1, (12, 1)) + 0.3
    t = rows.mean() / (rows.std() / math.sqrt(12))
    assert hotelling(rows, ridge=0.0) == pytest.approx(t.item() ** 2)


def test_the_official_statistic_lacks_the_factor_q():
    rows = noise(2, (Q, D)) + 0.1
    assert official_statistic(rows) == pytest.approx(textbook(rows.numpy()) / Q, rel=1e-3)


def test_the_threshold_is_the_quantile_of_f():
    """The distribution of F by its density, integrated."""
    cut = calibrated_threshold(Q, D)
    assert cut == pytest.approx(OFFICIAL_THRESHOLD, abs=5e-3)
    a, b = D / 2, (Q - D) / 2

    def density(x: float) -> float:
        return (D / (Q - D)) ** a * x ** (a - 1) * (1 + D / (Q - D) * x) ** -(a + b) / special.beta(a, b)

    below, _ = integrate.quad(density, 0, cut * (Q - D) / ((Q - 1) * D))
    assert below == pytest.approx(0.95, abs=1e-6)


def test_false_positives_on_noise_are_one_in_twenty():
    statistics = np.array([hotelling(noise(seed, (Q, D))) for seed in range(2000)])
    share = (statistics > calibrated_threshold(Q, D)).mean()
    assert 0.035 < share < 0.065
    official = [official_statistic(noise(seed, (Q, D))) for seed in range(200)]
    assert max(official) < OFFICIAL_THRESHOLD / 4


class Given(PairDiscrimination):
    """The task without its data: only what it says of rows."""

    def __init__(self) -> None:
        self.config = Config()


def rows_of(first: Tensor, second: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Outputs as `predict` gives them."""
    return torch.cat([torch.stack(pair, dim=1).flatten(0, 1) for pair in ((first, second), (one, other))])


def scores(
    first: Tensor, second: Tensor, one: Tensor, other: Tensor, precise: Tensor | None = None
) -> dict[str, float]:
    """Of outputs in float32; those in float64 are the same unless given."""
    rows = rows_of(first, second, one, other).double()
    return Given().score(torch.cat([rows, rows if precise is None else precise]), "test")


def test_what_differs_by_far_more_than_numbering_does_is_told_apart_by_both_rules():
    a, b, c, d = (noise(seed, (Q, D)) for seed in range(4))
    found = scores(a + 20, b, c, d)
    assert found["official"] == found["calibrated"] == 1
    assert found["official_reliable"] == found["calibrated_reliable"] == 1
    assert found["degenerate"] == 0


def test_between_its_own_cut_and_the_official_one_only_the_calibrated_rule_tells():
    a, b, c, d = (noise(seed, (Q, D)) for seed in range(4))
    found = scores(a + 1.5, b, c, d)
    assert (found["official"], found["calibrated"]) == (0, 1)
    assert calibrated_threshold(Q, D) < found["statistic"] < Q * OFFICIAL_THRESHOLD


def test_nothing_counts_of_a_model_whose_outputs_for_one_graph_differ_as_much():
    a, b, c, d = (noise(seed, (Q, D)) for seed in range(4))
    found = scores(a + 20, b, c + 20, d)
    assert found["official"] == found["calibrated"] == 0
    assert found["official_reliable"] == found["calibrated_reliable"] == 0


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
def test_rounding_is_told_apart_by_no_calibrated_rule(scale):
    """Outputs that are one row up to a hundred units of the last place, which lean to one side: by the official rule,
    which has them in float32, even a pair is told apart."""
    row = noise(9, (1, D)).float() * scale

    def nearly(unit: float) -> list[Tensor]:
        a, b, c, d = (row * (1 + unit * noise(seed, (Q, D))) for seed in range(4))
        return [a * (1 + 200 * unit), b, c, d]

    found = scores(*nearly(1e-6), precise=rows_of(*nearly(1e-14)))
    assert (found["official"], found["calibrated"]) == (1, 0)
    assert found["calibrated_reliable"] == found["degenerate"] == 1


def test_an_exactly_invariant_model_is_degenerate_and_only_the_calibrated_rule_sees_that_it_tells_apart():
    """Multiples of 1/8, whose means are exact: the covariance is zero, and so is its pseudo-inverse."""
    row, other = ((8 * noise(seed, (1, D))).round().expand(Q, D) / 8 for seed in (5, 6))
    found = scores(row, other, other, other)
    assert (found["degenerate"], found["calibrated"], found["official"]) == (1, 1, 0)
    same = scores(row, row, row, row)
    assert (same["degenerate"], same["calibrated"], same["official"]) == (1, 0, 0)


def test_rows_that_are_not_finite_have_no_statistic():
    a, b, c, d = (noise(seed, (Q, D)) for seed in range(4))
    a[0, 0] = math.inf
    assert math.isnan(scores(a, b, c, d)["statistic"])
    assert math.isnan(official_statistic(a)) and math.isnan(hotelling(a))


class Degrees(Model):
    """How often each node is a source, and one."""

    out_dim = 2

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def forward(self, batch: Data) -> Tensor:
        sources = batch["edge_index"][0].bincount(minlength=int(batch.num_nodes or 0))
        return torch.stack([sources.float(), torch.ones(len(sources))], dim=1)


class Sums(nn.Module):
    def forward(self, rows: Tensor, batch: Data) -> Tensor:
        return global_add_pool(rows, batch["batch"], batch.num_graphs)


def task_of(dataset: gl.Dataset, **settings: int) -> PairDiscrimination:
    return PairDiscrimination(Config.parse(settings, where="task"), dataset, dataset.split())


def test_copies_are_the_graphs_under_other_numbers():
    data = example("pairs")
    task = task_of(data, pair=1)
    assert task.ends == [0, 2]
    for end, copies in zip(task.ends, task.copies, strict=True):
        graph = data.graphs[end]
        feature = {value: i for i, value in enumerate(graph["x"][:, 0].tolist())}
        edges = set(zip(*graph["edge_index"].tolist(), strict=True))
        assert len(copies) == Q and len({str(copy["x"]) for copy in copies}) > Q / 2
        for copy in copies:
            old = [feature[value] for value in copy["x"][:, 0].tolist()]
            assert {(old[u], old[v]) for u, v in zip(*copy["edge_index"].tolist(), strict=True)} == edges
    second = to_networkx(data.graphs[2])
    halves = task.reliability
    assert [len(half) for half in halves] == [Q, Q]
    assert all(sorted(d for _, d in to_networkx(g).degree) == sorted(d for _, d in second.degree) for g in halves[0])


def test_batches_and_predictions_hold_both_graphs_in_turn():
    data = example("pairs")
    task = task_of(data, pair=0, output_dim=2)
    batches = task.batches(SeedStream(0))
    assert len(batches) == 2 * Q // 16
    sizes = [int(g.num_nodes or 0) for g in data.graphs[:2]]
    for step in range(len(batches)):
        assert batches[step]["ptr"].diff().tolist() == sizes * 8
    first, second = ([graph.num_edges, graph.num_nodes] for graph in data.graphs[:2])
    learner = Learner(Degrees(), Sums())
    assert task.predict(learner, "validation").tolist() == [first, second] * Q
    assert task.predict(learner, "test").tolist() == ([first, second] * Q + [second] * 2 * Q) * 2


class Tenths(Degrees):
    """A tenth for each node, which float32 and float64 round differently."""

    out_dim = 1

    def __init__(self) -> None:
        super().__init__()
        self.tenth = nn.Parameter(torch.tensor(0.1))

    def forward(self, batch: Data) -> Tensor:
        return self.tenth * self.tenth * batch["x"][:, :1].fill_(1)


def test_the_trained_weights_are_evaluated_in_float64_as_well():
    task = task_of(example("pairs"), pair=0, output_dim=2)
    learner = Learner(Tenths(), Sums())
    with torch.no_grad():
        single, double = task.predict(learner, "test").split(4 * Q)
    nodes = torch.tensor([graph.num_nodes for graph in task.dataset.graphs[:2]], dtype=torch.float64)
    exact = learner.model.tenth.double().item() ** 2 * nodes  # pyright: ignore[reportCallIssue]
    assert (double[:2, 0] - exact).abs().max() < 1e-15
    assert 1e-10 < (single[:2, 0] - exact).abs().max() < 1e-6
    assert learner.model.tenth.dtype == torch.float32


def test_pairs_are_those_listed_or_any_two():
    ids = torch.tensor([3, 5, 8])
    assert PairDiscrimination.pairs(ids).tolist() == [[3, 5], [3, 8], [5, 8]]
    assert PairDiscrimination.pairs(torch.tensor([[1, 2]])).tolist() == [[1, 2]]


def test_requests_that_cannot_be_met():
    with pytest.raises(InputError, match="no pair 6"):
        task_of(example("pairs"), pair=6)
    with pytest.raises(InputError, match="too few"):
        task_of(example("pairs"), num_relabelings=16)
    with pytest.raises(IncompatibleError):
        task_of(example("graph-regression"))
    with pytest.raises(IncompatibleError):
        make_plan("gcn", replace(example("pairs"), task="kg-completion"))


@cache
def hard_pairs() -> gl.Dataset:
    return gl.load("hard-pairs")


def first_of(category: str) -> int:
    return hard_pairs().labels["categories"].index(category)


def train(model: str, pair: int, store, **settings):
    (record,) = gl.run(model, hard_pairs(), store=store, progress=False, **{"task.pair": pair, **settings}).records
    assert record.result.status == "finished"
    return record


@pytest.mark.parametrize("category", ["Cycles", "Regular", "SkipLinks", "Distance"])
def test_gin_is_told_nothing_of_pairs_alike_under_1_wl(category, tmp_path):
    record = train("gin", first_of(category), tmp_path, dropout=0.0, hidden_dim=16)
    test = record.result.test
    assert (test["official"], test["calibrated"]) == (0, 0)
    assert test["calibrated_reliable"] == test["degenerate"] == 1
    assert record.result.epochs == 20
    assert test["loss"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("category", ["Cycles", "Regular", "Distance"])
def test_sswl_tells_pairs_apart_that_its_class_can(category, tmp_path):
    record = train("subgraph/sswl", first_of(category), tmp_path, hidden_dim=16, num_layers=3)
    assert record.result.test["calibrated"] == record.result.test["calibrated_reliable"] == 1


def test_training_ends_when_it_is_enough(tmp_path):
    pair = first_of("Cycles")
    settings = {"hidden_dim": 16, "num_layers": 3, "training.lr": 0.01}
    losses = {}
    for stop in (0.0, 0.2):
        record = train("subgraph/sswl", pair, tmp_path, **settings, **{"task.stop_loss": stop})
        losses[stop] = [row["loss"] for row in record.curve]
    assert len(losses[0.0]) == 20 and min(losses[0.0]) < 0.2
    enough = next(k for k, loss in enumerate(losses[0.0]) if loss < 0.2)
    assert losses[0.2] == losses[0.0][: enough + 1]
