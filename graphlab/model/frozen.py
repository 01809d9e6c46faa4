"""Integer networks made of quantised ones: `freeze` reads what the quantisers of a trained learner have come to.

`gcn`, `sage`, `gat` and `gin` can be frozen, with every weight and every value that a layer reads or gives in 8 bits or
fewer. Of `gat` that includes shares of attention and the sums that ELU reads; of `gin` features, states, the weights of
sums, and the task's head. What cannot be is refused by its name. Weights of edges follow from the
graph by functions of the models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import Continuous
from graphlab.model.layered import Block
from graphlab.model.observation import OBSERVERS, is_observed
from graphlab.model.pruned_weights import pruned_by
from graphlab.quantization.attention import Attention, Table
from graphlab.quantization.network import INPUT, OUTPUT, IntegerNetwork
from graphlab.quantization.operations import Join, Operation, Product, Sum
from graphlab.quantization.quantisers import Quantiser
from graphlab.quantization.rows import Edges, Grid
from graphlab.quantization.states import Beside, Norm, OwnSum, Pool

SCHEME = "train it with transform=quantize and a scheme as w8a8 or w4a8"


def freeze(learner: Any) -> IntegerNetwork:
    """The integers of a trained learner, whose numbers were rounded in training by the transform `quantize`.

    Raises:
        IncompatibleError: The model, or a format of one of its places, has no form on integers; it is named.
        InputError: A quantiser has not seen any values yet.
    """
    from graphlab.model.zoo.gat import GAT
    from graphlab.model.zoo.gcn import GCN
    from graphlab.model.zoo.gin import GIN
    from graphlab.model.zoo.sage import SAGE

    model = learner.model
    if type(model) is GIN:
        return IntegerNetwork("gin", _grid(model, "states"), None, tuple(_gin(model, learner.head)))
    if any(True for _ in learner.head.parameters()):
        raise IncompatibleError(
            "the task's head has weights, which do not run on integers", hint="choose a task without one"
        )
    for kind, name, layers in ((GCN, "gcn", _gcn), (SAGE, "sage", _sage), (GAT, "gat", _gat)):
        if type(model) is kind:
            operations = tuple(layers(model))
            first: Any = model.convs[0]
            grid = _grid(first.lin_l if kind is SAGE else first.lin, "input")
            adjacency = None if kind is GAT else _grid(model, "adjacency")
            return IntegerNetwork(name, grid, adjacency, operations)
    raise IncompatibleError(
        f"{type(model).__name__} has no form on integers",
        hint="gcn, sage, gat and gin can be frozen; others run in floats",
    )


def _gcn(model: Any) -> Iterator[Operation]:
    for depth, conv in enumerate(model.convs):
        _refuse_observed(conv, "message", "aggregate")
        yield _product(conv.lin, _rows(depth), f"map{depth}")
        grid = _next_grid(model, depth, "lin")
        yield Sum(f"map{depth}", _rows(depth + 1, model), grid, grid is not None, bias=_bias(conv))


def _sage(model: Any) -> Iterator[Operation]:
    if model.normalize:
        raise IncompatibleError("rows of length one do not run on integers", hint="train sage with normalize=False")
    for depth, conv in enumerate(model.convs):
        _refuse_observed(conv, "message")
        if _grid(conv.lin_l, "input") != _grid(conv.lin_r, "input"):
            raise IncompatibleError(
                f"the two maps of layer {depth} read rows of different formats", hint="give lin_l and lin_r the same"
            )
        yield _product(conv.lin_l, _rows(depth), f"map{depth}")
        of_mean = _grid(conv, "aggregate") if is_observed(conv, "aggregate") else None
        yield Sum(f"map{depth}", f"mean{depth}", of_mean, False, bias=None)
        yield _product(conv.lin_r, _rows(depth), f"own{depth}")
        grid, target = _next_grid(model, depth, "lin_l"), _rows(depth + 1, model)
        yield Join(f"mean{depth}", target, grid, grid is not None, other=f"own{depth}", bias=_bias(conv.lin_l))


def _gat(model: Any) -> Iterator[Operation]:
    if model.weighted:
        raise IncompatibleError(
            "attention to weights of edges does not run on integers", hint="train gat on edges without weights"
        )
    for depth, conv in enumerate(model.convs):
        _refuse_observed(conv, "message", "aggregate")
        mapped, scores, target = f"map{depth}", f"scores{depth}", _rows(depth + 1, model)
        yield _product(conv.lin, _rows(depth), mapped)
        yield _scores(conv, mapped, scores)
        sums = None if target == OUTPUT else _grid(conv, "states")
        yield Attention(
            mapped,
            target if sums is None else f"sums{depth}",
            sums,
            False,
            other=scores,
            heads=conv.heads,
            is_mean=not conv.concat,
            slope=conv.negative_slope,
            shares=_grid(conv, "attention"),
            bias=_bias(conv),
        )
        after = _next_grid(model, depth, "lin")
        if sums is not None and after is not None:
            yield Table.of(model.activation, f"sums{depth}", target, sums, after)


def _scores(conv: Any, source: str, target: str) -> Product:
    """The product of rows with both vectors of attention of each head, in a matrix `[heads width, 2 heads]`."""
    both = [_integers(conv, name, target) for name in ("att_src", "att_dst")]
    blocks = [torch.block_diag(*integers[0].unsqueeze(-1)) for integers, _, _ in both]
    scales = torch.cat([scale.expand(1, conv.heads, 1).reshape(-1) for _, scale, _ in both])
    bits = max(each for _, _, each in both)
    return Product(source, target, None, False, torch.cat(blocks, dim=1).to(torch.int8).contiguous(), scales, bits)


def _gin(model: Any, head: Any) -> Iterator[Operation]:
    if not isinstance(model.features, Continuous):
        raise IncompatibleError("features that are categories do not run on integers", hint="give numbers as features")
    states = {INPUT: _grid(model, "states")}
    for depth, conv in enumerate(model.convs):
        _refuse_observed(conv, "aggregate")
        first, norm, _, second, last_norm, _ = conv.mlp
        names = [f"{name}{depth}" for name in ("sum", "map", "hidden", "mapped", "states")]
        try:
            weights = _grid(conv, "adjacency")
            yield OwnSum.of([*states][-1], names[0], _grid(first, "input"), weights, float(1 + conv.eps.detach()))
        except InputError as error:
            raise IncompatibleError(f"layer {depth}: {error}", hint=error.hint) from error
        states[names[-1]] = _grid(conv, "states")
        yield _product(first, names[0], names[1], _bias(first))
        yield _norm(norm, names[1], names[2], _grid(second, "input"))
        yield _product(second, names[2], names[3], _bias(second))
        yield _norm(last_norm, names[3], names[4], states[names[-1]])
    yield from _head(head, states)


def _head(head: Any, states: dict[str, Grid]) -> Iterator[Operation]:
    """All states side by side on the grid of the first map's input, of graphs after pooling, then the maps."""
    reads = getattr(head, "reads", None)
    if reads not in ("rows", "pooled rows"):
        raise IncompatibleError(
            f"a head of {type(head).__name__} does not run on integers", hint="ask about classes of nodes or graphs"
        )
    if reads == "pooled rows" and head.pooling == "max":
        raise IncompatibleError("pooling by max does not run on integers", hint="pool by sum or mean")
    mlp = head.mlp
    grid = _grid(mlp[0], "input")
    for name, before in states.items():
        if reads == "pooled rows":
            yield Pool(name, f"{name}-beside", grid, False, is_mean=head.pooling == "mean")
        else:
            yield Table.of(lambda values: values, name, f"{name}-beside", before, grid)
    first, *others = (f"{name}-beside" for name in states)
    yield Beside(first, "head0", grid, False, tuple(others))
    maps: list[Any] = [each for each in mlp if isinstance(each, nn.Linear)]
    for place, each in enumerate(maps):
        is_last = place + 1 == len(maps)
        target = OUTPUT if is_last else f"maps{place}"
        yield _product(each, f"head{place}", target, _bias(each))
        if not is_last:
            before, after = _grid(each, "output"), _grid(maps[place + 1], "input")
            yield Table.of(torch.relu, target, f"head{place + 1}", before, after)


def _norm(norm: Any, source: str, target: str, grid: Grid) -> Norm:
    """A batch norm by its running statistics, and the ReLU after it."""
    factor = _numbers(norm.weight) / (_numbers(norm.running_var) + norm.eps).sqrt()
    return Norm(source, target, grid, True, factor, _numbers(norm.bias) - _numbers(norm.running_mean) * factor)


def _rows(depth: int, model: Any = None) -> str:
    """The name of what a layer reads."""
    if model is not None and depth == len(model.convs):
        return OUTPUT
    return f"rows{depth}" if depth else INPUT


def _next_grid(model: Any, depth: int, layer: str) -> Grid | None:
    return None if depth + 1 == len(model.convs) else _grid(getattr(model.convs[depth + 1], layer), "input")


def _product(layer: Any, source: str, target: str, bias: Tensor | None = None) -> Product:
    integers, scale, bits = _integers(layer, "weight", target)
    scales, grid = scale.reshape(-1).expand(len(integers)).contiguous(), _grid(layer, "output")
    if bias is not None:  # a channel without weights has a scale too small for its bias
        scales = torch.where(integers.any(dim=1), scales, grid.scale)
    return Product(source, target, grid, False, integers.T.to(torch.int8).contiguous(), scales, bits, bias)


def _integers(module: Any, name: str, target: str) -> tuple[Tensor, Tensor, int]:
    """The integers of a weight, their scales in float64, and their bits."""
    chain = module.parametrizations[name] if parametrize.is_parametrized(module, name) else None
    quantiser = None if chain is None else chain[0]
    if not isinstance(quantiser, Quantiser) or quantiser.format.bits > 8:
        raise IncompatibleError(f"a weight of {target} has no integers of 8 bits or fewer", hint=SCHEME)
    original = chain.original  # pyright: ignore[reportOptionalMemberAccess]
    integers = quantiser.integers(original)
    for mask in pruned_by(chain):
        integers = integers * mask.mask
    scale, zero_point = quantiser.parameters_of()
    if zero_point.any() or quantiser.channel != 0:
        raise IncompatibleError(
            f"the weight of {target} has integers that are not symmetric", hint="give it a format as int8-symmetric"
        )
    return integers, scale.detach().double(), int(quantiser.format.bits)


def _grid(module: nn.Module, point: str) -> Grid:
    observers: Any = module._modules.get(OBSERVERS, {})
    if point not in observers or not isinstance(quantiser := observers[point], Quantiser):
        raise IncompatibleError(f"{point} of {_name(module)} is not rounded", hint=SCHEME)
    try:
        return Grid.of(quantiser.format, *(each.detach() for each in quantiser.parameters_of()))
    except InputError as error:
        raise IncompatibleError(f"{point} of {_name(module)}: {error.message}", hint=error.hint) from error


def _name(module: nn.Module) -> str:
    return parametrize.type_before_parametrizations(module).__name__


def _refuse_observed(module: nn.Module, *points: str) -> None:
    observers: Any = module._modules.get(OBSERVERS, {})
    for point in points:
        if point in observers:
            raise IncompatibleError(
                f"{point}s that are rounded have no form on integers, where sums are exact",
                hint=f"leave {point} out of the scheme",
            )


def _bias(module: nn.Module) -> Tensor:
    """The bias of a module before it was rounded to steps of a sum, which operations do themselves."""
    if parametrize.is_parametrized(module, "bias"):
        return _numbers(module.get_parameter("parametrizations.bias.original"))
    return _numbers(module.get_parameter("bias"))


def _numbers(tensor: Tensor) -> Tensor:
    return tensor.detach().double().cpu().contiguous()


def _messages() -> dict[str, Callable[[Tensor, Tensor | None, int], Block]]:
    from graphlab.model.zoo import gat, gcn, gin, sage

    return {"gcn": gcn.normalised, "sage": sage.averaged, "gat": gat.with_loops, "gin": gin.with_loops}


def _on_cpu(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.cpu()


@dataclass(frozen=True)
class FrozenModel:
    """A network on integers that maps graphs.

    Attributes:
        network: Its operations.
        about: What it was made of.
    """

    network: IntegerNetwork
    about: dict[str, str]

    def edges(self, graph: Data) -> Edges:
        """The edges of a graph, with the weights that the network reads; they can be kept for several calls.

        They are made on the CPU, so that they are the same integers on every device, and lie where the features do.
        """
        num_nodes = int(graph.num_nodes or 0)
        edge_index, weight, graph_of = (_on_cpu(graph.get(name)) for name in ("edge_index", "edge_weight", "batch"))
        assert edge_index is not None
        block = _messages()[self.network.messages](edge_index, weight, num_nodes)
        num_graphs = 1 if graph_of is None else int(getattr(graph, "num_graphs", None) or graph_of.max() + 1)
        edges = self.network.edges(block.edge_index, block.edge_weight, num_nodes, graph_of, num_graphs)
        return edges.to(graph["x"].device)

    def __call__(self, graph: Data, edges: Edges | None = None) -> Tensor:
        """Logits of all nodes, or graphs, float32 `[num_nodes, out_dim]`: the last integers times their scale."""
        return self.network.run(graph["x"], self.edges(graph) if edges is None else edges).values()
