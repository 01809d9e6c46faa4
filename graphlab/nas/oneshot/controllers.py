"""Controllers of differentiable searches: logits of decisions, drawn from by Gumbel noise, one path at a time.

    drawn    = one-hot(arg-max over options of logit + noise)        noise ~ Gumbel(0, 1)
    relaxed  = softmax((logits + noise) / temperature)
    gradient of drawn = gradient of relaxed                          the straight-through estimator

Drawn options have the frequencies of the softmax of the logits.

References:
    Jang, Gu and Poole, Categorical Reparameterization with Gumbel-Softmax, ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor, nn

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Decision


class Controller:
    """Logits of decisions, at first those of equal options, and the optimiser that they are trained with, Adam.

    Attributes:
        kinds: By decision, its kind.
        logits: By decision, `[options]`.
        optimizer: Of the logits.
    """

    def __init__(self, decisions: Iterable[Decision], lr: float, temperature: float) -> None:
        decisions = list(decisions)
        self.kinds = {each.name: each.kind for each in decisions}
        self.logits = nn.ParameterDict({each.name: torch.zeros(len(each.options)) for each in decisions})
        self.optimizer = torch.optim.Adam(self.logits.parameters(), lr=lr)
        self.temperature = temperature

    def chances(self) -> dict[str, Tensor]:
        """The probability of each option, by decision, with a gradient for the logits."""
        return {name: logits.softmax(0) for name, logits in self.logits.items()}

    def drawn(self, stream: SeedStream) -> dict[str, Tensor]:
        """An option of each decision, as weights of 1 and 0 with the straight-through gradient for the logits."""
        return {
            name: straight_through(logits, gumbel(stream.child(name), len(logits)), self.temperature)
            for name, logits in self.logits.items()
        }

    def grouped(self, drawn: Mapping[str, Tensor], apart: Collection[str]) -> list[dict[str, Tensor]]:
        """What was drawn, in groups: decisions of each kind of `apart`, and all others together."""
        groups: dict[str | None, dict[str, Tensor]] = {}
        for name, weights in drawn.items():
            kind = self.kinds[name]
            groups.setdefault(kind if kind in apart else None, {})[name] = weights
        return list(groups.values())

    def descend(self, losses: Iterable[Tensor]) -> None:
        """One step of the logits, and of nothing else, down the sum of losses, each of which is asked for in its
        turn."""
        logits = list(self.logits.values())
        self.optimizer.zero_grad()
        for loss in losses:
            gradients = torch.autograd.grad(loss, logits, materialize_grads=True)
            for each, gradient in zip(logits, gradients, strict=True):
                each.grad = gradient if each.grad is None else each.grad + gradient
        self.optimizer.step()

    def state(self, name: str) -> dict[str, nn.Module | torch.optim.Optimizer]:
        """What a search keeps of it, by names of their own."""
        return {f"{name} logits": self.logits, f"{name} optimizer": self.optimizer}


def gumbel(stream: SeedStream, count: int) -> Tensor:
    """`count` draws of the standard Gumbel distribution, float32."""
    exponential = torch.empty(count, dtype=torch.float64).exponential_(generator=stream.torch())
    return -exponential.log().float()


def straight_through(logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """The option of the largest logit with noise, as weights of 1 and 0, with the gradient of the relaxed choice.

    Args:
        logits, noise: `[options]`.
        temperature: Of the relaxed choice; which option is drawn does not depend on it.
    """
    noisy = logits + noise
    relaxed = (noisy / temperature).softmax(0)
    drawn = torch.zeros_like(relaxed).index_fill(0, noisy.argmax(), 1.0)
    return drawn + (relaxed - relaxed.detach())


def settled(mixture: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A mixture without its gradient, of which only the options with a weight are computed."""
    return {name: weights.detach() for name, weights in mixture.items()}
