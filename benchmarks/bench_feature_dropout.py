"""What drawing for non-zero entries alone saves: feature dropout, a linear map to 16, and its backward pass.

Features are random with the shapes and densities of a small bag of words, of Cora and of CiteSeer. Both arms give
the same distribution. Expected: the gain grows with the number of entries, and is what the draws cost over the map.
"""

from __future__ import annotations

from statistics import median

import torch
import torch.nn.functional as F
from measure import interleaved, median_ratio, write_result
from torch import Tensor

from graphlab.model.dropout import FeatureDropout

SHAPES = {"small": (500, 300, 0.02), "cora": (2708, 1433, 0.0127), "citeseer": (3327, 3703, 0.0085)}
STEPS, HIDDEN, P = 10, 16, 0.5


def features(rows: int, dim: int, density: float) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.rand(rows, dim, generator=random) * (torch.rand(rows, dim, generator=random) < density)


def compare(name: str) -> dict[str, float | str]:
    x = features(*SHAPES[name])
    weight = torch.randn(HIDDEN, x.size(1), requires_grad=True)
    sparse = FeatureDropout(P)

    def steps(drop) -> None:
        for _ in range(STEPS):
            torch.autograd.grad(F.linear(drop(x), weight).sum(), weight)

    arms = {"plain": lambda: steps(lambda x: F.dropout(x, P)), "non-zeros": lambda: steps(sparse)}
    seconds = interleaved(arms)["processor"]
    return {
        "features": name,
        **{f"milliseconds_{arm}": round(median(seconds[arm]) / STEPS * 1e3, 3) for arm in arms},
        "times_faster": round(median_ratio(seconds["plain"], seconds["non-zeros"]), 1),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_result("feature_dropout", {"comparisons": [compare(name) for name in SHAPES]})
