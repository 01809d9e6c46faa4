"""What fits in memory."""

from __future__ import annotations

import pytest
import torch

from graphlab.core import memory
from graphlab.core.errors import InputError


def test_the_memory_that_the_machine_has_left(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    assert memory.available_memory() is None
    memory.MEMINFO.write_text("MemTotal:  9 kB\nMemFree:  1 kB\nMemAvailable:       7 kB\n")
    assert memory.available_memory() == memory.available_memory(torch.device("cpu")) == 7 * 1024
    memory.MEMINFO.write_text("MemTotal:  9 kB\n")
    assert memory.available_memory() is None


def test_bytes_are_named_and_the_limit_itself_fits():
    memory.require_memory("a matrix", 10**6, 10**6, "less")
    memory.require_memory("a matrix", 10**15, None, "less")
    with pytest.raises(InputError, match=r"would take 3,221,225,472 bytes \(3.00 GiB\); the limit is 5") as raised:
        memory.require_memory("a matrix", 3 * 2**30, 5, "less")
    assert raised.value.hint == "less"
