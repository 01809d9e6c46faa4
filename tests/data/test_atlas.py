"""The atlas has as many connected graphs of each size as there are (sequence A001349), in order."""

from __future__ import annotations

from collections import Counter

from graphlab.data.load import load


def test_numbers_of_connected_graphs_by_size():
    sizes = [graph.num_nodes for graph in load("atlas").graphs]
    assert Counter(sizes) == {2: 1, 3: 2, 4: 6, 5: 21, 6: 112, 7: 853} and sizes == sorted(sizes)
