"""The loss of each type of probe by hand, Sinkhorn's normalisation, and what is fed back."""

from __future__ import annotations

import math

import pytest
import torch

from graphlab.algorithms.algorithm import Probe
from graphlab.model.algorithmic.decoders import Decoder, Order, Rows, feed_back, log_sinkhorn
from graphlab.model.algorithmic.encoders import Encoder, numbers
from graphlab.model.algorithmic.losses import entries, mean

THERE = torch.tensor([[True, True, True], [True, True, False]])


def test_values_by_squared_error():
    probe = Probe("d", "node", "value")
    predicted, truth = torch.tensor([[1.0, 2, 3], [0, 1, 9]]), torch.tensor([[1.0, 0, 3], [3, 1, 0]])
    assert mean(*entries(probe, predicted, truth, THERE)) == pytest.approx((4 + 9) / 5)


def test_masks_by_cross_entropy_without_masked_entries():
    probe = Probe("m", "node", "mask")
    predicted = torch.tensor([[0.0, 2, -1], [3, 0, 7]])
    truth = torch.tensor([[1, 0, -1], [1, -1, 0]])
    by_hand = [math.log(2), math.log1p(math.exp(2)), math.log1p(math.exp(-3))]
    assert mean(*entries(probe, predicted, truth, THERE)) == pytest.approx(sum(by_hand) / 3)


def test_mask_ones_by_cross_entropy_over_nodes():
    probe = Probe("i", "node", "mask-one")
    absent = -1e9
    predicted = torch.tensor([[0.0, 0, 0], [1, 3, absent]])
    truth = torch.tensor([[0, 1, 0], [1, 0, 0]])
    by_hand = [math.log(3), math.log(1 + math.exp(2))]
    loss, kept = entries(probe, predicted, truth, THERE)
    assert loss.tolist() == pytest.approx(by_hand)
    assert kept.tolist() == [True, True]


def test_classes_by_cross_entropy_without_masked_entries():
    probe = Probe("b", "edge", "class", 2)
    predicted, truth = torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 1], [-1, -1]]])
    predicted[0, 0, 1] = torch.tensor([1.0, 0])
    by_hand = (math.log(2) + math.log(1 + math.e)) / 2
    assert mean(*entries(probe, predicted, truth, torch.ones(1, 2, dtype=torch.bool))) == pytest.approx(by_hand)


def test_pointers_by_cross_entropy_over_nodes():
    probe = Probe("pi", "node", "pointer")
    predicted, truth = torch.zeros(2, 3, 3), torch.tensor([[0, 1, 2], [1, 0, 0]])
    predicted[1, :, 2] = -1e9
    by_hand = (3 * math.log(3) + 2 * math.log(2)) / 5
    assert mean(*entries(probe, predicted, truth, THERE)) == pytest.approx(by_hand)


def test_orders_by_the_permutation_and_the_first_node():
    """The order 2, 0, 1: the first points at the last."""
    probe = Probe("pred", "node", "permutation")
    matrix = torch.tensor([[[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.3, 0.5, 0.2]]])
    first = torch.tensor([[0.0, 0, math.log(2)]])
    loss = mean(
        *entries(probe, Order(matrix.log(), first), torch.tensor([[2, 0, 2]]), torch.ones(1, 3, dtype=torch.bool))
    )
    assert loss == pytest.approx(-(math.log(0.7) + math.log(0.6) + math.log(0.5)) / 3 + math.log(2))


def test_nothing_that_counts_costs_nothing():
    probe = Probe("m", "node", "mask")
    predicted = torch.zeros(1, 2, requires_grad=True)
    loss = mean(*entries(probe, predicted, torch.full((1, 2), -1), torch.ones(1, 2, dtype=torch.bool)))
    loss.backward()
    assert loss == 0 and not predicted.grad.any()


PROBES = [
    (Probe("d", "edge", "value"), (2, 3, 3), torch.rand(2, 3, 3).double()),
    (Probe("m", "graph", "mask"), (2,), torch.tensor([1, 0])),
    (Probe("i", "node", "mask-one"), (2, 3), torch.tensor([[0, 0, 1], [1, 0, 0]])),
    (Probe("c", "node", "class", 4), (2, 3, 4), torch.tensor([[0, 3, -1], [2, 1, 0]])),
    (Probe("P", "edge", "pointer"), (2, 3, 3, 3), torch.randint(0, 2, (2, 3, 3))),
]


@pytest.mark.parametrize(("probe", "shape", "truth"), PROBES, ids=lambda part: getattr(part, "type", ""))
def test_gradients_of_losses(probe, shape, truth):
    torch.manual_seed(0)
    scores = torch.randn(shape).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda scores: mean(*entries(probe, scores, truth, THERE)), (scores,))


def test_gradients_of_orders():
    torch.manual_seed(0)
    probe, truth = Probe("pred", "node", "permutation"), torch.tensor([[1, 1, 0], [0, 0, 0]])
    scores, first = torch.randn(2, 3, 3).double().requires_grad_(), torch.randn(2, 3).double().requires_grad_()

    def loss(scores, first):
        return mean(*entries(probe, Order(log_sinkhorn(scores, THERE, temperature=1.0), first), truth, THERE))

    assert torch.autograd.gradcheck(loss, (scores, first))


def test_sinkhorn_is_doubly_stochastic_on_the_nodes_that_are_there():
    torch.manual_seed(0)
    matrix = log_sinkhorn(torch.randn(2, 3, 3).double(), THERE, steps=200, temperature=1.0).exp()
    for row, size in enumerate((3, 2)):
        part = matrix[row, :size, :size]
        torch.testing.assert_close(part.sum(0), torch.ones(size).double())
        torch.testing.assert_close(part.sum(1), torch.ones(size).double())
        assert part.diagonal().max() < 1e-12
        assert not matrix[row, size:].any() and not matrix[row, :, size:].any()


def test_noise_is_drawn_for_training_alone():
    probe = Probe("pred", "node", "permutation")
    torch.manual_seed(0)
    decoder = Decoder(probe, 4, 4, 4, 4)
    rows = Rows(torch.randn(1, 4, 4), torch.randn(1, 4, 4, 4), torch.randn(1, 4), torch.ones(1, 4, dtype=torch.bool))
    assert not torch.equal(decoder(rows).log_matrix, decoder(rows).log_matrix)
    decoder.eval()
    assert torch.equal(decoder(rows).log_matrix, decoder(rows).log_matrix)


def test_pointers_are_decoded_by_hand():
    torch.manual_seed(0)
    decoder = Decoder(Probe("pi", "node", "pointer"), 4, 5, 6, 3)
    rows = Rows(torch.randn(1, 3, 4), torch.randn(1, 3, 3, 5), torch.randn(1, 6), torch.ones(1, 3, dtype=torch.bool))
    scores = decoder(rows)
    for i in range(3):
        for j in range(3):
            towards = decoder.target(rows.node[0, j]) + decoder.pair(rows.pair[0, j, i])
            expected = decoder.score(torch.maximum(decoder.source(rows.node[0, i]), towards))
            torch.testing.assert_close(scores[0, i, j], expected[0])


def test_pointers_of_pairs_are_decoded_by_hand():
    torch.manual_seed(0)
    decoder = Decoder(Probe("Pi", "edge", "pointer"), 4, 5, 6, 3)
    rows = Rows(torch.randn(1, 3, 4), torch.randn(1, 3, 3, 5), torch.randn(1, 6), torch.ones(1, 3, dtype=torch.bool))
    scores = decoder(rows)
    node, pair = rows.node[0], rows.pair[0]
    for i, j, k in torch.cartesian_prod(*[torch.arange(3)] * 3).tolist():
        row = decoder.source(node[i]) + decoder.target(node[j]) + decoder.pair(pair[i, j])
        torch.testing.assert_close(scores[0, i, j, k], decoder.score(torch.maximum(row, decoder.pointed(node[k])))[0])


def test_what_is_fed_back():
    scores = torch.tensor([[2.0, -1.0]])
    assert feed_back(Probe("m", "node", "mask"), scores, hard=True).tolist() == [[1, 0]]
    torch.testing.assert_close(feed_back(Probe("m", "node", "mask"), scores, hard=False), scores.sigmoid())
    assert feed_back(Probe("i", "node", "mask-one"), scores, hard=True).tolist() == [[1, 0]]
    torch.testing.assert_close(feed_back(Probe("i", "node", "mask-one"), scores, hard=False), scores.softmax(-1))
    assert feed_back(Probe("d", "node", "value"), scores, hard=False) is scores
    gradient = scores.clone().requires_grad_()
    assert not feed_back(Probe("d", "node", "value"), gradient, hard=True).requires_grad


def test_what_networks_see():
    classes = numbers(Probe("c", "node", "class", 3), torch.tensor([[2, -1]]), 2, torch.float32)
    assert classes.tolist() == [[[0, 0, 1], [-1, -1, -1]]]
    pointers = numbers(Probe("pi", "node", "pointer"), torch.tensor([[1, 1]]), 2, torch.float32)
    assert pointers.tolist() == [[[0, 1], [0, 1]]]


def test_encodings_by_hand():
    """Each probe has its own map; a pointer of pairs is seen by two means."""
    torch.manual_seed(0)
    probes = (
        Probe("d", "node", "value", stage="hint"),
        Probe("c", "node", "class", 2, stage="hint"),
        Probe("pi", "node", "pointer", stage="hint"),
        Probe("Pi", "edge", "pointer", stage="hint"),
        Probe("t", "graph", "value", stage="hint"),
    )
    encoder, there = Encoder(probes, 4), torch.ones(1, 3, dtype=torch.bool)
    raw = {
        "d": torch.rand(1, 3),
        "c": torch.tensor([[0, 1, 1]]),
        "pi": torch.tensor([[0, 0, 1]]),
        "Pi": torch.randint(0, 3, (1, 3, 3)),
        "t": torch.rand(1),
    }
    values = {probe.name: numbers(probe, raw[probe.name], 3, torch.float32) for probe in probes}
    features = encoder(values, there)
    node, pair, graph = (encoder.maps[location] for location in ("node", "edge", "graph"))
    for i in range(3):
        row = raw["d"][0, i] * node.weight[:, 0] + node.weight[:, 1 + raw["c"][0, i]] + node.bias
        torch.testing.assert_close(features.node[0, i], row)
        for j in range(3):
            points = float(raw["pi"][0, i] == j)
            over_first = sum(float(raw["Pi"][0, k, i] == j) for k in range(3)) / 3
            over_second = sum(float(raw["Pi"][0, i, k] == j) for k in range(3)) / 3
            row = torch.tensor([points, over_first, over_second]) @ pair.weight.T + pair.bias
            torch.testing.assert_close(features.pair[0, i, j], row)
            expected = i == j or raw["pi"][0, i] == j or raw["pi"][0, j] == i
            assert bool(features.adjacency[0, i, j]) == expected
    torch.testing.assert_close(features.graph[0], raw["t"] @ graph.weight.T + graph.bias)
