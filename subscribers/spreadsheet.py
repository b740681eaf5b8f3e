"""Reads a list of people as spreadsheets and newsletter services write it, and writes one safely.

The rows come as they stand in the file; who of them may be mailed is decided elsewhere.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from subscribers.address import shown
from subscribers.errors import UnreadableCSV
from subscribers.services import (
    GRAVITY,
    SINCE_COLUMNS,
    STANDING_COLUMNS,
    TAG_COLUMNS,
    Elsewhere,
    recognised,
    said,
    standing,
    standing_of_all,
    tags_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DELIMITERS: Final = ",;\t|"
CHUNK: Final = 1 << 20
# A table has lines; what has none is something else, and would be read into memory whole.
LONGEST_LINE: Final = 16 << 20
LONGEST_HEADER: Final = 64 << 10

EMAIL_COLUMNS: Final = ("email", "email address", "e mail", "e mail address", "mail", "address")
NAME_COLUMNS: Final = ("name", "full name", "display name")
FIRST_NAME_COLUMNS: Final = ("first name", "firstname", "given name", "fname")
LAST_NAME_COLUMNS: Final = ("last name", "lastname", "surname", "family name", "lname")

# What a spreadsheet would take for a formula (OWASP, CSV injection).
FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
# The same in the midst of a cell: half of the world's spreadsheets divide at semicolons.
_INNER: Final = re.compile(r"(;\s*)('*[=+\-@])")
_INNER_HARMLESS: Final = re.compile(r"(;\s*)'('*[=+\-@])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where in a row the address, the name's parts, the standing elsewhere and tags are."""

    email: int
    name: tuple[int, ...] = ()
    standing: tuple[tuple[str, int], ...] = ()
    since: tuple[tuple[str, int], ...] = ()
    tags: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file that was looked through and can be read row by row.

    `above` is how many lines stand above the first row, `lines` how many there are in all,
    `service` whose export it is ("" if nobody's we know), `elsewhere` what its name says against
    mailing all who are in it.
    """

    path: Path
    encoding: str
    delimiter: str
    above: int
    columns: Columns
    ignored: tuple[str, ...]
    lines: int
    service: str = ""
    elsewhere: Elsewhere | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: where it starts, what it says, or the `problem` that makes it unreadable.

    `no_mail` is what the file itself says against mailing them ("status unsubscribed"), and
    `elsewhere` what that means; `since` is what it says of when they came.
    """

    line: int
    email: str = ""
    name: str = ""
    no_mail: str = ""
    elsewhere: Elsewhere | None = None
    since: str = ""
    tags: tuple[str, ...] = ()
    problem: str = ""


def look(path: Path, *, encoding: str | None = None) -> Sheet:
    """Return what the file is; raises UnreadableCSV if it is no list of people in UTF-8.

    The whole file is looked through first, so that an import never stops half-way.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        encoding = _encoding(path, start, encoding)
        lines = _scan(path, encoding)
        with path.open(encoding=encoding, newline="") as text:
            header = text.readline(LONGEST_HEADER)
            # Excel's own first line, which names the delimiter.
            told = header.lower().startswith("sep=")
            delimiter = header[4:5] if told else _delimiter(header)
            header = text.readline(LONGEST_HEADER) if told else header
    except OSError as error:
        raise UnreadableCSV(f"{path}: cannot be read: {error.strerror or error}") from error
    names = next(csv.reader([header], delimiter=delimiter), [])
    folded = [" ".join(re.split(r"[^a-z0-9]+", name.casefold())).strip() for name in names]
    columns, ignored = _columns(path, names, folded)
    service = recognised(folded)
    return Sheet(
        path=path,
        encoding=encoding,
        delimiter=delimiter,
        above=2 if told else 1,
        columns=columns,
        ignored=ignored,
        lines=lines,
        service=service,
        elsewhere=standing_of_all(service, path.name),
    )


def rows(sheet: Sheet) -> Iterator[Row]:
    """Yield the rows below the header; blank ones are passed over, none is lost silently."""
    with sheet.path.open(encoding=sheet.encoding, newline="") as file:
        for _ in range(sheet.above):
            file.readline()
        # Strict: else a quotation mark that is never closed swallows the rows after it.
        reader = csv.reader(file, delimiter=sheet.delimiter, strict=True)
        while True:
            line = sheet.above + reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(line=line, problem=_problem(error, line, sheet.above + reader.line_num))
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield _row(sheet, line, sheet.above + reader.line_num, cells)


def _encoding(path: Path, start: bytes, encoding: str | None) -> str:
    if start.startswith(b"PK\x03\x04"):
        raise UnreadableCSV(f"{path}: this is a workbook or archive; save it as CSV (UTF-8) first")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if encoding is None or start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise UnreadableCSV(f"{path}: {encoding!r} is no encoding; such as windows-1252") from error


def _scan(path: Path, encoding: str) -> int:
    """Return the number of lines; raises UnreadableCSV where the file is not in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = length = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line = lines + 1 + error.object[: error.start].count(b"\n")
                raise _not_in(path, encoding, line) from error
            lines += text.count("\n")
            length = len(text) - text.rfind("\n") - 1 + (0 if "\n" in text else length)
            if length > LONGEST_LINE:
                raise UnreadableCSV(f"{path}: line {lines + 1} never ends; this is no CSV")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _not_in(path, encoding, lines + 1) from error
    return lines + (1 if length else 0)


def _not_in(path: Path, encoding: str, line: int) -> UnreadableCSV:
    if encoding != "utf-8-sig":
        return UnreadableCSV(f"{path}: line {line} is not in {encoding}; save it as CSV (UTF-8)")
    return UnreadableCSV(
        f"{path}: line {line} is not UTF-8, it looks like Latin-1 (Windows-1252); save the file "
        "as CSV (UTF-8), or add: --encoding windows-1252"
    )


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=bare.count)


def _columns(
    path: Path, names: Sequence[str], folded: Sequence[str]
) -> tuple[Columns, tuple[str, ...]]:
    email = _first(folded, EMAIL_COLUMNS)
    if email is None:
        raise _no_email_column(path, names)
    whole = _first(folded, NAME_COLUMNS)
    parts = (_first(folded, FIRST_NAME_COLUMNS), _first(folded, LAST_NAME_COLUMNS))
    name = tuple(
        column for column in ((whole,) if whole is not None else parts) if column is not None
    )
    found = Columns(
        email=email,
        name=name,
        standing=_named(folded, [one for one in folded if one in STANDING_COLUMNS]),
        since=_named(folded, SINCE_COLUMNS),
        tags=tuple(column for _, column in _named(folded, TAG_COLUMNS)),
    )
    used = {email, *name, *found.tags}
    used |= {column for _, column in (*found.standing, *found.since)}
    ignored = tuple(given.strip() for i, given in enumerate(names) if i not in used)
    return found, ignored


def _named(folded: Sequence[str], wanted: Iterable[str]) -> tuple[tuple[str, int], ...]:
    there = (name for name in dict.fromkeys(wanted) if name in folded)
    return tuple((name, folded.index(name)) for name in there)


def _first(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _no_email_column(path: Path, names: Sequence[str]) -> UnreadableCSV:
    header = ",".join(names)
    if not header.strip():
        return UnreadableCSV(f"{path}: it is empty; its first line must be a header: email,name")
    return UnreadableCSV(
        f'{path}: no column is called "email"; its first line must name the columns, such as '
        f"email,name, and reads {shown(header)}"
    )


def _problem(error: csv.Error, first: int, last: int) -> str:
    if "field larger" in str(error):
        return "a cell in it is longer than 131,072 characters"
    return _hanging(first, last)


def _hanging(first: int, last: int) -> str:
    if last > first:
        return f"lines {first} to {last} hang together: a quotation mark is misplaced"
    return "a quotation mark in it is not closed, or misplaced"


def _row(sheet: Sheet, line: int, last: int, cells: Sequence[str]) -> Row:
    columns = sheet.columns
    email = plain(_cell(cells, columns.email).strip())
    name = " ".join(plain(_cell(cells, column)) for column in columns.name)
    if "\n" in email or "\n" in name:
        return Row(line=line, problem=_hanging(line, last))
    no_mail, elsewhere = _standing(sheet, cells)
    return Row(
        line=line,
        email=email,
        name=name,
        no_mail=no_mail,
        elsewhere=elsewhere,
        since=_since(columns, cells),
        tags=tuple(tag for column in columns.tags for tag in tags_in(_cell(cells, column))),
    )


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column] if column < len(cells) else ""


def _standing(sheet: Sheet, cells: Sequence[str]) -> tuple[str, Elsewhere | None]:
    """Return the gravest of what the row says against mailing somebody, and what it means."""
    gravest = sheet.elsewhere
    told = said("file", sheet.path.name) if gravest else ""
    for name, column in sheet.columns.standing:
        value = _cell(cells, column)
        found = standing(name, value)
        if found is not None and (gravest is None or GRAVITY[found] > GRAVITY[gravest]):
            gravest, told = found, said(name, value)
    return told, gravest


def _since(columns: Columns, cells: Sequence[str]) -> str:
    for name, column in columns.since:
        if value := _cell(cells, column).strip():
            return said(name, plain(value))
    return ""


def harmless(cell: str) -> str:
    """Return the cell with a quote before what a spreadsheet would run as a formula."""
    cell = _INNER.sub(r"\1'\2", cell)
    return f"'{cell}" if FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """Return the cell without the quotes that `harmless`, or a spreadsheet, put before formulas."""
    if ";" in cell:
        cell = _INNER_HARMLESS.sub(r"\1\2", cell)
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
