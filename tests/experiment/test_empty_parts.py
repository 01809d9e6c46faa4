"""A split that leaves out a part that is needed is said to, before anything runs."""

from dataclasses import replace

import pytest

from graphlab.core.errors import InputError
from graphlab.data.dataset import Split, Splits
from graphlab.experiment.plan import make_plan
from graphlab.testing.examples import example

CASES = [("node-classification", "gcn"), ("graph-classification", "gin"), ("kg-transductive", "distmult")]


def without(dataset, part):
    whole = dict(dataset.split().parts())
    return replace(dataset, splits=Splits("mine", fixed=(Split(**whole | {part: whole[part][:0]}),)))


@pytest.mark.parametrize(("name", "model"), CASES)
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_an_empty_part(name, model, part):
    dataset = without(example(name), part)
    with pytest.raises(InputError, match=f"the {part} part of .*, split 'mine', seed 0, is empty"):
        make_plan(model, dataset)


def test_without_training_nothing_is_trained_on():
    assert make_plan("distmult", without(example("kg-transductive"), "train"), {"training.epochs": 0})


def test_pairs_are_only_tested():
    assert not len(example("pairs").split().train)
    assert make_plan("gin", example("pairs"))
