"""Processors: the formulas of their files by slow loops, and what all of them hold to."""

from __future__ import annotations

import math

import pytest
import torch

from graphlab.core.errors import InputError, UnknownNameError
from graphlab.model.algorithmic.encoders import Features
from graphlab.model.algorithmic.messages import Gate, Triplets
from graphlab.model.algorithmic.pairs import ProductBlock
from graphlab.model.algorithmic.processors import MODULES, ProcessorConfig, State, processor_class
from graphlab.model.algorithmic.relational import RelationalLayer
from graphlab.model.commutative_monoid import CommutativeMonoid
from graphlab.model.zoo.floydnet import FloydNet
from graphlab.model.zoo.ppgn import PPGN
from tests.model.algorithmic.cases import features_of, processor, two_steps

FULL = torch.ones(2, 4, dtype=torch.bool)
PARTIAL = torch.tensor([[True, True, True, False], [True, True, False, False]])


@pytest.mark.parametrize("name", MODULES)
def test_permuting_the_nodes_permutes_the_state(name, monkeypatch):
    """A learned monoid need not be associative: a sum takes its place."""
    monkeypatch.setattr(CommutativeMonoid, "forward", lambda self, left, right: left + right)
    built, features, order = processor(name), features_of(FULL), torch.tensor([2, 0, 3, 1])
    permuted = Features(
        features.node[:, order],
        features.pair[:, order][:, :, order],
        features.graph,
        features.adjacency[:, order][:, :, order],
        features.there,
    )
    before, after = two_steps(built, features), two_steps(built, permuted)
    torch.testing.assert_close(after.node, before.node[:, order])
    if before.pair is not None:
        torch.testing.assert_close(after.pair, before.pair[:, order][:, :, order])


@pytest.mark.parametrize("name", MODULES)
def test_nodes_depend_on_all_that_a_step_sees(name):
    """So that the tests of independence are not passed by a constant."""
    built, features = processor(name), features_of(FULL)
    tensors = [part.requires_grad_() for part in (features.node, features.pair, features.graph)]
    two_steps(built, features).node.square().sum().backward()
    assert all(tensor.grad.abs().amax(-1).gt(1e-9).float().mean() > 0.3 for tensor in tensors)


@pytest.mark.parametrize("name", MODULES)
def test_padding_changes_nothing(name):
    """Whatever stands in places without a node; and graphs of a batch do not see each other."""
    built, features = processor(name), features_of(PARTIAL)
    state = two_steps(built, features)
    for row, size in enumerate(PARTIAL.sum(1).tolist()):
        alone = Features(
            features.node[row : row + 1, :size],
            features.pair[row : row + 1, :size, :size],
            features.graph[row : row + 1],
            features.adjacency[row : row + 1, :size, :size],
            PARTIAL[row : row + 1, :size],
        )
        expected = two_steps(built, alone)
        torch.testing.assert_close(state.node[row : row + 1, :size], expected.node)
        assert not state.node[row, size:].any()
        if state.pair is not None:
            torch.testing.assert_close(state.pair[row : row + 1, :size, :size], expected.pair)
            assert not state.pair[row, size:].any() and not state.pair[row, :, size:].any()


@pytest.mark.parametrize("name", MODULES)
def test_gradients_are_finite_beside_padding(name):
    built, features = processor(name), features_of(PARTIAL)
    features.node.requires_grad_()
    state = two_steps(built, features)
    (state.node.sum() + (0 if state.pair is None else state.pair.sum())).backward()
    assert features.node.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in built.parameters() if parameter.grad is not None)


def test_mpnn_by_loops():
    built, features = processor("mpnn"), features_of(PARTIAL)
    hidden = torch.randn(2, 4, 8).double()
    state = built(features, State(hidden, None)).node
    z = torch.cat([features.node, hidden], -1)
    for b in range(2):
        nodes = range(int(PARTIAL[b].sum()))
        for j in nodes:
            messages = [
                built.mlp(
                    built.source(z[b, i])
                    + built.target(z[b, j])
                    + built.pair(features.pair[b, i, j])
                    + built.graph(features.graph[b])
                )
                for i in nodes
            ]
            received = torch.stack(messages).amax(0)
            expected = built.norm((built.keep(z[b, j]) + built.gather(received)).relu())
            torch.testing.assert_close(state[b, j], expected)


def test_messages_are_combined_by_a_learned_monoid():
    built, features = processor("mpnn-lcm"), features_of(PARTIAL)
    combined = built.aggregation.monoid
    messages = torch.randn(2, 4, 4, 8).double()
    received, _ = built.aggregate(messages, PARTIAL.unsqueeze(2) & PARTIAL.unsqueeze(1))
    first, second, third = messages[0, :3, 1].unbind()
    torch.testing.assert_close(received[0, 1], combined(combined(first, second), third))
    torch.testing.assert_close(received[1, 0], combined(messages[1, 0, 0], messages[1, 1, 0]))
    assert torch.equal(received[0, 3], combined.identity)
    state = built.train()(features, built.start(PARTIAL))
    assert state.penalty > 0 and built.eval()(features, built.start(PARTIAL)).penalty is None


def test_pgn_hears_neighbours_alone():
    """Changing what leads to a node from one that no edge joins changes nothing."""
    built, features = processor("pgn"), features_of(FULL)
    before = built(features, built.start(FULL)).node
    changed = features.pair + 5 * (~features.adjacency).unsqueeze(-1)
    torch.testing.assert_close(built(features._replace(pair=changed), built.start(FULL)).node, before)
    lonely = features._replace(adjacency=torch.zeros_like(features.adjacency))
    assert built(lonely, built.start(FULL)).node.isfinite().all()


def test_triplets_by_loops():
    torch.manual_seed(0)
    built, features = Triplets(8, 3).double(), features_of(PARTIAL)
    z = torch.randn(2, 4, 16).double()
    pair = built(z, features)
    for b in range(2):
        nodes = range(int(PARTIAL[b].sum()))
        for j in nodes:
            for k in nodes:
                terms = [
                    built.nodes[0](z[b, i])
                    + built.nodes[1](z[b, j])
                    + built.nodes[2](z[b, k])
                    + built.pairs[0](features.pair[b, i, j])
                    + built.pairs[1](features.pair[b, i, k])
                    + built.pairs[2](features.pair[b, j, k])
                    + built.graph(features.graph[b])
                    for i in nodes
                ]
                torch.testing.assert_close(pair[b, j, k], built.out(torch.stack(terms).amax(0)).relu())


def test_a_gated_step_is_a_mean_of_old_and_new():
    built, features = processor("triplet-gmpnn"), features_of(FULL)
    hidden = torch.randn(2, 4, 8).double()
    torch.nn.init.zeros_(built.gate.last.weight)
    torch.nn.init.constant_(built.gate.last.bias, -50.0)
    torch.testing.assert_close(built(features, State(hidden, None)).node, hidden)
    torch.nn.init.constant_(built.gate.last.bias, 50.0)
    opened = built(features, State(hidden, None)).node
    built.gate = None
    torch.testing.assert_close(opened, built(features, State(hidden, None)).node)


def test_gates_start_almost_closed():
    torch.manual_seed(0)
    gate = Gate(16)
    assert (gate.last.bias == -3).all()
    assert 0.01 < gate(torch.randn(1, 5, 32), torch.randn(1, 5, 16)).mean() < 0.3


def test_products_of_pairs_by_loops():
    torch.manual_seed(0)
    block = ProductBlock(6).double()
    x = torch.randn(2, 4, 4, 6).double()
    result = block(x, PARTIAL)
    for b in range(2):
        nodes = range(int(PARTIAL[b].sum()))
        for i in nodes:
            for k in nodes:
                product = sum(block.left(x[b, i, j]) * block.right(x[b, j, k]) for j in nodes) / len(nodes)
                expected = block.norm(block.join(torch.cat([x[b, i, k], product])).relu())
                torch.testing.assert_close(result[b, i, k], expected)


def test_relational_attention_by_loops():
    torch.manual_seed(0)
    layer = RelationalLayer(6, 2).double()
    node, pair = torch.randn(2, 4, 6).double(), torch.randn(2, 4, 4, 6).double()
    after, pairs_after = layer(node, pair, PARTIAL)
    key_of, value_of = layer.node_key_value.weight.chunk(2)
    key_bias, value_bias = layer.node_key_value.bias.chunk(2)
    of_query, of_key, of_value = layer.pair_parts.weight.chunk(3)
    for b in range(2):
        nodes = range(int(PARTIAL[b].sum()))
        for i in nodes:
            heads = []
            for head in (slice(0, 3), slice(3, 6)):
                scores, values = [], []
                for j in nodes:
                    query = (layer.query(node[b, i]) + of_query @ pair[b, i, j])[head]
                    key = (key_of @ node[b, j] + key_bias + of_key @ pair[b, i, j])[head]
                    scores.append(query @ key / math.sqrt(3))
                    values.append((value_of @ node[b, j] + value_bias + of_value @ pair[b, i, j])[head])
                heads.append(torch.stack(scores).softmax(0) @ torch.stack(values))
            updated = layer.norms[0](node[b, i] + layer.out(torch.cat(heads)))
            torch.testing.assert_close(after[b, i], layer.norms[1](updated + layer.node_ffn(updated)))
        for i in nodes:
            for j in nodes:
                ends = torch.cat([pair[b, i, j], pair[b, j, i], after[b, i], after[b, j]])
                updated = layer.norms[2](pair[b, i, j] + layer.message_out(layer.message(ends).relu()))
                torch.testing.assert_close(pairs_after[b, i, j], layer.norms[3](updated + layer.pair_ffn(updated)))


@pytest.mark.parametrize("name", ["mpnn", "pgn", "triplet-gmpnn"])
def test_message_passing_has_one_layer(name):
    with pytest.raises(InputError, match="has one layer"):
        processor_class(name)(ProcessorConfig(num_layers=2))


@pytest.mark.parametrize("name", ["edge-transformer", "relational-transformer", "floydnet"])
def test_heads_divide_the_width(name):
    with pytest.raises(InputError, match="3 heads do not divide"):
        processor_class(name)(ProcessorConfig(hidden_dim=16, heads=3))


def test_blocks_can_be_stacked():
    counts = [
        sum(weights.numel() for weights in processor("floydnet", num_layers=layers).parameters())
        for layers in (1, 2, 3)
    ]
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


def test_an_unknown_processor_is_named():
    with pytest.raises(UnknownNameError) as error:
        processor_class("floyd-net")
    assert "floydnet" in str(error.value.hint)


def test_every_processor_has_its_citation():
    citations = {name: processor_class(name).citation for name in MODULES}
    assert all(citation.is_publication and citation.url.startswith("https://") for citation in citations.values())
    assert citations.pop("pgn-gated") is citations["pgn"]
    assert len({citation.key for citation in citations.values()}) == len(citations)
    assert citations["pair-product"] == PPGN.citation
    assert citations["floydnet"] == FloydNet.citation
