"""What all requests of one gathering share: the hosts' turns, the time, and the wish to stop."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event, Lock
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from types import TracebackType

PER_HOST = 2
IN_ALL = 30
# All hops and the whole body; a drip of bytes defeats every other limit.
TOTAL_SECONDS = 30.0
# Most feeds are smaller; few of the others may be in memory at once.
SMALL_BYTES = 2**20
LARGE_AT_ONCE = 2
# Nobody waits longer than this for a wish to stop to be heard.
SLICE_SECONDS = 0.25
# A server that closes its connections counts one until it has.
CLOSING_SECONDS = 0.2
# A server that was hung up on may notice only when it next writes; till then we count for it.
REST_SECONDS = 1.0


class HostLimit:
    """Lets at most two of our requests be at one host, whichever feeds lead there."""

    def __init__(self, *, per_host: int = PER_HOST) -> None:
        self._per_host = per_host
        self._lock = Lock()
        self._hosts: dict[str, BoundedSemaphore] = {}

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait until `host` has room for one more."""
        with self._lock:
            semaphore = self._hosts.setdefault(host, BoundedSemaphore(self._per_host))
        with semaphore:
            yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one visit may take, whose turn it is, and how long a host rests if hung up on.

    `large` are the places for bodies that are more than small, `decoding` is for one at a time:
    what all hosts send at once must not add up to more memory than a small machine has.
    """

    hosts: HostLimit = field(default_factory=HostLimit)
    seconds: float = TOTAL_SECONDS
    rest: float = 0.0
    stopped: Event = field(default_factory=Event)
    large: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(LARGE_AT_ONCE))
    decoding: Lock = field(default_factory=Lock)


class Trip:
    """One visit under way: what it costs so far, also if it ends in an error, and its memory.

    Who opens it with `with` keeps its place for a large body until that is done with.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.requests = 0
        self.received = 0
        self.status = 0
        self.wait: timedelta | None = None
        # Whether the last answer was read to its end, so that nobody was hung up on.
        self.is_whole = False
        self._has_place = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._has_place:
            self._has_place = False
            self.limits.large.release()

    def make_room(self, size: int, *, deadline: float) -> bool:
        """Return whether a body of this size may grow on; waits for a place till the deadline."""
        if size <= SMALL_BYTES or self._has_place:
            return True
        while not self._has_place:
            left = deadline - time.monotonic()
            if left <= 0 or self.limits.stopped.is_set():
                return False
            self._has_place = self.limits.large.acquire(timeout=min(left, SLICE_SECONDS))
        return True
