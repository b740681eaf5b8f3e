"""Lists of people as other programs write them: read to the last row, or refused as a whole."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.errors import UnreadableCSV
from subscribers.spreadsheet import harmless, look, plain, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from subscribers.spreadsheet import Row

    Write = Callable[[bytes | str], Path]

PEOPLE = "email{0}name\nann@example.org{0}Ann\nbob@example.org{0}Bob\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: bytes | str) -> Path:
        path = tmp_path / "people.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def read(path: Path, encoding: str | None = None) -> list[Row]:
    return list(rows(look(path, encoding=encoding)))


@pytest.mark.parametrize(
    "content",
    [
        PEOPLE.format(",").encode(),
        PEOPLE.format(",").replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + PEOPLE.format(";").encode(),
        PEOPLE.format("\t").encode(),
        PEOPLE.format("|").encode(),
        PEOPLE.format("\t").encode("utf-16"),
        b"sep=;\r\n" + PEOPLE.format(";").encode(),
        PEOPLE.format(",").rstrip().encode(),
        b'"E-Mail","Full Name"\n"ann@example.org","Ann"\n\n ,\nbob@example.org,Bob\n',
        b"Email Address,First Name,Last Name\nann@example.org,Ann,\nbob@example.org,,Bob\n",
        b"name,company,email\nAnn,Acme,ann@example.org\nBob,,bob@example.org\n",
    ],
    ids=[
        "commas",
        "windows lines",
        "mark and semicolons",
        "tabs",
        "bars",
        "utf-16",
        "sep line",
        "no last line end",
        "quotes and blanks",
        "two names",
        "other order",
    ],
)
def test_a_list_reads_the_same_however_it_is_written(write: Write, content: bytes) -> None:
    found = [(row.email, row.name.strip()) for row in read(write(content))]
    assert found == [("ann@example.org", "Ann"), ("bob@example.org", "Bob")]


def test_each_row_knows_its_line(write: Write) -> None:
    path = write("sep=,\nemail,notes\na@example.org,one\n\nb@example.org,two\n")
    assert [row.line for row in read(path)] == [3, 5]


def test_a_note_of_several_lines_keeps_the_count_right(write: Write) -> None:
    path = write('email,notes\na@example.org,"one\ntwo\nthree"\nb@example.org,x\n')
    assert [(row.line, row.email) for row in read(path)] == [
        (2, "a@example.org"),
        (5, "b@example.org"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        '"a@example.org\nb@example.org"\n',
        '"a@example.org,Ann\nb@example.org,"Bob"\n',
        'a@example.org,"Ann\nb@example.org,Bob"\n',
    ],
    ids=["closed in the address", "closed before a word", "closed in the name"],
)
def test_rows_swallowed_by_a_quotation_mark_are_told(write: Write, bad: str) -> None:
    found = read(write(f"email,name\n{bad}c@example.org,Cy\n"))
    assert "lines 2 to 3 hang together" in found[0].problem
    assert [(row.line, row.email) for row in found[1:]] == [(4, "c@example.org")]


def test_a_quotation_mark_never_closed_is_told_with_all_its_lines(write: Write) -> None:
    [row] = read(write('email,name\na@example.org,"Ann\nb@example.org,Bob\n'))
    assert "lines 2 to 3" in row.problem


def test_a_cell_of_a_megabyte_is_one_refused_row(write: Write) -> None:
    found = read(write(f"email,name\n{'a' * 1_000_000},x\nb@example.org,Bob\n"))
    assert "131,072" in found[0].problem
    assert found[-1].email == "b@example.org"


def test_columns_nobody_asked_for_are_named(write: Write) -> None:
    assert look(write("Email,Company ,Phone\n")).ignored == ("Company", "Phone")


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("email,status", "a@example.org,unsubscribed", "status unsubscribed"),
        ("email,status", "a@example.org,Blocklisted", "status Blocklisted"),
        ("email,status", "a@example.org,enabled", ""),
        ("email,type", "a@example.org,unactivated", "type unactivated"),
        ("email,type", "a@example.org,regular", ""),
        ("email,subscribed_to_emails", "a@example.org,false", "subscribed to emails false"),
        ("email,subscribed_to_emails", "a@example.org,true", ""),
        ("email,email_disabled", "a@example.org,true", "email disabled true"),
        ("Email Address,UNSUB_TIME", "a@example.org,2026-01-05", "unsub time 2026-01-05"),
        ("Email Address,UNSUB_TIME", "a@example.org,", ""),
    ],
)
def test_a_service_says_in_its_own_words_who_gets_no_mail(
    write: Write, header: str, row: str, said: str
) -> None:
    [found] = read(write(f"{header}\n{row}\n"))
    assert found.no_mail == said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"name,company\nAnn,Acme\n", 'no column is called "email"'),
        (b"ann@example.org\nbob@example.org\n", 'no column is called "email"'),
        (b"email\nann@example.org\nM\xfcller@example.org\n", "line 3 is not UTF-8"),
        (b"email\nann@example.org\xc3", "line 2 is not UTF-8"),
        (b"PK\x03\x04 workbook", "workbook"),
        (b"\xff\xfee\x00m\x00", 'no column is called "email"'),
        (b"\xff\xfee\x00m\x00\n\x00\x00", "is not in utf-16"),
        (b"email\n" + b"x" * (17 << 20), "line 2 never ends"),
    ],
    ids=[
        "empty",
        "blank",
        "no email column",
        "no header",
        "latin-1",
        "cut",
        "xlsx",
        "utf-16, no column",
        "utf-16, cut",
        "no lines",
    ],
)
def test_what_is_no_list_is_refused_before_anything_is_read(
    write: Write, content: bytes, said: str
) -> None:
    with pytest.raises(UnreadableCSV, match=r"people\.csv: ") as caught:
        look(write(content))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_another_encoding_can_be_named(write: Write) -> None:
    path = write("email,name\nann@example.org,Zoë\n".encode("latin-1"))
    assert [row.name for row in read(path, "windows-1252")] == ["Zoë"]


@pytest.mark.parametrize("encoding", ["nonsense", "rot13", "base64"])
def test_what_is_no_encoding_is_told(write: Write, encoding: str) -> None:
    with pytest.raises(UnreadableCSV, match="is no encoding"):
        look(write("email\n"), encoding=encoding)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableCSV, match=r"nobody\.csv: cannot be read: No such file"):
        look(tmp_path / "nobody.csv")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-1"])
def test_what_a_spreadsheet_would_run_is_made_harmless(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@given(st.text(max_size=20) | st.text(alphabet="a;'=+ \t", max_size=12))
def test_a_harmless_cell_reads_back_as_it_was(cell: str) -> None:
    assert plain(harmless(cell)) == cell
    assert harmless(cell)[:1] not in tuple("=+-@\t\r")
    # A spreadsheet may divide the line at semicolons.
    assert all(part.lstrip()[:1] not in tuple("=+-@") for part in harmless(cell).split(";")[1:])


@given(st.text("ab@.,;\"'\n\r\t |=é\0", max_size=60))
def test_any_text_below_a_header_is_read_to_its_end(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "people.csv"
    path.write_bytes(f"email,name\n{text}".encode())
    for row in read(path):
        assert row.line >= 2
        assert row.problem or "\n" not in row.email


def test_what_python_writes_is_read_as_it_was(write: Write) -> None:
    cells = ['Ann "the" Lee, Jr.', "a;b", "tab\there"]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(("email", "name"))
    writer.writerows((f"a{n}@example.org", cell) for n, cell in enumerate(cells))
    assert [row.name for row in read(write(file.getvalue()))] == cells
