"""Settings as a command line says them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from graphlab.core.errors import ConfigError


def parse_setting(text: str) -> tuple[str, Any]:
    """`key=value` of the command line, the value read as JSON where it is JSON and as YAML where not; None is null."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"cannot read setting {text!r}", hint="write key=value, as in --set model.hidden_dim=64")
    if value.strip() == "None":
        return key.strip(), None
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        pass
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"cannot read the value of {text!r}", hint="quote it as YAML or JSON") from None


def parse_settings(
    texts: Iterable[str] | None, parse: Callable[[str], tuple[str, Any]] = parse_setting
) -> dict[str, Any]:
    """The settings of a command line, each as `parse` reads it. Raises ConfigError where one is said twice."""
    settings: dict[str, Any] = {}
    for key, value in map(parse, texts or ()):
        if key in settings:
            hint = "say each setting once"
            raise ConfigError(f"{key} is said twice, as {settings[key]!r} and as {value!r}", hint=hint)
        settings[key] = value
    return settings
