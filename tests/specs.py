"""Specs with another output."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphlab.data.spec import DataSpec


def with_output(spec: DataSpec, **changes: Any) -> DataSpec:
    """The spec with other fields of its output."""
    others = tuple(target for target in spec.targets if target is not spec.output)
    return replace(spec, targets=(replace(spec.output, **changes), *others))
