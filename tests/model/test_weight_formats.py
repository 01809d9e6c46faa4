"""Published weights under their own names: the same outputs, and a clear refusal of what does not fit."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn.models import GAT, GCN, GIN, GraphSAGE

from graphlab.core.errors import InputError
from graphlab.data.spec import FACT, Continuous, DataSpec, Target
from graphlab.model.registry import WEIGHT_FORMATS, find_model
from graphlab.model.weight_format import Rows, depth, in_order, renamed, require, require_fit


def converted(format_name, weights, spec, model=None, rows=None, **settings):
    """A model with the weights in double precision; settings `weights.x` are the format's, others the model's."""
    cls = WEIGHT_FORMATS.find(format_name)
    own = {key.partition(".")[2]: value for key, value in settings.items() if key.startswith("weights.")}
    adapter = cls(cls.Config.parse(own, where="weights"))
    name = adapter.model(weights, model)
    entry = find_model(name)
    changed = {key: value for key, value in settings.items() if not key.startswith("weights.")}
    config = entry.config.parse({**adapter.settings(name, weights), **changed}, where=name)
    built = entry.build(spec, config).double().eval()
    state = adapter.convert(name, config, spec, weights, rows or Rows())
    require_fit(state, {f"model.{key}": value for key, value in built.state_dict().items()})
    built.load_state_dict({key.removeprefix("model."): value for key, value in state.items()})
    return built


def tensors(arrays, prefix="weight/"):
    return {name.removeprefix(prefix): torch.tensor(arrays[name]) for name in arrays if name.startswith(prefix)}


def kg(arrays, name, num_relations=None):
    """A graph of a pack, its queries, and the spec."""
    triples, queries = torch.tensor(arrays[f"{name}/triples"]), torch.tensor(arrays[f"{name}/queries"])
    graph = Data(
        edge_index=triples[:, [0, 2]].T.contiguous(),
        edge_type=triples[:, 1].contiguous(),
        num_nodes=int(arrays[f"{name}/num_nodes"]),
    )
    spec = DataSpec("triples", (FACT,), num_relations=num_relations or 4, directed=True)
    return SimpleNamespace(graph=graph, queries=queries, spec=spec)


@pytest.mark.real_data
@pytest.mark.parametrize("checkpoint", ["3g", "4g", "50g"])
@pytest.mark.parametrize(("kernel", "edges"), [("compiled", "against"), ("plain", "along")])
@pytest.mark.parametrize("name", ["nations", "random"])
def test_ultra_is_its_reference_in_both_conventions(truth, checkpoint, kernel, edges, name):
    scores = truth("../truth_zoo/ultra_scores")
    num_relations = int(scores[f"{name}/num_relations"])
    case = kg(scores, name, num_relations)
    model = converted("ultra", tensors(truth(f"../truth_zoo/ultra_{checkpoint}")), case.spec, edges=edges)
    with torch.no_grad():
        tails = model.score(case.graph, case.queries[:, 0], case.queries[:, 1])
        heads = model.score(case.graph, case.queries[:, -1], case.queries[:, 1] + num_relations)
    for part, values in (("tail", tails), ("head", heads)):
        expected = torch.tensor(scores[f"{name}/{checkpoint}/{kernel}/{part}_scores"])
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-9)


NBFNETS = {
    "distmult_pna": {},
    "distmult_sum_independent": {},
    "transe_sum": {"message": "transe"},
    "rotate_mean": {"message": "rotate", "aggregate": "mean"},
}


@pytest.mark.real_data
@pytest.mark.parametrize("pack", sorted(NBFNETS))
@pytest.mark.parametrize("kernel", ["compiled", "plain"])
@pytest.mark.parametrize("name", ["kg0", "kg1"])
def test_nbfnet_is_its_reference_with_both_kernels(truth, pack, kernel, name):
    arrays = truth(f"../truth_zoo/nbfnet_{pack}")
    case = kg(arrays, name)
    model = converted("nbfnet-pyg", tensors(arrays), case.spec, **NBFNETS[pack], **{"weights.kernel": kernel})
    head, tail, relation = case.queries.unbind(1)
    fused = "fused_" if kernel == "compiled" and pack != "rotate_mean" else ""
    with torch.no_grad():
        values = {"tail": model.score(case.graph, head, relation), "head": model.score(case.graph, tail, relation + 4)}
    for part, scores in values.items():
        torch.testing.assert_close(scores, torch.tensor(arrays[f"{name}/{fused}{part}_scores"]), rtol=0, atol=1e-9)


@pytest.mark.real_data
def test_relations_of_nbfnet_are_put_into_the_order_of_the_data_set(truth):
    arrays = truth("../truth_zoo/nbfnet_distmult_pna")
    case = kg(arrays, "kg0")
    order = torch.tensor([2, 0, 3, 1])  # the file's row of each relation
    renumbered = Data(
        edge_index=case.graph.edge_index,
        edge_type=order.argsort()[case.graph.edge_type],
        num_nodes=case.graph.num_nodes,
    )
    head, _, relation = case.queries.unbind(1)
    model = converted("nbfnet-pyg", tensors(arrays), case.spec, rows=Rows(None, order))
    with torch.no_grad():
        scores = model.score(renumbered, head, order.argsort()[relation])
    torch.testing.assert_close(scores, torch.tensor(arrays["kg0/fused_tail_scores"]), rtol=0, atol=1e-9)


GRAPH = Data(
    x=torch.randn(12, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
    edge_index=torch.randint(0, 12, (2, 40), generator=torch.Generator().manual_seed(1)),
    num_nodes=12,
)
NODES = DataSpec("nodes", (Target("y", "node", "class", 4),), Continuous(5), directed=True)
BASIC = {
    "gcn": (GCN, {}, {}),
    "sage": (GraphSAGE, {}, {}),
    "gat": (GAT, {"heads": 2}, {}),
    "gat-elu": (GAT, {"heads": 2, "act": "elu"}, {"activation": "elu"}),
    "gin-chain": (GIN, {"train_eps": True}, {}),
}


def basic(name, num_layers=3):
    torch.manual_seed(0)
    cls, options, _ = BASIC[name]
    model = cls(5, 8, num_layers, out_channels=4, dropout=0.0, **options).double().eval()
    for parameter in model.parameters():  # biases and eps start at 0
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("name", sorted(BASIC))
def test_basic_models_of_pyg_are_the_same_network(name, num_layers):
    reference = basic(name, num_layers)
    model = converted("pyg", reference.state_dict(), NODES, dropout=0.0, **BASIC[name][2])
    with torch.no_grad():
        torch.testing.assert_close(model(GRAPH), reference(GRAPH.x, GRAPH.edge_index), rtol=0, atol=1e-6)


def test_maps_of_sage_under_the_other_names_are_exchanged():
    reference = basic("sage")
    sides = {"lin_l.weight": "lin_r.weight", "lin_r.weight": "lin_l.weight"}
    other = {
        next((name.replace(a, b) for a, b in sides.items() if a in name), name): tensor
        for name, tensor in reference.state_dict().items()
    }
    with torch.no_grad():
        expected = reference(GRAPH.x, GRAPH.edge_index)
        outputs = converted("pyg", other, NODES, **{"weights.left": "root"})(GRAPH)
        torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-6)
        assert not torch.allclose(converted("pyg", other, NODES)(GRAPH), expected, atol=1e-3)


N, R, D = 7, 3, 6
EMBEDDED = DataSpec("triples", (FACT,), num_relations=R, num_entities=N, directed=True)


def pykeen_weights(model, inverse):
    """A state dict as PyKEEN 1.11.1 names and lays it out, with its scores by their formulas in complex numbers."""
    g = torch.Generator().manual_seed(2)
    kind = torch.complex128 if model in ("complex", "rotate") else torch.float64
    entity = torch.randn(N, D, dtype=kind, generator=g)
    relation = torch.randn(R * (1 + inverse), D, dtype=kind, generator=g)
    if model == "rotate":
        relation = relation / relation.abs()
    raw = {"entity": entity, "relation": relation}
    if kind.is_complex:
        raw = {name: torch.view_as_real(table).flatten(1) for name, table in raw.items()}
    weights = {f"{name}_representations.0._embeddings.weight": table for name, table in raw.items()}
    return entity, relation, weights | {"relation_representations.0.regularizer.weight": torch.tensor(0.1)}


SCORES = {
    "transe": lambda h, r, t: -(h + r - t).abs().sum(-1),
    "distmult": lambda h, r, t: (h * r * t).sum(-1),
    "complex": lambda h, r, t: (h * r * t.conj()).sum(-1).real,
    "rotate": lambda h, r, t: -(h * r - t).abs().square().sum(-1).sqrt(),
}


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("model", sorted(SCORES))
def test_embedding_models_of_pykeen_score_by_their_formulas(model, inverse):
    """Their formulas and layout, which PyKEEN 1.11.1 was seen to have; scores differ by the margin of a distance."""
    entity, relation, weights = pykeen_weights(model, inverse)
    imported = converted("pykeen", weights, EMBEDDED, model, **{"weights.inverse": inverse})
    every = torch.arange(N)
    for r in range(R):
        with torch.no_grad():
            tails, heads = (imported.score(Data(), every, torch.full((N,), relation)) for relation in (r, r + R))
        first = relation[2 * r if inverse else r]
        expected = SCORES[model](entity[:, None], first, entity[None])
        second = relation[2 * r + 1] if inverse else first
        backwards = SCORES[model](entity[:, None], second, entity[None]) if inverse else expected.T
        for found, truth_ in ((tails, expected), (heads, backwards)):
            margin = (found - truth_).mean()
            torch.testing.assert_close(found - margin, truth_, rtol=0, atol=1e-6)


def test_complex_vectors_in_halves_are_no_rotations():
    _, _, weights = pykeen_weights("rotate", False)
    with pytest.raises(InputError, match="length 1"):
        converted("pykeen", weights, EMBEDDED, "rotate", **{"weights.layout": "halves"})


def ultra_names(model):
    """The state dict of our ultra under the published names."""
    parts = {"norm": "layer_norm", "update": "linear"}
    published = {}
    for name, tensor in model.state_dict().items():
        group, *rest = name.split(".")
        if group == "readout":
            new = ["entity_model", "mlp", *rest]
        elif group == "kinds":
            new = ["relation_model", "layers", rest[0], "relation", rest[1]]
        elif group == "projections":
            new = ["entity_model", "layers", rest[0], "relation_projection", *rest[1:]]
        else:
            new = [group.replace("_steps", "_model"), "layers", rest[0], parts[rest[1]], rest[2]]
        published[".".join(new)] = tensor
    return published


def small_ultra():
    spec = DataSpec("triples", (FACT,), num_relations=2, directed=True)
    entry = find_model("ultra")
    torch.manual_seed(0)
    return entry.build(spec, entry.config(dim=8, num_layers=2)), spec


def test_ultra_goes_round():
    model, spec = small_ultra()
    again = converted("ultra", ultra_names(model), spec)
    assert all(torch.equal(again.state_dict()[name], tensor.double()) for name, tensor in model.state_dict().items())


DEFECTS = {
    "unknown": (lambda w: {**w, "entity_model.extra": torch.zeros(1)}, "does not know: entity_model.extra"),
    "missing": (
        lambda w: {k: v for k, v in w.items() if k != "entity_model.mlp.2.bias"},
        "missing: model.readout.2.bias",
    ),
    "shape": (lambda w: {**w, "entity_model.mlp.2.bias": torch.zeros(2)}, "shapes differ: model.readout.2.bias"),
    "nan": (lambda w: {**w, "entity_model.mlp.2.bias": torch.tensor([torch.nan])}, "not finite"),
    "no layers": (lambda w: {"entity_model.mlp.2.bias": torch.zeros(1)}, "has no relation_model"),
    "flat": (lambda w: {**w, "entity_model.layers.0.linear.weight": torch.zeros(8)}, "has the shape"),
    "uneven": (lambda w: {**w, "entity_model.layers.2.linear.bias": torch.zeros(8)}, "2 and 3 layers"),
}


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_what_does_not_fit_is_one_clear_error(defect):
    model, spec = small_ultra()
    change, message = DEFECTS[defect]
    with pytest.raises(InputError, match=message) as raised:
        converted("ultra", change(ultra_names(model)), spec)
    assert raised.value.hint


def test_another_number_of_relations_is_refused():
    spec = DataSpec("triples", (FACT,), num_relations=3, directed=True)
    entry = find_model("nbfnet")
    small = entry.build(spec, entry.config(dim=8, num_layers=2, aggregate="sum"))
    names = {"norm": "layer_norm", "update": "linear", "relation": "relation_linear", "readout": "mlp"}
    names |= {"first": "0", "last": "2"}
    weights = {".".join(names.get(p, p) for p in name.split(".")): t for name, t in small.state_dict().items()}
    converted("nbfnet-pyg", weights, spec)
    with pytest.raises(InputError, match="has 3 relations and the data set 2"):
        converted("nbfnet-pyg", weights, DataSpec("triples", (FACT,), num_relations=2, directed=True))


def test_formats_that_do_not_tell_their_model_ask_for_it():
    for name in ("own", "pykeen"):
        with pytest.raises(InputError, match="do not say which model") as raised:
            converted(name, {"entity.weight": torch.zeros(2, 2)}, EMBEDDED)
        assert "model=" in str(raised.value.hint)
    with pytest.raises(InputError, match="are none of gcn"):
        converted("ultra", {}, EMBEDDED, "gcn")
    with pytest.raises(InputError, match="of gat, not of gcn"):
        converted("pyg", basic("gat").state_dict(), NODES, "gcn")


def test_helpers_of_formats():
    table = torch.arange(6).view(3, 2)
    assert in_order(table, None) is table and in_order(table, torch.tensor([2, 0, 1])).tolist() == [
        [4, 5],
        [0, 1],
        [2, 3],
    ]
    assert renamed({"a.1": table, "b": table}, {r"a\.(\d)": r"c.\1", "b": ""}).keys() == {"c.1"}
    assert depth({"x.4.y": table, "x.11.y": table}, r"x\.(\d+)\.") == 12
    for call in (lambda: in_order(table, torch.tensor([0])), lambda: depth({}, "x"), lambda: require({}, "x", 1)):
        with pytest.raises(InputError):
            call()
