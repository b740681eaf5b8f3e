"""How long a delivery waits for a provider, and when it gives up instead of making things worse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.models import Counts

# Seconds: the first wait, the longest, and the longest pause between two requests.
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
LONGEST_PACE = 10.0
LEAST_PACE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a run that goes wrong stops: what was not accepted by then is left to do.

    `bad_requests_a_batch` and `_an_issue` are the further 400s that finding a bad recipient by
    halves may cost: SendGrid blocks accounts that send too many. A provider that says "not now"
    is waited for longer (`rate_patience`) than one that cannot be reached.
    """

    patience: timedelta = timedelta(minutes=30)
    rate_patience: timedelta = timedelta(hours=6)
    doubts_in_a_row: int = 3
    bad_requests_a_batch: int = 12
    bad_requests_an_issue: int = 40
    refused_at_least: int = 100
    refused_share: float = 0.1

    def too_many_refused(self, refused: int, counts: Counts) -> bool:
        """Return whether so many recipients were refused that the list must be wrong."""
        return refused > max(self.refused_at_least, self.refused_share * counts.intended)


@dataclass(slots=True, kw_only=True)
class Patience:
    """Backs off with jitter while nothing is accepted, and spaces requests after a 429."""

    jitter: Callable[[], float]
    waited: float = 0.0
    tries: int = 0
    pace: float = 0.0

    def wait_for(self, told: float | None) -> float:
        """Return how long to wait after a "not now", and slow down."""
        self.tries += 1
        self.pace = min(LONGEST_PACE, max(LEAST_PACE, self.pace * 2))
        # No time at all tells nothing: such as a reset that our clock takes for past.
        if told:
            # As told, and a little: everybody who was told the same comes back at that moment.
            return told + self.jitter()
        backoff = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.tries - 1, 10))
        return backoff * (0.5 + self.jitter() / 2)

    def rewarded(self) -> None:
        """Take note of an acceptance: the waiting was worth it, and may go faster."""
        self.waited = 0.0
        self.tries = 0
        self.pace = self.pace * 0.8 if self.pace > LEAST_PACE else 0.0
