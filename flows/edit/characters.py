"""Characters that carry no meaning for a reader, taken out of text."""

from __future__ import annotations

import re

# Control characters, lone surrogates, soft hyphens, zero-width spaces, direction overrides (they
# can make an address read backwards) and the tag characters that smuggle invisible ASCII.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)

# Joiners shape emoji, Arabic and Indic letters; between other characters they only hide.
_STRAY_JOINERS = re.compile(
    "(?<![\u0600-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?![\u0600-\U0010ffff])"
)

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Return the text with what no reader can see taken out; every line ends in a line feed."""
    if text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    return _STRAY_JOINERS.sub("", _INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    """Return the visible text on one line, with single spaces."""
    return " ".join(visible(text).split())
