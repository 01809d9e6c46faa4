"""Whole models of the SWL family against loops, and what they cannot tell apart."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.spec import DataSpec, Target
from graphlab.model.base import ModelConfig
from graphlab.model.registry import build_model
from graphlab.model.subgraph import policies
from graphlab.model.subgraph.network import SubgraphConfig, SubgraphNetwork
from graphlab.model.zoo.subgraph import GSWL, PSWLSV, PSWLVS, SSWL, SWLSV, SWLVS, Config, SSWLPlus
from tests.model.hard_pairs import APART, check_class, check_sees, in_double, prepared
from tests.model.subgraph.loops import PLAIN, SPEC, each, heard, random_graph, subgraphs, to_networkx, total, tuples_of

FAMILY = [SWLVS, SWLSV, PSWLVS, PSWLSV, GSWL, SSWL, SSWLPlus]
SMALL = {"hidden_dim": 8, "num_layers": 2}
GRAPHS = [random_graph(seed, size) for seed, size in enumerate((6, 4, 7))]


def name_of(cls):
    return f"subgraph/{cls.variant}"


def branch(module, h, sources):
    """MLP((1 + eps) h + sum of what is heard)."""
    out = {}
    for key, row in h.items():
        sent = []
        for source, kind in sources(key):
            bond = 0 if module.table is None else module.table.map.tables[0].weight[kind]
            sent.append((h[source] + bond).relu() if module.table is not None else h[source])
        out[key] = (1 + module.eps) * row + total(sent, row)
    return each(lambda row: module.second(module.norm(module.first(row)).relu()), out)


def by_loops(model, data, label):
    """A graph's rows."""
    whole = to_networkx(data)
    parts = subgraphs("whole", whole)
    h = {
        (u, v): model.start.node.map(data.x[v]) + model.start.label.tables[0].weight[label[u, v]]
        for u, v in tuples_of(parts)
    }
    for layer in model.layers:
        after = [branch(one, h, lambda key, name=one.name: heard(name, parts, whole, *key)) for one in layer.branches]
        h = each(lambda row, layer=layer: layer.norm(row).relu(), {key: sum(rows[key] for rows in after) for key in h})
    side = 0 if model.readout.pooling == "VS" else 1
    pooled = {v: total([row for key, row in h.items() if key[side] == v], h[0, 0]) for v in whole}
    out = each(lambda row: model.readout.norm(model.readout.mlp(row)).relu(), pooled)
    return torch.stack([out[v] for v in whole])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
@pytest.mark.parametrize("cls", FAMILY, ids=lambda cls: cls.variant)
def test_a_model_is_its_definition(cls, spec):
    with torch.no_grad():
        model, batch = prepared(name_of(cls), {**SMALL, "max_distance": 2}, GRAPHS, spec)
        n = [int(graph.num_nodes) for graph in GRAPHS]
        labels = [policies.Distance(2)(g)["tuple_label"].view(k, k).long() for g, k in zip(GRAPHS, n, strict=True)]
        expected = torch.cat([by_loops(model, g, label) for g, label in zip(GRAPHS, labels, strict=True)])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pooling", ["VS", "SV"])
def test_layers_with_sets_of_their_own_are_their_definition(pooling):
    sets = (("vL", "uu"), ("uv", "vu", "vG"), ("uG", "uL"))
    settings = {"hidden_dim": 8, "num_layers": 3, "max_distance": 2, "aggregations": sets, "pooling": pooling}
    with torch.no_grad():
        model, batch = prepared("subgraph-algebra", settings, GRAPHS, SPEC)
        n = [int(graph.num_nodes) for graph in GRAPHS]
        labels = [policies.Distance(2)(g)["tuple_label"].view(k, k).long() for g, k in zip(GRAPHS, n, strict=True)]
        expected = torch.cat([by_loops(model, g, label) for g, label in zip(GRAPHS, labels, strict=True)])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"aggregations": ()}, "aggregations"),
        ({"aggregations": ((),)}, "aggregations"),
        ({"aggregations": (("uL", "uL"),)}, "each aggregation once"),
        ({"aggregations": (("uL",), ("vL",)), "num_layers": 3}, "3 layers"),
        ({"aggregations": (("uX",),)}, "aggregations"),
        ({"pooling": "flat"}, "pooling"),
    ],
)
def test_sets_that_are_no_layers_are_refused(wrong, said):
    with pytest.raises(ConfigError) as caught:
        build_model("subgraph-algebra", SPEC, wrong)
    assert said in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("cls", FAMILY, ids=lambda cls: cls.variant)
def test_what_batch_a_graph_is_in_does_not_matter(cls):
    model, batch = prepared(name_of(cls), SMALL, GRAPHS, SPEC)
    with torch.no_grad():
        ready = [policies.Distance().prepare([graph]) for graph in GRAPHS]
        alone = [model(in_double(Batch.from_data_list(one))) for one in ready]
        torch.testing.assert_close(model(batch), torch.cat(alone), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("policy", ["distance", "node-marked", "resistance"])
@pytest.mark.parametrize("cls", FAMILY, ids=lambda cls: cls.variant)
def test_the_class_of_a_model_bounds_it(cls, policy):
    settings = {"hidden_dim": 8, "num_layers": 4, "policy": policy}
    check_class(name_of(cls), settings)


@pytest.mark.parametrize("cls", FAMILY, ids=lambda cls: cls.variant)
def test_a_model_tells_apart_what_weaker_ones_cannot(cls):
    check_sees(name_of(cls), {"hidden_dim": 16, "num_layers": 4}, APART[cls.test])


def test_the_classes_of_the_hierarchy_are_named():
    assert {cls.variant: cls.expressiveness(Config()) for cls in FAMILY} == {
        "swl-vs": "SWL(VS)",
        "swl-sv": "SWL(SV)",
        "pswl-vs": "PSWL(VS)",
        "pswl-sv": "PSWL(SV)",
        "gswl": "GSWL",
        "sswl": "SSWL",
        "sswl-plus": "SSWL",
    }


def test_aggregations_that_need_roots_refuse_subgraphs_without_them():
    class Deleted(SubgraphNetwork):
        aggregations = ("uL", "vv")

        @classmethod
        def preparation(cls, config: ModelConfig):
            return policies.NodeDeleted()

    with pytest.raises(IncompatibleError, match="vv needs roots"):
        Deleted(SubgraphConfig(), DataSpec("graphs", (Target("y", "graph", "class", 1),)))
