"""A search from names and settings: everything checked, nothing tried; and sent to other processes as JSON.

`SearchSpec` is what was asked for, as JSON; `SearchPlan` is that search, ready for its loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from graphlab.core.errors import ConfigError, InputError, require_count
from graphlab.core.files import canonical_json, hash_text
from graphlab.core.seeds import SeedStream
from graphlab.core.source import foreign_digest
from graphlab.data.dataset import Dataset
from graphlab.data.paths import store_root
from graphlab.experiment.plan import find_data, plan_on
from graphlab.model.own import find_own
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.space import Space
from graphlab.nas.core.strategy import Strategy
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.objectives.inner import Part, eligibility, searched
from graphlab.nas.objectives.sharing import SharingObjective
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.optuna.history import StudyHistory, open_history
from graphlab.nas.optuna.storage import Where
from graphlab.nas.registry import STRATEGIES, find_space, find_table, is_table, make_strategy
from graphlab.nas.settings_space import model_of
from graphlab.nas.tables import Table, TableObjective
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
class SearchSpec:
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
    def from_json(cls, values: Mapping[str, Any]) -> SearchSpec:
        return cls(**{**values, "objectives": tuple(values["objectives"]), "seeds": tuple(values["seeds"])})


class SearchPlan:
    """A search that is ready to go. `data` takes the place of a data set that has a name.

    Raises UnknownNameError, ConfigError, IncompatibleError, DataError or InputError for what cannot be searched.
    """

    def __init__(self, spec: SearchSpec, data: Dataset | None = None) -> None:
        require_count("trials", spec.trials, "a search has at least one trial: say trials=100")
        self.spec = spec = replace(spec, strategy=STRATEGIES.resolve(spec.strategy).name)
        if spec.on not in ("train", "validation"):
            raise ConfigError(f"a search is not on {spec.on!r}", hint="train, or validation")
        own = {key: value for key, value in spec.settings.items() if not key.startswith(STRATEGY)}
        self.table: Table | None = None
        if data is None and is_table(spec.dataset):
            self.table = find_table(spec.dataset)
            self.space: Space = self._space_of_table(self.table, own)
            self.objective: NetworkObjective = TableObjective(self.table, spec.objectives, spec.constraints)
            self.objective.seeds, self.objective.device = spec.seeds, pick_device(spec.device)  # of supernets
        else:
            self.data = find_data(spec.dataset if data is None else data, spec.store)
            if own_model := model_of(spec.space):
                find_own(own_model, store_root(spec.store))
            self.space = find_space(DEFAULT_SPACE if spec.space is None else spec.space).on(self.data.spec)
            self.objective = self._training(self.data, own)
        self.strategy = self._strategy()

    def _space_of_table(self, table: Table, settings: Mapping[str, Any]) -> Space:
        if self.spec.space not in (None, table.space.name):
            raise InputError(
                f"{table.name} is a table of the space {table.space.name}, not of {self.spec.space}",
                hint="leave the space out",
            )
        if self.spec.sharing is not None:
            raise ConfigError(f"nothing is trained on {table.name}: there are no weights to share")
        choices = {"prune": self.spec.prune, "on": self.spec.on != "train"}
        meaningless = [*settings, *(name for name, is_set in choices.items() if is_set)]
        if meaningless:
            raise ConfigError(
                f"nothing is trained on {table.name}: {meaningless[0]} means nothing there", hint="leave it out"
            )
        return table.space

    def _training(self, data: Dataset, settings: Mapping[str, Any]) -> TrainingObjective:
        spec = self.spec
        make = TrainingObjective if spec.sharing is None else partial(SharingObjective, warm_up=spec.sharing)
        objective = make(
            searched(data, spec.on, spec.seed),
            self.space,
            Store(spec.store),
            seeds=spec.seeds,
            names=spec.objectives,
            constraints=spec.constraints,
            settings=settings,
            device=spec.device,
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
        settings = {
            key.removeprefix(STRATEGY): value for key, value in self.spec.settings.items() if key.startswith(STRATEGY)
        }
        return make_strategy(self.spec.strategy, settings, self.space, self.objective, seed=self.spec.seed)

    @property
    def eligibility(self) -> str:
        """For which leaderboard what the search finds is not eligible, and why; empty where no rule is broken."""
        return "" if self.table else eligibility(self.data, self.spec.on)

    @cached_property
    def name(self) -> str:
        """The study's: all that decides its trials, with the code of what is one's own; but not how many there are, so
        that more can be asked for."""
        identity = {
            "strategy": [self.spec.strategy, self.strategy.config.to_json()],
            "space": self.space.name,
            "seed": self.spec.seed,
            "prune": self.spec.prune,
            **self.objective.identity,
        }
        if own := foreign_digest((type(self.space), type(self.strategy))):
            identity["own"] = own
        if self.table and self.spec.seeds != (0,):
            identity["seeds"] = self.spec.seeds
        if self.objective.limits:
            identity["constraints"] = {limit.metric: limit.value for limit in self.objective.limits}
        where = self.table.name if self.table else self.data.name
        return f"{self.spec.strategy}-{where}-{hash_text(canonical_json(identity))[:12]}".replace("/", "-")

    def loop(self, where: Where) -> SearchLoop[StudyHistory]:
        """One worker, at the study which is there or is made now."""
        strategy, names = self.strategy.fresh(), self.objective.names
        history = open_history(where, self.name, strategy, prune_after=self._prune_after(), metrics=names)
        self.objective.keep_in(Store(self.spec.store).path / FOLDER / self.name)
        return SearchLoop(strategy, self.objective, history, self.spec.trials)

    def _prune_after(self) -> int | None:
        if not self.spec.prune:
            return None
        if len(self.spec.objectives) > 1:
            raise ConfigError("a search for several objectives is not pruned", hint="leave prune out")
        if self.spec.sharing is not None:
            raise ConfigError(
                "a search with shared weights is not pruned: an epoch says another thing of what inherits nothing",
                hint="leave prune or sharing out",
            )
        return STARTUP_TRIALS


def _is_same(name: str, other: str) -> bool:
    """Whether two names are of one setting, as `lr` and `training.lr` are."""
    (part, _, own), (other_part, _, other_own) = name.rpartition("."), other.rpartition(".")
    return own == other_own and (part == other_part or not part or not other_part)
