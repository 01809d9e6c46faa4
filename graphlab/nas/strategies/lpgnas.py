"""LPGNAS: architecture and precision in one differentiable search. Zhao et al., 2020.

Two controllers, of the architecture and of the number formats, draw one network of the supernet a step by Gumbel noise.
Its weights go down the training loss; each controller goes down

    L + beta L_q        L_q = expected bits of weights and values / expected bits in float32 before the search

with the straight-through gradient of what it drew, while what the other one drew is fixed.

The paper's code is not public, and details of it are recalled with low confidence. Ours are: L is the held-out loss, as
in DARTS; L_q is the expectation over both controllers, so that it moves the architecture too; networks are in full
precision until the formats are learned; Adam, its learning rates, the temperature, the period and the shares of epochs;
and the formats, see `graphlab.nas.spaces.gnn_micro_quantized`. Networks come by their probability, of several betas one
of each in turn, and what is evaluated is trained anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveFloat, PositiveInt
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.space import Space
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.oneshot.controllers import Controller, settled
from graphlab.nas.oneshot.quantized import QuantizedSupernet
from graphlab.nas.oneshot.strategy import OneShot, OneShotConfig, likeliest
from graphlab.nas.oneshot.supernets import Mixture
from graphlab.nas.oneshot.training import Loss, SupernetTraining
from graphlab.nas.registry import find_supernet


class Config(OneShotConfig):
    """betas           what all bits of full precision add to the loss; of several, with commas between them, each has a
                    supernet of its own, and their networks make a front
    period          epochs from one step of the controllers to the next; one takes five times as long as one of the
                    weights
    lr              of the architecture's logits
    format_lr       of the formats' logits
    temperature     of the relaxed choice, whose gradient the logits have
    warm_up         share of the epochs in which weights alone are trained
    format_warm_up  share of the epochs in which networks are in full precision and the formats' logits rest
    """

    epochs: PositiveInt = 400
    betas: str = "0.001"
    period: PositiveInt = 2
    lr: PositiveFloat = 0.05
    format_lr: PositiveFloat = 0.05
    temperature: PositiveFloat = 1.0
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.2
    format_warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.4

    @field_validator("betas", mode="before")
    @classmethod
    def _as_text(cls, betas: object) -> object:
        return f"{betas:g}" if isinstance(betas, int | float) and not isinstance(betas, bool) else betas

    @field_validator("betas")
    @classmethod
    def _check_betas(cls, betas: str) -> str:
        try:
            values = [float(beta) for beta in betas.split(",")]
        except ValueError:
            raise ValueError("betas are numbers with commas between them, as 0.01,0.1,1") from None
        if not all(0 <= beta < math.inf for beta in values) or len(set(values)) < len(values):
            raise ValueError("betas are different numbers, 0 or more")
        return betas

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.format_warm_up < self.warm_up:
            raise ValueError("format_warm_up is below warm_up, and formats are not learned before the architecture")
        return self

    @property
    def values(self) -> list[float]:
        """The betas as numbers."""
        return [float(beta) for beta in self.betas.split(",")]


@dataclass(frozen=True)
class Controllers:
    """Of the architecture and of the formats. `whole` is the mixture of the formats that rounds nothing."""

    architecture: Controller
    formats: Controller
    whole: Mixture

    def chances(self) -> dict[str, np.ndarray]:
        """Of both, by decision, as numbers."""
        both = self.architecture.chances() | self.formats.chances()
        return {name: each.detach().double().numpy() for name, each in both.items()}

    def drawn(self, stream: SeedStream, with_formats: bool) -> tuple[Mixture, Mixture]:
        """A network: its architecture, and its formats, or those of full precision."""
        architecture = self.architecture.drawn(stream.child("architecture"))
        return architecture, self.formats.drawn(stream.child("formats")) if with_formats else self.whole

    def size(self, supernet: QuantizedSupernet, with_formats: bool) -> Tensor:
        """The expected bits as a share of those in full precision of equally likely architectures, a scalar."""
        even = {name: torch.full_like(logits, 1 / len(logits)) for name, logits in self.architecture.logits.items()}
        formats = self.formats.chances() if with_formats else self.whole
        bits = supernet.expected_bits({**self.architecture.chances(), **formats})
        return bits / supernet.expected_bits({**even, **self.whole}).detach()


class LPGNAS(OneShot):
    """The likeliest networks, with their number formats, of controllers that were learned by gradient."""

    multi_objective = True

    Config = Config
    citation = Citation(
        key="zhao2020",
        kind="article",
        title="Learned Low Precision Graph Neural Networks",
        authors="Zhao, Yiren and Wang, Duo and Bates, Daniel and Mullins, Robert and Jamnik, Mateja and Lio, Pietro",
        venue="arXiv",
        year=2020,
        url="https://arxiv.org/abs/2009.09232",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        self._supernet = _quantized(space)
        super().__init__(config, space, objective, stream)

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        betas = self.config.values
        networks = []
        for k, beta in enumerate(betas):
            own = training if k == 0 else self.make_training()
            name = "supernet" if len(betas) == 1 else f"supernet-{beta:g}"
            networks.append(likeliest(self.space, self.learn(own, beta, name).chances()))
        return self._in_turn(betas, networks)

    def _in_turn(self, betas: list[float], networks: list[Iterator]) -> Iterator[Proposal]:
        """The next network of each beta that no other has had, again and again."""
        seen: set[str] = set()
        while True:
            for beta, likely in zip(betas, networks, strict=True):
                new = next((each for each in likely if self.space.key(each[0]) not in seen), None)
                if new is None:
                    return
                seen.add(self.space.key(new[0]))
                yield Proposal(new[0], {"probability": new[1], "beta": beta})

    def learn(self, training: SupernetTraining, beta: float, name: str = "supernet") -> Controllers:
        """Train a supernet, kept under a name, and its controllers; the controllers."""
        controllers = self.start()
        resting, format_resting = self.config.warm_up, self.config.format_warm_up

        def epoch(number: int) -> None:
            with_formats = number > format_resting * training.epochs
            for step, (on_train, on_held_out) in enumerate(training.losses(number)):
                stream = training.stream.child("paths", number, step)
                if number > resting * training.epochs and number % self.config.period == 0:
                    _improve(controllers, training, on_held_out, beta, stream, with_formats)
                architecture, formats = controllers.drawn(stream.child("weights"), with_formats)
                training.descend(on_train, settled({**architecture, **formats}))

        states = controllers.architecture.state("architecture") | controllers.formats.state("format")
        training.run(epoch, states, name)
        return controllers

    def start(self) -> Controllers:
        """Controllers to which all options are equal."""
        of_formats = [each for each in self.space.decisions if each.kind in self._supernet.format_kinds]
        others = [each for each in self.space.decisions if each not in of_formats]
        return Controllers(
            Controller(others, self.config.lr, self.config.temperature),
            Controller(of_formats, self.config.format_lr, self.config.temperature),
            self._supernet.in_full_precision(self.space),
        )


def _improve(
    controllers: Controllers,
    training: SupernetTraining,
    on_held_out: Loss,
    beta: float,
    stream: SeedStream,
    with_formats: bool,
) -> None:
    """A step of each controller that does not rest, on a network drawn for it; what the other one drew is fixed."""
    supernet = training.supernet
    assert isinstance(supernet, QuantizedSupernet)

    def with_size(losses: Iterable[Tensor]) -> Iterator[Tensor]:
        yield from losses
        yield beta * controllers.size(supernet, with_formats)

    architecture, formats = controllers.drawn(stream.child("architecture step"), with_formats)
    groups = controllers.architecture.grouped(architecture, apart=supernet.width_kinds)
    controllers.architecture.descend(with_size(losses_of_groups(groups, {**architecture, **formats}, on_held_out)))
    if with_formats:
        architecture, formats = controllers.drawn(stream.child("format step"), with_formats)
        controllers.formats.descend(with_size([on_held_out({**settled(architecture), **formats})]))


def losses_of_groups(groups: Iterable[Mixture], drawn: Mixture, on_held_out: Loss) -> Iterator[Tensor]:
    """The loss of a network that was drawn, once for each group of its decisions, with a gradient for these alone.

    All are equal, and together they have the gradient of the loss for all decisions of the groups. Widths are groups of
    their own, since beside a width that has a gradient everything is computed as wide as its widest option.
    """
    fixed = settled(drawn)
    for group in groups:
        yield on_held_out({**fixed, **group})


def _quantized(space: Space) -> type[QuantizedSupernet]:
    """The supernet of a space with formats."""
    build = find_supernet(space)
    if not issubclass(build, QuantizedSupernet):
        raise IncompatibleError(
            f"the space {space.name} has no number formats to choose",
            hint="search gnn-micro-quantized, or choose another strategy",
        )
    return build
