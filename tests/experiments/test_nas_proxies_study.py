"""The study of proxies: its figures from what it keeps, by other means, and what it says of a proxy that knows."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest

from graphlab.nas.registry import PROXIES, find_table
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STUDIES = json.loads((ROOT / "experiments" / "results" / "studies" / "nas_proxies.json").read_text())
MEASURED = [one for one in STUDIES if "absent" not in one]


@pytest.fixture(scope="module")
def study():
    return load_experiment("nas_proxies")


def pairs_that_agree(left, right):
    """Kendall's tau-b by its definition, pair by pair."""
    signs = [(np.sign(left[i] - left[j]), np.sign(right[i] - right[j])) for i, j in combinations(range(len(left)), 2)]
    untied = [sum(bool(sign[side]) for sign in signs) for side in (0, 1)]
    return sum(a * b for a, b in signs) / np.sqrt(untied[0] * untied[1])


def test_every_table_is_there_or_said_to_be_absent(study):
    assert [one["table"] for one in STUDIES] == list(study.TABLES)
    assert {"cora", "citeseer", "pubmed"} <= {one["table"] for one in MEASURED}


@pytest.mark.real_data
@pytest.mark.parametrize("found", MEASURED, ids=[one["table"] for one in MEASURED])
def test_stored_taus_are_those_of_the_stored_values(found):
    table = find_table(f"nas-bench-graph/{found['table']}")
    lines = {line["proxy"]: line for line in found["proxies"]}
    assert set(lines) == {*PROXIES.names(), "published"}
    for name, line in lines.items():
        values = found["values"][name]
        rows = found["rows"][: len(values)]
        for part, accuracy in (("validation", table.validation), ("test", table.test)):
            kept = line[part]
            assert kept["tau"] == pytest.approx(pairs_that_agree(values, accuracy[rows]), abs=1e-9)
            assert kept["interval"][0] < kept["tau"] < kept["interval"][1]
    ours, theirs = np.array(found["values"]["parameters"]), np.array(found["values"]["published"])
    assert (ours <= theirs + 1).all()


def test_what_knows_the_accuracy_has_a_tau_of_one_and_the_best_screen(study):
    random = np.random.default_rng(0)
    accuracy = random.permutation(100) / 100
    control = random.normal(size=100)
    known = study.summary(accuracy, control, accuracy, random)
    assert known["tau"] == pytest.approx(1)
    assert known["beyond_control"][0] > 0.5
    blind = study.summary(control, control, accuracy, random)
    assert blind["interval"][0] < 0 < blind["interval"][1]
    assert blind["beyond_control"] == [0, 0]
    # The largest of 8 that are even on [0, 1] is 8/9 on average.
    assert study.screen(accuracy, accuracy, random) == pytest.approx(100 * (8 / 9 - 0.5), abs=1)
    assert study.tau(np.ones(5), np.arange(5)) == 0


def test_what_was_measured_stays_where_the_data_are_absent(study, tmp_path):
    path, measured = tmp_path / "study.json", {"table": "cora", "proxies": []}
    study.keep(path, {"table": "cora", "absent": "x"})
    study.keep(path, measured)
    study.keep(path, {"table": "cora", "absent": "y"})
    assert json.loads(path.read_text()) == [measured]
    study.keep(path, {"table": "cora", "proxies": [1]})
    assert json.loads(path.read_text()) == [{"table": "cora", "proxies": [1]}]


def test_a_study_takes_the_place_of_its_table_alone(study, tmp_path):
    path = tmp_path / "study.json"
    for one in ({"table": "photo", "absent": "x"}, {"table": "cora", "absent": "y"}, {"table": "photo", "absent": "z"}):
        study.keep(path, one)
    assert json.loads(path.read_text()) == [{"table": "cora", "absent": "y"}, {"table": "photo", "absent": "z"}]
    assert study.show({"table": "photo", "absent": "z"}) == "photo: absent, z"
