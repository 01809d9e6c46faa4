"""The ensemble of graph networks: blind to numbering and padding, members that are independent, and what it learns."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Graph
from graphlab.nas.spaces.nas_bench_graph import NasBenchGraph
from graphlab.nas.surrogates.graph_ensemble import Ensemble, batch_of, fit
from tests.nas.small_tables import WORDS, small_table, word

SPACE = NasBenchGraph()


def ensemble(num_labels: int = SPACE.num_labels, members: int = 3) -> Ensemble:
    return Ensemble(num_labels, members, 8, 2, SeedStream(4))


def scores(graphs: list[Graph], network: Ensemble) -> np.ndarray:
    with torch.no_grad():
        return network(batch_of(graphs)).numpy()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_scores_do_not_depend_on_numbering_or_on_the_rest_of_the_batch(seed):
    random = np.random.default_rng(seed)
    graphs = [SPACE.graph(SPACE.sample(random)) for _ in range(4)]
    order = random.permutation(6).tolist()
    moved = [
        Graph(
            tuple(graph.labels[node] for node in order),
            tuple((order.index(a), order.index(b)) for a, b in graph.edges),
        )
        for graph in graphs
    ]
    larger = Graph((0,) * 9, ((0, 1),))
    network = ensemble()
    alone = np.concatenate([scores([graph], network) for graph in graphs], 1)
    np.testing.assert_allclose(scores(moved, network), alone, atol=1e-5)
    np.testing.assert_allclose(scores([*graphs, larger], network)[:, :4], alone, atol=1e-5)


def test_members_do_not_hear_of_each_other():
    network, graphs = ensemble(), [SPACE.graph(SPACE.sample(np.random.default_rng(0)))]
    before = scores(graphs, network)
    with torch.no_grad():
        for weight in network.parameters():
            weight[1] += 1.0
    changed = scores(graphs, network) != before
    assert changed[:, 0].tolist() == [False, True, False]


def test_the_direction_of_an_edge_matters():
    network = ensemble()
    there, back = Graph((1, 2), ((0, 1),)), Graph((1, 2), ((1, 0),))
    assert not np.allclose(scores([there], network), scores([back], network), atol=1e-4)


def test_it_learns_an_order_that_labels_explain():
    table = small_table()
    random = np.random.default_rng(0)
    rows = random.permutation(len(table))
    graphs = [WORDS.graph(table.architectures[row]) for row in rows]
    network = Ensemble(WORDS.num_labels, 3, 16, 2, SeedStream(0))
    fit(network, batch_of(graphs[:60]), table.validation[rows[:60]], 60, 0.02, SeedStream(1))
    assert kendalltau(scores(graphs[60:], network).mean(0), table.validation[rows[60:]])[0] > 0.7


def test_a_word_is_a_star_of_its_letters():
    assert WORDS.graph(word("abcd")) == Graph((0, 1, 6, 11, 16), ((1, 0), (2, 0), (3, 0), (4, 0)))
    assert WORDS.num_labels == 17


def test_a_tree_is_itself_with_its_input_and_its_output():
    values = SPACE.canonical(
        {"link": "0011", "operator_1": "gcn", "operator_2": "gat", "operator_3": "fc", "operator_4": "gin"}
    )
    graph = SPACE.graph(values)
    assert len(graph.labels) == 6
    assert (graph.labels[0], graph.labels[5]) == (9, 10)
    assert max(graph.labels) < SPACE.num_labels
    assert sorted(graph.edges) == [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (3, 5), (4, 5)]
