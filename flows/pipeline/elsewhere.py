"""What stands in other open issues already: two issues must not tell the same story."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.edit.canonical import canonical
from flows.edit.issue_file import read_bytes
from flows.errors import IssueError
from flows.pipeline.files import IssueFiles
from flows.pipeline.targets import is_live
from flows.store import issues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import Story
    from flows.settings import Settings


def hold_what_stands(
    stories: list[Story], settings: Settings, engine: Engine, *, number: int, now: datetime
) -> list[Story]:
    """Return the stories, those held that stand in another open issue which may still go out."""
    standing = dict(_standing(settings, engine, number, now))
    if not standing:
        return stories
    return [_held(story, standing) for story in stories]


def _standing(
    settings: Settings, engine: Engine, number: int, now: datetime
) -> Iterator[tuple[str, int]]:
    for record in issues.open_ones(engine):
        if record.number == number or not is_live(settings, record, now):
            continue
        file = IssueFiles(issues=settings.paths.issues, number=record.number).draft
        try:
            entries = read_bytes(file.read_bytes(), path=file).entries
        except (OSError, IssueError):
            # Its own run tells what is wrong with it.
            continue
        for entry in entries:
            for url in (entry.url, *(link.url for link in entry.links)):
                if url:
                    yield canonical(url), record.number


def _held(story: Story, standing: dict[str, int]) -> Story:
    found = [standing.get(canonical(item.url)) for item in story.items]
    other = next((number for number in found if number is not None), None)
    if other is None or story.held:
        return story
    return replace(story, held=f"stands in issue {other}, which is open")
