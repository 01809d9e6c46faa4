"""RARTS: its update against finite differences of the bilevel problem, and against the relaxed problem itself."""

from __future__ import annotations

import pytest
import torch

from graphlab.nas.strategies.rarts import distance, mixture_gradient

STEPS = 600


class Toy:
    """Quadratic losses in float64; the training loss is 0 at w = A^-1 B a, for every mixture a.

        L_train = |A w - B a|^2 / 2        L_val = |C y - D a|^2 / 2 + e.a

    With `offset` the training loss has a smallest value of its own, |a|^2 / 2.
    """

    def __init__(self, seed: int, offset: bool = False) -> None:
        random = torch.Generator().manual_seed(seed)
        q, _ = torch.linalg.qr(torch.randn(4, 4, generator=random).double())
        self.A = q @ torch.diag(torch.tensor([0.7, 0.9, 1.1, 1.3]).double())
        self.B, self.C, self.D = (torch.randn(4, n, generator=random).double() for n in (3, 4, 3))
        self.e, self.a = (torch.randn(3, generator=random).double() for _ in range(2))
        self.offset = float(offset)

    def training(self, w, a):
        return (self.A @ w - self.B @ a).square().sum() / 2 + self.offset * a.square().sum() / 2

    def validation(self, y, a):
        return (self.C @ y - self.D @ a).square().sum() / 2 + self.e @ a

    def bilevel(self):
        """The gradient of L_val(w*(a), a) by central differences, w* solved for."""

        def value(a):
            return float(self.validation(torch.linalg.solve(self.A, self.B @ a), a))

        step = 1e-5
        return torch.tensor(
            [(value(self.a + d) - value(self.a - d)) / (2 * step) for d in step * torch.eye(3).double()]
        )


def settle(toy, weight, pull):
    """Both copies of the weights where alternating steps down `distance` and the losses leave them."""
    w, y = (torch.zeros(4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    steepness = float(torch.linalg.matrix_norm(toy.C, 2) ** 2)
    for _ in range(STEPS):
        for moved, other, loss, rate in (
            (w, y, lambda: weight * toy.training(w, toy.a), 1 / (1.69 * weight + pull)),
            (y, w, lambda: toy.validation(y, toy.a), 1 / (steepness + pull)),
        ):
            (gradient,) = torch.autograd.grad(loss() + distance([moved], [other], pull), moved)
            with torch.no_grad():
                moved -= rate * gradient
    return w.detach(), y.detach()


def update(toy, weight, pull):
    w, y = settle(toy, weight, pull)
    a = toy.a.clone().requires_grad_()
    (gradient,) = mixture_gradient([a], lambda: toy.training(w, a), lambda: toy.validation(y, a), weight)
    return gradient


@pytest.mark.parametrize("seed", range(3))
def test_the_update_tends_to_the_bilevel_gradient_as_weight_and_pull_grow(seed):
    """The distance falls as 1 / lambda where beta grows with it, for a training loss that can always be 0."""
    toy = Toy(seed)
    wanted = toy.bilevel()
    errors = [float((update(toy, size, size) - wanted).norm() / wanted.norm()) for size in (200.0, 2000.0)]
    assert 7 < errors[0] / errors[1] < 13
    direct = toy.e - toy.D.T @ (toy.C @ torch.linalg.solve(toy.A, toy.B @ toy.a) - toy.D @ toy.a)
    assert errors[1] < 0.2 * float((direct - wanted).norm() / wanted.norm()), "no better than the gradient in a alone"


def test_the_smallest_training_loss_is_what_the_update_has_on_top():
    """Where it hangs on the mixture, lambda times its gradient is left over, and no more in the limit."""
    plain, toy = Toy(0), Toy(0, offset=True)
    difference = update(toy, 200.0, 200.0) - update(plain, 200.0, 200.0)
    assert torch.allclose(difference, 200.0 * toy.a, rtol=1e-9)


def test_the_update_is_the_gradient_of_the_relaxed_problem_at_its_minimum():
    """Of min over w and y of L(w, y, a), by finite differences: the envelope theorem, at any lambda and beta."""
    toy, weight, pull, step = Toy(1), 2.0, 3.0, 1e-4

    def smallest(a):
        shifted = Toy(1)
        shifted.a = a
        w, y = settle(shifted, weight, pull)
        return float(toy.validation(y, a) + weight * toy.training(w, a) + pull / 2 * (y - w).square().sum())

    moves = step * torch.eye(3).double()
    expected = [(smallest(toy.a + move) - smallest(toy.a - move)) / (2 * step) for move in moves]
    assert update(toy, weight, pull).tolist() == pytest.approx(expected, rel=1e-5)


def test_the_distance_pulls_the_first_alone():
    first, second = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    value = distance([first], [second], 4.0)
    pulled, other = torch.autograd.grad(value, [first, second], materialize_grads=True)
    assert torch.allclose(pulled, 4 * (first - second).detach()) and not other.any()
    assert float(value.detach()) == pytest.approx(2 * float((first - second).detach().square().sum()))
