"""Searches that earlier versions stored are listed and go on: `stored-0.1.0`, written before the loop and Optuna were
parted.

Each journal was left by a search that stopped in the middle of an evaluation; that of `evolution` also by a worker that
died between queueing a trial and taking it. `expected.json` has what the code that wrote it read there ("stored"), and
what it came to when it never stopped ("whole").
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import graphlab as gl
from graphlab.model.zoo.gcn import GCN
from graphlab.nas.strategies.agnn import ENTROPIES
from graphlab.testing.searches import Letters, Score, Toy, run_search
from tests.nas.core.test_limits import Limited

STORED = Path(__file__).parent / "stored-0.1.0"
EXPECTED = json.loads((STORED / "expected.json").read_text())
SEVERAL = ("validation", "parameters")

CASES = {
    "agnn": ("agnn", Letters(), lambda space: Score(space), {"startup": 3}),
    "nsga2-limited": (
        "nsga2",
        Letters(),
        lambda space: Limited(space, {"parameters": 1}, names=SEVERAL),
        {"population": 4},
    ),
    "tpe": ("tpe", Letters(places=2), lambda space: Score(space), {"startup": 3}),
    "random-pruned": ("random", Letters(), lambda space: Score(space, steps=3), {"prune_after": 5}),
    "evolution": ("evolution", Toy(), lambda space: Score(space), {"population": 4}),
}
KARATE = {"space": "gcn", "seed": 1, "on": "validation", "constraints": {"parameters": 5000}, "training.epochs": 3}


def facts(outcomes):
    """As JSON has them."""
    listed = [
        {
            "index": outcome.index,
            "number": outcome.number,
            "key": outcome.key,
            "state": outcome.state,
            "values": outcome.values,
            "params": dict(outcome.params),
            "objectives": list(outcome.objectives),
            "score": outcome.score,
            "metrics": dict(outcome.metrics),
            "notes": {name: note for name, note in outcome.notes.items() if name != ENTROPIES},
            "excess": outcome.excess,
            "error": outcome.error,
        }
        for outcome in outcomes
    ]
    return json.loads(json.dumps(listed))


def without_numbers(listed):
    """Of a search that stopped, the trials that it made again have later numbers."""
    return [{name: value for name, value in one.items() if name != "number"} for one in listed]


@pytest.mark.parametrize("name", CASES)
def test_a_stored_search_is_listed_and_goes_on(name, tmp_path):
    strategy, space, objective, settings = CASES[name]
    expected = EXPECTED[name]
    (tmp_path / "study").mkdir()
    shutil.copy(STORED / name / "journal.log", tmp_path / "study")
    stored, whole = expected["stored"], expected["whole"]
    listed = run_search(strategy, space, objective(space), len(stored), where=tmp_path, **settings)
    assert facts(listed.outcomes) == stored
    continued = run_search(strategy, space, objective(space), len(whole), where=tmp_path, **settings)
    assert without_numbers(facts(continued.outcomes)) == without_numbers(whole)
    again = run_search(strategy, space, objective(space), len(whole), **settings)
    assert facts(again.outcomes) == whole, "and a new search does the same"


def test_a_stored_search_of_trainings_is_found_by_its_name_and_goes_on(tmp_path, monkeypatch):
    """What gcn gives is what it gave then, as far as its version says."""
    monkeypatch.setattr(GCN, "version", 1)
    expected = EXPECTED["karate"]
    folder = tmp_path / "searches" / expected["study"]
    folder.mkdir(parents=True)
    shutil.copy(STORED / "karate" / "journal.log", folder)
    settings = {**KARATE, "store": tmp_path, "strategy.population": 3}
    listed = gl.search("evolution", "karate", trials=4, **settings)
    assert listed.study.study_name == expected["study"]
    assert facts(listed.outcomes) == expected["stored"]
    assert gl.runs(tmp_path, trials=True).empty, "nothing was trained again"
    continued = gl.search("evolution", "karate", trials=6, **settings)
    assert [outcome["key"] for outcome in facts(continued.outcomes)] == [
        outcome["key"] for outcome in expected["whole"]
    ]
    for one, other in zip(continued.outcomes, expected["whole"], strict=True):
        assert {name: one.metrics[name] for name in other["metrics"]} == pytest.approx(other["metrics"])


def shapes(content):
    """What a file of tensors holds, without its numbers."""
    if isinstance(content, torch.Tensor):
        return list(content.shape)
    if isinstance(content, dict):
        return {str(key): shapes(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [shapes(value) for value in content]
    return type(content).__name__


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_files_of_weights_have_the_names_and_the_content_that_they_had(name, tmp_path):
    """A supernet and shared weights: what a search reads there when it goes on."""
    expected = EXPECTED["files"][name]
    strategy, sharing = ("random", {"sharing": 2}) if name == "sharing" else (name, {})
    found = gl.search(
        strategy,
        "karate",
        trials=2,
        seed=0,
        on="validation",
        store=tmp_path,
        start=False,
        **sharing,
        **expected["settings"],
    )
    assert found.study.study_name == expected["study"]
    folder = tmp_path / "searches" / expected["study"]
    files = sorted(folder.rglob("*.pt"))
    assert [str(path.relative_to(folder)) for path in files] == expected["files"]
    content = {path.name: shapes(torch.load(path, weights_only=True)) for path in files}
    assert (content if name == "sharing" else content["supernet.pt"]) == expected["content"]
