"""Runs held against the recipe that their model publishes for the data set, setting by setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphlab.core import index
from graphlab.core.errors import GraphLabError
from graphlab.core.files import canonical_json
from graphlab.model.registry import MODELS, OWN_MODELS, ModelEntry, find_model, preset_key
from graphlab.records.record import RunSpec
from graphlab.task.registry import TASKS, find_task

if TYPE_CHECKING:
    from graphlab.core.config import Config
    from graphlab.task.base import Task

Settings = Mapping[str, Mapping[str, Any]]
"""Complete settings of model, task and training, as they are stored."""


@dataclass(frozen=True)
class Departure:
    """A setting, by dotted name, whose value is not that of the recipe."""

    setting: str
    value: Any
    recipe: Any

    def __str__(self) -> str:
        return f"{self.setting}={self.value} (published {self.recipe})"


@dataclass(frozen=True)
class RecipeCheck:
    """How far a run follows the published recipe.

    unknown     why there is no published recipe to follow; empty if there is one
    departures  published settings that the run has otherwise
    ours        the run's values of settings that the publication does not state: those that the recipe sets, and those
                that depart from it
    """

    unknown: str = ""
    departures: tuple[Departure, ...] = ()
    ours: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_followed(self) -> bool:
        return not self.unknown and not self.departures

    @property
    def obstacle(self) -> str:
        """Why a published number is not about the run; empty if it is."""
        if self.unknown:
            return self.unknown
        return f"departs in {', '.join(map(str, self.departures))}" if self.departures else ""


def check_recipe(spec: RunSpec) -> RecipeCheck:
    """Hold a run against the published recipe of its model.

    Settings that the recipe does not name are published at their defaults. A setting that the run does not state,
    since it is older than the setting, counts as at its default; one that is there no more is a departure.
    """
    try:
        recipes = _recipes(spec.model, spec.task)
    except GraphLabError:
        return RecipeCheck(unknown=f"no published recipe of {spec.model} is known here")
    key = preset_key(recipes["presets"], spec.dataset, spec.dataset.partition("/")[0], spec.task)
    if key is None:
        return RecipeCheck(unknown=f"no published recipe of {spec.model} for {spec.dataset} is known here")
    preset = recipes["presets"][key]
    if not preset["is_published"]:
        return RecipeCheck(unknown=f"the recipe is GraphLab's own: {preset['source']}")
    return _compare(spec, preset, recipes["defaults"])


def _recipes(model: str, task: str) -> Mapping[str, Any]:
    """The recipes of a model for a task with all their settings, as JSON has them, from the index where it has them."""
    if model in OWN_MODELS:
        return _declared(f"{model} {task}")
    return index.entry("recipes", f"{MODELS.resolve(model).name} {TASKS.resolve(task).name}", _declared, _every_pair)


def _every_pair() -> Iterator[str]:
    """Each model with each task that it does."""
    tasks = {name: find_task(name).abilities() for name in TASKS.names()}
    for model in MODELS.names():
        yield from (f"{model} {task}" for task, abilities in tasks.items() if abilities & find_model(model).cls.tasks)


def _declared(pair: str) -> dict[str, Any]:
    from graphlab.model.base import UNSTATED

    model, _, name = pair.rpartition(" ")
    entry, task = find_model(model), find_task(name)
    presets = {}
    for key, preset in entry.presets.items():
        named = {"model": dict(preset.model), "task": dict(preset.task), "training": dict(preset.training)}
        presets[key] = {
            "source": preset.source,
            "is_published": preset.is_published,
            "named": named,
            "ours": list(preset.ours),
            "unstated": [*preset.ours, *UNSTATED],
            "settings": _complete_or_none(entry, task, named),
        }
    return {"presets": presets, "defaults": _complete_or_none(entry, task, {})}


@dataclass(frozen=True)
class Setting:
    """A setting of a run, by dotted name, beside the recipe's; `recipe` is None where the model has no recipe.

    mark  departs: the run has it otherwise; ours: the recipe's value is not the publication's; both with a comma
    """

    name: str
    value: Any
    recipe: Any
    mark: str


def settings_of(spec: RunSpec) -> list[Setting]:
    """Every setting of a run, beside the recipe that it would have had without changes."""
    stored = {"model": spec.model_config, "task": spec.task_config, "training": spec.training}
    rows = [Setting(group, name, None, "departs") for group, name in spec.components.items()]
    rows += [
        Setting(f"{group}.{name}", value, None, "departs")
        for group, values in spec.component_configs.items()
        for name, value in values.items()
    ]
    try:
        entry, task = find_model(spec.model), find_task(spec.task)
        preset = entry.preset_for(spec.dataset, spec.dataset.partition("/")[0], spec.task)
        named = {part: getattr(preset, part, {}) for part in stored}
        recipe, defaults = complete_settings(entry, task, named), complete_settings(entry, task, {})
    except GraphLabError:
        preset, recipe, defaults = None, None, {part: {} for part in stored}
    for part, values in stored.items():
        for name, value in {**defaults[part], **values}.items():
            have = recipe and recipe[part].get(name)
            departs = recipe is not None and canonical_json(value) != canonical_json(have)
            is_ours = preset is not None and preset.is_ours(f"{part}.{name}")
            marks = [*(["departs"] if departs else []), *(["ours"] if is_ours else [])]
            rows.append(Setting(f"{part}.{name}", value, have, ", ".join(marks)))
    return rows


def _compare(spec: RunSpec, preset: Mapping[str, Any], defaults: Settings | None) -> RecipeCheck:
    named, recipe, stored = preset["named"], preset["settings"], spec.settings
    if recipe is None or defaults is None:  # settings that do not fit: what is wrong is said here
        entry, task = find_model(spec.model), find_task(spec.task)
        recipe, defaults = complete_settings(entry, task, named), complete_settings(entry, task, {})
    departures = [Departure(group, name, "none") for group, name in spec.components.items()]
    ours: dict[str, Any] = {}
    for part, values in recipe.items():
        for name, value in {**defaults[part], **stored[part]}.items():
            setting = f"{part}.{name}"
            departs = name not in values or canonical_json(value) != canonical_json(values[name])
            if setting not in preset["unstated"]:
                departures += [Departure(setting, value, values.get(name, "without it"))] if departs else []
            elif departs or name in named[part] or setting in preset["ours"]:
                ours[setting] = value
    return RecipeCheck(departures=tuple(departures), ours=ours)


def _complete_or_none(entry: ModelEntry, task: type[Task[Any]], named: Settings) -> Settings | None:
    try:
        return complete_settings(entry, task, named)
    except GraphLabError:
        return None


def complete_settings(entry: ModelEntry, task: type[Task[Any]], named: Settings) -> Settings:
    """Settings with defaults filled in; of training, those that the task's protocol states."""
    from graphlab.training.config import TrainingConfig

    configs: dict[str, type[Config]] = {"model": entry.config, "task": task.Config, "training": TrainingConfig}
    named = {**named, "training": {**task.training, **named.get("training", {})}}
    return {part: config.parse(named.get(part, {}), where=part).to_json() for part, config in configs.items()}
