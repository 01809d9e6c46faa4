"""Links divided into parts: the graphs of the truth packs and random ones."""

from __future__ import annotations

import numpy as np

from graphlab.analysis.topology.parts import LinkParts

PACKS = ("karate", "tortoise_fi", "sbm300")
PARTS = {"train": "train", "validation": "val", "test": "test"}
"""Our names of the parts, and those of the packs."""


def parts_of(pack) -> LinkParts:
    edges = (pack[f"{name}_edge"] for name in PARTS.values())
    return LinkParts.of_links(int(pack["num_nodes"]), *edges)


def random_parts(size: int, probability: float, seed: int, held_out: float = 0.3) -> LinkParts:
    """Each pair is a link with a probability; some of the links are held out."""
    random = np.random.default_rng(seed)
    pairs = np.stack(np.triu_indices(size, 1), axis=1)
    links = pairs[random.random(len(pairs)) < probability]
    where = random.random(len(links))
    bounds = [where >= held_out, where < held_out / 2, (where >= held_out / 2) & (where < held_out)]
    return LinkParts.of_links(size, *(links[each] for each in bounds))
