"""The space that a model's Config declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab.core.config import search_space
from graphlab.core.errors import ConfigError, InputError
from graphlab.model.registry import find_model
from graphlab.nas.space import Decision, Space
from graphlab.training.config import TrainingConfig

TRAINING = ("lr", "weight_decay")
"""Settings of training that are searched with a model's own."""


class SettingsSpace(Space):
    """Every setting of a model that has a range, and with it the learning rate and weight decay.

    Raises UnknownNameError for a model that is not there, InputError for one without settings that have ranges.
    """

    def __init__(self, model: str) -> None:
        entry = find_model(model)
        ranges = search_space(entry.config)
        if not ranges:
            raise InputError(f"the settings of {entry.name} have no ranges to search", hint="see graphlab models")
        self.name = self.model = entry.name
        training = search_space(TrainingConfig)
        of_training = {f"training.{name}": training[name] for name in TRAINING}
        ranges |= of_training
        self._config, self._of_training = entry.config, of_training.keys()
        self.decisions = tuple(Decision(name, found, name) for name, found in ranges.items())

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        """Some settings do not go together, as a width that so many heads cannot share."""
        own = {name: value for name, value in values.items() if name not in self._of_training}
        try:
            self._config.parse(own, where=self.model)
        except ConfigError:
            return False
        return True

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return self.model, dict(values)
