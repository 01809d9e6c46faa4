"""Files of integer networks: tensors as safetensors, the rest as JSON in its header, and a digest over both.

Weights of four bits and fewer are packed. Nothing is unpickled. A file of which a bit was altered is refused.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from graphlab.core.errors import DataError
from graphlab.core.files import canonical_json, write_atomic
from graphlab.ops.integer.pack import PackedWeights, pack
from graphlab.quantization.network import OPERATIONS, IntegerNetwork
from graphlab.quantization.operations import Operation, Product, settings_of, tensors_of
from graphlab.quantization.rows import Grid

FORMAT = "graphlab integer network 1"


def save_network(network: IntegerNetwork, path: Path, about: dict[str, str]) -> str:
    """Write a network whole or not at all.

    Args:
        network: What is written.
        path: The file; its name ends in .safetensors.
        about: What is known of where it comes from, as the id of a run; kept as it is.

    Returns:
        The digest, sha256 in hexadecimal.
    """
    tensors: dict[str, Tensor] = {}
    for place, operation in enumerate(network.operations):
        for name, tensor in tensors_of(operation).items():
            bits = operation.weight_bits if isinstance(operation, Product) and name == "weight" else 8
            tensors[f"{place}.{name}"] = _packed(tensor, bits)
    program = {
        "messages": network.messages,
        "grid": vars(network.grid),
        "adjacency": None if network.adjacency is None else vars(network.adjacency),
        "operations": [settings_of(each) | {"shape": _shape(each)} for each in network.operations],
        "about": about,
    }
    text = canonical_json(program)
    digest = _digest(text, tensors)
    content = save(tensors, {"format": FORMAT, "program": text, "sha256": digest})
    write_atomic(path, lambda file: file.write(content))
    return digest


def load_network(path: Path) -> tuple[IntegerNetwork, dict[str, str]]:
    """Read a network, and what was written about it.

    Raises:
        DataError: The file is not there, is none of these, is cut off, or was altered.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header, tensors = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is no file of an integer network: {error}", hint="freeze the run again") from error
    if header.get("format") != FORMAT:
        raise DataError(f"{path} holds other tensors than an integer network", hint="write one by graphlab freeze")
    text = header.get("program", "")
    if header.get("sha256") != _digest(text, tensors):
        raise DataError(f"{path} was altered since it was written", hint="freeze the run again")
    program = json.loads(text)
    adjacency = program["adjacency"]
    operations = tuple(
        _operation(entry, {name.partition(".")[2]: tensors[name] for name in tensors if name.startswith(f"{place}.")})
        for place, entry in enumerate(program["operations"])
    )
    network = IntegerNetwork(
        program["messages"], Grid(**program["grid"]), None if adjacency is None else Grid(**adjacency), operations
    )
    return network, program["about"]


def _packed(weight: Tensor, bits: int) -> Tensor:
    """int8 integers, of four bits and fewer two or four to a byte, uint8."""
    return weight.contiguous() if bits > 4 else torch.from_numpy(pack(weight, 2 if bits == 2 else 4).data)


def _unpacked(stored: Tensor, bits: int, shape: tuple[int, ...]) -> Tensor:
    return stored if bits > 4 else PackedWeights(stored.numpy(), shape, 2 if bits == 2 else 4).unpack()


def _shape(operation: Operation) -> list[int]:
    return list(operation.weight.shape) if isinstance(operation, Product) else []


def _operation(entry: dict[str, Any], tensors: dict[str, Tensor]) -> Operation:
    kind, shape = entry.pop("kind"), tuple(entry.pop("shape"))
    if "weight" in tensors:
        tensors["weight"] = _unpacked(tensors["weight"], entry["weight_bits"], shape)
    settings = {name: Grid(**value) if isinstance(value, dict) else value for name, value in entry.items()}
    fields: dict[str, Any] = {**settings, **tensors}
    return OPERATIONS[kind](**fields)


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()
