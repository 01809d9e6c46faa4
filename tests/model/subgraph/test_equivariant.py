"""Equivariant maps against sums over entries: there are as many as there can be, and each commutes with renaming."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from graphlab.core.seeds import SeedStream
from graphlab.model.subgraph.equivariant import Matrices, ToMatrices, ToNumbers, ToVectors
from graphlab.model.subgraph.tuples import AllPairs

SIZE = 4
KINDS = {ToMatrices: 15, ToVectors: 5, ToNumbers: 2}


def matrices(*sizes, limits=()):
    ptr = torch.tensor([0, *sizes]).cumsum(0)
    return Matrices(AllPairs(ptr, torch.zeros(2, 0, dtype=torch.int64), None), limits)


def operators(kind):
    """The matrix of each map on the 16 entries of one 4 x 4 matrix, `[maps, outputs, 16]`."""
    given, layer = matrices(SIZE), kind(1, 1).double()
    out = []
    for weight in layer.parameters():
        for k in range(weight.numel()):
            for other in layer.parameters():
                other.data.zero_()
            weight.data.view(-1)[k] = 1
            unit = torch.eye(SIZE**2, dtype=torch.float64)
            out.append(torch.stack([layer(given, column.view(-1, 1)).flatten().detach() for column in unit], dim=1))
    return torch.stack(out)


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_as_many_independent_maps_as_can_be(kind):
    found = operators(kind)
    assert len(found) == KINDS[kind]
    assert torch.linalg.matrix_rank(found.flatten(1)) == KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_map_commutes_with_renaming(kind):
    found = operators(kind)
    for order in permutations(range(SIZE)):
        rename = torch.eye(SIZE, dtype=torch.float64)[list(order)]
        pairs = torch.kron(rename, rename)
        after = {ToMatrices: pairs, ToVectors: rename, ToNumbers: torch.eye(1).double()}[kind]
        torch.testing.assert_close(after @ found, found @ pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_matrices_are_mapped_by_the_weights_of_their_bucket(kind):
    SeedStream(0).seed_torch()
    layer, sizes = kind(3, 2).double(), (2, 5, 1, 9, 4)
    h = torch.randn(sum(n * n for n in sizes), 2, dtype=torch.float64)
    together = layer(matrices(*sizes, limits=(2, 5)), h)
    alone = [
        layer(matrices(n, limits=(2, 5)), part) for n, part in zip(sizes, h.split([n * n for n in sizes]), strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone))
    for bucket, n in enumerate((2, 4, 9)):
        one = kind(1, 2).double()
        for parameter, source in zip(one.parameters(), layer.parameters(), strict=True):
            parameter.data.copy_(source.data[bucket : bucket + 1])
        given = torch.randn(n * n, 2, dtype=torch.float64)
        torch.testing.assert_close(one(matrices(n), given), layer(matrices(n, limits=(2, 5)), given))
