"""The editor's rules: which heading an item goes under, by its address, its title and its kind.

A rule that has no points decides by itself, and the first that fits wins. Rules with points are
added up where none decides: the heading with the most points wins.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.edit.repositories import is_repository
from flows.edit.sentences import folded_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flows.models import Item

REPOSITORY = "repository"
# Keywords are of at most so many words.
LONGEST_KEYWORD = 4
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """All that is given must fit, and of each list any one.

    `domain` fits its subdomains too, `path` is what the address's path begins with, `keyword`
    whole words of the title ("deploy*": words that begin so), `kind` an item's kind or
    "repository".
    """

    section: str
    domain: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    points: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A heading, and what spoke for it."""

    section: str
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What rules look at in an item."""

    hosts: tuple[str, ...]
    path: str
    words: tuple[str, ...]
    phrases: frozenset[str]
    kinds: tuple[str, ...]


def place(item: Item, rules: Sequence[Rule]) -> Place | None:
    """Return the heading that the rules have for an item, None where none fits."""
    if not rules:
        return None
    seen = _seen(item)
    points: dict[str, float] = {}
    spoke: dict[str, list[tuple[float, str]]] = {}
    for rule in rules:
        found = _fits(rule, seen)
        if found and not rule.points:
            return Place(section=rule.section, because=found)
        if found:
            points[rule.section] = points.get(rule.section, 0.0) + rule.points
            spoke.setdefault(rule.section, []).append((rule.points, found))
    if not points:
        return None
    # Of equal ones the heading that was named first: max keeps it.
    best = max(points, key=points.__getitem__)
    weightiest = sorted(spoke[best], key=lambda one: one[0], reverse=True)[:_MOST_NAMED]
    return Place(section=best, because=", ".join(found for _, found in weightiest))


def fitting(item: Item, rules: Sequence[Rule]) -> list[int]:
    """Return the places of the rules that fit an item."""
    seen = _seen(item)
    return [number for number, rule in enumerate(rules) if _fits(rule, seen)]


def keyword_key(keyword: str) -> str:
    """Return a keyword as it is looked for, empty if there is no word in it."""
    key = " ".join(folded_words(keyword.removesuffix("*")))
    return f"{key}*" if key and keyword.endswith("*") else key


def read_rules(values: Iterable[Mapping[str, object]]) -> tuple[Rule, ...]:
    """Return the rules of TOML tables, whose lists may be a text."""
    return tuple(_rule(value) for value in values)


@lru_cache(maxsize=1)
def people_process_tools() -> tuple[Rule, ...]:
    """Return the rules for the headings People, Process and Tools that come with the program."""
    name = "people_process_tools.toml"
    text = resources.files("flows.edit").joinpath(name).read_text(encoding="utf-8")
    return read_rules(tomllib.loads(text)["rules"])


def _rule(values: Mapping[str, object]) -> Rule:
    lists = {key: _listed(values.get(key, ())) for key in ("domain", "path", "keyword", "kind")}
    return Rule(section=str(values["section"]), points=float(str(values.get("points", 0))), **lists)


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _seen(item: Item) -> _Seen:
    try:
        parts = urlsplit(item.url)
        host, path = (parts.hostname or "").rstrip("."), parts.path or "/"
    except ValueError:
        host, path = "", ""
    labels = host.split(".") if host else []
    words = tuple(folded_words(item.title))
    kinds = (REPOSITORY, item.kind.value) if is_repository(item.url) else (item.kind.value,)
    return _Seen(
        hosts=tuple(".".join(labels[start:]) for start in range(len(labels))),
        path=path.lower(),
        words=words,
        phrases=frozenset(
            " ".join(words[start : start + length])
            for length in range(1, LONGEST_KEYWORD + 1)
            for start in range(len(words) - length + 1)
        ),
        kinds=kinds,
    )


def _fits(rule: Rule, seen: _Seen) -> str:
    """Return what fits in words, empty if the rule does not fit."""
    found = []
    for told, match in (
        ("kind", _first(rule.kind, seen.kinds)),
        ("domain", _first(rule.domain, seen.hosts)),
        ("path", _path(rule.path, seen.path)),
        ("keyword", _keyword(rule.keyword, seen)),
    ):
        if match is None:
            return ""
        if match:
            found.append(f"{told} {match}")
    return " and ".join(found)


def _first(wanted: tuple[str, ...], given: tuple[str, ...]) -> str | None:
    """Return the given one that is wanted, None if none is; empty where nothing is wanted."""
    if not wanted:
        return ""
    known = _folded(wanted)
    return next((one for one in given if one in known), None)


def _path(wanted: tuple[str, ...], path: str) -> str | None:
    if not wanted:
        return ""
    return next((start for start in wanted if path.startswith(start.lower())), None)


def _keyword(wanted: tuple[str, ...], seen: _Seen) -> str | None:
    if not wanted:
        return ""
    phrases, beginnings = _keywords(wanted)
    if found := phrases & seen.phrases:
        # The longest says most; and the same one each time, lest a file changes by itself.
        return max(found, key=lambda phrase: (len(phrase), phrase))
    for word in seen.words:
        if beginnings and word.startswith(beginnings):
            return word
    return None


@lru_cache(maxsize=512)
def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.lower().removeprefix("www.") for word in words)


@lru_cache(maxsize=512)
def _keywords(words: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    keys = [key for key in map(keyword_key, words) if key]
    whole = frozenset(key for key in keys if not key.endswith("*"))
    return whole, tuple(key.removesuffix("*") for key in keys if key.endswith("*"))
