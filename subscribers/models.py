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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person on the list. `email` is as given, `key` its folded form that is unique."""

    id: int
    email: str
    key: str
    name: str
    status: SubscriberStatus
    created_at: datetime
    unsubscribed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a subscriber agreed to, when, and how; records are appended, never changed."""

    subscriber_id: int
    at: datetime
    action: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be mailed, and why."""

    key: str
    reason: SuppressionReason
    at: datetime
    detail: str = ""
