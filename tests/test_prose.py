"""The words and links of intros and blurbs as readers get them, and what is no link."""

from __future__ import annotations

import pytest

from flows.edit import prose
from flows.render import markdown

BROKEN = [
    ("[our survey](https://quay.example/a b)", "[our survey](https://quay.example/a b)", "a space"),
    ("Read [more](/rel/x).", "[more](/rel/x)", "does not begin with https://"),
    ("[js](javascript:alert(1))", "[js](javascript:alert(1))", "does not begin with https://"),
    ("See [the pier][1].", "[the pier][1]", "not listed by name"),
    ("See [the pier][].", "[the pier][]", "not listed by name"),
    ("[the pier](https://quay.example/a", "[the pier](https://quay.example/a", "is missing"),
    ("[the pier] (https://quay.example/a)", "[the pier] (https://quay.example/a)", "no space"),
    ("<https://quay.example/a>", "<https://quay.example/a>", "write [words](address)"),
    ("[q](https://quay.example:99999/)", "[q](https://quay.example:99999/)", "leads nowhere"),
    ("[Ada](mailto:nobody)", "[Ada](mailto:nobody)", "leads nowhere"),
    ("[the long\npier](/rel)", "pier](/rel)", "does not begin with https://"),
    ("[the *long* `pier`](/rel)", "[the *long* `pier`](/rel)", "does not begin with https://"),
]
FINE = [
    "[the pier](https://quay.example/a_(b_(c))), [Ada](mailto:ada@quay.example)",
    '[the pier](https://quay.example "The pier") and [its\nboats](<https://quay.example/a>)',
    "Write `[words](address)`, or \\[words](address), or \\<https://quay.example>.",
    "The cell a[i][j] is x[0](y); see [1][2] and [sic] (as told).",
    "[the **old** `pier`](https://quay.example)",
]


@pytest.mark.parametrize(("text", "written", "why"), BROKEN)
def test_what_was_meant_for_a_link_and_is_none_is_told(text: str, written: str, why: str) -> None:
    [found] = prose.unlinked(text)
    assert found.written == written
    assert why in found.why


@pytest.mark.parametrize("text", FINE)
def test_what_is_a_link_or_was_never_meant_for_one_is_not_told(text: str) -> None:
    assert list(prose.unlinked(text)) == []


@pytest.mark.parametrize("text", [*FINE, *(text for text, _, _ in BROKEN)])
def test_the_mail_shows_the_same_words_and_links(text: str) -> None:
    assert prose.links(text) == [link.url.removesuffix("/") for link in markdown.links(text)]
    assert prose.words(text) == markdown.to_text(text)


def test_paragraphs_are_read_each_by_itself() -> None:
    text = "An [open bracket\n\nand] the [pier](/rel)"
    assert [found.written for found in prose.unlinked(text)] == ["[pier](/rel)"]
