"""The number of trainable parameters: what a proxy must beat. Krishnakumar et al., NeurIPS 2022, section 3."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.nas.proxies import TensorProxy, trainable
from graphlab.task.base import Learner, Task


class Parameters(TensorProxy):
    """How many numbers are trained; more is taken for better."""

    citation = Citation(
        key="krishnakumar2022",
        title="NAS-Bench-Suite-Zero: Accelerating Research on Zero Cost Proxies",
        authors=(
            "Krishnakumar, Arjun and White, Colin and Zela, Arber and Tu, Renbo and Safari, Mahmoud and Hutter, Frank"
        ),
        venue="NeurIPS datasets and benchmarks",
        year=2022,
        url="https://arxiv.org/abs/2210.03230",
    )

    def terms(self, learner: Learner, task: Task[Any]) -> list[Tensor]:
        return [torch.tensor(weight.numel()) for weight in trainable(learner)]
