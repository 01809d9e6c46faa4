"""Tests, verdicts and reasons; configurations that are never mixed."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats

from graphlab.comparison.compare import ALPHA, Row, compare, p_value_of
from graphlab.comparison.configurations import follows_recipe
from graphlab.comparison.numbers import PublishedNumber
from graphlab.comparison.render import rows_table
from graphlab.comparison.rows import full_name, leaderboard, leaderboard_json, leaderboard_rows
from graphlab.core.citation import Citation
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.experiment.views import leaderboard_html
from graphlab.model.registry import find_model
from graphlab.records.record import ELIGIBILITY, Result, RunRecord
from tests.comparison.records_made import record, records

SOURCE = Citation("k", "T", "A and B", 2020, "https://example.org")


def number(mean=0.815, std=None, n=None, **other) -> PublishedNumber:
    told = {
        "model": "gcn",
        "metric": "accuracy",
        "where": "Table 1",
        "certainty": "read",
        "protocol": {"split": "public"},
    }
    return PublishedNumber.parse({**told, "mean": mean, "std": std, "n": n, "source": SOURCE, **other}, where="test")


def only(number: PublishedNumber, runs) -> Row:
    (row,) = compare([number], runs)
    return row


def test_welch_by_hand():
    values = (0.80, 0.82, 0.81, 0.83)
    mean, var, n = 0.815, 0.0005 / 3, 4
    a, b = var / n, 0.007**2 / 100
    t = (mean - 0.83) / math.sqrt(a + b)
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / 99)
    row = only(number(0.83, 0.007, 100), records(*values))
    assert row.p_value == pytest.approx(2 * stats.t.sf(abs(t), freedom))
    assert row.difference == pytest.approx(mean - 0.83)
    assert "Welch" in row.why


samples = st.lists(st.floats(0, 1), min_size=2, max_size=12).filter(lambda v: max(v) - min(v) > 1e-3)


@given(samples, samples)
def test_welch_is_scipys_on_the_samples_themselves(ours, theirs):
    mean, std = (float(f(theirs)) for f in (lambda v: sum(v) / len(v), stats.tstd))
    p, _ = p_value_of(number(mean, std, len(theirs)), sum(ours) / len(ours), float(stats.tstd(ours)), len(ours))
    assert p == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=False).pvalue, rel=1e-6, abs=1e-12)


@given(samples, st.floats(0, 1))
def test_without_a_published_spread_it_is_the_one_sample_test(ours, mean):
    p, name = p_value_of(number(mean), sum(ours) / len(ours), float(stats.tstd(ours)), len(ours))
    assert p == pytest.approx(stats.ttest_1samp(ours, mean).pvalue, rel=1e-6, abs=1e-12)
    assert "one-sample" in name


@pytest.mark.parametrize(
    ("values", "verdict"),
    [((0.81, 0.82), "agrees"), ((0.90, 0.91, 0.90), "above"), ((0.70, 0.71, 0.70), "below")],
)
def test_verdicts(values, verdict):
    row = only(number(), records(*values))
    assert row.verdict == verdict
    assert row.p_value is not None
    assert (row.p_value < ALPHA) == (verdict != "agrees")


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (records(0.8, 0.81, split="full"), "published with split=public, ours split=full"),
        (records(0.8), "one run has no spread"),
        (records(None, None), "all 2 runs failed"),
        (records(0.8, 0.81, metric="mrr"), "our runs do not report accuracy"),
        (records(0.8, None, metric="mrr"), "our runs do not report accuracy"),
    ],
)
def test_not_comparable_says_why(runs, why):
    row = compare([number()], runs)[0]
    assert (row.verdict, row.why, row.p_value) == ("not comparable", why, None)


def test_a_protocol_that_ours_does_not_state_is_not_comparable():
    row = only(number(protocol={"split": "public", "tie": "mean"}), records(0.8, 0.81))
    assert row.why == "published with tie=mean, which our protocol does not state"


def test_what_is_not_eligible_is_not_compared_and_says_so():
    ours = records(0.8, 0.81)
    for one in ours:
        one.spec.protocol[ELIGIBILITY] = "not eligible for Board, whose rules forbid it"
    for numbers in ([number()], []):
        (row,) = compare(numbers, ours)
        assert (row.verdict, row.why) == ("not eligible", "not eligible for Board, whose rules forbid it")
        shown = Console(width=200, record=True)
        shown.print(rows_table("board", [row]))
        text = shown.export_text()
        assert "not eligible" in text and "gcn: not eligible for Board, whose rules forbid it" in text
        assert "whose rules forbid it" in leaderboard_html("board", [row])


def test_rounding_of_the_published_value_is_no_difference():
    values = (0.8151, 0.8152, 0.8153, 0.8151)
    assert only(number(0.815, decimals=3), records(*values)).verdict == "agrees"
    assert only(number(0.815, decimals=5), records(*values)).verdict == "above"


def test_runs_without_spread_are_compared_as_values():
    assert only(number(0.68), records(0.68, 0.68)).verdict == "agrees"
    row = only(number(0.68), records(0.7, 0.7))
    assert (row.verdict, row.p_value) == ("above", None)


def test_runs_without_spread_are_tested_where_a_spread_is_published():
    """Welch's test with a variance of zero on our side: t = 0.001 / (0.007 / 10) with 99 degrees of freedom."""
    row = only(number(0.83, 0.007, 100), records(0.831, 0.831))
    assert row.verdict == "agrees"
    assert row.p_value == pytest.approx(2 * stats.t.sf(0.001 / 0.0007, 99))
    assert only(number(0.83, 0.007, 100), records(0.85, 0.85)).verdict == "above"
    assert only(number(0.83, 0.0, 100), records(0.85, 0.85)).p_value is None


@pytest.mark.parametrize(("std", "unknown"), [(None, "no spread"), (0.007, "no number of runs")])
def test_the_reason_for_the_one_sample_test_is_the_right_one(std, unknown):
    assert f"one-sample t-test; {unknown} is published" in only(number(0.83, std), records(0.8, 0.81)).why


@pytest.mark.parametrize(("dims", "follows"), [([192], True), ([64], False), ([], False)])
def test_a_recipe_that_names_a_list_can_be_followed(dims, follows):
    entry = find_model("subgraph/sswl-plus")
    preset = entry.preset_for("zinc/12k", "zinc", "graph-prediction")
    assert preset is not None and preset.task["readout_dims"] == (192,)
    config = entry.config.parse(preset.model, where="test").to_json()
    spec = replace(
        records(0.1)[0].spec,
        model=entry.name,
        dataset="zinc/12k",
        task="graph-prediction",
        model_config=config,
        task_config={**preset.task, "readout_dims": dims},
        training={**preset.training, "start": None},
    )
    assert follows_recipe(spec) is follows


def test_failed_seeds_are_in_no_mean():
    row = only(number(), records(0.8, None, 0.82))
    assert row.ours is not None
    assert (row.ours.n, row.ours.failed, row.ours.mean) == (2, 1, pytest.approx(0.81))


def test_configurations_are_never_mixed():
    runs = [*records(0.80, 0.81, model="unknown"), *records(0.9, 0.91, model="unknown", hidden_dim=64)]
    rows = compare([number(model="unknown")], runs)
    assert [row.ours.mean for row in rows if row.ours] == [pytest.approx(0.805), pytest.approx(0.905)]
    assert [dict(row.settings) for row in rows] == [{"model.hidden_dim": 16}, {"model.hidden_dim": 64}]


def test_one_sided_rows():
    rows = compare([number(model=None, method="ConvE")], records(0.8, 0.9, model="sage"))
    assert [(row.model, row.published is None, row.ours is None) for row in rows] == [
        ("ConvE", False, True),
        ("sage", True, False),
    ]
    assert {row.verdict for row in rows} == {"not comparable"}


def test_leaderboard_json_has_the_documented_shape():
    told = leaderboard_json("cora", records(0.81, 0.82))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["dataset"] == "planetoid/cora"
    keys = {"model", "metric", "published", "ours", "difference", "p_value", "verdict", "why", "settings"}
    assert all(set(row) == keys for row in told["rows"])
    gcn = next(row for row in told["rows"] if row["model"] == "gcn")
    assert set(gcn["published"]) == {"mean", "std", "source"}
    assert set(gcn["ours"]) == {"mean", "std", "n"}
    assert next(row for row in told["rows"] if row["model"] == "gat")["ours"] is None


def test_leaderboard_is_sorted_and_about_one_data_set():
    runs = [*records(0.7, 0.71), *records(0.8, 0.81, model="sage"), record(0.99, dataset="planetoid/pubmed")]
    frame = leaderboard("planetoid/cora", runs)
    assert list(frame.dropna(subset="ours").model) == ["sage", "gcn"]


def test_the_lowest_error_comes_first():
    """Without runs, and with one under way, of which the store does not know yet which direction is better."""
    finished = record(0.07, model="gin", dataset="zinc/12k", metric="mae")
    finished = replace(finished, result=replace(finished.result, direction="min"))
    under_way = RunRecord(replace(finished.spec, seed=1), Result("unfinished", "mae", "", 0), 0.0)
    for runs in ([], [finished, under_way]):
        means = [row.published.mean if row.published else row.ours.mean for row in leaderboard_rows("zinc/12k", runs)]
        assert means == sorted(means) and len(means) == 6 + bool(runs)


def test_an_unknown_data_set_is_named():
    with pytest.raises(UnknownNameError, match="core"):
        leaderboard("core", [])


@pytest.mark.parametrize(
    ("asked", "full"),
    [
        ("cora", "planetoid/cora"),
        ("cora@public", "planetoid/cora"),
        ("Cora@FULL", "planetoid/cora@full"),
        ("cora@geom_gcn", "planetoid/cora@geom-gcn"),
    ],
)
def test_a_leaderboard_is_asked_for_as_a_data_set_is(asked, full):
    assert full_name(asked, []) == full


def test_an_unknown_split_is_named():
    with pytest.raises(InputError, match="has no split 'fool'"):
        leaderboard("cora@fool", [])
