"""What goes to the parsing child and comes back; without the parsers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from flows.gather.parsed import Parsed
    from flows.models import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One document to be read; its bytes follow by themselves, so that they are never copied."""

    feed: Feed
    url: str
    content_type: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job: `parsed`, or the sentence why not. After the `last` the child leaves."""

    parsed: Parsed | None = None
    problem: str = ""
    alternates: tuple[str, ...] = ()
    last: bool = False
