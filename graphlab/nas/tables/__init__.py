"""Tables of architectures that somebody trained already: a search over one costs no training.

Here are `Table` and the objective that looks architectures up; each other file reads published tables of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.data.load import load
from graphlab.experiment.plan import Plan, plan_on
from graphlab.nas.core.fidelity import Fidelity
from graphlab.nas.core.objective import Direction, OnStep
from graphlab.nas.core.outcome import EPOCHS, Evaluation
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.objectives import NetworkObjective

PERCENT = 100.0

SEED_SPREAD = 0.0078
"""The standard deviation of the validation of single seeds on Cora, of networks that were built and trained:
`experiments/nas_built_networks.py`."""


@dataclass(frozen=True)
class Regret:
    """Of a search over a table, in percent points: how far what it chose is from the best that there is.

    validation  the table's best validation less the best that was found
    test        the table's best test less the test of the architecture that validation chose
    """

    validation: float
    test: float


@dataclass(frozen=True, eq=False)
class Table:
    """Every architecture of a space with its accuracies, latency and size.

    keys        by the space, in any order
    validation, test   fractions `[N]`
    latency     seconds `[N]`, as the publisher measured it
    parameters  `[N]`
    digest      sha256 of what the table was read from
    dataset     the name of what its networks were trained on, empty where that is not known
    """

    name: str
    space: Space
    architectures: tuple[Architecture, ...]
    validation: np.ndarray
    test: np.ndarray
    latency: np.ndarray
    parameters: np.ndarray
    digest: str
    dataset: str = ""

    def __len__(self) -> int:
        return len(self.architectures)

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each architecture, by its key."""
        return {self.space.key(values): row for row, values in enumerate(self.architectures)}

    def row(self, values: Mapping[str, Any]) -> int:
        """Raises InputError for an architecture that the table does not have."""
        found = self.rows.get(self.space.key(values))
        if found is None:
            raise InputError(f"{self.name} has no architecture {dict(values)}", hint="the table is of another space")
        return found

    def regret(self, chosen: int, best_validation: float, allowed: np.ndarray | slice = slice(None)) -> Regret:
        """Of a search that found `best_validation` and chose the architecture of row `chosen`, in percent points; the
        best are those of the rows that it may choose."""
        return Regret(
            validation=PERCENT * float(self.validation[allowed].max() - best_validation),
            test=PERCENT * float(self.test[allowed].max() - self.test[chosen]),
        )


class TableObjective(NetworkObjective):
    """Looks an architecture up. `test` is on record and never optimised."""

    directions: Mapping[str, Direction] = {"validation": "maximize", "parameters": "minimize", "latency": "minimize"}

    def __init__(
        self, table: Table, names: tuple[str, ...] = ("validation",), constraints: Mapping[str, float] | None = None
    ) -> None:
        self.table, self.names = table, names
        self.check_names()
        self.limit(constraints or {})

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"table": self.table.name, "sha256": self.table.digest, "objectives": list(self.names)}

    @property
    def data(self) -> str:
        return self.table.dataset

    @cached_property
    def allowed(self) -> np.ndarray:
        """The rows that keep every limit, bool `[N]`."""
        allowed = np.ones(len(self.table), dtype=bool)
        for limit in self.limits:
            allowed &= [limit.excess(float(value)) <= 0 for value in getattr(self.table, limit.metric)]
        return allowed

    def plan(self, values: Mapping[str, Any]) -> Plan:
        model, settings = self.table.space.settings(values)
        return plan_on(self._data, model, settings)

    @cached_property
    def _data(self) -> Dataset:
        if not self.table.dataset:
            raise IncompatibleError(
                f"what the networks of {self.table.name} were trained on is not known, so that none can be built",
                hint="name a published table, as nas-bench-graph/cora",
            )
        return load(self.table.dataset)

    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        row, table = self.table.row(values), self.table
        columns = {name: getattr(table, name) for name in ("validation", "test", "parameters", "latency")}
        return Evaluation({name: float(column[row]) for name, column in columns.items()})


class NoisyTableObjective(TableObjective):
    """Looks an architecture up as if it were trained with one seed: validation is drawn around the table's value.

    The same seed of the same architecture has the same value. What the table says stands beside it, as `exact`.

    Args:
        spread: The standard deviation between seeds.
        stream: What values are drawn from.
    """

    def __init__(self, table: Table, spread: float, stream: SeedStream) -> None:
        super().__init__(table)
        self.spread, self.stream = spread, stream

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**super().identity, "spread": self.spread}

    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        return self.evaluate_at(values, Fidelity(is_new=True), on_step)

    def evaluate_at(self, values: Architecture, fidelity: Fidelity, on_step: OnStep) -> Evaluation:
        metrics = dict(super().evaluate(values, on_step).metrics)
        random = self.stream.child("seed", self.table.space.key(values), fidelity.seed).numpy()
        noisy = metrics["validation"] + random.normal(0.0, self.spread)
        return Evaluation({**metrics, "validation": noisy, "exact": metrics["validation"], EPOCHS: 1.0})
