"""A search from names and settings: everything checked, nothing tried; and sent to other processes as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from optuna.pruners import BasePruner, MedianPruner, NopPruner

from graphlab.core.errors import ConfigError, InputError, require_count
from graphlab.core.files import canonical_json, hash_text
from graphlab.core.seeds import SeedStream
from graphlab.core.source import foreign_digest
from graphlab.data.dataset import Dataset
from graphlab.data.paths import store_root
from graphlab.experiment.plan import find_data, plan_on
from graphlab.model.own import find_own
from graphlab.nas.driver.explorer import Explorer
from graphlab.nas.driver.study import Where, open_study
from graphlab.nas.objectives.inner import Part, eligibility, searched
from graphlab.nas.objectives.limit import Direction
from graphlab.nas.objectives.objective import Objective
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.registry import STRATEGIES, find_space, find_strategy, find_table, is_table
from graphlab.nas.settings_space import model_of
from graphlab.nas.sharing import SharingObjective
from graphlab.nas.space import Space
from graphlab.nas.strategy import Strategy
from graphlab.nas.table import Table, TableObjective
from graphlab.records.store import Store
from graphlab.training.distributed import pick_device

STRATEGY = "strategy."
"""What the settings of the strategy begin with, among those of models and training."""

DEFAULT_SPACE = "gnn-micro"

FOLDER = "searches"
"""In a store of runs: where studies are kept."""

STARTUP_TRIALS = 10
"""Evaluations before any is pruned."""


@dataclass(frozen=True)
class SearchPlan:
    """What `gl.search` is asked for; see there.

    where    the folder or database of the study, None for memory
    store    the folder of runs
    """

    strategy: str
    dataset: str
    space: str | Mapping[str, Any] | None
    trials: int
    seed: int
    objectives: tuple[str, ...] = ("validation",)
    on: Part = "train"
    seeds: tuple[int, ...] = (0,)
    prune: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    where: str | None = None
    store: str | None = None
    device: str = "cpu"
    sharing: int | None = None
    constraints: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SearchPlan:
        return cls(**{**values, "objectives": tuple(values["objectives"]), "seeds": tuple(values["seeds"])})


class Plan:
    """A search that is ready to go. `data` takes the place of a data set that has a name.

    Raises UnknownNameError, ConfigError, IncompatibleError, DataError or InputError for what cannot be searched.
    """

    def __init__(self, asked: SearchPlan, data: Dataset | None = None) -> None:
        require_count("trials", asked.trials, "a search has at least one trial: say trials=100")
        self.asked = asked = replace(asked, strategy=STRATEGIES.resolve(asked.strategy).name)
        if asked.on not in ("train", "validation"):
            raise ConfigError(f"a search is not on {asked.on!r}", hint="train, or validation")
        own = {key: value for key, value in asked.settings.items() if not key.startswith(STRATEGY)}
        self.table: Table | None = None
        if data is None and is_table(asked.dataset):
            self.table = find_table(asked.dataset)
            self.space: Space = self._space_of_table(self.table, own)
            self.objective: Objective = TableObjective(self.table, asked.objectives, asked.constraints)
            self.objective.seeds, self.objective.device = asked.seeds, pick_device(asked.device)  # of supernets
        else:
            self.data = find_data(asked.dataset if data is None else data, asked.store)
            if own_model := model_of(asked.space):
                find_own(own_model, store_root(asked.store))
            self.space = find_space(DEFAULT_SPACE if asked.space is None else asked.space).on(self.data.spec)
            self.objective = self._training(self.data, own)
        self.strategy = self._strategy()

    def _space_of_table(self, table: Table, settings: Mapping[str, Any]) -> Space:
        if self.asked.space not in (None, table.space.name):
            raise InputError(
                f"{table.name} is a table of the space {table.space.name}, not of {self.asked.space}",
                hint="leave the space out",
            )
        if self.asked.sharing is not None:
            raise ConfigError(f"nothing is trained on {table.name}: there are no weights to share")
        given = [*settings, *(["prune"] if self.asked.prune else []), *(["on"] if self.asked.on != "train" else [])]
        if given:
            raise ConfigError(
                f"nothing is trained on {table.name}: {given[0]} means nothing there", hint="leave it out"
            )
        return table.space

    def _training(self, data: Dataset, settings: Mapping[str, Any]) -> TrainingObjective:
        asked = self.asked
        make = TrainingObjective if asked.sharing is None else partial(SharingObjective, warm_up=asked.sharing)
        objective = make(
            searched(data, asked.on, asked.seed),
            self.space,
            Store(asked.store),
            seeds=asked.seeds,
            names=asked.objectives,
            constraints=asked.constraints,
            settings=settings,
            device=asked.device,
        )
        model, first = self.space.settings(self.space.sample(SeedStream(0).numpy()))
        for name in settings:
            if any(_is_same(name, chosen) for chosen in first):
                raise ConfigError(
                    f"{name} is what the space {self.space.name} chooses, so that it cannot be set",
                    hint="leave it out, or search another space",
                )
        plan_on(data, model, {**settings, **first})
        return objective

    def _strategy(self) -> Strategy:
        found = find_strategy(self.asked.strategy)
        given = {
            key.removeprefix(STRATEGY): value for key, value in self.asked.settings.items() if key.startswith(STRATEGY)
        }
        config = found.Config.parse(given, where=f"strategy {self.asked.strategy}")
        stream = SeedStream(self.asked.seed).child("search", self.asked.strategy)
        return found(config, self.space, self.objective, stream)

    @property
    def eligibility(self) -> str:
        """For which leaderboard what the search finds is not eligible, and why; empty where no rule is broken."""
        return "" if self.table else eligibility(self.data, self.asked.on)

    @cached_property
    def name(self) -> str:
        """The study's: all that decides its trials, with the code of what is one's own; but not how many there are, so
        that more can be asked for."""
        identity = {
            "strategy": [self.asked.strategy, self.strategy.config.to_json()],
            "space": self.space.name,
            "seed": self.asked.seed,
            "prune": self.asked.prune,
            **self.objective.identity,
        }
        if own := foreign_digest((type(self.space), type(self.strategy))):
            identity["own"] = own
        if self.table and self.asked.seeds != (0,):
            identity["seeds"] = self.asked.seeds
        if self.objective.limits:
            identity["constraints"] = {one.metric: one.value for one in self.objective.limits}
        where = self.table.name if self.table else self.data.name
        return f"{self.asked.strategy}-{where}-{hash_text(canonical_json(identity))[:12]}".replace("/", "-")

    def explorer(self, where: Where) -> Explorer:
        """One worker, at the study which is there or is made now."""
        directions: list[Direction] = [self.objective.directions[name] for name in self.objective.names]
        sampler = self.strategy.sampler()
        study, crew = open_study(where, self.name, sampler, directions, self._pruner(), self.objective.names)
        self.objective.keep_in(Store(self.asked.store).path / FOLDER / self.name)
        return Explorer(study, crew, self.space, self.objective, self.asked.trials)

    def _pruner(self) -> BasePruner:
        if not self.asked.prune:
            return NopPruner()
        if len(self.asked.objectives) > 1:
            raise ConfigError("a search for several objectives is not pruned", hint="leave prune out")
        if self.asked.sharing is not None:
            raise ConfigError(
                "a search with shared weights is not pruned: an epoch says another thing of what inherits nothing",
                hint="leave prune or sharing out",
            )
        return MedianPruner(n_startup_trials=STARTUP_TRIALS)


def _is_same(name: str, other: str) -> bool:
    """Whether two names are of one setting, as `lr` and `training.lr` are."""
    (part, _, own), (other_part, _, other_own) = name.rpartition("."), other.rpartition(".")
    return own == other_own and (part == other_part or not part or not other_part)
