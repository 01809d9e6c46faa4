"""PA&DA: single path one-shot with paths and data drawn by the size of their gradients. Lu et al., CVPR 2023.

In epoch t of T a path takes option o of a decision, and a step an item i of its batch, with probability

    p(o) = (t / T) g_o / sum g + (1 - t / T) / n        g_o the running mean of the norms of gradients of paths with o
    p(i) = (t / T) s_i / sum s + (1 - t / T) / n        s_i = |softmax(row i) - onehot(label i)|

An item counts 1 / (n p(i)), so that the expected gradient is that of all items evenly.

Ours are: that a path counts as much, the product of 1 / (n p(o)) over its decisions, which keeps the expectation that
of even paths; g from the whole gradient of a path, since most options of graph networks have no weights of their own,
where the paper takes those of an operation; its running mean; sizes of items from the step's own forward pass, where
the paper has those of the epoch before; and as many draws, with repeats, as a batch has items. Items are the nodes with
a training label, or graphs; nothing is saved by them, since a graph is one pass.
"""

from __future__ import annotations

import torch

from graphlab.core.citation import Citation
from graphlab.nas.oneshot.importance import PathNorms, with_items_drawn
from graphlab.nas.oneshot.supernets import Mixture, path
from graphlab.nas.oneshot.training import Loss, SupernetTraining
from graphlab.nas.strategies.spos import SPOS
from graphlab.nas.strategies.spos import Config as SPOSConfig


class Config(SPOSConfig):
    """paths  whether paths are drawn by the size of their gradients
    items  whether items are
    """

    paths: bool = True
    items: bool = True


class PADA(SPOS):
    """The architectures that do best with a supernet whose paths and data were drawn where gradients are large."""

    Config = Config
    citation = Citation(
        key="lu2023",
        title="PA&DA: Jointly Sampling PAth and DAta for Consistent NAS",
        authors=(
            "Lu, Shun and Hu, Yu and Yang, Longxing and Sun, Zihao and Mei, Jilin and Tan, Jianchao and Song, Chengru"
        ),
        venue="CVPR",
        year=2023,
        url="https://arxiv.org/abs/2302.14772",
    )

    def learn(self, training: SupernetTraining) -> None:
        norms = PathNorms(self.space)

        def epoch(number: int) -> None:
            for step, (on_train, _) in enumerate(training.losses(number)):
                self._step(training, norms, on_train, number, step)

        training.run(epoch, {"path norms": norms})

    def _step(self, training: SupernetTraining, norms: PathNorms, on_train: Loss, number: int, step: int) -> None:
        share, stream = number / training.epochs, training.stream.child("drawn", number, step)
        values, weight = norms.draw(share if self.config.paths else 0.0, stream.child("path").numpy())
        random = stream.child("items").numpy()

        def weighted(mixture: Mixture) -> torch.Tensor:
            loss, rows = training.with_predictions(on_train, mixture)
            return weight * (with_items_drawn(loss, rows, share, random) if self.config.items else loss)

        def note() -> None:
            norms.add(values, gradient_norm(training) / weight)

        training.descend(weighted, path(self.space, values), note)


def gradient_norm(training: SupernetTraining) -> float:
    """Of all weights together."""
    squares = [weight.grad.square().sum() for weight in training.weights if weight.grad is not None]
    return float(torch.stack(squares).sum().sqrt())
