"""Finds the line of an issue's file that a finding is about, so that its editor can go there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.edit.front_matter import FENCE
from flows.edit.issue_lines import numbered
from flows.edit.markdown import read_link, unescape
from flows.edit.past_links import in_markdown
from flows.edit.sections import LEFT_OVER, NEW
from flows.render.clean import readable, safe_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flows.models import Entry, Finding

# What the front matter says of the inbox line.
_KEYS = {"H11": "subject", "H12": "subject", "P01": "preheader", "E13": "subject", "E14": "date"}
_ADDRESS = re.compile(r"https?://\S+")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])+'|\"(?:\\.|[^\"\\])+\"")
# What is said of a blurb names its entry's title.
_OF_BLURBS = ("E02", "E03", "E04")
_SPONSORED = re.compile(r"Sponsored\s*·\s*(?P<name>.+)", re.IGNORECASE)
_LINK = re.compile(r"\s*(?:-\s+)?\[")
# A rule that cuts what it quotes, cuts it no shorter than this.
_LEAST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of the file: its number, its words and the addresses in it, as the mail has them."""

    number: int
    words: str
    addresses: tuple[str, ...]


class Lines:
    """The lines of one issue's file."""

    def __init__(self, text: str) -> None:
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
            found = line.addresses if entry.url else (line.words.lstrip("# "),)
            if line.number > start and wanted in found:
                return line.number
        return 0

    def _line(self, finding: Finding) -> int:
        if key := _KEYS.get(finding.rule):
            return self._key(key)
        if finding.rule == "E05":
            return self._heading(NEW)
        if finding.rule.startswith("sponsor."):
            return self._sponsor(finding.message)
        # What is no link is known by its words only.
        addressed = [] if finding.rule == "E09" else self._addressed(finding)
        found = addressed or self._worded(finding)
        if not found:
            return 0
        if finding.rule in _OF_BLURBS:
            return self._last_of_blurb(found[0])
        # Of a link that stands twice it is the second that is one too many.
        return found[-1] if finding.rule == "E01" else found[0]

    def _last_of_blurb(self, title: int) -> int:
        """Return the last line of the words under a title."""
        last = title
        for number, line in self._raw[title:]:
            if not line.strip() or _LINK.match(line):
                break
            if not line.lstrip().startswith("<!--"):
                last = number
        return last

    def _sponsor(self, message: str) -> int:
        """Return the line that names the sponsor a message is about, else the issue's day."""
        named = [
            (len(found["name"]), -line.number)
            for line in self._sent()
            if (found := _SPONSORED.fullmatch(line.words))
            and found["name"].casefold() in message.casefold()
        ]
        # The longest name: what is said of "Ropes & Co" is not of "Ropes".
        return -max(named)[1] if named else self._key("date")

    def _key(self, key: str) -> int:
        pattern = re.compile(rf"\s*[\"']?{key}[\"']?\s*=")
        found = (number for number, line in self._raw if pattern.match(line))
        # A key that is not there is to be added below the fence.
        return next(found, 1)

    def _heading(self, name: str) -> int:
        pattern = re.compile(rf"##\s+{re.escape(name)}\b", re.IGNORECASE)
        return next((number for number, line in self._raw if pattern.match(line)), 0)

    def _sent(self) -> Iterator[_Line]:
        """Yield the lines of what is sent."""
        ends = [line for line in (self._heading(NEW), self._heading(LEFT_OVER)) if line]
        end = min(ends, default=len(self._lines) + 1)
        yield from (line for line in self._lines if self._matter < line.number < end)

    def _addressed(self, finding: Finding) -> list[int]:
        found = _ADDRESS.findall(finding.message)
        wanted = [safe_url(address.rstrip(".,;:'\"")) for address in found]
        return [
            line.number
            for line in self._sent()
            for address in line.addresses
            if any(start and address.startswith(start) for start in wanted)
        ]

    def _worded(self, finding: Finding) -> list[int]:
        quoted = [_plain(ast.literal_eval(found)) for found in _QUOTED.findall(finding.message)]
        return [
            line.number
            for line in self._sent()
            if any(_stands_in(words, line.words) for words in quoted)
        ]


def _stands_in(words: str, line: str) -> bool:
    if len(words) >= _LEAST:
        return words in line
    return bool(words) and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", line) is not None


def _read(number: int, line: str) -> _Line:
    return _Line(
        number=number,
        words=_plain(line),
        addresses=tuple(safe_url(url) for url in _urls(line)),
    )


def _urls(line: str) -> list[str]:
    if "](" not in line and "://" not in line:
        return []
    # Most lines with a link are one link; only the others are worth a whole parser.
    found = read_link(line.strip().removeprefix("- "))
    if found and not found.rest:
        return [found.url]
    return [link.url for link in in_markdown(line)]


def _plain(text: str) -> str:
    return " ".join(readable(unescape(text)).split())
