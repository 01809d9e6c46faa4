"""Weights that the evaluations of a search leave to later ones, in the study's folder: a file an evaluation.

What is found there depends on the evaluations that are over alone, so that a search goes on as if it had never stopped:
a file is written whole, before its trial is told, and whoever does the same evaluation again reads what it came to.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlab.core.errors import StoreError
from graphlab.core.files import write_atomic
from graphlab.nas.objectives.objective import Evaluation
from graphlab.records.store import write_state

MOST_BYTES = 2**30
"""What a search keeps; the offers of its worst evaluations go first."""


@dataclass(frozen=True)
class Offer:
    """What one evaluation leaves.

    roles  what its tensors are for; see `WeightStore`
    score  of the evaluation, more is better
    order  of two evaluations the later has the greater
    """

    path: Path
    roles: frozenset[str]
    score: float
    order: int
    num_bytes: int

    @property
    def rank(self) -> tuple[float, int, str]:
        """The better comes later; of equal ones, that which was left later."""
        return self.score, self.order, self.path.name


class WeightStore:
    """Tensors by role: a text that two tensors share exactly if one may take the other's place.

    Of several for a role the best evaluation's counts, of equal ones the latest. What no role needs any more is
    deleted, and of what is left the worst beyond `most_bytes`.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._known: dict[Path, Offer] = {}

    def evaluation(self, key: str) -> Evaluation | None:
        """What an architecture came to, if its evaluation was over before its trial was cut off.

        Raises StoreError for a damaged file.
        """
        saved = _read(self._path(key))
        return None if saved is None else Evaluation(saved["metrics"])

    def best(self, roles: Collection[str]) -> dict[str, Tensor]:
        """The tensors of those of the roles that somebody offers. Raises StoreError for a damaged file."""
        ranked = sorted(self._offers(), key=lambda offer: offer.rank, reverse=True)
        chosen: dict[Path, list[str]] = {}
        for role in roles:
            best = next((offer for offer in ranked if role in offer.roles), None)
            if best:
                chosen.setdefault(best.path, []).append(role)
        found: dict[str, Tensor] = {}
        for path, wanted in chosen.items():
            saved = _read(path)
            if saved is not None:  # if not, another worker has tidied up meanwhile
                found |= {role: saved["weights"][role].clone() for role in wanted}
        return found

    def put(self, key: str, evaluation: Evaluation, score: float, weights: Mapping[str, Tensor]) -> None:
        """Leave the weights of an evaluation. Raises StoreError if there is no space."""
        order = 1 + max((offer.order for offer in self._offers()), default=0)
        saved = {
            "metrics": dict(evaluation.metrics),
            "score": score,
            "order": order,
            "weights": {role: tensor.detach().cpu().clone() for role, tensor in weights.items()},
        }
        path = self._path(key)
        self._known.pop(path, None)
        try:
            write_atomic(path, lambda file: write_state(saved, file))
        except OSError as error:
            raise StoreError(
                f"cannot keep weights in {self.folder}: {error.strerror or error}",
                hint="free space, or name another folder with --store",
            ) from error

    def tidy(self) -> None:
        """Delete what will not be asked for. To be called when no evaluation of this worker is open."""
        kept: list[Offer] = []
        covered: set[str] = set()
        num_bytes = 0
        for offer in sorted(self._offers(), key=lambda offer: offer.rank, reverse=True):
            if offer.roles <= covered or num_bytes + offer.num_bytes > self.most_bytes:
                offer.path.unlink(missing_ok=True)
                continue
            kept.append(offer)
            covered |= offer.roles
            num_bytes += offer.num_bytes
        self._known = {offer.path: offer for offer in kept}

    def _offers(self) -> list[Offer]:
        """Of all files that are there now; each is read once."""
        paths = set(self.folder.glob("*.pt")) if self.folder.is_dir() else set()
        for path in paths - self._known.keys():
            saved = _read(path)
            if saved is not None:
                size = sum(tensor.numel() * tensor.element_size() for tensor in saved["weights"].values())
                self._known[path] = Offer(path, frozenset(saved["weights"]), saved["score"], saved["order"], size)
        self._known = {path: offer for path, offer in self._known.items() if path in paths}
        return list(self._known.values())

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.pt"


def _read(path: Path) -> dict[str, Any] | None:
    """A file's content, its tensors read when they are looked at; None if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch has to say of a foreign file before it refuses it
            saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if set(saved) != {"metrics", "score", "order", "weights"}:
            raise ValueError("it does not hold what an evaluation leaves")
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever a damaged file makes of the reader
        raise StoreError(
            f"the weights {path} are damaged or were not left by a search ({type(error).__name__})",
            hint=f"delete {path}; the search then goes on without them",
        ) from error
    return saved
