"""What learns in a step and from whom, held against sums written out, and when options open."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from graphlab.core.seeds import SeedStream
from graphlab.nas.elastic.sandwich import KINDS, Shrinking, different, divergence, outputs_of, step_loss
from graphlab.nas.registry import find_space

GAT = find_space("elastic-gat")
ORDER = ("width", "heads", "depth")


def shrinking(order=ORDER, epochs=40, space=GAT):
    return Shrinking(space, order, epochs)


def test_the_largest_network_is_alone_in_the_first_phase():
    phases, random = shrinking(), SeedStream(0).numpy()
    for epoch in range(1, 11):
        assert phases.smallest(epoch) == phases.sample(epoch, random) == GAT.largest()
    assert phases.smallest(11) != GAT.largest()


def test_one_kind_opens_after_the_other_until_all_are_open():
    phases = shrinking()
    num_open = {kind: [phases.num_open(kind, epoch) for epoch in range(1, 41)] for kind in KINDS.values()}
    first = {
        kind: next(epoch for epoch, count in enumerate(counts, 1) if count > 1) for kind, counts in num_open.items()
    }
    assert first == {"hidden_dims": 11, "heads": 21, "num_layers": 31}
    assert num_open["hidden_dims"][19] == 4, "a kind is open before the next one opens"
    assert all(counts == sorted(counts) for counts in num_open.values())
    assert phases.smallest(40) == GAT.smallest()


@settings(max_examples=30, deadline=None)
@given(st.permutations(ORDER), st.integers(1, 3), st.integers(4, 60), st.integers(0, 10**6))
def test_drawn_networks_lie_between_the_smallest_and_the_largest(order, count, epochs, seed):
    phases = shrinking(order[:count], epochs)
    for epoch in range(1, epochs + 1):
        drawn, floor = phases.sample(epoch, SeedStream(seed).numpy()), phases.smallest(epoch)
        assert GAT.is_complete(drawn) and GAT.canonical(drawn) == drawn
        assert floor["num_layers"] <= drawn["num_layers"]
        hidden, lowest = GAT.hidden(drawn), GAT.hidden(floor)[0]
        assert all(heads >= lowest[0] and width >= lowest[1] for heads, width in hidden)
    assert phases.smallest(epochs) == GAT.smallest()


def test_without_phases_all_networks_are_open_from_the_start():
    phases, random = shrinking(()), SeedStream(0).numpy()
    assert phases.smallest(1) == GAT.smallest()
    drawn = different(GAT, [phases.sample(1, random) for _ in range(500)])
    assert {values["num_layers"] for values in drawn} == {2, 3, 4} and len(drawn) > 100


def test_a_kind_that_a_space_has_not_takes_no_phase():
    phases = shrinking(epochs=30, space=find_space("elastic-gcn"))
    assert phases.num_open("hidden_dims", 11) == 2 and phases.num_open("num_layers", 21) == 2


class Networks:
    """Logits of each network, with labels of which each is right with the same loss function."""

    def __init__(self, seed):
        random = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(3, (6,), generator=random)
        self.values = [GAT.largest(), GAT.smallest(), GAT.hand_set()["gat"]]
        self.logits = [torch.randn(6, 3, generator=random).double().requires_grad_() for _ in self.values]

    def __call__(self, values):
        rows = self.logits[self.values.index(values)]
        return nn.functional.cross_entropy(rows, self.labels), rows


def kl(teacher, student):
    """Written out."""
    p, q = teacher.detach().softmax(1).tolist(), student.detach().softmax(1).tolist()
    return sum(a * math.log(a / b) for x, y in zip(p, q, strict=True) for a, b in zip(x, y, strict=True)) / len(p)


@pytest.mark.parametrize("teaching", ["none", "soft", "both"])
@pytest.mark.parametrize("first", [0, 1])
def test_the_loss_of_a_step_is_its_sum(teaching, first):
    """With and without the largest among those that learn."""
    networks = Networks(7)
    learn = networks.values[first:]
    loss = step_loss(learn, networks.values[0], networks, teaching)
    expected = 0.0
    for place, rows in list(enumerate(networks.logits))[first:]:
        labels = float(nn.functional.cross_entropy(rows.detach(), networks.labels))
        from_largest = kl(networks.logits[0], rows)
        expected += labels if place == 0 or teaching != "soft" else 0.0
        expected += from_largest if place and teaching != "none" else 0.0
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_the_largest_learns_labels_alone():
    """Its gradient is that of the labels, however far the others are from it."""
    networks = Networks(3)
    largest = networks.logits[0]
    (alone,) = torch.autograd.grad(networks(networks.values[0])[0], largest)
    for teaching in ("soft", "both"):
        loss = step_loss(networks.values, networks.values[0], networks, teaching)
        assert torch.equal(torch.autograd.grad(loss, largest, retain_graph=True)[0], alone)
    soft = step_loss(networks.values, networks.values[0], networks, "soft")
    (student,) = torch.autograd.grad(soft, networks.logits[1])
    softmax = [rows.detach().softmax(1) for rows in networks.logits]
    assert torch.allclose(student, (softmax[1] - softmax[0]) / 6, atol=1e-12), "it has no part of the labels"


def test_equal_networks_diverge_by_nothing():
    rows = torch.randn(5, 4).double()
    assert divergence(rows, rows + 3.0).item() == pytest.approx(0.0, abs=1e-12)


def test_outputs_are_those_of_the_context():
    layer = nn.Linear(2, 3)
    with outputs_of(layer) as rows:
        result = layer(torch.ones(1, 2))
        assert rows[0] is result
    layer(torch.ones(1, 2))
    assert len(rows) == 1
