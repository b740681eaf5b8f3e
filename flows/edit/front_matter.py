"""The front matter of an issue file: TOML between two lines of "+++"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.exceptions import InvalidControlChar, ParseError, TOMLKitError

from flows.edit.issue_lines import wrong

if TYPE_CHECKING:
    from flows.models import Issue

FENCE = "+++"
KEYS = ("number", "date", "subject", "preheader")

NumberedLines = list[tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """What the front matter says."""

    number: int
    date: date
    subject: str
    preheader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The lines between the fences, and where they stand."""

    path: Path
    lines: NumberedLines

    def line_of(self, key: str) -> tuple[int, str]:
        """Return the line that sets a key, else the fence above."""
        pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
        for number, line in self.lines:
            if pattern.match(line):
                return number, line
        return self.lines[0][0] - 1 if self.lines else 1, FENCE


def write(issue: Issue) -> str:
    """Return the front matter of an issue with its fences."""
    document = tomlkit.document()
    document["number"] = issue.number
    document["date"] = issue.date
    document["subject"] = issue.subject
    document["preheader"] = issue.preheader
    return f"{FENCE}\n{tomlkit.dumps(document)}{FENCE}"


def read(lines: NumberedLines, path: Path) -> tuple[FrontMatter, NumberedLines]:
    """Return the front matter and the lines below; raises IssueError with the line."""
    block, rest = _split(lines, path)
    values = _values(block)
    for key in values:
        if key not in KEYS:
            raise _unknown(key, block)
    matter = FrontMatter(
        number=_number(values, block),
        date=_date(values, block),
        subject=_text(values, "subject", block),
        preheader=_text({"preheader": "", **values}, "preheader", block),
    )
    return matter, rest


def line_of(key: str, lines: NumberedLines) -> tuple[int, str]:
    """Return the line that sets a key in front matter that can be read."""
    block, _ = _split(lines, Path())
    return block.line_of(key)


def _split(lines: NumberedLines, path: Path) -> tuple[_Block, NumberedLines]:
    start = next((index for index, (_, line) in enumerate(lines) if line.strip()), 0)
    number, first = lines[start]
    if first != FENCE:
        message = f"the file must begin with its front matter: a line {FENCE}, then number = …"
        raise wrong(path, number, message, first)
    for index in range(start + 1, len(lines)):
        if lines[index][1] == FENCE:
            return _Block(path=path, lines=lines[start + 1 : index]), lines[index + 1 :]
    raise wrong(path, number, f"the front matter has no end; close it with a line {FENCE}", first)


def _values(block: _Block) -> dict[str, object]:
    try:
        # Each line with its end: what a last one lacks would be told of the one before it.
        document = tomlkit.parse("".join(f"{line}\n" for _, line in block.lines))
    except TOMLKitError as error:
        number, shown = block.lines[_place(error, len(block.lines)) - 1]
        reason = _reason(error)
        message = f'the front matter is no TOML ({reason}); write every line as key = "value"'
        raise wrong(block.path, number, message, shown) from error
    return dict(document.unwrap())


_END_OF_LINE = r"Unexpected character: '\n'"


def _reason(error: TOMLKitError) -> str:
    if isinstance(error, InvalidControlChar):
        return "a text has no quote at its end, or something invisible in it"
    reason = str(error).partition(" at line ")[0].rstrip(".")
    return "the line is not whole" if reason == _END_OF_LINE else reason


def _place(error: TOMLKitError, lines: int) -> int:
    """Return which of the lines an error is about."""
    if not isinstance(error, ParseError):
        return 1
    # What ends with its line is told at the beginning of the next.
    line = error.line - 1 if error.col == 0 else error.line
    return min(max(line, 1), lines)


def _unknown(key: str, block: _Block) -> Exception:
    number, shown = block.line_of(key)
    near = get_close_matches(key, KEYS, n=1)
    known = f"did you mean {near[0]}?" if near else f"it may hold {', '.join(KEYS)}"
    return wrong(block.path, number, f"the front matter knows no key {key}; {known}", shown)


def _set(values: dict[str, object], key: str, example: str, block: _Block) -> object:
    if key not in values:
        number, shown = block.line_of(key)
        message = f"the front matter has no {key}; add a line {key} = {example}"
        raise wrong(block.path, number, message, shown)
    return values[key]


def _number(values: dict[str, object], block: _Block) -> int:
    value = _set(values, "number", "42", block)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise wrong(block.path, *_says("number", "a whole number above 0, such as 42", block))


def _date(values: dict[str, object], block: _Block) -> date:
    value = _set(values, "date", "2026-11-30", block)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        says = _says("date", "a day, such as 2026-11-30", block)
        raise wrong(block.path, *says) from error


def _text(values: dict[str, object], key: str, block: _Block) -> str:
    value = _set(values, key, '"…"', block)
    if not isinstance(value, str):
        raise wrong(block.path, *_says(key, 'a text in quotes, such as "News"', block))
    # A header of a mail has one line.
    return " ".join(value.split())


def _says(key: str, wanted: str, block: _Block) -> tuple[int, str, str]:
    number, shown = block.line_of(key)
    return number, f"{key} must be {wanted}", shown
