"""How often tasks and learners are built: once a run."""

from __future__ import annotations

import pytest

import graphlab as gl
from graphlab.experiment.plan import Plan


@pytest.fixture
def built(monkeypatch):
    """Counts of what plans have built since."""
    counts = {"make_task": 0, "build_learner": 0}
    for name in counts:
        original = getattr(Plan, name)

        def counted(self, *arguments, name=name, original=original, **options):
            counts[name] += 1
            return original(self, *arguments, **options)

        monkeypatch.setattr(Plan, name, counted)
    return counts


def test_six_trials_of_a_search_build_six_of_each(built, tmp_path):
    found = gl.search(
        "random", "karate", space="gcn", trials=6, store=tmp_path, progress=False, **{"training.epochs": 2}
    )
    assert len(found.df) == 6
    assert built == {"make_task": 6, "build_learner": 6}


def test_a_run_builds_one_of_each_for_each_seed(built, tmp_path):
    gl.run("gcn", "karate", seeds=3, store=tmp_path, progress=False, **{"training.epochs": 2})
    assert built == {"make_task": 3, "build_learner": 3}
    gl.run("gcn", "karate", seeds=3, store=tmp_path, progress=False, **{"training.epochs": 2})
    gl.runs(tmp_path)
    assert built == {"make_task": 3, "build_learner": 3}
