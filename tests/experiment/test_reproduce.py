"""Experiment files: what they may say, that the shipped ones can be run, and what a small one comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from graphlab.comparison.rows import leaderboard_rows
from graphlab.core.errors import ConfigError, GraphLabError, IncompatibleError, InputError
from graphlab.data.load import find_dataset, full_name
from graphlab.experiment import reproduce as module
from graphlab.experiment.definition import read_experiment
from graphlab.experiment.reproduce import Comparison, check, reproduce
from graphlab.experiment.runs import Runs
from graphlab.model.registry import find_model
from tests.comparison.records_made import records

SHIPPED = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))

SMALL = """
title: Small
seeds: 2
runs:
  - model: gcn
    dataset: karate
    settings: {training.epochs: 3}
    expect:
      - {metric: accuracy, at_least: 0.0}
      - {metric: accuracy, at_most: 0.0}
      - {metric: accuracy, within: published}
  - {model: distmult, dataset: karate, refuses: true}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Comparison:
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text(SMALL)
    return reproduce(folder / "small.yaml", store=folder / "runs", device="cpu", progress=False)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_experiment_resolves(path):
    experiment = read_experiment(path)
    assert experiment.description
    for entry in experiment.runs:
        assert full_name(*find_dataset(entry.dataset)) == entry.dataset
        assert find_model(entry.model).name == entry.model


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_experiment_can_be_planned(path):
    experiment = read_experiment(path)
    try:
        plans, refusals = check(experiment)
    except GraphLabError as error:
        if error.kind != "data":
            raise
        pytest.skip(f"needs raw files: {error.message}")
    assert sorted([*plans, *refusals]) == list(range(len(experiment.runs)))
    assert {index for index, entry in enumerate(experiment.runs) if entry.refuses} == set(refusals)


def test_claims_are_judged_on_the_mean(small):
    refused, at_least, at_most, published = small.claims
    assert refused.held
    assert at_least.held
    assert at_least.text == "accuracy is at least 0"
    assert not at_most.held
    assert (published.held, published.detail) == (False, "nothing is published for this model and metric")
    assert not small.ok
    assert small.summary() == "2 runs, 1 combination refused before anything ran, 2 of 4 claims held."


def test_a_claim_of_what_is_not_measured_ends_before_anything_runs(tmp_path):
    (tmp_path / "typo.yaml").write_text(SMALL.replace("{metric: accuracy, at_most", "{metric: acuracy, at_most"))
    with pytest.raises(ConfigError, match="'acuracy', which node-classification does not measure") as caught:
        reproduce(tmp_path / "typo.yaml", store=tmp_path / "runs", device="cpu", progress=False)
    assert caught.value.hint == "it measures accuracy, loss"
    assert not (tmp_path / "runs").exists()


def test_refusals_carry_the_message(small):
    (refusal,) = small.refusals
    assert (refusal.model, refusal.dataset) == ("distmult", "karate")
    assert "node-classification" in refusal.message


def test_json_frame_and_notebook_view(small):
    told = small.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told) == {"title", "ok", "runs", "refusals", "claims", "leaderboards"}
    assert list(small.df.dataset) == ["karate"]
    assert "<table>" in small._repr_html_()
    assert "gcn on karate" in small.runs[0]._repr_html_()
    assert small.runs[0].plot()._repr_png_().startswith(b"\x89PNG")


def test_a_second_call_runs_nothing(small, monkeypatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("graphlab.experiment.execute.fit", never)
    again = reproduce(small.path, store=small.store, device="cpu", progress=False)
    assert again.to_json() == small.to_json()


def test_a_combination_that_should_be_refused_and_fits_is_a_claim_that_fails(tmp_path):
    (tmp_path / "e.yaml").write_text("title: t\nruns: [{model: gcn, dataset: karate, refuses: true}]")
    comparison = reproduce(tmp_path / "e.yaml", store=tmp_path / "runs")
    assert not comparison.ok
    assert comparison.claims[0].detail == "the two fit together"
    assert not (tmp_path / "runs").exists()


def test_everything_is_checked_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "run_plans", lambda *_, **__: pytest.fail("ran"))
    text = "title: t\nruns: [{model: gcn, dataset: karate}, {model: distmult, dataset: karate}]"
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(IncompatibleError):
        reproduce(tmp_path / "e.yaml", store=tmp_path)


@pytest.mark.parametrize(
    ("values", "held"),
    [((0.812, 0.815, 0.818, 0.814), True), ((0.81, 0.82), False), ((0.5, 0.51, 0.5), False), ((0.8,), False)],
    ids=["agrees", "undecided", "below", "one"],
)
def test_within_published(values, held):
    claim = module._judge(
        module.Expectation.parse({"metric": "accuracy", "within": "published"}, where="test"),
        Runs(tuple(records(*values))),
        (),
        (),
    )
    assert claim.held is held


@pytest.mark.parametrize(
    ("others", "held", "detail"),
    [
        ((0.7, 0.71, 0.72), True, "gcn is above mlp: +0.1000 ["),
        ((0.79, 0.71, 0.81), False, "gcn and mlp: undecided: +0.0400 ["),  # the mean is above, and that is no claim
        ((0.9, 0.93, 0.9), False, "gcn is below mlp: -0.1000 ["),
        ((None, None, None), False, "gcn and mlp: not tested: no seed finished on both sides, 3 failed and dropped"),
    ],
)
def test_above_another_model_by_the_paired_test(others, held, detail):
    ours, theirs = Runs(tuple(records(0.8, 0.82, 0.81))), Runs(tuple(records(*others, model="mlp")))
    expectation = module.Expectation.parse({"metric": "accuracy", "above": ["mlp"]}, where="test")
    claim = module._judge(expectation, ours, [theirs], ())
    assert claim.held is held
    assert claim.text == "accuracy is above that of mlp"
    assert claim.detail.startswith(f"mean 0.8100; {detail}")


def test_a_claim_of_one_seed_is_not_tested_and_does_not_hold():
    ours, theirs = Runs(tuple(records(0.8))), Runs(tuple(records(0.1, model="mlp")))
    expectation = module.Expectation.parse({"metric": "accuracy", "above": ["mlp"]}, where="test")
    claim = module._judge(expectation, ours, [theirs], ())
    assert not claim.held
    assert claim.detail == "mean 0.8000; gcn and mlp: not tested: one pair has no spread"


ABOVE = """
title: Above
runs:
  - {model: label_propagation, dataset: karate}
  - model: gcn
    dataset: karate
    settings: {training.epochs: 1}
    expect: [{metric: accuracy, above: [label_propagation]}]
"""


def test_another_model_is_found_however_its_name_is_spelt(tmp_path):
    """It was compared with no run at all, and so above all of them."""
    (tmp_path / "e.yaml").write_text(ABOVE)
    comparison = reproduce(tmp_path / "e.yaml", store=tmp_path / "runs", progress=False)
    (claim,) = comparison.claims
    theirs, ours = (runs.summary().mean for runs in comparison.runs)
    assert theirs is not None and ours is not None
    assert not claim.held
    assert claim.detail == f"mean {ours:.4f}; gcn and label-propagation: not tested: one pair has no spread"


def test_every_configuration_of_another_model_is_compared_with_and_counts_in_the_correction():
    ours = Runs(tuple(records(0.8, 0.82, 0.81)))
    better, worse = (Runs(tuple(records(*v, model="mlp"))) for v in ((0.9, 0.93, 0.9), (0.1, 0.12, 0.13)))
    expectation = module.Expectation.parse({"metric": "accuracy", "above": ["mlp"]}, where="test")
    claim = module._judge(expectation, ours, [better, worse], ())
    assert not claim.held
    assert "gcn is below mlp: -0.1000" in claim.detail and "gcn is above mlp: +0.6933" in claim.detail
    (alone,) = (module._judge(expectation, ours, [worse], ()).detail.split("p = ")[1].split(",")[0],)
    assert float(claim.detail.split("p = ")[2].split(",")[0]) == pytest.approx(2 * float(alone), rel=0.05)
    assert module._judge(expectation, ours, [worse], ()).held


def test_runs_that_start_from_others_share_a_row_and_are_not_of_the_published_recipe():
    before = records(0.5, 0.6, dataset="karate")
    after = [
        replace(one, spec=replace(one.spec, training={**one.spec.training, "start": start.id}))
        for one, start in zip(records(0.81, 0.82), before, strict=True)
    ]
    expectation = module.Expectation.parse({"metric": "accuracy", "within": "published"}, where="test")
    claim = module._judge(expectation, Runs(tuple(after)), (), [*before, *after])
    assert not claim.held
    assert claim.detail == f"departs in training.start={before[0].id} (published None)"


def test_failed_seeds_are_in_no_mean_and_in_no_count():
    expectation = module.Expectation.parse({"metric": "accuracy", "at_least": 0.5}, where="test")
    claim = module._judge(expectation, Runs(tuple(records(0.8, None, 0.82))), (), ())
    assert claim.detail == "mean 0.8100 over 2 seeds"


RUN = "{model: gcn, dataset: karate}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: t", "needs a value for 'runs'"),
        ("title: t\nruns: []", "runs"),
        ("runs: [{model: gcn}]", "title"),
        ("title: t\nruns: [{model: gcn}]", "runs.0.dataset"),
        (f"title: t\nsedes: 3\nruns: [{RUN}]", "no setting 'sedes'"),
        (f"title: t\nseeds: many\nruns: [{RUN}]", "cannot read seeds 'many'"),
        (f"title: t\nseeds: 0\nruns: [{RUN}]", "name no seed"),
        (f"title: t\nseeds: [1, 1]\nruns: [{RUN}]", "twice"),
        (f"title: t\nruns: [{RUN}, {RUN}]", "gcn on karate twice"),
        ("title: t\nruns: [{model: gcn, dataset: karate, grid: {a: 1}}]", "grid"),
        ("title: t\nruns: [{model: gcn, dataset: karate, expect: [{metric: m}]}]", "exactly one"),
        (
            "title: t\nruns: [{model: gcn, dataset: karate, expect: [{metric: m, at_least: 1, at_most: 2}]}]",
            "exactly one",
        ),
        ("title: t\nruns: [{model: gcn, dataset: karate, expect: [{metric: m, at_least: .inf}]}]", "at_least"),
        ("title: t\nruns: [{model: gcn, dataset: karate, expect: [{metric: m, above: []}]}]", "above"),
        ("title: t\nruns: [{model: m, dataset: d, refuses: true, expect: [{metric: m, at_least: 1}]}]", "refused"),
        (
            "title: t\nruns: [{model: gcn, dataset: karate, expect: [{metric: m, above: [mlp]}]}]",
            "compares gcn with 'mlp'",
        ),
        ("title: t\nruns: [{model: gnc, dataset: karate}]", "'gcn'"),
        ("title: t\nruns: [{model: gcn, dataset: karat}]", "'karate'"),
        ("title: t\nruns: [{model: gcn, dataset: karate, settings: {training.epoch: 3}}]", "epoch"),
        ("title: t\nruns: [{model: gcn, dataset: karate, settings: {training.epochs: few}}]", "few"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path, text, message):
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        reproduce(tmp_path / "e.yaml", store=tmp_path / "runs")
    assert message in str(caught.value)
    assert caught.value.hint
    assert not (tmp_path / "runs").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml"):
        reproduce(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "again",
    [
        "{model: GCN, dataset: karate, settings: {training.epochs: 3}}",
        "{model: gcn, dataset: karate@leaders, settings: {training.epochs: 3}}",
        "{model: gcn, dataset: karate, settings: {epochs: 3, hidden_dim: 16}}",
    ],
)
def test_a_run_in_another_spelling_is_the_same_run(tmp_path, again):
    """It had counted twice, with half of the variance."""
    path = tmp_path / "twice.yaml"
    path.write_text(f"title: t\nruns: [{{model: gcn, dataset: karate, settings: {{training.epochs: 3}}}}, {again}]")
    with pytest.raises(ConfigError, match="is the same run as entry 1 of the experiment"):
        reproduce(path, store=tmp_path / "runs", progress=False)


def test_a_setting_with_two_values_is_refused(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text("title: t\nruns: [{model: gcn, dataset: karate, settings: {training.epochs: 3, epochs: 4}}]")
    with pytest.raises(ConfigError, match=r"training.epochs is set to 3 and to 4"):
        reproduce(path, store=tmp_path / "runs", progress=False)


def test_a_record_counts_once_however_often_it_is_given():
    stored = records(0.80, 0.82, 0.81)
    (row,) = leaderboard_rows("none", [replace(r, spec=replace(r.spec, dataset="none")) for r in (*stored, *stored)])
    assert row.ours is not None and row.ours.n == 3
