"""A search from names and settings: everything checked, nothing tried; and sent to other processes as JSON.

`SearchSpec` is what was asked for, as JSON; `SearchPlan` is that search, ready for its loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from graphlab.core.errors import ConfigError, IncompatibleError, InputError, closest
from graphlab.core.files import canonical_json, hash_text
from graphlab.core.seeds import SeedStream
from graphlab.core.source import foreign_digest
from graphlab.data.dataset import Dataset
from graphlab.data.paths import store_root
from graphlab.experiment.plan import find_data, plan_on
from graphlab.model.own import find_own
from graphlab.nas.core.budget import Budget
from graphlab.nas.core.loop import SearchLoop
from graphlab.nas.core.race import Ladder, RaceConfig
from graphlab.nas.core.schedule import different
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Strategy
from graphlab.nas.elastic.space import ElasticSpace
from graphlab.nas.objectives import NetworkObjective
from graphlab.nas.objectives.growing import GrowingObjective
from graphlab.nas.objectives.inner import Part, eligibility, searched
from graphlab.nas.objectives.sharing import SharingObjective
from graphlab.nas.objectives.training import TrainingObjective
from graphlab.nas.optuna.history import StudyHistory, open_history
from graphlab.nas.optuna.storage import Where, is_stored
from graphlab.nas.registry import STRATEGIES, find_space, find_table, is_table, make_strategy
from graphlab.nas.settings_space import ListedSpace, SettingsSpace, model_of
from graphlab.nas.tables import Table, TableObjective
from graphlab.records.store import Store
from graphlab.training.distributed import pick_device

STRATEGY, RACE = "strategy.", "race."
"""What the settings of the strategy and of the race begin with, among those of models and training."""

Start = bool | Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Which hand-set networks a search evaluates first: all, none, some by name, or architectures by name."""

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
    trials: int | None
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
    total_epochs: float | None = None
    total_seconds: float | None = None
    racing: Ladder | None = None
    start: Start = True

    @property
    def budget(self) -> Budget:
        """How long the search goes on."""
        return Budget(self.trials, self.total_epochs, self.total_seconds)

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
        spec.budget.check()
        self.spec = spec = replace(spec, strategy=STRATEGIES.resolve(spec.strategy).name)
        if spec.on not in ("train", "validation"):
            raise ConfigError(f"a search is not on {spec.on!r}", hint="train, or validation")
        own = self.own_settings
        self.table: Table | None = None
        self.is_named = data is None
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
        self.race = self._race()
        self.starts = different(self.space, self._starts())
        if isinstance(self.objective, SharingObjective):
            self.objective.whole_keys = frozenset(map(self.space.key, self.starts.values()))

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
        make = TrainingObjective if spec.sharing is None else partial(self._sharing, warm_up=spec.sharing)
        objective = make(
            searched(data, spec.on, spec.seed, keeps_report=spec.racing is not None),
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

    @property
    def _sharing(self) -> type[SharingObjective]:
        """How weights pass between the architectures of the space."""
        return GrowingObjective if isinstance(self.space, ElasticSpace) else SharingObjective

    def _strategy(self) -> Strategy:
        settings = self._settings_of(STRATEGY)
        return make_strategy(self.spec.strategy, settings, self.space, self.objective, seed=self.spec.seed)

    @property
    def own_settings(self) -> dict[str, Any]:
        """Those of models, tasks and training, as `gl.run` takes them."""
        return {key: value for key, value in self.spec.settings.items() if not key.startswith((STRATEGY, RACE))}

    def _settings_of(self, prefix: str) -> dict[str, Any]:
        own = self.spec.settings.items()
        return {key.removeprefix(prefix): value for key, value in own if key.startswith(prefix)}

    def _race(self) -> RaceConfig | None:
        """How architectures race, if they do. Raises ConfigError or IncompatibleError for what cannot race."""
        spec, settings = self.spec, self._settings_of(RACE)
        if spec.racing is None:
            if settings:
                name = next(iter(settings))
                raise ConfigError(f"race.{name} is of a race, and this search has none", hint="say racing=asha too")
            return None
        if self.table:
            raise ConfigError(f"nothing is trained on {self.table.name}: there is nothing to race over")
        for other, is_set in {"prune": spec.prune, "sharing": spec.sharing is not None}.items():
            if is_set:
                raise ConfigError(
                    f"a race stops trainings itself, so that {other} has no part in it", hint="leave one out"
                )
        if spec.objectives != ("validation",):
            raise ConfigError("a race is by validation alone", hint="leave objectives out, or racing")
        if not self.strategy.raceable:
            raise IncompatibleError(
                f"{spec.strategy} learns from whole evaluations alone",
                hint="race with random, evolution, local-search, agnn, graphnas, bayesian or predictor",
            )
        return RaceConfig.parse({"ladder": spec.racing, **settings}, where="race")

    def _starts(self) -> dict[str, Architecture]:
        """Hand-set networks that are evaluated first. Raises ConfigError for a name that is none's, InputError for an
        architecture that is not of the space."""
        start = self.spec.start
        if isinstance(start, Mapping):
            return {name: self.space.checked(values) for name, values in start.items()}
        known = {**self.recipe, **self.space.hand_set()} if start else {}
        if isinstance(start, bool):
            return known
        for name in start:
            if name not in known:
                near = closest(name, known)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
                raise ConfigError(f"the space {self.space.name} has no hand-set network {name!r}", hint=hint)
        return {name: known[name] for name in start}

    @cached_property
    def recipe(self) -> dict[str, Architecture]:
        """In a space of a model's settings, those that `gl.run` takes for the data set, or the nearest in the space."""
        if self.table or not isinstance(self.space, SettingsSpace | ListedSpace):
            return {}
        plan = plan_on(self.data, self.space.model, {**self.own_settings, **self.space.named})
        values = {f"{part}.{name}": value for part, config in plan.settings.items() for name, value in config}
        nearest = self.space.nearest(values)
        return {"recipe": nearest} if nearest else {}

    @property
    def eligibility(self) -> str:
        """For which leaderboard what the search finds is not eligible, and why; empty where no rule is broken."""
        return "" if self.table else eligibility(self.data, self.spec.on)

    @property
    def selection(self) -> str:
        """The metric that `validation` is."""
        return self.objective.metric if isinstance(self.objective, TrainingObjective) else "accuracy"

    @property
    def report_items(self) -> tuple[int, int]:
        """Items of the part that nothing is selected on, and of the official test part; of several splits the least."""
        assert isinstance(self.objective, TrainingObjective)
        parts = [data.splits.fixed or (data.splits.at(0),) for data in (self.objective.dataset, self.data)]
        reported, official = (min(len(split.test) for split in splits) for splits in parts)
        return reported, official

    @cached_property
    def name(self) -> str:
        """The study's: all that decides its trials, with the code of what is one's own; but not how many there are, so
        that more can be asked for."""
        return self._name(self.starts)

    @property
    def folder(self) -> str:
        """What the search keeps of its own, in the store."""
        return f"{FOLDER}/{self.name}"

    def _name(self, starts: Mapping[str, Architecture]) -> str:
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
        if self.race:
            identity["race"] = self.race.to_json()
        if starts:
            identity["starts"] = list(starts.items())
        where = self.table.name if self.table else self.data.name
        return f"{self.spec.strategy}-{where}-{hash_text(canonical_json(identity))[:12]}".replace("/", "-")

    def loop(self, where: Where) -> SearchLoop[StudyHistory]:
        """One worker, at the study which is there or is made now."""
        if self.spec.start is True and self.starts and not self.race and is_stored(where, self._name({})):
            self.starts = {}  # a search of before hand-set networks came first goes on as it began
            self.__dict__.pop("name", None)
        strategy, names = self.strategy.fresh(), self.objective.names
        history = open_history(where, self.name, strategy, prune_after=self._prune_after(), metrics=names)
        self.objective.keep_in(Store(self.spec.store).path / self.folder)
        return SearchLoop(
            strategy,
            self.objective,
            history,
            self.spec.budget,
            starts=self.starts,
            race=self.race,
            num_seeds=len(self.spec.seeds),
        )

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
