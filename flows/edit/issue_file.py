"""The issue file: an issue as Markdown that its editor owns, written and read back without loss."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from flows.edit import front_matter
from flows.edit.issue_lines import DOT, is_source_line, numbered, wrong
from flows.edit.issue_reader import read_body
from flows.edit.markdown import escape, escape_inline, link, read_link
from flows.edit.sections import LEFT_OVER, NEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from flows.edit.issue_reader import Placed
    from flows.errors import IssueError
    from flows.models import Entry, Issue

_LAST_HASHES = re.compile(r"#+$")
_STRUCTURE = re.compile(r"#{2,3}|<!--|<{7}|>{7}|\|{7}|={7}$")
# A group before the first heading is no group.
_STRUCTURE_OF_INTRO = re.compile(r"##(?!#)|<!--|<{7}|>{7}|\|{7}")
_CLOSING = re.compile(r"--(!?\\*)>")


def write(issue: Issue) -> str:
    """Return the text of the issue's file; `read` gives the same issue back."""
    parts = [front_matter.write(issue)]
    parts += [_intro(issue.intro)] if issue.intro.strip() else []
    headed = [(section.name, section.entries) for section in issue.sections]
    headed += [(name, found) for name, found in _unsent(issue) if found]
    for name, entries in headed:
        parts.append(f"## {_heading(name)}")
        parts += [entry_block(entry) for entry in entries]
    return "\n\n".join(parts) + "\n"


def _unsent(issue: Issue) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    return (NEW, issue.new), (LEFT_OVER, issue.left_over)


def read(text: str, *, path: Path) -> Issue:
    """Return the issue a file's text says; raises IssueError with path and line."""
    return read_placed(text, path=path).issue


# A step over a file reads it before and behind its change, and it may have thousands of lines.
@lru_cache(maxsize=4)
def read_placed(text: str, *, path: Path) -> Placed:
    """Return the issue a file's text says, and where its entries stand; raises IssueError."""
    lines = numbered(text)
    _refuse_conflict(lines, path)
    matter, body = front_matter.read(lines, path)
    return read_body(body, matter, path)


def read_bytes(data: bytes, *, path: Path) -> Issue:
    """Return the issue a file holds; raises IssueError, too where the bytes are not UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        shown = data.splitlines()[line - 1].decode("latin-1") if data else ""
        message = "the file is not written in UTF-8; save it with the encoding UTF-8"
        raise wrong(path, line, message, shown) from error
    return read(text, path=path)


def misnumbered(data: bytes, number: int, *, path: Path, wanted: int) -> IssueError:
    """Return the error for a file whose front matter has the number of another issue."""
    line, shown = front_matter.line_of("number", numbered(data.decode("utf-8-sig")))
    message = f"its front matter says number = {number}; write {wanted} or rename the file"
    return wrong(path, line, message, shown)


def _refuse_conflict(lines: Iterable[tuple[int, str]], path: Path) -> None:
    headed = False
    for number, line in lines:
        headed = headed or line.startswith("##")
        # In the intro seven of them underline a heading.
        is_middle = headed and line == "======="
        if is_middle or re.match(r"(?:<{7}|>{7}|\|{7})(?:\s|$)", line):
            message = "a merge conflict was left in; keep one side and delete the markers"
            raise wrong(path, number, message, line)


def _intro(text: str) -> str:
    lines = (line.rstrip() for line in text.strip().split("\n"))
    return "\n".join(f"\\{line}" if _STRUCTURE_OF_INTRO.match(line) else line for line in lines)


def _heading(name: str) -> str:
    # Markdown takes hashes at a heading's end for decoration.
    return _LAST_HASHES.sub(lambda match: "\\#" * len(match.group()), escape(name))


def entry_block(entry: Entry) -> str:
    """Return the lines of one entry."""
    lines = [link(entry.title, entry.url) if entry.url else f"### {_heading(entry.title)}"]
    lines += _source_line(entry)
    lines += [_guarded(line) for line in entry.blurb.split("\n") if line.strip()]
    lines += [f"- {link(one.title, one.url)}" for one in entry.links]
    lines += [f"<!-- {note} -->" for note in _notes(entry.notes)]
    return "\n".join(lines)


def _source_line(entry: Entry) -> list[str]:
    if entry.sponsor:
        return [f"Sponsored · {escape_inline(entry.sponsor)}"]
    source = escape(entry.source)
    if source.casefold().startswith("sponsored"):
        # Nobody but the settings can book a slot; a feed of this name says no more than its name.
        source = f"&#{ord(source[0])};{source[1:]}"
    if entry.detail:
        return [f"{source} · {escape_inline(entry.detail)}".strip()]
    if source and is_source_line(source) and DOT not in source.split():
        return [source]
    # Without the dot the line would be read as prose, or the blurb's first line as the source.
    return [f"{source} ·".strip()] if source or entry.blurb else []


def _notes(notes: Iterable[str]) -> Iterator[str]:
    for note in notes:
        if text := " ".join(note.split()):
            yield _CLOSING.sub(r"--\1\\>", text)


def _guarded(line: str) -> str:
    """Return a line of a blurb with nothing in it that is read as the file's structure."""
    line = line.strip()
    found = read_link(line.removeprefix("- ").removeprefix("* "))
    if found and not found.rest:
        return f"{line} <!-- -->"
    return f"\\{line}" if _STRUCTURE.match(line) else line
