"""The token in a link or a form: genuine and for this very purpose, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flows.web.pages import NOBODYS
from subscribers.errors import InvalidToken
from subscribers.tokens import Purpose, Token, read

if TYPE_CHECKING:
    from collections.abc import Collection

    from flows.web.site import Site

# What the links of an issue are signed for: its readers', and those that stand for nobody.
READERS: Final = frozenset({Purpose.UNSUBSCRIBE, *NOBODYS})


def genuine(site: Site, text: str, purposes: Collection[Purpose] = READERS) -> Token | None:
    """Return what a genuine token for one of these purposes says, None for any other text."""
    try:
        token = read(site.keys, text)
    except InvalidToken:
        return None
    return token if token.purpose in purposes else None
