"""The probes that are there, by name."""

from __future__ import annotations

from graphlab.core.registry import Registry

PROBES = Registry("probe", "graphlab.analysis.probes", "graphlab.probes", lambda module: ())
