"""Data-parallel training, read from the environment that `torchrun` sets.

Every process builds the same model from the same seed and holds it equal by averaging gradients; rank 0
alone writes, to a store that every process can read. Batch normalisation sees one shard at a time. One
process without `torchrun` is the same code with a world of one and no communication.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.task.base import Learner, Shard

T = TypeVar("T")


def pick_device(name: str = "auto") -> torch.device:
    """The device that is meant: `cuda` is this process's GPU, `auto` the same if there is one, else the CPU.

    Raises InputError for a device that torch does not know or this machine does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"device {name!r} cannot be used here", hint="graphlab doctor lists the devices") from error
    return device


def join_processes(device: torch.device) -> Shard:
    """This process's shard: of the group that `torchrun` announces, if it started this process.

    A group can be joined once, so it is kept for later runs of this process and left when that ends.
    """
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Shard()
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(dist.destroy_process_group)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return Shard(dist.get_rank(), dist.get_world_size())


def synchronise(learner: Learner, loss: Tensor, weight: float, stop: bool, shard: Shard) -> tuple[Tensor, bool]:
    """Make one step out of those of all processes: their mean loss, and whether any was asked to stop.

    Gradients and batch statistics become their means over the processes, this one's counted `weight`
    times. All of it is one message.
    """
    if shard.world == 1:
        return loss.detach(), stop
    trained = [p for p in learner.parameters() if p.requires_grad]
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
    statistics = [b for b in learner.buffers() if b.is_floating_point()]
    values = [*grads, *statistics, loss.detach()]
    message = torch.cat([*(weight * v.flatten() for v in values), loss.new_full((1,), float(stop))])
    dist.all_reduce(message)
    *totals, stops = message.split([*(v.numel() for v in values), 1])
    *means, mean_loss = (total.view_as(v) / shard.world for total, v in zip(totals, values, strict=True))
    for parameter, mean in zip(trained, means[: len(trained)], strict=True):
        parameter.grad = mean.to(parameter.dtype)
    for buffer, mean in zip(statistics, means[len(trained) :], strict=True):
        buffer.copy_(mean)
    return mean_loss, bool(stops.item() > 0)


def any_process(flag: bool, device: torch.device, shard: Shard) -> bool:
    """Whether the flag is set on at least one process."""
    if shard.world == 1:
        return flag
    flags = torch.tensor([flag], dtype=torch.int32, device=device)
    dist.all_reduce(flags)
    return bool(flags.item())


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


def from_rank_zero(compute: Callable[[], T], shard: Shard) -> T:
    """What `compute` gives on rank 0, on every process; it is called there alone."""
    if shard.world == 1:
        return compute()
    box: list[Any] = [compute() if shard.rank == 0 else None]
    dist.broadcast_object_list(box)
    return box[0]
