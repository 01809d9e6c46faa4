"""The data sets and pre-transforms that are there, by name."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from graphlab.core import index
from graphlab.core.registry import ClassRegistry, Registered, Registry
from graphlab.data.card import Card, card_of

if TYPE_CHECKING:
    from graphlab.data.pre_transform import PreTransform

DATASETS = Registry("dataset", "graphlab.data.adapters", "graphlab.datasets", lambda module: module.CARD.variants)

PRE_TRANSFORMS: ClassRegistry[PreTransform] = ClassRegistry(
    "pre-transform",
    "graphlab.data.pre_transforms",
    "graphlab.pre_transforms",
    "graphlab.data.pre_transform:PreTransform",
)


def find_card(adapter: Registered) -> Card:
    """The card of a registered data set's family, from the index where it has it."""
    return card_of(_declared(adapter)["card"]) if index.is_available() else adapter.module.CARD


def find_version(adapter: Registered) -> int:
    """The `VERSION` of a registered data set's adapter, from the index where it has it."""
    return _declared(adapter)["version"]


def _declared(adapter: Registered) -> dict[str, Any]:
    def declared(family: str) -> dict[str, Any]:
        module = DATASETS.module(family)
        return {"card": asdict(module.CARD), "version": getattr(module, "VERSION", 1)}

    return index.entry("adapters", adapter.family, declared, lambda: DATASETS.families)
