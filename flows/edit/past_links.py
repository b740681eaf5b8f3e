"""Finds links and their titles in Markdown, HTML and plain lists."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree, html
from markdown_it import MarkdownIt

from flows.edit.characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

# A longer text of a link is a paragraph.
LONGEST_HEADLINE = 300

_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+", re.IGNORECASE)
# What a sentence puts behind an address; a closing bracket is its own if one was opened.
_BEHIND = ".,;:!?*_"
_TAG = re.compile(r"<[^<>]*>")
_BULLET = re.compile(r"^\s*(?:[-*+•·–]|\d{1,4}[.)])\s+")
_AROUND = ' \t-–—:.|·•,;"“”«»<>()[]'
# Texts of links that say nothing of the page.
_EMPTY = re.compile(
    r"\W*(?:(?:read|see|learn|find out|show|view|more|continue)(?: reading)?(?: the)?"
    r"(?: full| whole| original| rest of the)?(?: more| here| on| article| post| story)?"
    r"|(?:click )?here|link|source|website|web|url|watch(?: (?:now|here|the video))?|listen"
    r"|via|article|post|video|demo|docs|github|slides?|paper|pdf|\d{1,4}|this|permalink"
    r"|view (?:in|on) (?:your |the )?(?:browser|web)|unsubscribe|subscribe)\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A link; its title is empty where the text of the link says nothing."""

    title: str
    url: str


def in_markdown(text: str) -> list[Found]:
    """Return the links of Markdown in their order: links, autolinks, bare addresses, HTML."""
    found: list[Found] = []
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "html_block":
            found += in_html(token.content)
        elif token.type == "inline":
            found += _inline(token.children or [])
        elif token.type in ("code_block", "fence"):
            found += in_list(token.content)
    return found


def in_html(text: str) -> list[Found]:
    """Return the links of HTML in their order; what cannot be read as HTML has none."""
    try:
        # Bytes, so that a declaration of an encoding, which was heeded already, does no harm.
        root = html.fromstring(
            f"<div>{_DECLARED.sub('', text)}</div>".encode(errors="replace"),
            parser=html.HTMLParser(encoding="utf-8", huge_tree=False),
        )
    except (etree.ParserError, ValueError):
        return []
    links = []
    for anchor in root.iter("a"):
        address = (anchor.get("href") or "").strip()
        if address.lower().startswith(("http://", "https://", "//")):
            told = anchor.text_content() or anchor.get("title") or _alternative(anchor)
            links.append(_link(told, address))
    return links


_DECLARED = re.compile(r"^\s*<\?xml[^>]*\?>")


def in_list(text: str) -> list[Found]:
    """Return the links of plain text; a title stands beside its address, or in the line above."""
    found: list[Found] = []
    above = ""
    for raw in text.splitlines():
        line = _BULLET.sub("", raw).strip()
        addresses = [_trimmed(match.group()) for match in _URL.finditer(line)]
        beside = line
        for address in addresses:
            beside = beside.replace(address, " ")
        beside = one_line(beside).strip(_AROUND)
        if not addresses:
            above = line
            continue
        for address in addresses:
            # Of several addresses in one line it is anyone's guess which the title is of.
            alone = len(addresses) == 1
            found.append(_link((beside or above.strip(_AROUND)) if alone else "", address))
        above = ""
    return found


def in_table(text: str) -> list[Found]:
    """Return the links of a CSV or TSV file; the longest other cell of a row is the title."""
    delimiter = "\t" if "\t" in text else ";" if ";" in text.partition("\n")[0] else ","
    found: list[Found] = []
    try:
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            cells = [cell.strip() for cell in row]
            addresses = [cell for cell in cells if _URL.fullmatch(cell)]
            told = max((cell for cell in cells if not _URL.match(cell)), key=len, default="")
            found += [_link(told if len(addresses) == 1 else "", one) for one in addresses]
    except csv.Error:
        return in_list(text)
    return found


def _inline(tokens: Sequence[Token]) -> Iterator[Found]:
    """Yield the links of a paragraph."""
    address, told = "", ""
    plain = ""
    for token in tokens:
        if token.type == "link_open":
            address, told = str(token.attrGet("href") or ""), ""
        elif token.type == "link_close":
            if address.lower().startswith(("http://", "https://")):
                yield _link(told, address)
            address = ""
        elif address:
            told += token.content if token.type != "softbreak" else " "
        else:
            plain += token.content or "\n"
    # HTML inside a paragraph, and addresses that stand bare in it.
    if "<a" in plain.lower():
        yield from in_html(plain)
    yield from in_list(_TAG.sub(" ", plain))


def _alternative(anchor: html.HtmlElement) -> str:
    """Return what stands for the picture of a link that has no text."""
    return next((image.get("alt") or "" for image in anchor.iter("img")), "")


def _link(told: str, address: str) -> Found:
    title = one_line(told).strip()
    says_nothing = not title or len(title) > LONGEST_HEADLINE or _EMPTY.fullmatch(title)
    if says_nothing or _URL.match(title):
        title = ""
    return Found(title=title, url=_trimmed(address))


def _trimmed(address: str) -> str:
    address = address.rstrip(_BEHIND)
    while address.endswith((")", "]")):
        opening = {")": "(", "]": "["}[address[-1]]
        if address.count(opening) >= address.count(address[-1]):
            break
        address = address[:-1].rstrip(_BEHIND)
    return address
