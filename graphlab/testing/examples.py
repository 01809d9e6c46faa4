"""The examples of all tasks, by name: a tiny data set for each kind of data that a task is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from graphlab.data.dataset import Dataset
from graphlab.task.registry import TASKS


def examples_of(task: str) -> dict[str, Dataset]:
    """The examples in a task's file, made anew. Raises UnknownNameError for a task that is not there."""
    return TASKS.resolve(task).module.examples()


def example(name: str) -> Dataset:
    """The example called `name`, made anew; see EXAMPLES."""
    return EXAMPLES[name]()


def _example(task: str, name: str) -> Dataset:
    return examples_of(task)[name]


EXAMPLES: Mapping[str, Callable[[], Dataset]] = {
    name: partial(_example, task, name) for task in TASKS.names() for name in examples_of(task)
}
"""By name, of every task that was there when this was imported."""
