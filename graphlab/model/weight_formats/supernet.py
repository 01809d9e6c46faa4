"""Weights that a search has cut out of its supernet, under GraphLab's own names."""

from __future__ import annotations

from graphlab.model.weight_format import FormatConfig
from graphlab.model.weight_formats.own import Own


class Config(FormatConfig):
    """As `FormatConfig`, where `sha256` is that of the tensors, and

    study         name of the search that trained the supernet; empty where it is not known
    architecture  key of the architecture in that search
    """

    study: str = ""
    architecture: str = ""


class Supernet(Own):
    """Weights of a network that was not trained on its own."""

    Config = Config
