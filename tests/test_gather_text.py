"""Plain text out of feeds: titles, first words, and what is a list."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.text import (
    UNTITLED,
    first_words,
    is_digest,
    is_list,
    lines,
    plain_title,
    shortened,
    title,
    title_of_address,
    visible,
)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("Ropes &amp; knots", "Ropes & knots"),
        ("AT&T and &T;", "AT&T and &T;"),
        ("a &notin b, x&copy y", "a &notin b, x&copy y"),
        ("<b>Bold</b> <i class='x'>move</i><br/>now", "Bold move now"),
        ("Vec<T> and <details>", "Vec<T> and <details>"),
        ("&lt;b&gt;twice&lt;/b&gt;", "twice"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("<style>p{}</style>Plain<!-- no -->", "Plain"),
        ("evil\u202egnp.exe\u202c", "evilgnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
        ("tab\tand\nline\x00", "tab and line"),
        ("<b><b><b>nested</b></b></b>", "nested"),
    ],
)
def test_a_title_is_plain(raw: str, wanted: str) -> None:
    assert plain_title(raw) == wanted


def test_a_title_is_never_empty() -> None:
    assert title("", body="<p>First.</p><p>Second.</p>", url="") == "First. Second."
    assert title("<br>", body="", url="https://x.example/a/big-news.html") == "Big news"
    assert title("", body="", url="https://x.example/") == UNTITLED


def test_a_long_title_is_cut_between_words() -> None:
    assert shortened("one two three", 10) == "one two…"
    assert shortened("unbreakable", 6) == "unbre…"
    assert len(plain_title("word " * 200)) <= 300


def test_first_words_are_those_a_reader_sees() -> None:
    assert first_words("<script>x()</script><p>Fog &amp; rain</p>") == "Fog & rain"


def test_first_words_end_with_their_line_if_it_says_enough() -> None:
    markup = "<h2>Fog over the harbour</h2><p>It came at night.</p>"
    assert first_words(markup) == "Fog over the harbour"
    assert first_words(markup.replace(" over the harbour", "")) == "Fog It came at night."


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("The crane is back. #harbour #cranes", "The crane is back."),
        ("<p>It is #CraneDay again!</p><p>#harbour #art</p>", "It is CraneDay again!"),
        ("A crane fell. https://quay.example/crane #harbour", "A crane fell."),
        ("<p>A crane fell.</p>Read on: https://quay.example/crane #art", "A crane fell."),
        ("What fell:<p>a crane.</p>", "What fell: a crane."),
        ("I wrote about how cranes are dried: https://quay.example/dry #art",
         "I wrote about how cranes are dried"),
        ("The plan (https://quay.example/plan) names http://quay.example as it is.",
         "The plan (https://quay.example/plan) names http://quay.example as it is."),
        ("From https://old.example to https://new.example: we moved",
         "From https://old.example to https://new.example: we moved"),
        ("The crane on the third quay fell in the night. Nobody was hurt, says the master, but",
         "The crane on the third quay fell in the night."),
        ("Fell. The crane on the third quay came down in the night, and nobody heard it until",
         "Fell. The crane on the third quay came down in the night, and nobody heard it…"),
        ("I spoke with Dr. Smith about how cranes are kept dry in winter, and what it costs them",
         "I spoke with Dr. Smith about how cranes are kept dry in winter, and what it…"),
        ("Today the U.S. Navy moved all of its cranes to the north, and nobody knows the reason",
         "Today the U.S. Navy moved all of its cranes to the north, and nobody knows the…"),
        ("It lists a few of the ways to tar a rope, e.g. Stockholm and coal, and what each costs",
         "It lists a few of the ways to tar a rope, e.g. Stockholm and coal, and what…"),
        ("There is one rope that the quay trusts, i.e. Ann’s, and it has held for thirty years now",
         "There is one rope that the quay trusts, i.e. Ann’s, and it has held for thirty…"),
        ("We dried ropes, sails, nets, etc. The rest of it lay in the rain until the ships were in",
         "We dried ropes, sails, nets, etc."),
        ("The crane is written in C. Nobody on the quay had seen it coming, and so we are proud of",
         "The crane is written in C."),
        ("The crane is written in C. That’s what nobody on the quay had seen coming until today",
         "The crane is written in C."),
        ("The crane turned around in 90 ms. Nobody on the quay had seen it coming until this week",
         "The crane turned around in 90 ms."),
        ("So we went to plan B. Ropes were bought in the next harbour, where they cost much more",
         "So we went to plan B."),
        ("The quay learned of it from J. Smith and his two brothers, who had been out all night",
         "The quay learned of it from J. Smith and his two brothers, who had been out…"),
        ("The quay learned of it from Ann B. Smith and her brother, who had been out all night",
         "The quay learned of it from Ann B. Smith and her brother, who had been out all…"),
        ("https://quay.example/crane A crane fell", "A crane fell"),
        ("A crane fell (https://quay.example/crane)", "A crane fell"),
        ("A crane fell (via https://quay.example/crane)", "A crane fell"),
        ("A crane fell (the old one) [h/t Ann Lee, https://quay.example/crane] #harbour",
         "A crane fell (the old one)"),
        ("A crane fell via https://quay.example/crane", "A crane fell"),
        ("A crane fell :( https://quay.example/crane", "A crane fell :("),
        ("A crane fell (the old one) https://quay.example/crane", "A crane fell (the old one)"),
        ("https://status.quay.example Is Down again", "status.quay.example Is Down again"),
        ("https://www.quay.example/status was down all night", "quay.example was down all night"),
        ("https://quay.example/crane Is this the crane that fell?", "Is this the crane that fell?"),
        ("https://quay.example/crane https://quay.example/two A crane fell", "A crane fell"),
        ("#1 in cranes, written in C# and F#", "#1 in cranes, written in C# and F#"),
        ("#harbour", "#harbour"),
        ("https://quay.example/crane", "https://quay.example/crane"),
    ],
)  # fmt: skip
def test_first_words_of_a_post_are_without_its_tags_and_addresses(said: str, title: str) -> None:
    assert first_words(said) == title


def test_an_address_without_words_has_no_title() -> None:
    assert title_of_address("https://x.example/") == ""


def test_lines_keep_blocks_apart_and_mark_list_items() -> None:
    markup = "<h2>Two</h2><p>One <b>line</b>.</p><ul><li>a</li><li> b</li></ul>tail"
    assert lines(markup) == ["Two", "One line.", "- a", "- b", "tail"]


def test_a_list_is_told_from_prose() -> None:
    items = [f"- link {n}" for n in range(12)]
    prose = ["A whole sentence that ends as sentences do."] * 12
    assert is_list(["Hello.", *items])
    assert is_digest([line.removeprefix("- ") for line in items])
    assert not is_digest(prose)
    assert not is_digest(items[:5])
    assert not is_list([*items, *prose, *prose])


@given(st.text())
def test_a_plain_title_has_nothing_hidden(raw: str) -> None:
    found = plain_title(raw)
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in found)
    assert found == found.strip()
    assert plain_title(visible(raw)) == found
