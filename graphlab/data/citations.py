"""Publications that several data sets, or a data set and a network, are of."""

from __future__ import annotations

from graphlab.core.citation import Citation

LIM_2021 = Citation(
    key="lim2021",
    title="Large Scale Learning on Non-Homophilous Graphs: New Benchmarks and Strong Simple Methods",
    authors=(
        "Lim, Derek and Hohne, Felix and Li, Xiuyu and Huang, Sijia Linda and Gupta, Vaishnavi and "
        "Bhalerao, Omkar and Lim, Ser-Nam"
    ),
    venue="NeurIPS",
    year=2021,
    url="https://arxiv.org/abs/2110.14446",
)
