"""Whether nodes agree on where each weight should go. Zhang and Jia, ICLR 2022, section 4 (GradSign).

    sum over weights w of |sum over examples i of sign(dl_i / dw)|

l_i is the loss of training node i on the whole graph, whose mean over i is the task's loss: its gradient in the outputs
of node i is read off that loss, and put back from there one node at a time. Of more than MOST_NODES training nodes as
many are taken, evenly spaced in the split's order, since each costs a pass. A gradient that may be nothing but rounding
has no sign: it is 0 in theory of what a softmax or a batch norm takes out again, as a receiver's part in attention.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.nas.proxies import NodeProxy, gradients, trainable
from graphlab.task.base import Learner, Task

MOST_NODES = 32

ROUNDING = 1e-6
"""Share of a node's largest gradient from which another one has a sign."""


class GradSign(NodeProxy):
    """Weights times the agreement of nodes' gradients on their signs; larger is taken for better."""

    citation = Citation(
        key="zhang2022gradsign",
        title="GradSign: Model Performance Inference with Theoretical Insights",
        authors="Zhang, Zhihao and Jia, Zhihao",
        venue="ICLR",
        year=2022,
        url="https://arxiv.org/abs/2110.08616",
    )

    def measure(self, learner: Learner, task: Task[Any]) -> float:
        graph, nodes = self.nodes(task)
        weights = trainable(learner)
        rows: list[Tensor] = []
        with learner.model.register_forward_hook(lambda *seen: rows.append(seen[2])):
            loss = task.loss(learner, graph)
        (out,) = rows
        (back,) = gradients(loss, [out], keep=True)
        signs = [torch.zeros_like(weight) for weight in weights]
        for node in _spread(nodes).tolist():
            of_node = torch.zeros_like(back)
            of_node[node] = back[node]
            grads = gradients(out, weights, of_node, keep=True)
            least = ROUNDING * max((float(grad.abs().max()) for grad in grads), default=0.0)
            for total, grad in zip(signs, grads, strict=True):
                total += torch.where(grad.abs() > least, grad.sign(), 0.0)
        return float(sum(total.abs().sum(dtype=torch.float64) for total in signs))


def _spread(nodes: Tensor) -> Tensor:
    if len(nodes) <= MOST_NODES:
        return nodes
    return nodes[torch.arange(MOST_NODES, device=nodes.device) * len(nodes) // MOST_NODES]
