"""The exports of other services: known by their headers, and what their words mean here.

Whoever left, bounced or complained elsewhere did so for good: their rows are kept, so that no
later import brings them in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


class Elsewhere(StrEnum):
    """How somebody stands in a file that says more than their address.

    `unknown` is for a word that is none of ours: it may well say that they left.
    """

    UNKNOWN = "unknown"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


# What is heeded first if a file says several things of somebody.
GRAVITY: Final = {standing: place for place, standing in enumerate(Elsewhere)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service by the columns (folded to words) that no other one's export has together."""

    name: str
    columns: frozenset[str]


SERVICES: Final = (
    # Mailchimp names its files subscribed_, unsubscribed_, cleaned_, nonsubscribed_...csv.
    Service(name="Mailchimp", columns=frozenset({"email address", "leid", "euid"})),
    Service(name="Ghost", columns=frozenset({"subscribed to emails", "complimentary plan"})),
    Service(name="Substack", columns=frozenset({"active subscription", "expiry"})),
    Service(name="listmonk", columns=frozenset({"uuid", "attributes", "status"})),
    Service(name="Buttondown", columns=frozenset({"metadata", "tags", "type"})),
    Service(name="Buttondown", columns=frozenset({"metadata", "tags", "subscriber type"})),
    Service(name="newsletter", columns=frozenset({"status", "created at", "consent"})),
)

# Mailchimp tells in a file's name how all in it stand (nonsubscribed_segment_export_1a2b.csv).
_FILES: Final = {
    "nonsubscribed": Elsewhere.PENDING,
    "unsubscribed": Elsewhere.UNSUBSCRIBED,
    "cleaned": Elsewhere.BOUNCED,
}

_YES: Final = frozenset({"true", "t", "yes", "y", "on", "x"})
_NO: Final = frozenset({"false", "f", "no", "n", "off", "0", "never", "none", "null"})
_WORDS: Final = {
    None: (
        *("active", "subscribed", "enabled", "confirmed", "opted in", "opt in", "single opt in"),
        *("double opt in", "regular", "free", "paid", "premium", "comped", "complimentary"),
        *("gifted", "trialed", "trialing", "churning", "churned", "past due", "unpaid", "paused"),
        *("member", "subscriber", "valid", "ok"),
    ),
    Elsewhere.PENDING: (
        *("pending", "unconfirmed", "unactivated", "nonsubscribed", "non subscribed"),
        *("not subscribed", "never subscribed", "transactional", "upcoming"),
    ),
    Elsewhere.UNSUBSCRIBED: (
        *("unsubscribed", "unsubscribe", "unsub", "unsubscribed by admin", "unsubscribed by user"),
        *("opted out", "opt out", "optout", "do not contact", "do not email", "do not mail"),
        *("removed", "deleted", "forgotten", "disabled", "inactive", "cancelled", "canceled"),
        *("blocklisted", "blacklisted", "blocked", "suppressed", "spammy", "archived"),
    ),
    Elsewhere.BOUNCED: (
        *("bounced", "bounce", "hard bounced", "hard bounce", "hardbounce", "cleaned"),
        *("undeliverable", "invalid"),
    ),
    Elsewhere.COMPLAINED: (
        *("complained", "complaint", "spam complaint", "spam", "spam report", "reported as spam"),
        *("marked as spam",),
    ),
}
_BY_WORD: Final = {word: standing for standing, words in _WORDS.items() for word in words}
# Columns that say how somebody stands by a word of their own; by yes or no (a time is a yes too);
# or by having anything in them: the time when it happened.
_WORD_COLUMNS: Final = frozenset(
    {"status", "subscription status", "subscriber status", "email status", "subscriber type"}
)
# In many a file it tells other things of a person; only the words that we know are heeded.
_LOOSE: Final = "type"
_OUT: Final = {
    **dict.fromkeys(
        ("email disabled", "unsubscribed", "opted out", "opt out", "do not contact"),
        Elsewhere.UNSUBSCRIBED,
    ),
    **dict.fromkeys(("do not email", "unsubscribed from all email"), Elsewhere.UNSUBSCRIBED),
    **dict.fromkeys(("bounced", "hard bounced"), Elsewhere.BOUNCED),
    **dict.fromkeys(("complained", "marked as spam"), Elsewhere.COMPLAINED),
}
_IN: Final = frozenset(
    {
        *("subscribed to emails", "subscribed", "opted in", "opt in"),
        *("accepts marketing", "accepts email marketing"),
    }
)
_TIMES: Final = {
    "unsub time": Elsewhere.UNSUBSCRIBED,
    "unsubscribed at": Elsewhere.UNSUBSCRIBED,
    "unsubscription date": Elsewhere.UNSUBSCRIBED,
    "deleted at": Elsewhere.UNSUBSCRIBED,
    "clean time": Elsewhere.BOUNCED,
    "undeliverability date": Elsewhere.BOUNCED,
}
STANDING_COLUMNS: Final = _WORD_COLUMNS | {_LOOSE} | _OUT.keys() | _IN | _TIMES.keys()
# Since when they are on the list there, the surest of it first: the proof of their consent.
SINCE_COLUMNS: Final = (
    *("confirm time", "optin time", "subscription date", "creation date", "created at"),
    *("created", "start date"),
)
TAG_COLUMNS: Final = ("tags", "labels")

LONGEST_TAG: Final = 32
MOST_TAGS: Final = 20
_SHOWN: Final = 40


def recognised(columns: Sequence[str]) -> str:
    """Return the name of the service whose export has these columns, "" if it is no known one."""
    there = frozenset(columns)
    return next((service.name for service in SERVICES if service.columns <= there), "")


def standing(column: str, value: str) -> Elsewhere | None:
    """Return what a cell of one of the STANDING_COLUMNS says against mailing somebody."""
    word = " ".join(re.findall(r"[a-z0-9]+", value.casefold()))
    if not value.strip():
        return None
    if column in _TIMES:
        return _TIMES[column]
    if column in _OUT:
        return None if word in _NO else _OUT[column]
    if column in _IN and word in _NO:
        return Elsewhere.UNSUBSCRIBED
    if column in _IN and (word in _YES or re.search("[0-9]", word)):
        return None
    return _BY_WORD.get(word, None if column == _LOOSE else Elsewhere.UNKNOWN)


def standing_of_all(service: str, name: str) -> Elsewhere | None:
    """Return what a file's name says against mailing all who are in it."""
    if service != "Mailchimp":
        return None
    return _FILES.get(re.split(r"[^a-z]", name.casefold())[0])


def said(column: str, value: str) -> str:
    """Return what a cell says, as it is repeated to a person."""
    return f"{column} {value.strip()[:_SHOWN]}"


def fold_tag(text: str) -> str:
    """Return a tag in its one spelling: small letters and digits, joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:LONGEST_TAG].rstrip("-")


def tags_in(cell: str) -> tuple[str, ...]:
    """Return the tags that a cell lists ('"VIP","Berlin"'), in their one spelling."""
    folded = (fold_tag(part) for part in re.split(r"[,;]", cell))
    return tuple(dict.fromkeys(filter(None, folded)))[:MOST_TAGS]
