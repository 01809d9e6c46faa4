"""Writes the golden outputs that are new, or of a raised version."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphlab.core.files import write_json
from tests.golden import outputs


def write(name: str, cases: Iterable[str], make: Callable[[str], dict[str, Any]]) -> list[str]:
    """Add outputs to a file; the cases whose stored output of the same versions is another."""
    stored = outputs.read(name)
    refused = []
    for case in cases:
        output = make(case)
        if stored.get(case, {}).get("versions") == output["versions"]:
            if outputs.differences(stored[case]["values"], output["values"]):
                refused.append(case)
            continue
        stored[case] = output
    write_json(outputs.FOLDER / f"{name}.json", dict(sorted(stored.items())))
    return refused


def write_defaults() -> list[str]:
    """Add defaults of new settings and of raised versions; those that have changed under one version."""
    stored: dict[str, dict[str, Any]] = outputs.read("defaults")
    refused = []
    for case, version, values in outputs.default_cases():
        known: Mapping[str, Any] = stored.setdefault(f"{case} {version}", {})
        refused += [f"{case}.{key}" for key in known if known[key] != values.get(key)]
        stored[f"{case} {version}"] = {**values, **known}
    write_json(outputs.FOLDER / "defaults.json", dict(sorted(stored.items())))
    return refused


def write_contents() -> list[str]:
    """Add fingerprints of new data sets and raised versions; the data sets that are others under one version."""
    stored = outputs.read("contents")
    refused = []
    for name in outputs.dataset_cases():
        content, key = outputs.content_of(name), f"{name} {outputs.version_of(name)}"
        if content and stored.setdefault(key, content) != content:
            refused.append(name)
    write_json(outputs.FOLDER / "contents.json", dict(sorted(stored.items())))
    return refused


if __name__ == "__main__":
    changed = write("models", outputs.model_cases(), outputs.model_output)
    changed += write("trainings", outputs.TRAINED, outputs.training_output)
    changed += [*write_defaults(), *write_contents()]
    if changed:
        sys.exit(f"others than before under the same version, and not replaced: {', '.join(changed)}")
