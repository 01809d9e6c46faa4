"""The compiled layer is the layer that its modules are, with its running moments."""

from __future__ import annotations

import copy

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Categorical
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.layer import Layer
from graphlab.model.subgraph.policies import Distance
from graphlab.ops.compiled import MAX_WIDTH
from graphlab.ops.tuple_layer import tuple_layer

EDGES = Categorical((3,))


def batch_of_graphs() -> Data:
    rng = SeedStream(0).torch()
    graphs = []
    for n in (5, 7, 6):
        upper = torch.triu(torch.rand(n, n, generator=rng) < 0.4, diagonal=1)
        edge_index = (upper | upper.T).nonzero().T.contiguous()
        kinds = torch.randint(3, (edge_index.size(1), 1), generator=rng)
        graphs.append(Data(edge_index=edge_index, edge_attr=kinds, num_nodes=n))
    return Batch.from_data_list(list(Distance(3).prepare(graphs)))  # pyright: ignore[reportReturnType]


def test_the_compiled_layer_is_the_layer_of_modules():
    batch = batch_of_graphs()
    tuples = Distance(3).tuples(batch, edge_kinds(batch, EDGES))
    torch.manual_seed(0)
    compiled = Layer(("uL", "vL", "vv"), 8, EDGES).double()
    plain = copy.deepcopy(compiled)
    h = torch.randn(tuples.num_tuples, 8, dtype=torch.float64)
    for _ in range(2):
        out = compiled(tuples, h, batch)
        expected = plain.norm(sum(branch(tuples, h, batch) for branch in plain.branches)).relu()
        torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)
    out.square().sum().backward()
    expected.square().sum().backward()
    for (name, one), other in zip(compiled.named_parameters(), plain.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None, name
        torch.testing.assert_close(
            one.grad, other.grad, rtol=1e-7, atol=1e-7, msg=lambda said, name=name: f"{name}: {said}"
        )
    for (name, one), other in zip(compiled.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
    compiled.eval()
    plain.eval()
    torch.testing.assert_close(compiled(tuples, h, batch), plain(tuples, h, batch))


def test_a_width_that_compiled_loops_have_no_room_for():
    batch = batch_of_graphs()
    tuples = Distance(3).tuples(batch, None)
    wide = Layer(("vv",), MAX_WIDTH + 1, None)
    h = torch.randn(tuples.num_tuples, MAX_WIDTH + 1)
    assert wide(tuples, h, batch).shape == h.shape
    with pytest.raises(InputError, match="columns"):
        tuple_layer(h, [wide.branches[0].parts(tuples, h, batch)], wide.norm.weight, wide.norm.bias, wide.norm.eps)
