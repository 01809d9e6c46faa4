"""Where the other workers of a search run: as processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from graphlab.core.errors import InputError, UnknownNameError
from graphlab.nas.driver.workers import processes, work
from graphlab.nas.plan import SearchPlan

Launcher = Callable[[SearchPlan, int], AbstractContextManager[None]]


@contextmanager
def on_ray(asked: SearchPlan, count: int) -> Iterator[None]:
    """While entered, `count` tasks of a Ray cluster are at the search: that of $RAY_ADDRESS or the one joined already,
    else one of this machine. A task whose worker dies is started again by Ray, on whatever machine is left.

    Machines must see the store's folder, or share the study by a database. Raises InputError where Ray is missing.
    """
    if count < 1:
        yield
        return
    ray: Any = _import_ray()
    joined = ray.is_initialized()
    if not joined:
        ray.init(log_to_driver=False, include_dashboard=False, logging_level="error")
    task = ray.remote(num_cpus=1, max_retries=-1)(_work)
    order = json.dumps(asked.to_json())
    tasks = [task.remote(order) for _ in range(count)]
    try:
        yield
    finally:
        for one in tasks:
            ray.cancel(one, force=True)
        if not joined:
            ray.shutdown()


def _work(order: str) -> None:
    work(SearchPlan.from_json(json.loads(order)))


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise InputError("the launcher ray needs Ray", hint='pip install "graphlab[ray]"') from None


LAUNCHERS: dict[str, Launcher] = {"processes": processes, "ray": on_ray}


def find_launcher(name: str) -> Launcher:
    """Raises UnknownNameError with the nearest names."""
    try:
        return LAUNCHERS[name]
    except KeyError:
        raise UnknownNameError("launcher", name, LAUNCHERS) from None
