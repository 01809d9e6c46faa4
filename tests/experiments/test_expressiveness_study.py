"""What the study of expressiveness keeps: its witnesses are found again from their names alone."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from graphlab.analysis.expressiveness import HIERARCHY, compare
from graphlab.data.generators.cfi import cfi_pair
from tests.docs.blocks import ROOT

STUDY = json.loads((ROOT / "experiments" / "results" / "studies" / "expressiveness.json").read_text())
EDGES = STUDY["hierarchy"]["edges"]
MADE = [edge for edge in EDGES if edge["witness"].startswith("CFI graphs of ")]


def test_the_hierarchy_is_strict_and_complete():
    assert [(edge["weaker"], edge["stronger"]) for edge in EDGES] == [(e.weaker, e.stronger) for e in HIERARCHY]
    assert STUDY["hierarchy"]["strict"] and not any(edge["num_against"] for edge in EDGES)
    assert len(MADE) >= 14


@pytest.mark.parametrize("edge", MADE, ids=lambda edge: f"{edge['weaker']}<{edge['stronger']}")
def test_a_witness_is_told_apart_by_the_stronger_alone(edge):
    base = nx.from_graph6_bytes(edge["witness"].removeprefix("CFI graphs of ").encode())
    first, second = cfi_pair(base)
    assert len(first) == edge["num_nodes"]
    assert compare(first, second, [edge["weaker"], edge["stronger"]]).by == (edge["stronger"],)
