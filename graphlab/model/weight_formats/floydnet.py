"""FloydNet as its authors' examples save it, Yu et al., 2026: a checkpoint with the state dict as its
`model_state_dict`.

It is `floydnet` here where the network has the super node and a decoder of one layer; networks without super node, with
deeper decoders and of diffusion are refused. The published network adds a vector of adjacency to every pair, those of
the super node too, and to pairs without an edge the first row of each table of edges. Here both belong to ordinary
pairs or to edges alone, so that these vectors are added to those of the super node's pairs and of absent edges.
Shapes do not tell the number of heads, nor which norm the examples were run with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.spec import Categorical, DataSpec, Features
from graphlab.model.base import ModelConfig
from graphlab.model.floyd_block import from_published
from graphlab.model.weight_format import Rows, WeightFormat, Weights, depth, renamed, require

HEADS = (1, 2, 4, 8)
NORMS = ("affine", "layer")
DECODERS = {"graph": "head_g", "node": "head_v", "edge": "head_e"}

NAMES = {
    r"emb_adj\.weight": "adjacency",
    r"emb_superedge\.weight": "mark",
    r"emb_edge\.weight": "edge.0",
    r"emb_edge\.(\d+)\.weight": r"edge.\1",
    r"emb_node_i\.(\d+)\.weight": r"row.\1",
    r"emb_node_j\.(\d+)\.weight": r"column.\1",
    r"blocks\.(.+)": r"model.blocks.\1",
    r"(head_[gve])\.net\.(weight|bias)": r"\1.\2",
}
TABLES = {
    "edge": "inputs.0.edge.table.map.tables",
    "row": "inputs.0.row.map.tables",
    "column": "inputs.0.column.map.tables",
}


class FloydNet(WeightFormat):
    """FloydNet of pairs, with the super node."""

    models = ("floydnet",)

    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        _refuse_other_networks(weights)
        width = require(weights, "emb_superedge.weight", 2).size(1)
        ffn = weights.get("blocks.0.ffn.0.weight")
        return {
            "hidden_dim": width,
            "num_layers": depth(weights, r"blocks\.(\d+)\."),
            "order": 2,
            "ffn_ratio": 0 if ffn is None else ffn.size(0) // width,
            "activation": "silu",
            "norm": "affine",
        }

    def alternatives(self, model: str, config: ModelConfig) -> Sequence[Mapping[str, Any]]:
        """The other norm, and the other numbers of heads."""
        values = config.to_json()
        heads = [n for n in HEADS if n != values["heads"] and values["hidden_dim"] % n == 0]
        norms = [norm for norm in NORMS if norm != values["norm"]]
        return [*({"model.norm": norm} for norm in norms), *({"model.heads": n} for n in heads)]

    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        if rows.entities is not None or rows.relations is not None:
            raise InputError("weights of FloydNet have no rows of entities", hint="leave the names out")
        _refuse_other_networks(weights)
        known = renamed(from_published(weights), NAMES)
        for name in ("adjacency", "mark"):
            require(known, name, 2)
        blocks = {name: tensor for name, tensor in known.items() if name.startswith("model.")}
        embedding = {f"model.{name}": tensor for name, tensor in _embedding(known, spec).items()}
        return {**blocks, **embedding, **_decoder(known, spec)}


def _refuse_other_networks(weights: Weights) -> None:
    """Raises InputError for the published networks that `floydnet` does not have."""
    others = {
        "of diffusion": any(name.startswith("diffusion_embedder.") for name in weights),
        "without the super node": "emb_superedge.weight" not in weights,
        "with a decoder of several layers": any(".net.0." in name for name in weights),
    }
    for what, is_such in others.items():
        if is_such:
            raise InputError(
                f"the file is not a FloydNet that floydnet can be: it is {what}",
                hint="train one with supernode=True and n_decode_layers=1, or import its blocks with from_published",
            )


def _embedding(known: Weights, spec: DataSpec) -> dict[str, Tensor]:
    """The tables of the pairs that a block reads first."""
    absent = sum(
        (known[name][0] for name in known if name.startswith("edge.")), torch.zeros_like(known["adjacency"][0])
    )
    unlinked = known["adjacency"][0] + absent
    tables = {
        "inputs.0.adjacency.weight": torch.stack([unlinked, known["adjacency"][1]]),
        "inputs.0.mark.weight": torch.cat([known["mark"][:1], known["mark"][1:] + unlinked]),
    }
    for part, features in {"edge": spec.edge, "row": spec.node, "column": spec.node}.items():
        published = {name: tensor for name, tensor in known.items() if name.startswith(f"{part}.")}
        tables |= _tables(part, published, features)
    return tables


def _tables(part: str, published: Weights, features: Features | None) -> dict[str, Tensor]:
    """A table for each column of features, of the rows that the data set has."""
    sizes = features.sizes if isinstance(features, Categorical) else ()
    if len(published) != len(sizes):
        raise InputError(
            f"the file has {len(published)} tables of {part} features and the data set {len(sizes)} such columns",
            hint="weights of FloydNet belong to the features that they were trained on",
        )
    named = {}
    for column, size in enumerate(sizes):
        table = require(published, f"{part}.{column}", 2)
        if len(table) < size:
            raise InputError(
                f"column {column} of {part} features has {size} values and the file {len(table)}",
                hint="weights of FloydNet belong to the features that they were trained on",
            )
        named[f"{TABLES[part]}.{column}.weight"] = table[:size]
    return named


def _decoder(known: Weights, spec: DataSpec) -> dict[str, Tensor]:
    """The decoder of what the data set predicts; those of other places are left out."""
    decoder = DECODERS[spec.output.location if spec.output.location in DECODERS else "graph"]
    return {
        f"head.mlp.0.{name}": require(known, f"{decoder}.{name}", dims) for name, dims in (("weight", 2), ("bias", 1))
    }
