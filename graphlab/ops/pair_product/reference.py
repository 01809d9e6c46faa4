"""The slow path: one graph after the other, every product laid out."""

from __future__ import annotations

import torch
from torch import Tensor


def reference(a: Tensor, b: Tensor, size: Tensor, left: Tensor | None = None, right: Tensor | None = None) -> Tensor:
    """`pair_product` by products laid out as `[n, n, n, d]`."""
    dim, out, start = a.size(1), [], 0
    for n in size.tolist():
        rows = slice(start, start + n * n)
        products = a[rows].view(n, n, 1, dim) * b[rows].view(1, n, n, dim)
        if left is not None or right is not None:
            heard = torch.zeros(n, n, n, dtype=torch.bool, device=a.device)
            if left is not None:
                heard |= left[rows].view(n, n, 1)
            if right is not None:
                heard |= right[rows].view(1, n, n)
            products = products * heard.unsqueeze(3)
        out.append(products.sum(1).view(n * n, dim))
        start += n * n
    return torch.cat([a.new_empty(0, a.size(1)), *out])
