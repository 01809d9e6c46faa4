"""What every registered search space keeps to. Each check takes a space and raises AssertionError:

@pytest.mark.parametrize("check", SPACE_CHECKS)
@pytest.mark.parametrize("space", SPACES.names())
def test_contract(check, space): check(find_space(space))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from graphlab.model.registry import TRANSFORMS, find_model
from graphlab.model.transform import TRANSFORM
from graphlab.nas.core.space import Architecture, Space

DRAWN = 40


def _drawn(space: Space) -> Iterator[Architecture]:
    random = np.random.default_rng(0)
    return (space.sample(random) for _ in range(DRAWN))


def check_canonical(space: Space) -> None:
    """What is drawn is a network in the one spelling of it, its decisions in their order, each within its range."""
    assert len({decision.name for decision in space.decisions}) == len(space.decisions)
    for values in _drawn(space):
        assert space.is_valid(values) and space.is_complete(values)
        assert space.canonical(values) == values
        assert list(values) == [decision.name for decision in space.decisions if decision.name in values]
        assert all(
            decision.range.contains(values[decision.name]) for decision in space.decisions if decision.name in values
        )


def check_neighbours(space: Space) -> None:
    """A mutation is another network; of neighbours none is named twice, and none is the architecture itself."""
    random = np.random.default_rng(1)
    values = space.sample(random)
    for _ in range(10):
        changed = space.mutate(values, random)
        assert space.key(changed) != space.key(values)
        assert space.canonical(changed) == changed and space.is_valid(changed)
        values = changed
    around = [space.key(one) for one in space.neighbours(values)]
    assert len(set(around)) == len(around) > 0
    assert space.key(values) not in around


def check_encodings(space: Space) -> None:
    """Numbers of one width, finite, and different for most architectures; graphs with labels that the space has."""
    drawn = list(_drawn(space))
    codes = [space.encode(values) for values in drawn]
    assert {code.shape for code in codes} == {codes[0].shape}
    assert all(np.isfinite(code).all() and code.dtype == np.float32 for code in codes)
    different = len({space.key(values) for values in drawn})
    assert len({code.tobytes() for code in codes}) > different / 4
    for graph in map(space.graph, drawn):
        assert all(0 <= label < space.num_labels for label in graph.labels)
        assert all(0 <= node < len(graph.labels) for edge in graph.edges for node in edge)


def check_texts(space: Space) -> None:
    """An architecture is a line for people, and what is known of it has the same names for all."""
    drawn = list(_drawn(space))
    assert all(space.spelt(values).strip() and "\n" not in space.spelt(values) for values in drawn)
    assert len({tuple(space.about(values)) for values in drawn}) == 1


def check_settings(space: Space) -> None:
    """An architecture is a model that is there, with settings that it takes."""
    for values in _drawn(space):
        model, settings = space.settings(values)
        config = find_model(model).config
        own = {name.removeprefix("model."): value for name, value in settings.items()}
        assert config.parse({name: value for name, value in own.items() if name in config.model_fields}, where=model)
        others = [name for name in own if name not in config.model_fields]
        transform = {name: settings[name] for name in others if name.partition(".")[0] == TRANSFORM}
        assert all(name.startswith(("training.", "task.")) for name in others if name not in transform), others
        if transform:
            named = {name.removeprefix(f"{TRANSFORM}."): value for name, value in transform.items()}
            assert TRANSFORMS.find(named.pop(TRANSFORM)).Config.parse(named, where=TRANSFORM)


def check_hand_set(space: Space) -> None:
    """Networks that people take are different networks, each in the one spelling."""
    points = space.hand_set()
    for values in points.values():
        assert space.is_complete(values) and space.canonical(values) == values
    assert len({space.key(values) for values in points.values()}) == len(points)


Check = Callable[[Space], None]

SPACE_CHECKS: Sequence[Check] = (
    check_canonical,
    check_neighbours,
    check_encodings,
    check_texts,
    check_hand_set,
    check_settings,
)
