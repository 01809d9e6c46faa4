"""Block models in which the direction of edges is a dial, from no information on the classes to all that there is.
Holland, Laskey and Leinhardt, Social Networks 1983, with directions drawn apart.

Two classes of 200 nodes. Each pair of nodes is joined on its own, and by one edge alone, so that there is nothing but a
direction to lose. An edge between the classes leads from the lower to the higher with probability (1 + d) / 2, d being
the dial; an edge within a class leads either way with probability 1 / 2.

What follows, exactly:

- Where all pairs are joined with one probability (`homophily=None`), the graph without directions is a uniform random
  graph whatever the classes are: which pairs are joined is drawn without a look at them. Symmetrised, the graph and the
  classes are independent, and so are features without signal: no function of both is right more often than chance.
- With d = 0 directions are independent of the classes too. With d = 1 and one probability, direction is all there is.
- Reversing all edges exchanges the classes: an edge between them leads from the higher to the lower with probability
  (1 - d) / 2. Direction says which nodes differ in class, and training labels which class is which.
- With a homophily h other than about 1/2 the graph without directions tells classes apart: of the neighbours of a node
  a share h is expected in its class.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.polynomial.polynomial import polypow

from graphlab.core.seeds import SeedStream

NUM_CLASSES = 2
CLASS_SIZE = 200
NUM_NODES = NUM_CLASSES * CLASS_SIZE
MEAN_DEGREE = 8.0
"""Expected neighbours of a node, over both directions."""

NUM_FEATURES = 8
WEAK = 0.2533
"""Of weak features, the mean of the first is this or its negative, by class: alone they are right for 60 % at best."""

PARTS = (("train", 20), ("validation", 40), ("test", 140))
"""Nodes of each class in each part."""

STREAM = SeedStream(1983).child("directed-sbm")


def classes() -> np.ndarray:
    """The class of each node, `[400]`."""
    return np.repeat(np.arange(NUM_CLASSES), CLASS_SIZE)


def pair_probabilities(homophily: float | None) -> np.ndarray:
    """Probability that a node of class a and another of class b are joined, `[2, 2]`; None joins all pairs alike."""
    if homophily is None:
        return np.full((NUM_CLASSES, NUM_CLASSES), MEAN_DEGREE / (NUM_NODES - 1))
    inside = np.eye(NUM_CLASSES)
    shares = inside * homophily / (CLASS_SIZE - 1) + (1 - inside) * (1 - homophily) / (NUM_NODES - CLASS_SIZE)
    return MEAN_DEGREE * shares


def joined_pairs(y: np.ndarray, homophily: float | None, rng: np.random.Generator) -> np.ndarray:
    """Draw which nodes are joined: pairs u < v, `[E, 2]`, sorted."""
    probability = pair_probabilities(homophily)[y[:, None], y]
    return np.argwhere(np.triu(rng.random(probability.shape) < probability, k=1))


def directed(pairs: np.ndarray, y: np.ndarray, dial: float, draws: np.ndarray) -> np.ndarray:
    """Direct pairs (u, v): from u to v where a pair's draw, uniform in [0, 1), is below the probability of that.

    Works for any number of ordered classes: edges prefer to lead to the higher.
    """
    u, v = pairs.T
    forward = draws < (1 + dial * np.sign(y[v] - y[u])) / 2
    return np.where(forward[:, None], pairs, pairs[:, ::-1])


def sample(dial: float, homophily: float | None, rng: np.random.Generator) -> np.ndarray:
    """Draw the edges (source, target) of one graph, `[E, 2]`, sorted."""
    y = classes()
    pairs = joined_pairs(y, homophily, rng)
    edges = directed(pairs, y, dial, rng.random(len(pairs)))
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))]


def degree_rule_accuracy(dial: float) -> float:
    """Accuracy of the rule that a node with more edges out than in is of the lower class, with a coin for ties.

    All pairs are joined alike. Each other node adds -1, 0 or 1 to the difference of the degrees, on its own; the
    distribution of the sum is the product of their generating polynomials.
    """
    p = MEAN_DEGREE / (NUM_NODES - 1)
    same, other = ((p * (1 - d) / 2, 1 - p, p * (1 + d) / 2) for d in (0.0, dial))
    difference = np.convolve(polypow(same, CLASS_SIZE - 1), polypow(other, CLASS_SIZE))
    middle = len(difference) // 2
    return float(difference[middle + 1 :].sum() + difference[middle] / 2)


def features(signal: float, rng: np.random.Generator) -> np.ndarray:
    """Draw the features of all nodes, `[400, 8]`."""
    x = rng.standard_normal((NUM_NODES, NUM_FEATURES))
    x[:, 0] += signal * (2 * classes() - 1)
    return x


def make(path: Path) -> None:
    """Write nodes (class, part, features) as `nodes.tsv` or, with weak features, `nodes-weak.tsv`; or the edges of a
    dial and a homophily: `direction-0.5.tsv`, `direction-1-h0.8.tsv`."""
    rng = STREAM.child(path.stem.removesuffix("-weak")).numpy()
    if path.stem.startswith("nodes"):
        path.write_text("".join(_node_lines(WEAK if path.stem == "nodes-weak" else 0.0, rng)), newline="\n")
        return
    dial, _, homophily = path.stem.removeprefix("direction-").partition("-h")
    edges = sample(float(dial), float(homophily) if homophily else None, rng)
    path.write_text("".join(f"{source}\t{target}\n" for source, target in edges), newline="\n")


def _node_lines(signal: float, rng: np.random.Generator) -> list[str]:
    x = features(signal, rng)
    names = np.repeat([name for name, _ in PARTS], [size for _, size in PARTS])
    parts = np.concatenate([rng.permutation(names) for _ in range(NUM_CLASSES)])
    return [
        f"{label}\t{part}\t" + "\t".join(f"{value:.3f}" for value in row) + "\n"
        for label, part, row in zip(classes(), parts, x, strict=True)
    ]
