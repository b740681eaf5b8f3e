"""The settings as the outline of an issue: sections, rules, sources and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.outline import Outline, Source
from flows.edit.rules import Rule
from flows.pipeline.teaching import learned

if TYPE_CHECKING:
    from datetime import datetime

    from flows.settings import Settings


def outline(settings: Settings, now: datetime) -> Outline:
    """Return what the settings say of sections, sources and limits."""
    edit = settings.edit
    return Outline(
        sections=tuple((section.name, section.max) for section in settings.sections),
        sources={
            feed.name or feed.url: Source(
                section=feed.section, weight=feed.weight, max_items=feed.max_items
            )
            for feed in settings.feed_list()
        },
        max_entries=settings.newsletter.max_entries,
        max_left_over=settings.newsletter.max_left_over,
        now=now,
        layout=edit.layout,
        rules=tuple(Rule(**rule.model_dump()) for rule in settings.rules),
        max_by_kind=edit.max_by_kind(),
        max_per_source=edit.max_per_source,
        guess=learned(settings),
    )
