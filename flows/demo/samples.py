"""The sample feeds and people as data: invented projects on example hosts (feeds.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

SECTIONS = ("Kubernetes", "Operations", "Delivery", "Videos")
CONSENT = "sample people of the demo: invented, on example.org, never mailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleItem:
    """One entry of a sample feed; `hours` is its age when the demo begins."""

    title: str
    hours: int
    author: str
    link: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFeed:
    """A sample feed; `shape` is how its publisher writes feeds, `tracking` is put on its links."""

    slug: str
    shape: str
    name: str
    home: str
    section: str = ""
    tracking: str = ""
    footer: str = ""
    items: tuple[SampleItem, ...] = ()


def sample_feeds() -> list[SampleFeed]:
    """Return every sample feed, the two that fail among them."""
    text = resources.files("flows.demo").joinpath("feeds.toml").read_text(encoding="utf-8")
    return [_feed(values) for values in tomllib.loads(text)["feeds"]]


def _feed(values: dict[str, Any]) -> SampleFeed:
    items = tuple(SampleItem(**item) for item in values.pop("items", ()))
    return SampleFeed(**values, items=items)


def sample_people() -> AbstractContextManager[Path]:
    """Return a context that yields the path of a CSV file with the sample people."""
    return resources.as_file(resources.files("flows.demo").joinpath("people.csv"))
