"""Finds the line of an issue's file that a finding is about, so that its editor can go there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from flows.edit.front_matter import FENCE
from flows.edit.issue_file import read_placed
from flows.edit.issue_lines import numbered
from flows.edit.markdown import read_link, unescape
from flows.edit.past_links import in_markdown
from flows.edit.sections import LEFT_OVER, NEW
from flows.render.clean import readable, safe_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from flows.models import Entry, Finding, Spot

# What the front matter says of the inbox line.
_KEYS = {
    **dict.fromkeys(("H11", "H12", "E13"), "subject"),
    **dict.fromkeys(("P01", "E16"), "preheader"),
    "E14": "date",
}
_ADDRESS = re.compile(r"https?://\S+")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])+'|\"(?:\\.|[^\"\\])+\"")
# A rule that cuts what it quotes, cuts it no shorter than this; an address, than that.
_LEAST = 12
_LEAST_OF_ADDRESS = 60
# What stands before a link that has its line for itself.
_BEFORE = re.compile(r"\s*(?:#{2,3}\s*|-\s+)?")
# What a sentence puts behind an address.
_BEHIND = ".,;:'\""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of the file: its number, its words and the addresses in it, as the mail has them.

    `title` is what it is the title of, a link, a group or a section: "" if of none.
    """

    number: int
    words: str
    title: str
    addresses: tuple[str, ...]


class Lines:
    """The lines of one issue's file; raises IssueError if it cannot be read."""

    def __init__(self, text: str, *, path: Path) -> None:
        placed = read_placed(text, path=path)
        self._headings = {name.casefold(): number for number, name in placed.headings}
        self._sent = [place for place in placed.places if place.is_sent]
        self._raw = numbered(text)
        self._lines = [_read(number, line) for number, line in self._raw]
        fences = [number for number, line in self._raw if line == FENCE]
        # Titles stand in the subject and the preheader too.
        self._matter = fences[1] if len(fences) > 1 else 0

    def point(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings, each with the line to mend; 0 where no line of the file is it."""
        return [replace(finding, line=finding.line or self._line(finding)) for finding in findings]

    def shown(self, number: int) -> str:
        """Return a line as it stands in the file."""
        return self._raw[number - 1][1].strip() if 0 < number <= len(self._raw) else ""

    def line_of(self, entry: Entry, *, below: str = "") -> int:
        """Return where an entry stands, `below` a heading; 0 if it is not there."""
        start = self._heading(below) if below else 0
        wanted = safe_url(entry.url) if entry.url else _plain(entry.title)
        for line in self._lines:
            found = line.addresses if entry.url else (line.title,)
            if line.number > start and wanted in found:
                return line.number
        return 0

    def _line(self, finding: Finding) -> int:
        if finding.spot:
            return self._at(finding.spot)
        if key := _KEYS.get(finding.rule):
            return self._key(key)
        if finding.rule == "E05":
            return self._heading(NEW)
        if finding.rule.startswith("sponsor."):
            return self._key("date")
        # What is no link is known by its words only.
        addressed = () if finding.rule == "E09" else self._addressed(finding)
        return next(iter(addressed), 0) or next(self._worded(finding), 0)

    def _at(self, spot: Spot) -> int:
        place = self._sent[spot.entry]
        return place.parts[spot.part][spot.line] if spot.part else place.line

    def _key(self, key: str) -> int:
        pattern = re.compile(rf"\s*[\"']?{key}[\"']?\s*=")
        found = (number for number, line in self._raw if pattern.match(line))
        # A key that is not there is to be added below the fence.
        return next(found, 1)

    def _heading(self, name: str) -> int:
        return self._headings.get(name.casefold(), 0)

    def _lines_sent(self) -> Iterator[_Line]:
        """Yield the lines of what is sent."""
        headings = set(self._headings.values())
        unsent = {self._heading(NEW), self._heading(LEFT_OVER)}
        is_sent = True
        for line in self._lines[self._matter :]:
            if line.number in headings:
                is_sent = line.number not in unsent
            if is_sent:
                yield line

    def _addressed(self, finding: Finding) -> Iterator[int]:
        """Yield the lines with an address that the message names: it, else one it was cut from."""
        named = (found.rstrip(_BEHIND) for found in _ADDRESS.findall(finding.message))
        wanted = {safe_url(address).rstrip(_BEHIND) for address in named} - {""}
        if not wanted:
            return
        cut = tuple(address for address in wanted if len(address) >= _LEAST_OF_ADDRESS)
        places = [(line.number, url) for line in self._lines_sent() for url in line.addresses]
        yield from (number for number, url in places if url.rstrip(_BEHIND) in wanted)
        yield from (number for number, url in places if urldefrag(url).url in wanted)
        yield from (number for number, url in places if url.startswith(cut))

    def _worded(self, finding: Finding) -> Iterator[int]:
        """Yield the lines that are titled as the message quotes, then those with the words."""
        quoted = [_plain(ast.literal_eval(found)) for found in _QUOTED.findall(finding.message)]
        if not quoted:
            return
        lines = list(self._lines_sent())
        yield from (line.number for line in lines if line.title and line.title in quoted)
        yield from (
            line.number for line in lines if any(_stands_in(words, line.words) for words in quoted)
        )


def _stands_in(words: str, line: str) -> bool:
    if len(words) >= _LEAST:
        return words in line
    return bool(words) and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", line) is not None


def _read(number: int, line: str) -> _Line:
    words = _plain(line)
    found = read_link(_BEFORE.sub("", line, count=1)) if "](" in line else None
    if found and not found.rest:
        # Most lines with a link are one link; only the others are worth a whole parser.
        return _Line(
            number=number, words=words, title=_plain(found.title), addresses=(safe_url(found.url),)
        )
    urls = [link.url for link in in_markdown(line)] if "](" in line or "://" in line else []
    title = words.lstrip("# ") if words.startswith("##") else ""
    return _Line(number=number, words=words, title=title, addresses=tuple(map(safe_url, urls)))


def _plain(text: str) -> str:
    return " ".join(readable(unescape(text)).split())
