"""The data sets that are there, by name."""

from __future__ import annotations

from graphlab.core.registry import Registry

DATASETS = Registry("dataset", "graphlab.data.adapters", "graphlab.datasets", lambda module: module.CARD.variants)
