"""Rivals of the first one-shot strategies on graphs, and on a space of number formats."""

from __future__ import annotations

import pytest

import graphlab as gl
from graphlab.core.errors import IncompatibleError
from graphlab.testing.examples import example
from tests.nas.oneshot.test_oneshot import FEW

RIVALS = ["few-shot", "pa-da", "rarts", "sd-darts", "shift-nas", "tanglenas"]


def search(name, data, space, store):
    settings = {"training.epochs": 1, "strategy.epochs": 2, "strategy.shrink": 32, **FEW[name]}
    return gl.search(name, example(data), space=space, trials=1, start=False, store=store, **settings)


@pytest.mark.parametrize("name", RIVALS)
def test_graphs_are_classified(name, tmp_path):
    (outcome,) = search(name, "graph-classification", "gnn-micro", tmp_path).outcomes
    assert outcome.state == "finished" and outcome.notes


@pytest.mark.parametrize("name", ["pa-da", "tanglenas"])
def test_values_of_graphs_are_predicted(name, tmp_path):
    (outcome,) = search(name, "graph-regression", "gnn-micro", tmp_path).outcomes
    assert outcome.state == "finished" and outcome.notes


@pytest.mark.parametrize("name", ["few-shot", "rarts"])
def test_formats_are_searched(name, tmp_path):
    (outcome,) = search(name, "node-classification", "gnn-micro-quantized", tmp_path).outcomes
    assert outcome.state == "finished" and outcome.notes


@pytest.mark.parametrize("name", RIVALS)
def test_a_space_without_a_supernet_is_refused_before_anything_is_trained(name, tmp_path):
    with pytest.raises(IncompatibleError, match="gcn has no supernet"):
        search(name, "node-classification", "gcn", tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
