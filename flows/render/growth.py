"""The picture of a list's growth: how many there are, and who came and left, week by week."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

HEIGHT = 260
# Where the plot stands in the picture; below it the weeks, to its left the scale.
LEFT, TOP, BOTTOM = 64, 24, 150
BARS_TOP, BARS_BOTTOM = 176, 232


class Size(NamedTuple):
    """How wide the picture is, where its plot ends, and how many weeks have room for their name."""

    name: str
    width: int
    right: int
    labels: int


WIDE = Size("wide", width=720, right=712, labels=6)
# A wide picture shrunk to a telephone's width could not be read.
NARROW = Size("narrow", width=296, right=288, labels=3)


class Week(Protocol):
    """What the picture needs of a week."""

    @property
    def monday(self) -> date:
        """Its first day."""

    @property
    def came(self) -> int:
        """Who came in it."""

    @property
    def left(self) -> int:
        """Who left in it."""

    @property
    def total(self) -> int:
        """Who was there at its end."""


class Bar(NamedTuple):
    """A bar of the picture, in its own units."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


def growth_svg(weeks: Sequence[Week]) -> Markup:
    """Return the picture as SVG elements that can stand in a page; "" without a week.

    The style shows the one that fits the page's width.
    """
    if not weeks:
        return Markup("")
    return Markup("").join(_drawn(weeks, size) for size in (WIDE, NARROW))


def _drawn(weeks: Sequence[Week], size: Size) -> Markup:
    environment = Environment(
        loader=PackageLoader("templates", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    most = _round_up(max(week.total for week in weeks))
    drawn = environment.get_template("growth.svg.j2").render(
        weeks=weeks,
        points=_points(weeks, most, size),
        bars=_bars(weeks, size),
        scale=[(BOTTOM - (BOTTOM - TOP) * part / 2, most * part // 2) for part in range(3)],
        labels=_labels(weeks, size),
        size=size,
        height=HEIGHT,
        left=LEFT,
        zero=(BARS_TOP + BARS_BOTTOM) / 2,
    )
    # Our own template, escaped by itself.
    return Markup(drawn)  # noqa: S704


def _round_up(most: int) -> int:
    """Return a round number, even, that is not below `most`."""
    step = 2 * int(10 ** max(len(str(most)) - 2, 0))
    return max(-(-most // step) * step, 2)


def _at(index: int, count: int, size: Size) -> float:
    return LEFT + (size.right - LEFT) * (index + 0.5) / count


def _points(weeks: Sequence[Week], most: int, size: Size) -> str:
    return " ".join(
        f"{_at(index, len(weeks), size):.1f},{BOTTOM - (BOTTOM - TOP) * week.total / most:.1f}"
        for index, week in enumerate(weeks)
    )


def _bars(weeks: Sequence[Week], size: Size) -> list[Bar]:
    most = max(1, *(max(week.came, week.left) for week in weeks))
    zero, room = (BARS_TOP + BARS_BOTTOM) / 2, (BARS_BOTTOM - BARS_TOP) / 2
    width = (size.right - LEFT) / len(weeks) * 0.6
    bars = []
    for index, week in enumerate(weeks):
        x = round(_at(index, len(weeks), size) - width / 2, 1)
        up, down = round(room * week.came / most, 1), round(room * week.left / most, 1)
        came, left = f"{week.came} came", f"{week.left} left"
        bars.append(Bar(x, round(zero - up, 1), round(width, 1), up, "came", came))
        bars.append(Bar(x, zero, round(width, 1), down, "left", left))
    return bars


def _labels(weeks: Sequence[Week], size: Size) -> list[tuple[float, str]]:
    every = max(1, len(weeks) // size.labels)
    return [
        (round(_at(index, len(weeks), size), 1), f"{week.monday.day} {week.monday:%b}")
        for index, week in enumerate(weeks)
        if index % every == 0
    ]
