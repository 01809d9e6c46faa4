"""Examples with other graphs and splits, and what must be said where the check refuses them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphlab.core.errors import InputError
from graphlab.data.check import check
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.testing.examples import example

NODE, GRAPH = "node-classification", "graph-classification"


def with_graph(name: str, place: int = 0, spec: dict | None = None, **values) -> Dataset:
    """An example of which one graph has other attributes; None removes one."""
    data = example(name)
    graph = data.graphs[place].clone()
    for key, value in values.items():
        if value is None:
            del graph[key]
        else:
            graph[key] = value
    graphs = (*data.graphs[:place], graph, *data.graphs[place + 1 :])
    return replace(data, graphs=graphs, spec=replace(data.spec, **spec or {}))


def with_split(name: str, **parts) -> Dataset:
    data = example(name)
    split = Split(**{**dict(data.split().parts()), **parts})
    return replace(data, splits=Splits("mine", fixed=(split,)))


def refusal(data: Dataset, words: str, hint: str = "") -> None:
    with pytest.raises(InputError, match=words) as caught:
        check(data)
    assert data.name in caught.value.message
    assert caught.value.hint and hint in caught.value.hint
