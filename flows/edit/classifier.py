"""What a newsletter's past issues teach about headings: a linear model, read without a library.

`flows.edit.training` makes it; here it is kept as plain figures, so that a draft needs neither
scikit-learn nor its start-up time, and a file that somebody else wrote can do no harm.
"""

from __future__ import annotations

import html
import json
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.edit.rules import Place, fitting, people_process_tools
from flows.edit.sentences import folded_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from flows.models import Item

VERSION = 1
_TAG = re.compile(r"<[^<>]*>")
# So much of an item's text says what a blurb would say.
_GLIMPSE = 600
_WORDS = 60
_STEM = 5
_STEPS = 4
_LONGEST_PATH = 12
# Sites that show everybody's work: there, how deep a page lies says what it is.
_OPEN_SITES = frozenset(("github.com", "medium.com"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A line of a past issue and the heading it stood under."""

    title: str
    url: str
    section: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Headings, and of each feature how rare it is and what it says for each heading.

    A guess counts if the best heading is ahead of the next by `sure` and more, and is then right
    about as often as `precision` says.
    """

    headings: tuple[str, ...]
    weights: Mapping[str, tuple[float, ...]]
    sure: float
    precision: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The best heading, and how far it is ahead of the next."""

    section: str
    lead: float


def guess(model: Model, item: Item) -> Place | None:
    """Return the heading the model is sure of for an item, None where it is not."""
    found = best(model, features(item, glimpse(item)))
    if found is None or found.lead < model.sure:
        return None
    return Place(section=found.section, because=_like_past_issues(model))


def _like_past_issues(model: Model) -> str:
    return f"like past issues (such guesses were right in {model.precision:.0%})"


def best(model: Model, found: Mapping[str, float]) -> Guess | None:
    """Return the heading that speaks most for these features, None if it knows none of them."""
    length = 0.0
    points = [0.0] * len(model.headings)
    for name, value in found.items():
        known = model.weights.get(name)
        if known is None:
            continue
        weight = value * known[0]
        length += weight * weight
        for place, says in enumerate(known[1:]):
            points[place] += weight * says
    if not length:
        return None
    order = sorted(range(len(points)), key=points.__getitem__, reverse=True)
    lead = (points[order[0]] - points[order[1]]) / math.sqrt(length)
    return Guess(section=model.headings[order[0]], lead=lead)


def glimpse(item: Item) -> str:
    """Return the beginning of an item's text, roughly without markup."""
    return html.unescape(_TAG.sub(" ", (item.summary or item.content)[:_GLIMPSE]))


def features(item: Item, text: str) -> dict[str, float]:
    """Return what is looked at in an item, with how much each counts."""
    found: dict[str, float] = {}
    for name, value in (*_of_words(item.title, text), *_of_address(item.url), *_of_rules(item)):
        found[name] = found.get(name, 0.0) + value
    # What is said twice does not say twice as much.
    return {name: 1 + math.log(value) for name, value in found.items() if value > 1 / math.e}


def _of_words(title: str, text: str) -> Iterator[tuple[str, float]]:
    words = folded_words(title)
    yield from ((f"t:{word}", 1.0) for word in words)
    yield from ((f"s:{word[:_STEM]}", 0.5) for word in words if len(word) > _STEM)
    yield from ((f"t:{one} {two}", 1.0) for one, two in pairwise(words))
    told = folded_words(text)[:_WORDS]
    for word in told:
        yield f"t:{word}", 0.5
        yield f"b:{word}", 0.5
    yield from ((f"t:{one} {two}", 0.5) for one, two in pairwise(told))


def _of_address(url: str) -> Iterator[tuple[str, float]]:
    try:
        parts = urlsplit(url)
        host, path = (parts.hostname or "").removeprefix("www."), parts.path
    except ValueError:
        return
    labels = host.split(".")
    yield f"d:{host}", 2.0
    yield from ((f"d:{'.'.join(labels[start:])}", 1.0) for start in range(1, len(labels) - 1))
    words = folded_words(path.replace("-", " ").replace("_", " "))[:_LONGEST_PATH]
    yield from ((f"p:{word}", 0.7) for word in words)
    steps = sum(1 for step in path.split("/") if step)
    yield f"n:{host if host in _OPEN_SITES else ''}:{min(steps, _STEPS)}", 1.0


def _of_rules(item: Item) -> Iterator[tuple[str, float]]:
    """Yield which groups of our own rules fit: what words and sites have in common."""
    rules = people_process_tools()
    points: dict[str, float] = {}
    for number in fitting(item, rules):
        yield f"r:{number}", 2.0
        section = rules[number].section
        points[section] = points.get(section, 0.0) + rules[number].points
    if points:
        yield f"R:{max(points, key=points.__getitem__)}", 3.0


def dumps(model: Model) -> str:
    """Return the model as JSON."""
    return json.dumps(
        {
            "version": VERSION,
            "headings": model.headings,
            "sure": model.sure,
            "precision": model.precision,
            "weights": model.weights,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def loads(text: str) -> Model | None:
    """Return the model of a JSON text, None if it is no model, or one of another version."""
    try:
        values = json.loads(text)
        if values["version"] != VERSION:
            return None
        headings = tuple(map(str, values["headings"]))
        weights = {name: tuple(row) for name, row in values["weights"].items()}
        sure, precision = float(values["sure"]), float(values["precision"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    # Of one heading there is no choice.
    if len(headings) < 2 or not _are_figures(weights.values(), len(headings) + 1):  # noqa: PLR2004
        return None
    return Model(headings=headings, weights=weights, sure=sure, precision=precision)


def _are_figures(rows: Collection[tuple[object, ...]], length: int) -> bool:
    kinds = {type(value) for row in rows for value in row} | {float}
    return kinds <= {int, float} and all(len(row) == length for row in rows)
