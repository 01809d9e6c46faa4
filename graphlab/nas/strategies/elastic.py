"""One supernet of widths, heads and depths, trained once, whose networks work without a training of their own.

    BigNAS        sampling sandwich, teaching soft            Yu et al., ECCV 2020
    Once-for-All  sampling random, num_random 4, teaching both, shrinking depth,heads,width   Cai et al., ICLR 2020
    SortedNet     sampling random, num_random 1, teaching none                        Valipour et al., 2023

The defaults are those of BigNAS. Its training has more parts, as the initialisation of residual blocks and the
recalibration of batch norms, for which the networks here have no place. The teacher of Once-for-All is a copy of the
largest network as it was after its own training; here it is the largest as it is now. A whole graph is a batch here, so
that soft labels are those of all of its nodes, those without a label too: our choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.core.strategy import Proposal
from graphlab.nas.elastic.sandwich import Part, Shrinking, Teaching, different, outputs_of, step_loss
from graphlab.nas.elastic.space import ElasticSpace
from graphlab.nas.elastic.supernet import ElasticSupernet
from graphlab.nas.objectives import networks_of
from graphlab.nas.oneshot.evolve import Evolve, EvolveConfig, Scored
from graphlab.nas.oneshot.strategy import OneShot
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import Loss, SupernetTraining
from graphlab.nas.results.selection import front_of

MOST_SCORED = 256
"""Architectures of a space all of which are scored; of a larger space those that evolution comes to."""

PARAMETERS = "parameters"


class Config(EvolveConfig):
    """sampling    what learns in a step: sandwich, the largest, the smallest and `num_random` others; random, those
                others alone
    num_random  random networks in a step
    teaching    none: all networks learn the labels; soft: the largest learns them, and the others learn the classes
                that it gives; both: the others learn both
    shrinking   what opens after a phase of the largest network, one after the other, with commas between: of width,
                heads and depth; empty opens everything at once
    population   architectures of a generation, of a space with more than 256 networks
    generations  after the first
    parents      the best so far, that children come from
    mutation     chance that a decision of a child of one is drawn anew
    """

    sampling: Literal["sandwich", "random"] = "sandwich"
    num_random: Annotated[int, Field(ge=0)] = 2
    teaching: Teaching = "soft"
    shrinking: str = ""
    shrink: Annotated[int, Field(ge=1)] = 1

    @field_validator("shrinking")
    @classmethod
    def _check_parts(cls, shrinking: str) -> str:
        parts = shrinking.split(",") if shrinking else []
        if len(set(parts)) < len(parts) or not set(parts) <= set(get_args(Part)):
            raise ValueError("shrinking lists each of width, heads and depth once, as width,heads,depth")
        return shrinking

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if self.sampling == "random" and not self.num_random:
            raise ValueError("sampling is random, and num_random is 0: nothing would learn")
        if self.sampling == "random" and self.teaching == "soft":
            raise ValueError("with soft teaching the largest network alone learns labels: sample the sandwich, or both")
        return self

    @property
    def order(self) -> Sequence[Part]:
        """What opens, in order."""
        return [part for part in self.shrinking.split(",") if part]  # pyright: ignore[reportReturnType]  # validated


class Elastic(OneShot):
    """The networks that do best with slices of the largest's weights, within the limits of the search.

    With `parameters` among the objectives the front of score and size comes first, the largest score first; then the
    front of the rest, and so on. `cut_out` gives the weights of any network of the space.
    """

    multi_objective = True
    mixes = False

    Config = Config
    citation = Citation(
        key="yu2020",
        title="BigNAS: Scaling Up Neural Architecture Search with Big Single-Stage Models",
        authors=(
            "Yu, Jiahui and Jin, Pengchong and Liu, Hanxiao and Bender, Gabriel and Kindermans, Pieter-Jan and "
            "Tan, Mingxing and Huang, Thomas and Song, Xiaodan and Pang, Ruoming and Le, Quoc"
        ),
        venue="ECCV",
        year=2020,
        url="https://arxiv.org/abs/2003.11142",
    )

    def __init__(self, config: Config, space: Space, objective: Objective, stream: SeedStream) -> None:
        if not isinstance(space, ElasticSpace):
            raise IncompatibleError(
                f"{space.name} does not say what its largest and its smallest network are",
                hint="search elastic-gcn, elastic-gat or elastic-sage",
            )
        super().__init__(config, space, objective, stream)
        _require_classes(objective, config, space)
        self.elastic: ElasticSpace = space
        self._trained: SupernetTraining | None = None

    def candidates(self, training: SupernetTraining) -> Iterator[Proposal]:
        self._learn(training)
        for each in self.scored(training):
            notes = {"supernet": training.sign * each.score, PARAMETERS: parameters_of(training, each.values)}
            yield Proposal(each.values, notes)

    def trained(self) -> SupernetTraining:
        """The supernet once it is trained; what the search's folder has of it is not trained again."""
        if self._trained is None:
            self._trained = self.make_training()
            self._learn(self._trained)
        return self._trained

    def cut_out(self, values: Architecture) -> dict[str, Tensor]:
        """The weights of a network as the supernet has them, by the names of a learner's state dict."""
        training = self.trained()
        head = {f"head.{name}": tensor.clone() for name, tensor in training.learner.head.state_dict().items()}
        weights = supernet_of(training).weights_of(self.elastic.canonical(values))
        return {**{f"model.{name}": tensor for name, tensor in weights.items()}, **head}

    def scored(self, training: SupernetTraining) -> list[Scored]:
        """Networks within the limits with their scores on the held-out part, in the order of proposals."""

        def score(values: Architecture) -> float:
            return training.score(path(self.space, values))

        def is_allowed(values: Architecture) -> bool:
            return self.objective.is_allowed({PARAMETERS: parameters_of(training, values)})

        if self.elastic.size <= MOST_SCORED:
            allowed = [values for values in self.elastic.architectures() if is_allowed(values)]
            if not allowed:
                raise ConfigError(f"no architecture of {self.space.name} keeps the limits", hint="allow more")
            scored = sorted((Scored(values, score(values)) for values in allowed), key=lambda each: -each.score)
        else:
            evolution = Evolve(self.space, self.config, score, is_allowed)
            scored = evolution.run(training.stream.child("evolution").numpy())
        if PARAMETERS not in self.objective.names:
            return scored
        return in_fronts(scored, [-parameters_of(training, each.values) for each in scored])

    def _learn(self, training: SupernetTraining) -> None:
        shrinking = Shrinking(self.elastic, self.config.order, training.epochs)

        def epoch(number: int) -> None:
            random = training.stream.child("networks", number).numpy()
            for on_train, _ in training.losses(number):
                drawn = [shrinking.sample(number, random) for _ in range(self.config.num_random)]
                ends = [self.elastic.largest(), shrinking.smallest(number)]
                networks = different(self.elastic, [*ends, *drawn] if self.config.sampling == "sandwich" else drawn)
                self._descend(training, on_train, networks)

        training.run(epoch, {})

    def _descend(self, training: SupernetTraining, on_train: Loss, networks: list[Architecture]) -> None:
        largest = self.elastic.largest()
        with outputs_of(training.learner.head) as rows:

            def forward(values: Architecture) -> tuple[Tensor, Tensor]:
                return on_train(path(self.space, values)), rows[-1]

            loss = partial(step_loss, networks, largest, forward, self.config.teaching)
            training.descend(lambda mixture: loss(), path(self.space, largest))


def in_fronts(scored: Sequence[Scored], others: Sequence[float]) -> list[Scored]:
    """Those that nothing is better than in score and another number, in order; then those of the rest, and so on."""
    left, ordered = list(range(len(scored))), []
    while left:
        front = front_of([(scored[i].score, others[i]) for i in left])
        chosen = [left[place] for place in front]
        ordered += chosen
        left = [i for i in left if i not in chosen]
    return [scored[i] for i in ordered]


def supernet_of(training: SupernetTraining) -> ElasticSupernet:
    assert isinstance(training.supernet, ElasticSupernet)
    return training.supernet


def parameters_of(training: SupernetTraining, values: Architecture) -> int:
    """Of a network with its head."""
    head = sum(parameter.numel() for parameter in training.learner.head.parameters())
    return supernet_of(training).count(values) + head


def _require_classes(objective: Objective, config: Config, space: Space) -> None:
    """See that there are soft labels. Raises IncompatibleError where the output is no class."""
    if config.teaching == "none":
        return
    output = networks_of(objective).plan(space.sample(SeedStream(0).numpy())).dataset.spec.output
    if output.type != "class":
        raise IncompatibleError(
            f"networks teach each other classes, and {output.name} is a {output.type}",
            hint="set strategy.teaching=none",
        )
