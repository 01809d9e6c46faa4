"""Weights of edges by learned concentration, beside the authors' code and by loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from graphlab.core.errors import InputError
from graphlab.model.reweighting import reweighted

PACKS = ("karate", "tortoise_fi", "sbm300")


def update(pack, kind):
    """The update on the pack's input; and what the pack has."""
    mlp = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1)).double()
    with torch.no_grad():
        for place, (weight, bias) in ((0, ("W1", "b1")), (2, ("W2", "b2"))):
            mlp[place].weight.copy_(torch.from_numpy(pack[f"reweight_{weight}"]))
            mlp[place].bias.copy_(torch.from_numpy(pack[f"reweight_{bias}"]))
    edge_index = torch.from_numpy(pack[f"reweight_{kind}_edge_index"]).long()
    before, after = (torch.from_numpy(pack[f"reweight_{kind}_weight_{when}"]).double() for when in ("before", "after"))
    rows = torch.from_numpy(pack["embedding"])
    got = reweighted(edge_index, before, rows, lambda x: mlp(x).squeeze(1), float(pack["reweight_alpha"]))
    return got, after


@pytest.mark.real_data
@pytest.mark.parametrize("name", PACKS)
def test_symmetric_weights_are_the_authors_own(truth, name):
    got, expected = update(truth(f"tc_{name}"), "gcn")
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize("name", PACKS)
def test_other_weights_are_what_the_paper_writes(truth, name):
    """The code sums over the other end of the edges."""
    got, as_code = update(truth(f"tc_{name}"), "sage")
    assert (got - as_code).abs().max() > 1e-4


def test_each_weight_by_loops():
    torch.manual_seed(0)
    edge_index = torch.tensor([[0, 1, 2, 2, 1, 0], [1, 1, 1, 0, 0, 3]])
    weight, rows = torch.rand(6).double(), torch.randn(4, 3).double()
    got = reweighted(edge_index, weight, rows, lambda x: x.sum(1), 0.7)
    for edge, (source, target) in enumerate(edge_index.T.tolist()):
        into = [(k, s) for k, (s, t) in enumerate(edge_index.T.tolist()) if t == target]
        received = sum(weight[k] * rows[s] for k, s in into)
        scores = {s: torch.sigmoid((received * rows[s]).sum()) for _, s in into}
        share = scores[source].exp() / sum(each.exp() for each in scores.values())
        expected = weight[edge] + 0.7 * share * sum(weight[k] for k, _ in into)
        assert got[edge].item() == pytest.approx(expected.item())


def test_what_is_added_is_alpha_times_what_was_there():
    torch.manual_seed(1)
    edge_index = torch.randint(8, (2, 30))
    weight = torch.rand(30).double()
    got = reweighted(edge_index, weight, torch.randn(8, 4).double(), lambda x: x.mean(1), 2.0)
    sums = [np.bincount(edge_index[1], each, 8) for each in (weight, got)]
    np.testing.assert_allclose(sums[1], 3 * sums[0])
    assert torch.equal(reweighted(edge_index, weight, torch.randn(8, 4).double(), lambda x: x.mean(1), 0.0), weight)
    with pytest.raises(InputError, match="alpha cannot be -1"):
        reweighted(edge_index, weight, torch.randn(8, 4).double(), lambda x: x.mean(1), -1)
