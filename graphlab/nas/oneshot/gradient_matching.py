"""Which options of a supernet agree on where its weights should go, and how a decision is cut in two by that.

Hu et al., ICLR 2022: options whose gradients of the weights that they share point apart disturb each other, so that a
decision is split where its options agree least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.oneshot.supernets import path
from graphlab.nas.oneshot.training import Loss

Options = Mapping[str, Sequence[int]]
"""By decision, the places of the options that there are."""

MOST_DRAWN = 1000
"""Draws that are no network, after which a part is taken to hold none."""

Cut = tuple[float, tuple[tuple[int, ...], tuple[int, ...]]]
"""The mean similarity across a cut, and the two groups."""


def similarities(
    space: Space, options: Options, loss: Loss, weights: Sequence[Tensor], contexts: int, stream: SeedStream
) -> dict[str, Tensor]:
    """By decision with two options or more, the cosines between the gradients of its options, `[options, options]`.

    The other decisions are drawn, and means taken over so many draws. A gradient is that of the loss in the weights
    that every option of the decision reaches.
    """
    matrices = {}
    for decision in space.decisions:
        places = options[decision.name]
        if len(places) > 1:
            draws = [stream.child(decision.name, k).numpy() for k in range(contexts)]
            cosines = [_cosines(_gradients(space, options, decision.name, loss, weights, random)) for random in draws]
            matrices[decision.name] = torch.stack(cosines).mean(0)
    return matrices


def _gradients(
    space: Space, options: Options, name: str, loss: Loss, weights: Sequence[Tensor], random: np.random.Generator
) -> list[Sequence[Tensor | None]]:
    """Of each option of a decision, with the rest the same."""
    decision = next(each for each in space.decisions if each.name == name)
    chosen = [decision.options[place] for place in options[name]]
    for _ in range(MOST_DRAWN):
        rest = drawn(space, options, random)
        alternatives = [{**rest, name: option} for option in chosen]
        if all(space.is_valid(values) for values in alternatives):
            break
    else:
        alternatives = [drawn(space, options, random)] * len(chosen)
    losses = (loss(path(space, values)) for values in alternatives)
    return [torch.autograd.grad(each, weights, allow_unused=True) for each in losses]


def _cosines(gradients: Sequence[Sequence[Tensor | None]]) -> Tensor:
    """float64 `[n, n]` of the tensors that all n have; 0 with a gradient that is 0."""
    shared = [k for k in range(len(gradients[0])) if all(each[k] is not None for each in gradients)]
    rows = torch.stack([torch.cat([each[k].flatten() for k in shared]) for each in gradients]).double()  # pyright: ignore[reportOptionalMemberAccess]
    unit = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-30)
    return unit @ unit.T


def drawn(space: Space, options: Options, random: np.random.Generator) -> Architecture:
    """An architecture of these options, evenly; the last draw where none of many is a network."""
    values: Architecture = {}
    for _ in range(MOST_DRAWN):
        places = {
            each.name: options[each.name][int(random.integers(len(options[each.name])))] for each in space.decisions
        }
        values = {each.name: each.options[places[each.name]] for each in space.decisions}
        if space.is_valid(values):
            break
    return values


def smallest_cut(similarity: Tensor) -> Cut:
    """Of all ways to put n options into two groups of equal size, or nearly so, that of the smallest mean similarity
    across: a minimum cut among the balanced, by trying each. similarity `[n, n]`, n from 2."""
    matrix, n = similarity.cpu().numpy(), len(similarity)
    everything = range(n)
    cuts = []
    for size in sorted({n // 2, n - n // 2}):
        for rest in combinations(range(1, n), size - 1):
            group = (0, *rest)
            other = tuple(k for k in everything if k not in group)
            cuts.append((float(matrix[np.ix_(group, other)].mean()), (group, other)))
    return min(cuts)
