"""The Markdown an editor may write in a blurb or an intro: emphasis, code and links, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from flows.models import Link
from flows.render.clean import WEB, paragraphs, readable, safe_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

_SCHEMES = (*WEB, "mailto")
_RULES = ["emphasis", "backticks", "link", "escape", "entity"]
_TAGS = {
    "strong_open": Markup("<strong>"),
    "strong_close": Markup("</strong>"),
    "em_open": Markup("<em>"),
    "em_close": Markup("</em>"),
    "link_close": Markup("</a>"),
}
_BREAKS = {"softbreak", "hardbreak"}
_SHORT_CODE = 24


class _Reader(MarkdownIt):
    """Inline Markdown; a link that must not be made stays as it was written."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        return bool(safe_url(url, schemes=_SCHEMES))

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        return safe_url(url, schemes=_SCHEMES) or url


_READER = _Reader("zero", {"html": False}).enable(_RULES)


def to_html(text: str) -> Markup:
    """Return the one paragraph of `text` as HTML."""
    return Markup("").join(_html(token) for token in _tokens(text))


def to_html_paragraphs(text: str) -> list[Markup]:
    """Return the paragraphs of `text` as HTML."""
    return [to_html(paragraph) for paragraph in paragraphs(text)]


def to_text(text: str) -> str:
    """Return the words of `text` without marks; the links are told by `links`."""
    return "".join(_words(token) for token in _tokens(text))


def links(text: str) -> list[Link]:
    """Return the links in `text`, in order."""
    found: list[Link] = []
    words, url = "", ""
    for token in _tokens(text):
        if token.type == "link_open":
            words, url = "", str(token.attrs["href"])
        elif token.type == "link_close":
            found.append(Link(title=words or url, url=url))
        else:
            words += _words(token)
    return found


def _tokens(text: str) -> Iterator[Token]:
    for block in _READER.parseInline(text):
        yield from block.children or ()


def _html(token: Token) -> Markup:
    if token.type == "link_open":
        return Markup('<a href="{}">').format(str(token.attrs["href"]))
    if token.type == "code_inline":
        return _code(token.content)
    return _TAGS.get(token.type) or escape(_words(token))


def _code(text: str) -> Markup:
    # "{{ .Values.x }}" is hard to read over two lines, and fits the narrowest telephone on one.
    if text.isascii() and len(text) <= _SHORT_CODE:
        return Markup('<code class="whole">{}</code>').format(text)
    return Markup("<code>{}</code>").format(text)


def _words(token: Token) -> str:
    # By now Markdown has made characters of entities: "&#x202e;" is the one that turns text round.
    return " " if token.type in _BREAKS else readable(token.content)
