"""Text files of (head, relation, tail), and the worlds that knowledge graphs are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.data.text import alike, read_table, require_distinct

Triple = tuple[str, str, str]


def read_triples(path: Path) -> list[Triple]:
    """The triples of one file; see `read_parts`."""
    return read_parts([path])[0]


def read_parts(paths: Sequence[Path]) -> list[list[Triple]]:
    """The triples of each file of one data set: head, relation, tail between tabs, one triple a line.

    Raises:
        DataError: a file is not so, with the line; or two names differ by blanks or Unicode normal form alone.
    """
    pool: dict[str, str] = {}
    tables = (read_table(path, ("head", "relation", "tail"), pool=pool) for path in paths)
    parts = [cast(list[Triple], rows) for rows in tables]
    if alike(pool):  # an entity and a relation may be
        for names in _names(parts):
            require_distinct(paths, names)
    return parts


def vocabulary(*parts: Collection[Triple]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The entities and the relations of triples, each in sorted order: position is id."""
    entities, relations = _names(parts)
    return tuple(sorted(entities)), tuple(sorted(relations))


def encode(triples: Sequence[Triple], entities: tuple[str, ...], relations: tuple[str, ...]) -> Tensor:
    """Triples of ids, int64 `[n, 3]`."""
    ids = torch.empty(len(triples), 3, dtype=torch.int64)
    place_of_entity, place_of_relation = _ids(entities), _ids(relations)
    for column, place in enumerate((place_of_entity, place_of_relation, place_of_entity)):
        names = [row[column] for row in triples]
        ids[:, column] = torch.from_numpy(np.fromiter(map(place.__getitem__, names), np.int64, len(names)))
    return ids


def _names(parts: Iterable[Collection[Triple]]) -> tuple[set[str], set[str]]:
    """The entities and the relations of triples."""
    entities, relations = set[str](), set[str]()
    for part in parts:
        for column, names in enumerate((entities, relations, entities)):
            names.update([row[column] for row in part])
    return entities, relations


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
