"""How many nodes the activations tell apart. Mellor et al., ICML 2021, equations 1 and 2.

    log |K_H|, K_H[i, j] = N_A - d_H(c_i, c_j)

c_i is the code of node i: of each of N_A activations, whether its input is above 0; d_H counts where codes differ.
Nodes are the training nodes, on the whole graph. The paper has ReLUs; here any activation that PyTorch's own operations
apply to one row a node counts, and those of edges, as in attention, do not. Eigenvalues that float64 cannot tell from
0 count as the least it can, so that codes which are equal make the value low and not infinite.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from graphlab.core.citation import Citation
from graphlab.nas.proxies import NodeProxy
from graphlab.task.base import Learner, Task

_ATEN = torch.ops.aten
ACTIVATIONS = frozenset(
    (
        *(_ATEN.relu, _ATEN.leaky_relu, _ATEN.elu, _ATEN.gelu, _ATEN.silu, _ATEN.hardtanh, _ATEN.hardswish),
        *(_ATEN.sigmoid, _ATEN.tanh, _ATEN.softplus, _ATEN.mish, _ATEN.log_sigmoid_forward),
        *(_ATEN.relu_, _ATEN.leaky_relu_, _ATEN.elu_, _ATEN.silu_, _ATEN.hardtanh_, _ATEN.sigmoid_, _ATEN.tanh_),
    )
)


class Naswot(NodeProxy):
    """The log-determinant of agreements of activation codes; larger where nodes are told apart better."""

    citation = Citation(
        key="mellor2021",
        title="Neural Architecture Search without Training",
        authors="Mellor, Joseph and Turner, Jack and Storkey, Amos and Crowley, Elliot J.",
        venue="ICML",
        year=2021,
        url="https://arxiv.org/abs/2006.04647",
    )

    def measure(self, learner: Learner, task: Task[Any]) -> float:
        graph, nodes = self.nodes(task)
        with torch.no_grad(), _Codes(nodes, int(graph.num_nodes or 0)) as codes:
            learner.model(graph)
        return log_determinant(codes.agreements)


class _Codes(TorchDispatchMode):
    """Sums up where the signs of two nodes agree, over every activation that is applied meanwhile."""

    def __init__(self, nodes: Tensor, num_nodes: int) -> None:
        super().__init__()
        self._nodes, self._num_nodes = nodes, num_nodes
        self.agreements = torch.zeros(len(nodes), len(nodes), dtype=torch.float64, device=nodes.device)

    def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        if function.overloadpacket in ACTIVATIONS and self._is_of_nodes(given[0]):
            above = (given[0][self._nodes] > 0).flatten(1).to(self.agreements.dtype)
            below = 1 - above
            self.agreements += above @ above.T + below @ below.T
        return function(*given, **(named or {}))

    def _is_of_nodes(self, x: Tensor) -> bool:
        return x.dim() > 1 and x.size(0) == self._num_nodes


def log_determinant(matrix: Tensor) -> float:
    """Of a positive semi-definite matrix `[n, n]`."""
    eigenvalues = torch.linalg.eigvalsh(matrix)
    least = torch.finfo(matrix.dtype).eps * len(matrix) * eigenvalues.max().clamp_min(1.0)
    return float(eigenvalues.maximum(least).log().sum())
