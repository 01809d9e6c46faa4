"""Learnable commutative monoids: sets are aggregated by a learned binary operator. Ong and Velickovic, LoG 2022.

The operator is a GRU cell that is applied both ways round and averaged,

    a * b = (GRU(a, b) + GRU(b, a)) / 2,

so it commutes exactly. `LCMAggregation` applies it at every node of a balanced binary tree over the elements of a set,
in depth ceil(log2 n). The operator is associative only as far as training makes it so: `associativity_loss` is what
training adds to its loss. Without associativity the order of a set's elements matters from three elements on.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from graphlab.core.errors import InputError


class CommutativeMonoid(nn.Module):
    """A learned commutative operator on vectors, with an identity element.

    Args:
        dim: Width of the vectors.

    Shapes:
        left, right: `[..., dim]`.
        Returns: `[..., dim]`.

    References:
        Ong and Velickovic, Learnable Commutative Monoids for Graph Neural Networks, LoG 2022.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim < 1:
            raise InputError(f"a width of {dim} is not positive", hint="give a width of at least 1")
        self.dim = dim
        self.cell = nn.GRUCell(dim, dim)
        self.identity = nn.Parameter(torch.zeros(dim))

    def reset_parameters(self) -> None:
        self.cell.reset_parameters()
        nn.init.zeros_(self.identity)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        # Two calls of the same shape: exchanging the operands exchanges the summands, and no bit of the sum changes.
        flat_left, flat_right = left.reshape(-1, self.dim), right.reshape(-1, self.dim)
        out = (self.cell(flat_left, flat_right) + self.cell(flat_right, flat_left)) / 2
        return out.view(left.shape).to(left.dtype)  # mixed precision narrows what the cell gives

    def associativity_loss(
        self, values: Tensor, num_triples: int = 128, generator: torch.Generator | None = None
    ) -> Tensor:
        """The mean squared difference of a * (b * c) and (a * b) * c over triples that are drawn from `values`.

        Args:
            values: `[rows, dim]`; every member of a triple is a row, drawn independently and uniformly.
            num_triples: How many triples are drawn.
            generator: Source of the draws, on the CPU; PyTorch's own if None.

        Returns:
            A scalar, differentiable in the parameters and in `values`.

        Raises:
            InputError: `values` has the wrong shape or no rows, or `num_triples` is not positive.
        """
        _check_rows(values, self.dim)
        if not len(values) or num_triples < 1:
            raise InputError(
                f"{num_triples} triples cannot be drawn from {len(values)} rows", hint="give at least one of each"
            )
        drawn = torch.randint(len(values), (3, num_triples), generator=generator).to(values.device)
        first, second, third = values[drawn].unbind()
        difference = self(first, self(second, third)) - self(self(first, second), third)
        return difference.square().mean()


class LCMAggregation(nn.Module):
    """Aggregation of sets by a balanced binary tree of a commutative monoid.

    Neighbours in the tree are neighbours in the order of the rows. At a level with an odd number of nodes the last node
    moves up unchanged, which is to combine it with an exact identity. Nothing is padded, so the result for a set
    depends on the elements of this set alone.

    Args:
        in_dim: Width of the elements.
        dim: Width of the result.
        project: Whether a linear map and a ReLU come before the tree. `in_dim` equals `dim` otherwise.

    Raises:
        InputError: `project` is False and the widths differ.

    References:
        Ong and Velickovic, Learnable Commutative Monoids for Graph Neural Networks, LoG 2022.
    """

    def __init__(self, in_dim: int, dim: int, *, project: bool = True) -> None:
        super().__init__()
        if in_dim != dim and not project:
            raise InputError(
                f"elements of width {in_dim} do not fit a tree of width {dim}", hint="set project, or use one width"
            )
        self.in_dim = in_dim
        self.lin = nn.Linear(in_dim, dim) if project else None
        self.monoid = CommutativeMonoid(dim)

    def reset_parameters(self) -> None:
        if self.lin is not None:
            self.lin.reset_parameters()
        self.monoid.reset_parameters()

    def forward(self, values: Tensor, index: Tensor, num_sets: int | None = None) -> Tensor:
        """The aggregate of each set.

        Args:
            values: `[rows, in_dim]`, the elements of all sets.
            index: int64 `[rows]`, the set of each element; in any order.
            num_sets: How many sets there are; the highest of `index` and one if None.

        Returns:
            `[num_sets, dim]`. Empty sets have `monoid.identity`, a parameter that starts at zero.

        Raises:
            InputError: A shape or dtype is wrong, or `index` names a set that does not exist.
        """
        return self.levels(values, index, num_sets)[-1]

    def levels(self, values: Tensor, index: Tensor, num_sets: int | None = None) -> list[Tensor]:
        """The nodes of all trees, level by level from the leaves; at the end the result of `forward`.

        `torch.cat` of them is what `associativity_loss` best draws from: leaves alone are not all that the operator
        meets.
        """
        num_sets = _check_sets(values, index, num_sets, self.in_dim)
        owner, order = index.sort(stable=True)
        nodes = values[order]
        if self.lin is not None:
            nodes = self.lin(nodes).relu()
        size = torch.bincount(owner, minlength=num_sets)
        position = torch.arange(len(owner), device=owner.device) - (size.cumsum(0) - size)[owner]
        levels = [nodes]
        for _ in range(tree_depth(int(size.max()) if num_sets else 0)):
            left = (position % 2 == 0).nonzero().squeeze(1)
            pair = (position[left] + 1 < size[owner[left]]).nonzero().squeeze(1)
            start = left[pair]
            nodes = nodes[left].index_copy(0, pair, self.monoid(nodes[start], nodes[start + 1]))
            levels.append(nodes)
            owner, position, size = owner[left], position[left] // 2, (size + 1) // 2
        identity = self.monoid.identity.to(nodes.dtype).expand(num_sets, -1)
        return [*levels, identity.index_copy(0, owner, nodes)]


def tree_depth(size: int) -> int:
    """ceil(log2 n), the levels of operators over n elements; 0 for none."""
    return max(size - 1, 0).bit_length()


def from_pyg(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of PyG's `LCMAggregation` by their names here.

    `lin.*` keeps its name and `gru_cell.*` becomes `monoid.cell.*`. PyG has no identity: empty sets give zero here, as
    this module's own start does.
    """
    renamed = {name.replace("gru_cell.", "monoid.cell."): weight for name, weight in state.items()}
    renamed["monoid.identity"] = torch.zeros_like(state["gru_cell.bias_hh"][: len(state["gru_cell.bias_hh"]) // 3])
    return renamed


def _check_rows(values: Tensor, dim: int) -> None:
    if values.ndim != 2 or values.size(1) != dim or not values.is_floating_point():
        raise InputError(
            f"elements are {values.dtype} {list(values.shape)}", hint=f"give floating point numbers [rows, {dim}]"
        )


def _check_sets(values: Tensor, index: Tensor, num_sets: int | None, dim: int) -> int:
    """The number of sets, if the request makes sense."""
    _check_rows(values, dim)
    if index.dtype != torch.int64 or index.shape != values.shape[:1]:
        raise InputError(
            f"the index of sets is {index.dtype} {list(index.shape)}", hint=f"give int64 [{len(values)}], one each"
        )
    low, high = (int(index.min()), int(index.max())) if len(index) else (0, -1)
    num_sets = high + 1 if num_sets is None else num_sets
    if num_sets < 0:
        raise InputError(f"a number of sets is not negative: {num_sets}", hint="leave it out to count up to the index")
    if low < 0 or high >= num_sets:
        raise InputError(
            f"the index has sets {low} to {high}, but there are {num_sets}", hint="count sets from 0 to num_sets - 1"
        )
    return num_sets
