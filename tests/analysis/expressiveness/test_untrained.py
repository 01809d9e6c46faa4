"""Untrained networks over pairs: what their class can tell, and nothing that is rounding."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

import graphlab as gl
from graphlab.analysis.expressiveness.untrained import (
    ROUNDING,
    UntrainedDiscrimination,
    UntrainedOutcome,
)
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.testing.examples import example

SMALL = {"hidden_dim": 16, "heads": 2, "num_layers": 8, "norm": "layer", "score_scale": 10.0}


def outcome(pair: int, category: str, separated: bool, separable: bool | None, seed: int = 0) -> UntrainedOutcome:
    return UntrainedOutcome(pair, category, seed, separated, 1.0 if separated else 0.0, ROUNDING, separable)


def test_floydnet_tells_apart_what_its_class_can():
    chosen = "Regular,15,17,60,61,62,68:72"
    result = gl.discriminate_untrained("floydnet", "hard-pairs", pairs=chosen, seeds=2, **SMALL)
    assert result.test == "FWL(2)" and {row.seed for row in result.rows} == {0, 1}
    assert [row.separated for row in result.rows] == [row.separable for row in result.rows]
    assert {row.separated for row in result.rows} == {True, False}


def test_message_passing_tells_nothing_apart_that_refinement_cannot():
    result = gl.discriminate_untrained("gin", "hard-pairs", hidden_dim=16, num_layers=3)
    assert result.test == "1-WL" and not any(row.separated or row.separable for row in result.rows)
    assert all(row.gap < 10 * row.noise and row.noise >= ROUNDING for row in result.rows)


def test_a_graph_is_not_told_apart_from_a_copy_of_itself():
    data = example("pairs")
    graph, place = (
        data.graphs[0],
        torch.randperm(int(data.graphs[0].num_nodes), generator=torch.Generator().manual_seed(3)),
    )
    copied = graph.clone()
    copied.x = torch.empty_like(graph.x)
    copied.x[place], copied.edge_index = graph.x, place[graph.edge_index]
    twins = replace(data, graphs=(graph, copied, *data.graphs[2:]))
    result = gl.discriminate_untrained("floydnet", twins, **SMALL)
    assert [row.separated for row in result.rows] == [False, True, True, True, True, True]


def test_a_result_depends_on_the_seed_of_the_weights_alone():
    whole = gl.discriminate_untrained("floydnet", "hard-pairs", pairs=[2, 0, 1], seeds=[3], **SMALL)
    (alone,) = gl.discriminate_untrained("floydnet", "hard-pairs", pairs=[0], seeds=[3], **SMALL).rows
    assert [row.pair for row in whole.rows] == [2, 0, 1] and whole.rows[1] == alone


def test_the_table_counts_by_category_what_is_told_and_what_is_beyond():
    rows = (
        outcome(0, "Basic", True, True),
        outcome(1, "Basic", True, False),
        outcome(2, "CFI", False, True),
    )
    result = UntrainedDiscrimination("m", "d", "FWL(2)", rows)
    assert result.table().drop(columns="seed").to_numpy().tolist() == [
        ["Basic", 2, 2, 1, 1],
        ["CFI", 1, 0, 1, 0],
        ["total", 3, 2, 2, 1],
    ]
    assert "tells apart 2; FWL(2), which bounds it, 2 (so that 1 verdicts are rounding)" in result.text
    assert "<table" in result._repr_html_() and "CFI" in repr(result)
    assert json.loads(json.dumps(result.to_json()))["pairs"][2]["pair"] == 2
    unbounded = UntrainedDiscrimination("m", "d", None, (outcome(0, "total", True, None),))
    assert list(unbounded.table().columns) == ["seed", "category", "pairs", "separated"] and len(unbounded.df) == 1


def test_requests_that_cannot_be_met():
    with pytest.raises(IncompatibleError, match="no pairs"):
        gl.discriminate_untrained("gin", "csl")
    for copies in (1, 2.0, True):
        with pytest.raises(InputError, match="copies show no rounding"):
            gl.discriminate_untrained("gin", "hard-pairs", copies=copies)
    with pytest.raises(InputError, match="there is no pair 99"):
        gl.discriminate_untrained("gin", "hard-pairs", pairs=[99])


@pytest.mark.slow
@pytest.mark.real_data
def test_untrained_floydnet_on_brec():
    """Pairs of all kinds, easy ones and those of CFI that FWL(2) can tell, and no other."""
    deep = {**SMALL, "num_layers": 16, "score_scale": 50.0}
    result = gl.discriminate_untrained("floydnet", pairs="0:4,60:64,110:112,160:164,265,278,291,360,381", **deep)
    assert [row.separated for row in result.rows] == [row.separable for row in result.rows]
