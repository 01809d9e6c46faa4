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


def find_card(found: Registered) -> Card:
    """The card of a registered data set's family, from the index where it has it."""
    return card_of(_declared(found)["card"]) if index.is_available() else found.module.CARD


def find_version(found: Registered) -> int:
    """The `VERSION` of a registered data set's adapter, from the index where it has it."""
    return _declared(found)["version"]


def _declared(found: Registered) -> dict[str, Any]:
    def declared(family: str) -> dict[str, Any]:
        module = DATASETS.module(family)
        return {"card": asdict(module.CARD), "version": getattr(module, "VERSION", 1)}

    return index.entry("adapters", found.family, declared, lambda: DATASETS.families)
