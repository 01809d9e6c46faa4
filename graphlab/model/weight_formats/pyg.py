"""PyG's basic models GCN, GraphSAGE, GAT and GIN, Fey and Lenssen, 2019: `torch.save(model.state_dict(), path)`.

They are `gcn`, `sage`, `gat` and `gin-chain` here, without normalisation between layers and jumping knowledge. GAT's
heads are concatenated but in the last layer, and its activation is ReLU by default, while the published one is ELU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.weight_format import FormatConfig, Rows, WeightFormat, Weights, depth, of_model, renamed, require

NAMES = {
    "gcn": {r"(convs\.\d+)\.(bias|lin\.weight)": r"\1.\2"},
    "sage": {r"(convs\.\d+)\.(lin_[lr]\.weight|lin_l\.bias)": r"\1.\2"},
    "gat": {r"(convs\.\d+)\.(att_src|att_dst|bias|lin\.weight)": r"\1.\2"},
    "gin-chain": {
        r"(convs\.\d+)\.eps": r"\1.eps",
        r"(convs\.\d+)\.nn\.lins\.0\.(weight|bias)": r"\1.nn.0.\2",
        r"(convs\.\d+)\.nn\.lins\.1\.(weight|bias)": r"\1.nn.2.\2",
    },
}
SIGNS = {"gat": "convs.0.att_src", "sage": "convs.0.lin_r.weight", "gin-chain": "convs.0.nn.lins.0.weight"}
"""A name that each model alone has; what has none of these is gcn."""

WIDE = {"gcn": "lin", "sage": "lin_l", "gin-chain": "nn.lins.0"}


class Config(FormatConfig):
    """As `FormatConfig`, and

    left  what lin_l of GraphSAGE maps: the mean over neighbours as in PyG, or the root, as where it was renamed
    """

    left: Literal["neighbours", "root"] = "neighbours"


class PyG(WeightFormat):
    """State dicts of `torch_geometric.nn.models`."""

    Config = Config
    models = tuple(NAMES)

    def model(self, weights: Weights, requested: str | None) -> str:
        name = next((model for model, sign in SIGNS.items() if sign in weights), "gcn")
        if requested not in (None, name):
            raise InputError(f"the file holds weights of {name}, not of {requested}", hint="leave model= out")
        return name

    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        num_layers = depth(weights, r"convs\.(\d+)\.")
        if model == "gat":
            heads, width = require(weights, "convs.0.att_src", 3).shape[1:]
            last = require(weights, f"convs.{num_layers - 1}.att_src", 3).size(1)
            return {
                "num_layers": num_layers,
                "heads": heads,
                "output_heads": last,
                "activation": "relu",
                **({"hidden_dim": width} if num_layers > 1 else {}),
            }
        width = require(weights, f"convs.0.{WIDE[model]}.weight", 2).size(0)
        return {"num_layers": num_layers, **({"hidden_dim": width} if num_layers > 1 else {})}

    def alternatives(self, model: str, config: ModelConfig) -> Sequence[Mapping[str, Any]]:
        """The other activation of GAT, and the other roles of GraphSAGE's maps."""
        if model == "gat":
            return [{"model.activation": "elu" if config.to_json()["activation"] == "relu" else "relu"}]
        if model == "sage":
            return [{"weights.left": "root" if self.config.left == "neighbours" else "neighbours"}]
        return []

    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        if rows.entities is not None or rows.relations is not None:
            raise InputError("weights of PyG's basic models have no rows of entities", hint="leave the names out")
        known = renamed(weights, NAMES[model])
        if model == "sage" and self.config.left == "root":
            known = {exchanged(name): tensor for name, tensor in known.items()}
        return of_model(known)


def exchanged(name: str) -> str:
    """The name of a weight of GraphSAGE's other map; the only bias stays."""
    sides = {"lin_l.weight": "lin_r.weight", "lin_r.weight": "lin_l.weight"}
    side = next((side for side in sides if name.endswith(side)), None)
    return name if side is None else name.removesuffix(side) + sides[side]
