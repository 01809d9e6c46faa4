"""GNN-AK and GNN-AK+ against the authors' code with the same weights."""

from __future__ import annotations

import pytest

from tests.model.published import Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

GRAPHS = ("m0", "m1", "m2", "m3", "r0", "r1", "d0")
MOLECULES = ("m0", "m1", "m2", "m3", "r0", "r1", "d0")


def rules(num_layers, inner_layers, has_distances, is_joined):
    names = {
        "model.start.map.tables.0": "input_encoder.embeddings.0",
        "head.mlp.0": "output_decoder.layers.0",
        "head.mlp.1": "output_decoder.norms.0",
        "head.mlp.3": "output_decoder.layers.1",
    }
    for k in range(num_layers):
        ours, theirs = f"model.kernels.{k}", f"subgraph_layers.{k}"
        names |= {
            f"{ours}.bonds.map.tables.0": f"edge_encoders.{k}.embeddings.0",
            f"{ours}.subgraph.map": f"{theirs}.subgraph_transform.layers.0",
            f"{ours}.subgraph.norm": f"{theirs}.subgraph_transform.norms.0",
            f"{ours}.norm": f"norms.{k}",
        }
        for i in range(inner_layers):
            inner, convolution = f"{ours}.inner.{i}", f"{theirs}.gnns.0.convs.{i}"
            names |= {
                f"{inner}.eps": f"{convolution}.layer.eps",
                f"{inner}.first.": f"{convolution}.nn.layers.0.",
                f"{inner}.first_norm": f"{convolution}.nn.norms.0",
                f"{inner}.second": f"{convolution}.nn.layers.1",
                f"{inner}.norm": f"{theirs}.gnns.0.norms.{i}",
            }
        if has_distances:
            names |= {
                f"{ours}.table": f"{theirs}.hop_embedder",
                f"{ours}.narrow": f"{theirs}.gnns.0.output_encoder.layers.0",
                f"{ours}.context.map": f"{theirs}.context_transform.layers.0",
                f"{ours}.context.norm": f"{theirs}.context_transform.norms.0",
                f"{ours}.centroid": f"{theirs}.gate_mapper_centroid.0",
                f"{ours}.subgraph.gate": f"{theirs}.gate_mapper_subgraph.0",
                f"{ours}.context.gate": f"{theirs}.gate_mapper_context.0",
            }
        if is_joined:
            names[f"{ours}.fuse"] = f"{theirs}.out_encoder.layers.0"
    return names


PACKS = {
    "gnn_ak": ("gnn-ak/ak", {"hops": 3}),
    "gnn_ak_plus": ("gnn-ak/ak-plus", {"hops": 3}),
    "gnn_ak_plus_add_mean_inner2": (
        "gnn-ak/ak-plus",
        {"hops": 2, "inner_layers": 2, "join": "sum", "pooling": "mean"},
    ),
}


@pytest.fixture(params=sorted(PACKS))
def published(request, truth):
    name, settings = PACKS[request.param]
    names = rules(3, settings.get("inner_layers", 1), name == "gnn-ak/ak-plus", "join" not in settings)
    return Published(
        truth(f"../truth_zoo/{request.param}"),
        truth("../truth_zoo/graphs"),
        name,
        {"hidden_dim": 16, "num_layers": 3, **settings},
        names,
        {"pooling": settings.get("pooling", "sum"), "hidden": (16,), "norm": "batch"},
    )


def test_outputs_are_the_reference_s(published):
    published.check(GRAPHS)


def test_outputs_of_a_batch_in_training_are_the_reference_s(published):
    published.check_training(MOLECULES)


def test_only_what_the_reference_never_uses_is_left(published):
    never = ("output_encoder.norms", "out_encoder.norms", "output_decoder.norms.1", "nn.norms.1", "layer.nn.")
    assert all(any(part in name for part in never) or name.endswith("num_batches_tracked") for name in published.unused)


@pytest.mark.parametrize(("name", "count"), [("gnn-ak/ak", 521_095), ("gnn-ak/ak-plus", 924_679)])
def test_parameters_of_the_recipe_on_zinc(name, count):
    assert num_parameters_of_preset(name, "zinc") == count
