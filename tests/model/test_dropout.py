"""Feature dropout is dropout: same distribution, fewer draws."""

import torch
import torch.nn.functional as F

from graphlab.model.dropout import FeatureDropout


def features(density=0.05, rows=200, dim=300):
    random = torch.Generator().manual_seed(0)
    x = torch.rand(rows, dim, generator=random) + 0.5
    return x * (torch.rand(rows, dim, generator=random) < density)


def test_entries_are_dropped_or_scaled_and_zeros_stay():
    x, p = features(), 0.3
    out = FeatureDropout(p)(x)
    kept = out != 0
    torch.testing.assert_close(out[kept], x[kept] / (1 - p))
    share = kept.sum() / (x != 0).sum()
    assert abs(share - (1 - p)) < 4 * (p * (1 - p) / (x != 0).sum()) ** 0.5


def test_mean_over_draws_is_the_input():
    x, drop = features(), FeatureDropout(0.6)
    torch.manual_seed(0)
    mean = sum(drop(x) for _ in range(400)) / 400
    assert (mean - x).abs().max() < 0.6


def test_draws_differ_and_repeat_with_the_generator():
    x, drop = features(), FeatureDropout(0.5)
    torch.manual_seed(1)
    first, second = drop(x), drop(x)
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(first, FeatureDropout(0.5)(x))


def test_a_changed_or_another_input_is_seen():
    x, drop = features(), FeatureDropout(0.5)
    drop(x)
    x[:, :20] = 1.0
    assert (drop(x)[:, :20] != 0).float().mean() > 0.4
    y = features() * 0
    assert not drop(y).any()


def test_dense_features_and_inputs_with_a_gradient_take_plain_dropout():
    dense = torch.rand(50, 20) + 1
    torch.manual_seed(2)
    expected = F.dropout(dense, 0.5)
    torch.manual_seed(2)
    assert torch.equal(FeatureDropout(0.5)(dense), expected)
    x = features().requires_grad_()
    FeatureDropout(0.5)(x).sum().backward()
    assert set(x.grad.unique().tolist()) == {0.0, 2.0}


def test_evaluation_and_no_dropout_give_the_input():
    x = features()
    assert FeatureDropout(0.5).eval()(x) is x
    assert FeatureDropout(0.0)(x) is x
