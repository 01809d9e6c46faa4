"""Weights that other programs saved, read without running anything that a file holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from graphlab.core.errors import InputError

PARTS = ("state_dict", "model_state_dict", "model", "network", "ema")
"""Under which names checkpoints keep weights, where they keep other things too; the first that is there is meant."""

WRAPPERS = ("module.", "_orig_mod.")
"""What torch's parallel and compiled modules put before all names."""


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a file by their names, on the CPU.

    A file `*.safetensors` is read as that, any other as one of `torch.save`, by the reader that makes tensors and plain
    values alone. Of a checkpoint that holds other things the weights are taken, by the names in PARTS; names lose what
    wrappers put before them.

    Raises:
        InputError: There is no such file, it cannot be read or would run code, or it holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there are no weights at {path}", hint="give the path of a .safetensors, .pt or .pth file")
    weights = _weights(path, _load(path))
    while wrapper := next((each for each in WRAPPERS if all(name.startswith(each) for name in weights)), None):
        weights = {name.removeprefix(wrapper): tensor for name, tensor in weights.items()}
    return weights


def _load(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(
            f"{path} holds objects that only its program can make, or is no file of weights",
            hint="there: torch.save(model.state_dict(), path), or safetensors.torch.save_file",
        ) from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError, TypeError, OSError, OverflowError) as error:
        raise InputError(
            f"{path} cannot be read as weights: {error}", hint="is it complete, and its suffix right?"
        ) from error


def _weights(path: Path, content: Any) -> dict[str, Tensor]:
    if isinstance(content, Mapping):
        for part in PARTS:
            if isinstance(content.get(part), Mapping):
                return _weights(path, content[part])
        if content and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
            return dict(content)
        names = ", ".join(map(str, list(content)[:5])) or "nothing"
        raise InputError(f"{path} holds no tensors by name but {names}", hint=f"weights stand under {', '.join(PARTS)}")
    raise InputError(f"{path} holds a {type(content).__name__}, no weights", hint="save the model's state_dict()")
