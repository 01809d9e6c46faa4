"""The study of learned weights: its tests by hand, what is stored, and what the page says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = ROOT / "experiments" / "results" / "studies" / "reweighting.json"


@pytest.fixture(scope="module")
def study():
    return load_experiment("reweighting")


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text())


def test_arms_are_paired_and_corrected(study):
    plain = {"hits@10": [0.1, 0.2, 0.3], "ndcg@10": [0.5, 0.5, 0.5], "mrr": [0.3, 0.1, 0.2]}
    other = {"hits@10": [0.301, 0.4, 0.502], "ndcg@10": [0.5, 0.5, 0.5], "mrr": [0.1, 0.2, 0.15]}
    hits, ndcg, mrr = study.compared([{"dataset": "a", "plain": plain, "reweighted": other}])
    raw = [stats.ttest_rel(other[name], plain[name]).pvalue for name in ("hits@10", "mrr")]
    assert hits["p"] == pytest.approx(2 * raw[0], abs=1e-6) and mrr["p"] == pytest.approx(raw[1], abs=1e-6)
    assert hits["difference"] == pytest.approx(0.201) and study.verdict(hits) == "better"
    assert ndcg["p"] is None and study.verdict(ndcg) == "no difference"
    assert study.verdict(mrr) == "undecided"
    (worse, *_) = study.compared([{"dataset": "a", "plain": other, "reweighted": plain}])
    assert study.verdict(worse) == "worse"


def test_what_is_stored(study, stored):
    assert [each["dataset"] for each in stored["rows"]] == list(study.DATASETS)
    assert stored["settings"] == study.SETTINGS
    assert stored["reweight"] == {name: list(value) for name, value in study.DATASETS.items()}
    for each in stored["rows"]:
        assert all(len(each[arm][name]) == 5 for arm in ("plain", "reweighted") for name in study.METRICS)
        assert np.isfinite([each[arm][name] for arm in ("plain", "reweighted") for name in study.METRICS]).all()
    assert stored["compared"] == study.compared(stored["rows"])


def test_the_page_has_the_stored_table(study, stored):
    text = (ROOT / "docs" / "TOPOLOGY.md").read_text(encoding="utf-8")
    assert "\n".join(study.table(stored)) in text
