"""What a search may optimise of networks. Here is the base class, `NetworkObjective`.

    inner     the data set as a search sees it: the official test is not there
    training  `TrainingObjective`: each architecture is trained, as `gl.run` does it
    sharing   `SharingObjective`: an architecture starts from weights of earlier ones
    growing   `GrowingObjective`: an architecture starts from those of a smaller one, with which it computes the same

A table of architectures that were trained before is an objective too: see `graphlab.nas.tables`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from graphlab.core.errors import IncompatibleError
from graphlab.experiment.plan import Plan
from graphlab.nas.core.objective import Objective
from graphlab.nas.proxies import Proxy, at_initialisation

OnWork = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""


class NetworkObjective(Objective):
    """An objective whose architectures are networks on a data set.

    Attributes:
        seeds: Seeds that networks start from.
        device: The device that they are on.
        folder: Where the search keeps what is its own; None while it keeps nothing.
        on_work: Called for long work that is no evaluation.
    """

    seeds: tuple[int, ...] = (0,)
    device: torch.device = torch.device("cpu")
    folder: Path | None = None
    on_work: OnWork = staticmethod(lambda what, done, count: None)

    @property
    def data(self) -> str:
        """The name of the data set that networks are for, without its split; empty where it is not known."""
        return ""

    def keep_in(self, folder: Path) -> None:
        """Called by each worker, before the first evaluation, with the folder of what the search keeps."""
        self.folder = folder

    @abstractmethod
    def plan(self, values: Mapping[str, Any]) -> Plan:
        """The network that an architecture is, on the data that it is for.

        Raises IncompatibleError where the objective knows of none, ConfigError for one that is no model of the zoo's.
        """

    def guess(self, proxy: Proxy, values: Mapping[str, Any]) -> float:
        """What a proxy says of an architecture's untrained weights."""
        return at_initialisation(proxy, self.plan(values), self.seeds[0], self.device)


def networks_of(objective: Objective) -> NetworkObjective:
    """The objective, for a strategy that builds networks. Raises IncompatibleError where it builds none."""
    if not isinstance(objective, NetworkObjective):
        raise IncompatibleError("this search builds no networks", hint="search on a data set")
    return objective
