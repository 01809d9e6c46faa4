"""How far the classes of joined nodes agree, and how much one says of the other.

Of ordered pairs (u, v) with classes, let p(a, b) be the share of those with y_u = a and y_v = b, p(a, .) and p(., b)
its sums, n the number of nodes with a class, n_k that of class k, and C the number of classes that occur. H is entropy.

    edge      h = sum_k p(k, k)
    node      the mean, over the nodes u that have a pair, of the share of their v with y_v = y_u
    class     1 / (C - 1) sum_k max(0, h_k - n_k / n), h_k the share of pairs with y_u = k that have y_v = k
    adjusted  (h - sum_k p(k, .) p(., k)) / (1 - sum_k p(k, .) p(., k))
    LI        (H(p(a, .)) + H(p(., b)) - H(p(a, b))) / H(p(a, .))

Of pairs that go both ways these are the measures of undirected graphs: p(k, .) = p(., k) = D_k / 2|E|, the share of
degree that class k has, and LI = 2 - H(p(a, b)) / H(p(a, .)). Of others adjusted is the assortativity coefficient of
Newman, and LI what the class of v says of that of u. Reversed pairs have the same edge and adjusted homophily.

Pairs with an end that has no class are left out; such a node may still be the one in the middle of a pattern. Where
there is no pair, nothing is defined. Adjusted homophily and LI are not defined where all ends have one class, LI where
all u have, nor class homophily where all nodes have.

References:
    Platonov, Kuznedelev, Babenko and Prokhorenkova, Characterizing Graph Datasets for Node Classification, NeurIPS
    2023: adjusted homophily and label informativeness.
    Pei et al., Geom-GCN, ICLR 2020: node homophily.
    Lim et al., Large Scale Learning on Non-Homophilous Graphs, NeurIPS 2021: class homophily.
    Newman, Mixing Patterns in Networks, Physical Review E 67, 2003: the assortativity coefficient.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from graphlab.core.errors import InputError
from graphlab.data.spec import UNLABELLED


@dataclass(frozen=True)
class Homophily:
    """The measures of some pairs; None where one is not defined.

    num_pairs  pairs whose ends both have a class
    """

    num_pairs: int
    edge: float | None
    node: float | None
    class_insensitive: float | None
    adjusted: float | None
    label_informativeness: float | None


def homophily_of(blocks: Iterable[tuple[np.ndarray, np.ndarray]], y: np.ndarray) -> Homophily:
    """The measures of pairs (u, v), which come in blocks.

    Args:
        blocks: Ids u and v, int64 `[pairs]`, as `pattern_blocks` gives them; those of one u may be in several.
        y: Classes from 0, int64 `[num_nodes]`, `UNLABELLED` where not known.

    Raises:
        InputError: y is not of that form.
    """
    classes = np.asarray(y)
    if classes.ndim != 1 or classes.dtype.kind not in "iu" or classes.min(initial=0) < UNLABELLED:
        raise InputError(
            f"classes of nodes are {classes.dtype} of the shape {list(classes.shape)}",
            hint=f"give one whole number from 0 a node, and {UNLABELLED} where the class is not known",
        )
    num_nodes, size = len(classes), int(classes.max(initial=0)) + 1
    mixing = np.zeros(size * size, dtype=np.int64)
    pairs, agreeing = np.zeros(num_nodes, dtype=np.int64), np.zeros(num_nodes, dtype=np.int64)
    for u, v in blocks:
        known = (classes[u] != UNLABELLED) & (classes[v] != UNLABELLED)
        source, of_source, of_target = u[known], classes[u[known]], classes[v[known]]
        mixing += np.bincount(of_source * size + of_target, minlength=size * size)
        pairs += np.bincount(source, minlength=num_nodes)
        agreeing += np.bincount(source[of_source == of_target], minlength=num_nodes)
    return _measures(mixing.reshape(size, size), pairs, agreeing, np.bincount(classes[classes != UNLABELLED]))


def _measures(mixing: np.ndarray, pairs: np.ndarray, agreeing: np.ndarray, class_sizes: np.ndarray) -> Homophily:
    """From pairs by classes, pairs and agreeing pairs by node, and nodes by class."""
    total = int(mixing.sum())
    if not total:
        return Homophily(0, None, None, None, None, None)
    joint = mixing / total
    sources, targets = joint.sum(1), joint.sum(0)
    edge, chance = float(np.trace(mixing) / total), float(sources @ targets)
    joined = pairs > 0
    entropy = _entropy(sources)
    informed = (entropy + _entropy(targets) - _entropy(joint)) / entropy if entropy > 0 else None
    one_class = np.count_nonzero(mixing.sum(1) + mixing.sum(0)) == 1
    return Homophily(
        num_pairs=total,
        edge=edge,
        node=float(np.mean(agreeing[joined] / pairs[joined])),
        class_insensitive=_class_insensitive(mixing, class_sizes),
        adjusted=None if one_class else (edge - chance) / (1 - chance),
        label_informativeness=informed,
    )


def _class_insensitive(mixing: np.ndarray, class_sizes: np.ndarray) -> float | None:
    occurring = np.flatnonzero(class_sizes)
    if len(occurring) < 2:
        return None
    of_class = mixing.sum(1)[occurring]
    share = np.divide(mixing.diagonal()[occurring], of_class, out=np.zeros(len(occurring)), where=of_class > 0)
    excess = np.maximum(0, share - class_sizes[occurring] / class_sizes.sum())
    return float(excess.sum() / (len(occurring) - 1))


def _entropy(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())
