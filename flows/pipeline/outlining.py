"""The settings as the outline of an issue: sections, rules, sources and limits."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from flows.edit import classifier
from flows.edit.outline import Outline, Source
from flows.edit.rules import Rule
from flows.pipeline.files import read_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.edit.rules import Place
    from flows.models import Item
    from flows.settings import Settings

logger = logging.getLogger(__name__)


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


def learned(settings: Settings) -> Callable[[Item], Place | None] | None:
    """Return what guesses headings as past issues teach, None where nothing was learned.

    A file that cannot be used is told, and no draft fails for it.
    """
    kept = settings.paths.model
    if not settings.edit.classifier or not os.path.lexists(kept):
        return None
    try:
        model = classifier.loads(read_file(kept).decode())
    except (OSError, UnicodeDecodeError):
        model = None
    if model is None:
        logger.warning(
            "%s is damaged or of another version, so the draft goes without what was learned of "
            "headings; run newsletter sections train again, or delete the file",
            kept,
        )
        return None
    return partial(classifier.guess, model)
