"""What an editor writes in an intro or a blurb as readers get it: its words, and its links.

The mail knows emphasis, code and links (flows.render.markdown); all else is shown as it stands.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

from flows.edit.issue_lines import may_be_linked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
# Meant for a link and none: "a[i][j]" is code that somebody forgot to mark.
_UNLINKED = re.compile(
    r"(?<![\w\]])\[(?=[^\]]*[^\W\d_])(?:[^\[\]]|\[[^\[\]]*\])+\]"
    r"(?:\((?P<place>(?:[^()\n]|\([^()\n]*\))*)\)"
    r"|(?P<open>\()[^\s()]*"
    r"|(?P<apart>[ \n]\(https?://[^\s()]*\))"
    r"|(?P<named>\[[^\[\]]*\]))"
    r"|<https?://[^\s<>]+>"
)
_WHY_NONE = {
    "open": "the bracket behind its address is missing",
    "apart": "there may be no space before the bracket of its address",
    "named": "addresses are not listed by name here; write it in ( )",
    None: "write [words](address)",
}
_MASK = "\0"
_SCHEME = re.compile(r"https?:|mailto:", re.IGNORECASE)
_OF_ADDRESSES = re.compile(r"://|www\.|[^\s/]/|^mailto:", re.IGNORECASE)
_LONGEST_SHOWN = 100


class Unlinked(NamedTuple):
    """What was meant for a link, as it is written (of two lines the last), and why it is none.

    What stands for its address may be no more than words: "[sic](and smiled)", "[WIP][RFC]".
    """

    written: str
    why: str
    is_address: bool


class _Reader(MarkdownIt):
    """The Markdown of the mail; an address stays as it is written."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        return may_be_linked(url) or (url.lower().startswith("mailto:") and "@" in url)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        return url


# What is escaped must be told from what is not: they are not joined.
_READER = (
    _Reader("zero", {"html": False})
    .enable(["emphasis", "backticks", "link", "escape", "entity"])
    .disable("text_join")
)


def words(text: str) -> str:
    """Return the words of a text without marks and addresses."""
    return "".join(token.content for token in _tokens(text))


def links(text: str) -> list[str]:
    """Return the addresses that a text links, in their order."""
    return [str(token.attrs["href"]) for token in _tokens(text) if token.type == "link_open"]


def unlinked(text: str) -> Iterator[Unlinked]:
    """Yield what was meant for a link and is shown to readers with its brackets."""
    for paragraph in _PARAGRAPHS.split(text):
        tokens = _tokens(paragraph)
        shown = "".join(map(_spelled, tokens))
        for found in _UNLINKED.finditer("".join(map(_masked, tokens))):
            written = shown[found.start() : found.end()].rpartition("\n")[2]
            place = found[0] if found["place"] is None else found["place"]
            is_address = _is_listed(found["named"], text) if found["named"] else _is_one(place)
            yield Unlinked(written[:_LONGEST_SHOWN], _why(found), is_address)


def _is_one(place: str) -> bool:
    """Tell what was to become an address ("TODO", "#survey") from words in brackets."""
    return not re.search(r"\s", place.strip()) or _OF_ADDRESSES.search(place) is not None


def _is_listed(name: str, text: str) -> bool:
    """Tell a link by name, to the first or to one listed below, from "[WIP][RFC]"."""
    return name.strip("[] ").isdigit() or f"{name}:" in text


# Each rule for words asks the same blurbs again.
@lru_cache(maxsize=1024)
def _tokens(text: str) -> tuple[Token, ...]:
    return tuple(token for block in _READER.parseInline(text) for token in block.children or ())


def _spelled(token: Token) -> str:
    """Return what a token looks like in the text, but that what is escaped stands bare."""
    if token.type == "text_special":
        return token.content
    return f"{token.markup}{token.content}{token.markup if token.type == 'code_inline' else ''}"


def _masked(token: Token) -> str:
    """Return as many characters, of which those in code and those escaped mean nothing."""
    spelled = _spelled(token)
    return _MASK * len(spelled) if token.type in ("code_inline", "text_special") else spelled


def _why(found: re.Match[str]) -> str:
    if found["place"] is None:
        return _WHY_NONE[found.lastgroup]
    place = found["place"].strip()
    if re.search(r"\s", place):
        return "its address has a space in it; write %20 instead"
    if not _SCHEME.match(place):
        return "its address does not begin with https://, http:// or mailto:"
    return "its address leads nowhere; mend it"
