"""Synaptic flow: how much passes through each weight, without data. Tanaka et al., NeurIPS 2020, equation 3.

    sum over weights w of |w dR/dw|, R the sum of the outputs for an input of ones, all weights as absolute values

in float64, without batch norm, since products of many layers leave the range of float32. On a graph the input is a one
in each feature of each node, messages pass over the graph's edges, and R is over all nodes; no label is used. Signs
that are a layer's own, as of cheb's messages, stay, and so do categories, which no number stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.nas.proxies import NodeProxy, TensorProxy, gradients
from graphlab.task.base import Learner, Task


class Synflow(TensorProxy, NodeProxy):
    """Flow through the weights from all inputs to all outputs; larger is taken for better."""

    citation = Citation(
        key="tanaka2020",
        title="Pruning Neural Networks without any Data by Iteratively Conserving Synaptic Flow",
        authors="Tanaka, Hidenori and Kunin, Daniel and Yamins, Daniel L. K. and Ganguli, Surya",
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2006.05467",
    )

    def terms(self, learner: Learner, task: Task[Any]) -> list[Tensor]:
        graph, _ = self.nodes(task)
        model = learner.model
        weights = {
            name: value.detach().double().abs().requires_grad_(value.requires_grad)
            for name, value in model.named_parameters()
        }
        held = {name: _double(value) for name, value in model.named_buffers()}
        with _without_norm(model):
            out = functional_call(model, {**held, **weights}, (_ones(graph),)).sum()
        flowing = [weight for weight in weights.values() if weight.requires_grad]
        flows = zip(flowing, gradients(out, flowing), strict=True)
        return [(weight.detach() * grad).abs().sum() for weight, grad in flows]


@contextmanager
def _without_norm(model: nn.Module) -> Iterator[None]:
    """Batch norms give on what they get."""
    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
                hooks.enter_context(module.register_forward_hook(lambda module, given, out: given[0]))
        yield


def _ones(graph: Data) -> Data:
    batch = Data.from_dict({key: _double(value) for key, value in graph.to_dict().items()})
    if "x" in batch and batch["x"].is_floating_point():
        # Features that have a gradient are not looked through for zeros, of which ones have none.
        batch["x"] = torch.ones_like(batch["x"]).requires_grad_()
    return batch


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value
