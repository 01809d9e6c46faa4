"""Sizes of the first gradient. Abdelfattah et al., ICLR 2021, section 3.1.

    sum over weight tensors W of ||dL/dW||_2

with L the task's loss on one batch, the training nodes of a graph. The published code asks layers of convolutional
networks for their kernels; here it is every trained tensor, biases and attention vectors among them.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.nas.proxies import TensorProxy, loss_gradients
from graphlab.task.base import Learner, Task


class GradNorm(TensorProxy):
    """The norms of the loss's gradients, summed over weight tensors; larger is taken for better."""

    citation = Citation(
        key="abdelfattah2021",
        title="Zero-Cost Proxies for Lightweight NAS",
        authors="Abdelfattah, Mohamed S. and Mehrotra, Abhinav and Dudziak, Łukasz and Lane, Nicholas D.",
        venue="ICLR",
        year=2021,
        url="https://arxiv.org/abs/2101.08134",
    )

    def terms(self, learner: Learner, task: Task[Any]) -> list[Tensor]:
        return [grad.norm() for _, grad in loss_gradients(learner, task)]
