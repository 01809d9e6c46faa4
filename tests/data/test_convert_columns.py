"""Lines of edge lists, classes and labels, as they are read."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from graphlab.core.errors import DataError, InputError
from graphlab.data.convert import dataset
from graphlab.data.convert.columns import read_classes
from graphlab.data.convert.frames import read_rows


@pytest.mark.parametrize("text", ["3 2\na b\nb c\n", "5 4\n1 2\n2 3\n3 1\n2 5\n", "9 4\n1 2\n2 3\n3 1\n2 5\n"])
def test_a_line_of_counts_is_no_edge(text, tmp_path):
    """It had made two nodes more and an edge between them."""
    path = tmp_path / "edges.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=":1 is a count of nodes and edges") as caught:
        read_rows(path)
    assert caught.value.hint and "sed -i 1d edges.txt" in caught.value.hint


def test_a_first_edge_of_numbers_is_an_edge(tmp_path):
    for lines in ("0 3", "0 1", "1 2", "2 0"), ("1 2",), ("2 1", "1 3"):
        path = tmp_path / "edges.txt"
        path.write_text("\n".join(lines))
        assert len(read_rows(path)) == len(lines)


def test_classes_may_be_of_numpy_and_are_not_empty():
    classes, names = read_classes("classes", [np.bool_(True), False, None, np.float32("nan"), float("nan")])
    assert classes.tolist() == [1, 0, -1, -1, -1] and names == ("0", "1")
    with pytest.raises(InputError, match="empty text 2 times"):
        read_classes("classes", ["a", "", " "])


def test_labels_of_many_nodes_are_read_at_once():
    """The time had grown with the square of their number: 1.5 s for 8,000."""
    size = 30_000
    edges = pd.DataFrame({"u": range(size), "v": [(k + 1) % size for k in range(size)]})
    start = time.perf_counter()
    dataset(edges, directed=False, labels={k: k % 3 for k in range(size)}, split="random-60/20/20")
    assert time.perf_counter() - start < 5
