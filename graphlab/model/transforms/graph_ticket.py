"""Graph lottery tickets: edges of the graph and weights are pruned together, by masks that are trained with them (UGS).

    loss + edge_penalty mean |m_edges| + penalty mean |m_weights|

Rounds are runs, as those of `ticket`. The first prunes nothing; each later one prunes the smallest numbers of both
masks of the run that it starts from, to its own `edge_sparsity` and `sparsity`, goes back to the early weights, and
trains new masks. `masks=fixed` trains weights alone, with masks of zeros and ones: the ticket itself. Each direction of
an edge is an edge of its own.

A model that computes what edges weigh once for all epochs, as `appnp`, has no gradient of it and is refused after the
first epoch; `gcn`, `gin`, `linkx` and `sage-sep` have one.

References:
    Chen, Sui, Chen, Zhang and Wang, A Unified Lottery Ticket Hypothesis for Graph Neural Networks, ICML 2021,
    algorithms 1 and 2. Means in place of sums in the loss, and selected weights in place of the last, are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from graphlab.core.config import FloatRange, NonNegativeFloat, PositiveFloat, Probability
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import DataSpec
from graphlab.model.edge_mask import EdgeMask, mask_edges
from graphlab.model.pruned_weights import FreeMask, MaskedWeight, keep, mask_weights
from graphlab.model.rewinding import Rewinding
from graphlab.model.transform import Regulariser, weights
from graphlab.model.transforms.ticket import Config as TicketConfig
from graphlab.model.transforms.ticket import DrawTicket, Ticket
from graphlab.pruning.masks import kept_numbers


class Config(TicketConfig):
    """edge_sparsity  share of the edges that are left out in this round; 0 in the first
    masks          learned in this round, or fixed at zeros and ones
    penalty        factor of the mean magnitude of the weights' mask in the loss
    edge_penalty   the same of the edges' mask
    lr_factor      learning rate of both masks, as a multiple of the run's
    others         as of `ticket`
    """

    edge_sparsity: Annotated[Probability, FloatRange(0.0, 0.7)] = 0.0
    masks: Literal["learned", "fixed"] = "learned"
    penalty: NonNegativeFloat = 0.1
    edge_penalty: NonNegativeFloat = 0.1
    lr_factor: PositiveFloat = 1.0


class DrawGraphTicket(DrawTicket):
    """Puts masks on the weights and on the edges that the model reads."""

    Config = Config

    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        chosen = list(weights(learner))
        if not chosen:
            raise IncompatibleError("a ticket has weights, and this model none", hint="choose a model with parameters")
        tensors = [*learner.parameters(), *learner.buffers()]
        edges = mask_edges(learner.model, spec, self.config.lr_factor)
        masked = mask_weights(chosen, lambda weight: FreeMask(weight, self.config.lr_factor))
        learner.add_module("ticket", GraphTicket(masked, edges, Rewinding(tensors), self.config))


class GraphTicket(Ticket, Regulariser):
    """Prunes edges and weights by their masks. edges: the mask of edges; other arguments are those of `Ticket`."""

    def __init__(self, masked: Sequence[MaskedWeight], edges: EdgeMask, rewinding: Rewinding, config: Config) -> None:
        super().__init__(masked, rewinding, config)
        self.edges, self.mask_config = edges, config

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        super().begin_epoch(epoch, epochs)
        if epoch <= 1:
            for mask in (*self._weight_masks(), self.edges):
                mask.open(self.mask_config.masks == "fixed")
        elif epoch == 2:
            self.edges.require_learned()

    def prune(self) -> None:
        if self.edges.is_fixed:
            raise InputError(
                "the run that this one starts from has fixed masks, which rank nothing",
                hint="name a run with transform.masks=learned as training.start",
            )
        numbers = sum(mask.mask.numel() for mask in self._weight_masks())
        keep(self._masked, _scores, kept_numbers(numbers, self.config.sparsity))
        self.edges.keep(kept_numbers(len(self.edges.mask), self.mask_config.edge_sparsity))

    def regularisation(self) -> Tensor:
        if self.edges.is_fixed:
            return self.rounds.new_zeros((), dtype=torch.float32)
        of_weights = torch.cat([mask.soft.abs().flatten() for mask in self._weight_masks()]).mean()
        return self.mask_config.penalty * of_weights + self.mask_config.edge_penalty * self.edges.soft.abs().mean()

    def _weight_masks(self) -> list[FreeMask]:
        return [each.mask for each in self._masked if isinstance(each.mask, FreeMask)]


def _scores(weight: MaskedWeight) -> Tensor:
    """Of the numbers of a weight: the magnitudes of its mask."""
    assert isinstance(weight.mask, FreeMask)
    return weight.mask.soft.detach().abs().double()
