"""Baselines of heterophilous graphs against PyG's layers with the same weights, and against dense algebra."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import APPNP, LINKX, GATConv, GCN2Conv, GraphConv, SAGEConv, SGConv

from graphlab.core.config import Config
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.load import load
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.experiment.plan import make_plan
from graphlab.experiment.restore import restore
from graphlab.experiment.run import run
from graphlab.model.base import Model
from graphlab.model.normalised import normalised, with_dropout
from graphlab.model.registry import build_model, find_model
from graphlab.model.zoo.gprgnn import initial_weights
from graphlab.testing.model_outputs import check_permutation

SPEC = DataSpec("nodes", (Target("y", "node", "class", 3),), node=Continuous(24))
NODES = 30


def graph(sparse: bool = False, weighted: bool = False, undirected: bool = False) -> Data:
    """Edges of a direction unless undirected, some listed twice, with loops, and nodes without any; float64."""
    random = torch.Generator().manual_seed(0)
    x = torch.rand(NODES, 24, generator=random, dtype=torch.float64) - 0.3
    x = x * (torch.rand(NODES, 24, generator=random) < 0.1) if sparse else x
    edge_index = torch.randint(NODES - 4, (2, 90), generator=random)
    weight = torch.rand(90, generator=random, dtype=torch.float64) + 0.1
    if undirected:
        edge_index, weight = torch.cat([edge_index, edge_index.flip(0)], dim=1), weight.repeat(2)
    data = Data(x=x, edge_index=edge_index, num_nodes=NODES)
    if weighted:
        data.edge_weight = weight
    return data


def built(name: str, spec: DataSpec = SPEC, **settings) -> Model:
    """In float64, its parameters other than their initial zeros and ones, without dropout."""
    torch.manual_seed(0)
    model = build_model(name, spec, settings).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return model


def close(ours: Tensor, theirs: Tensor, tolerance: float = 1e-10) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


def same_with_gradients(model: Model, ours: Tensor, theirs: Tensor) -> None:
    """Outputs, and gradients of all parameters."""
    close(ours, theirs)
    direction = torch.linspace(-1, 1, ours.numel(), dtype=ours.dtype).view_as(ours)
    parameters = list(model.parameters())
    first, second = (torch.autograd.grad((rows * direction).sum(), parameters) for rows in (ours, theirs))
    for mine, other in zip(first, second, strict=True):
        close(mine, other, 1e-9)


def adjacency(data: Data) -> Tensor:
    """A[v, u], what edges u -> v weigh together."""
    weight = data.get("edge_weight")
    value = torch.ones(data.num_edges, dtype=torch.float64) if weight is None else weight
    return torch.zeros(NODES, NODES, dtype=torch.float64).index_put((*data.edge_index.flip(0),), value, accumulate=True)


GRAPHS = pytest.mark.parametrize(("sparse", "weighted"), [(False, False), (True, False), (False, True), (True, True)])


@GRAPHS
def test_appnp_is_that_of_pyg(sparse, weighted):
    data, model = graph(sparse, weighted), built("appnp", num_steps=4, alpha=0.3)
    predicted = model.second(model.first(data.x).relu())
    theirs = APPNP(4, 0.3)(predicted, data.edge_index, data.get("edge_weight"))
    same_with_gradients(model, model(data), theirs)


@GRAPHS
def test_gcnii_has_the_layers_of_pyg(sparse, weighted):
    settings = {"num_layers": 3, "hidden_dim": 8, "alpha": 0.2, "identity": 0.7}
    data, model = graph(sparse, weighted), built("gcnii", **settings)
    initial = rows = model.first(data.x).relu()
    for depth, conv in enumerate(model.convs, start=1):
        layer = GCN2Conv(8, alpha=0.2, theta=0.7, layer=depth).double()
        del layer.weight1
        layer.weight1 = conv.weight.T
        rows = layer(rows, initial, data.edge_index, data.get("edge_weight")).relu()
    same_with_gradients(model, model(data), model.last(rows))


@GRAPHS
def test_gprgnn_is_a_polynomial_of_the_operator(sparse, weighted):
    data, model = graph(sparse, weighted), built("gprgnn", hops=3)
    operator = with_loops_normalised(data)
    predicted = model.second(model.first(data.x).relu())
    powers = [torch.linalg.matrix_power(operator, k) for k in range(4)]
    theirs = sum(weight * power @ predicted for weight, power in zip(model.of_hops, powers, strict=True))
    same_with_gradients(model, model(data), theirs)


def with_loops_normalised(data: Data) -> Tensor:
    """D^-1/2 (A + I) D^-1/2, D the sums of rows; a node that has loops keeps the last of them, as PyG does."""
    weight = data.get("edge_weight")
    values = torch.ones(data.num_edges) if weight is None else weight
    matrix, loops = adjacency(data), torch.ones(NODES, dtype=torch.float64)
    for (source, target), value in zip(data.edge_index.T.tolist(), values.tolist(), strict=True):
        if source == target:
            loops[source] = value
    whole = matrix - matrix.diag().diag() + loops.diag()
    scale = whole.sum(1) ** -0.5
    return scale[:, None] * whole * scale


def test_gprgnn_starts_from_the_published_weights():
    close(initial_weights("ppr", 3, 0.2), torch.tensor([0.2, 0.16, 0.128, 0.512]), 1e-7)
    close(initial_weights("nppr", 2, 0.5), torch.tensor([4.0, 2.0, 1.0]) / 7, 1e-7)
    close(initial_weights("last", 2, 0.5), torch.tensor([0.0, 0.0, 1.0]))
    drawn = torch.stack([initial_weights("random", 4, 0.5) for _ in range(200)])
    close(drawn.abs().sum(1), torch.ones(200), 1e-6)
    assert (drawn < 0).double().mean().item() == pytest.approx(0.5, abs=0.1)


def test_gprgnn_with_weights_of_pagerank_is_appnp():
    data = graph()
    appnp, gprgnn = built("appnp", num_steps=5, alpha=0.3), built("gprgnn", hops=5, alpha=0.3)
    with torch.no_grad():
        gprgnn.of_hops.copy_(initial_weights("ppr", 5, 0.3))
        for ours, theirs in ((gprgnn.first, appnp.first), (gprgnn.second, appnp.second)):
            ours.weight.copy_(theirs.weight)
            ours.bias.zero_()
    close(gprgnn(data), appnp(data), 1e-6)


def test_dropped_edges_leave_the_mean():
    data = graph()
    block = normalised(data.edge_index, None, NODES, torch.float64, "appnp")
    torch.manual_seed(0)
    drawn = torch.stack([with_dropout(block, 0.5, True).sum(data.x) for _ in range(4000)])
    assert (drawn.mean(0) - block.sum(data.x)).abs().max() < 0.05 < (drawn[0] - block.sum(data.x)).abs().max()
    assert with_dropout(block, 0.5, False) is block


@pytest.mark.parametrize("name", ["appnp", "gcnii", "gprgnn"])
def test_negative_weights_are_refused(name):
    data = graph(weighted=True)
    data.edge_weight[:3] = -1.0
    with pytest.raises(IncompatibleError, match=f"{name} divides by sums of edge weights, and 3 of"):
        built(name)(data)


def groups(name: str, **settings) -> dict[float, int]:
    """The numbers of parameters by weight decay, of the published value 5e-4."""
    counts: dict[float, int] = {}
    for group in built(name, **settings).parameter_groups(5e-4):
        decay = group["weight_decay"]
        counts[decay] = counts.get(decay, 0) + sum(p.numel() for p in group["params"])
    return counts


def test_weight_decay_is_that_of_the_papers():
    assert groups("appnp", hidden_dim=8) == {5e-4: 24 * 8, 0.0: 8 * 3}
    counts = groups("gcnii", hidden_dim=8, num_layers=2)
    assert counts == {20 * 5e-4: 2 * 64, 5e-4: 24 * 8 + 8 + 8 * 3 + 3}
    assert groups("gprgnn", hidden_dim=8, hops=4) == {5e-4: 24 * 8 + 8 + 8 * 3 + 3, 0.0: 5}


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [("appnp", "alpha", 1.0), ("gcnii", "layer_decay", float("inf")), ("gprgnn", "initial", "pagerank")],
)
def test_settings_that_make_no_sense_are_refused(name, setting, value):
    config: type[Config] = find_model(name).config
    with pytest.raises(ConfigError, match=setting):
        config.parse({setting: value}, where=name)


def scaled(matrix: Tensor) -> Tensor:
    """Each entry over the roots of the sums of its row and of its column; 0 for 0."""
    rows, columns = (sums.clamp(min=1) ** -0.5 for sums in (matrix.sum(1), matrix.sum(0)))
    return rows[:, None] * matrix * columns


@pytest.mark.parametrize("undirected", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("rounds", [1, 2])
def test_h2gcn_by_dense_algebra(rounds, sparse, undirected):
    data, model = graph(sparse, undirected=undirected), built("h2gcn", rounds=rounds, hidden_dim=8)
    near = (adjacency(data) > 0).double().fill_diagonal_(0)
    far = ((near @ near > 0) & (near == 0)).double().fill_diagonal_(0)
    rows = [(data.x @ model.first.weight.T).relu()]
    for _ in range(rounds):
        rows.append(torch.cat([scaled(near) @ rows[-1], scaled(far) @ rows[-1]], dim=1))
    same_with_gradients(model, model(data), torch.cat(rows, dim=1) @ model.last.weight.T)


@GRAPHS
def test_sage_sep_has_the_layers_of_pyg(sparse, weighted):
    """Its map of [u | mean] is the pair of maps of a GraphSAGE layer."""
    data, model = graph(sparse, weighted), built("sage-sep", hidden_dim=8, num_layers=2)
    weight = data.get("edge_weight")
    rows = F.gelu(model.first(data.x))
    for norm, feed_forward in zip(model.norms, model.feed_forwards, strict=False):
        of_own, of_mean = feed_forward.first.weight.chunk(2, dim=1)
        layer = (SAGEConv(8, 8) if weight is None else GraphConv(8, 8, aggr="mean")).double()
        neighbours, own = (layer.lin_l, layer.lin_r) if weight is None else (layer.lin_rel, layer.lin_root)
        for linear, value in ((neighbours, of_mean), (own, of_own)):
            del linear.weight
            linear.weight = value
        neighbours.bias = None
        both = layer(norm(rows), data.edge_index, *(() if weight is None else (weight,)))
        rows = rows + feed_forward.second(F.gelu(both + feed_forward.first.bias))
    same_with_gradients(model, model(data), model.last(model.norms[-1](rows)))


@pytest.mark.parametrize("sparse", [False, True])
def test_gat_sep_has_the_layers_of_pyg(sparse):
    """PyG's attention reads a head's own part of z; with a and a' zero on the parts of other heads so does ours."""
    data, model = graph(sparse), built("gat-sep", hidden_dim=8, num_layers=2, heads=4)
    own_part = torch.eye(4, dtype=torch.float64).repeat_interleave(2, dim=1)
    rows = F.gelu(model.first(data.x))
    for norm, messenger, feed_forward in zip(model.norms, model.messengers, model.feed_forwards, strict=False):
        layer = GATConv(8, 2, 4, add_self_loops=False, bias=False).double()
        with torch.no_grad():
            for each in (messenger.source, messenger.target):
                each.weight.mul_(own_part)
            messenger.linear.bias.zero_()  # those of PyG have none
            messenger.source.bias.zero_()
            layer.lin.weight.copy_(messenger.linear.weight)
            layer.att_src.copy_(messenger.source.weight[own_part.bool()].view(1, 4, 2))
            layer.att_dst.copy_(messenger.target.weight[own_part.bool()].view(1, 4, 2))
        z = messenger.linear(norm(rows))
        both = torch.cat([z, layer(norm(rows), data.edge_index)], dim=1)
        rows = rows + feed_forward(both)
    close(model(data), model.last(model.norms[-1](rows)))


@pytest.mark.parametrize("sparse", [False, True])
def test_gat_sep_by_the_formula(sparse):
    """Node by node, with all parameters."""
    data, model = graph(sparse), built("gat-sep", hidden_dim=6, num_layers=2, heads=2)
    rows = F.gelu(model.first(data.x))
    for norm, messenger, feed_forward in zip(model.norms, model.messengers, model.feed_forwards, strict=False):
        z = messenger.linear(norm(rows))
        sent = list(torch.zeros_like(z))
        for node in range(NODES):
            sources = data.edge_index[0, data.edge_index[1] == node]
            if len(sources):
                logits = F.leaky_relu(messenger.source(z[sources]) + messenger.target(z[node]), 0.2)
                shares = logits.softmax(0).repeat_interleave(3, dim=1)
                sent[node] = (shares * z[sources]).sum(0)
        rows = rows + feed_forward(torch.cat([z, torch.stack(sent)], dim=1))
    same_with_gradients(model, model(data), model.last(model.norms[-1](rows)))


def test_heads_divide_the_width():
    with pytest.raises(ConfigError, match="hidden_dim is a multiple of heads, and 20 is none of 8"):
        find_model("gat-sep").config.parse({"hidden_dim": 20}, where="gat-sep")


def passed_on(name: str, data: Data, **settings) -> Data:
    """The graph as a model wants it made ready."""
    entry = find_model(name)
    return entry.cls.preparation(entry.config.parse(settings, where=name)).prepare([data])[0]


def powers_of_loops(data: Data, hops: int) -> list[Tensor]:
    """x, S x, ..., S^hops x of D^-1/2 (A + I) D^-1/2, a loop beside those that are there."""
    whole = adjacency(data) + torch.eye(NODES, dtype=torch.float64)
    scale = whole.sum(1) ** -0.5
    return powers(scale[:, None] * whole * scale, data.x, hops)


def powers(operator: Tensor, x: Tensor, hops: int) -> list[Tensor]:
    rows = [x]
    for _ in range(hops):
        rows.append(operator @ rows[-1])
    return rows


def root_scaled(matrix: Tensor) -> Tensor:
    """As `scaled`, of sums that may be below 1."""
    rows, columns = (torch.where(sums > 0, sums**-0.5, 0) for sums in (matrix.sum(1), matrix.sum(0)))
    return rows[:, None] * matrix * columns


@GRAPHS
@pytest.mark.parametrize("normalize", [True, False])
def test_fsgnn_by_dense_algebra(normalize, sparse, weighted):
    data = graph(sparse, weighted)
    model = built("fsgnn", hops=2, hidden_dim=8, normalize=normalize)
    bare, looped = powers(root_scaled(adjacency(data)), data.x, 2), powers_of_loops(data, 2)
    parts: list[Tensor] = []
    for share, each, rows in zip(
        model.selection.softmax(0), model.maps, [data.x, bare[1], looped[1], bare[2], looped[2]], strict=True
    ):
        mapped = rows @ each.weight.T + each.bias
        parts.append(share * (mapped / mapped.norm(dim=1, keepdim=True) if normalize else mapped))
    theirs = model.read_out(torch.cat(parts, dim=1).relu())
    same_with_gradients(model, model(passed_on("fsgnn", data, hops=2)), theirs)


def test_fsgnn_begins_with_features_that_count_alike():
    shares = build_model("fsgnn", SPEC, {"hops": 3}).selection.softmax(0)
    close(shares, torch.full((7,), 1 / 7), 1e-7)


@GRAPHS
def test_sgc_is_that_of_pyg_where_there_are_no_loops(sparse, weighted):
    data = graph(sparse, weighted)
    kept = data.edge_index[0] != data.edge_index[1]
    for key in ("edge_index", "edge_weight") if weighted else ("edge_index",):
        data[key] = data[key][..., kept]
    model = built("sgc", hops=3)
    theirs = SGConv(24, 3, K=3).double()
    with torch.no_grad():
        theirs.lin.weight.copy_(model.linear.weight)
        theirs.lin.bias.copy_(model.linear.bias)
    close(model(passed_on("sgc", data, hops=3)), theirs(data.x, data.edge_index, data.get("edge_weight")))


@GRAPHS
def test_sign_by_dense_algebra(sparse, weighted):
    data, model = graph(sparse, weighted), built("sign", hops=2, hidden_dim=8)
    rows = [each(rows) for each, rows in zip(model.maps, powers_of_loops(data, 2), strict=True)]
    theirs = model.read_out(torch.cat(rows, dim=1).relu())
    same_with_gradients(model, model(passed_on("sign", data, hops=2)), theirs)


LINKX_SPEC = replace(SPEC, num_nodes=NODES)


@GRAPHS
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("layers", "adjacency_layers", "feature_layers"), [(1, 1, 1), (3, 2, 2)])
def test_linkx_is_that_of_pyg(layers, adjacency_layers, feature_layers, training, sparse, weighted):
    """In training batch normalisation has the statistics of the batch; dropout is 0."""
    settings = {"num_layers": layers, "adjacency_layers": adjacency_layers, "feature_layers": feature_layers}
    data, model = graph(sparse, weighted), built("linkx", LINKX_SPEC, hidden_dim=8, dropout=0.0, **settings)
    theirs = LINKX(NODES, 24, 8, 3, layers, adjacency_layers, feature_layers).double()
    pairs = [(theirs.edge_lin.weight, model.of_nodes), (theirs.edge_lin.bias, model.bias)]
    pairs += [(theirs.cat_lin1.weight, model.both.weight[:, :8]), (theirs.cat_lin2.weight, model.both.weight[:, 8:])]
    pairs += [(theirs.cat_lin1.bias, model.both.bias), (theirs.cat_lin2.bias, torch.zeros(8))]
    mlps = [(theirs.node_mlp, model.of_features), (theirs.final_mlp, model.read_out)]
    if adjacency_layers > 1:
        mlps.append((theirs.edge_mlp, model.of_neighbours))
        pairs += zip(theirs.edge_norm.parameters(), model.norm.parameters(), strict=True)
    for other, ours in mlps:
        pairs += [(a, b) for mine, its in zip(ours.maps, other.lins, strict=True) for a, b in both(its, mine)]
        norms = [norm.module for norm in other.norms if hasattr(norm, "module")]
        pairs += [(a, b) for mine, its in zip(ours.norms, norms, strict=True) for a, b in both(its, mine)]
    assert len({id(other) for other, _ in pairs}) == len(list(theirs.parameters()))
    with torch.no_grad():
        for other, ours in pairs:
            other.copy_(ours)
    theirs.train(training)
    model.train(training)
    ours, other = model(data), theirs(data.x, data.edge_index, data.get("edge_weight"))
    close(ours, other)
    direction = torch.linspace(-1, 1, ours.numel(), dtype=ours.dtype).view_as(ours)
    mine = torch.autograd.grad((ours * direction).sum(), [model.of_nodes, model.of_features.maps[0].weight])
    its = torch.autograd.grad((other * direction).sum(), [theirs.edge_lin.weight, theirs.node_mlp.lins[0].weight])
    for first, second in zip(mine, its, strict=True):
        close(first, second, 1e-9)


def both(theirs: torch.nn.Module, ours: torch.nn.Module) -> list[tuple[Tensor, Tensor]]:
    return [(theirs.weight, ours.weight), (theirs.bias, ours.bias)]


def test_linkx_is_of_one_graph():
    with pytest.raises(IncompatibleError, match="linkx learns a row for each node of one graph"):
        build_model("linkx", SPEC, {})
    with pytest.raises(IncompatibleError, match="learned rows of 31 nodes, and the graph has 30"):
        built("linkx", replace(SPEC, num_nodes=31))(graph())


def test_the_number_of_nodes_is_told_to_models_and_is_no_part_of_the_data(tmp_path):
    runs = run("linkx", "karate", epochs=2, store=tmp_path, progress=False)
    trained = restore(runs, tmp_path)
    assert trained.model.of_nodes.shape == (34, 64)
    karate = load("karate")
    assert karate.spec.num_nodes is None and "num_nodes" not in karate.spec.to_json()
    assert make_plan("gcn", karate).spec_seen == replace(karate.spec, num_nodes=34)
    assert LINKX_SPEC.to_json() == SPEC.to_json()


def test_the_contract_renames_the_rows_of_nodes(monkeypatch):
    check_permutation("linkx", "node-classification")
    monkeypatch.setattr(find_model("linkx").cls, "rows_of_nodes", frozenset())
    with pytest.raises(AssertionError, match="not close"):
        check_permutation("linkx", "node-classification")
