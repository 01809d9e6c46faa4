"""Sketches of neighbourhoods against exact counts, and exact counts against networkx."""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.data.links import both_directions
from graphlab.ops.neighbourhood_sketches import _hashes as hashes
from graphlab.ops.neighbourhood_sketches import _InEdges as InEdges
from graphlab.ops.neighbourhood_sketches import counted, estimated_size, reference, sketched

GRAPH = nx.barabasi_albert_graph(600, 3, seed=1)
N = 600
EDGES = both_directions(torch.tensor(list(GRAPH.edges)))
PAIRS = torch.randint(N, (400, 2), generator=torch.Generator().manual_seed(0))


def ball(node, hops):
    return set(nx.single_source_shortest_path_length(GRAPH, node, cutoff=hops))


def test_exact_counts_are_those_of_networkx():
    exact = counted(EDGES, N, 3)
    for hops in (1, 2, 3):
        assert exact.sizes[hops - 1].tolist() == [len(ball(v, hops)) for v in range(N)]
    for i, j in ((1, 1), (1, 2), (3, 1), (2, 3)):
        expected = [len(ball(u, i) & ball(v, j)) for u, v in PAIRS[:60].tolist()]
        assert exact.shared(i, j, PAIRS[:60]).tolist() == expected


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.uint8])
def test_extremes_are_those_of_the_reference(dtype, largest):
    rows = torch.randint(100, (N, 7), generator=torch.Generator().manual_seed(1)).to(dtype)
    assert torch.equal(InEdges(EDGES, N).extremes(rows, largest=largest), reference(EDGES, rows, largest=largest))


def test_sketches_are_those_of_the_sets():
    """The sketch of a neighbourhood is the extremes over its members' own sketches."""
    least, registers = hashes(N, 16, 5)
    sketches = sketched(EDGES, N, 2, 16, 5)
    for v in range(0, N, 37):
        for hops in (1, 2):
            members = sorted(ball(v, hops))
            assert np.array_equal(sketches.least[hops - 1][v], least[members].min(0))
            assert np.array_equal(sketches.ranks[hops - 1][v], registers[members].max(0))


@pytest.mark.parametrize("precision", [4, 6, 8, 10])
def test_sizes_of_random_sets_have_the_published_error(precision):
    """Sets of 100 to 50,000 members; the error of HyperLogLog is 1.04 / sqrt(m), and less where linear counting is."""
    _, registers = hashes(200_000, 1, precision)
    random, errors = np.random.default_rng(0), []
    for size in (100, 1000, 10_000, 50_000):
        for _ in range(25):
            members = random.choice(200_000, size, replace=False)
            size_of = estimated_size(torch.from_numpy(registers[members].max(0))).item()
            errors.append(size_of / size - 1)
    error = math.sqrt(np.mean(np.square(errors)))
    assert error < 1.3 * 1.04 / math.sqrt(2**precision)


def test_errors_fall_as_one_over_the_root_of_the_size():
    exact = counted(EDGES, N, 2)
    size_errors, shared_errors = [], []
    for num_hashes, precision in ((32, 4), (128, 6), (512, 8), (2048, 10)):
        sketches = sketched(EDGES, N, 2, num_hashes, precision)
        size_errors.append((sketches.sizes[1] / exact.sizes[1] - 1).square().mean().sqrt().item())
        difference = sketches.shared(2, 2, PAIRS) - exact.shared(2, 2, PAIRS)
        shared_errors.append(difference.square().mean().sqrt().item())
    for errors in (size_errors, shared_errors):
        assert all(later < 0.75 * earlier for earlier, later in pairwise(errors)), errors
        assert errors[-1] < errors[0] / 5, errors


def test_shares_of_least_hashes_have_the_error_of_a_mean_of_draws():
    sketches, exact = sketched(EDGES, N, 2, 256, 8), counted(EDGES, N, 2)
    first, second = PAIRS[PAIRS[:, 0] != PAIRS[:, 1]].unbind(1)
    shared = exact.shared(2, 2, torch.stack([first, second], 1))
    jaccard = shared / (exact.sizes[1][first] + exact.sizes[1][second] - shared)
    share = (sketches.least[1][first] == sketches.least[1][second]).float().mean(1)
    spread = (jaccard * (1 - jaccard) / 256).sqrt().clamp(min=1e-3)
    assert 0.8 < ((share - jaccard) / spread).square().mean().sqrt() < 1.2


def test_no_edges():
    empty = torch.zeros(2, 0, dtype=torch.int64)
    sketches, exact = sketched(empty, 4, 2, 64, 8), counted(empty, 4, 2)
    pairs = torch.tensor([[0, 0], [0, 1]])
    assert exact.shared(1, 2, pairs).tolist() == [1, 0]
    torch.testing.assert_close(sketches.shared(1, 2, pairs), torch.tensor([1.0, 0.0]).double(), rtol=0, atol=0.01)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="precision 3"):
        sketched(EDGES, N, 1, 8, 3)
    with pytest.raises(InputError, match="20,001 nodes"):
        counted(EDGES, 20_001, 1)
