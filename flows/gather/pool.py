"""Parses in child processes: both cores are used, and what takes too long is killed.

Nothing bounds what hostile XML costs a parser (50,000 attributes: over 40 s), and a thread
cannot be stopped. A child can. Children start with the first job and live until the pool closes.
"""

from __future__ import annotations

import contextlib
import os
from queue import Empty, LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Self

from flows.errors import ParseError
from flows.gather.guards import shown
from flows.gather.job import Job

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from flows.gather.job import Outcome
    from flows.gather.parsed import Parsed
    from flows.gather.process import Child
    from flows.models import Feed

# Ten times what the largest real feed at hand (2 MB) takes on a busy machine.
PARSE_SECONDS = 10.0
# What two children and the parent have together stays below 200 MB.
MEMORY = 96 * 2**20
# Of documents larger than this one is read at a time.
LARGE = 2**19
MOST_CHILDREN = 2


class ParserPool:
    """Children that parse, as many as there are cores (at most two), each replaced when killed."""

    def __init__(self, *, seconds: float = PARSE_SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        # The last one used is the first one used again: a quiet run starts one child only.
        self._idle: LifoQueue[Child | None] = LifoQueue()
        self._size = min(MOST_CHILDREN, os.cpu_count() or 1)
        self._lock = Lock()
        self._large = Lock()
        self._running: set[Child] = set()
        self._closed = False
        for _ in range(self._size):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all children, whatever they are at."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for child in running:
            child.kill()
        with contextlib.suppress(Empty):
            while True:
                idle = self._idle.get_nowait()
                if idle is not None:
                    idle.close()

    def parse(
        self, body: bytes, *, feed: Feed, url: str, content_type: str = "", now: datetime
    ) -> Parsed:
        """Return what the feed says; raises ParseError, also if it takes too long or too much."""
        job = Job(feed=feed, url=url, content_type=content_type, now=now)
        with self._large if len(body) > LARGE else contextlib.nullcontext():
            outcome = self._ask(job, body)
        if outcome.parsed is None:
            problem = outcome.problem or self._too_much(url)
            raise ParseError(problem, url=url, alternates=outcome.alternates)
        return outcome.parsed

    def _ask(self, job: Job, body: bytes) -> Outcome:
        idle = self._idle.get()
        child = kept = None
        try:
            child = self._start(job.url) if idle is None else idle
            outcome = child.ask(job, body, seconds=self._seconds)
            if outcome is None:
                raise ParseError(
                    f"parse: {shown(job.url)} takes longer than {self._seconds:.0f} s to read",
                    url=job.url,
                )
            kept = None if outcome.last else child
        except (EOFError, ConnectionError) as error:
            raise ParseError(self._too_much(job.url), url=job.url) from error
        finally:
            if child is not None and kept is None:
                self._end(child)
            self._idle.put(kept)
        return outcome

    def _start(self, url: str) -> Child:
        # Where nothing changed nothing is read, and nobody waits for what starts processes.
        from flows.gather.process import Child  # noqa: PLC0415

        child = Child(memory=self._memory, seconds=self._seconds)
        with self._lock:
            self._running.add(child)
            if not self._closed:
                return child
        self._end(child)
        raise ParseError(f"parse: {shown(url)} was not read: the gathering was stopped", url=url)

    def _end(self, child: Child) -> None:
        with self._lock:
            self._running.discard(child)
        child.close()

    def _too_much(self, url: str) -> str:
        return f"parse: {shown(url)} takes more than {self._memory // 2**20} MB to read"
