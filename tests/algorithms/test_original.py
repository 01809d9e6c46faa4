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
def test_samplers_draw_instances_of_the_same_shapes_and_positions(original, name):
    for size, published in read_archive(original(f"{name}.npz"), name).items():
        ours = sample(name, 2, size, np.random.default_rng(0), hints=False)
        assert {key: values.shape[1:] for key, values in ours.inputs.items()} == {
            key: values.shape[1:] for key, values in published.inputs.items()
        }
        np.testing.assert_allclose(ours.inputs["pos"][0], published.inputs["pos"][0], atol=1e-6)
        if "string" in ours.inputs:
            np.testing.assert_array_equal(ours.inputs["string"][0], published.inputs["string"][0])


def _statistics(inputs, name):
    """Means that tell distributions apart: how many edges and self-loops there are, and first and second moments."""
    numbers = {}
    for key, values in inputs.items():
        if key == "A":
            diagonal = np.eye(values.shape[-1], dtype=bool)
            numbers["edges"] = (values[:, ~diagonal] != 0).mean()
            numbers["loops"] = (values[:, diagonal] != 0).mean()
            if (values != 0).any():
                numbers["weight"] = values[values != 0].mean()
        elif key not in ("pos", "adj", "string") and not (key in ("s", "t") and "A" in inputs):
            numbers |= {key: values.astype(float).mean(), f"{key} squared": (values.astype(float) ** 2).mean()}
    return numbers


@pytest.mark.parametrize("name", ALGORITHMS)
def test_samplers_have_the_moments_of_the_original_ones(original, name):
    published = _statistics(read_archive(original(f"{name}.npz"), name)[64].inputs, name)
    repeats = [
        _statistics(sample(name, 2, 64, np.random.default_rng(seed), hints=False).inputs, name) for seed in range(40)
    ]
    for key, value in published.items():
        ours = np.array([repeat[key] for repeat in repeats])
        assert abs(value - ours.mean()) <= 4 * ours.std() + 1e-6, (
            f"{key}: {value} against {ours.mean()} +- {ours.std()}"
        )
