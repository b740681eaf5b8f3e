"""SendGrid's suppression lists, read page by page: for those whom its webhook cannot reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from flows.deliver.events import LONGEST_REASON, Feedback, FeedbackKind, moment, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

# By SendGrid's names. A block may pass by itself: it counts like a soft bounce.
LISTS = {
    "bounces": FeedbackKind.BOUNCED,
    "blocks": FeedbackKind.BLOCKED,
    "invalid_emails": FeedbackKind.INVALID,
    "spam_reports": FeedbackKind.COMPLAINED,
    "unsubscribes": FeedbackKind.LEFT,
}
# SendGrid gives at most so many at once, whatever is asked for.
PAGE = 500


class Lists(Protocol):
    """Gives the entries of a suppression list."""

    def entries(
        self, name: str, *, since: datetime, until: datetime, offset: int, limit: int
    ) -> list[Any]:
        """Return the entries of that time past `offset`; raises Unavailable, Refused."""


def pages(lists: Lists, name: str, *, since: datetime, until: datetime) -> Iterator[list[Feedback]]:
    """Yield what a list says of that time, page by page; raises Unavailable, Refused.

    There is no total and no cursor: the first empty page is the end, and the next begins after
    what was received, which may be less than was asked for.
    """
    offset = 0
    while found := lists.entries(name, since=since, until=until, offset=offset, limit=PAGE):
        offset += len(found)
        entries = (_feedback(LISTS[name], entry) for entry in found)
        yield [entry for entry in entries if entry]


def _feedback(kind: FeedbackKind, entry: Any) -> Feedback | None:
    if not isinstance(entry, dict):
        return None
    email, at = plain(entry.get("email")), moment(entry.get("created"))
    if not email or at is None:
        return None
    return Feedback(
        kind=kind, email=email, at=at, reason=plain(entry.get("reason"))[:LONGEST_REASON]
    )
