"""What a task says it measures is what it does."""

import pytest

from graphlab.experiment.plan import make_plan

MADE = [("gcn", "karate"), ("gin", "csl"), ("distmult", "kinship-rules/transductive"), ("gin", "hard-pairs")]
RAW = [("gae", "planetoid/cora@links-without-features"), ("gin", "graphcount/triangle"), ("ultra", "mixture/small")]
PLANS = [*MADE, *(pytest.param(*names, marks=pytest.mark.real_data) for names in RAW)]


@pytest.mark.parametrize(("model", "dataset"), PLANS)
def test_a_task_measures_what_it_says(model, dataset):
    plan = make_plan(model, dataset, {"dim": 8, "num_layers": 2} if model == "ultra" else None)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0)
    assert list(task.evaluate(learner, "test")) == list(plan.metrics)
