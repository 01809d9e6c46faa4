"""graph6 against networkx, and lines that are none."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.core.errors import DataError
from graphlab.data.graph6 import decode, encode, plain_graph, read_graph6


@given(size=st.integers(0, 70), density=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_both_directions_equal_networkx(size, density, seed):
    upper = np.triu(np.random.default_rng(seed).random((size, size)) < density, k=1)
    adjacency = upper | upper.T
    line = nx.to_graph6_bytes(nx.from_numpy_array(adjacency), header=False).strip()
    assert encode(adjacency).encode() == line
    assert np.array_equal(decode(line), adjacency)


@given(size=st.integers(0, 70), density=st.floats(0, 1), seed=st.integers(0, 2**32 - 1), header=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_networkx_writes_is_read_as_bytes_and_as_text(size, density, seed, header):
    graph = nx.gnp_random_graph(size, density, seed=seed)
    written = nx.to_graph6_bytes(graph, header=header)
    assert written.startswith(b">>graph6<<") == header and written.endswith(b"\n")
    adjacency = nx.to_numpy_array(graph).astype(bool).reshape(size, size)
    for form in (written, written.decode(), written.replace(b"\n", b"\r\n"), written.rstrip()):
        assert np.array_equal(decode(form), adjacency)


def test_a_file_with_its_header_is_read(tmp_path):
    path = tmp_path / "some.g6"
    nx.write_graph6(nx.petersen_graph(), path)
    (adjacency,) = read_graph6(path)
    assert adjacency.sum() == 30 and path.read_bytes().startswith(b">>graph6<<")


@pytest.mark.parametrize(
    "line", [b"", b"D", b"DQ", b"DQcc", b"D Qc", b"~", b"~??", b"~~??????", b"D\x7fc", b">>sparse6<<:An", b">>graph6<<"]
)
def test_other_lines_are_refused(line):
    with pytest.raises(DataError, match="no graph6"):
        decode(line)


def test_the_line_of_a_file_is_named(tmp_path):
    path = tmp_path / "some.g6"
    path.write_bytes(b"DQc\nDQc\nD?\n")
    with pytest.raises(DataError, match=r"some\.g6:3: no graph6"):
        read_graph6(path)


def test_plain_graph_has_both_directions_of_each_edge():
    graph = plain_graph(decode(b"DQc"))
    assert graph.num_nodes == 5 and graph.is_undirected() and graph.x.flatten().tolist() == [1.0] * 5
    assert graph.num_edges == 2 * nx.from_graph6_bytes(b"DQc").number_of_edges()
