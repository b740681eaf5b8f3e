"""The numbers that items are found by: what is alike in address or title has the same one.

They bring together, they do not decide: what was found is compared by whoever asked.
"""

from __future__ import annotations

import hashlib
import re

_SCHEME = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_PREFIX = re.compile(r"^(?:www\d{0,2}|m|mobile|amp)\.")
_REST = re.compile(r"[?#]")
_WORD = re.compile(r"\w+")


def number(text: str) -> int:
    """Return the number of a text: 63 bits, the largest that both databases keep as one."""
    digest = hashlib.sha256(text.encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def place(url: str) -> int | None:
    """Return the number of an address, whatever its scheme, query and case; None without one."""
    text = _SCHEME.sub("", url.strip().lower())
    text = _PREFIX.sub("", _REST.split(text, maxsplit=1)[0]).rstrip("/")
    return number(text) if text else None


def name(title: str) -> int | None:
    """Return the number of a title, whatever its case and punctuation; None without a word."""
    text = " ".join(_WORD.findall(title.casefold()))
    return number(text) if text else None
