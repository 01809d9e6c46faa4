"""Data-parallel training, read from the environment that `torchrun` sets.

Every process builds the same model from the same seed and holds it equal by averaging gradients; rank 0
alone writes. One process without `torchrun` is the same code with a world of one and no communication.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from graphlab.core.errors import InputError
from graphlab.task.base import Shard


def pick_device(name: str = "auto") -> torch.device:
    """The device that is meant: `auto` is this process's GPU if there is one, else the CPU.

    Raises InputError for a device that torch does not know or this machine does not have.
    """
    if name == "auto":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"device {name!r} cannot be used here", hint="graphlab doctor lists the devices") from error
    return device


@contextmanager
def process_group(device: torch.device) -> Iterator[Shard]:
    """This process's shard; joins the group that `torchrun` announces and leaves it at the end."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1 or dist.is_initialized():
        yield Shard(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Shard()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Shard(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def average_gradients(parameters: list[nn.Parameter], weight: float, stop: bool, shard: Shard) -> bool:
    """Replace each gradient by its mean over processes, this one's counted `weight` times, in one message.

    `stop` travels along, so that all processes stop at the same step if any was asked to: returns that.
    """
    if shard.world == 1:
        return stop
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([weight * g.flatten() for g in grads] + [grads[0].new_full((1,), float(stop))])
    dist.all_reduce(flat)
    *means, stops = flat.split([*(p.numel() for p in parameters), 1])
    for parameter, total in zip(parameters, means, strict=True):
        parameter.grad = total.view_as(parameter) / shard.world
    return bool(stops.item() > 0)


def mean_over_processes(value: Tensor, shard: Shard) -> Tensor:
    if shard.world == 1:
        return value
    total = value.clone()
    dist.all_reduce(total)
    return total / shard.world


def gather_rows(rows: Tensor, shard: Shard) -> Tensor:
    """All processes' rows in the order of the items: inverse of `Shard.of`."""
    if shard.world == 1:
        return rows
    counts = [torch.zeros(1, dtype=torch.long, device=rows.device) for _ in range(shard.world)]
    dist.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
    longest = int(max(c.item() for c in counts))
    padded = rows.new_zeros(longest, *rows.shape[1:])
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in range(shard.world)]
    dist.all_gather(parts, padded)
    whole = torch.stack(parts, dim=1).flatten(0, 1)
    return whole[: int(sum(c.item() for c in counts))]


def from_rank_zero(value: Any) -> Any:
    """What rank 0 passed in, on every process."""
    if not dist.is_initialized():
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]
