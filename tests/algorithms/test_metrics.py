"""Scores are those of the benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from graphlab.algorithms.algorithm import Probe
from graphlab.algorithms.archive import to_published
from graphlab.algorithms.metrics import cyclic, hint_scores, score, score_probe, scores, uncyclic
from graphlab.algorithms.registry import ALGORITHMS, algorithm
from graphlab.algorithms.trajectory import sample
from graphlab.core.errors import InputError

MASK = Probe("m", "node", "mask")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_truth_scores_one(name):
    drawn = sample(name, 5, 8, np.random.default_rng(0), hints=False)
    truth = {key: to_published(drawn.algorithm.probe(key), values) for key, values in drawn.outputs.items()}
    assert score(drawn.algorithm, truth, drawn.outputs) == 1


def test_masks_are_scored_by_f1_over_all_entries():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 2, (5, 9)), rng.random((5, 9))
    expected = f1_score(truth.ravel(), predicted.ravel() > 0.5)
    assert score_probe(MASK, predicted, truth) == pytest.approx(expected)
    masked = np.where(rng.random((5, 9)) < 0.5, -1, truth)
    kept = masked >= 0
    assert score_probe(MASK, predicted, masked) == pytest.approx(f1_score(masked[kept], predicted[kept] > 0.5))


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        ([0.0, 0.0], [0, 0], 1.0),
        ([1.0, 0.0], [0, 0], 0.0),
        ([0.0, 0.0], [1, 0], 0.0),
        ([0.5, 1.0], [1, 1], 1.0),
        ([0.9, 0.9], [1, -1], 1.0),
    ],
)
def test_f1_without_anything_to_divide_by(predicted, truth, expected):
    assert score_probe(MASK, np.array(predicted), np.array(truth)) == expected


def test_other_types():
    pointers = Probe("p", "node", "pointer")
    assert score_probe(pointers, np.array([[0, 1, 2, 0]]), np.array([[0, 1, 1, 1]])) == 0.5
    marker = Probe("o", "node", "mask-one")
    assert score_probe(marker, np.array([[0.2, 0.9], [0.6, 0.1]]), np.array([[0, 1], [0, 1]])) == 0.5
    classes = Probe("c", "node", "class", 3)
    logits = np.eye(3)[[[0, 1, 2, 1]]]
    assert score_probe(classes, logits, np.array([[0, 1, 1, -1]])) == pytest.approx(2 / 3)
    assert score_probe(Probe("v", "graph", "value"), np.array([1.0, 3.0]), np.array([1.0, 1.0])) == 2


def test_the_score_is_the_mean_over_outputs():
    drawn = sample("find_maximum_subarray_kadane", 6, 8, np.random.default_rng(0), hints=False)
    predicted = {"start": drawn.outputs["start"], "end": np.roll(drawn.outputs["end"], 1, axis=-1)}
    assert scores(drawn.algorithm, predicted, drawn.outputs) == {"start": 1, "end": 0}
    assert score(drawn.algorithm, predicted, drawn.outputs) == 0.5


def test_orders_as_permutations():
    drawn = sample("heapsort", 6, 8, np.random.default_rng(0), hints=False)
    permutation, first = cyclic(drawn.outputs["pred"])
    assert (np.sort(permutation, -1) == np.arange(8)).all() and (permutation != np.arange(8)).all()
    assert (first.argmax(-1) == drawn.inputs["key"].argmin(-1)).all() and (first.sum(-1) == 1).all()
    np.testing.assert_array_equal(uncyclic(permutation, first), drawn.outputs["pred"])
    for pointers in ([0, 1], [0, 0, 0], [1, 0]):
        with pytest.raises(InputError):
            cyclic(np.array(pointers))


def test_predictions_that_do_not_fit_are_refused():
    bfs = algorithm("bfs")
    truth = {"pi": np.zeros((2, 4), int)}
    for predicted, message in (({}, "missing"), ({"pi": np.zeros((2, 4, 4))}, "shape")):
        with pytest.raises(InputError, match=message) as raised:
            score(bfs, predicted, truth)
        assert raised.value.hint


@pytest.mark.parametrize("name", ALGORITHMS)
def test_true_hints_score_one(name):
    drawn = sample(name, 4, 6, np.random.default_rng(0))
    probes = drawn.algorithm.stage("hint")
    published = {probe.name: to_published(probe, drawn.hints[probe.name]) for probe in probes}
    steps = [{key: hint[step] for key, hint in published.items()} for step in range(1, int(drawn.lengths.max()))]
    for key, along in hint_scores(drawn.algorithm, steps, drawn.hints, drawn.lengths).items():
        is_value = drawn.algorithm.probe(key).type == "value"
        kept = np.isfinite(along)  # classes that are masked everywhere have no score
        assert len(along) == len(steps) and (along[kept] == (0 if is_value else 1)).all(), key


def test_hints_of_instances_that_have_ended_do_not_count():
    drawn = sample("bfs", 8, 9, np.random.default_rng(1))
    assert len(set(drawn.lengths.tolist())) > 1
    steps = [{"pi_h": hint.copy()} for hint in drawn.hints["pi_h"][1:]]
    for step, predicted in enumerate(steps):
        predicted["pi_h"][drawn.lengths <= step + 1] += 1
    along = hint_scores(drawn.algorithm, steps, drawn.hints, drawn.lengths)
    assert along.keys() == {"pi_h"} and (along["pi_h"] == 1).all()
    steps[0]["pi_h"][0, :3] += 1
    wrong = hint_scores(drawn.algorithm, steps, drawn.hints, drawn.lengths)["pi_h"]
    assert wrong[0] == pytest.approx(1 - 3 / (9 * (drawn.lengths > 1).sum())) and (wrong[1:] == 1).all()


def test_predicted_hints_that_do_not_fit_are_refused():
    drawn = sample("bfs", 2, 5, np.random.default_rng(1))
    steps = [{"pi_h": hint} for hint in drawn.hints["pi_h"][1:]]
    cut = {key: hint[:1] for key, hint in drawn.hints.items()}
    few = [{"pi_h": steps[0]["pi_h"][:1]}, *steps[1:]]
    for predicted, hints, message in (
        ([], drawn.hints, "hints of 0 steps"),
        ([*steps, steps[-1]], drawn.hints, "are predicted, of trajectories"),
        (steps, cut, "pi_h is known for 1 steps"),
        (few, drawn.hints, "for step 1 has shape"),
        ([steps[0], {}, *steps[2:]][: len(steps)], drawn.hints, "for step 2 has shape"),
    ):
        with pytest.raises(InputError, match=message):
            hint_scores(drawn.algorithm, predicted, hints, drawn.lengths)
