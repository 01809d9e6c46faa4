"""Pairs of graphs that classes of the hierarchy cannot tell apart, all small, and what a model makes of them."""

from __future__ import annotations

from functools import cache

import networkx as nx
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from graphlab.core.seeds import SeedStream
from graphlab.data.generators.cfi import cfi_pair
from graphlab.data.generators.strongly_regular import rook, shrikhande
from graphlab.data.graph6 import decode, plain_graph
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model
from graphlab.model.initialisation import draw_zeros
from graphlab.model.registry import find_model

SPEC = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(1))

ALIKE = {
    "1-WL": ("Bw", "Cl", "Dlc", "E{CW"),
    "SPD-WL": ("Djs", "EhNG"),
    "SWL(VS)": ("E{CW", "EhNG", "G?opuG"),
    "PSWL(VS)": ("EhNG", "F`NBW", "G?opuG"),
    "SWL(SV)": ("EhNG", "G?opuG", "GCOetg"),
    "PSWL(SV)": ("EhNG", "G?opuG"),
    "GSWL": ("EhNG", "EyuG", "G?opuG"),
    "SSWL": ("EyuG", "HCQREOq"),
    "LFWL(2)": ("G?opuG",),
    "SLFWL(2)": ("H?BcroE",),
    "FWL(2)": ("C~", "rook"),
    "FWL(3)": ("D~{",),
}
"""By test, base graphs whose CFI pairs it cannot tell apart; `rook` is the rook's graph and Shrikhande's.

Zhang et al., ICML 2023, appendix on Fuerer graphs; for FWL(k), k below the base's treewidth, Cai et al., 1992.
"""

APART = {
    "SPD-WL": "Bw",
    "SWL(VS)": "Djs",
    "PSWL(VS)": "E{CW",
    "SWL(SV)": "E{CW",
    "PSWL(SV)": "F`NBW",
    "GSWL": "F`NBW",
    "SSWL": "EhNG",
    "LFWL(2)": "EyuG",
    "SLFWL(2)": "EyuG",
    "FWL(2)": "EyuG",
}
"""One that the test does tell apart, and weaker ones do not."""


@cache
def pair(base: str) -> tuple[Data, Data]:
    if base == "rook":
        first, second = rook(4), shrikhande()
    else:
        first, second = cfi_pair(nx.from_numpy_array(decode(base.encode())))
    return plain_graph(first), plain_graph(second)


def distance(name: str, settings: dict, base: str, seed: int = 0) -> float:
    """How far a model with random weights puts the two graphs of a pair, as the largest difference between the sums
    of their rows, of the squares and of the cubes, relative to their size."""
    first, second = (rows.double() for rows in _rows(name, settings, pair(base), seed))
    return float(((first - second).abs() / (1e-3 + first.abs())).max())


def _rows(name: str, settings: dict, graphs: tuple[Data, Data], seed: int) -> tuple[Tensor, Tensor]:
    model, batch = prepared(name, settings, graphs, SPEC, seed)
    with torch.no_grad():
        rows = model(batch)
    graph = model.row_graph(batch)
    powers = torch.cat([rows, rows**2, rows**3], dim=1)
    return powers[graph == 0].sum(0), powers[graph == 1].sum(0)


def prepared(name: str, settings: dict, graphs, spec: DataSpec, seed: int = 0) -> tuple[Model, Data]:
    """A model with random weights in float64 and evaluation mode, its normalisations having seen the graphs once, so
    that few units are dead; and the graphs as it wants them, batched."""
    entry = find_model(name)
    config = entry.config.parse(settings, where=name)
    SeedStream(seed).seed_torch()
    model = entry.build(spec, config).double().eval()
    draw_zeros(model)
    preparation = entry.cls.preparation(config)
    ready = graphs if preparation is None else preparation.prepare(graphs)
    batch = in_double(Batch.from_data_list([graph.clone() for graph in ready]))
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)]
    with torch.no_grad():
        for key, values in model.named_parameters():
            if key.endswith("eps"):
                values.normal_(0, 0.3)
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0, 0.3)
            norm.momentum = 1.0
            norm.train()
        if norms:
            model(batch)
    for norm in norms:
        norm.eval()
        norm.running_var.clamp_(min=1e-2)
    return model, batch


def in_double(batch):
    return batch.apply(lambda values: values.double() if values.dtype == torch.float32 else values)


def check_class(name: str, settings: dict, seed: int = 0) -> None:
    """The model tells no pair apart that its class cannot."""
    entry = find_model(name)
    for base in ALIKE[entry.cls.expressiveness(entry.config.parse(settings, where=name))]:
        found = distance(name, settings, base, seed)
        assert found < 1e-9, f"{name} tells the pair of {base} apart by {found}"


def check_sees(name: str, settings: dict, base: str) -> None:
    """The model tells a pair apart, with one of three draws of weights."""
    found = max(distance(name, settings, base, seed) for seed in range(3))
    assert found > 1e-7, f"{name} puts the pair of {base} no farther apart than {found}"
