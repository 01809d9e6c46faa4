"""Atomic aggregations and pooling of both carriers against loops over (u, v) and w."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch

from graphlab.core.seeds import SeedStream
from graphlab.model.subgraph import policies
from graphlab.model.subgraph.aggregation import AGGREGATIONS, LOCAL, ROOTED, aggregate
from graphlab.ops.tuple_spmm import tuple_spmm
from tests.model.subgraph.loops import KINDS, heard, random_graph, subgraphs, to_networkx, total, tuples_of

DIM, HOPS = 3, 2
MESSAGES = ("uL", "vL", "vv", "uu", "vu")
CARRIERS = {
    "whole": policies.NodeMarked(),
    "ego": policies.Ego(messages=MESSAGES, hops=HOPS),
    "node-deleted": policies.NodeDeleted(),
}
EVERY = [(carrier, name) for carrier in CARRIERS for name in AGGREGATIONS if name not in ROOTED or carrier[0] != "n"]


def batch_of(policy, seeds):
    return Batch.from_data_list(policy.prepare([random_graph(seed, 4 + seed % 4) for seed in seeds]))


def states(tuples, seed=0):
    rng = SeedStream(seed, ("states",)).torch()
    return (torch.randn(rows, DIM, generator=rng, dtype=torch.float64) for rows in (tuples.num_tuples, KINDS))


@pytest.mark.parametrize(("carrier", "name"), EVERY)
@pytest.mark.parametrize("seed", range(4))
def test_aggregations(carrier, name, seed):
    policy, seeds = CARRIERS[carrier], (seed, seed + 1, seed + 2)
    batch = batch_of(policy, seeds)
    tuples = policy.tuples(batch, batch["edge_attr"].flatten())
    h, table = states(tuples)
    weight = torch.tensor(1.3, dtype=torch.float64)
    expected, row = [], 0
    for which in seeds:
        whole = to_networkx(random_graph(which, 4 + which % 4))
        parts = subgraphs(carrier, whole, HOPS)
        own = sorted(tuples_of(parts))
        state = {key: h[row + i] for i, key in enumerate(own)}
        for r, v in own:
            sent = [
                (state[source] + table[kind]).relu() if name in LOCAL else state[source]
                for source, kind in heard(name, parts, whole, r, v)
            ]
            expected.append((total(sent, h[0]) + weight * state[r, v]) if name != "uv" else 2.3 * state[r, v])
        row += len(own)
    found = aggregate(name, tuples, h, table, weight)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_pooling(carrier):
    policy = CARRIERS[carrier]
    tuples = policy.tuples(batch_of(policy, (1, 2)), None)
    h, _ = states(tuples)
    of_root, of_node = torch.zeros(tuples.num_roots, DIM).double(), torch.zeros(tuples.num_nodes, DIM).double()
    for row, (r, v) in enumerate(zip(tuples.root.tolist(), tuples.node.tolist(), strict=True)):
        of_root[r] += h[row]
        of_node[v] += h[row]
    torch.testing.assert_close(tuple_spmm(tuples.of_root, h), of_root)
    torch.testing.assert_close(tuple_spmm(tuples.of_node, h), of_node)


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_an_ego_policy_with_enough_hops_is_all_pairs_of_a_connected_graph(name):
    graphs = [g for seed in range(9) if len(subgraphs("ego", to_networkx(g := random_graph(seed)), 9)[0].graph) == 7]
    assert len(graphs) > 2
    found = []
    for policy in (policies.NodeMarked(), policies.EgoMarked(messages=MESSAGES, hops=9)):
        batch = Batch.from_data_list(policy.prepare(graphs))
        tuples = policy.tuples(batch, batch["edge_attr"].flatten())
        h, table = states(tuples)
        found.append(
            (tuples.root, tuples.node, tuples.root_node, batch["tuple_label"], aggregate(name, tuples, h, table))
        )
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
