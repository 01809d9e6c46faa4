"""Biases that are rounded in training as networks on integers round them."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrize

from graphlab.model.observation import OBSERVERS
from graphlab.model.sum_bias import SumBias, sum_biases
from graphlab.model.transform import parametrise
from graphlab.quantization.assignment import Place
from graphlab.quantization.biases import BiasQuantiser
from graphlab.quantization.quantisers import Quantiser
from graphlab.quantization.rows import finer_steps


def round_biases(network: nn.Module) -> None:
    """Have each bias rounded whose factors are rounded with one scale, or with one a channel of the output.

    Args:
        network: Changed in place. Its weights and observation points have their quantisers.
    """
    for bias in list(sum_biases(network)):
        first, second = (_quantiser(*factor) for factor in bias.factors)
        if first is not None and second is not None and _is_by_output(first) and _is_by_output(second):
            rounded = BiasQuantiser((first, second), bias.num_averaged * _finer(bias, second))
            parametrise(bias.module, "bias", rounded)


def _quantiser(module: nn.Module, name: str) -> Quantiser | None:
    """That of a weight or of an observation point."""
    if parametrize.is_parametrized(module, name):
        quantiser = next(module.get_submodule(f"parametrizations.{name}").children())
    else:
        observers = module._modules.get(OBSERVERS)
        quantiser = None if observers is None else observers._modules.get(name)
    return quantiser if isinstance(quantiser, Quantiser) else None


def _is_by_output(quantiser: Quantiser) -> bool:
    granularity = quantiser.format.granularity
    return granularity == "tensor" or (granularity == "channel" and quantiser.channel == 0)


def _finer(bias: SumBias, second: Quantiser) -> int:
    """By how much finer the steps are in which weights of edges of few bits are kept."""
    of_edges = Place.of_point(bias.factors[1][1]).component in ("adjacency", "attention")
    return finer_steps(second.format.lowest, second.format.highest) if of_edges else 1
