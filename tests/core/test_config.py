"""Configuration: strict, frozen, with errors that say what to do."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.core.config import Choices, Config, FloatRange, IntRange, PositiveInt, Probability, search_space
from graphlab.core.errors import ConfigError


class Example(Config):
    hidden_dim: Annotated[PositiveInt, IntRange(8, 64, log=True)] = 16
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5
    act: Annotated[Literal["relu", "elu"], Choices()] = "relu"
    bias: bool = True


def test_search_space_is_read_off_the_annotations_once_and_in_order():
    assert search_space(Example) == {
        "hidden_dim": IntRange(8, 64, log=True),
        "dropout": FloatRange(0.0, 0.8),
        "act": Choices(("relu", "elu")),
    }


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"hiden_dim": 3}, "has no setting 'hiden_dim'", "did you mean 'hidden_dim'?"),
        ({"zzz": 3}, "has no setting 'zzz'", "it takes: hidden_dim, dropout, act, bias"),
        ({"hidden_dim": 0}, "hidden_dim cannot be 0", "greater than or equal to 1"),
        ({"hidden_dim": "64"}, "hidden_dim cannot be '64'", "valid integer"),
        ({"hidden_dim": 6.5}, "hidden_dim cannot be 6.5", "valid integer"),
        ({"hidden_dim": True}, "hidden_dim cannot be True", "valid integer"),
        ({"dropout": 1.0}, "dropout cannot be 1.0", "less than 1"),
        ({"dropout": float("nan")}, "dropout cannot be nan", "finite"),
        ({"act": "gelu"}, "act cannot be 'gelu'", "'relu' or 'elu'"),
        ({"bias": 1}, "bias cannot be 1", "valid boolean"),
    ],
)
def test_bad_settings_are_named_with_what_would_do(values, message, hint):
    with pytest.raises(ConfigError) as caught:
        Example.parse(values, where="model example")
    assert message in caught.value.message
    assert caught.value.message.startswith("model example")
    assert caught.value.hint and hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(Exception, match="frozen"):
        Example().hidden_dim = 3


@given(low=st.integers(-50, 50), length=st.integers(0, 50), step=st.integers(1, 7), value=st.integers(-120, 120))
def test_int_range_contains_exactly_its_grid(low, length, step, value):
    assert IntRange(low, low + length, step=step).contains(value) == (value in range(low, low + length + 1, step))
