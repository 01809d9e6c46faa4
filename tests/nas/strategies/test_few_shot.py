"""Few-shot search: cuts against networkx's, gradients against planted ones, parts that divide the space."""

from __future__ import annotations

import itertools
import os
import signal
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.seeds import SeedStream
from graphlab.nas.oneshot.gradient_matching import drawn, similarities, smallest_cut
from graphlab.nas.oneshot.supernets import path
from graphlab.testing.searches import Letters
from tests.nas.oneshot.test_oneshot import BENCH, strategy, training_of

SPACE = Letters(places=2)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.integers(0, 10**6))
def test_the_cut_is_the_smallest_of_all_balanced_ones(n, seed):
    """Against sums of the weights of edges that networkx cuts."""
    matrix = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    matrix = (matrix + matrix.T) / 2
    graph = nx.from_numpy_array(matrix)
    value, (first, second) = smallest_cut(torch.tensor(matrix))
    assert sorted((*first, *second)) == list(range(n)) and abs(len(first) - len(second)) <= 1
    sizes = {n // 2, n - n // 2}
    every = [group for size in sorted(sizes) for group in combinations(range(n), size)]
    best = min(nx.cut_size(graph, group, weight="weight") / (len(group) * (n - len(group))) for group in every)
    assert value == pytest.approx(best)
    assert nx.cut_size(graph, first, weight="weight") / (len(first) * len(second)) == pytest.approx(value)


def planted():
    """A loss in which the first decision's options pull a shared weight along `pulls`, and the second's all alike."""
    shared, own = torch.zeros(3, requires_grad=True), torch.zeros(5, requires_grad=True)
    pulls = torch.tensor([[1.0, 0, 0], [1, 0.1, 0], [-1, 0, 0], [-1, 0, 0.1], [1, 0, 0.1]])

    def loss(mixture):
        first, second = mixture.values()
        place = int(first.argmax())
        value = pulls[place] @ shared + (1 + second.argmax()) * shared.sum() * 1e-3
        return value if place else value + own.sum()

    return loss, [shared, own], pulls


def test_similarities_are_cosines_of_the_gradients_of_shared_weights():
    loss, weights, pulls = planted()
    every = {d.name: range(len(d.options)) for d in SPACE.decisions}
    cosines = similarities(SPACE, every, loss, weights, 2, SeedStream(0))
    first, second = (cosines[d.name] for d in SPACE.decisions)
    expected = torch.nn.functional.cosine_similarity(pulls[:, None], pulls[None], dim=2)
    assert torch.allclose(first.float(), expected, atol=2e-2)
    assert float(second.min()) > 0.99
    value, groups = smallest_cut(first)
    assert set(groups) == {(0, 1, 4), (2, 3)} and value < -0.9 < smallest_cut(second)[0]


def test_one_option_has_nothing_to_match_and_draws_keep_to_the_part():
    loss, weights, _ = planted()
    names = [d.name for d in SPACE.decisions]
    part = {names[0]: (2,), names[1]: (0, 4)}
    assert list(similarities(SPACE, part, loss, weights, 1, SeedStream(0))) == [names[1]]
    seen = {tuple(drawn(SPACE, part, np.random.default_rng(k)).values()) for k in range(30)}
    options = [d.options for d in SPACE.decisions]
    assert seen == {(options[0][2], options[1][0]), (options[0][2], options[1][4])}


def small(tmp_path, **settings):
    few = {"population": 6, "generations": 1, "parents": 2, "split_epochs": 2, "contexts": 1, **settings}
    return strategy("few-shot", tmp_path, **few)


def test_parts_divide_the_space_and_begin_with_the_weights_they_come_from(tmp_path):
    searching, training = small(tmp_path, levels=2), training_of(tmp_path)
    parts = searching.split(training)
    assert [part.name for part in parts] == ["00", "01", "10", "11"]
    for k in range(50):
        values = BENCH.sample(np.random.default_rng(k))
        assert sum(part.holds(BENCH, values) for part in parts) == 1
    first, second = (part.training.learner.state_dict() for part in parts[:2])
    assert all(torch.equal(first[name], second[name]) for name in first)
    untouched = training.learner.state_dict()
    assert not all(torch.equal(first[name], untouched[name]) for name in first)
    searching._train(parts[0])
    assert not all(
        torch.equal(weight, other)
        for weight, other in zip(parts[0].training.weights, parts[1].training.weights, strict=True)
    )


def test_an_architecture_is_scored_with_the_weights_of_its_part(tmp_path):
    searching = small(tmp_path, levels=1)
    parts = searching.split(training_of(tmp_path))
    for part in parts:
        searching._train(part)
    for k in range(6):
        values = BENCH.sample(np.random.default_rng(k))
        (part,) = (part for part in parts if part.holds(BENCH, values))
        assert searching._score(parts, values) == part.training.score(path(BENCH, values))


def test_mixtures_are_of_the_options_of_their_part(tmp_path):
    searching, training = small(tmp_path, levels=1, base="darts"), training_of(tmp_path)
    proposals = list(itertools.islice(searching.candidates(training), 12))
    keys = [BENCH.key(each.choices) for each in proposals]
    assert len(set(keys)) > 6 and all(each.notes["probability"] > 0 for each in proposals)
    again = list(itertools.islice(small(tmp_path, levels=1, base="darts").candidates(training_of(tmp_path)), 12))
    assert [BENCH.key(each.choices) for each in again] == keys


def test_options_that_are_not_mixed_have_no_weight_and_no_gradient(tmp_path):
    searching, training = strategy("darts", tmp_path), training_of(tmp_path)
    searching.mixed_options = {**searching.mixed_options, "operator_2": (1, 3), "link": (4,)}
    mixture = searching.learn(training)
    assert mixture["operator_2"].nonzero().flatten().tolist() == [1, 3]
    assert mixture["link"].tolist() == [float(k == 4) for k in range(9)]
    assert all(float(weights.sum()) == pytest.approx(1) for weights in mixture.values())


@pytest.mark.parametrize("base", ["spos", "darts"])
@pytest.mark.parametrize("stop_at", [3, 6, 9])
def test_a_search_that_was_stopped_goes_on_to_the_same(base, stop_at, tmp_path):
    """In the whole supernet, and in its parts."""

    def names(folder, stop_after=None):
        searching = small(folder, levels=1, base=base)
        epochs = []

        def on_work(what, epoch, count):
            if what == "supernet epoch":
                epochs.append(epoch)
                if len(epochs) == stop_after:
                    os.kill(os.getpid(), signal.SIGINT)

        searching.objective.on_work = on_work
        listed = itertools.islice(searching.candidates(searching.make_training()), 4)
        return [(BENCH.key(each.choices), each.notes) for each in listed], epochs

    whole, epochs = names(tmp_path / "whole")
    assert epochs == [1, 2, 3, 4, 1, 2, 1, 2]
    if stop_at <= len(epochs):
        with pytest.raises(KeyboardInterrupt):
            names(tmp_path / "stopped", stop_at)
    else:
        names(tmp_path / "stopped")
    again, rest = names(tmp_path / "stopped")
    assert again == whole and rest == epochs[stop_at:]
