"""Random integer problems for the kernels' tests."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from graphlab.ops.integer.rescale import Output
from graphlab.ops.neighbour_sum import Neighbours

WIDTHS = [0, 1, 3, 16, 40, 64, 65, 128]
DTYPES = st.sampled_from([torch.int8, torch.uint8])


def integers(random: torch.Generator, shape: tuple[int, ...], dtype: torch.dtype, extreme: bool = False) -> Tensor:
    """Numbers over the whole range, or its two ends alone."""
    info = torch.iinfo(dtype)
    if extreme:
        return torch.where(torch.rand(shape, generator=random) < 0.5, info.min, info.max).to(dtype)
    return torch.randint(info.min, info.max + 1, shape, generator=random).to(dtype)


def graph(random: torch.Generator, num_targets: int, num_sources: int, num_edges: int) -> Neighbours:
    source = torch.randint(num_sources, (num_edges,), generator=random)
    target = torch.randint(num_targets, (num_edges,), generator=random)
    return Neighbours(torch.stack([source, target]), num_targets, num_sources)


def outputs(kind: str, width: int, random: torch.Generator) -> Output | None:
    """The sums themselves, one multiplier, or one a channel with a ReLU."""
    if kind == "sums":
        return None
    if kind == "tensor":
        return Output.of(0.003, -7)
    return Output.of(torch.rand(width, generator=random).numpy() * 0.01, 5, signed=False, relu=True, high=250)


OUTPUTS = st.sampled_from(["sums", "tensor", "channel"])
