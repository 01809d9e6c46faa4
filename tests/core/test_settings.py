"""Configurations as tables."""

from typing import Annotated, Literal

from pydantic import Field

from graphlab.core.config import Choices, Config, FloatRange, IntRange, PositiveFloat, PositiveInt
from graphlab.core.settings import settings_table


class Base(Config):
    """Text before.

    width, depth  how large
                  it is
    """

    width: Annotated[PositiveInt, IntRange(8, 64, log=True)] = 16
    depth: PositiveInt = 2


class Example(Base):
    """act   what bends
    depth    how often

    Text after.
    """

    act: Annotated[Literal["relu", "elu"], Choices()] = "relu"
    rate: Annotated[float, Field(gt=0, le=1), FloatRange(0.1, 0.5)] = 0.5
    clip: PositiveFloat | None = None
    dims: tuple[PositiveInt, ...] = ()
    bias: bool = True


class Empty(Config):
    pass


def test_rows_have_what_the_fields_say():
    rows = {row.pop("setting"): tuple(row.values()) for row in settings_table(Example)}
    assert rows == {
        "width": ("16", "whole number ≥ 1", "8 to 64, log", "how large it is"),
        "depth": ("2", "whole number ≥ 1", "", "how often"),
        "act": ("relu", "relu, elu", "relu, elu", "what bends"),
        "rate": ("0.5", "number > 0, ≤ 1", "0.1 to 0.5", ""),
        "clip": ("None", "number > 0 or none", "", ""),
        "dims": ("()", "list of whole number ≥ 1", "", ""),
        "bias": ("True", "true or false", "", ""),
    }


def test_no_settings_are_no_rows():
    assert settings_table(Empty) == []
