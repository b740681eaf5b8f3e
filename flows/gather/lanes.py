"""Threads for many hosts: at most two for one host, so that no host keeps the others waiting."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Self

from flows.gather.items import host
from flows.gather.limits import IN_ALL, PER_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Event
    from types import TracebackType

    from flows.models import Feed, FeedReport

# Whoever does not hear the wish to stop by then (a connection being made) is left behind.
PATIENCE_SECONDS = 1.0


class Lanes:
    """Runs visits side by side; the next one starts when a finished one is taken.

    So reports never pile up in memory. The threads are daemons: a person who presses Ctrl-C
    does not wait for a host that does not answer.
    """

    def __init__(
        self, feeds: Sequence[Feed], visit: Callable[[Feed], FeedReport], *, stopped: Event
    ) -> None:
        self._visit = visit
        self._stopped = stopped
        self._orders: SimpleQueue[Feed | None] = SimpleQueue()
        self._finished: SimpleQueue[tuple[Feed, FeedReport | Exception]] = SimpleQueue()
        self._waiting: dict[str, deque[Feed]] = defaultdict(deque)
        for feed in feeds:
            self._waiting[host(feed.url)].append(feed)
        # Whoever takes a host's turn from here may visit it; there are two of each.
        self._turns = deque(list(self._waiting) * PER_HOST)
        self._threads: list[Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        for _ in self._threads:
            self._orders.put(None)
        end = time.monotonic() + PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def finished(self) -> Iterator[tuple[Feed, FeedReport | Exception]]:
        """Yield each feed with its report once that is there, or with what went wrong in us."""
        running = self._start(IN_ALL)
        while running:
            feed, outcome = self._finished.get()
            self._turns.append(host(feed.url))
            running += self._start(IN_ALL - running + 1) - 1
            yield feed, outcome

    def _start(self, most: int) -> int:
        """Start at most so many visits and return how many were started."""
        started = 0
        while self._turns and started < most:
            waiting = self._waiting[self._turns.popleft()]
            if waiting:
                self._orders.put(waiting.popleft())
                started += 1
        for _ in range(min(started, IN_ALL - len(self._threads))):
            thread = Thread(target=self._work, name="gather", daemon=True)
            self._threads.append(thread)
            thread.start()
        return started

    def _work(self) -> None:
        while (feed := self._orders.get()) is not None and not self._stopped.is_set():
            try:
                self._finished.put((feed, self._visit(feed)))
            except Exception as error:  # noqa: BLE001 - the taker tells of it
                self._finished.put((feed, error))
