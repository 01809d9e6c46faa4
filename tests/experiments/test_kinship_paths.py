"""The kinship study: its truth is the generator's; a trained model's reasons are rules, an untrained one's are not."""

from __future__ import annotations

from itertools import product

import pytest
import torch

import graphlab as gl
from graphlab.data.generators.kinship_rules import EITHER, RULES
from tests.experiments.loading import load_experiment


@pytest.fixture(scope="module")
def study():
    return load_experiment("kinship_paths")


@pytest.fixture(scope="module")
def truth(study):
    return study.Truth()


def test_every_definition_is_a_rule(truth):
    """Some lead nowhere: no son has a husband here."""
    for relation, paths in RULES.items():
        for path in paths:
            for words in product(*(EITHER.get(word, (word,)) for word in path.split())):
                rule = truth.rules.rule([(word, False) for word in words], relation)
                assert rule.correct == rule.pairs, (relation, words)


@pytest.mark.parametrize(
    ("body", "relation", "is_rule"),
    [
        ((("aunt", False), ("husband", False)), "uncle", True),
        ((("son", True), ("father", False)), "grandfather", True),
        ((("father", True), ("mother", True)), "grandson", False),
        ((("brother", False), ("nephew", False)), "nephew", False),
        ((("father", False), ("father", False)), "grandmother", False),
    ],
)
def test_consequences_are_rules_and_habits_are_not(truth, body, relation, is_rule):
    assert (truth.confidence(body, relation) == 1.0) is is_rule


@pytest.mark.slow
def test_the_paths_behind_ten_answers_are_rules(study, truth, tmp_path):
    runs = gl.run("nbfnet", "kinship-rules/transductive", seeds=[10], store=tmp_path, progress=False, **study.SETTINGS)
    trained = study.summary(study.explain(gl.answers(runs, tmp_path), truth, scales=8, count=10))
    assert trained["first_ten_true"] >= 9

    data = gl.load("kinship-rules/transductive")
    torch.manual_seed(0)
    model = gl.build("nbfnet", data.spec, dim=16, num_layers=3, aggregate="sum", layer_norm=False)
    untrained = study.summary(study.explain(gl.Answers(model, data), truth, scales=8, count=10))
    assert untrained["first_ten_true"] <= 5
