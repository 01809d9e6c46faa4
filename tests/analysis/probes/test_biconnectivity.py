"""The probe: its table, its JSON on the command line, and bad questions."""

from __future__ import annotations

import pytest

from graphlab.analysis.expressiveness import PROPERTIES
from graphlab.analysis.probe import analyze
from graphlab.core.errors import IncompatibleError


def test_a_row_a_test_and_a_column_a_property(cli):
    found = analyze("biconnectivity", "hard-pairs")
    assert found.df.columns.tolist() == ["test", *PROPERTIES] and len(found.df) == 12
    assert (found.df.set_index("test").loc["FWL(2)"] == 0).all()
    assert "68 graphs" in repr(found) and "block-cut tree" in found._repr_html_()
    words = (
        "analyze",
        "biconnectivity",
        "hard-pairs",
        "--tests",
        "1-WL,RD-WL",
        "--properties",
        "cut vertex, cut edges",
    )
    printed = cli(*words, "--json").json
    assert printed["probe"] == "biconnectivity" and printed["summary"] == {"num_graphs": 68, "num_nodes": 1642}
    assert list(printed["tests"]) == ["1-WL", "RD-WL"]
    blind = printed["tests"]["1-WL"]["cut vertex"]
    assert blind["of"] == "node" and blind["items"] == 1642 and blind["mixed"] > 0
    assert sorted(item["value"] for item in blind["witness"]) == [0, 1]
    assert printed["tests"]["RD-WL"]["cut edges"]["witness"] is None
    assert "RD-WL" in cli(*words).out


def test_what_is_no_collection_of_graphs_and_unknown_properties_are_bad_input(cli):
    with pytest.raises(IncompatibleError, match="its items are nodes"):
        analyze("biconnectivity", "karate")
    refused = cli("analyze", "biconnectivity", "atlas", "--properties", "cut node", "--json")
    assert refused.code == 2 and refused.json["error"]["kind"] == "unknown-name"
    assert cli("analyze", "biconnectivity", "gin", "--json").json["error"]["kind"] == "unknown-name"


@pytest.mark.slow
@pytest.mark.real_data
def test_graphs_on_8_nodes_bear_the_theorems_out():
    found = analyze("biconnectivity", "graph8c", tests="1-WL,SPD-WL,RD-WL,GSWL", properties="cut vertex, cut edge")
    assert found.df.values.tolist() == [["1-WL", 15, 9], ["SPD-WL", 1, 0], ["RD-WL", 0, 0], ["GSWL", 0, 0]]
