"""Tiny data sets in the layout of the package ogb, file by file as it unpacks its archives."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from graphlab.data.adapters import ogbl, ogbn

LAYOUTS = {f"{family.CARD.family}/{name}": layout for family in (ogbl, ogbn) for name, layout in family.LAYOUTS.items()}
"""By the name of the data set."""

NODES, FEATURES, CLASSES, HELD_OUT = 40, 6, 4, 12


def master(name: str) -> dict[str, str]:
    """What ogb's own table says of a data set, read without importing ogb."""
    kind = "linkproppred" if name.startswith("ogbl") else "nodeproppred"
    path = Path(find_spec("ogb").origin).parent / kind / "master.csv"
    return pd.read_csv(path, index_col=0, keep_default_na=False)[name].to_dict()


def write_table(folder: Path, name: str, values) -> None:
    """As ogb writes its tables: neither heading nor index."""
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(np.asarray(values)).to_csv(
        folder / f"{name}.csv.gz", index=False, header=False, compression={"method": "gzip", "mtime": 0}
    )


def write(root: Path, name: str, seed: int = 0, **saving) -> dict[str, int]:
    """Write a stand-in of the data set `ogbl/...` or `ogbn/...`; its counts, as a card has them.

    `saving` goes to torch.save; `as_tensors=True` saves tensors in place of arrays.
    """
    layout, random = LAYOUTS[name], np.random.default_rng(seed)
    folder = root / layout.folder
    (folder / "raw").mkdir(parents=True)
    (folder / "split" / layout.scheme).mkdir(parents=True)
    (folder / "processed").mkdir()
    (folder / f"RELEASE_v{layout.version}.txt").write_text("")
    return (_write_links if name.startswith("ogbl") else _write_nodes)(folder, layout, random, **saving)


def _raw(folder, random, edges, features):
    raw = folder / "raw"
    write_table(raw, "edge", edges)
    write_table(raw, "num-node-list", [[NODES]])
    write_table(raw, "num-edge-list", [[len(edges)]])
    if features is not None:
        write_table(raw, "node-feat", features)
    return raw


def _write_nodes(folder, layout, random):
    edges = random.integers(NODES, size=(150, 2))
    edges = edges[edges[:, 0] != edges[:, 1]]
    raw = _raw(folder, random, edges, random.normal(size=(NODES, FEATURES)).round(4))
    write_table(raw, "node-label", random.integers(CLASSES, size=(NODES, 1)))
    if "node_year" in layout.tables:
        write_table(raw, "node_year", random.integers(1990, 2020, size=(NODES, 1)))
    order, split = random.permutation(NODES), folder / "split" / layout.scheme
    parts = {"train": order[:20], "valid": order[20:30], "test": order[30:]}
    for part, ids in parts.items():
        write_table(split, part, ids[:, None])
    directed = folder.name == "ogbn_arxiv"
    sizes = {"num_train": 20, "num_validation": 10, "num_test": 10}
    num_edges = len(edges) if directed else 2 * len(edges)
    counts = {"num_nodes": NODES, "num_edges": num_edges, "num_features": FEATURES, "num_outputs": CLASSES}
    return {**counts, **sizes}


def _write_links(folder, layout, random, *, as_tensors=False, **saving):
    """Pairs in either order; those of collab repeat within training and over parts, as they do there."""
    pairs = np.argwhere(np.triu(np.ones((NODES, NODES), bool), 1))
    pairs = pairs[random.permutation(len(pairs))]
    turned = np.where(random.random((len(pairs), 1)) < 0.5, pairs[:, ::-1], pairs)
    links, others = turned[:144], turned[144:]
    train, valid, test = links[: -2 * HELD_OUT], links[-2 * HELD_OUT : -HELD_OUT], links[-HELD_OUT:]
    is_collab, is_cited = "edge_year" in layout.tables, layout.name == "ogbl-citation2"
    if is_collab:
        train, test = np.concatenate([train, train[:5, ::-1], valid[:2]]), np.concatenate([test, train[7:9]])
    features = None
    if "node-feat" in layout.tables:
        features = np.eye(FEATURES, dtype=int)[random.integers(FEATURES, size=NODES)]
        features = features if layout.name == "ogbl-ppa" else random.normal(size=(NODES, FEATURES)).round(4)
    raw = _raw(folder, random, train, features)
    parts = {part: {"edge": rows} for part, rows in (("train", train), ("valid", valid), ("test", test))}
    if is_collab:
        for part in parts.values():
            part["weight"] = random.integers(1, 5, size=len(part["edge"]))
            part["year"] = random.integers(2000, 2018, size=len(part["edge"]))
        write_table(raw, "edge_weight", parts["train"]["weight"][:, None])
        write_table(raw, "edge_year", parts["train"]["year"][:, None])
    if "node_year" in layout.tables:
        write_table(raw, "node_year", random.integers(1990, 2020, size=(NODES, 1)))
    for k, part in enumerate(("valid", "test")):
        parts[part]["edge_neg"] = others[120 * k : 120 * (k + 1)]
    if is_cited:
        parts = {part: _cited(rows["edge"], random, part != "train") for part, rows in parts.items()}
    for part, arrays in parts.items():
        values = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        values = {key: torch.from_numpy(array) for key, array in values.items()} if as_tensors else values
        torch.save(values, folder / "split" / layout.scheme / f"{part}.pt", **saving)
    sizes = {"num_train": len(train), "num_validation_links": len(valid), "num_test_links": len(test)}
    counts = {"num_nodes": NODES, "num_edges": 2 * len(train), **sizes}
    return counts if features is None else {**counts, "num_features": FEATURES}


def _cited(edges, random, with_negatives):
    arrays = {"source_node": edges[:, 0], "target_node": edges[:, 1]}
    return {**arrays, "target_node_neg": random.integers(NODES, size=(len(edges), 30))} if with_negatives else arrays


def cut(path: Path, share: float = 0.5) -> None:
    """Leave the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def rewrite(path: Path, text: str) -> None:
    """Another text in a compressed table."""
    path.write_bytes(gzip.compress(text.encode()))
