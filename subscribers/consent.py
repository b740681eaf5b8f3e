"""What counts as consent, and how a record of it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subscribers.errors import MissingConsent
from subscribers.models import Agreement, ConsentAction

if TYPE_CHECKING:
    from subscribers.models import Consent

# Enough for the whole text of a sign-up form.
LONGEST_TEXT = 2000
# The records by which somebody is on the list; the others tell of their leaving it.
AGREEING = (
    ConsentAction.ADDED,
    ConsentAction.IMPORTED,
    ConsentAction.SUBSCRIBED,
    ConsentAction.CONFIRMED,
    ConsentAction.RETURNED,
)


def agreement(text: str, *, source: str) -> Agreement:
    """Return the agreement to be recorded; raises MissingConsent if `text` says nothing."""
    text = " ".join(text.replace("\0", " ").split())
    if not text:
        raise MissingConsent(
            "consent: say how they agreed, such as 'signed up at the 2026 conference'"
        )
    if len(text) > LONGEST_TEXT:
        raise MissingConsent(
            f"consent: the text has {len(text)} characters; at most {LONGEST_TEXT} are kept"
        )
    return Agreement(text=text, source=source)


def sentence(record: Consent) -> str:
    """Return the record on one line: what, when, from where, and the text agreed to."""
    told = f"{record.action} {record.at:%Y-%m-%d} ({record.source})"
    return f"{told}: {record.text}" if record.text else told
