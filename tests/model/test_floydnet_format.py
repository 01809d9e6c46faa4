"""FloydNet under its published names: the outputs of the published network, written down slowly, and nothing else."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.errors import InputError
from graphlab.model.registry import WEIGHT_FORMATS, find_model

WIDTH, HEADS, LAYERS, VOCABULARY = 16, 4, 2, 6
SETTINGS = {"dropout": 0.0, "heads": HEADS}


def published_weights(num_edge_features=1, ffn=True):
    """A state dict with the names and shapes of the published network, with numbers drawn at random."""
    random = torch.Generator().manual_seed(0)
    tables = {"emb_adj": 2, "emb_superedge": 4}
    edges = ["emb_edge"] if num_edge_features == 1 else [f"emb_edge.{k}" for k in range(num_edge_features)]
    tables |= dict.fromkeys([*edges, *(f"emb_node_{end}.{k}" for end in "ij" for k in range(2))], VOCABULARY)
    shapes = {f"{name}.weight": (rows, WIDTH) for name, rows in tables.items()}
    for block in range(LAYERS):
        maps = {
            "c_mix": (1, 1),
            "c_qkv": (5, 1),
            "c_proj": (1, 1),
            **({"ffn.0": (4, 1), "ffn.2": (1, 4)} if ffn else {}),
        }
        for name, (rows, columns) in maps.items():
            shapes[f"blocks.{block}.{name}.weight"] = (rows * WIDTH, columns * WIDTH)
        for norm in ("norm1", "norm2") if ffn else ("norm1",):
            shapes |= {f"blocks.{block}.{norm}.{part}": (WIDTH,) for part in ("weight", "bias")}
        shapes |= {f"blocks.{block}.ffn_scale": ()} if ffn else {}
    shapes |= {"head_g.net.weight": (1, WIDTH), "head_g.net.bias": (1,)}
    return {name: torch.randn(shape, generator=random) * WIDTH**-0.5 for name, shape in shapes.items()}


def published_output(weights, graph, ffn=True):
    """The published network on one graph in float64, its pivots and heads one at a time."""
    w = {name: tensor.double() for name, tensor in weights.items()}
    n = graph.num_nodes + 1
    adjacency, marks = torch.zeros(n, n, dtype=torch.int64), torch.zeros(n, n, dtype=torch.int64)
    columns = graph.edge_attr.size(1)
    attributes = torch.zeros(n, n, columns, dtype=torch.int64)
    for (u, v), kind in zip(graph.edge_index.t().tolist(), graph.edge_attr, strict=True):
        adjacency[u + 1, v + 1] = 1
        attributes[u + 1, v + 1] = kind
    marks[0], marks[:, 0], marks[0, 0] = 1, 2, 3
    x = w["emb_adj.weight"][adjacency] + w["emb_superedge.weight"][marks]
    for k in range(columns):
        table = w["emb_edge.weight" if columns == 1 else f"emb_edge.{k}.weight"]
        x = x + table[attributes[..., k]]
    for node in range(graph.num_nodes):
        for k in range(graph.x.size(1)):
            x[node + 1, 0] += w[f"emb_node_i.{k}.weight"][graph.x[node, k]]
            x[0, node + 1] += w[f"emb_node_j.{k}.weight"][graph.x[node, k]]
    for block in range(LAYERS):
        x = block_output({name.removeprefix(f"blocks.{block}."): t for name, t in w.items()}, x, ffn)
    return F.linear(x.sum((0, 1)), w["head_g.net.weight"], w["head_g.net.bias"])


def block_output(w, x, ffn):
    mixed = (x + x.transpose(0, 1) @ w["c_mix.weight"].T) * w["norm1.weight"] + w["norm1.bias"]
    parts = (mixed @ w["c_qkv.weight"].T).chunk(5, -1)
    out = torch.zeros_like(x)
    for head in torch.arange(WIDTH).chunk(HEADS):
        q, k1, k2, v1, v2 = (part[..., head] for part in parts)
        for i in range(len(x)):
            for k in range(len(x)):
                scores = torch.stack([q[i, k] @ (k1[i, j] + k2[j, k]) for j in range(len(x))])
                share = (scores / (2 * len(head)) ** 0.5).softmax(0)
                out[i, k, head] = sum(share[j] * (v1[i, j] + v2[j, k]) for j in range(len(x)))
    x = x + out @ w["c_proj.weight"].T
    if not ffn:
        return x
    normed = x * w["norm2.weight"] + w["norm2.bias"]
    return x + w["ffn_scale"] * (F.silu(normed @ w["ffn.0.weight"].T) @ w["ffn.2.weight"].T)


def graphs(weights, num_edge_features=1, ffn=True):
    """Small graphs of several sizes whose targets are the outputs of the published network."""
    random = torch.Generator().manual_seed(1)
    examples = []
    for size in (3, 4, 5, 4) * 5:
        edge_index = (torch.rand(size, size, generator=random) < 0.4).fill_diagonal_(False).nonzero().t().contiguous()
        kinds = torch.randint(4, (edge_index.size(1), num_edge_features), generator=random)
        nodes = torch.randint(5, (size, 2), generator=random)
        graph = Data(x=nodes, edge_index=edge_index, edge_attr=kinds)
        graph.y = published_output(weights, graph, ffn).float().view(1, 1)
        examples.append(graph)
    return examples


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A data set that the weights know by heart, and the file of a checkpoint."""
    path = tmp_path_factory.mktemp("floydnet") / "epoch_00001.pt"
    weights = published_weights()
    wrapped = {f"module.{name}": tensor for name, tensor in weights.items()}
    torch.save({"epoch": 0, "model_state_dict": wrapped, "optimizer_state_dict": {}, "val_error": 0.1}, path)
    return gl.dataset(graphs(weights), name="taught", split="random-40/30/30", directed=True), path


def test_imported_weights_give_the_published_outputs(taught, tmp_path):
    record = gl.import_weights("floydnet", taught[1], taught[0], store=tmp_path, **SETTINGS)[0]
    assert record.result.test["mae"] < 1e-4 and record.result.validation["mae"] < 1e-4
    assert record.spec.model_config["num_layers"] == LAYERS and record.spec.model_config["hidden_dim"] == WIDTH


@pytest.mark.parametrize(("key", "value"), [("heads", 2), ("norm", "layer")])
def test_the_wrong_convention_is_refused(taught, tmp_path, key, value):
    with pytest.raises(InputError, match=f"with model.{key}=") as raised:
        gl.import_weights("floydnet", taught[1], taught[0], store=tmp_path, **{**SETTINGS, key: value})
    assert f"model.{key}=" in str(raised.value.hint)


def test_several_edge_features_and_blocks_without_a_second_part(tmp_path):
    weights = published_weights(num_edge_features=2, ffn=False)
    torch.save(weights, tmp_path / "w.pt")
    data = gl.dataset(graphs(weights, 2, ffn=False), name="taught-two", split="random-40/30/30", directed=True)
    record = gl.import_weights("floydnet", tmp_path / "w.pt", data, store=tmp_path, **SETTINGS)[0]
    assert record.result.test["mae"] < 1e-4 and record.spec.model_config["ffn_ratio"] == 0


def test_altered_and_truncated_files_are_refused(taught, tmp_path):
    data, path = taught
    with pytest.raises(InputError, match="has the sha256"):
        gl.import_weights("floydnet", path, data, store=tmp_path, sha256="0" * 64)
    cut = tmp_path / "cut.pt"
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(InputError) as raised:
            gl.import_weights("floydnet", cut, data, store=tmp_path)
        assert raised.value.hint


def without(weights, *names):
    return {name: tensor for name, tensor in weights.items() if name not in names}


DEFECTS = {
    "diffusion": (lambda w: {**w, "diffusion_embedder.linear_t.weight": torch.zeros(1)}, "it is of diffusion"),
    "no super node": (lambda w: without(w, "emb_superedge.weight"), "it is without the super node"),
    "deep decoder": (lambda w: {**w, "head_g.net.0.weight": torch.zeros(1)}, "a decoder of several layers"),
    "no decoder": (lambda w: without(w, "head_g.net.weight"), "has no head_g.weight"),
    "unknown": (lambda w: {**w, "extra": torch.zeros(1)}, "does not know: extra"),
    "missing": (lambda w: without(w, "blocks.1.c_qkv.weight"), "missing: model.blocks.1.qkv.weight"),
    "fewer columns": (lambda w: without(w, "emb_node_i.1.weight"), "1 tables of row features and the data set 2"),
    "few values": (lambda w: {**w, "emb_edge.weight": torch.zeros(2, WIDTH)}, "has 4 values and the file 2"),
    "nan": (lambda w: {**w, "head_g.net.bias": torch.tensor([torch.nan])}, "not finite"),
}


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_what_does_not_fit_is_one_clear_error(taught, tmp_path, defect):
    change, message = DEFECTS[defect]
    torch.save(change(published_weights()), tmp_path / "w.pt")
    with pytest.raises(InputError, match=message) as raised:
        gl.import_weights("floydnet", tmp_path / "w.pt", taught[0], store=tmp_path, check=False, **SETTINGS)
    assert raised.value.hint


def test_the_other_readings_are_those_that_shapes_allow():
    cls = WEIGHT_FORMATS.find("floydnet")
    config = find_model("floydnet").config.parse({"hidden_dim": 12, "heads": 4}, where="test")
    others = cls(cls.Config()).alternatives("floydnet", config)
    assert others == [{"model.norm": "layer"}, {"model.heads": 1}, {"model.heads": 2}]
