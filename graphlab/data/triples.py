"""Text files of (head, relation, tail), and the worlds that knowledge graphs are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import DataError

Triple = tuple[str, str, str]


def read_triples(path: Path) -> list[Triple]:
    """Tab-separated head, relation, tail, one triple a line.

    Raises DataError naming the line that is not so.
    """
    triples: list[Triple] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
        words = line.split("\t")
        if len(words) != 3:
            raise DataError(f"{path}:{number} has {len(words)} columns, not head, relation and tail")
        triples.append((words[0], words[1], words[2]))
    return triples


def vocabulary(*parts: Iterable[Triple]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The entities and the relations of triples, each in sorted order: position is id."""
    entities: set[str] = set()
    relations: set[str] = set()
    for part in parts:
        for head, relation, tail in part:
            entities.update((head, tail))
            relations.add(relation)
    return tuple(sorted(entities)), tuple(sorted(relations))


def encode(triples: list[Triple], entities: tuple[str, ...], relations: tuple[str, ...]) -> Tensor:
    """Triples of ids, int64 `[n, 3]`."""
    entity, relation = _ids(entities), _ids(relations)
    rows = [(entity[h], relation[r], entity[t]) for h, r, t in triples]
    return torch.from_numpy(np.array(rows, dtype=np.int64).reshape(-1, 3))


def _ids(names: tuple[str, ...]) -> Mapping[str, int]:
    return {name: position for position, name in enumerate(names)}


def world(num_entities: int, facts: Tensor, known: Tensor) -> Data:
    """One knowledge graph: `facts` to pass messages over, and everything `known` to be true; both `[n, 3]`."""
    return Data(
        num_nodes=num_entities,
        edge_index=facts[:, [0, 2]].t().contiguous(),
        edge_type=facts[:, 1].contiguous(),
        known_triples=known,
    )


def named_world(parts: list[list[Triple]], relations: tuple[str, ...]) -> tuple[Data, tuple[str, ...], list[Tensor]]:
    """A world over its own entities, the first part being its facts; the entities' names; the parts as ids."""
    entities, _ = vocabulary(*parts)
    encoded = [encode(part, entities, relations) for part in parts]
    return world(len(entities), facts=encoded[0], known=torch.cat(encoded)), entities, encoded
