"""Explanations: the table, the JSON and the picture say the same, and every arrow has its fact's direction."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.patches import FancyArrowPatch

from graphlab.analysis.explanation import Explanation, body, walk_text
from graphlab.core.errors import InputError

FORTH, BACK = ("ann", "mother", "eve", False), ("tom", "father", "eve", True)
LONG = (FORTH, ("eve", "sister", "ida", False), ("tom", "uncle", "ida", True))
FOUND = Explanation(query=("ann", "brother", "tom"), paths=((0.5, (FORTH, BACK)), (0.25, LONG)))


def test_a_step_against_its_fact_is_shown_as_such():
    assert body((FORTH, BACK)) == ("mother", "father⁻¹")
    assert walk_text((FORTH, BACK)) == "ann -mother-> eve <-father- tom"
    assert walk_text(((*BACK[:3], True), (*FORTH[:3], True))) == "eve <-father- tom <-mother- ann"


def test_table_and_json():
    frame = FOUND.df
    assert frame.columns.tolist() == ["rank", "importance", "length", "relations", "path"]
    assert frame["length"].tolist() == [2, 3]
    assert frame["relations"][0] == "mother · father⁻¹"
    shown = FOUND.to_json()
    assert (shown["head"], shown["relation"], shown["tail"]) == FOUND.query
    assert shown["paths"][0]["steps"][1] == {"head": "tom", "relation": "father", "tail": "eve", "inverse": True}


def test_notebooks_get_a_table_and_names_stay_text():
    hostile = Explanation(("<b>", "r", "t"), ((1.0, (("<b>", "<i>", "t", False),)),))
    assert "<b>" not in hostile._repr_html_() and "&lt;i&gt;" in hostile._repr_html_()
    assert "ann -mother-> eve <-father- tom" in repr(FOUND)


def ends(arrow: FancyArrowPatch, places: dict[tuple[float, float], str]) -> tuple[str, str]:
    start, end = arrow._posA_posB  # pyright: ignore[reportAttributeAccessIssue]
    return places[tuple(start)], places[tuple(end)]


def test_the_picture_has_every_fact_once_in_its_own_direction_from_left_to_right():
    (axes,) = FOUND.plot().axes
    places = {
        text.get_position(): text.get_text() for text in axes.texts if text.get_text() in ("ann", "eve", "ida", "tom")
    }
    column = {name: x for (x, _), name in places.items()}
    assert column["ann"] < column["eve"] < column["ida"] < column["tom"]
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    drawn = sorted(ends(arrow, places) for arrow in arrows)
    assert drawn == [("ann", "eve"), ("eve", "ida"), ("tom", "eve"), ("tom", "ida")]
    width = {ends(arrow, places): arrow.get_linewidth() for arrow in arrows}
    assert width["ann", "eve"] == width["tom", "eve"] > width["eve", "ida"] == width["tom", "ida"]
    assert {"mother", "father", "sister", "uncle"} <= {text.get_text() for text in axes.texts}


@pytest.mark.parametrize("paths", [(), ((0.0, (FORTH, BACK)),), ((-0.5, (FORTH, BACK)),)])
def test_nothing_and_nothing_of_importance_are_drawn_too(paths):
    found = Explanation(FOUND.query, paths)
    assert found.plot().render("png")
    assert len(found.df) == len(paths)
    assert found._repr_html_() and repr(found)


def test_a_path_that_ends_where_it_began_is_drawn():
    loop = (("ann", "mother", "eve", False), ("ann", "mother", "eve", True))
    assert Explanation(("ann", "self", "ann"), ((1.0, loop),)).plot().render("svg")


def test_a_fact_about_one_entity_alone_is_an_arc_above_it():
    steps = (FORTH, ("eve", "likes", "eve", False), ("eve", "knows", "eve", True), BACK)
    figure = Explanation(("ann", "brother", "tom"), ((1.0, steps),)).plot()
    figure.render("png")
    (axes,) = figure.axes
    labels = {text.get_text(): text for text in axes.texts}
    tops = [labels[name].get_window_extent() for name in ("eve", "likes", "knows")]
    assert all(low.y1 <= high.y0 for low, high in pairwise(tops)) and tops[-1].y1 < figure.bbox.y1
    paths = [patch.get_path().get_extents() for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(paths) == 4 and all(path.width > 0 for path in paths)


def test_names_are_neither_formulas_nor_cut_off():
    fact = ("$a$", "/film/film/starring./film/performance/$\\actor$", "$b$")
    figure = Explanation(fact, ((1.0, ((*fact, False),)),)).plot()
    figure.render("png")
    (axes,) = figure.axes
    title = axes.get_title(loc="left")
    assert title == f"Paths behind ({', '.join(fact)})"
    extent = axes._left_title.get_window_extent()  # pyright: ignore[reportAttributeAccessIssue]
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1


def test_equal_pictures_are_equal_bytes_and_are_saved_by_ending(tmp_path):
    assert FOUND.plot().render("svg") == FOUND.plot().render("svg")
    for form, beginning in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert FOUND.plot().save(tmp_path / f"paths.{form}").read_bytes().startswith(beginning)
    with pytest.raises(InputError, match="cannot draw into"):
        FOUND.plot().save(tmp_path / "paths.doc")
    with pytest.raises(InputError, match="cannot write"):
        FOUND.plot().save(tmp_path / "paths.svg" / "paths.svg")
