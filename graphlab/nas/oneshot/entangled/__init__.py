"""Supernets whose options share weights, mixed before they are applied. Sukthanker et al. (TangleNAS), AutoML 2024.

Of options that are slices of one weight W, of widths n_i and with the weights a_i of a mixture, what is applied is

    sum_i a_i pad(W[:n_i]) = m * W        m_k the sum of the a_i with n_i > k

zeros standing where a slice has nothing: one product, whatever the number of options. Each file has the supernet of the
space of its name; `entangled_supernet` finds it.
"""

from __future__ import annotations

from importlib import import_module

from graphlab.core.errors import IncompatibleError
from graphlab.nas.core.space import Space
from graphlab.nas.oneshot.supernets import Supernet

CLASSES = {
    "gnn-micro": "graphlab.nas.oneshot.entangled.gnn_micro:EntangledMicroSupernet",
    "nas-bench-graph": "graphlab.nas.oneshot.entangled.nas_bench_graph:EntangledBenchSupernet",
}
"""By the name of a space."""


def entangled_supernet(space: Space) -> type[Supernet]:
    """Raises IncompatibleError for a space without an entangled supernet."""
    if space.name not in CLASSES:
        raise IncompatibleError(
            f"the space {space.name} has no supernet with entangled weights",
            hint=f"search {' or '.join(CLASSES)}, or choose another strategy",
        )
    module, _, name = CLASSES[space.name].partition(":")
    return getattr(import_module(module), name)
