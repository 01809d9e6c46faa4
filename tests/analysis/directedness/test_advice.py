"""The advice on direction against plain sums over all pairs, and on graphs where it is known."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

import graphlab as gl
from graphlab.analysis.directedness import patterns
from graphlab.analysis.directedness.advice import advise, explained
from graphlab.core.errors import ConfigError, IncompatibleError, InputError


def draw(seed: int, num_nodes: int, density: float):
    random = np.random.default_rng(seed)
    adjacency = (random.random((num_nodes, num_nodes)) < density).astype(np.float32)
    return adjacency, random.integers(-1, 2, num_nodes), random.random(num_nodes) < 0.8


@given(st.integers(0, 10_000), st.integers(2, 12), st.floats(0.05, 0.6))
@settings(deadline=None, max_examples=60)
def test_shares_of_variance_are_those_of_all_pairs(seed, num_nodes, density):
    adjacency, y, labelled = draw(seed, num_nodes, density)
    advice = advise(csr_matrix(adjacency), y, labelled)
    loopless = adjacency * ~np.eye(num_nodes, dtype=bool)
    joined = {
        "AA": loopless @ loopless + (loopless @ loopless).T > 0,
        "AA'": loopless @ loopless.T > 0,
        "A'A": loopless.T @ loopless > 0,
    }
    either = np.maximum(loopless, loopless.T)
    joined["SS"] = either @ either > 0
    kept = labelled & (y >= 0)
    pairs = np.triu(np.outer(kept, kept), 1)
    same = (y[:, None] == y)[pairs].astype(float)
    assert advice.num_labelled == kept.sum()
    for each in advice.evidence:
        indicator = joined[each.pattern][pairs].astype(float)
        assert (each.num_pairs, each.num_same) == (indicator.sum(), (indicator * same).sum())
        constant = not len(same) or np.ptp(indicator) == 0 or np.ptp(same) == 0
        expected = 0.0 if constant else np.corrcoef(indicator, same)[0, 1]
        assert each.correlation == pytest.approx(expected, abs=1e-9)
    kind = sum(joined[name][pairs] * bit for name, bit in (("AA", 1), ("AA'", 2), ("A'A", 4)))
    for value, codes in ((advice.directed, kind), (advice.undirected, joined["SS"][pairs])):
        expected = 0.0
        if len(same) and np.ptp(same):
            means = {code: same[codes == code].mean() for code in np.unique(codes)}
            expected = np.var([means[code] for code in codes]) / np.var(same)
        assert value == pytest.approx(expected, abs=1e-9)
    assert advice.gap >= -1e-12 and len(advice.gaps) == 19
    turned = advise(csr_matrix(adjacency.T), y, labelled)
    assert turned.score == pytest.approx(advice.score, abs=1e-9)


def test_blocks_of_any_size_have_each_joined_pair_once():
    adjacency, _, _ = draw(3, 30, 0.1)
    nodes = np.array([4, 1, 22, 9, 17, 28, 11])
    graph = csr_matrix(adjacency)
    whole, small = (
        [row for block in patterns.two_step_blocks(graph, nodes, budget) for row in zip(*block, strict=True)]
        for budget in (patterns.BUDGET, 1)
    )
    assert sorted(whole) == sorted(small) and len({row[:2] for row in whole}) == len(whole) > 0


def test_two_kinds_explain_the_square_of_the_correlation():
    random = np.random.default_rng(0)
    first, second = random.random(200) < 0.3, random.random(200) < 0.6
    pairs = np.array([(~first).sum(), first.sum()])
    same = np.array([[(second & ~first).sum()], [(second & first).sum()]])
    assert explained(pairs, same)[0] == pytest.approx(np.corrcoef(first, second)[0, 1] ** 2)


def test_a_dial_of_direction_is_read_off():
    noise, all_of_it = (gl.analyze("directedness", f"directed-sbm/direction-{dial}", labels="all") for dial in "01")
    assert not noise.advice.keeps_direction and "no more of the classes than chance" in noise.text
    assert all_of_it.advice.score > 0.95 and all_of_it.advice.keeps_direction
    assert "model it with the direction" in all_of_it.text
    assert len(all_of_it.plot().axes) == 2


def test_a_graph_both_ways_has_no_direction_to_keep():
    found = gl.analyze("directedness", "sbm/undirected-h0.9", labels="all")
    assert found.advice.gap == 0 and not found.advice.keeps_direction and "every edge has its reverse" in found.text


def test_test_classes_are_looked_at_on_request_alone():
    data = gl.load("directed-sbm/direction-1")
    graph = data.graph.clone()
    test = data.split(0).test
    graph.y[test] = 1 - graph.y[test]
    changed = replace(data, graphs=(graph,))
    assert gl.analyze("directedness", data).advice == gl.analyze("directedness", changed).advice
    of_all = [gl.analyze("directedness", each, labels="all").advice for each in (data, changed)]
    assert of_all[0] != of_all[1]


def test_what_cannot_be_asked():
    with pytest.raises(InputError, match="labels cannot be 'test'"):
        gl.analyze("directedness", "directed-sbm/direction-1", labels="test")
    with pytest.raises(ConfigError, match="no option"):
        gl.analyze("directedness", "directed-sbm/direction-1", hops=2)
    with pytest.raises(IncompatibleError, match="no classes of the nodes of one graph"):
        gl.analyze("directedness", "csl")
    empty = nx.DiGraph()
    empty.add_nodes_from((node, {"y": node % 2}) for node in range(10))
    data = gl.dataset(empty, name="empty", target="y", split="random-60/20/20")
    found = gl.analyze("directedness", data)
    assert "has no edges" in found.text and found.summary["score"] == 0
