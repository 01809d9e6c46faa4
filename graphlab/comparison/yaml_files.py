"""YAML files with plain values only, whose mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from graphlab.core.errors import ConfigError, InputError


class _Loader(yaml.SafeLoader):
    """Plain values; a key given twice is an error, where YAML's own rule is silently to take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    "while reading a mapping", node.start_mark, f"{key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises InputError if the file cannot be read and ConfigError if it is not one YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"cannot read {path}: {reason}", hint="give the path of a YAML file") from error
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{path} is not valid YAML{where}: {getattr(error, 'problem', None) or error}",
            hint="mend the file there",
        ) from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ConfigError(f"{path} does not hold a mapping of names to values", hint="start it with `key: value`")
    return value
