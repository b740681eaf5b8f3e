"""Who must not be added or mailed, and why: rules without a database."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from subscribers.models import Admission, Fate, SubscriberStatus, SuppressionReason

if TYPE_CHECKING:
    from subscribers.models import Subscriber, Suppression

SENTENCES = {
    SuppressionReason.BOUNCE: "mail to it bounced",
    SuppressionReason.COMPLAINT: "its reader reported our mail as spam",
    SuppressionReason.INVALID: "the mail provider refused it",
    SuppressionReason.FORGOTTEN: "its owner asked to be forgotten",
}


def forgotten_key(key: str, salt: str) -> str:
    """Return what is kept of a forgotten address: enough to know it again, not to mail it."""
    return "sha256:" + hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()


def why(suppression: Suppression) -> str:
    """Return why an address must not be mailed, and since when."""
    return f"{SENTENCES[suppression.reason]}, on {suppression.at:%Y-%m-%d}"


def admission(known: Subscriber | None, suppression: Suppression | None) -> Admission | None:
    """Return why somebody who is to be added is not, None if nothing stands against it.

    Adding never brings back who unsubscribed, bounced, complained or was forgotten.
    """
    if suppression is not None:
        return _kept_out(why(suppression))
    if known is None:
        return None
    if known.status is SubscriberStatus.UNSUBSCRIBED:
        return _kept_out(f"unsubscribed on {known.unsubscribed_at or known.created_at:%Y-%m-%d}")
    if known.status is SubscriberStatus.PENDING:
        return Admission(fate=Fate.ALREADY_THERE, reason="yet to confirm")
    return Admission(fate=Fate.ALREADY_THERE, reason=f"since {known.created_at:%Y-%m-%d}")


def _kept_out(reason: str) -> Admission:
    return Admission(fate=Fate.KEPT_OUT, reason=reason)
