"""How fast a hand-over goes, and how long it will take yet: what a live line says."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.models import Counts

# Seconds that the rate is measured over: long enough for slow requests, short enough to notice.
WINDOW = 30.0
# Nothing is said of the rate before it has been looked at so long.
SHORTEST = 1.0
MINUTE = 60
HOUR = 3600


@dataclass(slots=True)
class Pace:
    """Remembers how far a hand-over was at which second of a clock that never goes back."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def told(self, counts: Counts, *, at: float) -> str:
        """Return one line: how many are accepted and in doubt, how many a second, how long yet."""
        rate = self._rate(counts, at)
        parts = [f"Mails {counts.accepted:,} of {counts.intended:,}"]
        if counts.in_doubt:
            parts.append(f"{counts.in_doubt:,} in doubt")
        if rate:
            parts.append(f"{rate:,.0f} a second" if rate >= 1 else f"{rate * MINUTE:.0f} a minute")
            left = (counts.planned + counts.handed_over) / rate
            if left:
                parts.append(f"{_duration(left)} left")
        return ", ".join(parts)

    def _rate(self, counts: Counts, at: float) -> float:
        # A cancelled wave is handed over again: that is no progress, but no step back either.
        done = counts.intended - counts.planned - counts.handed_over
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at, done))
        # The first is kept from before the window: a rate needs two moments.
        while len(self._seen) > 1 and self._seen[1][0] <= at - WINDOW:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / (at - since) if at - since >= SHORTEST else 0.0


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"
