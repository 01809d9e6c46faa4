"""What changes a learner between its construction and its training, as quantisation and pruning do.

A transform is a file in `graphlab.model.transforms`, found by its stem. It registers parametrisations of weights
(`torch.nn.utils.parametrize`) or observers (`graphlab.model.observation`); what it adds is a part of the learner, and
so of its checkpoints. A run names it as `transform`, beside its settings `transform.bits` and the like.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.utils import parametrize

from graphlab.core.config import Config
from graphlab.data.spec import DataSpec
from graphlab.model.observation import OBSERVERS

TRANSFORM = "transform"
"""The setting of a run that names its transform, and the group of the transform's own settings."""


class TransformConfig(Config):
    """Base of a transform's settings."""


class LearnerTransform(ABC):
    """Base of the transforms. A subclass names its `Config`.

    `version` is raised when the same settings come to give other results.
    """

    Config: ClassVar[type[TransformConfig]]
    version: ClassVar[int] = 1

    def __init__(self, config: Any) -> None:
        self.config = config

    @abstractmethod
    def apply(self, learner: nn.Module, spec: DataSpec) -> None:
        """Change a learner in place. No random number is drawn.

        Args:
            learner: A model and the head of its task, untrained or with weights that training starts from.
            spec: Of the batches. Its `num_nodes` and `num_edges` are set where each holds the same graph as a whole,
                and are None where they are several graphs or samples of one.

        Raises:
            IncompatibleError: There is nothing in the learner to transform.
        """


class Regulariser(nn.Module, ABC):
    """A module that a transform has added, which adds a term to the loss."""

    @abstractmethod
    def regularisation(self) -> Tensor:
        """The term, a scalar, after a forward pass."""


class Scheduled(nn.Module, ABC):
    """A module that a transform has added, which changes the learner as training goes on.

    What it has come to is in its buffers, so that a run that goes on within an epoch has it without another call.
    """

    @abstractmethod
    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Called before the first step of each epoch.

        Args:
            epoch: Counted from 1; 0 where nothing is trained.
            epochs: Of the training, at most.

        Raises:
            InputError: The learner cannot be trained so.
        """

    @property
    @abstractmethod
    def is_settled(self) -> bool:
        """Whether the learner is what it is to be in the end, so that its weights may be selected."""


def scheduled(learner: nn.Module) -> list[Scheduled]:
    """The modules of a learner that change it as training goes on."""
    return [module for module in learner.modules() if isinstance(module, Scheduled)]


def begin_epoch(learner: nn.Module, epoch: int, epochs: int) -> None:
    """Change a learner as its transform has scheduled for the beginning of an epoch; see `Scheduled`."""
    for module in scheduled(learner):
        module.begin_epoch(epoch, epochs)


def is_settled(learner: nn.Module) -> bool:
    """Whether no later change of a learner is scheduled; only then are its weights selected on validation."""
    return all(module.is_settled for module in scheduled(learner))


def regularisers(learner: nn.Module) -> list[Regulariser]:
    """The modules of a learner that add terms to its loss."""
    return [module for module in learner.modules() if isinstance(module, Regulariser)]


def weights(learner: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Parameter]]:
    """The trainable parameters of two or more dimensions: the module that each belongs to, its name there, itself.

    Biases, scales and other vectors are none of them. A parameter that several modules share comes once for each.
    """
    for module in list(learner.modules()):
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.requires_grad and parameter.is_floating_point() and parameter.dim() > 1:
                yield module, name, parameter


def parametrise(module: nn.Module, name: str, parametrisation: nn.Module) -> None:
    """Have a module compute a weight, each time that it is read, from the parameter that the weight was.

    Args:
        module: Changed in place.
        name: Of the weight, in the module itself.
        parametrisation: Maps the parameter to the weight, of the same shape and type.
    """
    parametrize.register_parametrization(module, name, parametrisation)

    def leave_out(module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> None:
        """Linear layers of PyG write the weight that they read beside the parameter, and cannot load it."""
        state.pop(f"{prefix}{name}", None)

    module.register_state_dict_post_hook(leave_out)


def optimiser_groups(learner: nn.Module, groups: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The groups of a learner's optimiser, with the parameters behind parametrised weights in place of these.

    Parameters that a transform has added and that no group names come last, without weight decay; so do, whatever names
    them, those of modules that have an `lr_factor`, the multiple of the run's learning rate that they are trained with.

    Args:
        learner: Transformed or not.
        groups: Gives the groups, which may name a weight as `self.linear.weight`.
    """
    with parametrize.cached():
        behind: dict[int, list[Tensor]] = {}
        for module in learner.modules():
            if parametrize.is_parametrized(module):
                for name, chain in module.get_submodule("parametrizations").named_children():
                    behind[id(getattr(module, name))] = [each for _, each in chain.named_parameters(recurse=False)]
        chosen = groups()
        for group in chosen:
            group["params"] = [each for named in group["params"] for each in behind.get(id(named), [named])]
    own = list(_own_rates(learner))
    apart = {id(each) for group in own for each in group["params"]}
    for group in chosen:
        group["params"] = [each for each in group["params"] if id(each) not in apart]
    chosen = [*chosen, *own]
    grouped = {id(each) for group in chosen for each in group["params"]}
    added = [each for name, each in learner.named_parameters() if _is_added(name) and id(each) not in grouped]
    return [*chosen, {"params": added, "weight_decay": 0.0}] if added else chosen


def _own_rates(learner: nn.Module) -> Iterator[dict[str, Any]]:
    for module in learner.modules():
        factor: Any = getattr(module, "lr_factor", None)
        if factor is not None:
            yield {"params": list(module.parameters(recurse=False)), "weight_decay": 0.0, "lr_factor": factor}


def _is_added(name: str) -> bool:
    return bool({"parametrizations", OBSERVERS} & set(name.split(".")))
