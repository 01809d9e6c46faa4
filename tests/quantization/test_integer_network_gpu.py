"""Integer networks on a GPU against their definitions, to the bit: by operations of torch, by Triton's interpreter
where Triton is installed, and on a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from graphlab.core.errors import InputError
from graphlab.ops.integer import devices
from graphlab.ops.integer.gpu import dispatch
from graphlab.ops.integer.gpu.dispatch import PLAIN
from graphlab.ops.integer.gpu.layout import DeviceWeights
from graphlab.quantization.operations import Product
from graphlab.quantization.rows import Edges
from tests.ops.integer.device_checks import path_of_gpus
from tests.quantization.device_networks import CHECKS, NETWORKS, example, network

NAMES = sorted(CHECKS)
with_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed; it comes with torch on GPU machines"
)


@pytest.mark.parametrize("name", NAMES)
def test_operations_of_torch_give_the_integers_of_the_definition(name):
    with path_of_gpus(PLAIN):
        CHECKS[name]("cpu")


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What networks fail with in the interpreter, in a process of its own."""
    results = tmp_path_factory.mktemp("interpreted") / "results.json"
    subprocess.run(
        [sys.executable, "-m", "tests.quantization.device_networks", str(results)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        check=True,
    )
    return json.loads(results.read_text())


@with_triton
@pytest.mark.parametrize("name", NAMES)
def test_interpreted(interpreted, name):
    assert interpreted[name] == ""


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu(name):
    CHECKS[name]("cuda")


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_stay_on_their_device_and_nothing_waits_for_them(name, monkeypatch):
    """The device `meta` has no numbers: to read one, or to mix it with rows of the host, is an error. What is checked
    once a graph, of its degrees, has been checked."""
    integers = network(name, 4, seed=0)
    x, edges = example(integers, 0)
    expected = {stage: rows.integers.shape for stage, rows in integers.stages(x, edges)}
    features = integers.grid.integers(x).to("meta")
    monkeypatch.setattr(devices, "on_gpu", lambda tensor: tensor.is_meta)
    monkeypatch.setattr(dispatch, "paths", lambda: PLAIN)
    monkeypatch.setattr(Edges, "check", lambda *arguments: None)
    stages = dict(integers.stages(features, edges.to("meta")))
    assert {stage: rows.integers.shape for stage, rows in stages.items()} == expected
    assert all(rows.integers.is_meta for rows in stages.values()) and stages["output"].values().is_meta


@pytest.mark.parametrize(("bits", "kept"), [(2, 2), (3, 4), (4, 4), (8, 8)])
def test_weights_of_few_bits_stay_packed_on_a_gpu(bits, kept):
    integers = network("convolutions", bits, seed=0)
    with path_of_gpus(PLAIN):
        integers.run(*example(integers, 0))
    for operation in integers.operations:
        if isinstance(operation, Product):
            (weight,) = operation._laid_out.values()
            assert isinstance(weight, DeviceWeights) and weight.bits == kept
            assert weight.data.numel() == -(-operation.weight.numel() * kept // 8)


def test_edges_that_are_moved_stay_checked():
    integers = network("convolutions", 8, seed=0)
    x, edges = example(integers, 0)
    assert edges.to("cpu") is edges
    integers.run(x, edges)
    moved = edges.to("meta")
    assert moved._checked is edges._checked and moved.weight is not None and moved.weight.is_meta
    assert moved.scale == edges.scale and moved.neighbours.target.is_meta


def test_features_that_are_not_numbers_are_refused_on_a_gpu_too():
    integers = network("convolutions", 8, seed=0)
    x, edges = example(integers, 0)
    x[0, 0] = torch.nan
    with path_of_gpus(PLAIN), pytest.raises(InputError, match="NaN"):
        integers.run(x, edges)
