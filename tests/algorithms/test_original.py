"""Probes, outputs, hints and lengths are those of the original package."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.algorithms.archive import read_archive, to_published
from graphlab.algorithms.registry import ALGORITHMS, BESIDE, CLRS_30
from graphlab.algorithms.trajectory import run_batch, sample

pytestmark = pytest.mark.real_data

SIZES = [4, 7, 11, 16, 64]
TYPES = {
    "scalar": "value",
    "categorical": "class",
    "mask": "mask",
    "mask_one": "mask-one",
    "pointer": "pointer",
    "should_be_permutation": "permutation",
}


def test_probes_are_those_of_the_original_specs(original):
    rows = [line.split("\t") for line in original("specs.tsv").read_text().splitlines()[1:]]
    published = {(name, probe, stage, location, TYPES[type_]) for name, probe, stage, location, type_ in rows}
    ours = {
        (name, probe.name, probe.stage, probe.location, probe.type)
        for name, algorithm in ALGORITHMS.items()
        for probe in algorithm.probes
    }
    assert ours == published
    assert len(rows) == sum(len(algorithm.probes) for algorithm in ALGORITHMS.values())
    assert len(CLRS_30) == 30 and set(ALGORITHMS) == {*CLRS_30, *BESIDE}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_trajectories_are_those_of_the_original_algorithms(original, name):
    batches = read_archive(original(f"{name}.npz"), name)
    assert sorted(batches) == SIZES
    for size, published in batches.items():
        assert bool(published.hints) == (size < 64)
        ours = run_batch(published)
        assert ours.lengths.tolist() == published.lengths.tolist()
        for key, values in published.outputs.items():
            np.testing.assert_array_equal(ours.outputs[key], values, err_msg=f"{key} at {size}")
        for key, values in published.hints.items():
            np.testing.assert_allclose(ours.hints[key], values, rtol=0, atol=1e-5, err_msg=f"{key} at {size}")
            if ALGORITHMS[name].probe(key).type != "value":
                np.testing.assert_array_equal(ours.hints[key], values, err_msg=f"{key} at {size}")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_original_form_of_what_was_read_is_what_was_written(original, name):
    with np.load(original(f"{name}.npz")) as arrays:
        batch = read_archive(original(f"{name}.npz"), name)[16]
        within = np.arange(len(arrays["n16/hint/" + next(iter(batch.hints))]))[:, None] < batch.lengths
        for stage, values in (("input", batch.inputs), ("hint", batch.hints), ("output", batch.outputs)):
            for key in values:
                written, raw = to_published(batch.algorithm.probe(key), values[key]), arrays[f"n16/{stage}/{key}"]
                if stage == "hint":
                    written, raw = written[within], raw[within]
                np.testing.assert_array_equal(written, raw.astype(written.dtype), err_msg=key)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_samplers_draw_the_original_instances(original, name):
    for size, published in read_archive(original(f"{name}.npz"), name).items():
        ours = sample(name, len(published), size, np.random.RandomState(3), hints=False)
        assert list(ours.inputs) == list(published.inputs)
        for key, values in published.inputs.items():
            np.testing.assert_allclose(ours.inputs[key], values, rtol=0, atol=1e-6, err_msg=f"{key} at {size}")
        for key, values in published.outputs.items():
            np.testing.assert_array_equal(ours.outputs[key], values, err_msg=f"{key} at {size}")


def _moments(inputs):
    """Means that tell distributions apart."""
    numbers = {key: values.astype(float).mean() for key, values in inputs.items()}
    numbers |= {f"{key} squared": (values.astype(float) ** 2).mean() for key, values in inputs.items()}
    if "A" in inputs:
        numbers["loops"] = np.trace(inputs["adj"] * (inputs["A"] != 0), axis1=1, axis2=2).mean()
    return numbers


@pytest.mark.parametrize("name", ALGORITHMS)
def test_both_generators_draw_from_one_distribution(name):
    old, new = (
        [_moments(sample(name, 10, 16, rng(seed), hints=False).inputs) for seed in range(20)]
        for rng in (np.random.RandomState, np.random.default_rng)
    )
    for key in old[0]:
        first, second = (np.array([moments[key] for moments in repeats]) for repeats in (old, new))
        spread = np.sqrt((first.var() + second.var()) / 20)
        assert abs(first.mean() - second.mean()) <= 4.5 * spread + 1e-9, key
