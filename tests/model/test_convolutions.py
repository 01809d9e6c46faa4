"""gcn, sage, gin and gat compute what PyG's layers of the same weights compute, with their gradients."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GINConv

from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.observation import install_observers
from graphlab.model.registry import build_model

SPEC = DataSpec("nodes", (Target("y", "node", "class", 5),), node=Continuous(24))
MODELS = ("gcn", "sage", "gin", "gat")


def graph(sparse: bool, weighted: bool) -> Data:
    """Edges of a direction, some listed twice, with loops, and nodes without any."""
    random = torch.Generator().manual_seed(0)
    x = torch.rand(40, 24, generator=random)
    edge_index = torch.randint(36, (2, 150), generator=random)
    data = Data(x=x * (torch.rand(40, 24, generator=random) < 0.1) if sparse else x, edge_index=edge_index)
    if weighted:
        data.edge_weight = torch.rand(150, generator=random) + 0.1
    return data


def observed(model: nn.Module, way: str) -> nn.Module:
    """The same network past observation points: by PyG's layers where messages are observed, but for gin, which then
    sums before it maps, as PyG's layer does; and without messages."""
    other = deepcopy(model)
    install_observers(
        other, lambda point: None if way == "without messages" and point.endswith("message") else nn.Identity()
    )
    return other


@pytest.mark.parametrize("way", ["PyG's layers", "without messages"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("hidden_dim", [8, 64])
@pytest.mark.parametrize("model", MODELS)
def test_outputs_and_gradients(model, hidden_dim, weighted, sparse, way):
    data = graph(sparse, weighted)
    torch.manual_seed(0)
    settings = {"hidden_dim": hidden_dim, "num_layers": 3, "dropout": 0.0}
    ours = build_model(model, replace(SPEC, weighted=weighted), settings).double()
    data = data.apply(lambda value: value.double() if value.is_floating_point() else value)
    other = observed(ours, way)
    first, second = ours(data), other(data)
    torch.testing.assert_close(first, second, rtol=0, atol=1e-6)
    direction = torch.linspace(-1, 1, first.numel(), dtype=first.dtype).view_as(first)
    names, parameters = zip(*ours.named_parameters(), strict=True)
    gradients = torch.autograd.grad((first * direction).sum(), parameters)
    slow = torch.autograd.grad((second * direction).sum(), [other.get_parameter(name) for name in names])
    for name, mine, expected in zip(names, gradients, slow, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("hidden_dim", [8, 64])
def test_gin_has_the_layers_of_pyg_with_what_comes_in_beside_their_rows(hidden_dim, sparse):
    torch.manual_seed(0)
    data = graph(sparse, False)
    ours = build_model("gin", SPEC, {"hidden_dim": hidden_dim, "num_layers": 2, "dropout": 0.0})
    for parameter in ours.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    rows = [data.x]
    for conv in deepcopy(ours).convs:
        layer = GINConv(nn.Identity(), float(conv.eps.detach()))
        layer.nn = conv.mlp  # PyG draws anew what it is made with
        rows.append(layer(rows[-1], data.edge_index))
    torch.testing.assert_close(ours(data), torch.cat(rows, dim=1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_another_graph_is_not_taken_for_the_last_one(model):
    torch.manual_seed(0)
    ours = build_model(model, SPEC, {"dropout": 0.0}).eval()
    for data in (graph(False, False), graph(True, False)):
        for edge_index in (data.edge_index, data.edge_index.flip(0), data.edge_index[:, :50]):
            data.edge_index = edge_index
            torch.testing.assert_close(ours(data), observed(ours, "PyG's layers")(data))
    data.edge_index[:, :9] = 0
    torch.testing.assert_close(ours(data), observed(ours, "PyG's layers")(data))


@pytest.mark.parametrize("model", ("gcn", "sage"))
def test_dropout_of_features_leaves_the_mean(model):
    """Of one layer, which is linear in its features."""
    torch.manual_seed(0)
    ours, data = build_model(model, SPEC, {"num_layers": 1, "dropout": 0.3}), graph(True, False)
    expected = ours.eval()(data)
    drawn = torch.stack([ours.train()(data).detach() for _ in range(1000)])
    assert (drawn.mean(0) - expected).abs().max() < 0.05 < (drawn[0] - expected).abs().max()


def test_dropout_of_what_gin_gives_leaves_the_mean():
    """Of the features, of which zeros are not drawn; the layers' rows are the same in each draw."""
    torch.manual_seed(0)
    ours, data = build_model("gin", SPEC, {"hidden_dim": 8, "num_layers": 1, "dropout": 0.3}), graph(True, False)
    drawn = torch.stack([ours(data).detach() for _ in range(1000)])
    features = drawn[:, :, :24]
    torch.testing.assert_close(features.mean(0), data.x, rtol=0, atol=0.08)
    kept = drawn[drawn != 0]
    expected = torch.cat([data.x, drawn.amax(0)[:, 24:] * 0.7], dim=1) / 0.7
    torch.testing.assert_close(kept, expected.expand_as(drawn)[drawn != 0])
    assert 0.68 < (features != 0).sum() / (1000 * (data.x != 0).sum()) < 0.72
