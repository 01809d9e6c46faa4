"""TangleNAS: a learned mixture of options that share weights. Sukthanker et al., AutoML 2024.

Options that are slices of one weight are not computed one by one. The weighted sum of the slices, padded with zeros, is
applied once, and the mixture goes down the validation loss as in DARTS:

    (sum_i a_i pad(W[:n_i])) x = sum_i a_i pad(W[:n_i] x)        one product

A step costs as much as one of the largest network, and no option has weights that others do not train. In `gnn-micro`
widths and heads are entangled; in `nas-bench-graph`, which has one width, the linear maps of the operators.
`graphlab.nas.oneshot.entangled` says for each space what is and what is not. Candidates come by their probability, as
of DARTS; no channels go past what is mixed.
"""

from __future__ import annotations

from graphlab.core.citation import Citation
from graphlab.nas.oneshot.entangled import entangled_supernet
from graphlab.nas.oneshot.supernets import Supernet
from graphlab.nas.strategies.darts import DARTS


class TangleNAS(DARTS):
    """The likeliest architectures of a mixture on entangled weights."""

    citation = Citation(
        key="sukthanker2024",
        title="Weight-Entanglement Meets Gradient-Based Neural Architecture Search",
        authors="Sukthanker, Rhea Sanjay and Krishnakumar, Arjun and Safari, Mahmoud and Hutter, Frank",
        venue="AutoML",
        year=2024,
        url="https://arxiv.org/abs/2312.10440",
    )

    @property
    def supernet(self) -> type[Supernet]:
        return entangled_supernet(self.space)
