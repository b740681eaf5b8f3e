"""Reads the issues of a newsletter's past: our issue files, any Markdown, HTML, lists of links.

What is wanted of them is what ran: addresses with their titles. Nothing is raised: a file that
says nothing says why.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.edit import issue_file, past_links
from flows.edit.canonical import canonical
from flows.edit.issue_lines import may_be_linked
from flows.edit.pages import is_furniture
from flows.errors import IssueError
from flows.models import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from flows.edit.past_links import Found
    from flows.models import Entry, Issue

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mdx"})
HTML = frozenset({".html", ".htm", ".xhtml"})
TABLES = frozenset({".csv", ".tsv"})
SUFFIXES = MARKDOWN | HTML | TABLES | {".txt", ".text", ".list", ".urls"}
# An issue is a page; what is larger is something else.
LARGEST = 20 << 20
# No newsletter has had more issues; what looks like a higher number is a date.
HIGHEST_NUMBER = 19_999

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_LOOKS_LIKE_HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|head|body|table|div)\b", re.IGNORECASE
)
_MATTER = re.compile(r"\A\s*(?P<fence>---|\+\+\+)[ \t]*\n(?P<matter>.*?)\n(?P=fence)", re.DOTALL)
_NUMBER = re.compile(
    r"^[ \t]*[\"']?(?:number|issue|issue[_ -]?(?:number|no)|edition)[\"']?[ \t]*[:=][ \t]*"
    r"[\"']?#?(?P<number>\d{1,6})[\"']?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# "2024-05-12", "20240512", "2024-05", and a year by itself: no number of an issue.
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?:[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?)?(?!\d)"
)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a file of a past issue says: what ran, the issue's number if it names one.

    `note` says what is odd about the file; without `items`, why there are none.
    """

    items: tuple[Item, ...] = ()
    number: int | None = None
    note: str = ""


def read_past(data: bytes, *, path: Path) -> Past:
    """Return what a file of a past issue says."""
    text, note = text_of(data, path)
    if not text:
        return Past(note=note)
    own = _own(text, path)
    if own is not None:
        return Past(items=tuple(ran(own.entries)), number=own.number, note=_missing(own.entries))
    items = tuple(_items(_found(text, path)))
    found = Past(items=items, number=_number(text), note=note)
    return found if items else replace(found, note=note or "no link in it")


def number_from_name(path: Path) -> int | None:
    """Return the number of an issue from its file's name, None if there is none or too many."""
    for name in (path.stem, path.parent.name):
        found = _DIGITS.findall(_DATE.sub(" ", name))
        if len(found) == 1 and 0 < int(found[0]) <= HIGHEST_NUMBER:
            return int(found[0])
        if found:
            return None
    return None


def ran(entries: Iterable[Entry]) -> Iterator[Item]:
    """Yield what ran in an issue as its file says; a sponsor may come again, so none is here."""
    for entry in entries:
        if entry.sponsor:
            continue
        if entry.url:
            yield Item(
                feed=entry.source, guid="", url=entry.url, title=entry.title, summary=entry.blurb
            )
        for link in entry.links:
            yield Item(feed=entry.source, guid="", url=link.url, title=link.title)


def _missing(entries: Iterable[Entry]) -> str:
    return "" if any(ran(entries)) else "nothing in it was sent"


def text_of(data: bytes, path: Path, *, largest: int = LARGEST) -> tuple[str, str]:
    """Return the text of a file and what is odd about it; without a text, why there is none."""
    if len(data) > largest:
        return "", f"it is larger than {largest >> 20} MB, which no issue is"
    text, note = _decoded(data, path)
    return (text, note) if text.strip() else ("", note or "the file is empty")


def _decoded(data: bytes, path: Path) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), ""
    if b"\x00" in data:
        return "", "it is no text"
    declared = _CHARSET.search(data[:2_000]) if _is_html(path) else None
    encodings = ["utf-8", *([declared[1].decode("ascii")] if declared else [])]
    for encoding in encodings:
        try:
            return data.decode(encoding), ""
        except (LookupError, UnicodeDecodeError):
            continue
    told = "it is not written in UTF-8; it was read as windows-1252, look at its titles"
    return data.decode("windows-1252", errors="replace"), told


def _own(text: str, path: Path) -> Issue | None:
    """Return the issue if the file is one of ours."""
    if path.suffix.lower() not in MARKDOWN:
        return None
    try:
        return issue_file.read(text.removeprefix("\ufeff"), path=path)
    except IssueError:
        return None


def _is_html(path: Path) -> bool:
    return path.suffix.lower() in HTML


def _found(text: str, path: Path) -> list[Found]:
    if _is_html(path) or _LOOKS_LIKE_HTML.match(text):
        return past_links.in_html(text)
    if path.suffix.lower() in TABLES:
        return past_links.in_table(text)
    if path.suffix.lower() in MARKDOWN or "](" in text:
        return past_links.in_markdown(_MATTER.sub("", text, count=1))
    return past_links.in_list(text)


def _items(found: Iterable[Found]) -> Iterator[Item]:
    """Yield an item for each address, under the best of its titles."""
    best: dict[str, Found] = {}
    for link in found:
        key = canonical(link.url)
        if not may_be_linked(key) or is_furniture(link.url):
            continue
        known = best.get(key)
        if known is None or _worth(link) > _worth(known):
            best[key] = link
    for link in best.values():
        yield Item(feed="", guid="", url=link.url, title=link.title)


def _worth(link: Found) -> int:
    """Return how much a title says: of several links to a page the headline says most."""
    return min(len(link.title), past_links.LONGEST_HEADLINE)


def _number(text: str) -> int | None:
    matter = _MATTER.match(text)
    match = _NUMBER.search(matter["matter"]) if matter else None
    if match is None or not 0 < int(match["number"]) <= HIGHEST_NUMBER:
        return None
    return int(match["number"])
