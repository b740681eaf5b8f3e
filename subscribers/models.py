"""People, what they agreed to, and why they must not be mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
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
    PAUSED = "paused"
    RESUMED = "resumed"


class LetterKind(StrEnum):
    """What a sign-up asks to be posted: a link to confirm by, or word that they are on the list.

    `nothing` is for an address that must not be mailed, or was mailed just now.
    """

    CONFIRM = "confirm"
    KNOWN = "known"
    NOTHING = "nothing"


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
    paused_until: datetime | None = None
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
    """Somebody who is to be added: a parsed address, perhaps a name, tags, and what is said.

    `said` is what the file they stand in says of their consent, such as since when.
    """

    email: str
    key: str
    name: str = ""
    said: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outsider:
    """Somebody whom a file says not to mail: they unsubscribed, or their address failed.

    `reason` is None for who unsubscribed, `said` what the file says.
    """

    email: str
    key: str
    said: str
    reason: SuppressionReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What became of a newcomer; `reason` is empty for those who were added."""

    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """Somebody who unsubscribes: by which way, when, and by which issue's link if it was one."""

    subscriber_id: int
    source: str
    at: datetime
    issue: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What an unsubscription changed; `known` is False if nobody has the id."""

    known: bool
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much sign-ups may ask for: an hour over all, and for one address.

    An address gets one letter in `pause`, and at most `most` of them in `lasts`.
    """

    an_hour: int = 200
    most: int = 2
    pause: timedelta = timedelta(hours=1)
    lasts: timedelta = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A letter that is to be posted now, and to whom."""

    id: int
    kind: LetterKind
    attempts: int
    subscriber: Subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is remembered of a sign-up: which letter it asked for, when, and whether it went."""

    kind: str
    asked_at: datetime
    posted: bool
