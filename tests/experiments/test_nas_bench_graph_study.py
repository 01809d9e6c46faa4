"""The regret study on a real table: it goes on from its store, and its printed means are those of the trajectories."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from graphlab.nas.registry import TABLES, find_table
from graphlab.nas.results.simulation import follow, regret_curve
from tests.experiments.loading import load_experiment


@pytest.fixture(scope="module")
def study():
    return load_experiment("nas_bench_graph")


@pytest.mark.real_data
def test_the_study_goes_on_from_its_store(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "MARKS", (5, 15))
    monkeypatch.setattr(study, "ProcessPoolExecutor", InThisProcess)
    words = ["study", "--tables", "nas-bench-graph/cora", "--strategies", "evolution", "bayesian"]
    words += ["--budget", "15", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out.json")]
    monkeypatch.setattr(sys, "argv", [*words, "--seeds", "1"])
    study.main()
    first = sorted((tmp_path / "store").iterdir())
    assert len(first) == 2
    times = [path.stat().st_mtime_ns for path in first]

    monkeypatch.setattr(sys, "argv", [*words, "--seeds", "2", "--plot", str(tmp_path / "regret.png")])
    study.main()
    assert [path.stat().st_mtime_ns for path in first] == times
    assert len(list((tmp_path / "store").iterdir())) == 4
    results = json.loads((tmp_path / "out.json").read_text())
    table = find_table("nas-bench-graph/cora")
    curves = [regret_curve(table, follow("evolution", table, seed=seed, budget=15).rows) for seed in range(2)]
    assert results["evolution"]["seeds"] == 2
    assert results["evolution"]["best"]["15"]["mean"] == pytest.approx(np.mean([c[0][14] for c in curves]), abs=6e-4)
    assert results["evolution"]["test"]["5"]["mean"] == pytest.approx(np.mean([c[1][4] for c in curves]), abs=6e-4)
    assert "evolution" in capsys.readouterr().out
    assert (tmp_path / "regret.png").stat().st_size > 10_000


class InThisProcess:
    """In the place of a pool of processes."""

    def __init__(self, workers, mp_context):
        self.map = map

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


@pytest.mark.slow
@pytest.mark.real_data
def test_bayesian_search_finds_in_100_what_chance_finds_in_600():
    """Chance's expected best of 600 in closed form: of N values in order, the k-th is the best of n with probability
    C(k - 1, n - 1) / C(N, n)."""
    found, expected = [], []
    for name in TABLES.names():
        table = find_table(name)
        rows = follow("bayesian", table, seed=0, budget=100).rows
        found.append(regret_curve(table, rows)[0][-1])
        values = np.sort(table.validation)[::-1]
        best, left = 0.0, 1.0
        for rank, value in enumerate(values[:2000]):
            is_drawn = 600 / (len(values) - rank)
            best += left * is_drawn * value
            left *= 1 - is_drawn
        expected.append(100 * (values[0] - best))
    assert np.mean(found) < np.mean(expected)
