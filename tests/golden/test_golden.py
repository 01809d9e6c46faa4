"""Versions are held to the code: what a version gave once, it gives."""

import pytest
import torch

from graphlab.model.zoo import gcn
from tests.golden import outputs
from tests.golden.__main__ import write

MODELS, TRAININGS = outputs.read("models"), outputs.read("trainings")
DEFAULTS = outputs.read("defaults")


@pytest.mark.parametrize("case", outputs.model_cases())
def test_models_give_what_their_version_gave(case):
    outputs.check(MODELS.get(case), outputs.model_output(case), case)


@pytest.mark.parametrize("name", outputs.TRAINED)
def test_trainings_come_to_what_their_versions_came_to(name):
    outputs.check(TRAININGS.get(name), outputs.training_output(name), f"a training on {name}")


def test_nothing_golden_is_left_of_what_is_gone():
    assert set(MODELS) == set(outputs.model_cases()) and set(TRAININGS) == set(outputs.TRAINED)


@pytest.mark.parametrize(("case", "version", "values"), list(outputs.default_cases()), ids=lambda each: str(each)[:40])
def test_defaults_are_those_of_their_version(case, version, values):
    stored = DEFAULTS.get(f"{case} {version}")
    assert stored is not None, "python -m tests.golden writes the defaults of a new version"
    assert values == stored, (
        f"defaults of {case} have changed, so that runs which depart from them would be taken for others: raise its "
        "version; a new setting is written by python -m tests.golden"
    )


def test_a_model_that_was_broken_is_found_before_it_can_return_an_old_run(monkeypatch):
    """Its convolution multiplied by 0, gcn had returned the old accuracy of .9545."""
    forward = gcn.GCN.forward
    monkeypatch.setattr(gcn.GCN, "forward", lambda model, batch: forward(model, batch) * 0)
    case = "gcn on node-classification"
    with pytest.raises(AssertionError, match="raise the version"):
        outputs.check(MODELS[case], outputs.model_output(case), case)


@pytest.mark.parametrize("factor", [1 + 1e-7, 1 + 1e-4])
def test_what_a_processor_rounds_is_allowed_and_more_is_not(monkeypatch, factor):
    case = "gcn on node-classification"
    output = outputs.model_output(case)
    values = {key: value * factor for key, value in output["values"].items() if key != "size"}
    assert bool(outputs.differences(output["values"], {**values, "size": output["values"]["size"]})) == (
        factor > 1.00001
    )


def test_what_is_stored_under_a_version_is_never_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "FOLDER", tmp_path)

    def output(version, value):
        return lambda case: {"versions": {"model": version}, "values": {"0": value, "largest": value}}

    assert write("models", ["a"], output(1, 1.0)) == []
    assert write("models", ["a"], output(1, 2.0)) == ["a"]
    assert outputs.read("models")["a"]["values"]["0"] == 1.0
    assert write("models", ["a"], output(2, 2.0)) == []
    assert outputs.read("models")["a"]["values"]["0"] == 2.0


def test_a_training_draws_its_numbers_by_name():
    """So that it comes to the same whatever was drawn before."""
    torch.rand(3)
    first = outputs.training_output("node-classification")
    torch.rand(5)
    assert outputs.training_output("node-classification") == first
