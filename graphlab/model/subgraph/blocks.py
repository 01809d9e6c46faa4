"""Subgraphs a few roots at a time, where all of them at once would not fit. For models in which no root hears of
another, see `rootwise`.

Memory of a training step on a graph of N nodes with E edges and of T listed tuples with M messages (bytes, float32):

    lists         25 T + 24 M, made once with the data, whatever the model
    kept          some 64 T + 8 M, who hears of whom in each block, from its forward pass to its backward pass
    rows          a few times 4 dim N, what goes in and comes out
    a block       at most B tuples' activations, most of what is held without blocks, freed before the next begins

B is `max_tuples`, or the tuples of the largest subgraph where that has more. Activations of the other blocks are not
kept but made again for the gradient (Chen et al., 2016), at the cost of a second forward pass. That is what tensors
hold; the C library may keep more of what they gave back, unless MALLOC_MMAP_THRESHOLD_=131072 is set
(`benchmarks/bench_ego_memory.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch_geometric.data import Data

from graphlab.model.subgraph.tuples import TupleData


def in_blocks(model: nn.Module, rows_of: Callable[[Data], Tensor], batch: Data, max_tuples: int) -> Tensor:
    """`rows_of(batch)`, a row a root, computed block by block.

    Equal to it up to rounding but for batch normalisation while training: that normalises each block by the mean and
    variance of the block's own tuples, as if blocks were batches, so that their size becomes part of the recipe.
    Running statistics move once a block; evaluation uses them, and there blocks change nothing.
    """
    cut = Cut(batch)

    def rows(first: int, last: int) -> Tensor:
        return rows_of(cut.block(first, last))

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), frozen_statistics(model)

    spans = cut.spans(max_tuples) or [(0, 0)]
    return torch.cat(
        [cast(Tensor, checkpoint(rows, *span, use_reentrant=False, context_fn=contexts)) for span in spans]
    )


class Cut:
    """Where the tuples of each root of a batch and their messages start, and the part that some roots see."""

    def __init__(self, batch: Data) -> None:
        self._batch = batch
        num_roots = int(batch["num_roots"].sum())
        roots = torch.arange(num_roots + 1, device=batch["tuple_root"].device)
        self.start = torch.searchsorted(batch["tuple_root"], roots)
        self.message_start = torch.searchsorted(batch["uL_source"], self.start)

    def spans(self, max_tuples: int) -> list[tuple[int, int]]:
        """Roots one after the other with at most so many tuples, or one root that has more: (first, last + 1). A tuple
        alone has no variance to be normalised by, and joins its neighbours.
        """
        start = self.start.cpu()
        spans, first = [], 0
        while first < len(start) - 1:
            fits = int(torch.searchsorted(start, start[first] + max_tuples, right=True)) - 1
            last = max(fits, first + 1)
            while last < len(start) - 1 and min(start[last] - start[first], start[-1] - start[last]) < 2:
                last += 1
            spans.append((first, last))
            first = last
        return spans

    def block(self, first: int, last: int) -> Data:
        """What the roots from `first` up to `last` see, as a graph of its own: nodes, edges, tuples and messages
        numbered anew, in their order."""
        batch = self._batch
        begin, end = int(self.start[first]), int(self.start[last])
        messages = slice(int(self.message_start[first]), int(self.message_start[last]))
        nodes, node = batch["tuple_node"][begin:end].unique(return_inverse=True)
        edges, edge = batch["uL_edge"][messages].unique(return_inverse=True)
        carried = {key: batch[key][rows] for key, rows in (("x", nodes), ("edge_attr", edges)) if key in batch}
        labels = {key: batch[key][begin:end] for key in ("tuple_label", "tuple_value") if key in batch}
        return TupleData(
            num_nodes=len(nodes),
            edge_index=torch.searchsorted(nodes, batch["edge_index"][:, edges]),
            tuple_root=batch["tuple_root"][begin:end] - first,
            tuple_node=node,
            root_node=torch.searchsorted(nodes, batch["root_node"][first:last]),
            uL_target=batch["uL_target"][messages] - begin,
            uL_source=batch["uL_source"][messages] - begin,
            uL_edge=edge,
            num_roots=nodes.new_tensor([last - first]),
            num_tuples=nodes.new_tensor([end - begin]),
            **carried,
            **labels,
        )


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Batch normalisation that leaves its running statistics as they are: a block that is computed again for its
    gradient has been counted already."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d) and module.training]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = torch.zeros(())  # the module counts in place
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, kept, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
