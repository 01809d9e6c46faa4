"""graph6, the text form of small undirected graphs: one line a graph. McKay, formats.txt of nauty.

The size comes first, one byte of 63 + n up to 62 nodes or `~` and three bytes beyond; then the upper triangle of the
adjacency matrix, column by column, six bits a byte, the first bit highest, each byte offset by 63.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import DataError
from graphlab.data.text import read_lines

HEADER = b">>graph6<<"
OFFSET = 63
LONG = 126
"""The byte before a size of more than 62 nodes; two of them, before more than 258,047, are not read."""


def read_graph6(path: Path) -> list[np.ndarray]:
    """Every graph of a file as its adjacency `[n, n]`, bool. Raises DataError naming the line that is no graph6."""
    graphs = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            graphs.append(decode(line))
        except DataError as error:
            raise DataError(f"{path}:{number}: {error.message}", hint="replace it by the file as published") from None
    return graphs


def decode(graph: str | bytes) -> np.ndarray:
    """The adjacency `[n, n]`, bool and symmetric, of one graph: its line, with or without `>>graph6<<` before it and an
    end after it, as `networkx.to_graph6_bytes` writes. Raises DataError if it is no graph6."""
    line = (graph.encode("utf-8", "replace") if isinstance(graph, str) else graph).strip().removeprefix(HEADER)
    if not _is_whole(line):
        raise DataError(f"no graph6: {line[:40]!r}", hint="a size and n (n - 1) / 2 bits are needed, each byte in ?..~")
    size, body = _size(line)
    bits = np.unpackbits(np.frombuffer(body, dtype=np.uint8)[:, None] - OFFSET, axis=1)[:, 2:].ravel()
    adjacency = np.zeros((size, size), dtype=bool)
    adjacency[np.tri(size, k=-1, dtype=bool)] = bits[: size * (size - 1) // 2]
    return adjacency | adjacency.T


def encode(adjacency: np.ndarray) -> str:
    """The line of a simple graph given by its symmetric adjacency `[n, n]`, without its end."""
    size = len(adjacency)
    bits = np.asarray(adjacency, dtype=bool)[np.tri(size, k=-1, dtype=bool)]
    padded = np.pad(bits, (0, -len(bits) % 6)).reshape(-1, 6)
    body = np.packbits(np.pad(padded, ((0, 0), (2, 0))), axis=1).ravel() + OFFSET
    head = [size + OFFSET] if size < OFFSET else [LONG, *(((size >> s) & 63) + OFFSET for s in (12, 6, 0))]
    return bytes([*head, *body.tolist()]).decode("ascii")


def plain_graph(adjacency: np.ndarray, y: Tensor | None = None) -> Data:
    """A graph of which only the structure is given: both directions of each edge, and the constant 1 on every node."""
    num_nodes = len(adjacency)
    edge_index = torch.from_numpy(np.stack(np.nonzero(adjacency)))
    return Data(x=torch.ones(num_nodes, 1), edge_index=edge_index, y=y, num_nodes=num_nodes)


def _size(line: bytes) -> tuple[int, bytes]:
    if line[0] != LONG:
        return line[0] - OFFSET, line[1:]
    high, middle, low = (byte - OFFSET for byte in line[1:4])
    return (high << 12) + (middle << 6) + low, line[4:]


def _is_whole(line: bytes) -> bool:
    if not line or min(line) < OFFSET or max(line) > LONG or line[:2] == b"~~" or (line[0] == LONG and len(line) < 4):
        return False
    size, body = _size(line)
    return len(body) == -(-size * (size - 1) // 12)
