"""A plain `torch.nn.Module` as a model: its settings from its signature, its source a part of what a run is."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, create_model
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import UNSTATED
from graphlab.core.class_source import class_source, load_class
from graphlab.core.errors import ConfigError, IncompatibleError, InputError, StoreError, UnknownNameError
from graphlab.core.files import hash_text, write_text
from graphlab.data.identity import DIGITS, OWN
from graphlab.data.spec import Continuous, DataSpec
from graphlab.model.base import Model, ModelConfig, input_dim
from graphlab.model.edges import FIELDS
from graphlab.model.registry import OWN_MODELS, ModelEntry

FOLDER = "models"

INPUTS = ("in_channels", "in_dim", "in_features", "in_feats", "input_dim", "num_features", "num_node_features")
OUTPUTS = ("out_channels", "out_dim", "out_features", "out_feats", "output_dim", "num_outputs", "num_classes")
FEATURES = ("x", "input")
WHOLE = ("data", "batch_data", "graph", "g")
"""Names of what a constructor or `forward` is given, where they have one of these."""

_SOURCES: dict[str, str] = {}


class OwnModel(Model):
    """Wraps a user's module. Its constructor gets the widths of inputs and outputs by name, or `spec`, and settings.

    `forward` gets the batch as `data`, or what it names of it: `x`, `edge_index`, `edge_weight`, `edge_attr`, `batch`.
    It gives predictions: `[num_nodes, num_outputs]` for nodes, `[num_graphs, num_outputs]` for graphs.
    """

    tasks = frozenset({"node-classification", "graph-prediction"})
    output_items = frozenset({"nodes", "graphs"})
    citation = UNSTATED
    module: ClassVar[type[nn.Module]]

    def __init__(self, config: ModelConfig, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = spec.num_outputs
        settings = {name: getattr(config, name) for name in type(config).model_fields}
        widths = {name: _width(name, spec, self.module) for name in _parameters(self.module) if _is_width(name)}
        self.inner = self.module(**settings, **widths)
        _check_forward(self.inner)

    def forward(self, batch: Data) -> Tensor:
        return self.inner(*_arguments(self.inner, batch))


def own_model(cls: type[nn.Module]) -> ModelEntry:
    """The model that a user's class is, called `own/NAME-DIGEST` by the text of the class.

    Raises:
        InputError: The class is no module, its text cannot be read, or it uses names outside itself.
        ConfigError: A parameter of its constructor cannot be a setting.
    """
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise InputError(
            f"a model is given by its name or as a class of torch.nn.Module, not as {cls!r:.60}",
            hint="names are text, in quotes; of a module give the class, not an object",
        )
    if issubclass(cls, Model):
        raise InputError(
            f"{cls.__name__} is a Model with a Config, which is found by a name",
            hint=f"gl.register({cls.__module__!r}), then give the name",
        )
    return _entry(cls, class_source(cls))


def find_own(name: str, store: Path) -> ModelEntry:
    """A user's model by name, of this process or from the store, whose copy of the text is executed.

    Raises:
        UnknownNameError: It is in neither.
        StoreError: The copy was changed.
    """
    if name in OWN_MODELS:
        return OWN_MODELS[name]
    path = _file(name, store)
    if not path.exists():
        raise UnknownNameError("model of your own", name, [*kept_models(store), *OWN_MODELS])
    source = path.read_text(encoding="utf-8")
    label, _, digits = name.removeprefix(OWN).rpartition("-")
    if hash_text(source)[:DIGITS] != digits:
        raise StoreError(f"{path} is not what was kept there", hint="restore it, or give the class itself")
    return _entry(load_class(source, label), source)


def kept_models(store: Path) -> list[str]:
    """The names of the users' models whose text a store keeps."""
    return sorted(f"{OWN}{path.stem}" for path in (store / FOLDER).glob("*.py"))


def keep_model(name: str, store: Path) -> None:
    """Keep the text of a user's model in a store, so that workers and later sessions load it by name."""
    if name not in _SOURCES or _file(name, store).exists():
        return
    try:
        write_text(_file(name, store), _SOURCES[name])
    except OSError as error:
        raise StoreError(f"cannot write to the store {store}: {error.strerror or error}", hint="free space") from error


def _file(name: str, store: Path) -> Path:
    return store / FOLDER / f"{name.removeprefix(OWN)}.py"


def _entry(cls: type[nn.Module], source: str) -> ModelEntry:
    name = f"{OWN}{cls.__name__}-{hash_text(source)[:DIGITS]}"
    if name not in OWN_MODELS:
        _SOURCES[name] = source
        reads = set(inspect.signature(cls.forward).parameters)
        fields = FIELDS if reads & {*WHOLE} or len(reads) == 2 else reads & {*FIELDS}
        about = {"module": cls, "edge_fields": frozenset(fields), "__doc__": cls.__doc__ or OwnModel.__doc__}
        adapted = type(cls.__name__, (OwnModel,), about)
        OWN_MODELS[name] = ModelEntry(name, adapted, _config(cls), {}, code=hash_text(source)[:16])
    return OWN_MODELS[name]


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    """What the constructor takes, without what collects the rest."""
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: each for name, each in inspect.signature(cls).parameters.items() if each.kind not in rest}


def _is_width(name: str) -> bool:
    return name in (*INPUTS, *OUTPUTS, "spec", "edge_dim")


def _width(name: str, spec: DataSpec, cls: type) -> Any:
    if name == "spec":
        return spec
    if name == "edge_dim":
        return spec.edge.dim if isinstance(spec.edge, Continuous) else None
    return spec.num_outputs if name in OUTPUTS else input_dim(spec.node, cls.__name__)


def _config(cls: type[nn.Module]) -> type[ModelConfig]:
    try:
        hints = typing.get_type_hints(cls.__init__, include_extras=True)
    except Exception:  # an annotation that cannot be read says nothing of the setting
        hints = {}
    fields: dict[str, Any] = {}
    for name, parameter in _parameters(cls).items():
        if _is_width(name):
            continue
        has_default = parameter.default is not inspect.Parameter.empty
        if has_default and not isinstance(parameter.default, bool | int | float | str | list | tuple | None):
            raise ConfigError(
                f"{name} of {cls.__name__} has the default {parameter.default!r:.60}, which is no setting",
                hint="settings are numbers, text, truth values, lists of these, or None",
            )
        kind = hints.get(name, type(parameter.default) if has_default and parameter.default is not None else Any)
        fields[name] = (kind, parameter.default if has_default else ...)
    try:
        config = create_model(f"{cls.__name__}Config", __base__=_OwnConfig, **fields)
    except Exception as error:
        raise ConfigError(f"the parameters of {cls.__name__} cannot be settings: {error}") from error
    config.__doc__ = f"The settings of {cls.__name__}, from its signature."
    return config


class _OwnConfig(ModelConfig):
    model_config = ConfigDict(protected_namespaces=(), arbitrary_types_allowed=True)


def _check_forward(module: nn.Module) -> None:
    """Raises IncompatibleError for a `forward` that no data can be given to."""
    if not inspect.signature(module.forward).parameters:
        raise IncompatibleError(
            f"forward of {type(module).__name__} takes nothing", hint="let it take data, or x and edge_index"
        )


def _arguments(module: nn.Module, batch: Data) -> list[Any]:
    """What `forward` names of a batch, in its order."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    if len(parameters) == 1 and parameters[0].name not in {*batch.to_dict(), *FEATURES}:
        return [batch]
    return [batch if each.name in WHOLE else _value(each, batch, module) for each in parameters]


def _value(parameter: inspect.Parameter, batch: Data, module: nn.Module) -> Any:
    values: Mapping[str, Any] = {**batch.to_dict(), **dict.fromkeys(FEATURES, batch.x)}
    if parameter.name in values or parameter.default is not inspect.Parameter.empty:
        return values.get(parameter.name, parameter.default)
    raise IncompatibleError(
        f"forward of {type(module).__name__} takes {parameter.name!r}, which the data do not have",
        hint=f"they have {', '.join(key for key in values if key != 'known_labels')}; or take data",
    )
