"""Past issues read: what ran in them, under which number, and what is odd about a file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.edit import issue_file
from flows.edit.nearest import nearest
from flows.edit.past import LARGEST, Past, number_from_name, read_past
from flows.models import Entry, Issue, Link, Section


def past(text: str | bytes, name: str = "past.md") -> Past:
    data = text.encode() if isinstance(text, str) else text
    return read_past(data, path=Path(name))


def links(text: str | bytes, name: str = "past.md") -> list[tuple[str, str]]:
    return [(item.title, item.url) for item in past(text, name).items]


OWN = Issue(
    number=41,
    date=date(2026, 11, 23),
    subject="Weekly 41",
    sections=(
        Section(
            name="News",
            entries=(
                Entry(title="Ropes", url="https://a.example/ropes", source="A", blurb="All of it."),
                Entry(title="Buy", url="https://shop.example/", sponsor="The Shop"),
                Entry(title="Clips", links=(Link(title="One", url="https://v.example/1"),)),
            ),
        ),
    ),
    left_over=(Entry(title="Not sent", url="https://a.example/not"),),
)


def test_of_our_issue_file_what_was_sent_is_taken_and_its_number() -> None:
    found = past(issue_file.write(OWN), "041.md")
    assert [(item.title, item.feed, item.url) for item in found.items] == [
        ("Ropes", "A", "https://a.example/ropes"),
        ("One", "", "https://v.example/1"),
    ]
    assert (found.number, found.note) == (41, "")


MARKDOWN = {
    "a link": ("[Ropes, measured](https://a.example/r)", "Ropes, measured"),
    "a heading": ("## [Ropes, measured](https://a.example/r)\n\nText.", "Ropes, measured"),
    "bold and code": ("[**Ropes**, `measured`](https://a.example/r)", "Ropes, measured"),
    "by reference": ("[Ropes][1]\n\n[1]: https://a.example/r", "Ropes"),
    "an autolink": ("<https://a.example/r>", ""),
    "a bare address": ("- Ropes: https://a.example/r.", "Ropes"),
    "under its title": ("Ropes, measured\nhttps://a.example/r", "Ropes, measured"),
    "HTML in a line": ('See <a href="https://a.example/r">Ropes, measured</a>.', "Ropes, measured"),
    "HTML by itself": ('<p><a href="https://a.example/r">Ropes</a></p>', "Ropes"),
    "a picture": ("[![Ropes](https://p.example/1.png)](https://a.example/r)", "Ropes"),
    "read more": ("[Read more](https://a.example/r)", ""),
    "the headline of two": (
        "[here](https://a.example/r) [Ropes, measured](https://a.example/r?utm_source=x)",
        "Ropes, measured",
    ),
}


@pytest.mark.parametrize(("text", "title"), MARKDOWN.values(), ids=MARKDOWN)
def test_markdown_gives_its_links(text: str, title: str) -> None:
    [(found, url)] = links(text)
    assert (found, url.partition("?")[0]) == (title, "https://a.example/r")


LISTS = {
    "addresses": ("https://a.example/r\n", "past.txt", ""),
    "title, address": ("Ropes, measured - https://a.example/r", "past.txt", "Ropes, measured"),
    "address, title": ("1. https://a.example/r Ropes, measured", "past.txt", "Ropes, measured"),
    "title above": ("Ropes, measured\nhttps://a.example/r\n", "past.txt", "Ropes, measured"),
    "in brackets": ("* Ropes (https://a.example/r)", "past.txt", "Ropes"),
    "a table": (
        'date,title,url\n2024,"Ropes, old",https://a.example/r\n',
        "past.csv",
        "Ropes, old",
    ),
    "a German table": ("Ropes;https://a.example/r;x\n", "past.csv", "Ropes"),
    "tabs": ("https://a.example/r\tRopes, measured\n", "past.tsv", "Ropes, measured"),
}


@pytest.mark.parametrize(("text", "name", "title"), LISTS.values(), ids=LISTS)
def test_a_list_gives_its_links(text: str, name: str, title: str) -> None:
    assert links(text, name) == [(title, "https://a.example/r")]


def test_an_address_keeps_the_brackets_that_are_its_own() -> None:
    assert (
        links("(https://a.example/Rope_(knot))", "x.txt")[0][1] == "https://a.example/Rope_(knot)"
    )


HTML = """<!doctype html><html><head><meta charset="utf-8"><title>Weekly 12</title></head><body>
<p><a href="https://a.example/r?utm_source=w"><b>Ropes,</b>
measured</a> <a href="https://a.example/r">Read more »</a></p>
<a href="https://b.example/1"><img src="x.png" alt="A crane"></a><a href="/local">Local</a>
<a href="mailto:x@y.example">Write</a><a name="top">Top</a>
<a href="https://a.example/contact/">Contact us</a></body></html>"""


@pytest.mark.parametrize("name", ["past.html", "past.txt", "past.md"])
def test_html_gives_its_links_whatever_its_name(name: str) -> None:
    assert links(HTML, name) == [
        ("Ropes, measured", "https://a.example/r?utm_source=w"),
        ("A crane", "https://b.example/1"),
    ]


NUMBERS = {
    "YAML": ("---\ntitle: x\nissue: 41\n---\n", 41),
    "YAML in quotes": ('---\nnumber: "#41"\n---\n', 41),
    "TOML": ("+++\nissue_number = 41\ntags = []\n+++\n", 41),
    "none": ("---\ntitle: Issue 41\n---\n", None),
    "a date": ("---\nnumber: 20240512\n---\n", None),
    "zero": ("---\nissue: 0\n---\n", None),
    "no front matter": ("issue: 41\n", None),
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.values(), ids=NUMBERS)
def test_front_matter_names_the_number(text: str, number: int | None) -> None:
    assert past(f"{text}\n[Ropes](https://a.example/r)").number == number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("041.md", 41),
        ("issue-142.html", 142),
        ("2024-05-12-issue-142.md", 142),
        ("20240512_weekly_7.txt", 7),
        ("2024-05-12.md", None),
        ("2024.md", None),
        ("weekly-7-part-2.md", None),
        ("issue-12/index.html", 12),
        ("notes.md", None),
        ("999999.md", None),
    ],
)
def test_a_name_tells_the_number_if_it_has_just_one(name: str, number: int | None) -> None:
    assert number_from_name(Path("past") / name) == number


ODD = {
    "empty": (b"", "a.md", "the file is empty"),
    "no link": (b"Just words.", "a.md", "no link in it"),
    "no link in HTML": (b"<html><body>x</body></html>", "a.html", "no link in it"),
    "binary": (b"\x89PNG\x00\x00", "a.md", "it is no text"),
    "huge": (b"x" * (LARGEST + 1), "a.txt", "it is larger than 20 MB, which no issue is"),
}


@pytest.mark.parametrize(("data", "name", "note"), ODD.values(), ids=ODD)
def test_a_file_that_says_nothing_says_why(data: bytes, name: str, note: str) -> None:
    assert past(data, name) == Past(note=note)


def test_another_encoding_is_read_and_told() -> None:
    found = past("[Café](https://a.example/r)".encode("latin-1"))
    assert found.items[0].title == "Café"
    assert "not written in UTF-8" in found.note


def test_html_and_marks_name_their_encoding() -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><a href="https://a.example/r">Łódź</a>'
    assert past(page.encode("iso-8859-2"), "a.html").items[0].title == "Łódź"
    assert past("Łódź https://a.example/r".encode("utf-16"), "a.txt").items[0].title == "Łódź"


@given(st.binary(max_size=300), st.sampled_from(["a.md", "a.html", "a.txt", "a.csv"]))
def test_no_bytes_are_too_odd(data: bytes, name: str) -> None:
    found = past(data, name)
    assert found.items or found.note


@given(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=200),
    st.sampled_from(["a.md", "a.html", "a.txt", "a.csv"]),
)
def test_a_link_is_found_among_anything(text: str, name: str) -> None:
    found = links(f"https://a.example/r\n{text}" if "html" not in name else "", name)
    assert "html" in name or any(url.startswith("https://a.example/r") for _, url in found)


# Titles somebody remembers.

TITLES = ["Home", "Canary releases with ingress", "Canary releases elsewhere", "Not DNS, for once"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("canary releases", ["Canary releases elsewhere", "Canary releases with ingress"]),
        ("Canry releases elswhere", ["Canary releases elsewhere"]),
        ("dns once", ["Not DNS, for once"]),
        ("why my home lab failed", []),
        ("!?", []),
        ("", []),
    ],
)
def test_the_nearest_titles_come_first(asked: str, found: list[str]) -> None:
    assert sorted(nearest(asked, TITLES)) == found


def test_spellings_of_one_title_come_once() -> None:
    assert nearest("not dns for once", ["Not DNS, for once", "not dns for once!"]) == [TITLES[-1]]
