"""What every model is: a torch module built from a frozen Config and a DataSpec."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Config
from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.node_vectors import vector_width
from graphlab.data.prepared import Preparation
from graphlab.data.spec import Categorical, Continuous, DataSpec, Features
from graphlab.model.pruned_weights import pruned_by
from graphlab.pruning.accounting import sparse_bits
from graphlab.quantization.accounting import FLOAT_BITS
from graphlab.quantization.quantisers import WeightQuantiser


class ModelConfig(Config):
    """Base of a model's settings."""


UNSTATED = ("training.evaluate_every", "training.precision", "task.evaluation_batch_size", "model.recompute")
"""Settings that publications do not state: of every recipe they are ours."""


@dataclass(frozen=True)
class Preset:
    """A recipe: settings of model, task and training that differ from the defaults, and where it stands.

    Everything that the recipe leaves at its default and that `ours` does not name is as it was published too.

    Args:
        source: Where the recipe stands in the model's publication, or whose choice it is.
        ours: Settings by dotted name, as `training.epochs`, whose values the publication does not state, or which
            stand in place of what it states. Published numbers say so, and changing them departs from nothing.
        is_published: False for a recipe that is GraphLab's own as a whole; no published number belongs to its runs.
        num_parameters: Trainable parameters of the recipe's model for data of a given spec; tested.
    """

    source: str
    model: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    ours: tuple[str, ...] = ()
    is_published: bool = True
    num_parameters: Mapping[DataSpec, int] = field(default_factory=dict)

    def is_ours(self, setting: str) -> bool:
        """Whether the value of a setting, by dotted name, is not the publication's."""
        return not self.is_published or setting in self.ours or setting in UNSTATED


class Model(nn.Module):
    """Base of the zoo.

    A subclass names the `tasks` it can do and its `citation`, sets `out_dim`, and maps a batch to rows of nodes,
    `[num_nodes, out_dim]`, which the task's head maps on to predictions.

    `version` is raised when the same seed or the same weights come to give other numbers than before, so that no
    earlier run is taken for one of the new network.
    """

    tasks: ClassVar[frozenset[str]]
    citation: ClassVar[Citation]
    variant: ClassVar[str] = ""
    version: ClassVar[int] = 1
    output_items: ClassVar[frozenset[str]] = frozenset()
    """Kinds of items for which the rows are the outputs themselves, as the published last layer is the classifier: no
    head follows. For graphs there is then one row a graph."""
    presets: ClassVar[Mapping[str, Preset]] = {}
    """Recipes of this variant alone, beside the `PRESETS` of its file."""
    row_locations: ClassVar[frozenset[str]] = frozenset({"node"})
    """Where a model gives rows that are of the very thing that is asked about: nodes, and where it says so edges and
    graphs. Rows of other things are made from those of nodes."""
    edge_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields of edges that `forward` reads: edge_attr, edge_weight; see `graphlab.model.edges`."""
    rows_of_nodes: ClassVar[frozenset[str]] = frozenset()
    """Parameters that have a row for each node of the graph, `[num_nodes, ...]`, by name; see `require_num_nodes`."""
    needs_whole_graph: ClassVar[bool] = False
    """Whether a row means nothing on a sampled subgraph, as in a model of all pairs of nodes. Models whose graphs
    are prepared need the whole graph too."""
    out_dim: int

    def forward(self, batch: Data) -> Tensor:
        raise NotImplementedError

    @classmethod
    def preparation(cls, config: Any) -> Preparation | None:
        """What a model of this config needs done to graphs beforehand; None if it takes them as they are."""
        return None

    @classmethod
    def expressiveness(cls, config: Any) -> str | None:
        """The test of the Weisfeiler-Lehman kind that tells apart any two graphs that a model of this config does, by
        its name in Zhang et al., ICML 2023; None where none is known."""
        return None

    def begin_epoch(self, epoch: int) -> None:
        """Called before the first step of each epoch of training, counted from 1.

        What it changes belongs in the state dict: a run that goes on within an epoch does not call it again.
        """

    @property
    def num_hops(self) -> int | None:
        """How many edges away lies what decides a node's row; None where the model does not say."""
        return None

    def row_graph(self, batch: Data) -> Tensor:
        """The graph that each row of `forward` is part of, int64 `[rows]`, where the items are graphs."""
        return batch["batch"]

    @classmethod
    def row_width(cls, spec: DataSpec, hidden_dim: int) -> int:
        """The width of the last layer: the number of outputs where the rows are the outputs, else `hidden_dim`."""
        return spec.num_outputs if spec.items in cls.output_items else hidden_dim

    @classmethod
    def layer_widths(cls, model: str, spec: DataSpec, hidden_dim: int, num_layers: int) -> list[int]:
        """Widths from the input through `num_layers` layers; `model` is its name in errors."""
        return [input_dim(spec.node, model), *[hidden_dim] * (num_layers - 1), cls.row_width(spec, hidden_dim)]

    @property
    def num_bits(self) -> int:
        """What the trainable parameters take as they are stored: 32 bits a float32 number, those of its format and its
        scales a rounded one. Override where a model stores them in fewer."""
        return stored_bits(self)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Optimiser groups; override where the published recipe decays only some of the weights."""
        return [{"params": list(self.parameters()), "weight_decay": weight_decay}]


def stored_bits(module: nn.Module) -> int:
    """The bits of a module's trainable parameters, each once; of those that a quantiser rounds, in its format with 32
    bits a scale, of those that are pruned, the numbers that are kept and their mask."""
    trainable = (parameter for parameter in module.parameters() if parameter.requires_grad)
    own = _bits_by_format(module)
    return sum(own.get(id(each), 8 * each.numel() * each.element_size()) for each in trainable)


def _bits_by_format(module: nn.Module) -> dict[int, int]:
    """Of the parameters behind rounded and pruned weights, by their id; 0 of their masks while these are learned."""
    found: dict[int, int] = {}
    for chain in module.modules():
        if not isinstance(chain, ParametrizationList):
            continue
        quantiser = next((each for each in chain.children() if isinstance(each, WeightQuantiser)), None)
        masks = pruned_by(chain)
        weight: Any = chain.original
        bits, scales = 8 * weight.element_size(), 0
        if quantiser is not None:
            bits, scales = quantiser.format.bits, 1 if quantiser.dim is None else weight.shape[quantiser.dim]
        if quantiser is not None or masks:
            kept = masks[0].kept if masks else weight.numel()
            found[id(weight)] = round(sparse_bits(weight.numel(), kept, bits)) + FLOAT_BITS * scales
            found |= {id(each): 0 for mask in masks for each in mask.parameters()}
    return found


class TripleModel(Model):
    """Base of models that score (head, relation, tail).

    Relation r + num_relations is the inverse of r, so that a query for heads, (?, r, t), is asked as
    (t, r + num_relations, ?). `graph` holds the facts as `edge_index`, `edge_type` (inverses not
    included) and, while training, `edge_mask` bool `[E]`, False at the facts that must not be seen. A model
    that looks at its parameters alone sets `reads_graph` to False, and is spared the mask. A graph of a mixture
    also says its `num_relations`.
    """

    tasks = frozenset({"kg-completion"})
    reads_graph: ClassVar[bool] = True

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        """Scores, higher is likelier: `[B, K]` for candidate tails `[B, K]`, `[B, num_nodes]` for tail None.

        head, relation: int64 `[B]`, relation in `[0, 2 * num_relations)`.
        """
        raise NotImplementedError

    def penalty(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor | float:
        """What regularisation adds to the loss of a step about these heads, relations and true tails, all int64
        and one-dimensional."""
        return 0.0

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The same as `score`, so that a built model is called like any other module."""
        return self.score(*args, **kwargs)


class LinkScorer(Model, ABC):
    """Base of models that score pairs of nodes, those of links with a direction and those of links without.

    A graph is encoded once, and any number of pairs are scored by the encoding. A subclass defines `encode` and
    `score_nodes`; it overrides `score_pairs` where pairs without a common source have a cheaper form. A model that
    cannot separate the two encodes a graph as itself.
    """

    @abstractmethod
    def encode(self, graph: Data) -> Any:
        """What scores are computed from: a tensor, or any object that `score_nodes` and `score_pairs` understand."""

    @abstractmethod
    def score_nodes(self, encoding: Any, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        """Scores of candidate nodes for each source, higher is likelier.

        Args:
            encoding: From `encode`.
            sources: int64 `[B]`.
            candidates: int64 `[B, K]`, those of each source; None for all nodes.

        Returns:
            `[B, K]`, or `[B, num_nodes]` for all nodes.
        """

    def score_pairs(self, encoding: Any, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`, as `score_nodes` gives them."""
        return self.score_nodes(encoding, pairs[:, 0], pairs[:, 1:]).squeeze(1)

    def encoding_penalty(self, encoding: Any) -> Tensor | float:
        """What regularisation adds to the loss of a step, as the divergence of an encoding from its prior."""
        return 0.0

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Scores `[P]` of a graph and pairs, so that a built model is called like any other module."""
        return self._encode_and_score(*args, **kwargs)

    def _encode_and_score(self, graph: Data, pairs: Tensor) -> Tensor:
        return self.score_pairs(self.encode(graph), pairs)


class LinkModel(LinkScorer):
    """Base of models that score pairs of nodes of an undirected graph, on which {u, v} and {v, u} are one pair: their
    scores are the same.

    `graph` holds the links to pass messages over as `edge_index` `[2, E]`, each in both directions, `x`
    `[num_nodes, d]` where the spec has node features, and, while training, `edge_mask` bool `[E]`, False in both
    directions of the links that must not be seen.
    """

    tasks = frozenset({"link-prediction"})
    has_node_loss: ClassVar[bool] = False
    """Whether the model is trained by `node_loss`, with task.loss=model, and not by losses of pairs."""

    def node_loss(self, graph: Data, nodes: Tensor, stream: SeedStream) -> Tensor:
        """The loss of a step about some nodes, each of which comes once an epoch, where `has_node_loss`.

        Args:
            graph: All training links.
            nodes: int64 `[B]`.
            stream: Of the step. What is drawn for a node should not depend on which others there are, so that processes
                can share a step.

        Returns:
            The mean over the nodes, a scalar.
        """
        raise NotImplementedError


class DirectedLinkModel(LinkScorer):
    """Base of models that score ordered pairs of nodes of a directed graph: the score of (u, v) is about an edge from u
    to v, and not that of (v, u).

    `graph` holds the training edges as `edge_index` `[2, E]`, and `x` `[num_nodes, d]` where the spec has node
    features.
    """

    tasks = frozenset({"directed-links"})
    scores_are_logits: ClassVar[bool] = True
    """Whether a score of 0 is an even chance, as binary cross-entropy trains it to be."""


def visible_edges(graph: Data) -> Tensor:
    """`edge_index` without the edges that `edge_mask` hides."""
    edge_index: Tensor = graph["edge_index"]
    return edge_index[:, graph["edge_mask"]] if "edge_mask" in graph else edge_index


def require_transductive(model: str, spec: DataSpec) -> int:
    """The number of entities, or IncompatibleError if test entities have never been trained."""
    if spec.num_entities is None:
        raise IncompatibleError(
            f"{model} learns one vector an entity and cannot score entities it has not trained on",
            hint="this data set tests on new entities; use an inductive model such as nbfnet",
        )
    return spec.num_entities


def require_num_nodes(model: str, spec: DataSpec) -> int:
    """The number of nodes of the one graph, or IncompatibleError if there are several or it is not known."""
    if spec.num_nodes is None:
        raise IncompatibleError(
            f"{model} learns a row for each node of one graph, and its spec has no number of nodes",
            hint="train it on the nodes of one graph; to build it by hand, set num_nodes of the spec",
        )
    return spec.num_nodes


def input_dim(features: Features | None, model: str) -> int:
    """Width of continuous node features, or IncompatibleError naming what the model needs."""
    if not isinstance(features, Continuous):
        features_there, encoders = (
            ("none", "constant, degree or identity") if features is None else ("categories", "one-hot")
        )
        raise IncompatibleError(
            f"{model} needs continuous node features and this data set has {features_there}",
            hint=f"make some by pre_transform={encoders}, or choose a model that needs none",
        )
    return features.dim


def vector_dim(features: Features | None, model: str) -> int:
    """Width of `graphlab.data.node_vectors`. Raises IncompatibleError, naming the model, where nodes carry nothing."""
    return vector_width(features) if isinstance(features, Categorical) else input_dim(features, model)
