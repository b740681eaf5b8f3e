"""Relative links inside items' texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.links import absolute_links

BASE = "https://x.example/posts/one/"


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ('<a href="/about">x</a>', '<a href="https://x.example/about">x</a>'),
        (
            "<img\nsrc='fig.png' alt='a'>",
            "<img\nsrc=\"https://x.example/posts/one/fig.png\" alt='a'>",
        ),
        ("<a href=../two>x</a>", '<a href="https://x.example/posts/two">x</a>'),
        ('<a href="#note">1</a>', '<a href="https://x.example/posts/one/#note">1</a>'),
        ('<img src="//cdn.example/a.png">', '<img src="https://cdn.example/a.png">'),
        ("<a href='/a\"b'>x</a>", '<a href="https://x.example/a%22b">x</a>'),
        ('<a href="https://y.example/">y</a>', '<a href="https://y.example/">y</a>'),
        ('<a href="mailto:a@b.example">y</a>', '<a href="mailto:a@b.example">y</a>'),
        ('<img src="data:image/gif;base64,AA">', '<img src="data:image/gif;base64,AA">'),
        (
            '<a href="">x</a> and <a href="/y">',
            '<a href="">x</a> and <a href="https://x.example/y">',
        ),
        ('&lt;a href="/code"&gt;', '&lt;a href="/code"&gt;'),
        ("plain text, a href = /x", "plain text, a href = /x"),
        ('<a href="//[broken">x</a>', '<a href="//[broken">x</a>'),
    ],
)
def test_a_link_is_led_on_from_its_base(markup: str, wanted: str) -> None:
    assert absolute_links(markup, base=BASE) == wanted
    assert absolute_links(wanted, base=BASE) == wanted


def test_without_a_base_nothing_changes() -> None:
    assert absolute_links('<a href="/x">', base="") == '<a href="/x">'


@given(st.text(alphabet="<>ahref=src\"' /.:#\n", max_size=60))
def test_any_markup_stays_markup_of_the_same_tags(markup: str) -> None:
    found = absolute_links(markup, base=BASE)
    assert found.count("<") == markup.count("<")
