"""What stands below the front matter of an issue file: the intro, the headings, the entries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from flows.edit.issue_lines import (
    DOT,
    detail_in,
    is_comment,
    is_short_name,
    is_source_line,
    may_be_linked,
    may_be_name,
    wrong,
)
from flows.edit.markdown import read_link, unescape
from flows.edit.sections import LEFT_OVER, NEW, is_nearly
from flows.models import Entry, Issue, Link, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flows.edit.front_matter import FrontMatter, NumberedLines
    from flows.edit.markdown import Found
    from flows.models import Part

_HEADING = re.compile(r"(#{2,3})(?!#)\s*(.*?)(?:\s+#+)?$")
_BULLET = re.compile(r"(?:[*+-]|\d{1,3}[.)])\s+")
_COMMENT = re.compile(r"(?<!\\)<!--")
_ESCAPED_CLOSING = re.compile(r"--(!?\\*)\\>")
_SPONSORED = re.compile(rf"sponsored\s*{DOT}\s*(?P<name>.+)", re.IGNORECASE)
# What an entry has behind its link; a sentence that begins with a link just goes on.
_SET_OFF = re.compile(r"(?:[-–—:].*|\(.*\))?")
_SPACED_LINK = re.compile(r"[*_]{0,2}\[.*\]\([^)]*\S\s+[^\s\"')][^)]*\)[*_]{0,2}")

# What a draft notes of each entry, and of nothing else.
_LEFT_OUT = "left out: "
_OF_ENTRIES = ("why: ", _LEFT_OUT)
# A draft leaves dozens over, and an editor moves a few up: so many in a row are the list itself.
_FEWEST_OF_LIST = 5

_TITLE_LIKE = "a section's heading begins with ##, a group's with ###, and nothing with #"


@dataclass(slots=True, kw_only=True)
class _Line:
    """A line without its comments."""

    number: int
    text: str
    shown: str
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """An entry as far as it is read."""

    line: _Line
    title: str
    url: str = ""
    source: str | None = None
    detail: str = ""
    blurb: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: dict[Part, list[int]] = field(default_factory=dict)

    def stands(self, part: Part, line: _Line) -> None:
        """Note that a line of the part's is here."""
        self.lines.setdefault(part, []).append(line.number)

    @property
    def is_open(self) -> bool:
        """Whether text after an empty line is still of this entry: of a group before its list."""
        return not self.url and not self.links and not self.blurb


@dataclass(slots=True, kw_only=True)
class _Part:
    """A heading and the entries read under it."""

    line: _Line
    name: str
    entries: list[_Reading] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An entry, the number of its first line, and those of its parts, in the order of the file."""

    line: int
    entry: Entry
    is_sent: bool
    parts: Mapping[Part, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An issue, and where its headings and its entries stand, in the order of the file."""

    issue: Issue
    headings: tuple[tuple[int, str], ...]
    places: tuple[Place, ...]


def read_body(lines: NumberedLines, matter: FrontMatter, path: Path) -> Placed:
    """Return the whole issue; raises IssueError with path and line."""
    found = list(_without_comments(lines, path))
    start = next((index for index, line in enumerate(found) if _is_section(line)), len(found))
    parts = {part.name.casefold(): part for part in _parts(found[start:], path)}
    _refuse_unheaded(parts, path)
    entries = {name: _entries(part, path) for name, part in parts.items()}
    unsent = (NEW.casefold(), LEFT_OVER.casefold())
    new, left_over = (entries.get(name, ()) for name in unsent)
    issue = Issue(
        number=matter.number,
        date=matter.date,
        subject=matter.subject,
        preheader=matter.preheader,
        intro=_intro(found[:start], path),
        sections=tuple(
            Section(name=part.name, entries=entries[name])
            for name, part in parts.items()
            if name not in unsent
        ),
        new=new,
        left_over=left_over,
    )
    places = (
        Place(
            line=reading.line.number,
            entry=entry,
            is_sent=name not in unsent,
            parts={part: tuple(numbers) for part, numbers in reading.lines.items()},
        )
        for name, part in parts.items()
        for reading, entry in zip(part.entries, entries[name], strict=True)
    )
    headings = ((part.line.number, part.name) for part in parts.values())
    return Placed(issue=issue, headings=tuple(headings), places=tuple(places))


def _without_comments(lines: NumberedLines, path: Path) -> Iterator[_Line]:
    """Yield the lines with their comments set apart; a comment may run over several."""
    rest = iter(lines)
    for number, raw in rest:
        line = _Line(number=number, text=raw, shown=raw)
        while start := _COMMENT.search(line.text):
            before, inside = line.text[: start.start()], line.text[start.end() :]
            while "-->" not in inside:
                following = next(rest, None)
                # Another one that begins before the end: all between would be gone from the mail.
                if following is None or _COMMENT.search(following[1]):
                    message = "the comment that begins here has no end; close it with -->"
                    raise wrong(path, number, message, raw)
                inside += f"\n{following[1]}"
            comment, _, after = inside.partition("-->")
            line.comments.append(_ESCAPED_CLOSING.sub(r"--\1>", " ".join(comment.split())))
            line.text = (before + (after.lstrip() if before.endswith(" ") else after)).rstrip()
        yield line


def _refuse_unheaded(parts: Mapping[str, _Part], path: Path) -> None:
    """Refuse what a draft left over where its heading is misspelt or gone: it would be sent.

    Wherever that list stands: an editor may have added an entry or a section behind it. A few such
    entries were moved there.
    """
    if LEFT_OVER.casefold() in parts:
        return
    for name, part in parts.items():
        runs = [list(run) for is_left, run in groupby(part.entries, key=_was_left_out) if is_left]
        if name == NEW.casefold() or not runs:
            continue
        if is_nearly(name, LEFT_OVER):
            message = f"what is not to be sent stands under ## {LEFT_OVER}; write it so"
            raise wrong(path, part.line.number, message, part.line.shown)
        longest = max(runs, key=len)
        if len(longest) >= _FEWEST_OF_LIST:
            message = (
                f"what the draft left over would be sent from here on; write ## {LEFT_OVER} above "
                "it, or delete the comments that say so"
            )
            line = longest[0].line
            raise wrong(path, line.number, message, line.shown)


def _was_left_out(entry: _Reading) -> bool:
    return any(note.startswith(_LEFT_OUT) for note in entry.notes)


def _is_section(line: _Line) -> bool:
    return line.text.startswith("##") and not line.text.startswith("###")


def _intro(lines: list[_Line], path: Path) -> str:
    is_entry = after_gap = False
    for line in lines:
        if text := line.text.strip():
            # No entry goes on behind an empty line, but for its comments.
            is_entry = _begins_entry(text) or (is_entry and not after_gap)
            after_gap = False
        elif not line.comments:
            after_gap = True
        if is_entry and any(comment.startswith(_OF_ENTRIES) for comment in line.comments):
            message = "an entry stands above the first heading; write one with ## above it"
            raise wrong(path, line.number, message, line.shown)
    kept = [line.text for line in lines if line.text or not line.comments]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _begins_entry(text: str) -> bool:
    bullet = _BULLET.match(text)
    found = read_link(text[bullet.end() :] if bullet else text)
    if found is None:
        return text.startswith("###")
    return _SET_OFF.fullmatch(found.rest) is not None


def _parts(lines: list[_Line], path: Path) -> list[_Part]:
    parts: list[_Part] = []
    after_gap = True
    for line in lines:
        if _is_section(line):
            parts.append(_part(line, parts, path))
            after_gap = True
        elif line.text:
            _read_line(line, parts[-1], path, after_gap=after_gap)
            after_gap = False
        elif not line.comments:
            after_gap = True
        if line.comments and parts[-1].entries:
            _annotate(parts[-1].entries[-1], line)
    return parts


def _annotate(entry: _Reading, line: _Line) -> None:
    for comment in filter(None, line.comments):
        entry.notes.append(comment)
        entry.stands("note", line)


def _part(line: _Line, parts: list[_Part], path: Path) -> _Part:
    name = _heading(line)
    if not name:
        message = "a heading has no name; write one, or delete the line"
        raise wrong(path, line.number, message, line.shown)
    for part in parts:
        if part.name.casefold() == name.casefold():
            message = f"the heading {name} stands in line {part.line.number} already; join the two"
            raise wrong(path, line.number, message, line.shown)
    return _Part(line=line, name=name)


def _heading(line: _Line) -> str:
    match = _HEADING.match(line.text)
    return "" if match is None else " ".join(unescape(match[2]).split())


def _read_line(line: _Line, part: _Part, path: Path, *, after_gap: bool) -> None:
    """Take a line with text in it into the part: a new entry, or more of the last one."""
    entry = part.entries[-1] if part.entries else None
    text = line.text.strip()
    bullet = _BULLET.match(text)
    plain = text[bullet.end() :] if bullet else text
    found = read_link(plain)
    if text.startswith("###"):
        part.entries.append(_headed(line, path))
    elif entry and not entry.url and bullet:
        entry.links.append(_listed(line, found, path))
        entry.stands("link", line)
    elif found and _stands_alone(line, found):
        part.entries.append(_linked(line, found, path))
    elif _SPACED_LINK.fullmatch(plain) and not found:
        raise _spaced(line, path)
    elif entry and (not after_gap or entry.is_open):
        _continue(entry, text, line)
    elif found:
        part.entries.append(_linked(line, found, path))
    else:
        message = _TITLE_LIKE if text.startswith("# ") else _no_link(entry)
        raise wrong(path, line.number, message, line.shown)


def _stands_alone(line: _Line, found: Found) -> bool:
    # A comment behind a link says that the line is of a blurb.
    return not found.rest and not line.comments


def _no_link(entry: _Reading | None) -> str:
    message = "an entry begins with [Title](https://…), and this line has no link"
    if entry:
        message += "; delete the empty line above if it belongs to the blurb"
    return message


def _spaced(line: _Line, path: Path) -> Exception:
    message = "the address of this link has a space in it; write %20 instead, or mend the address"
    return wrong(path, line.number, message, line.shown)


def _headed(line: _Line, path: Path) -> _Reading:
    match = _HEADING.match(line.text.strip())
    found = read_link(match[2]) if match else None
    if found and not found.rest:
        return _linked(line, found, path)
    title = _heading(line)
    if not title:
        raise wrong(path, line.number, "a group has no title; write one behind ###", line.shown)
    return _Reading(line=line, title=title)


def _linked(line: _Line, found: Found, path: Path) -> _Reading:
    link = _link(line, found, path)
    entry = _Reading(line=line, title=link.title, url=link.url)
    rest = found.rest.lstrip("-–—: ")
    if detail := detail_in(rest):
        entry.detail = unescape(detail)
    elif DOT not in rest and is_comment(rest, least=2, ends=(".", "!", "?")):
        # Who comments behind the link may do so in two words.
        entry.blurb.append(rest)
        entry.stands("blurb", line)
    elif rest:
        _continue(entry, rest, line)
    return entry


def _listed(line: _Line, found: Found | None, path: Path) -> Link:
    if found is None:
        if _SPACED_LINK.search(line.text):
            raise _spaced(line, path)
        message = "a line of a group's list is - [Title](https://…), and this one has no link"
        raise wrong(path, line.number, message, line.shown)
    if found.rest:
        message = "a line of a group's list is one link; nothing may stand behind it"
        raise wrong(path, line.number, message, line.shown)
    return _link(line, found, path)


def _link(line: _Line, found: Found, path: Path) -> Link:
    if not found.title:
        raise wrong(path, line.number, "the link has no title; write one in [ ]", line.shown)
    if re.search(r"\s", found.url):
        raise _spaced(line, path)
    if not re.match(r"https?://[^/]", found.url, re.IGNORECASE):
        message = "the address of this link does not begin with https:// or http://"
        raise wrong(path, line.number, message, line.shown)
    if not may_be_linked(found.url):
        message = "the address of this link leads nowhere; mend its host and port"
        raise wrong(path, line.number, message, line.shown)
    return Link(title=found.title, url=found.url)


def _continue(entry: _Reading, text: str, line: _Line) -> None:
    is_behind = entry.lines.get("blurb") == [entry.line.number]
    # Below a comment behind the link a line of words may be more of that comment.
    may_be_source = not entry.blurb or (is_behind and (DOT in text or is_short_name(text)))
    if entry.source is None and may_be_source and is_source_line(text):
        entry.source = text
        entry.stands("source", line)
        return
    is_alone = len(entry.blurb) == 1 and not is_behind
    if entry.source is None and is_alone and may_be_name(entry.blurb[0]):
        # A paragraph's first line is longer, however it is wrapped: the blurb begins below.
        entry.source = entry.blurb.pop()
        entry.lines["source"] = entry.lines.pop("blurb")
    entry.blurb.append(text)
    entry.stands("blurb", line)


def _entries(part: _Part, path: Path) -> tuple[Entry, ...]:
    is_sent = part.name.casefold() not in (NEW.casefold(), LEFT_OVER.casefold())
    for entry in part.entries:
        # A sponsor's slot may be booked before its copy is there; the check tells of it.
        if is_sent and not (entry.url or entry.links or _SPONSORED.fullmatch(entry.source or "")):
            message = f"the group {entry.title} has no links; list them as - [Title](https://…)"
            raise wrong(path, entry.line.number, message, entry.line.shown)
    return tuple(map(_entry, part.entries))


def _entry(reading: _Reading) -> Entry:
    line = reading.source or ""
    sponsored = _SPONSORED.fullmatch(line)
    source, detail = ("", "") if sponsored else _halves(line)
    return Entry(
        title=reading.title,
        url=reading.url,
        source=source,
        detail="" if sponsored else detail or reading.detail,
        sponsor=unescape(sponsored["name"]) if sponsored else "",
        blurb="\n".join(reading.blurb),
        links=tuple(reading.links),
        notes=tuple(reading.notes),
    )


def _halves(line: str) -> tuple[str, str]:
    """Return the source and the detail of a source line; a dot at its end says: no detail."""
    spaced = f" {line}"
    if spaced.endswith(f" {DOT}"):
        return unescape(spaced[:-1].strip()), ""
    source, dot, detail = spaced.rpartition(f" {DOT} ")
    return (unescape(source.strip()), unescape(detail.strip())) if dot else (unescape(line), "")
