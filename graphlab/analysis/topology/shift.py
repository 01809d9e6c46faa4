"""How the concentration of one part's links differs from that of another: the topological distribution shift.

The paper shows the two distributions. Beside them we give the Wasserstein distance between them, over all nodes that
have links in both parts, and the difference of each node.

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphlab.analysis.topology.concentration import Concentration
from graphlab.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Shift:
    """The concentrations of two parts.

    Attributes:
        before, after: Of each part, such as training and test.
        compared: Nodes with links in both parts, int64 `[m]`.
    """

    before: Concentration
    after: Concentration
    compared: np.ndarray

    @property
    def of_nodes(self) -> np.ndarray:
        """After less before, float64 `[m]`."""
        return self.after.values[self.compared] - self.before.values[self.compared]

    @property
    def mean(self) -> float | None:
        """The mean of `of_nodes`; None without nodes to compare."""
        return float(self.of_nodes.mean()) if len(self.compared) else None

    @property
    def distance(self) -> float | None:
        """The first Wasserstein distance between the distributions over the nodes that are compared; None without."""
        if not len(self.compared):
            return None
        ordered = (np.sort(each.values[self.compared]) for each in (self.before, self.after))
        return float(np.abs(np.subtract(*ordered)).mean())


def distribution_shift(before: Concentration, after: Concentration) -> Shift:
    """The shift from one part to another.

    Raises:
        InputError: They are of different graphs or numbers of hops.
    """
    if len(before.values) != len(after.values) or before.hops != after.hops:
        raise InputError(
            f"concentrations of {before.hops} hops on {len(before.values):,} nodes and of {after.hops} hops on "
            f"{len(after.values):,}",
            hint="compare two parts of one graph, with the same number of hops",
        )
    return Shift(before, after, np.flatnonzero(before.counted & after.counted))
