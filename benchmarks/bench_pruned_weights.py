"""What pruned weights save in time: a linear map of rows by a weight of which a share is kept, over the dense product.

    dense  rows `[n, in]` by the weight, zeros included, as PyTorch multiplies them
    csr    the weight as a sparse matrix of PyTorch (CSR), by rows that lie channel by channel, `[in, n]`
    ours   the same by `neighbour_sum`, which takes the weight for a graph from channels to channels

The sparse arms are spared the transposition of the rows. Expected: nothing at half of the weights, where a dense
product reuses what is in registers and a sparse one reads a row for each number; more than twice at a fiftieth.
"""

from __future__ import annotations

import warnings
from statistics import median

import torch
from measure import interleaved, median_ratio, write_result
from torch import Tensor

from graphlab.ops.neighbour_sum import Neighbours, neighbour_sum

DENSITIES = (0.5, 0.1, 0.02)
SHAPES = {"a hidden layer": (20_000, 256, 256), "a first layer": (2_708, 1_433, 16)}
"""Rows, numbers of each before the map, and after it."""
REPEATS = 9


def pruned(outputs: int, inputs: int, density: float) -> Tensor:
    """A weight `[outputs, inputs]` whose largest numbers are kept."""
    weight = torch.randn(outputs, inputs, generator=torch.Generator().manual_seed(0))
    kept = round(density * weight.numel())
    least = weight.abs().flatten().topk(kept).values[-1]
    return weight.where(weight.abs() >= least, 0.0)


def compare(shape: str, density: float) -> dict[str, float | str]:
    rows, inputs, outputs = SHAPES[shape]
    weight = pruned(outputs, inputs, density)
    x = torch.randn(rows, inputs, generator=torch.Generator().manual_seed(1))
    by_channel = x.T.contiguous()
    with warnings.catch_warnings():  # torch gives this warning once in a process
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        csr = weight.to_sparse_csr()
    target, source = weight.nonzero().T
    graph, values = Neighbours(torch.stack([source, target]), outputs, inputs), weight[target, source]
    arms = {
        "dense": lambda: x @ weight.T,
        "csr": lambda: csr @ by_channel,
        "ours": lambda: neighbour_sum(graph, by_channel, values),
    }
    with torch.inference_mode():
        expected = arms["dense"]()
        for name in ("csr", "ours"):
            torch.testing.assert_close(arms[name]().T, expected, rtol=1e-3, atol=1e-3)
        seconds = interleaved(arms, REPEATS)["processor"]
    return {
        "of": shape,
        "density": density,
        **{f"milliseconds_{arm}": round(median(seconds[arm]) * 1e3, 2) for arm in arms},
        **{f"times_faster_{arm}": round(median_ratio(seconds["dense"], seconds[arm]), 2) for arm in ("csr", "ours")},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_result("pruned_weights", {"comparisons": [compare(s, d) for s in SHAPES for d in DENSITIES]})
