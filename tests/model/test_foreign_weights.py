"""Weights of other programs: the same tensors from either format, and nothing that runs code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from graphlab.core.errors import InputError
from graphlab.model.floyd_block import FloydBlock, from_published
from graphlab.model.foreign_weights import read_weights

WEIGHTS = {"layer.weight": torch.randn(3, 2), "layer.bias": torch.arange(3, dtype=torch.int64)}


def check_equal(weights: dict[str, torch.Tensor]) -> None:
    assert weights.keys() == WEIGHTS.keys()
    assert all(
        torch.equal(weights[name], tensor) and weights[name].dtype == tensor.dtype for name, tensor in WEIGHTS.items()
    )


def wrapped(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in WEIGHTS.items()}


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        wrapped("module."),
        wrapped("_orig_mod.module."),
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": {"state_dict": wrapped("module.")}, "optimizer": {"lr": 0.1}},
    ],
    ids=["plain", "parallel", "compiled", "checkpoint", "nested"],
)
def test_files_of_torch(tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    check_equal(read_weights(tmp_path / "w.pt"))


def test_safetensors(tmp_path):
    save_file(wrapped("module."), tmp_path / "w.safetensors")
    check_equal(read_weights(str(tmp_path / "w.safetensors")))


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_that_a_file_holds_is_run(tmp_path):
    trap, caught = tmp_path / "trap.pt", tmp_path / "caught"
    torch.save({"weight": Trap(caught)}, trap)
    plain = tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps(Trap(caught)))
    for path in (trap, plain):
        with pytest.raises(InputError, match="only its program can make") as raised:
            read_weights(path)
        assert "state_dict" in str(raised.value.hint) and not caught.exists()


def test_files_that_are_no_weights(tmp_path):
    cases = {"list.pt": [WEIGHTS], "number.pt": {"weight": 1}, "empty.pt": {}, "odd.pt": {1: torch.zeros(1)}}
    for name, content in cases.items():
        torch.save(content, tmp_path / name)
    whole = (tmp_path / "list.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.safetensors").write_text("weights")
    (tmp_path / "none.pt").write_bytes(b"")
    for path in [*tmp_path.iterdir(), tmp_path / "absent.pt", tmp_path]:
        with pytest.raises(InputError) as raised:
            read_weights(path)
        assert raised.value.hint


def test_blocks_of_the_published_package(tmp_path):
    torch.manual_seed(0)
    blocks = torch.nn.ModuleList(FloydBlock(8, 2) for _ in range(2))
    names = {"mix": "c_mix", "qkv": "c_qkv", "proj": "c_proj", "attention_norm": "norm1", "ffn_norm": "norm2"}
    published = {
        ".".join(names.get(part, part) for part in name.split(".")): torch.randn_like(tensor)
        for name, tensor in blocks.state_dict().items()
    }
    save_file(published, tmp_path / "blocks.safetensors")
    blocks.load_state_dict(from_published(read_weights(tmp_path / "blocks.safetensors")))
    assert torch.equal(blocks[1].qkv.weight, published["1.c_qkv.weight"])
    assert torch.equal(blocks[0].ffn_norm.bias, published["0.norm2.bias"])
