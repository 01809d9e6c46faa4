"""Networks of an elastic space on slices of the largest's weights, held against the networks themselves."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import find_model
from graphlab.nas.elastic.slices import build, slices
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.registry import find_space, find_supernet

NAMES = ("elastic-gat", "elastic-gcn", "elastic-sage")
SEEDS = st.integers(0, 10**6)


def graph(seed: int, dtype: torch.dtype = torch.float32) -> Data:
    """Twelve nodes, of which one has no neighbour, and features that are mostly zero."""
    random = torch.Generator().manual_seed(seed)
    edges = torch.randint(11, (2, 40), generator=random)
    x = torch.rand(12, 30, generator=random) * (torch.rand(12, 30, generator=random) < 0.2)
    return Data(x=x.to(dtype), edge_index=edges, num_nodes=12, batch=torch.zeros(12, dtype=torch.long))


def spec(items: str = "nodes") -> DataSpec:
    return DataSpec(items, (Target("y", "node" if items == "nodes" else "graph", "class", 5),), Continuous(30))


def shaken(module, seed: int):
    """With other weights: biases begin as zeros."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module


def supernet_of(name: str, seed: int, items: str = "nodes", dropout: float = 0.5):
    space = find_space(name)
    config = find_model("gnn-micro").config.parse({**space.settings(space.smallest())[1], "dropout": dropout}, where="")
    torch.manual_seed(seed)
    return shaken(find_supernet(space)(config, spec(items), 1, 1), seed)


def network_of(name: str, values, items: str = "nodes", dropout: float = 0.5):
    """As `gl.run` builds it."""
    return build(find_space(name).settings(values)[1], dropout, spec(items))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NAMES), SEEDS, st.sampled_from(["nodes", "graphs"]), st.booleans())
def test_a_network_that_is_cut_out_gives_the_rows_of_the_supernet_to_the_bit(name, seed, items, training):
    space = find_space(name)
    values = space.sample(SeedStream(seed).numpy())
    supernet, network = supernet_of(name, seed, items), network_of(name, values, items)
    network.load_state_dict(supernet.weights_of(values))
    supernet.mixture = path(space, values)
    rows = []
    for module in (supernet.train(training), network.train(training)):
        torch.manual_seed(seed)
        rows.append(module(graph(seed)))
    assert torch.equal(*rows)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_the_slices_and_nothing_else(name):
    space = find_space(name)
    values = space.sample(SeedStream(5).numpy())
    supernet, network = supernet_of(name, 0, dropout=0.0), network_of(name, values, dropout=0.0)
    network.load_state_dict(supernet.weights_of(values))
    supernet.mixture = path(space, values)
    supernet(graph(1)).square().sum().backward()
    network(graph(1)).square().sum().backward()
    reached = [p.grad for p in supernet.parameters() if p.grad is not None]
    own = [p.grad for p in network.parameters() if p.grad is not None]
    assert sum(int(grad.count_nonzero()) for grad in reached) == sum(int(grad.count_nonzero()) for grad in own) > 100
    total = torch.stack([grad.double().square().sum() for grad in reached]).sum()
    assert torch.allclose(total, torch.stack([grad.double().square().sum() for grad in own]).sum(), rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(NAMES), SEEDS)
def test_a_network_is_one_of_the_largest_widths_in_which_all_but_its_slices_is_zero(name, seed):
    """Of as many layers; dead channels and heads give zeros."""
    space = find_space(name)
    values = space.sample(SeedStream(seed).numpy())
    full = (space.head_counts[-1], space.widths[-1])
    wide = shaken(network_of(name, space.of_hidden([full] * (values["num_layers"] - 1)), dropout=0.0), seed).double()
    narrow = network_of(name, values, dropout=0.0).double()
    narrow.load_state_dict(slices(wide, narrow))
    kept = {parameter: torch.zeros_like(parameter) for parameter in wide.parameters()}
    for each in slices(wide, narrow).values():
        for parameter, mask in zip(
            kept, torch.autograd.grad(each.sum(), list(kept), materialize_grads=True), strict=True
        ):
            kept[parameter] += mask
    with torch.no_grad():
        for parameter, mask in kept.items():
            parameter.mul_(mask)
    batch = graph(seed, torch.float64)
    assert torch.allclose(wide(batch), narrow(batch), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_last_layer_is_shared_by_all_depths(name):
    space = find_space(name)
    supernet = supernet_of(name, 0)
    whole = supernet.largest.state_dict()
    for depth in (2, 3, 4):
        hidden = [(space.head_counts[0], space.widths[0])] * (depth - 1)
        weights = supernet.weights_of(space.of_hidden(hidden))
        assert torch.equal(weights[f"layers.{depth - 1}.bias"], whole["layers.3.bias"])
        width = space.widths[0] * space.head_counts[0]
        assert torch.equal(weights[f"layers.{depth - 1}.weight"], whole["layers.3.weight"][:, :width])


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_network_is_the_whole_supernet(name):
    space, supernet = find_space(name), supernet_of(name, 0)
    weights = supernet.weights_of(space.largest())
    assert weights.keys() == supernet.largest.state_dict().keys()
    assert all(torch.equal(weights[key], tensor) for key, tensor in supernet.largest.state_dict().items())
    assert supernet.count(space.largest()) == sum(parameter.numel() for parameter in supernet.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_counted_as_networks_have_them(name):
    space, supernet = find_space(name), supernet_of(name, 0)
    for seed in range(5):
        values = space.sample(SeedStream(seed).numpy())
        assert supernet.count(values) == sum(p.numel() for p in network_of(name, values).parameters())


@pytest.mark.parametrize(("shrink", "partial"), [(1, 2), (4, 1)])
def test_widths_of_an_elastic_supernet_are_not_divided(shrink, partial):
    space = find_space("elastic-gcn")
    config = find_model("gnn-micro").config.parse(space.settings(space.smallest())[1], where="")
    with pytest.raises(ConfigError, match="as wide as the largest"):
        find_supernet(space)(config, spec(), shrink, partial)


def test_networks_of_an_elastic_supernet_decay_as_in_their_space():
    groups = supernet_of("elastic-gcn", 0).parameter_groups(0.5)
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]
    assert sum(parameter.numel() for group in groups for parameter in group["params"]) == sum(
        parameter.numel() for parameter in supernet_of("elastic-gcn", 0).parameters()
    )
