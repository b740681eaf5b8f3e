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
    """How somebody stands in a file that says more than their address."""

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

_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})
_WORDS: Final = {
    Elsewhere.PENDING: ("pending", "unconfirmed", "unactivated", "nonsubscribed", "transactional"),
    Elsewhere.UNSUBSCRIBED: (
        *("unsubscribed", "removed", "deleted", "forgotten", "disabled", "inactive"),
        *("blocklisted", "blacklisted", "blocked", "suppressed", "spammy", "archived"),
    ),
    Elsewhere.BOUNCED: ("bounced", "bounce", "cleaned", "undeliverable", "invalid"),
    Elsewhere.COMPLAINED: ("complained", "complaint"),
}
_BY_WORD: Final = {word: standing for standing, words in _WORDS.items() for word in words}
# Columns that say how somebody stands by a word of their own (the first three), by yes or no, or
# by having anything in them: the time when it happened.
_WORD_COLUMNS: Final = frozenset({"type", "subscriber type", "status", "subscription status"})
_SWITCHES: Final = {"subscribed to emails": _NO, "email disabled": _YES}
_TIMES: Final = {
    "unsub time": Elsewhere.UNSUBSCRIBED,
    "unsubscribed at": Elsewhere.UNSUBSCRIBED,
    "unsubscription date": Elsewhere.UNSUBSCRIBED,
    "deleted at": Elsewhere.UNSUBSCRIBED,
    "clean time": Elsewhere.BOUNCED,
    "undeliverability date": Elsewhere.BOUNCED,
}
STANDING_COLUMNS: Final = _WORD_COLUMNS | _SWITCHES.keys() | _TIMES.keys()
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
    word = value.strip().casefold()
    if not word:
        return None
    if column in _SWITCHES:
        return Elsewhere.UNSUBSCRIBED if word in _SWITCHES[column] else None
    if column in _TIMES:
        return _TIMES[column]
    return _BY_WORD.get(word)


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
