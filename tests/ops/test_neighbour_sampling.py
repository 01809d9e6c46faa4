"""Samples against a plain-Python sampler, the properties that define them, and the law of uniform subsets."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.ops.neighbour_sampling import ALL, InNeighbours, output, reference, sample_neighbours


@st.composite
def problems(draw):
    """A graph with parallel edges, loops and isolated nodes, distinct seeds, fan-outs and a key."""
    num_nodes = draw(st.integers(1, 30))
    node = st.integers(0, num_nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=150))
    seeds = draw(st.lists(node, unique=True, max_size=num_nodes))
    fan_outs = draw(st.lists(st.sampled_from([ALL, 0, 1, 2, 3, 7]), max_size=4))
    edge_index = torch.tensor(edges, dtype=torch.int64).view(-1, 2).T
    return edge_index, num_nodes, torch.tensor(seeds, dtype=torch.int64), fan_outs, draw(st.integers(0, 2**64 - 1))


def sample(problem):
    edge_index, num_nodes, *rest = problem
    return sample_neighbours(InNeighbours(edge_index, num_nodes), *rest)


def assert_same(ours, theirs):
    for name in ("n_id", "edge_index", "e_id"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name)), name
    assert ours.num_sampled_nodes == theirs.num_sampled_nodes
    assert ours.num_sampled_edges == theirs.num_sampled_edges


def edges_of(found):
    """For each node that has in-edges in a sample, their numbers in the whole graph."""
    rows: dict[int, set[int]] = {}
    for target, edge in zip(found.n_id[found.edge_index[1]].tolist(), found.e_id.tolist(), strict=True):
        rows.setdefault(target, set()).add(edge)
    return rows


@given(problems())
@settings(max_examples=80, deadline=None)
def test_the_sample_is_that_of_the_reference_to_the_bit(problem):
    assert_same(sample(problem), reference(*problem))


@given(problems())
@settings(max_examples=80, deadline=None)
def test_a_sample_is_edges_of_the_graph_as_many_as_are_asked_for_and_none_twice(problem):
    edge_index, num_nodes, seeds, fan_outs, _ = problem
    found = sample(problem)
    assert torch.equal(found.n_id[: found.num_seeds], seeds)
    assert len(set(found.n_id.tolist())) == len(found.n_id) == sum(found.num_sampled_nodes)
    assert torch.equal(found.n_id[found.edge_index], edge_index[:, found.e_id])
    assert len(set(found.e_id.tolist())) == len(found.e_id) == sum(found.num_sampled_edges)
    degree = torch.bincount(edge_index[1], minlength=num_nodes)[found.n_id]
    drawn = torch.bincount(found.edge_index[1], minlength=len(found.n_id))
    firsts = torch.tensor([0, *found.num_sampled_nodes]).cumsum(0).tolist()
    for hop, fan_out in enumerate(fan_outs):
        front = slice(firsts[hop], firsts[hop + 1])
        expected = degree[front] if fan_out == ALL else degree[front].clamp(max=fan_out)
        assert torch.equal(drawn[front], expected)
        assert found.num_sampled_edges[hop] == int(expected.sum())
    assert not drawn[firsts[len(fan_outs)] :].any(), "nodes of the last hop are not expanded"


@given(problems(), st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_seeds_renumbers_a_sample_and_changes_nothing_else(problem, random):
    edge_index, num_nodes, seeds, fan_outs, key = problem
    order = list(range(len(seeds)))
    random.shuffle(order)
    found, other = sample(problem), sample((edge_index, num_nodes, seeds[order], fan_outs, key))
    assert set(found.n_id.tolist()) == set(other.n_id.tolist())
    assert edges_of(found) == edges_of(other)


def random_graph(num_nodes, num_edges):
    return torch.randint(num_nodes, (2, num_edges), generator=SeedStream(0).child("graph").torch())


def test_what_a_seed_draws_depends_on_neither_the_other_seeds_nor_what_was_sampled_before():
    neighbours = InNeighbours(random_graph(40, 600), 40)
    alone = {v: edges_of(sample_neighbours(neighbours, torch.tensor([v]), [4], 9))[v] for v in range(40)}
    assert edges_of(sample_neighbours(neighbours, torch.arange(40).flip(0), [4], 9)) == alone
    others = [edges_of(sample_neighbours(neighbours, torch.arange(40), [4], key)) for key in (8, 10)]
    assert alone not in others and others[0] != others[1]


def test_hops_draw_differently_for_a_node():
    neighbours = InNeighbours(torch.stack([torch.arange(1, 101), torch.zeros(100, dtype=torch.int64)]), 102)
    chain = torch.cat([neighbours_edges(neighbours), torch.tensor([[0], [101]])], dim=1)
    longer = InNeighbours(chain, 102)
    first, second = (
        sample_neighbours(longer, torch.tensor([0]), [5], 0),
        sample_neighbours(longer, torch.tensor([101]), [1, 5], 0),
    )
    assert edges_of(first)[0] != edges_of(second)[0]


def neighbours_edges(neighbours):
    target = torch.arange(neighbours.num_nodes).repeat_interleave(torch.from_numpy(neighbours.start).diff())
    return torch.stack([torch.from_numpy(neighbours.source).long(), target])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads):
    neighbours, seeds = InNeighbours(random_graph(3000, 40_000), 3000), torch.arange(0, 3000, 7)
    expected = sample_neighbours(neighbours, seeds, [5, 3], 1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert_same(sample_neighbours(neighbours, seeds, [5, 3], 1), expected)
    finally:
        torch.set_num_threads(before)


def test_calls_at_the_same_time_do_not_disturb_each_other():
    neighbours, seeds = InNeighbours(random_graph(3000, 40_000), 3000), torch.arange(0, 3000, 7)
    expected = [sample_neighbours(neighbours, seeds, [5, 3], key) for key in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for ours, theirs in zip(
            pool.map(lambda key: sample_neighbours(neighbours, seeds, [5, 3], key), range(8)), expected, strict=True
        ):
            assert_same(ours, theirs)


@pytest.mark.parametrize(("degree", "fan_out"), [(6, 1), (6, 2), (6, 5)])
def test_all_subsets_are_equally_likely(degree, fan_out):
    """By a chi-square test over 3,000 nodes of one degree with one key, and over 3,000 keys at one node."""
    nodes = 3000
    target = torch.arange(nodes).repeat_interleave(degree)
    neighbours = InNeighbours(torch.stack([torch.arange(degree).repeat(nodes), target]), nodes)
    by_node = edges_of(sample_neighbours(neighbours, torch.arange(nodes), [fan_out], 5)).items()
    counts = [Counter(tuple(sorted(e - degree * v for e in edges)) for v, edges in by_node)]
    keys = (sample_neighbours(neighbours, torch.tensor([11]), [fan_out], key) for key in range(nodes))
    counts.append(Counter(tuple(sorted((one.e_id - degree * 11).tolist())) for one in keys))
    for seen in counts:
        observed = [seen[subset] for subset in combinations(range(degree), fan_out)]
        assert sum(observed) == nodes
        assert chisquare(observed).pvalue > 1e-3


def test_pairs_of_nodes_draw_independently():
    """Neighbouring nodes, whose streams have neighbouring numbers: all pairs of single draws are equally likely."""
    nodes, degree = 8000, 4
    target = torch.arange(nodes).repeat_interleave(degree)
    neighbours = InNeighbours(torch.stack([torch.zeros_like(target), target]), nodes)
    drawn = sample_neighbours(neighbours, torch.arange(nodes), [1], 3).e_id % degree
    pairs = torch.bincount(drawn[::2] * degree + drawn[1::2], minlength=degree**2)
    assert chisquare(pairs.numpy()).pvalue > 1e-3


def test_the_generator_is_splitmix64():
    """Outputs of the seed 1234567 as in Vigna's reference implementation."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert [output(1234567, i) for i in range(5)] == known


def test_parallel_edges_are_edges_of_their_own_and_a_loop_is_an_edge():
    edge_index = torch.tensor([[1, 1, 0, 2], [0, 0, 0, 1]])
    found = sample_neighbours(InNeighbours(edge_index, 4), torch.tensor([0, 3]), [ALL], 0)
    assert found.n_id.tolist() == [0, 3, 1]
    assert found.edge_index.tolist() == [[2, 2, 0], [0, 0, 0]]
    assert found.e_id.tolist() == [0, 1, 2]
    two = sample_neighbours(InNeighbours(edge_index, 4), torch.tensor([0]), [2], 0)
    assert len(set(two.e_id.tolist())) == 2


def test_no_seeds_no_hops_and_isolated_nodes():
    neighbours = InNeighbours(random_graph(5, 20), 7)
    nothing = sample_neighbours(neighbours, torch.tensor([], dtype=torch.int64), [2, 2], 0)
    assert nothing.num_sampled_nodes == (0, 0, 0) and nothing.num_sampled_edges == (0, 0)
    assert nothing.edge_index.shape == (2, 0) and nothing.edge_index.dtype == torch.int64
    still = sample_neighbours(neighbours, torch.tensor([3, 6]), [], 0)
    assert still.n_id.tolist() == [3, 6] and still.num_sampled_nodes == (2,) and still.edge_index.shape == (2, 0)
    lonely = sample_neighbours(neighbours, torch.tensor([6]), [3, ALL], 0)
    assert lonely.n_id.tolist() == [6] and lonely.num_sampled_nodes == (1, 0, 0)


@given(problems(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_part_holds_all_that_its_seeds_depend_on(problem, data):
    """Every walk against the edges from a seed, of as many edges as there are hops, is the same in both."""
    found = sample(problem)
    if not found.num_seeds:
        return
    own = data.draw(st.lists(st.integers(0, found.num_seeds - 1), unique=True, min_size=1))
    part = found.part(torch.tensor(own))
    assert part.n_id[: len(own)].tolist() == found.n_id[own].tolist()
    whole_rows, part_rows = edges_of(found), edges_of(part)
    front = set(part.n_id[: len(own)].tolist())
    for _ in problem[3]:
        for node in front:
            assert part_rows.get(node) == whole_rows.get(node)
        front = {int(problem[0][0, e]) for node in front for e in part_rows.get(node, ())}
    assert set(part.e_id.tolist()) <= set(found.e_id.tolist())


@pytest.mark.parametrize(
    ("seeds", "fan_outs", "message"),
    [
        ([1, 4, 1], [2], "seed 1 is repeated"),
        ([5], [2], "out of range"),
        ([-1], [2], "out of range"),
        ([1], [2, -2], "negative"),
    ],
)
def test_bad_requests_are_refused_and_leave_nothing_behind(seeds, fan_outs, message):
    neighbours = InNeighbours(random_graph(5, 30), 5)
    expected = sample_neighbours(neighbours, torch.arange(5), [2, 2], 1)
    with pytest.raises(InputError, match=message):
        sample_neighbours(neighbours, torch.tensor(seeds), fan_outs, 0)
    assert_same(sample_neighbours(neighbours, torch.arange(5), [2, 2], 1), expected)


def test_edges_out_of_range_are_refused():
    for bad in (-1, 3):
        with pytest.raises(InputError, match="out of range"):
            InNeighbours(torch.tensor([[0, bad], [1, 2]]), 3)
