"""OSAN against the authors' code with the same weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.data.spec import Categorical
from tests.model.published import MOLECULES, PLACES, Published, num_parameters_of_preset

pytestmark = pytest.mark.real_data

BONDS = replace(MOLECULES, edge=Categorical((3,)))


def rules():
    names = {"head.mlp.0": "fc4"} | {f"model.maps.{k}": f"fc{k + 1}" for k in range(3)}
    for k in range(4):
        layer = f"model.layers.{k}"
        names |= {
            f"{layer}.eps": f"conv.{k}.eps",
            f"{layer}.bond": f"conv.{k}.bond_encoder",
            f"{layer}.mlp": f"conv.{k}.mlp",
            f"{layer}.norm": f"bn.{k}",
        }
    for k in range(3):
        layer = f"model.scores.layers.{k}"
        names |= {
            f"{layer}.map": f"sampler/conv{k + 1}.linear",
            f"{layer}.bond": f"sampler/conv{k + 1}.edge_encoder",
            f"{layer}.norm": f"sampler/bn{k + 1}",
        }
    return names | {"model.scores.score": "sampler/lin_node"}


@pytest.fixture
def arrays(truth):
    stored = dict(truth("../truth_zoo/osan_netgine"))
    own = {key: rows for key, rows in stored.items() if key.startswith("weight_sampler/")}
    return stored | {f"weight/sampler/{key.removeprefix('weight_sampler/')}": rows for key, rows in own.items()}


@pytest.fixture
def graphs(truth):
    """Bonds count from 0 there."""
    return {key: rows - 1 if key.endswith("/bond") else rows for key, rows in truth("../truth_zoo/graphs").items()}


def published(arrays, graphs, **own):
    settings = {"hidden_dim": 12, "num_layers": 4, "sampler_dim": 12, "subgraphs": 3, **own}
    return Published(arrays, graphs, "osan", settings, rules(), {}, BONDS)


@pytest.mark.parametrize("removes_nodes", [False, True])
def test_outputs_for_the_same_subgraphs_are_the_reference_s(arrays, graphs, removes_nodes, monkeypatch):
    case = published(arrays, graphs, removes_nodes=removes_nodes)
    case.learner.eval()
    key = "out_nodes_removed" if removes_nodes else "out"
    for name in case.names():
        masks = torch.from_numpy(arrays[f"node_masks/{name}"])[:-1]  # the last is the whole graph
        edges = masks.new_ones(3, graphs[f"{name}/edge_index"].shape[1])
        monkeypatch.setattr(case.learner["model"], "subgraphs", lambda *_, parts=(masks, edges): parts)
        expected = torch.from_numpy(arrays[f"{key}/{name}"]).view(1, -1)
        torch.testing.assert_close(case.outputs([name]), expected, **PLACES)


def test_scores_of_nodes_are_the_reference_s(arrays, graphs):
    case = published(arrays, graphs)
    model = case.learner["model"].eval()
    for name in case.names():
        batch = case.batch([name])
        with torch.no_grad():
            scores = model.scores(batch.edge_index, *model.inputs(batch, model.maps[0].weight), None)
        bias = torch.from_numpy(arrays["weight_sampler/lin_node.bias"])
        expected = (torch.from_numpy(arrays[f"sampler/node_scores/{name}"]) - bias).T
        torch.testing.assert_close(scores, expected, **PLACES)


def test_parameters_of_the_recipe_on_zinc():
    """The published sampler has maps of edges and a bias of scores too, which ours has not."""
    edges = 256 * 256 + 256 + 2 * 256 + 256 * 3 + 3
    assert num_parameters_of_preset("osan", "zinc", BONDS) == 804_045 + 211_462 - edges - 3
