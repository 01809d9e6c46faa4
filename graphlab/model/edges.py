"""What edges carry: scalar weights for the models that read them, and what a model does not read.

A model names the fields of edges that it reads in `Model.edge_fields`. `edge_weight` `[E]` scales messages:

    gcn                symmetric normalisation with weights, as PyG's GCNConv; so do appnp, gcnii and gprgnn
    sage               mean over neighbours of w h, as PyG's GraphConv with aggr="mean"; so does sage-sep
    gin                sum over neighbours of w h
    gat                a term of the attention logits, as PyG's GATConv with edge_dim=1
    label-propagation  mean over neighbours weighted by w, Zhu, Ghahramani and Lafferty, ICML 2003, section 2
"""

from __future__ import annotations

from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import scatter

from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.model.base import Model

FIELDS = ("edge_attr", "edge_weight")
"""Fields of edges that a batch of nodes or graphs carries to a model."""


def edge_weight(batch: Data) -> Tensor | None:
    """The weights `[E]` of a batch; None where all edges count alike."""
    return batch.get("edge_weight")


def require_positive(weight: Tensor | None, model: str) -> None:
    """Raises IncompatibleError where a weight is negative, for a model that divides by sums of weights."""
    if weight is not None and bool((weight < 0).any()):
        raise IncompatibleError(
            f"{model} divides by sums of edge weights, and {int((weight < 0).sum()):,} of {len(weight):,} are negative",
            hint="use weights from 0, or a model that sums messages, such as gin",
        )


def weighted_messages(batch: Data, h: Tensor, reduce: str) -> Tensor:
    """Each node's sum or mean of its neighbours' rows times the weights of their edges.

    Shapes:
        h: `[num_nodes, d]`, to the same.
    """
    source, target = batch["edge_index"]
    return scatter(h[source] * batch["edge_weight"].unsqueeze(1), target, dim_size=len(h), reduce=reduce)


def unread_fields(model: type[Model], name: str, dataset: Dataset) -> tuple[str, ...]:
    """A notice for each field that the edges of a data set carry and a model, called `name`, does not read."""
    if "edge_weight" not in find_items(dataset.spec.items).reads:
        return ()
    carried = [field for field in FIELDS if dataset.graph.get(field) is not None]
    return tuple(
        f"{name} does not read {field}, which the edges of {dataset.name} carry"
        for field in carried
        if field not in model.edge_fields
    )
