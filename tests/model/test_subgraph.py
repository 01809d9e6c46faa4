"""The SWL hierarchy's models have the published numbers of parameters, and their recipes fit."""

from __future__ import annotations

import pytest

from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.model.registry import build_model, find_model
from graphlab.task.heads import Readout
from graphlab.task.kinds.graph_prediction import Config

PUBLISHED = {"subgraph/sswl": 273_998, "subgraph/sswl-plus": 386_900}
UNUSED = 1
"""The published readout has an epsilon, which weighs a self term that it does not have."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_of_the_published_recipe(name):
    """The published tables have 32 rows for atoms and 16 for distances, more than there are of either."""
    spec = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Categorical((32,)), edge=Categorical((4,)))
    model = build_model(name, spec, {"max_distance": 14})
    head = Readout(model, 1, hidden=(192,))
    count = sum(parameter.numel() for part in (model, head) for parameter in part.parameters())
    assert count + UNUSED == PUBLISHED[name]


@pytest.mark.parametrize("dataset", ["zinc/12k", "zinc/full", "graphcount/c5"])
def test_a_recipe_is_found_for_its_data(dataset):
    preset = find_model("subgraph/sswl-plus").preset_for(dataset, dataset.partition("/")[0], "graph-prediction")
    assert preset is not None
    epochs = {"zinc/12k": 400, "zinc/full": 500, "graphcount/c5": 600}[dataset]
    assert preset.training["epochs"] == epochs
    assert Config.parse(dict(preset.task), where="task").readout_dims == (192,)
