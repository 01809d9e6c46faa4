"""What a search optimises: from an architecture to what it came to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from graphlab.core.errors import ConfigError, IncompatibleError, closest
from graphlab.experiment.plan import Plan
from graphlab.nas.objectives.limit import Direction, Limit, make_limits
from graphlab.nas.proxy import Proxy, at_initialisation
from graphlab.nas.space import Architecture

OnStep = Callable[[int, float], None]
"""Told of each intermediate value, from step 0 on; may raise to end the evaluation."""

OnWork = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass(frozen=True)
class Evaluation:
    """What an architecture came to.

    metrics  by name; those that the objective's `names` lists are optimised, the rest is on record. `test` is never
             among the optimised. Of what broke a limit before the end, those that were known by then
    runs     ids of the runs behind it, in the store
    """

    metrics: Mapping[str, float]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Regret:
    """Of a search over a table, in percent points: how far what it chose is from the best that there is.

    validation  the table's best validation less the best that was found
    test        the table's best test less the test of the architecture that validation chose
    """

    validation: float
    test: float


class Objective(ABC):
    """A subclass says what it can measure, `directions`, and measures it.

    names    metrics that are optimised, the first of which chooses the best architecture
    limits   what is not allowed; see `limit`
    seeds    that networks start from
    device   that they are on
    folder   where the search keeps what is its own; None while it keeps nothing
    on_work  told of long work that is no evaluation
    """

    directions: Mapping[str, Direction]
    names: tuple[str, ...] = ("validation",)
    limits: tuple[Limit, ...] = ()
    seeds: tuple[int, ...] = (0,)
    device: torch.device = torch.device("cpu")
    folder: Path | None = None
    on_work: OnWork = staticmethod(lambda what, done, count: None)

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """All that decides what `evaluate` gives."""

    @property
    def data(self) -> str:
        """The name of the data set that networks are for, without its split; empty where it is not known."""
        return ""

    def keep_in(self, folder: Path) -> None:
        """Told by each worker, before the first evaluation, where the search keeps what is its own."""
        self.folder = folder

    @abstractmethod
    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation: ...

    def plan(self, values: Mapping[str, Any]) -> Plan:
        """The network that an architecture is, on the data that it is for.

        Raises IncompatibleError where the objective knows of none, ConfigError for one that is no model of the zoo's.
        """
        raise IncompatibleError("this search builds no networks", hint="search on a data set")

    def guess(self, proxy: Proxy, values: Mapping[str, Any]) -> float:
        """What a proxy says of an architecture's untrained weights."""
        return at_initialisation(proxy, self.plan(values), self.seeds[0], self.device)

    def limit(self, asked: Mapping[str, Any]) -> None:
        """Take limits, by metric: what breaks one is neither the best nor on the front. Raises ConfigError."""
        self.limits = make_limits(asked, self.directions)

    def excess(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """How far each limit is broken, by metric; see `Limit`. What was not measured keeps it just so."""
        return {one.metric: one.excess(metrics.get(one.metric, one.value)) for one in self.limits}

    def is_allowed(self, metrics: Mapping[str, float]) -> bool:
        return all(beyond <= 0 for beyond in self.excess(metrics).values())

    def check_names(self) -> None:
        """Raises ConfigError for an objective that it does not measure, or the same twice."""
        for name in self.names:
            if name not in self.directions:
                near = closest(name, self.directions)
                hint = f"did you mean {near[0]!r}?" if near else f"it measures {', '.join(self.directions)}"
                raise ConfigError(f"{name!r} is no objective of this search", hint=hint)
        if len(set(self.names)) < len(self.names) or not self.names:
            raise ConfigError(f"the objectives {', '.join(self.names)} are not one or more different ones")
