"""Who is told how a run goes: a terminal, a log, or nobody."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from flows.models import Counts, FeedReport

logger = logging.getLogger(__name__)


class Observer(Protocol):
    """Told of progress while a run goes on, and asked whether it should stop."""

    def say(self, text: str) -> None:
        """Take note of a plain sentence."""

    def gathered(self, report: FeedReport, *, done: int, total: int) -> None:
        """Take note that one more feed is done."""

    def sent(self, counts: Counts) -> None:
        """Take note of how far the hand-over is."""

    def stopping(self) -> bool:
        """Return whether a person asked to stop: the request in flight still finishes."""


class LogObserver:
    """Tells the log: quiet lines with counts, never an address."""

    def say(self, text: str) -> None:
        """Log the sentence."""
        logger.info("%s", text)

    def gathered(self, report: FeedReport, *, done: int, total: int) -> None:
        """Log a feed that failed; the others are in the summary."""
        if report.problem:
            logger.warning("feed %d of %d failed: %s", done, total, report.problem)

    def sent(self, counts: Counts) -> None:
        """Log how far the hand-over is."""
        logger.info("accepted %d of %d", counts.accepted, counts.intended)

    def stopping(self) -> bool:
        """Return False: a log asks nobody to stop."""
        return False
