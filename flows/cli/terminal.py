"""Progress on a terminal, quiet lines elsewhere; Ctrl-C asks the run to stop, twice ends it."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from flows.cli.options import narrate
from flows.pipeline.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from flows.models import Counts, FeedReport


class TerminalObserver:
    """Narrates on stderr; on a terminal the feeds and the hand-over share one live line."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._asked_to_stop = False
        self._items = self._failures = 0
        self._pace = Pace()

    def say(self, text: str) -> None:
        """Print the sentence."""
        self._clear()
        narrate(text)

    def gathered(self, report: FeedReport, *, done: int, total: int) -> None:
        """Count feeds, items and failures on the live line; a failure gets a line of its own."""
        self._items += report.count
        if report.problem and report.status in {"failed", "gone"}:
            self._failures += 1
            self.say(f"  {report.feed.name or report.feed.url}: {report.problem}")
        failed = f", {self._failures} failed" if self._failures else ""
        self._show(f"Feeds {done} of {total}, {self._items} items{failed}")

    def sent(self, counts: Counts) -> None:
        """Count the mails on the live line: accepted, in doubt, how fast, how long yet."""
        self._show(self._pace.told(counts, at=time.monotonic()))

    def stopping(self) -> bool:
        """Return whether Ctrl-C or SIGTERM asked for a stop."""
        return self._asked_to_stop

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as a wish to stop cleanly; the second one ends at once."""
        before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            self._clear()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked_to_stop:
            raise KeyboardInterrupt
        self._asked_to_stop = True
        self.say(
            "Stopping after the request in flight; Ctrl-C again ends at once, with it in doubt."
        )

    def _show(self, text: str) -> None:
        if self._live:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False, err=True)
