"""Tests, verdicts and reasons; configurations that are never mixed."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats

from graphlab.comparison.compare import Difference, Row, compare, difference_from, margin_of
from graphlab.comparison.numbers import PublishedNumber
from graphlab.comparison.recipe import RecipeCheck, check_recipe, complete_settings
from graphlab.comparison.render import rows_table
from graphlab.comparison.rows import full_name, leaderboard, leaderboard_json, leaderboard_rows
from graphlab.core.citation import Citation
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.experiment.views import leaderboard_html
from graphlab.model.registry import find_model
from graphlab.records.record import Result, RunRecord
from graphlab.task.registry import find_task
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
    if std is not None:
        told["std_of"] = "sample"
    return PublishedNumber.parse({**told, "mean": mean, "std": std, "n": n, "source": SOURCE, **other}, where="test")


def only(number: PublishedNumber, runs) -> Row:
    (row,) = compare([number], runs)
    return row


def test_the_two_sample_test_by_hand():
    """Four of ours against a hundred: Welch's standard error, three degrees of freedom."""
    values = (0.80, 0.82, 0.81, 0.83)
    error = math.sqrt(0.0005 / 3 / 4 + 0.007**2 / 100)
    row = only(number(0.83, 0.007, 100), records(*values))
    assert row.p_value == pytest.approx(2 * stats.t.sf(0.015 / error, 3))
    assert row.difference == pytest.approx(-0.015)
    assert row.interval == pytest.approx((-0.015 - 3.182446 * error, -0.015 + 3.182446 * error))
    assert "the published mean counts with its standard error" in row.why


def test_a_deviation_of_the_population_counts_as_that_of_a_sample():
    """The same two samples, once printed by numpy's default and once with n - 1, give one verdict and one margin."""
    ours, theirs = (0.80, 0.82, 0.81, 0.83), (0.79, 0.80, 0.84, 0.85, 0.83)
    mean = sum(theirs) / len(theirs)
    printed = {"sample": float(np.std(theirs, ddof=1)), "population": float(np.std(theirs))}
    rows = [only(number(mean, std, len(theirs), std_of=kind), records(*ours)) for kind, std in printed.items()]
    first, second = ({**row.to_json(), "published": None} for row in rows)
    assert {k: v for k, v in first.items() if k not in NUMBERS} == {k: v for k, v in second.items() if k not in NUMBERS}
    for key in NUMBERS:
        assert first[key] == pytest.approx(second[key], rel=1e-9)
    assert rows[0].margin == pytest.approx(2 * stats.tstd(theirs))


NUMBERS = ("difference", "interval", "margin", "p_value")

samples = st.lists(st.floats(0, 1), min_size=2, max_size=12).filter(lambda v: max(v) - min(v) > 1e-3)


def difference(number: PublishedNumber, values) -> Difference:
    return difference_from(number, sum(values) / len(values), float(stats.tstd(values)), len(values))


@given(samples, samples)
def test_the_two_sample_test_is_never_bolder_than_welchs(ours, theirs):
    """The same statistic on fewer degrees of freedom; on the same ones where both samples are equal."""
    mean, std = (float(f(theirs)) for f in (lambda v: sum(v) / len(v), stats.tstd))
    found, scipys = difference(number(mean, std, len(theirs)), ours), stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p_value is not None and found.p_value >= scipys.pvalue - 1e-9
    assert found.p_value == pytest.approx(
        2 * stats.t.sf(abs(scipys.statistic), min(len(ours), len(theirs)) - 1), abs=1e-9
    )


@given(samples, st.floats(0, 1))
def test_without_a_published_spread_it_is_the_one_sample_test(ours, mean):
    found, scipys = difference(number(mean), ours), stats.ttest_1samp(ours, mean)
    low, high = scipys.confidence_interval(0.95)
    assert found.p_value == pytest.approx(scipys.pvalue, rel=1e-6, abs=1e-12)
    assert found.interval == pytest.approx((low - mean, high - mean), rel=1e-6, abs=1e-9)
    assert "one-sample" in found.test and "counts as exact" in found.test


@pytest.mark.parametrize(
    ("published", "margin"),
    [
        (number(0.83, 0.007, 100), 0.014),
        (number(0.83, 0.007), 0.014),
        (number(0.815), 0.0163),
        (number(0.83, 0.0, 100), 0.0166),
        (number(0.01), 0.0005),
    ],
    ids=["deviation", "deviation alone", "share", "no spread", "rounding"],
)
def test_the_margin(published, margin):
    assert margin_of(published)[0] == pytest.approx(margin)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.01, 0.012), "agrees"),
        ((0.004, 0.012), "agrees"),  # it excludes zero, by less than matters
        ((-0.014, 0.014), "agrees"),
        ((0.001, 0.015), "above"),
        ((-0.03, -0.02), "below"),
        ((-0.001, 0.015), "undecided"),
        ((-0.02, 0.02), "undecided"),
    ],
)
def test_what_an_interval_says(interval, verdict):
    assert Difference(sum(interval) / 2, interval, 0.5, "").verdict(0.014) == verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((0.812, 0.815, 0.818, 0.814), "agrees"),
        ((0.81, 0.82), "undecided"),
        ((0.90, 0.91, 0.90), "above"),
        ((0.70, 0.71, 0.70), "below"),
    ],
)
def test_verdicts(values, verdict):
    row = only(number(), records(*values))
    assert row.verdict == verdict
    assert row.margin == pytest.approx(0.0163)
    assert row.interval is not None and row.p_value is not None and row.difference is not None
    low, high = stats.ttest_1samp(values, 0.815).confidence_interval(0.95)
    assert row.interval == pytest.approx((low - 0.815, high - 0.815))
    assert (row.deciding_n is not None) == (verdict == "undecided")
    assert "counts as exact" in row.why and "with settings of ours: training.patience=None" in row.why


def test_the_deciding_number_of_seeds_is_the_fewest_that_decide():
    """By hand: half the interval must be below max(margin - d, d) = .0113, d = .005, s = .02; t s / sqrt(n) with
    t(14) = 2.145 and n = 15 is .0111, with t(13) = 2.160 and n = 14 it is .0115."""
    half = 0.02 / math.sqrt(2)
    row = only(number(), records(0.82 - half, 0.82 + half))
    assert (row.verdict, row.deciding_n) == ("undecided", 15)
    assert "about 15 seeds would decide" in row.why


def test_a_published_mean_that_is_known_too_loosely_decides_nothing():
    """Its own interval, 12.7 * .02 / sqrt(2), is wider than the margin of .04 whatever ours is."""
    row = only(number(0.815, 0.02, 2), records(0.81, 0.82, 0.815))
    assert (row.verdict, row.deciding_n) == ("undecided", None)
    assert "known too loosely" in row.why


DRAWS = 2000
CHANCE = 3 * math.sqrt(0.05 * 0.95 / DRAWS)
"""Three standard deviations of a share of .05 of so many draws."""


def simulated(published: PublishedNumber, spread: float, n: int, margins: float) -> Counter[str]:
    """The share of each verdict of normal samples whose true mean is so many margins above the published one's. Where
    the published mean has a standard error, mean and deviation are those of a sample too."""
    random = np.random.default_rng([n, round(1e6 * spread), round(published.n or 0), round(10 + margins)])
    seen = [published] * DRAWS
    if published.std and published.n:
        theirs = random.normal(published.mean, published.std, (DRAWS, published.n))
        pairs = zip(theirs.mean(1).tolist(), theirs.std(1, ddof=1).tolist(), strict=True)
        seen = [published.model_copy(update={"mean": mean, "std": std}) for mean, std in pairs]
    ours = random.normal(published.mean, spread, (DRAWS, n))
    shift = [margins * margin_of(sample)[0] for sample in seen]
    means, stds = (ours.mean(1) + shift).tolist(), ours.std(1, ddof=1).tolist()
    verdicts = Counter(
        difference_from(sample, mean, std, n).verdict(margin_of(sample)[0])
        for sample, mean, std in zip(seen, means, stds, strict=True)
    )
    return Counter({verdict: count / DRAWS for verdict, count in verdicts.items()})


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("spread", [0.003, 0.01, 0.05])
@pytest.mark.parametrize(
    "published", [number(0.8), number(0.8, 0.01, 100), number(0.8, 0.01, 5)], ids=["exact", "of 100", "of 5"]
)
def test_false_alarms_and_wrong_agreement_are_rare(published, spread, n):
    """At no difference above and below together, at a difference of the margin `agrees`: 5 % at most."""
    same = simulated(published, spread, n, 0)
    assert same["above"] + same["below"] <= 0.05 + CHANCE
    for side in (1, -1):
        assert simulated(published, spread, n, side)["agrees"] <= 0.05


def test_verdicts_are_not_rare_where_they_are_right():
    assert simulated(number(0.8), 0.003, 10, 0)["agrees"] > 0.95
    assert simulated(number(0.8), 0.01, 10, 2)["above"] > 0.95
    assert simulated(number(0.8), 0.01, 10, -2)["below"] > 0.95


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (records(0.8, 0.81, split="full"), "published with split=public, ours split=full"),
        (records(None, None), "all 2 runs failed"),
        (records(0.8, 0.81, metric="mrr"), "our runs do not report accuracy"),
        (records(0.8, None, metric="mrr"), "our runs do not report accuracy"),
    ],
)
def test_not_comparable_says_why(runs, why):
    row = compare([number()], runs)[0]
    assert (row.verdict, row.why, row.p_value) == ("not comparable", why, None)


def test_one_run_decides_nothing():
    row = only(number(), records(0.8))
    assert (row.verdict, row.interval, row.p_value, row.deciding_n) == ("undecided", None, None, None)
    assert row.why.startswith("one run has no spread")


def test_a_protocol_that_ours_does_not_state_is_not_comparable():
    row = only(number(protocol={"split": "public", "tie": "mean"}), records(0.8, 0.81))
    assert row.why == "published with tie=mean, which our protocol does not state"


def test_what_is_not_eligible_is_not_compared_and_says_so():
    why = "not eligible for Board, whose rules forbid it"
    ours = [replace(record, spec=replace(record.spec, eligibility=why)) for record in records(0.8, 0.81)]
    for numbers in ([number()], []):
        (row,) = compare(numbers, ours)
        assert (row.verdict, row.why) == ("not eligible", why)
        shown = Console(width=200, record=True)
        shown.print(rows_table("board", [row]))
        text = shown.export_text()
        assert "not eligible" in text and "gcn: not eligible for Board, whose rules forbid it" in text
        assert "whose rules forbid it" in leaderboard_html("board", [row])


def test_rounding_of_the_published_value_is_no_difference():
    values = (0.0101, 0.0102, 0.0103, 0.0101)
    assert only(number(0.01, decimals=3), records(*values)).verdict == "agrees"
    assert only(number(0.01, decimals=5), records(*values)).verdict == "above"


@pytest.mark.parametrize(("value", "verdict"), [(0.68, "agrees"), (0.69, "agrees"), (0.7, "above"), (0.66, "below")])
def test_values_that_are_all_equal_count_as_exact_once_they_are_many(value, verdict):
    few, many = (only(number(0.68), records(*[value] * n)) for n in (3, 6))
    assert (few.verdict, few.interval, few.deciding_n) == ("undecided", None, 6)
    assert "all our 3 runs give one value" in few.why
    assert (many.verdict, many.p_value) == (verdict, None)
    assert many.interval == pytest.approx((value - 0.68, value - 0.68))


def test_runs_without_spread_are_tested_where_a_spread_is_published():
    """A variance of zero on our side: t = 0.001 / (0.007 / 10) with the 5 degrees of freedom of six runs."""
    row = only(number(0.83, 0.007, 100), records(*[0.831] * 6))
    assert row.verdict == "agrees"
    assert row.p_value == pytest.approx(2 * stats.t.sf(0.001 / 0.0007, 5))
    assert only(number(0.83, 0.007, 100), records(*[0.85] * 6)).verdict == "above"
    assert only(number(0.83, 0.0, 100), records(*[0.85] * 6)).p_value is None


@pytest.mark.parametrize(("std", "unknown"), [(None, "no spread"), (0.007, "no number of runs")])
def test_the_reason_for_the_one_sample_test_is_the_right_one(std, unknown):
    assert (
        f"one-sample t-test; the published mean counts as exact, since {unknown} is published"
        in only(number(0.83, std), records(0.8, 0.81)).why
    )


def follows(model: str, dataset: str, settings: dict[str, object], task: str = "node-classification") -> RecipeCheck:
    """The recipe check of a run planned with these settings beside the recipe's."""
    entry = find_model(model)
    preset = entry.preset_for(dataset, dataset.partition("/")[0], task)
    named = {"model": preset.model, "task": preset.task, "training": preset.training} if preset else {}
    changed = {part: dict(values) for part, values in complete_settings(entry, find_task(task), named).items()}
    for name, value in settings.items():
        part, _, key = name.partition(".")
        changed[part][key] = value
    spec = replace(
        records(0.1)[0].spec,
        model=entry.name,
        dataset=dataset,
        task=task,
        model_config=changed["model"],
        task_config=changed["task"],
        training=changed["training"],
    )
    return check_recipe(spec)


@pytest.mark.parametrize(
    ("model", "settings", "obstacle"),
    [
        ("gcn", {}, ""),
        ("gcn", {"training.epochs": 50}, "departs in training.epochs=50 (published 200)"),
        ("gcn", {"model.hidden_dim": 2}, "departs in model.hidden_dim=2 (published 16)"),
        ("gcn", {"training.optimizer": "sgd"}, "departs in training.optimizer=sgd (published adam)"),
        ("gcn", {"training.patience": 10}, ""),
        ("gcn", {"training.precision": "bf16"}, ""),
        ("gcn", {"model.no_more": 3}, "departs in model.no_more=3 (published without it)"),
        ("gat", {"training.epochs": 50}, "departs in training.epochs=50 (published 1000)"),
        (
            "gat",
            {"model.heads": 4, "training.lr": 0.01},
            "departs in model.heads=4 (published 8), training.lr=0.01 (published 0.005)",
        ),
        ("sage", {}, "the recipe is GraphLab's own: GraphLab's own choice"),
        ("label-propagation", {}, "no published recipe of label-propagation for planetoid/cora is known here"),
    ],
)
def test_runs_that_depart_from_the_published_recipe_are_not_comparable(model, settings, obstacle):
    assert follows(model, "planetoid/cora", settings).obstacle == obstacle


def test_settings_of_ours_are_named():
    assert follows("gcn", "planetoid/cora", {"training.precision": "bf16", "training.patience": 10}).ours == {
        "training.patience": 10,
        "training.precision": "bf16",
    }
    conve = follows("conve", "kg/umls", {"training.epochs": 10}, "kg-completion")
    assert conve.is_followed
    assert conve.ours == {
        "model.init_scale": 1.0,
        "training.epochs": 10,
        "training.scheduler": "none",
        "training.evaluate_every": 10,
    }


def test_a_setting_that_an_old_run_does_not_state_counts_as_its_default():
    spec = records(0.8)[0].spec
    assert set(spec.model_config) == {"hidden_dim"} and check_recipe(spec).is_followed
    missing = replace(spec, training={"epochs": 200, "lr": 0.01})
    assert check_recipe(missing).obstacle == "departs in training.weight_decay=0.0 (published 0.0005)"


def test_a_number_stands_beside_runs_of_the_published_recipe_alone():
    runs = [*records(0.814, 0.815, 0.816), *records(0.6, 0.61, hidden_dim=2)]
    rows = compare([number()], runs)
    assert [(row.verdict, row.published is None) for row in rows] == [("agrees", False), ("not comparable", True)]
    assert rows[1].why.endswith("it departs in model.hidden_dim=2 (published 16)")
    (row,) = compare([number()], runs[3:])
    assert (row.verdict, row.why) == ("not comparable", "departs in model.hidden_dim=2 (published 16)")
    assert row.published is not None and row.ours is not None and row.interval is None


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
        training=preset.training,
    )
    assert check_recipe(spec).is_followed is follows


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
    keys = {"model", "metric", "published", "ours", "difference", "interval", "margin", "p_value", "deciding_n"}
    keys |= {"verdict", "why", "settings"}
    assert all(set(row) == keys for row in told["rows"])
    gcn = next(row for row in told["rows"] if row["model"] == "gcn")
    assert set(gcn["published"]) == {"mean", "std", "std_of", "source", "certainty"}
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
