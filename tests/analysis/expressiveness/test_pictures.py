"""Pictures hold as many colours as there are, and say when there is nothing to be drawn."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from graphlab.analysis.expressiveness import TESTS, compare, determine
from graphlab.core.errors import InputError

HEXAGON = nx.cycle_graph(6)
TRIANGLES = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))


def colours(image):
    return {tuple(row) for row in np.asarray(image).reshape(-1, np.asarray(image).shape[-1]).tolist()}


def test_nodes_of_a_regular_graph_have_one_colour_and_by_distances_one_each():
    found = compare(HEXAGON, TRIANGLES)
    for test, shared in (("1-WL", True), ("SPD-WL", False)):
        drawn = [colours(axes.collections[-1].get_facecolors()) for axes in found.plot(test).axes]
        assert [len(one) for one in drawn] == [1, 1]
        assert (drawn[0] == drawn[1]) == shared


def test_pairs_are_a_matrix_whose_colours_are_those_of_the_round():
    found = compare(HEXAGON, TRIANGLES)
    before, after = (found.plot("SWL(VS)", after=t) for t in (0, found.stable["SWL(VS)"]))
    matrices = [axes.images[0].get_array() for axes in before.axes]
    assert [len(colours(matrix)) for matrix in matrices] == [2, 2] and colours(matrices[0]) == colours(matrices[1])
    stable = [colours(axes.images[0].get_array()) for axes in after.axes]
    assert [len(one) for one in stable] == [4, 3] and stable[0] != stable[1]
    assert "the colours differ" in after.get_suptitle() and "the same colours" in before.get_suptitle()
    assert "4 colours" in after.axes[0].get_title(loc="left")


@pytest.mark.parametrize("asked", ["1-WL", "FWL(2)"])
@pytest.mark.parametrize("named", ["FWL(2)", "fwl(2)", TESTS["FWL(2)"]])
def test_stable_colours_are_drawn_however_the_test_is_named_and_if_nobody_asked_it(asked, named):
    assert "FWL(2) after 2 rounds: the colours differ" in compare(HEXAGON, TRIANGLES, asked).plot(named).get_suptitle()


def test_the_legend_says_what_there_is_of_shared_and_own_colours():
    found = compare(nx.path_graph(4), nx.star_graph(3))
    for test, after, expected in (
        ("1-WL", 0, ["colours of both graphs"]),
        ("1-WL", 1, ["colours of both graphs", "colours of one alone"]),
        ("FWL(2)", None, ["colours of one alone"]),
    ):
        figure = found.plot(test, after)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == expected
        assert figure.render("png")


@pytest.mark.parametrize("of", ["cut vertex", "resistance"])
def test_nothing_that_is_written_is_cut_off(of):
    found = determine([nx.cycle_graph(6), nx.wheel_graph(7), nx.windmill_graph(2, 4)], "1-WL", of)
    for figure in (found.plot(), found.witness("1-WL", of).plot()):
        figure.render("png")
        written = [*figure.axes[0].texts, figure.axes[0].xaxis.label, *figure.texts]
        written += [text for legend in figure.legends for text in legend.get_texts()]
        for text in written:
            extent = text.get_window_extent()
            assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y0 >= 0 and extent.y1 <= figure.bbox.y1


def test_a_picture_is_a_file_of_its_own_name(tmp_path):
    assert compare(HEXAGON, TRIANGLES).plot("FWL(2)").save(tmp_path / "pairs.svg").stat().st_size > 1000


def test_triples_and_large_graphs_are_not_drawn():
    with pytest.raises(InputError, match="triples"):
        compare(HEXAGON, TRIANGLES, "FWL(3)").plot("FWL(3)")
    with pytest.raises(InputError, match="200 nodes"):
        compare(nx.path_graph(201), nx.path_graph(201), "1-WL").plot("1-WL")
    with pytest.raises(InputError, match="without nodes"):
        compare(nx.empty_graph(0), nx.path_graph(2)).plot("1-WL")
    for rounds in (-1, "2", 1.5):
        with pytest.raises(InputError, match="rounds"):
            compare(HEXAGON, TRIANGLES).plot("1-WL", after=rounds)
