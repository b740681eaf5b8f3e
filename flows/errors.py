"""What can go wrong in the pipeline; the root is subscribers.errors.NewsletterError.

NewsletterError
├── SettingsError          a setting is wrong; the message lists every problem found (exit code 2)
├── FeedError              one feed; kept as data in the report, never ends a run
│   ├── FetchError         no usable answer: carries url, status and retry_after (seconds)
│   │   ├── GoneError      410: the publisher took it down for good
│   │   └── RefusedAddress the address is private, loopback or not http(s)
│   └── ParseError         the bytes are no feed
├── IssueError             the issue file; carries path and line
├── IssueState             the issue is not in a state that allows this
├── TemplateError          a theme's template; carries name and line
├── CheckFailed            the mail breaks a rule that blocks sending
├── LeaseTaken             another process is at it
├── EventsRefused          a webhook's request is not SendGrid's, or cannot be read
├── ServerError            the Prefect server did not come up or does not answer
└── TransportError         a hand-over to a mail provider
    ├── Unavailable        429 or no connection: surely not accepted, try again later
    ├── Refused            400, 401, 403, 413: surely not accepted, a person must act
    └── InDoubt            5xx, time-out, reset: perhaps accepted, never resent blindly
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from subscribers.errors import NewsletterError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CheckFailed",
    "EventsRefused",
    "FeedError",
    "FetchError",
    "GoneError",
    "InDoubt",
    "IssueError",
    "IssueState",
    "LeaseTaken",
    "NewsletterError",
    "ParseError",
    "Refused",
    "RefusedAddress",
    "ServerError",
    "SettingsError",
    "TemplateError",
    "TransportError",
    "Unavailable",
]


class SettingsError(NewsletterError):
    """A setting is wrong; the message lists every problem found."""


class FeedError(NewsletterError):
    """Something is wrong with one feed."""

    def __init__(self, message: str, *, url: str = "") -> None:
        super().__init__(message)
        self.url = url


class FetchError(FeedError):
    """A feed gave no usable answer."""

    def __init__(
        self, message: str, *, url: str = "", status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(message, url=url)
        self.status = status
        self.retry_after = retry_after


class GoneError(FetchError):
    """The publisher took the feed down for good (410, RFC 9110 section 15.5.11)."""


class RefusedAddress(FetchError):
    """The address is private, loopback, or not http(s)."""


class ParseError(FeedError):
    """The bytes are no feed; `alternates` are the feeds that they name instead."""

    def __init__(self, message: str, *, url: str = "", alternates: tuple[str, ...] = ()) -> None:
        super().__init__(message, url=url)
        self.alternates = alternates


class IssueError(NewsletterError):
    """The issue file cannot be read; the message names its line."""

    def __init__(self, message: str, *, path: Path | None = None, line: int = 0) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class IssueState(NewsletterError):
    """The issue is not in a state that allows this."""


class TemplateError(NewsletterError):
    """A theme's template cannot be rendered."""

    def __init__(self, message: str, *, name: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.name = name
        self.line = line


class CheckFailed(NewsletterError):
    """The mail breaks a rule that blocks sending."""


class LeaseTaken(NewsletterError):
    """Another process is at it."""


class EventsRefused(NewsletterError):
    """A webhook's request is not SendGrid's (403), or cannot be read (400)."""

    def __init__(self, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


class ServerError(NewsletterError):
    """The Prefect server did not come up, or does not answer."""


class TransportError(NewsletterError):
    """A hand-over to a mail provider did not end in an acceptance."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Unavailable(TransportError):
    """Surely not accepted; try again after `retry_after` seconds (None: not told)."""

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Refused(TransportError):
    """Surely not accepted; a person must act, or the recipients in `indexes` must go.

    `indexes` are positions in the request that the provider named; `field` is its own word
    for what it did not like (None where it named nothing). `for_address`: those positions have
    addresses that it does not take, and not something that all have alike.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        field: str | None = None,
        indexes: tuple[int, ...] = (),
        for_address: bool = False,
    ) -> None:
        super().__init__(message, status=status)
        self.field = field
        self.indexes = indexes
        self.for_address = for_address


class InDoubt(TransportError):
    """Perhaps accepted; never resent blindly."""
