"""Dropout of input features. Srivastava et al., JMLR 2014, section 4."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

DENSE = 0.25
"""Share of non-zero entries from which drawing for every entry is no slower."""


class FeatureDropout(nn.Module):
    """Dropout with probability p that draws for the non-zero entries alone.

    A zero stays zero whether it is dropped or not, so the outputs have the distribution of plain dropout. On a CPU
    the draws are most of what a step on bag-of-words features costs, and few of their entries are not zero.

    x `[rows, dim]` -> `[rows, dim]`. Where the non-zeros lie is remembered for the last x, which a transductive task
    gives at every step.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self._seen: Tensor | None = None
        self._version = -1
        self._nonzero: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        at = self._positions(x)
        if at is None:
            return F.dropout(x, self.p)
        flat = x.flatten()
        return flat.new_zeros(flat.shape).index_copy_(0, at, F.dropout(flat[at], self.p)).view_as(x)

    def _positions(self, x: Tensor) -> Tensor | None:
        """Flat indices of the non-zeros; None where plain dropout is as fast: on a GPU, and for dense features."""
        if x.device.type != "cpu" or x.requires_grad:
            return None
        if x is not self._seen or x._version != self._version:
            sparse = int(x.count_nonzero()) < DENSE * x.numel()
            self._nonzero = x.flatten().nonzero().squeeze(1) if sparse else None
            self._seen, self._version = x, x._version
        return self._nonzero
