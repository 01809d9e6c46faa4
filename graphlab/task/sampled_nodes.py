"""Mini-batches of nodes on sampled subgraphs. Hamilton, Ying and Leskovec, NeurIPS 2017, section 3.

The training nodes of a step, its seeds, are a range of the epoch's order; its sample is a function of the seeds and of
the step's key alone (`graphlab.ops.neighbour_sampling`), so that a run can start again at any step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.model.base import Model
from graphlab.ops.neighbour_sampling import InNeighbours, Sample, sample_neighbours
from graphlab.task.base import Shard, Steps


class NodeSampler:
    """Cuts the batches of training nodes out of a graph.

    Args:
        graph: The whole graph, on the CPU; tensors by node and by edge are cut, the rest is passed on.
        labels: int64 `[num_nodes]`, no part of what a model sees.
        items: int64 `[n]`, the training nodes.
        fan_outs: As of `sample_neighbours`.
        shard: This process's share of each step.
        device: Where batches are needed.
    """

    def __init__(
        self,
        graph: Data,
        labels: Tensor,
        items: Tensor,
        fan_outs: Sequence[int],
        shard: Shard,
        device: torch.device,
    ) -> None:
        self.graph, self.labels, self.items = graph, labels, items
        self.fan_outs, self.shard, self.device = fan_outs, shard, device
        self._neighbours = InNeighbours(graph["edge_index"], int(graph.num_nodes or 0))

    def batch(self, seeds: Tensor, key: int) -> Data:
        """This shard's part of the step with these seeds: the sampled graph with `n_id`, `e_id`, `batch_size` (its
        number of seeds, which are the first nodes), `num_sampled_nodes` and `num_sampled_edges`, as PyG names them.

        All shards draw the sample of the whole step, and each keeps what its seeds depend on.
        """
        sample = sample_neighbours(self._neighbours, seeds, self.fan_outs, key)
        share = 1.0
        if self.shard.world > 1:
            mine = self.shard.of(torch.arange(len(seeds)))
            share = len(mine) * self.shard.world / len(seeds)
            sample = sample.part(mine if len(mine) else torch.arange(1))
        batch = self._cut(sample)
        batch.share = share
        return batch.to(str(self.device))

    def _cut(self, sample: Sample) -> Data:
        graph, values = self.graph, self.graph.to_dict()
        for key, value in values.items():
            if isinstance(value, Tensor) and (graph.is_node_attr(key) or graph.is_edge_attr(key)):
                rows = sample.n_id if graph.is_node_attr(key) else sample.e_id
                values[key] = value.index_select(graph.__cat_dim__(key, value), rows)
        values |= {"edge_index": sample.edge_index, "num_nodes": len(sample.n_id)}
        values |= {"n_id": sample.n_id, "e_id": sample.e_id, "batch_size": sample.num_seeds}
        values |= {"num_sampled_nodes": sample.num_sampled_nodes, "num_sampled_edges": sample.num_sampled_edges}
        return Data.from_dict(values)

    def labels_of(self, batch: Data) -> Tensor:
        """The classes of a batch's seeds."""
        return self.labels[batch["n_id"][: batch["batch_size"]].cpu()].to(self.device)


class NodeBatches:
    """One pass over the training nodes in an order drawn from the stream; each step is sampled from its own."""

    def __init__(self, sampler: NodeSampler, stream: SeedStream, batch_size: int) -> None:
        self._sampler, self._stream = sampler, stream
        order = torch.randperm(len(sampler.items), generator=stream.child("order").torch())
        self._order = sampler.items[order]
        self._steps = Steps(len(order), batch_size)

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, step: int) -> Data:
        seeds = self._steps.of(self._order, step)
        return self._sampler.batch(seeds, self._stream.child("neighbours", step).integer())


def require_samplable(model: Model, fan_outs: Sequence[int]) -> None:
    """Raises IncompatibleError for a model that needs the whole graph, or whose layers are not as many as fan-outs."""
    name, cls = type(model).__name__, type(model)
    if cls.needs_whole_graph or cls.preparation.__func__ is not Model.preparation.__func__:
        raise IncompatibleError(
            f"{name} needs the whole graph and cannot train on sampled mini-batches",
            hint="leave task.batch_size and task.fan_outs out, or choose a model of messages, such as sage",
        )
    if model.num_hops not in (None, len(fan_outs)):
        raise IncompatibleError(
            f"{name} has {model.num_hops} layers, and task.fan_outs has {len(fan_outs)} numbers: {list(fan_outs)}",
            hint="give one number a layer, that of the training nodes first; -1 takes all neighbours",
        )
