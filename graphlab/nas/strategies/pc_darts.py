"""PC-DARTS: DARTS in which a part of the channels alone is mixed. Xu et al., ICLR 2020.

One channel in `partial` goes through the options, the others past them, so that options without weights have no
advantage at first, and a step costs less. The mixture rests while the weights warm up. What the paper calls edge
normalisation, a softmax of its own over what a node may read which is multiplied in, is what a decision about links is
in any supernet.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.core.config import PositiveFloat, PositiveInt
from graphlab.nas.strategies.darts import DARTS
from graphlab.nas.strategies.darts import Config as DARTSConfig


class Config(DARTSConfig):
    """partial  one in so many channels is mixed; 4 on CIFAR-10, section 4.2, as the warm-up is: 15 epochs of 50
    lr       twice that of DARTS, as published
    """

    partial: PositiveInt = 4
    lr: PositiveFloat = 0.04
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.3


class PCDARTS(DARTS):
    """The likeliest architectures of a mixture that was learned on a part of the channels."""

    Config = Config
    citation = Citation(
        key="xu2020",
        title="PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search",
        authors=(
            "Xu, Yuhui and Xie, Lingxi and Zhang, Xiaopeng and Chen, Xin and Qi, Guo-Jun and Tian, Qi and "
            "Xiong, Hongkai"
        ),
        venue="ICLR",
        year=2020,
        url="https://arxiv.org/abs/1907.05737",
    )

    @property
    def partial(self) -> int:
        return self.config.partial
