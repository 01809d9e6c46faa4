"""Parts of a split and links: each case is converted with a notice, noticed, or one error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.data.check import check
from graphlab.data.dataset import Split, Splits
from graphlab.data.links import unordered
from graphlab.experiment.plan import make_plan
from graphlab.testing.examples import example
from tests.data.refusals import GRAPH, NODE, refusal, with_split


def test_masks_lists_and_arrays_are_ids():
    for name, size in ((NODE, 24), (GRAPH, 24)):
        wanted = dict(example(name).split().parts())
        masks = {part: torch.zeros(size, dtype=torch.bool).index_fill_(0, ids, True) for part, ids in wanted.items()}
        for convert in (lambda mask: mask, lambda mask: mask.numpy(), lambda mask: mask.tolist()):
            data = with_split(name, **{part: convert(mask) for part, mask in masks.items()})
            assert check(data).notices == ()
            for part, ids in data.split().parts():
                assert ids.dtype == torch.int64 and ids.equal(wanted[part].sort().values)
    for convert in (torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.int, lambda ids: ids.numpy()[::-1]):
        assert check(with_split(NODE, train=convert(torch.arange(12)))).split().train.dtype == torch.int64


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (torch.tensor([0.0, 1.0]), "the train part of a split is float32"),
        (torch.zeros(24, dtype=torch.uint8), "is uint8, which may be a mask or ids"),
        (torch.zeros(24, 10, dtype=torch.bool), r"a mask of the shape \[24, 10\]"),
        (["a", "b"], "an array of <U1"),
        ([True, 3], "mixes numbers and bools"),
        ([[1], [2, 3]], "a list that is no array"),
        (None, "is a NoneType"),
        (torch.tensor(3), "a single number"),
        (np.array([1.5]), "is float64"),
    ],
)
def test_parts_that_are_no_ids(part, words):
    with pytest.raises(InputError, match=words) as caught:
        with_split(NODE, train=part)
    assert caught.value.hint


@pytest.mark.parametrize("name", [NODE, GRAPH])
def test_parts_that_do_not_fit(name):
    what = "node" if name == NODE else "graph"
    refusal(with_split(name, test=[23, 24]), f"test part of example names {what} 24, and there are 24", "0 to 23")
    shifted = {part: ids + 1 for part, ids in example(name).split().parts()}
    refusal(with_split(name, **shifted), f"names {what} 24", "subtract 1")
    refusal(with_split(name, test=[-1, 23]), f"names {what} -1", "negative")
    refusal(with_split(name, test=[20, 20, 21]), f"names {what} 20 more than once", "unique")
    refusal(with_split(name, test=[3, 5, 23]), f"the train and test parts of example share 2 {what}s: 3, 5")
    refusal(with_split(name, train=[True] * 5 + [False] * 5), f"have the length 10, and there are 24 {what}s")
    with pytest.raises(InputError, match="masks of a split have different lengths: train 2, test 3"):
        with_split(name, train=[True, False], test=[False, False, True])
    with pytest.raises(InputError, match=r"the train part of .*example.* is empty"):
        make_plan("gin", with_split(name, train=[False] * 24))


def test_a_part_that_chooses_and_measures():
    ids = example(NODE).split().test
    notices = check(with_split(NODE, validation=ids)).notices
    assert notices == ("validation and test are the same items: what chooses a checkpoint also measures it",)


def test_splits_drawn_from_the_seed_are_seen_at_each_seed():
    def draw(stream):
        k = 25 if stream.integer() % 2 else 23
        return Split(range(12), [12], [k])

    data = replace(example(NODE), splits=Splits("mine", draw=draw))
    bad = next(seed for seed in range(100) if 25 in data.split(seed).test)
    good = next(seed for seed in range(100) if 23 in data.split(seed).test)
    if bad == 0:
        refusal(data, "names node 25")
        return
    plan = make_plan("gcn", data)
    plan.make_task(good)
    with pytest.raises(InputError, match="names node 25"):
        plan.make_task(bad)


# Links.


def test_links():
    data = example("links")
    split = data.split()

    def with_test(rows):
        return with_split("links", test=rows)

    refusal(with_test(split.test[:, :2]), r"shape \[\d+, 2\], not \[n, 3\]", "whether a link joins them")
    turned = split.test.clone()
    turned[0] = turned[0, [1, 0, 2]]
    refusal(with_test(turned), "1 of \\d+ pairs that are not u < v", "smaller node first")
    flipped = split.test.clone()
    flipped[:, 2] = 1
    count = int((split.test[:, 2] == 0).sum())
    refusal(with_test(flipped), f"{count} of {len(flipped)} pairs labelled 1 that are no links of the graph")
    hidden = split.test.clone()
    hidden[:, 2] = 0
    refusal(with_test(hidden), f"{len(hidden) - count} of {len(hidden)} pairs labelled 0 that are links")
    refusal(with_split("links", train=split.validation), "pairs labelled 0", "training draws pairs")
    refusal(with_test(torch.cat([split.test, split.train[:2]])), "example has 2 pairs more than once")
    total = len(unordered(data.graph.edge_index))
    assert check(with_split("links", train=split.train[2:])).notices == (
        f"2 of {total} links are in no part: no model sees them",
    )


# The outline, names, and what is shown.


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "neither fixed nor drawn"),
        ({"fixed": ()}, "neither fixed nor drawn"),
        ({"fixed": example(NODE).split()}, "are fixed as"),
        ({"fixed": ("public",)}, "are fixed as"),
        ({"draw": "random"}, "neither fixed nor drawn"),
        ({"name": None, "fixed": (example(NODE).split(),)}, "called None"),
    ],
)
def test_splits_of_other_objects(values, words):
    with pytest.raises(InputError, match=words) as caught:
        Splits(**{"name": "mine", **values})
    assert caught.value.hint


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("value", [0, 1])
def test_link_parts_have_links_and_others(part, value):
    rows = example("links").split().validation
    refusal(
        with_split("links", **{part: rows[rows[:, 2] == value]}), f"labelled {value}", f"pairs labelled {1 - value}"
    )
