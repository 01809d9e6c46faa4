"""Every registered task keeps the contract on each of its examples, and none is without slow calculations."""

import pytest

from graphlab.task.registry import TASKS
from graphlab.testing.examples import EXAMPLES, examples_of
from graphlab.testing.tasks import TASK_CHECKS
from tests.task.references import REFERENCES

CASES = [(task, name) for task in TASKS.names() for name in examples_of(task)]


@pytest.mark.parametrize(("task", "example"), CASES)
@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract(check, task, example):
    check(task, example, REFERENCES[example])


def test_each_example_has_a_reference():
    assert set(REFERENCES) == set(EXAMPLES)
