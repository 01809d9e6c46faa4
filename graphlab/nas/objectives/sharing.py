"""Constrained parameter sharing: an architecture starts from weights of earlier ones. Zhou et al., "Auto-GNN",
Frontiers in Big Data 2022, section 4.3.

Weights pass from ancestor to offspring where the tensors' shapes match and the layer's attention and activation do;
those of batch normalisation and of skip connections never. A few epochs, the warm-up, then take the place of a whole
training.

The paper leaves three things open. Every earlier evaluation is an ancestor here, and of several that have a tensor the
best is asked, of equal ones the latest: the parent of AGNN's proposals is the best of all, so that it comes first.
Every evaluation leaves its weights, for one that is worse only serves where nothing better fits. And what inherits
nothing at all has nothing to warm up: it is trained whole.

Weights lie in the study's folder, a file an evaluation. What is there depends on the evaluations that are over alone,
so that a search goes on as if it had never stopped: a file is written whole, before its trial is told, and whoever does
the same evaluation again reads what it came to.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from graphlab.core.errors import ConfigError, IncompatibleError, StoreError, require_count
from graphlab.core.files import write_atomic
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import Plan
from graphlab.nas.core.objective import OnStep
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.core.space import Architecture, Space
from graphlab.nas.objectives.training import Trained, TrainingObjective
from graphlab.records.store import Store, write_state
from graphlab.task.base import Learner
from graphlab.training.loop import fit

MOST_BYTES = 2**30
"""What a search keeps; the weights of its worst evaluations go first."""


MODEL = "model."
"""Where a learner has the parameters of its model; those of a head are not shared."""


class SharingObjective(TrainingObjective):
    """Trains an architecture for `warm_up` epochs from inherited weights, and whole where it inherits none.

    To the metrics of `TrainingObjective` it adds, the mean over seeds,

    inherited  share of the trainable numbers that came from ancestors

    Each seed has weights of its own, since splits may differ. These trainings are no runs of the store, for their
    result hangs on those before them: compare architectures by `Search.retrain`. An evaluation that is cut off starts
    again; the folder that `keep_in` names must stay if a search is to go on as if it had never stopped.

    Architectures whose keys are `whole_keys`, hand-set networks of a search, inherit nothing and leave their weights.

    Raises IncompatibleError for a space that does not say what may be shared, ConfigError for a warm-up that is longer
    than a training or no epoch long, and for trainings that start elsewhere.
    """

    def __init__(self, dataset: Dataset, space: Space, store: Store, *, warm_up: int, **options: Any) -> None:
        super().__init__(dataset, space, store, **options)
        self.warm_up = warm_up
        self.whole_keys: frozenset[str] = frozenset()
        self.keep_in(store.path)
        require_count("sharing", warm_up, "name the epochs of what inherits weights: sharing=20")
        first = space.sample(SeedStream(0).numpy())
        self.require_shares(first)
        training = self.plan(first).training
        if training.start:
            raise ConfigError("training.start says where weights come from, and so does sharing", hint="leave one out")
        if warm_up > training.epochs:
            raise ConfigError(
                f"a warm-up of {warm_up} epochs is longer than a whole training, of {training.epochs}",
                hint="say sharing=20, or raise training.epochs",
            )

    def require_shares(self, values: Architecture) -> None:
        """Raises IncompatibleError for a space whose architectures share no weights."""
        if not self.space.sharing(values):
            raise IncompatibleError(
                f"the space {self.space.name} does not say which weights its architectures may share",
                hint="leave sharing out, or search gnn-micro",
            )

    def roles(self, learner: Learner, values: Architecture, seed: int) -> dict[str, nn.Parameter]:
        """What an architecture leaves of a learner; see `WeightStore`."""
        return roles(learner, self.space.sharing(values), seed)

    def inherit(self, learner: Learner, values: Architecture, seed: int) -> int:
        """Give a learner weights that others have left; how many numbers those are."""
        return inherit(learner, self.space.sharing(values), seed, self.weights)

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**super().identity, "warm_up": self.warm_up}

    def keep_in(self, folder: Path) -> None:
        super().keep_in(folder)
        self.weights = WeightStore(folder / "weights")

    def evaluate(self, values: Architecture, on_step: OnStep) -> Evaluation:
        key = self.space.key(values)
        known = self.weights.evaluation(key)
        if known:
            return known
        self.weights.tidy()
        plan = self.plan(values)
        left: dict[str, Tensor] = {}

        def train(seed: int, on_step: OnStep) -> Trained:
            learner, trained = self._warm_up(plan, values if key not in self.whole_keys else None, seed, on_step)
            left.update(self.roles(learner, values, seed))
            return trained

        found = self.over_seeds(plan, on_step, train)
        if "validation" not in found.metrics:
            return found  # a limit was broken before any training
        sign = 1.0 if self.directions["validation"] == "maximize" else -1.0
        self.weights.put(key, found, sign * found.metrics["validation"], left)
        return found

    def _warm_up(self, plan: Plan, values: Architecture | None, seed: int, on_step: OnStep) -> tuple[Learner, Trained]:
        """Train a network, with weights of others where it is known of which architecture it is."""
        task = plan.make_task(seed, self.device)
        learner = plan.make_learner(task, seed)
        inherited = 0 if values is None else self.inherit(learner, values, seed)
        training = plan.training.model_copy(update={"epochs": self.warm_up}) if inherited else plan.training
        column = f"validation_{task.metric}"

        def on_epoch(epoch: int, epochs: int, row: dict[str, float]) -> None:
            if column in row:
                on_step(epoch, row[column])

        outcome = fit(learner, task, training, SeedStream(seed).child("sampling"), _Nowhere(), on_epoch)
        if outcome.error:
            raise outcome.error
        parameters = learner.num_parameters
        extra = {"inherited": inherited / parameters if parameters else 0.0}
        report = outcome.test.get(task.metric) if self.has_report else None
        return learner, Trained(outcome.validation[task.metric], parameters, float(outcome.epochs), report, extra)


def roles(learner: Learner, tags: Mapping[str, str], seed: int) -> dict[str, nn.Parameter]:
    """The parameters that may be shared, by what they are for: seed, name, shape, and the tag of the name.

    tags  as `Space.sharing` gives them
    """
    never = {
        f"{name}.{own}"
        for name, module in learner.named_modules()
        if isinstance(module, _BatchNorm)
        for own, _ in module.named_parameters(recurse=False)
    }
    found: dict[str, nn.Parameter] = {}
    for name, parameter in learner.named_parameters():
        tag = next((tag for prefix, tag in tags.items() if _is_in(name, MODEL + prefix)), None)
        if tag is not None and name not in never:
            found[f"seed {seed}: {name} {tuple(parameter.shape)} [{tag}]"] = parameter
    return found


def inherit(learner: Learner, tags: Mapping[str, str], seed: int, weights: WeightStore) -> int:
    """Give the learner shared weights for its parameters; how many numbers those are."""
    own = roles(learner, tags, seed)
    inherited = weights.best(own.keys())
    with torch.no_grad():
        for role, tensor in inherited.items():
            own[role].copy_(tensor)
    return sum(tensor.numel() for tensor in inherited.values())


def _is_in(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


class _Nowhere:
    """Checkpoints of a training that is too short for any."""

    def save_checkpoint(self, name: str, state: dict[str, Any]) -> None:
        pass

    def restore_checkpoint(self, name: str, device: Any, restore: Callable[[dict[str, Any]], object]) -> bool:
        return False


@dataclass(frozen=True)
class SharedWeights:
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
        self._known: dict[Path, SharedWeights] = {}

    def evaluation(self, key: str) -> Evaluation | None:
        """What an architecture came to, if its evaluation was over before its trial was cut off.

        Raises StoreError for a damaged file.
        """
        saved = _read(self._path(key))
        return None if saved is None else Evaluation(saved["metrics"])

    def best(self, roles: Collection[str]) -> dict[str, Tensor]:
        """The tensors of those of the roles that an evaluation left. Raises StoreError for a damaged file."""
        ranked = self._ranked()
        chosen: dict[Path, list[str]] = {}
        for role in roles:
            best = next((shared for shared in ranked if role in shared.roles), None)
            if best:
                chosen.setdefault(best.path, []).append(role)
        found: dict[str, Tensor] = {}
        for path, wanted in chosen.items():
            saved = _read(path)
            if saved is not None:  # if not, another worker has tidied up meanwhile
                found |= {role: saved["weights"][role].clone() for role in wanted}
        return found

    def ranked_keys(self) -> list[str]:
        """The architectures whose weights are there, the best evaluation first."""
        return [shared.path.stem for shared in self._ranked()]

    def put(self, key: str, evaluation: Evaluation, score: float, weights: Mapping[str, Tensor]) -> None:
        """Leave the weights of an evaluation. Raises StoreError if there is no space."""
        order = 1 + max((shared.order for shared in self._all()), default=0)
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
        kept: list[SharedWeights] = []
        covered: set[str] = set()
        num_bytes = 0
        for shared in self._ranked():
            if shared.roles <= covered or num_bytes + shared.num_bytes > self.most_bytes:
                shared.path.unlink(missing_ok=True)
                continue
            kept.append(shared)
            covered |= shared.roles
            num_bytes += shared.num_bytes
        self._known = {shared.path: shared for shared in kept}

    def _ranked(self) -> list[SharedWeights]:
        """The best evaluation first."""
        return sorted(self._all(), key=lambda shared: shared.rank, reverse=True)

    def _all(self) -> list[SharedWeights]:
        """Of all files that are there now; each is read once."""
        paths = set(self.folder.glob("*.pt")) if self.folder.is_dir() else set()
        for path in paths - self._known.keys():
            saved = _read(path)
            if saved is not None:
                size = sum(tensor.numel() * tensor.element_size() for tensor in saved["weights"].values())
                self._known[path] = SharedWeights(
                    path, frozenset(saved["weights"]), saved["score"], saved["order"], size
                )
        self._known = {path: shared for path, shared in self._known.items() if path in paths}
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
