"""What SendGrid tells after a hand-over: whether it is genuine, and what it means for us.

Two things count: a proof that a request was accepted, whose answer we may never have got, and
feedback on an address that must not be mailed any more. All else is passed over.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from sendgrid.helpers.eventwebhook import EventWebhook

from flows.errors import EventsRefused, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What was signed longer ago is a replay, or comes from a clock that is wrong.
WINDOW = timedelta(minutes=10)
# A stranger's text: as much of it as helps.
LONGEST_REASON = 200
# More than any number of ours: a database's whole numbers end there.
TOO_GREAT = 1 << 31

# A message that got this far was accepted. Not `dropped`: a cancelled one is dropped too.
PROVING = frozenset(
    ("processed", "deferred", "delivered", "bounce", "open", "click", "spamreport", "unsubscribe")
)


class FeedbackKind(StrEnum):
    """What happened to an address; `BLOCKED` may pass, the others stay."""

    BOUNCED = "bounced"
    BLOCKED = "blocked"
    INVALID = "invalid"
    COMPLAINED = "complained"
    LEFT = "left"


# Why SendGrid drops mail for an address, in its own words.
DROPPED = {
    "bounced address": FeedbackKind.BOUNCED,
    "spam reporting address": FeedbackKind.COMPLAINED,
    "unsubscribed address": FeedbackKind.LEFT,
    "invalid": FeedbackKind.INVALID,
}
KINDS = {
    "spamreport": FeedbackKind.COMPLAINED,
    "unsubscribe": FeedbackKind.LEFT,
    "group_unsubscribe": FeedbackKind.LEFT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A message of ours that SendGrid accepted, by the arguments that we sent along with it."""

    issue: int
    batch: int
    subscriber_id: int
    email: str
    provider_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What became of an address, when and why; `issue` is None where SendGrid does not tell."""

    kind: FeedbackKind
    email: str
    at: datetime
    reason: str = ""
    issue: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What one request of the webhook says; `unreadable` were no events."""

    count: int = 0
    unreadable: int = 0
    proofs: tuple[Proof, ...] = ()
    feedback: tuple[Feedback, ...] = ()


class EventKey:
    """SendGrid's public key, with which its requests are told from everybody else's."""

    def __init__(self, webhook: Any) -> None:
        self._webhook = webhook

    @classmethod
    def load(cls, text: str) -> Self:
        """Return the key in the form SendGrid shows it (base64); raises SettingsError."""
        try:
            webhook = EventWebhook("".join(text.split()))
            webhook.public_key.curve  # noqa: B018 - an RSA key has none
        except (ValueError, AttributeError) as error:
            raise SettingsError(
                "[sending] webhook_key: this is no verification key; copy the one that SendGrid "
                "shows under Mail Settings, Event Webhook, Signature Verification"
            ) from error
        return cls(webhook)

    def require(self, body: bytes, *, signature: str, timestamp: str, now: datetime) -> None:
        """Return if SendGrid signed this body just now; raises EventsRefused."""
        if not signature or not timestamp.isascii() or not timestamp.isdecimal():
            raise EventsRefused("it is not signed")
        if not self._verified(body, signature, timestamp):
            raise EventsRefused("its signature is not SendGrid's")
        age = abs(now.timestamp() - int(timestamp[:15]))
        if age > WINDOW.total_seconds():
            raise EventsRefused("it was signed too long ago, or this machine's clock is wrong")

    def _verified(self, body: bytes, signature: str, timestamp: str) -> bool:
        try:
            # The raw body: SendGrid signs the line end after the JSON too.
            text = body.decode("utf-8")
            return bool(self._webhook.verify_signature(text, signature, timestamp))
        except (UnicodeDecodeError, binascii.Error, ValueError):
            return False


def read_events(body: bytes) -> Events:
    """Return what the events say that matters here; raises EventsRefused if they are no array."""
    try:
        found = json.loads(body)
    # A parser that runs out of stack on a thousand brackets was handed no events.
    except (ValueError, RecursionError) as error:
        raise EventsRefused("it is not JSON", status=400) from error
    if not isinstance(found, list):
        raise EventsRefused("it is not an array of events", status=400)
    events = [event for event in found if isinstance(event, dict)]
    proofs = (_proof(event) for event in events)
    feedback = (_feedback(event) for event in events)
    return Events(
        count=len(found),
        unreadable=len(found) - len(events),
        # Thousands of events tell of the same request: one for each reader is enough.
        proofs=tuple(dict.fromkeys(proof for proof in proofs if proof)),
        feedback=tuple(dict.fromkeys(one for one in feedback if one)),
    )


def _proof(event: Mapping[str, Any]) -> Proof | None:
    if plain(event.get("event")) not in PROVING:
        return None
    numbers = [_number(event.get(name)) for name in ("np_issue", "np_batch", "np_rcpt")]
    email = plain(event.get("email"))
    if None in numbers or not email:
        return None
    issue, batch, subscriber_id = (number or 0 for number in numbers)
    # What SendGrid answered as X-Message-Id stands before the first full stop.
    provider_id = plain(event.get("sg_message_id")).partition(".")[0]
    return Proof(
        issue=issue, batch=batch, subscriber_id=subscriber_id, email=email, provider_id=provider_id
    )


def _feedback(event: Mapping[str, Any]) -> Feedback | None:
    kind = _kind(event)
    email, at = plain(event.get("email")), moment(event.get("timestamp"))
    if kind is None or not email or at is None:
        return None
    reason = plain(event.get("reason"))[:LONGEST_REASON]
    return Feedback(
        kind=kind, email=email, at=at, reason=reason, issue=_number(event.get("np_issue"))
    )


def _kind(event: Mapping[str, Any]) -> FeedbackKind | None:
    name = plain(event.get("event"))
    if name == "bounce":
        blocked = event.get("type") == "blocked"
        return FeedbackKind.BLOCKED if blocked else FeedbackKind.BOUNCED
    if name == "dropped":
        return DROPPED.get(plain(event.get("reason")).lower())
    return KINDS.get(name)


def moment(seconds: object) -> datetime | None:
    """Return the time of so many seconds since 1970; None for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: object) -> int | None:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(TOO_GREAT)):
        return None
    return number if (number := int(text)) < TOO_GREAT else None


def plain(value: object) -> str:
    """Return a stranger's text on one line, free of what a database cannot keep."""
    if not isinstance(value, str):
        return ""
    return " ".join(value.encode("utf-8", "replace").decode().replace("\0", " ").split())
