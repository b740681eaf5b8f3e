"""What all requests of one gathering share: the hosts' turns, the time, and the wish to stop."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

PER_HOST = 2
IN_ALL = 24
# All hops and the whole body; a drip of bytes defeats every other limit.
TOTAL_SECONDS = 30.0
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
    """How long one visit may take, whose turn it is, and how long a host rests if hung up on."""

    hosts: HostLimit = field(default_factory=HostLimit)
    seconds: float = TOTAL_SECONDS
    rest: float = 0.0
    stopped: Event = field(default_factory=Event)


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts what one visit costs, also where it ends in an error."""

    requests: int = 0
    received: int = 0
    status: int = 0
    wait: timedelta | None = None
