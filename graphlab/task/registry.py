"""The tasks that are there, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlab.core.registry import ClassRegistry

if TYPE_CHECKING:
    from graphlab.task.base import Task

TASKS: ClassRegistry[Task[Any]] = ClassRegistry(
    "task", "graphlab.task.kinds", "graphlab.tasks", "graphlab.task.base:Task"
)


def find_task(name: str) -> type[Task[Any]]:
    """Look a task up by name. Raises UnknownNameError with the nearest names."""
    return TASKS.find(name)
