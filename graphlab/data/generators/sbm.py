"""Stochastic block models with a homophily dial and Gaussian features of known signal.
Holland, Laskey and Leinhardt, Social Networks 1983; with features as in Deshpande et al., NeurIPS 2018.

Four classes of 100 nodes. A node of class c has x ~ N(mu e_c, I) in 16 dimensions. Each link is drawn on its
own, with a probability that depends on the two classes only: a share h of a node's expected (out-)links stays
in its class. Without direction the rest spreads evenly over the other classes; with direction it all goes to
the next class, c + 1 mod 4, which cannot be told from the previous one once direction is dropped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from graphlab.core.seeds import SeedStream

NUM_CLASSES = 4
CLASS_SIZE = 100
NUM_NODES = NUM_CLASSES * CLASS_SIZE
MEAN_DEGREE = 8.0
NUM_FEATURES = 16
SIGNAL = 1.153
"""mu: the features alone then give a Bayes accuracy of 0.6."""

PARTS = (("train", 10), ("validation", 20), ("test", 70))
"""Nodes of each class in each part."""

STREAM = SeedStream(1983).child("sbm")


def block_matrix(homophily: float, directed: bool) -> np.ndarray:
    """Probability of a link from a node of class a to another node of class b, `[4, 4]`."""
    stay = np.eye(NUM_CLASSES) * homophily / (CLASS_SIZE - 1)
    leave = np.roll(np.eye(NUM_CLASSES), 1, axis=1) if directed else (1 - np.eye(NUM_CLASSES)) / (NUM_CLASSES - 1)
    return MEAN_DEGREE * (stay + leave * (1 - homophily) / CLASS_SIZE)


def bayes_accuracy(signal: float) -> float:
    """Accuracy of the best classifier that sees a node's features only: the integral of phi(z - mu) Phi(z)^3.

    It names the class whose coordinate is largest, and is right if that coordinate exceeds the three others.
    """
    value, _ = quad(lambda z: norm.pdf(z - signal) * norm.cdf(z) ** (NUM_CLASSES - 1), -np.inf, np.inf)
    return value


def classes() -> np.ndarray:
    """The class of each node, `[400]`."""
    return np.repeat(np.arange(NUM_CLASSES), CLASS_SIZE)


def sample(homophily: float, directed: bool, rng: np.random.Generator) -> np.ndarray:
    """Draw the links of one graph, `[E, 2]`, sorted; without direction each once, as (smaller, larger)."""
    y = classes()
    linked = rng.random((NUM_NODES, NUM_NODES)) < block_matrix(homophily, directed)[y[:, None], y]
    np.fill_diagonal(linked, False)
    return np.argwhere(linked if directed else np.triu(linked))


def features(rng: np.random.Generator) -> np.ndarray:
    """Draw the features of all nodes, `[400, 16]`."""
    return SIGNAL * np.eye(NUM_CLASSES, NUM_FEATURES)[classes()] + rng.standard_normal((NUM_NODES, NUM_FEATURES))


def make(path: Path) -> None:
    """Write `nodes.tsv` (class, part, features), or the links of a variant: `directed-h0.3.tsv`."""
    rng = STREAM.child(path.stem).numpy()
    if path.stem == "nodes":
        path.write_text("".join(_node_lines(rng)), newline="\n")
    else:
        kind, homophily = path.stem.split("-h")
        links = sample(float(homophily), kind == "directed", rng)
        path.write_text("".join(f"{source}\t{target}\n" for source, target in links), newline="\n")


def _node_lines(rng: np.random.Generator) -> list[str]:
    x = features(rng)
    names = np.repeat([name for name, _ in PARTS], [size for _, size in PARTS])
    parts = np.concatenate([rng.permutation(names) for _ in range(NUM_CLASSES)])
    return [
        f"{label}\t{part}\t" + "\t".join(f"{value:.3f}" for value in row) + "\n"
        for label, part, row in zip(classes(), parts, x, strict=True)
    ]
