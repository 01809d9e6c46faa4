"""Roots a block at a time are the same roots: rows, gradients, statistics, and what is held at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data

from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.model.registry import build_model
from graphlab.model.subgraph.blocks import Cut, in_blocks
from graphlab.model.subgraph.tuples import Listed
from tests.model.hard_pairs import in_double
from tests.model.subgraph.loops import PLAIN, SPEC, random_graph

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 9), (1, 5), (4, 12))]
SETTINGS = {
    "ngnn": {"hidden_dim": 6, "num_layers": 3, "hops": 2},
    "idgnn": {"hidden_dim": 6, "num_layers": 5},
    "nested-gin": {"hidden_dim": 6, "num_layers": 3, "hops": 2, "dropout": 0.0},
}
SIZES = (1, 7, 30, 10**6)
MODELS = tuple(SETTINGS)


def built(spec, max_tuples=0, name="ngnn", **settings):
    SeedStream(3).seed_torch()
    model = build_model(name, spec, SETTINGS[name] | settings | {"max_tuples": max_tuples}).double()
    batch = in_double(Batch.from_data_list(list(model.policy.prepare([graph.clone() for graph in GRAPHS]))))
    return model, batch


def without_norms(model):
    for module in list(model.modules()):
        for key, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm1d):
                setattr(module, key, nn.Identity())
    return model


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MODELS)
def test_blocks_change_no_row_in_evaluation(name, spec, size):
    whole, batch = built(spec, name=name)
    whole.train()(batch)
    parts, _ = built(spec, size, name)
    parts.load_state_dict(whole.state_dict())
    torch.testing.assert_close(parts.eval()(batch), whole.eval()(batch), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MODELS)
def test_without_normalisation_blocks_change_no_gradient(name, spec, size):
    found = []
    for max_tuples in (0, size):
        model, batch = built(spec, max_tuples, name)
        rows = without_norms(model).train()(batch)
        (rows**3).sum().backward()
        found.append([p.grad for p in model.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 10
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_one_block_is_the_whole_with_normalisation_too(name):
    found = []
    for max_tuples in (0, 10**6):
        model, batch = built(SPEC, max_tuples, name)
        rows = model.train()(batch)
        rows.sum().backward()
        found.append([rows, *(p.grad for p in model.parameters() if p.grad is not None), *model.buffers()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_running_statistics_move_once_a_block_and_are_those_of_the_blocks():
    """By hand: the first normalisation's mean after blocks of known tuples, not moved again by the backward pass."""
    model, batch = built(PLAIN, 30)
    model.train()
    seen = []
    norm = model.layers[0].inside.convolution.mlp[1]
    norm.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().mean(0)))
    rows = model(batch)
    blocks = len(Cut(batch).spans(30))
    assert len(seen) == blocks > 3 and int(norm.num_batches_tracked) == blocks
    expected = torch.zeros_like(norm.running_mean)
    for mean in seen:
        expected.lerp_(mean, norm.momentum)
    torch.testing.assert_close(norm.running_mean, expected)
    before = {key: value.clone() for key, value in model.named_buffers()}
    rows.sum().backward()
    assert len(seen) == 2 * blocks
    assert all(torch.equal(value, before[key]) for key, value in model.named_buffers())


@pytest.mark.parametrize("size", SIZES)
def test_no_block_holds_more_than_it_may_but_for_a_single_larger_subgraph(size):
    _, batch = built(SPEC)
    cut = Cut(batch)
    spans = cut.spans(size)
    assert [first for first, _ in spans] == [0, *(last for _, last in spans[:-1])]
    assert spans[-1][1] == int(batch["num_roots"].sum())
    for first, last in spans:
        block = cut.block(first, last)
        assert len(block["tuple_node"]) <= size or last == first + 1


@pytest.mark.parametrize("name", MODELS)
def test_no_layer_is_given_more_tuples_than_may_be_held_forward_or_back(name):
    model, batch = built(SPEC, 30, name)
    given, whole = [], int(batch["num_tuples"].sum())
    largest = max(30, int(batch["tuple_root"].bincount().max()))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.register_forward_pre_hook(lambda _, args: given.append(len(args[0])))
    model.train()(batch).sum().backward()
    assert max(given) <= largest < whole / 3
    assert sum(given) == 2 * whole * sum(isinstance(module, nn.BatchNorm1d) for module in model.modules())


def test_a_block_has_the_tuples_messages_and_ends_of_its_roots():
    _, batch = built(SPEC)
    cut = Cut(batch)
    for first, last in cut.spans(40):
        block = cut.block(first, last)
        tuples = Listed(block, None)
        mine = (batch["tuple_root"] >= first) & (batch["tuple_root"] < last)
        assert torch.equal(block.x[block["tuple_node"]], batch.x[batch["tuple_node"][mine]])
        assert torch.equal(block.x[tuples.root_node], batch.x[batch["root_node"][first:last]])
        inner = mine[batch["uL_target"]]
        assert torch.equal(inner, mine[batch["uL_source"]]) and int(inner.sum()) == len(block["uL_edge"])
        assert torch.equal(block.edge_attr[block["uL_edge"]], batch.edge_attr[batch["uL_edge"][inner]])
        source, target = block.edge_index[:, block["uL_edge"]]
        assert torch.equal(block["tuple_node"][block["uL_source"]], source)
        assert torch.equal(block["tuple_node"][block["uL_target"]], target)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_kept_for_the_gradient_does_not_grow_with_the_number_of_blocks(name):
    """Tensors saved by the forward pass are those of checkpoints: no activations, whatever the number of tuples."""
    kept = []
    for max_tuples in (0, 30):
        model, batch = built(PLAIN, max_tuples, name)
        kept.append(0)

        def count(tensor):
            kept[-1] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            model.train()(batch)
    assert kept[1] < kept[0] / 20


@pytest.mark.parametrize("size", [1, 3, 4])
def test_nodes_without_edges_are_normalised_with_their_neighbours(size):
    """First, between two larger subgraphs, last: none is a block alone."""
    triangle = [(u, v) for u in range(3) for v in range(3) if u != v]
    edges = torch.tensor([(first + u, first + v) for first in (1, 5) for u, v in triangle]).T.contiguous()
    model, _ = built(PLAIN, size)
    graph = Data(x=torch.randn(9, 2, dtype=torch.float64), edge_index=edges, num_nodes=9)
    batch = Batch.from_data_list(list(model.policy.prepare([graph])))
    sizes = [len(Cut(batch).block(*span)["tuple_node"]) for span in Cut(batch).spans(size)]
    assert min(sizes) > 1 and sum(sizes) == int(batch["num_tuples"].sum()) and max(sizes) <= max(size, 3) + 1
    model.train()(batch).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_a_negative_bound_is_refused():
    with pytest.raises(ConfigError, match="max_tuples"):
        built(SPEC, -1)


def test_dropout_is_the_same_when_a_block_is_computed_again():
    """With one block, gradients are those of the whole, dropout and all."""
    found = []
    for size in (0, 10**6):
        model, batch = built(SPEC, size, dropout=0.5)
        torch.manual_seed(5)
        in_whole = model.train()(batch) if size == 0 else in_blocks(model.train(), model.rows_of, batch, size)
        in_whole.pow(2).sum().backward()
        found.append([p.grad for p in model.parameters() if p.grad is not None])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
