"""LightGCN against dense algebra in float64."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import LINK, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import build_model
from graphlab.testing.examples import example
from tests.model.links import PAIRS, adjacency, graph_of, spec_of


@pytest.mark.parametrize("features", [None, 5])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_vectors_are_means_over_the_powers_of_the_normalised_adjacency(num_layers, features):
    torch.manual_seed(0)
    settings = {"embedding_dim": 8, "num_layers": num_layers}
    model, graph = build_model("lightgcn", spec_of(features), settings).double(), graph_of(features)
    a = adjacency(graph)
    root = a.sum(1).clamp(min=1).rsqrt()
    smooth = root[:, None] * a * root
    powers = [torch.linalg.matrix_power(smooth, k) for k in range(num_layers + 1)]
    e = sum(powers) / (num_layers + 1) @ model.vectors
    first, second = PAIRS.unbind(1)
    torch.testing.assert_close(model.encode(graph), e, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model(graph, PAIRS), (e @ e.T)[first, second], rtol=1e-10, atol=1e-12)


def test_new_nodes_are_refused():
    with pytest.raises(IncompatibleError, match="lightgcn learns one vector"):
        build_model("lightgcn", DataSpec("node-pairs", (LINK,)), {})


def test_its_recipe_has_the_published_loss():
    plan = make_plan("lightgcn", example("links"))
    assert plan.task_config.loss == "bpr" and not plan.task_config.remove_one_hop
    assert make_plan("gae", example("links")).task_config.loss == "bce"
