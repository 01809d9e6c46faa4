"""The models and transforms that are there, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import GraphLabError, IncompatibleError
from graphlab.core.registry import ClassRegistry, Registry
from graphlab.data.spec import DataSpec

if TYPE_CHECKING:
    from torch import nn

    from graphlab.model.base import Model, ModelConfig, Preset
    from graphlab.model.transform import LearnerTransform
    from graphlab.model.weight_format import WeightFormat


def _classes(module: ModuleType) -> dict[str, type[Model]]:
    """The models a file defines, by variant, in order of definition."""
    from graphlab.model.base import Model

    return {
        value.variant: value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Model) and value.__module__ == module.__name__
    }


def _variants(module: ModuleType) -> tuple[str, ...]:
    return tuple(variant for variant in _classes(module) if variant)


MODELS = Registry("model", "graphlab.model.zoo", "graphlab.models", _variants)

TRANSFORMS: ClassRegistry[LearnerTransform] = ClassRegistry(
    "transform", "graphlab.model.transforms", "graphlab.transforms", "graphlab.model.transform:LearnerTransform"
)

WEIGHT_FORMATS: ClassRegistry[WeightFormat] = ClassRegistry(
    "weight-format",
    "graphlab.model.weight_formats",
    "graphlab.weight_formats",
    "graphlab.model.weight_format:WeightFormat",
)


@dataclass(frozen=True)
class ModelEntry:
    """A model's class with its Config and the recipes published for it. `code` is the digest of the text of a plain
    module that a user has given."""

    name: str
    cls: type[Model]
    config: type[ModelConfig]
    presets: Mapping[str, Preset]
    code: str = ""

    def build(self, spec: DataSpec, config: ModelConfig) -> Model:
        return self.cls(config, spec)  # pyright: ignore[reportCallIssue]

    def check(self, spec: DataSpec, config: ModelConfig, complete: Callable[[Model, DataSpec], nn.Module]) -> None:
        """See that a model, and what `complete` makes of it, can be built for data of a spec.

        Nothing is allocated where constructors can do without numbers. Raises as building does.
        """
        import torch

        try:
            with torch.device("meta"):
                complete(self.build(spec, config), spec)
        except GraphLabError:
            raise
        except Exception:  # a constructor that reads numbers of tensors
            complete(self.build(spec, config), spec)

    def preset_for(self, dataset: str, family: str, task: str) -> Preset | None:
        """The recipe for a data set, else for its family, else for its task."""
        key = preset_key(self.presets, dataset, family, task)
        return None if key is None else self.presets[key]

    def require_task(self, task: str, abilities: frozenset[str]) -> None:
        """Raises IncompatibleError for a model that has none of the abilities that a task asks for."""
        if not abilities & self.cls.tasks:
            raise IncompatibleError(
                f"{self.name} does {', '.join(sorted(self.cls.tasks))}, not {task}",
                hint="graphlab models lists which model does what",
            )


def preset_key(presets: Collection[str], dataset: str, family: str, task: str) -> str | None:
    """Under which name the recipe for a data set stands, else that for its family, else for its task."""
    return next((key for key in (dataset, dataset.partition("@")[0], family, task) if key in presets), None)


OWN_MODELS: dict[str, ModelEntry] = {}
"""Plain modules that this process was given or has loaded from a store, by name; see `graphlab.model.own`."""


def find_model(name: str) -> ModelEntry:
    """Look a model up by name. Raises UnknownNameError with the nearest names."""
    if isinstance(name, str) and name in OWN_MODELS:
        return OWN_MODELS[name]
    registered = MODELS.resolve(name)
    cls = _classes(registered.module)[registered.variant]
    return ModelEntry(
        name=registered.name,
        cls=cls,
        config=registered.module.Config,
        presets={**getattr(registered.module, "PRESETS", {}), **cls.presets},
    )


def build_model(name: str, spec: DataSpec, settings: Mapping[str, Any]) -> Model:
    """A model from its name, a spec and the settings that differ from its defaults."""
    entry = find_model(name)
    return entry.build(spec, entry.config.parse(settings, where=entry.name))
