"""The hierarchy of node-based subgraph GNNs. Zhang et al., ICML 2023, table 1, with the recipe of appendix G.

With bonds the networks are the published ones to 1e-12. Without them two things differ: the first layer sums h where
the code published with it sums relu(h), and where nodes carry nothing the input has one learned vector more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from graphlab.core.citation import Citation
from graphlab.model.base import Preset
from graphlab.model.subgraph.network import SubgraphConfig, SubgraphNetwork


class Config(SubgraphConfig):
    """As `SubgraphConfig`."""


WITH_RESISTANCE = {"SWL(VS)": "PSWL(VS)", "SWL(SV)": "PSWL(SV)"}
"""What resistances lift these tests to at most; the stronger ones find them out by themselves."""


class _Hierarchy(SubgraphNetwork):
    test: ClassVar[str]
    citation = Citation(
        key="zhang2023swl",
        title="A Complete Expressiveness Hierarchy for Subgraph GNNs via Subgraph Weisfeiler-Lehman Tests",
        authors="Zhang, Bohang and Feng, Guhao and Du, Yiheng and He, Di and Wang, Liwei",
        year=2023,
        url="https://arxiv.org/abs/2302.07090",
        venue="ICML",
    )

    @classmethod
    def expressiveness(cls, config: SubgraphConfig) -> str:
        return WITH_RESISTANCE.get(cls.test, cls.test) if config.policy == "resistance" else cls.test


class SWLVS(_Hierarchy):
    """Messages inside each subgraph, pooled subgraph by subgraph."""

    variant = "swl-vs"
    test = "SWL(VS)"
    aggregations = ("uL",)


class SWLSV(_Hierarchy):
    """Messages inside each subgraph, pooled node by node."""

    variant = "swl-sv"
    test = "SWL(SV)"
    aggregations = ("uL",)
    pooling = "SV"


class PSWLVS(_Hierarchy):
    """And what node v is as its own root."""

    variant = "pswl-vs"
    test = "PSWL(VS)"
    aggregations = ("uL", "vv")


class PSWLSV(_Hierarchy):
    """And what node v is as its own root, pooled node by node."""

    variant = "pswl-sv"
    test = "PSWL(SV)"
    aggregations = ("uL", "vv")
    pooling = "SV"


class GSWL(_Hierarchy):
    """And what all roots see of node v."""

    variant = "gswl"
    test = "GSWL"
    aggregations = ("uL", "vG")


class SSWL(_Hierarchy):
    """Messages inside each subgraph and across the subgraphs of neighbours."""

    variant = "sswl"
    test = "SSWL"
    aggregations = ("uL", "vL")


class SSWLPlus(_Hierarchy):
    """SSWL and what node v is as its own root: as expressive, easier to train."""

    variant = "sswl-plus"
    test = "SSWL"
    aggregations = ("uL", "vL", "vv")


ZINC = Preset(
    source="appendix G, and the logs published with it",
    task={"batch_size": 128, "readout_dims": (192,)},
    training={"epochs": 400, "lr": 0.001, "scheduler": "plateau", "gamma": 0.5, "step_epochs": 20},
)

PRESETS = {
    "zinc": ZINC,
    "zinc/full": replace(ZINC, training={**ZINC.training, "epochs": 500}),
    "graphcount": Preset(
        source="appendix G; targets are divided by their standard deviation over the data set",
        task={"batch_size": 512, "readout_dims": (192,)},
        training={"epochs": 600, "lr": 0.002, "scheduler": "cosine"},
    ),
}
