"""`gl.compare`: labels, tables and what cannot be compared."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import graphlab as gl
from graphlab.core.errors import InputError
from graphlab.experiment.runs import Runs
from tests.comparison.records_made import records

GCN = Runs(tuple(records(0.80, 0.82, 0.81)))
MLP = Runs(tuple(records(0.50, 0.55, 0.52, model="mlp")))
WIDE = Runs(tuple(records(0.80, None, 0.83, hidden_dim=64)))


def test_every_pair_has_a_row():
    found = gl.compare(GCN, MLP, WIDE)
    assert list(zip(found.df["first"], found.df["second"], strict=True)) == [
        ("gcn (model.hidden_dim=16)", "mlp"),
        ("gcn (model.hidden_dim=16)", "gcn (model.hidden_dim=64)"),
        ("mlp", "gcn (model.hidden_dim=64)"),
    ]
    assert list(found.df["dropped"]) == [0, 1, 1]
    assert list(found.df["n_first"]) == [3, 2, 2]
    assert next(iter(found.df["better"])) == "gcn (model.hidden_dim=16)"
    assert gl.compare([GCN, MLP, WIDE]).to_json() == found.to_json()


def test_it_is_shown_as_text_html_and_json():
    found = gl.compare(GCN, MLP)
    shown = found.to_json()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    (row,) = shown["contrasts"]
    assert (row["conclusion"], row["better"], row["n"]) == ("above", "gcn", [3, 3])
    assert "gcn is above mlp: +0.2867 [" in repr(found) and "paired t-test" in repr(found)
    html = found._repr_html_()
    assert "<table>" in html and '<span class="above">above</span>' in html


def test_lower_is_better_also_of_metrics_that_nothing_is_selected_by():
    """The better one of two mean ranks was the higher, since runs are selected by the reciprocal rank."""

    def ranked(model, ranks):
        results = records(0.5, 0.51, 0.52, model=model, metric="mrr")
        trained = [
            replace(record, result=replace(record.result, test={**record.result.test, "mr": rank}))
            for record, rank in zip(results, ranks, strict=True)
        ]
        return Runs(tuple(trained))

    ours, theirs = ranked("nbfnet", (10.0, 11.0, 10.5)), ranked("transe", (80.0, 83.0, 80.0))
    by_rank = gl.compare(ours, theirs, metric="mr")
    assert by_rank.direction == "min" and list(by_rank.df["better"]) == ["nbfnet"]
    assert gl.compare(ours, theirs).direction == "max"


@pytest.mark.parametrize(
    ("runs", "metric", "message"),
    [
        ((GCN,), None, "two configurations"),
        ((GCN, GCN), None, "gcn is there twice"),
        ((GCN, 3), None, "runs are compared, not 3"),
        ((GCN, Runs(tuple(records(0.5, 0.6, model="nbfnet", metric="mrr")))), None, "no metric in common"),
        ((GCN, MLP), "mrr", "do not report 'mrr'"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(runs, metric, message):
    with pytest.raises(InputError, match=message) as caught:
        gl.compare(*runs, metric=metric)
    assert caught.value.hint


def test_hostile_labels_stay_text():
    hostile = Runs(tuple(records(0.5, 0.6, model="<script>")))
    assert "<script>" not in gl.compare(GCN, hostile)._repr_html_()


def test_trained_runs_are_compared(tmp_path):
    runs = [gl.run(model, "karate", seeds=3, store=tmp_path, epochs=20) for model in ("gcn", "mlp")]
    (row,) = gl.compare(runs).to_json()["contrasts"]
    assert row["n"] == [3, 3] and row["difference"] == pytest.approx(
        runs[0].summary().mean - runs[1].summary().mean  # pyright: ignore[reportOptionalOperand]
    )
