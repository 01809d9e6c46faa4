"""The drawn subgraph of the paths behind a prediction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from graphlab.core.plot import Plot
from graphlab.experiment.figures import COLOURS

if TYPE_CHECKING:
    from graphlab.analysis.explanation import Explanation

Place = tuple[float, float]
Fact = tuple[str, str, str]

COLUMN, ROW = 2.9, 1.3
"""Inches between the steps of a path, and between the entities of a column."""

THIN, THICK = 0.8, 4.5
"""Points of the least and of the most important fact's line."""

BENDS = (0.0, 0.15, -0.15, 0.28, -0.28, 0.42, -0.42)
CLEAR = 0.75
"""Curves that a line may take, and how far from other entities is far enough."""

AWAY = 0.09
"""How far from the middle of its line, as a share of it, a label stands that would crowd the head or the tail."""

LONGEST_LABEL = 18
HEAD, TAIL, BETWEEN = COLOURS[0], COLOURS[1], "#e9edf2"
INK = "#2b2b2b"

HALF_LETTER, HALF_LINE, MARGIN = 3.1, 9.0, 5.0
"""Points that half a letter is wide and half a line high in the box of an entity, and what the box adds all round."""

LETTER = 0.085
"""Inches that a letter of the title takes."""

LOOP = 0.4
"""Inches by which the arc of a fact about one entity alone stands above it."""

HALF_LOOP, BOX = 0.22, 0.17
"""Inches from the middle of an entity's box to where such an arc begins and ends, aside and upwards."""


def plot_paths(explanation: Explanation) -> Plot:
    """The paths as one subgraph, head at the left and tail at the right.

    An entity stands as many columns from the head as the longest of the paths to it takes steps. A line is a
    fact; its arrow has the fact's own direction, whichever way a path walks it; its width is the importance of the
    best path that it is on. A fact about one entity alone is an arc above it.
    """
    head, relation, tail = explanation.query
    columns = _columns(explanation)
    places = _places(columns)
    importance = _facts(explanation)
    above = LOOP * max(Counter(fact[0] for fact in importance if fact[0] == fact[2]).values(), default=0)
    width = max(x for x, _ in places.values()) + 2.2
    height = max(y for _, y in places.values()) - min(y for _, y in places.values()) + 1.45 + above
    title = f"Paths behind ({head}, {relation}, {tail})"
    figure = Plot(max(width, 5.0, LETTER * len(title)), max(height, 2.4))
    axes = figure.panel()
    most = max(importance.values(), default=0.0)
    by_ends: dict[frozenset[str], list[Fact]] = {}
    for fact in importance:
        by_ends.setdefault(frozenset((fact[0], fact[2])), []).append(fact)
    for facts in by_ends.values():
        for index, fact in enumerate(facts):
            share = max(importance[fact], 0.0) / most if most > 0 else 0.0
            if fact[0] == fact[2]:
                _draw_loop(axes, fact[1], places[fact[0]], LOOP * (index + 1), share)
                continue
            _draw_fact(axes, fact, places, _bend(index, len(facts), fact, facts[0]), share, (head, tail))
    for entity, place in places.items():
        colour = HEAD if entity == head else TAIL if entity == tail else BETWEEN
        _draw_entity(axes, entity, place, colour)
    axes.set_title(title, fontsize=10, loc="left", color=INK, pad=8, parse_math=False)
    _frame(axes, places, above)
    return figure


def _facts(explanation: Explanation) -> dict[Fact, float]:
    """Every fact on a path with the importance of the best of its paths."""
    best: dict[Fact, float] = {}
    for importance, steps in explanation.paths:
        for head, relation, tail, _ in steps:
            fact = (head, relation, tail)
            best[fact] = max(best.get(fact, -math.inf), importance)
    return best


def _columns(explanation: Explanation) -> list[list[str]]:
    """The entities by column, in the order in which the paths name them; head first and tail last, alone."""
    head, _, tail = explanation.query
    depth: dict[str, int] = {}
    for _, steps in explanation.paths:
        for position, (start, _, end, inverse) in enumerate(steps, start=1):
            entity = start if inverse else end
            depth[entity] = max(depth.get(entity, position), position)
    between = {entity: column for entity, column in depth.items() if entity not in (head, tail)}
    columns = [[entity for entity, column in between.items() if column == c] for c in sorted(set(between.values()))]
    return [[head], *columns, *([[tail]] if tail != head else [])]


def _places(columns: list[list[str]]) -> dict[str, Place]:
    return {
        entity: (COLUMN * column, ROW * ((len(entities) - 1) / 2 - row))
        for column, entities in enumerate(columns)
        for row, entity in enumerate(entities)
    }


def _bend(index: int, count: int, fact: Fact, first: Fact) -> float:
    """Facts between the same two entities fan out; bends are as seen from the first one's head."""
    bend = 0.27 * (index - (count - 1) / 2)
    return bend if fact[0] == first[0] else -bend


def _draw_fact(
    axes: Axes, fact: Fact, places: dict[str, Place], bend: float, share: float, hubs: tuple[str, str]
) -> None:
    start, end = places[fact[0]], places[fact[2]]
    if abs(bend) < 1e-9:
        bend = _clearest(start, end, places.values())
    control = _control(start, end, bend)
    _draw_arrow(axes, start, end, bend, share, (_inside(fact[0], start, control), _inside(fact[2], end, control)))
    _draw_label(axes, fact[1], start, end, bend, along=0.5 + AWAY * _hub(fact, hubs))


def _draw_loop(axes: Axes, relation: str, place: Place, height: float, share: float) -> None:
    """An arc from the left of an entity's box to its right, and the relation at its top."""
    x, y = place
    start, end = (x - HALF_LOOP, y + BOX), (x + HALF_LOOP, y + BOX)
    _draw_arrow(axes, start, end, -height / HALF_LOOP, share, (0.0, 0.0))
    _draw_label(axes, relation, start, end, -height / HALF_LOOP, along=0.5)


def _draw_arrow(axes: Axes, start: Place, end: Place, bend: float, share: float, hidden: tuple[float, float]) -> None:
    arrow = FancyArrowPatch(
        start,
        end,
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle=f"-|>,head_length={4 + 4 * share},head_width={2 + 2 * share}",
        linewidth=THIN + (THICK - THIN) * share,
        color=_mix(share),
        shrinkA=hidden[0],
        shrinkB=hidden[1],
        zorder=1 + share,
    )
    axes.add_patch(arrow)


def _draw_label(axes: Axes, text: str, start: Place, end: Place, bend: float, along: float) -> None:
    """A relation on its line; beside it where the line is steep, as two of them would lie on each other."""
    (x0, y0), (x1, y1) = start, end
    control = _control(start, end, bend)
    before, within, after = (1 - along) ** 2, 2 * along * (1 - along), along**2
    x, y = (before * a + within * c + after * b for a, c, b in zip(start, control, end, strict=True))
    angle = math.degrees(math.atan2(y1 - y0, x1 - x0))
    angle -= 180 * round(angle / 180)
    steep = abs(angle) > 60
    side = "center" if not steep or not bend else "left" if control[0] > (x0 + x1) / 2 else "right"
    axes.text(
        x + {"left": 0.06, "right": -0.06, "center": 0.0}[side],
        y,
        _short(text),
        rotation=0 if steep else angle,
        rotation_mode="anchor",
        ha=side,
        va="center",
        fontsize=8.5,
        color=INK,
        zorder=4,
        parse_math=False,
        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.94},
    )


def _control(start: Place, end: Place, bend: float) -> Place:
    """The control point of the quadratic curve that matplotlib draws as `arc3` with `rad=bend`."""
    (x0, y0), (x1, y1) = start, end
    return (x0 + x1) / 2 + bend * (y1 - y0), (y0 + y1) / 2 - bend * (x1 - x0)


def _inside(entity: str, place: Place, towards: Place) -> float:
    """Points of a line that lie within the box of the entity at its end."""
    angle = math.atan2(towards[1] - place[1], towards[0] - place[0])
    width = HALF_LETTER * len(_short(entity)) + MARGIN
    across, along = abs(math.sin(angle)), abs(math.cos(angle))
    return MARGIN + min(width / along if along > 1e-9 else math.inf, HALF_LINE / across if across > 1e-9 else math.inf)


def _hub(fact: Fact, hubs: tuple[str, str]) -> int:
    """1 for a fact that starts at the query's head or tail, -1 for one that ends there, else 0: its label stands
    off the crowd."""
    return (fact[0] in hubs) - (fact[2] in hubs)


def _clearest(start: Place, end: Place, places: Iterable[Place]) -> float:
    """The least bend of a curve that keeps clear of the other entities; straight if none does."""
    others = [place for place in places if place not in (start, end)]
    return max(BENDS, key=lambda bend: (min(_clearance(start, end, bend, others), CLEAR), -abs(bend), bend))


def _clearance(start: Place, end: Place, bend: float, others: list[Place]) -> float:
    """How near a curve comes to the others, heights counting double, for boxes are wider than high."""
    control = _control(start, end, bend)
    shares = [step / 24 for step in range(25)]
    curve = [
        tuple((1 - t) ** 2 * a + 2 * t * (1 - t) * c + t**2 * b for a, c, b in zip(start, control, end, strict=True))
        for t in shares
    ]
    return min((math.hypot(x - u, 2 * (y - v)) for x, y in curve for u, v in others), default=CLEAR)


def _draw_entity(axes: Axes, entity: str, place: Place, colour: str) -> None:
    axes.text(
        *place,
        _short(entity),
        ha="center",
        va="center",
        fontsize=9.5,
        color="white" if colour != BETWEEN else INK,
        fontweight="bold" if colour != BETWEEN else "normal",
        zorder=5,
        parse_math=False,
        bbox={
            "boxstyle": "round,pad=0.42,rounding_size=0.8",
            "facecolor": colour,
            "edgecolor": colour,
            "linewidth": 1.0,
        },
    )


def _mix(share: float) -> str:
    """From light grey to dark."""
    light, dark = 0xCC, 0x3C
    level = round(light + (dark - light) * share)
    return f"#{level:02x}{level:02x}{level:02x}"


def _short(name: str) -> str:
    """A name that fits beside a line; of a path-like name, its last part."""
    if len(name) > LONGEST_LABEL and "/" in name:
        name = name.rstrip("/").rsplit("/", 1)[-1]
    return name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "\u2026"


def _frame(axes: Axes, places: dict[str, Place], above: float) -> None:
    xs, ys = zip(*places.values(), strict=True)
    axes.set_xlim(min(xs) - 0.9, max(xs) + 0.9)
    axes.set_ylim(min(ys) - 0.5, max(ys) + 0.45 + above)
    axes.set_aspect("equal", anchor="W")
    axes.set_axis_off()
