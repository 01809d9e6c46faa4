"""Message passing between all nodes, or along edges, with messages of triples. One step of

    z[i] = [node[i] | hidden[i]]
    m[j] = max over i of MLP(relu(A z[i] + B z[j] + C pair[i, j] + D graph))
    hidden[j] <- norm(relu(E z[j] + F m[j]))

and with triples, whose rows of pairs are decoded but not handed on,

    t[i, j, k] = T1 z[i] + T2 z[j] + T3 z[k] + U1 pair[i, j] + U2 pair[i, k] + U3 pair[j, k] + V graph
    row of (j, k) = relu(G max over i of t[i, j, k])

and with a gate g, whose last bias starts at -3, so that nodes keep their state at first,

    g[j] = sigmoid(H relu(I z[j] + J m[j])),  hidden[j] <- g[j] new[j] + (1 - g[j]) hidden[j].
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.errors import InputError
from graphlab.model.algorithmic.encoders import Features, linear
from graphlab.model.algorithmic.instances import pairs_there
from graphlab.model.algorithmic.processors import Processor, ProcessorConfig, State, largest, zero_absent
from graphlab.ops.triples import largest_sums

GATE_BIAS = -3.0


class MPNN(Processor):
    """Messages between all nodes, of which the largest counts, channel by channel.

    As CLRS-30 has it, with layer normalisation.

    References:
        Gilmer et al., Neural Message Passing for Quantum Chemistry, ICML 2017.
        Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    """

    gated: ClassVar[bool] = False
    along_edges: ClassVar[bool] = False
    citation = Citation(
        key="gilmer2017",
        title="Neural Message Passing for Quantum Chemistry",
        authors="Gilmer, Justin and Schoenholz, Samuel S. and Riley, Patrick F. and Vinyals, Oriol and Dahl, George E.",
        venue="ICML",
        year=2017,
        url="https://arxiv.org/abs/1704.01212",
    )

    def __init__(self, config: ProcessorConfig) -> None:
        super().__init__(config)
        if config.num_layers != 1:
            raise InputError(f"a step of message passing has one layer, not {config.num_layers}", hint="leave it out")
        dim = config.hidden_dim
        self.source, self.target = linear(2 * dim, dim), linear(2 * dim, dim)
        self.pair, self.graph = linear(dim, dim), linear(dim, dim)
        self.mlp = nn.Sequential(nn.ReLU(), linear(dim, dim), nn.ReLU(), linear(dim, dim))
        self.keep, self.gather = linear(2 * dim, dim), linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.triplets = Triplets(dim, config.triplet_dim) if self.gives_pairs else None
        self.gate = Gate(dim) if self.gated else None

    def forward(self, features: Features, state: State) -> State:
        z = torch.cat([features.node, state.node], dim=-1)
        messages = self.source(z).unsqueeze(2) + self.target(z).unsqueeze(1) + self.pair(features.pair)
        messages = self.mlp(messages + self.graph(features.graph)[:, None, None])
        kept = pairs_there(features.there)
        kept = kept & features.adjacency if self.along_edges else kept
        received, penalty = self.aggregate(messages, kept)
        new = self.update(z, received, state.node)
        pair = None if self.triplets is None else self.triplets(z, features)
        return State(zero_absent(new, features.there), pair, penalty)

    def update(self, z: Tensor, received: Tensor, hidden: Tensor) -> Tensor:
        """The new state of nodes, of their rows, what they received and their state: `[..., dim]`."""
        new = self.norm((self.keep(z) + self.gather(received)).relu())
        if self.gate is None:
            return new
        gate = self.gate(z, received)
        return gate * new + (1 - gate) * hidden

    def aggregate(self, messages: Tensor, kept: Tensor) -> tuple[Tensor, Tensor | None]:
        """What each node receives, `[B, n, dim]`, and a penalty, of messages `[B, n, n, dim]` from the first node to
        the second that are kept."""
        return largest(messages, kept, 1), None


class PGN(MPNN):
    """MPNN whose messages go along the edges that inputs and hints show: masks of pairs and pointers, both ways.

    References:
        Velickovic et al., Pointer Graph Networks, NeurIPS 2020.
    """

    along_edges = True
    citation = Citation(
        key="velickovic2020",
        title="Pointer Graph Networks",
        authors="Veli\u010dkovi\u0107, Petar and Buesing, Lars and Overlan, Matthew C. and Pascanu, Razvan and "
        "Vinyals, Oriol and Blundell, Charles",
        venue="NeurIPS",
        year=2020,
        url="https://arxiv.org/abs/2006.06380",
    )


class GatedPGN(PGN):
    """PGN with the gate of Triplet-GMPNN.

    References:
        Ibarz et al., A Generalist Neural Algorithmic Learner, LoG 2022.
    """

    gated = True


class TripletGMPNN(MPNN):
    """MPNN with a gate and messages of triples.

    References:
        Ibarz et al., A Generalist Neural Algorithmic Learner, LoG 2022.
        Dudzik and Velickovic, Graph Neural Networks are Dynamic Programmers, NeurIPS 2022.
    """

    gives_pairs = True
    gated = True
    citation = Citation(
        key="ibarz2022",
        title="A Generalist Neural Algorithmic Learner",
        authors="Ibarz, Borja and Kurin, Vitaly and Papamakarios, George and others",
        venue="LoG",
        year=2022,
        url="https://arxiv.org/abs/2209.11142",
    )


class Gate(nn.Module):
    """How much of a node's state is new, in (0, 1): `[B, n, 2 dim]` and `[B, n, dim]` to `[B, n, dim]`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.own, self.received, self.last = linear(2 * dim, dim), linear(dim, dim), linear(dim, dim, GATE_BIAS)

    def forward(self, z: Tensor, received: Tensor) -> Tensor:
        return self.last((self.own(z) + self.received(received)).relu()).sigmoid()


class Triplets(nn.Module):
    """Messages of triples to their last two nodes."""

    def __init__(self, dim: int, triplet_dim: int) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(linear(2 * dim, triplet_dim) for _ in range(3))
        self.pairs = nn.ModuleList(linear(dim, triplet_dim) for _ in range(3))
        self.graph, self.out = linear(dim, triplet_dim), linear(triplet_dim, dim)

    def forward(self, z: Tensor, features: Features) -> Tensor:
        """Rows of pairs `[B, n, n, dim]`. Terms without the first node are added after the maximum over it."""
        first, second, third = (layer(z) for layer in self.nodes)
        to_second, to_third, between = (layer(features.pair) for layer in self.pairs)
        to_second = (to_second + first.unsqueeze(2)).masked_fill(~features.there[:, :, None, None], -torch.inf)
        peak = largest_sums(to_second, to_third)
        rest = second.unsqueeze(2) + third.unsqueeze(1) + between + self.graph(features.graph)[:, None, None]
        return zero_absent(self.out(peak + rest).relu(), features.there)
