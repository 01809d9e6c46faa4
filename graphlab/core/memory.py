"""What fits in memory, asked before anything is allocated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphlab.core.errors import InputError

if TYPE_CHECKING:
    import torch

MEMINFO = Path("/proc/meminfo")


def available_memory(device: torch.device | None = None) -> int | None:
    """Bytes that a device has left, of the machine where none is named; None where that cannot be told."""
    if device is not None and device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(kibibytes[0]) if kibibytes else None


def require_memory(what: str, num_bytes: int, limit: int | None, hint: str) -> None:
    """Raises InputError, with the bytes, for what would exceed the limit; None is no limit."""
    if limit is not None and num_bytes > limit:
        raise InputError(
            f"{what} would take {num_bytes:,} bytes ({num_bytes / 2**30:.2f} GiB); the limit is {limit:,}",
            hint=hint,
        )
