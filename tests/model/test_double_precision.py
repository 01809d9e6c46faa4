"""Every model computes in double precision after `model.double()`, under settings with tables of real numbers too."""

from __future__ import annotations

from typing import get_args

import pytest

from graphlab.experiment.plan import make_plan
from graphlab.model.registry import MODELS, find_model
from graphlab.testing.double_precision import check_double, check_plan_in_double
from graphlab.testing.examples import example
from graphlab.testing.small_models import cases

POLICIES = [
    (name, policy)
    for name in MODELS.names()
    if "policy" in find_model(name).config.model_fields and "graph-prediction" in find_model(name).cls.tasks
    for policy in get_args(find_model(name).config.model_fields["policy"].annotation)
]


@pytest.mark.parametrize(("model", "name"), cases())
def test_double(model, name):
    check_double(model, name)


@pytest.mark.parametrize(("model", "policy"), POLICIES)
def test_double_under_every_policy(model, policy):
    plan = make_plan(model, example("graph-regression"), {"model.policy": policy, "model.num_layers": 2})
    task = plan.make_task(0)
    check_plan_in_double(plan, task, plan.make_learner(task, 0).eval().model)


def test_a_table_in_single_precision_is_found(monkeypatch):
    from graphlab.model.zoo import gcn

    forward = gcn.GCN.forward
    monkeypatch.setattr(gcn.GCN, "forward", lambda model, batch: forward(model, batch).float())
    with pytest.raises(AssertionError, match="in double precision gives"):
        check_double("gcn", "node-classification")
