"""A configuration as a table: of each setting the default, what is allowed, where a search looks, and what it means."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from graphlab.core.config import Choices, Config, FloatRange, IntRange, Range, search_space

BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
KINDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "none", "string": "text"}


def settings_table(config: type[Config]) -> list[dict[str, str]]:
    """A row a field, in order of declaration: setting, default, allowed, searched, meaning; all of it text.

    Meanings are read off the docstrings of the class and its bases, which have lines of a name, two spaces and a text.
    """
    schema = config.model_json_schema()["properties"] if config.model_fields else {}
    ranges, meanings = search_space(config), _meanings(config)
    return [
        {
            "setting": name,
            "default": str(field.default),
            "allowed": _allowed(schema[name]),
            "searched": _searched(ranges[name]) if name in ranges else "",
            "meaning": meanings.get(name, ""),
        }
        for name, field in config.model_fields.items()
    ]


def _allowed(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_allowed(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        items = [schema["items"]] if "items" in schema else schema.get("prefixItems", [])[:1]
        return "list of " + _allowed(items[0]) if items else "list"
    bounds = [f"{sign} {schema[bound]:g}" for bound, sign in BOUNDS.items() if bound in schema]
    return " ".join([KINDS.get(schema.get("type", ""), "value"), ", ".join(bounds)]).strip()


def _searched(found: Range) -> str:
    match found:
        case Choices(options):
            return ", ".join(map(str, options))
        case IntRange(low, high, log) | FloatRange(low, high, log):
            return f"{low:g} to {high:g}" + (", log" if log else "")


def _meanings(config: type[Config]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(config.__mro__):
        if not issubclass(cls, Config) or cls is Config:
            continue
        names: list[str] = []
        for line in inspect.cleandoc(cls.__dict__.get("__doc__") or "").splitlines():
            if start := re.match(r"(\w+(?:, \w+)*) {2,}(\S.*)", line):
                names = start[1].split(", ")
                found |= dict.fromkeys(names, start[2])
            elif line.startswith("  ") and names:
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
            else:
                names = []
    return found
