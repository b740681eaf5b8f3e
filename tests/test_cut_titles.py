"""Titles that break off in mid-sentence, and what goes on from them."""

from __future__ import annotations

import pytest

from flows.edit.blurb import blurb, echoes
from flows.edit.entries import clean_title
from flows.gather.text import first_words
from flows.models import Item

POST = (
    "Harbours that dry their ropes say that the tar of the north is worth what it costs the "
    "master of the quay. In summer nobody does."
)
FIRST, _, SECOND = POST.partition(". ")
FIRST += "."


def item(title: str, *, content: str = "", summary: str = "") -> Item:
    return Item(
        feed="Harbour Blog",
        guid="1",
        url="https://harbour.example/ropes",
        title=title,
        content=content,
        summary=summary,
    )


def untitled(text: str) -> Item:
    return item(first_words(text), content=text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (POST, "Harbours that dry their ropes say that the tar of the north is worth…"),
        (f"<h2>Tar</h2><p>{POST}</p>",
         "Tar Harbours that dry their ropes say that the tar of the north is worth…"),
        ("The ropes of the quay are dry. Nobody on it believes that they will stay so for long.",
         "The ropes of the quay are dry."),
        ("Nobody on the whole quay believes that.", "Nobody on the whole quay believes that."),
        ("It is dry behind every one of the ropes on harbour.example. www.harbour.example/dry/all",
         "It is dry behind every one of the ropes on harbour.example."),
    ],
)  # fmt: skip
def test_the_name_of_an_untitled_post_says_if_it_is_cut(text: str, shown: str) -> None:
    assert clean_title(untitled(text)) == shown


def test_a_story_named_by_its_text_says_if_that_is_cut() -> None:
    assert clean_title(item("", content=POST)) == (
        "Harbours that dry their ropes say that the tar of the north is worth…"
    )


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        # The text goes on where the title ends, also in mid-word.
        ("Harbours that dry...", "Harbours that dry…"),
        ("Harbours that dry their ropes sa…", "Harbours that dry their ropes…"),
        ("Harbours that dry their…", "Harbours that dry…"),
        ("Harbours that dry… - Harbour Blog", "Harbours that dry…"),
        # It ends there, or tells something else.
        ("In summer nobody does...", "In summer nobody does"),
        ("Harbours that sink...", "Harbours that sink"),
        ("Harbours...", "Harbours"),
        # No title ends so, and none so long is for suspense.
        ("And then the ropes were...", "And then the ropes were…"),
        ("A Whole Guide to the Drying of Ropes in Harbours of the North: Tar, Sun, and Better and…",
         "A Whole Guide to the Drying of Ropes in Harbours of the North: Tar, Sun, and Better…"),
    ],
)  # fmt: skip
def test_a_title_that_was_cut_says_so_and_one_for_suspense_does_not(title: str, shown: str) -> None:
    assert clean_title(item(title, content=f"<p>{POST}</p>")) == shown


def test_dots_behind_a_whole_sentence_or_heading_are_for_suspense() -> None:
    for text in ("It broke at night. We know why.", "<h1>It broke at night</h1><p>We know.</p>"):
        assert clean_title(item("It broke at night...", content=text)) == "It broke at night"


def test_a_summary_too_tells_that_a_title_is_cut() -> None:
    found = item("Harbours that dry...", summary=POST, content="<p>Ropes, and what we know.</p>")
    assert clean_title(found) == "Harbours that dry…"


def made(found: Item) -> str:
    return blurb(found, title=clean_title(found)).text


def test_a_blurb_tells_the_whole_sentence_that_its_title_cuts() -> None:
    assert made(untitled(POST)) == POST
    assert made(untitled(f"It is true. {POST}")) == POST
    assert made(untitled(POST.replace("master of the quay.", "quay!"))).startswith("Harbours that")


def test_a_blurb_does_not_tell_what_its_title_tells_whole() -> None:
    text = f"The ropes of the quay are all dry. {POST}"
    assert made(untitled(text)) == POST


@pytest.mark.parametrize(
    ("text", "title", "is_echo"),
    [
        ("Ropes that are dry in the harbour hold.", "Ropes that are dry in the harbour…", False),
        ("Ropes that are dry in the harbour hold.", "Ropes that are dry in the harbour", True),
        ("Ropes that are dry in the harbour.", "Ropes that are dry in the harbour…", True),
        ("Are ropes dry in the harbour now?", "Are ropes dry in the harbour…", False),
        ("In the harbour dry ropes that are.", "Ropes that are dry in the harbour…", True),
    ],
)
def test_what_goes_on_from_a_cut_title_is_no_echo(text: str, title: str, *, is_echo: bool) -> None:
    assert echoes(text, title) == is_echo
