"""The tasks that are there, by name."""

from __future__ import annotations

from types import ModuleType

from graphlab.core.registry import Registry
from graphlab.task.base import Task


def _class(module: ModuleType) -> type[Task]:
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Task) and value.__module__ == module.__name__
    )


TASKS = Registry("task", "graphlab.task.kinds", "graphlab.tasks", lambda module: ())


def find_task(name: str) -> type[Task]:
    """Look a task up by name. Raises UnknownNameError with the nearest names."""
    return _class(TASKS.resolve(name).module)
