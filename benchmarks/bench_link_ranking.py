"""Ranking nodes of Cora against all others by GAE: one encoding and a product, beside pair by pair; one thread.

The plain arms are frozen statements of scoring by pairs: a call a node, which encodes the graph anew each time, and one
call for the pairs of all the nodes at once, which lays out two vectors a pair. All arms give the same scores. Expected:
what is left of a node is its product, a hundredth of the encoding and less; memory by nodes and no longer by pairs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median

import graphlab  # isort: skip  # before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, peak_mib, write_result
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import DataError
from graphlab.core.seeds import SeedStream
from graphlab.data.links import both_directions
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.base import LinkModel
from graphlab.model.registry import build_model

NODES, LINKS = 2708, 4486
RANKED = 64
"""Nodes that are ranked against all others in a round."""


def training_graph() -> tuple[Data, str]:
    """The training links of Cora; without its raw files as many random ones."""
    try:
        dataset = graphlab.load("planetoid/cora@links-without-features")
        return Data(edge_index=both_directions(dataset.split(0).train[:, :2]), num_nodes=NODES), "cora"
    except DataError:
        links = torch.randint(NODES, (LINKS, 2), generator=SeedStream(0).torch())
        return Data(edge_index=both_directions(links), num_nodes=NODES), "random"


def score_pairs(model: LinkModel, graph: Data, pairs: Tensor) -> Tensor:
    """Scores `[P]` of pairs as one call gave them that encodes each time."""
    first, second = model.encode(graph)[pairs].unbind(1)
    return (first * second).sum(-1)


def a_call_a_node(model: LinkModel, graph: Data, sources: Tensor) -> Tensor:
    everyone = torch.arange(NODES)
    pairs = (torch.cartesian_prod(source, everyone) for source in sources.split(1))
    return torch.stack([score_pairs(model, graph, each) for each in pairs])


def one_call(model: LinkModel, graph: Data, sources: Tensor) -> Tensor:
    return score_pairs(model, graph, torch.cartesian_prod(sources, torch.arange(NODES))).view(-1, NODES)


def encode_and_score(model: LinkModel, graph: Data, sources: Tensor) -> Tensor:
    return model.score_nodes(model.encode(graph), sources)


ARMS: dict[str, Callable[[LinkModel, Data, Tensor], Tensor]] = {
    "a call a node": a_call_a_node,
    "one call": one_call,
    "encode and score": encode_and_score,
}


def problem() -> tuple[LinkModel, Data, Tensor]:
    SeedStream(0).seed_torch()
    model = build_model("gae", DataSpec("node-pairs", (LINK,), num_entities=NODES), {}).eval()
    assert isinstance(model, LinkModel)
    return model, training_graph()[0], torch.randperm(NODES, generator=SeedStream(1).torch())[:RANKED]


def extra_memory(arm: str) -> float:
    """MiB that ranking adds to the largest resident set after a single node was ranked."""
    model, graph, sources = problem()
    ARMS[arm](model, graph, sources[:1])
    before = peak_mib()
    ARMS[arm](model, graph, sources)
    return round(peak_mib() - before, 1)


def compare() -> dict[str, object]:
    model, graph, sources = problem()
    scores = [arm(model, graph, sources) for arm in ARMS.values()]
    for other in scores[1:]:
        torch.testing.assert_close(other, scores[0])
    encoding = model.encode(graph)
    steps = {name: lambda arm=arm: arm(model, graph, sources) for name, arm in ARMS.items()}
    steps |= {
        "encode": lambda: model.encode(graph),
        "score": lambda: [model.score_nodes(encoding, source) for source in sources.split(1)],
    }
    seconds = interleaved(steps)
    after = "encode and score"
    whole = {"encode": 1, "score": len(sources)}
    return {
        "graph": training_graph()[1],
        "nodes ranked": len(sources),
        "milliseconds a node": {arm: _each(seconds["wall"][arm], len(sources)) for arm in ARMS},
        "milliseconds alone": {part: _each(seconds["wall"][part], times) for part, times in whole.items()},
        "times faster": {
            arm: {clock: round(median_ratio(each[arm], each[after]), 1) for clock, each in seconds.items()}
            for arm in ARMS
            if arm != after
        },
        "MiB": {arm: _in_a_child(arm) for arm in ARMS},
    }


def _each(seconds: list[float], times: int) -> float:
    return round(median(seconds) / times * 1e3, 3)


def _in_a_child(arm: str) -> float:
    return float(subprocess.run([sys.executable, __file__, arm], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.inference_mode():
        if len(sys.argv) > 1:
            print(extra_memory(sys.argv[1]))
        else:
            write_result("link_ranking", compare())
