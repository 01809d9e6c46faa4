"""Published networks as packs of arrays: graphs, weights under the reference's names, outputs. They lie beside the raw
data sets, so that what reads them is marked `real_data`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.model.registry import find_model
from graphlab.task.heads import make_head
from graphlab.task.kinds.graph_prediction import Config as GraphPredictionConfig

ATOMS, BONDS = 28, 4
PLACES = {"rtol": 0.0, "atol": 1e-9}

MOLECULES = DataSpec(
    "graphs", (Target("y", "graph", "value", 1),), node=Categorical((ATOMS,)), edge=Categorical((BONDS,))
)
"""What the packs' graphs with atoms and bonds carry."""

Rules = Mapping[str, str]
"""By the start of a name of ours, that of the reference."""


def graph(arrays: Mapping[str, np.ndarray], name: str) -> Data:
    """A graph of `graphs.npz`; those without features have neither atoms nor bonds."""
    parts = {
        key: torch.from_numpy(arrays[f"{name}/{key}"])
        for key in ("edge_index", "atom", "bond")
        if f"{name}/{key}" in arrays
    }
    if "atom" not in parts:
        return Data(edge_index=parts["edge_index"], num_nodes=int(arrays[f"{name}/num_nodes"]))
    return Data(x=parts["atom"][:, None], edge_index=parts["edge_index"], edge_attr=parts["bond"][:, None])


class Published:
    """A model of ours with the weights of a pack.

    Args:
        arrays: Of the pack.
        graphs: Of `graphs.npz`.
        name, settings: Of our model.
        rules: From our names to the reference's; the longest start that fits is taken.
        head: Settings of the head: pooling, hidden, norm, activation.
        spec: Of the graphs.
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        graphs: Mapping[str, np.ndarray],
        name: str,
        settings: Mapping[str, Any],
        rules: Rules,
        head: Mapping[str, Any],
        spec: DataSpec = MOLECULES,
    ) -> None:
        self.arrays, self.graphs = arrays, graphs
        entry = find_model(name)
        config = entry.config.parse(settings, where=name)
        model = entry.build(spec, config)
        self.policy = model.preparation(config)
        self.learner = nn.ModuleDict({"model": model, "head": make_head(model, spec, **head)}).double()
        self.unused = load(self.learner, arrays, rules)

    def outputs(self, names: Iterable[str]) -> Tensor:
        """Of graphs together in one batch, `[graphs, outputs]`."""
        batch = self.batch(names)
        with torch.no_grad():
            return self.learner["head"](self.learner["model"](batch), batch)

    def batch(self, names: Iterable[str]) -> Batch:
        """Graphs as the model takes them."""
        graphs = [graph(self.graphs, name) for name in names]
        return Batch.from_data_list(self.policy.prepare(graphs) if self.policy else graphs)

    def names(self) -> list[str]:
        """Of the graphs of which the pack has outputs."""
        return [key.removeprefix("out/") for key in self.arrays if key.startswith("out/")]

    def check(self, names: Iterable[str]) -> None:
        """That outputs in evaluation are the pack's, one graph at a time and all together."""
        names = list(names)
        self.learner.eval()
        expected = torch.stack([torch.from_numpy(self.arrays[f"out/{name}"]) for name in names])
        alone = torch.cat([self.outputs([name]) for name in names])
        torch.testing.assert_close(alone, expected, **PLACES)
        torch.testing.assert_close(self.outputs(names), expected, **PLACES)

    def check_training(self, names: Iterable[str]) -> None:
        """That the outputs of one batch in training are the pack's."""
        self.learner.train()
        expected = torch.from_numpy(self.arrays["train_out"]).view(-1, 1)
        torch.testing.assert_close(self.outputs(names), expected, **PLACES)


def load(learner: nn.Module, arrays: Mapping[str, np.ndarray], rules: Rules) -> set[str]:
    """Give every parameter and buffer the reference's; the names of those of the reference that are left."""
    weights = {key.removeprefix("weight/"): values for key, values in arrays.items() if key.startswith("weight/")}
    used: set[str] = set()
    with torch.no_grad():
        for name, tensor in learner.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            theirs = translated(name, rules)
            values = torch.from_numpy(weights[theirs])
            if ".table" in name and tensor.dim() == 2:
                tensor[: len(values)] = values[: len(tensor)]  # either may have rows for more kinds
            else:
                tensor.copy_(values.view_as(tensor))
            used.add(theirs)
    return weights.keys() - used


def num_parameters_of_preset(name: str, preset: str, spec: DataSpec = MOLECULES) -> int:
    """Of the model and the head of a recipe."""
    entry = find_model(name)
    recipe = entry.presets[preset]
    model = entry.build(spec, entry.config.parse(dict(recipe.model), where=name))
    task = GraphPredictionConfig.parse(dict(recipe.task), where=preset)
    head = make_head(model, spec, task.pooling, task.readout_dims, task.readout_norm, task.readout_activation)
    return sum(parameter.numel() for part in (model, head) for parameter in part.parameters())


def translated(name: str, rules: Rules) -> str:
    """A name of ours as the reference has it."""
    start = max((start for start in rules if name.startswith(start)), key=len, default=None)
    assert start is not None, f"no rule says what {name} is there"
    return rules[start] + name.removeprefix(start)
