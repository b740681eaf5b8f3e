"""The text part: lines that fit, words that stay whole, links that can be clicked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.models import Entry, Section
from flows.render.html import render
from flows.render.sample import SAMPLE, SAMPLE_BRAND
from flows.render.text import WIDTH, columns, lines, prose, tidy, underline, wrap

LONG_URL = "https://example.org/" + "a-long-path/" * 20


@given(st.text(st.characters(max_codepoint=0x24F, exclude_categories=["Cc"])))
def test_wrapping_loses_no_word_and_fits_all_that_can_fit(text: str) -> None:
    wrapped = wrap(text)
    assert wrapped.split() == text.split()
    for line in wrapped.splitlines():
        assert columns(line) <= WIDTH or " " not in line


def test_a_line_takes_as_much_as_it_can() -> None:
    assert wrap("ab " * 40) == "\n".join([" ".join(["ab"] * 24), " ".join(["ab"] * 16)])


def test_a_long_word_stays_whole() -> None:
    assert wrap(f"see {LONG_URL} there") == f"see\n{LONG_URL}\nthere"


def test_japanese_is_wrapped_by_width_without_spaces() -> None:
    text = "日本語の記事の見出しは空白なしで長く続くことがある。" * 4
    wrapped = wrap(text)
    assert wrapped.replace("\n", "") == text
    assert max(columns(line) for line in wrapped.splitlines()) <= WIDTH
    assert not any(line.startswith("。") for line in wrapped.splitlines())


@pytest.mark.parametrize(
    ("text", "wide"),
    [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("🚀", 2), ("", 0)],
)
def test_columns_are_what_a_terminal_shows(text: str, wide: int) -> None:
    assert columns(text) == wide


def test_a_heading_is_underlined_as_wide_as_it_is() -> None:
    assert underline("日本 News", "=") == "日本 News\n========="


def test_a_long_heading_is_wrapped_and_underlined_once() -> None:
    found = underline("word " * 20, "-").splitlines()
    assert len(found) == 3
    assert set(found[-1]) == {"-"}
    assert len(found[-1]) <= WIDTH


def test_prose_is_words_without_marks() -> None:
    assert prose("**Bold** and *soft* `code`\n\nA [link](https://example.org).") == (
        "Bold and soft code\n\nA link."
    )


def test_an_address_keeps_its_lines() -> None:
    assert lines("One Street\nOne Town") == "One Street\nOne Town"


def test_tidy_leaves_two_empty_lines_at_most() -> None:
    assert tidy("\n\na  \n\n\n\n\nb\n\n") == "a\n\n\nb\n"


def test_no_line_of_the_sample_is_too_long() -> None:
    text = render(SAMPLE, SAMPLE_BRAND).text
    assert max(columns(line) for line in text.splitlines()) <= WIDTH


def test_a_link_stands_whole_on_its_own_line() -> None:
    entry = Entry(title="x", url=LONG_URL, blurb=f"See [this page]({LONG_URL}more).")
    mail = render(replace(SAMPLE, sections=(Section(name="S", entries=(entry,)),)), SAMPLE_BRAND)
    found = mail.text.splitlines()
    assert LONG_URL in found
    assert found[found.index(f"{LONG_URL}more") - 1] == "this page:"


def test_the_text_part_holds_no_html() -> None:
    text = render(SAMPLE, SAMPLE_BRAND).text
    assert "&amp;" not in text
    assert "<" not in text
