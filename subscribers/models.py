"""People, what they agreed to, and why they must not be mailed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class SubscriberStatus(StrEnum):
    """Whether a subscriber wants mail; only `active` ones get any."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed, whatever its subscriber's status says."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    INVALID = "invalid"
    FORGOTTEN = "forgotten"


class ConsentAction(StrEnum):
    """What a consent record says the person did, or what was done in their name."""

    ADDED = "added"
    IMPORTED = "imported"
    SUBSCRIBED = "subscribed"
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    UNSUBSCRIBED = "unsubscribed"


class Fate(StrEnum):
    """What became of somebody who was to be added."""

    ADDED = "added"
    ALREADY_THERE = "already there"
    KEPT_OUT = "kept out"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person on the list. `email` is as it is mailed, `key` its folded form that is unique.

    `suppressed` says why the address must not be mailed, whatever the status says.
    """

    id: int
    email: str
    key: str
    name: str
    status: SubscriberStatus
    created_at: datetime
    unsubscribed_at: datetime | None = None
    suppressed: SuppressionReason | None = None

    @property
    def standing(self) -> str:
        """One word for a person to read: the suppression's reason, else the status."""
        return str(self.suppressed or self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What people agreed to (`text`), and where we have it from (`source`)."""

    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a subscriber agreed to or took back; records are appended, never changed.

    `issue` is the issue whose link they left by, None for everything else.
    """

    subscriber_id: int
    at: datetime
    action: ConsentAction
    source: str
    text: str
    issue: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be mailed, and why."""

    key: str
    reason: SuppressionReason
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody who is to be added: a parsed address and perhaps a name."""

    email: str
    key: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What became of a newcomer; `reason` is empty for those who were added."""

    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What an unsubscription changed; `known` is False if nobody has the id."""

    known: bool
    changed: bool
