"""How unlike each other nodes' input gradients are. Mellor et al., 2020 (first version), section 3.

    - sum over eigenvalues v of the correlation matrix of the J_i of (log(v + k) + 1 / (v + k)), k = 1e-5

J_i is the gradient of the sum of all outputs in the features of node i: a graph is the batch and a node the example, as
in the published code, but what one node gives reaches others. Correlations are those of the training nodes, in float64.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.errors import IncompatibleError
from graphlab.nas.proxies import NodeProxy, gradients
from graphlab.task.base import Learner, Task

K = 1e-5


class JacobCov(NodeProxy):
    """Evenness of the spectrum of the correlations; higher where nodes are further from alike."""

    citation = Citation(
        key="mellor2020",
        kind="misc",
        title="Neural Architecture Search without Training (first version)",
        authors="Mellor, Joseph and Turner, Jack and Storkey, Amos and Crowley, Elliot J.",
        year=2020,
        url="https://arxiv.org/abs/2006.04647v1",
    )

    def measure(self, learner: Learner, task: Task[Any]) -> float:
        graph, nodes = self.nodes(task)
        if "x" not in graph or not graph["x"].is_floating_point():
            raise IncompatibleError(
                f"{task.dataset.name} has no numbers on its nodes that {self.name} could take gradients in",
                hint="naswot and grad-sign need none",
            )
        batch = graph.clone()
        batch["x"] = graph["x"].detach().clone().requires_grad_()
        (jacobians,) = gradients(learner.model(batch).sum(), [batch["x"]])
        return evenness(correlations(jacobians[nodes].double()))


def correlations(rows: Tensor) -> Tensor:
    """Pearson's, `[n, n]` of n rows; a row that is constant has none, and 0 in their place."""
    centred = rows - rows.mean(dim=1, keepdim=True)
    size = centred.norm(dim=1, keepdim=True)
    unit = torch.where(size > 0, centred / size, 0.0)
    return unit @ unit.T


def evenness(matrix: Tensor) -> float:
    shifted = torch.linalg.eigvalsh(matrix).clamp_min(0) + K
    return -float((shifted.log() + 1 / shifted).sum())
