"""ZINC: molecules and their penalised logP, to be predicted. Irwin et al., J. Chem. Inf. Model. 2012; as a benchmark,
the whole set and a subset of 12,000, in Dwivedi et al., JMLR 2023.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.errors import DataError
from graphlab.data.card import Card, Source
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.fetch import Files
from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.data.text import read_integers
from graphlab.data.unpickle import read_pickle

ARCHIVE = "https://www.dropbox.com/s/feo9qle74kg48gy/molecules.zip?dl=1"
INDICES = (
    "https://raw.githubusercontent.com/graphdeeplearning/benchmarking-gnns/"
    "1068260d2d58cbe616d3d34de9a3c1fbf8332715/data/molecules"
)

NUM_ATOM_TYPES, NUM_BOND_TYPES = 28, 4

PARTS = ("train", "val", "test")
FULL = (220011, 24445, 5000)
SUBSET = (10000, 1000, 1000)
HELD_OUT = (800, 200, 1000)

HELD_OUT_NODES, HELD_OUT_EDGES = (23083, 23117), (49692, 49720)
"""Of the 1,000 validation and the 1,000 test graphs of the subset."""

WHOLE = tuple(Source(f"zinc/{part}.pickle", None, url=ARCHIVE, member=f"{part}.pickle") for part in PARTS)
CHOSEN = tuple(Source(f"zinc/{part}.index", None, url=f"{INDICES}/{part}.index") for part in PARTS)
ARRAYS = tuple(
    Source(f"zinc12k/zinc12k_{part}.npz", sha256, origin=f"{ARCHIVE} and {INDICES}/{part}.index")
    for part, sha256 in (
        ("val", "9390c29e484a90d73d23eca00384b768ec33311fcab5eff4197cc2cb85c59c2f"),
        ("test", "7743909185846e2a2924ea537c4d94b2181d2d1e3af00c9b0fceb81175613473"),
    )
)


def _statistics(parts: tuple[int, int, int]) -> dict[str, int]:
    sizes = dict(zip(("num_train", "num_validation", "num_test"), parts, strict=True))
    return {"num_graphs": sum(parts), "num_features": 1, "num_outputs": 1, **sizes}


CARD = Card(
    family="zinc",
    title="ZINC molecules and their penalised logP",
    task="graph-prediction",
    licence="none stated by the publishing repository",
    citation=Citation(
        key="dwivedi2023",
        kind="article",
        title="Benchmarking Graph Neural Networks",
        authors=(
            "Dwivedi, Vijay Prakash and Joshi, Chaitanya K. and Luu, Anh Tuan and Laurent, Thomas and "
            "Bengio, Yoshua and Bresson, Xavier"
        ),
        venue="JMLR 24",
        year=2023,
        url="https://arxiv.org/abs/2003.00982",
    ),
    variants=("12k", "full", "12k-held-out"),
    splits=("fixed",),
    sources={"12k": WHOLE + CHOSEN, "full": WHOLE, "12k-held-out": ARRAYS},
    statistics={
        "12k": _statistics(SUBSET),
        "full": _statistics(FULL),
        "12k-held-out": {
            **_statistics(HELD_OUT),
            "num_nodes": sum(HELD_OUT_NODES),
            "num_edges": sum(HELD_OUT_EDGES),
        },
    },
    notes=(
        "Nodes carry one of 28 atom types, edges one of 4 bond types; the target is a value. fixed: of 12k and full "
        "the published split. 12k-held-out is what 12k holds out of training, for work without the large files: the "
        "first 800 of the 1,000 validation graphs for training, the other 200 for validation, the 1,000 test graphs "
        "for test; its results compare with nothing published. The large files have no digest that could be trusted: "
        "they are checked by their numbers of molecules, and for 12k by the nodes and edges of what is held out."
    ),
)


def build(variant: str, files: Files, split: str) -> Dataset:
    if variant == "12k-held-out":
        sizes, graphs = HELD_OUT, tuple(graph for source in ARRAYS for graph in read_arrays(files.path(source.path)))
    else:
        sizes = SUBSET if variant == "12k" else FULL
        graphs = tuple(graph for k in range(len(PARTS)) for graph in _read_part(files, k, variant == "12k"))
    train, validation, test = torch.arange(len(graphs)).split(sizes)
    return Dataset(
        name=f"zinc/{variant}",
        task=CARD.task,
        graphs=graphs,
        splits=Splits(split, fixed=(Split(train, validation, test),)),
        spec=DataSpec(
            "graphs",
            (Target("y", "graph", "value", 1),),
            node=Categorical((NUM_ATOM_TYPES,)),
            edge=Categorical((NUM_BOND_TYPES,)),
        ),
        card=CARD,
    )


def read_arrays(path: Path) -> Iterator[Data]:
    """Molecules of an .npz: rows of atoms and bonds end to end, and where those of each molecule begin.

    Raises DataError where an array is missing or they do not fit each other.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: torch.from_numpy(stored[key]) for key in stored}
        atoms, bonds = arrays["atom"].long()[:, None], arrays["bond"].long()[:, None]
        nodes, edges = (arrays[key].diff().tolist() for key in ("node_ptr", "edge_ptr"))
        rows = (atoms.split(nodes), arrays["edge_index"].long().split(edges, dim=1), bonds.split(edges))
        targets = arrays["y"].float()[:, None].split(1)
        graphs = [_molecule(*parts) for parts in zip(*rows, targets, strict=True)]
    except Exception as error:  # a damaged archive can fail in any way
        raise _not_zinc(path, str(error) or type(error).__name__) from None
    yield from graphs


def _read_part(files: Files, part: int, subset: bool) -> list[Data]:
    """The molecules of one part, or those of the subset."""
    path = files.path(WHOLE[part].path)
    molecules = read_pickle(path)
    if not isinstance(molecules, list) or len(molecules) != FULL[part]:
        raise _not_zinc(path, f"it is no list of {FULL[part]:,} molecules")
    if not subset:
        return [_from_matrix(molecule, path) for molecule in molecules]
    chosen = read_index(files.path(CHOSEN[part].path), FULL[part], SUBSET[part])
    graphs = [_from_matrix(molecules[i], path) for i in chosen]
    counts = sum(int(graph.num_nodes or 0) for graph in graphs), sum(graph.num_edges for graph in graphs)
    if part and counts != (HELD_OUT_NODES[part - 1], HELD_OUT_EDGES[part - 1]):
        raise _not_zinc(path, f"the subset has {counts[0]:,} atoms and {counts[1]:,} bonds")
    return graphs


def read_index(path: Path, size: int, number: int) -> list[int]:
    """Comma-separated ids of molecules, `number` different ones below `size`; raises DataError for any other text."""
    ids = read_integers(path, ",")
    if len(set(ids)) != len(ids) or len(ids) != number or not 0 <= min(ids) <= max(ids) < size:
        raise _not_zinc(path, f"it does not list {number:,} different molecules")
    return ids


def _from_matrix(molecule: dict[str, Any], path: Path) -> Data:
    """A molecule as published: `atom_type` `[n]`, `bond_type` `[n, n]`, 0 for no bond, and the target."""
    try:
        atoms, matrix, target = (
            torch.as_tensor(molecule[key]) for key in ("atom_type", "bond_type", "logP_SA_cycle_normalized")
        )
        edge_index = matrix.nonzero().t().contiguous()
        bonds = matrix[edge_index[0], edge_index[1]].long()[:, None]
        return _molecule(atoms.long().view(-1, 1), edge_index, bonds, target.float().view(1, 1))
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        raise _not_zinc(path, f"a molecule cannot be read: {error}") from None


def _molecule(atoms: torch.Tensor, edge_index: torch.Tensor, bonds: torch.Tensor, target: torch.Tensor) -> Data:
    if edge_index.numel() and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < len(atoms):
        raise ValueError("a bond leads out of its molecule")
    return Data(x=atoms, edge_index=edge_index.contiguous(), edge_attr=bonds, y=target, num_nodes=len(atoms))


def _not_zinc(path: Path, reason: str) -> DataError:
    return DataError(f"{path} does not hold ZINC: {reason}", hint="replace it by the file as published")
