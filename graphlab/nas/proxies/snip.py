"""How much the loss depends on there being each weight. Lee et al., ICLR 2019, equation 4, summed.

    sum over weights w of |w dL/dw|

which is the loss's derivative in a mask on w, at one. Every trained number has a mask, whatever layer owns it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.nas.proxies import TensorProxy, loss_gradients
from graphlab.task.base import Learner, Task


class Snip(TensorProxy):
    """Connection sensitivities, summed over all weights; larger is taken for better."""

    citation = Citation(
        key="lee2019",
        title="SNIP: Single-shot Network Pruning based on Connection Sensitivity",
        authors="Lee, Namhoon and Ajanthan, Thalaiyasingam and Torr, Philip H. S.",
        venue="ICLR",
        year=2019,
        url="https://arxiv.org/abs/1810.02340",
    )

    def terms(self, learner: Learner, task: Task[Any]) -> list[Tensor]:
        return [(weight * grad).abs().sum() for weight, grad in loss_gradients(learner, task)]
