"""How much an issue was made of, for the verdict of whatever run it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.errors import IssueError
from flows.pipeline.reading import files_of, read_issue
from flows.store.decisions import count_decided

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.models import Verdict
    from flows.settings import Settings


def tallied(settings: Settings, engine: Engine, verdict: Verdict) -> Verdict:
    """Return the verdict with the items, stories and entries of its issue, unless it tells them."""
    if verdict.issue is None or verdict.items:
        return verdict
    items, stories = count_decided(engine, verdict.issue)
    return replace(verdict, items=items, stories=stories, entries=_entries(settings, verdict.issue))


def _entries(settings: Settings, number: int) -> int:
    try:
        return len(read_issue(files_of(settings, number)).entries)
    except IssueError:
        # A sent issue's file is its editor's to move or break.
        return 0
