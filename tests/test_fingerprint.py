from __future__ import annotations

import pytest

from flows.edit import fingerprint, titles

# One for each alternative of the patterns: each must pass the look for words before them.
BOILERPLATE = (
    "This post was originally written for our team.",
    "The whole article appeared, as usual, previously elsewhere.",
    "It was first published at home.",
    "Shared here with the author's permission; reposted with permission.",
    "Cross-posted from Harbour Notes.",
    "Crossposted on Harbour Notes.",
    "Read the full story there.",
    "Continue reading on the web.",
    "Keep reading at the quay.",
    "Tagged with ropes, knots.",
    "See the original.",
    "View it here.",
    "Click for more.",
    "Our sponsors make this possible.",
    "This week is sponsored by Ropeworks.",
    "Subscribe for more of this.",
    "Sign up today.",
    "Follow us to the quay.",
    "Join us on Friday.",
    "Contact me about ropes.",
    "Contact us about ropes.",
    "There are other channels.",
    "We use cookies on this site.",
    "There are affiliate links below.",
    "Opinions expressed are her own.",
    "The views in this piece are mine.",
    "Photo by a friend.",
    "Image credit: the harbour.",
    "Featured picture courtesy of the harbour.",
    "Illustrations from the log.",
    "ALL RIGHTS RESERVED",
    "View in browser",
    "View on the web",
    "submitted by somebody",
    "Comments URL: none",
    "Article URL: none",
    "Points: 12",
    "# Comments: 3",
)
REPUBLISHED = (
    "Originally published in our logbook.",
    "It first appeared there.",
    "Reposted with permission.",
    "Printed here with the permission of the harbour.",
    "Cross-posted on Harbour Notes.",
    "Reprinted from the log.",
    "Syndicated from the log.",
)
WALLS = (
    "Are you a robot?",
    "Subscription required",
    "Subscribe to continue",
    "Access denied",
    "Permission denied",
    "Just a moment...",
    "Attention required! | Harbour",
    "Access to this page has been denied.",
    "Before you continue to YouTube",
    "Robot Check",
    "Checking your browser before accessing the harbour",
    "Verifying your browser",
    "Pardon Our Interruption...",
    "One moment, please...",
    "Error 404: page not found",
    "403 Forbidden",
    "401 unauthorized",
    "502 Bad Gateway",
    "500 Internal Server Error",
    "404: Site not found | Harbour",
    "503 Service Unavailable",
    "Sign in to Harbour",
    "Login",
    "Untitled",
    "Redirecting to the harbour",
    "Please verify you are human",
)


@pytest.mark.parametrize("sentence", BOILERPLATE)
def test_a_sentence_of_boilerplate_is_not_the_pieces_own(sentence: str) -> None:
    assert fingerprint.sentences(sentence) == []
    assert fingerprint.sentences(sentence.upper()) == []


@pytest.mark.parametrize("sentence", REPUBLISHED)
def test_a_text_that_stood_elsewhere_first_says_so(sentence: str) -> None:
    assert fingerprint.republished(f"Ropes are spliced in the dark. {sentence}")


@pytest.mark.parametrize("tail", ["…", "...", " [...]", "[&hellip;]", " [more]", " […]"])
def test_the_mark_of_a_cut_is_no_part_of_the_last_sentence(tail: str) -> None:
    assert fingerprint.sentences(f"Ropes are spliced in the dark{tail}") == [
        "Ropes are spliced in the dark"
    ]


@pytest.mark.parametrize(
    "behind",
    ["The post Ropes appeared first on Log.", "The entry Ropes was first published in Log"],
)
def test_what_a_blog_puts_behind_a_summary_is_gone(behind: str) -> None:
    assert fingerprint.sentences(f"Ropes are spliced. {behind}") == ["Ropes are spliced."]


@pytest.mark.parametrize("title", WALLS)
def test_a_walls_title_says_nothing(title: str) -> None:
    assert titles.read(title) == titles.EMPTY


@pytest.mark.parametrize(
    ("title", "number"),
    [("Ropes, part II", "2"), ("Ropes, part xxxix", "39"), ("Ropes, chapter XIV", "14")],
)
def test_roman_numerals_behind_part_count(title: str, number: str) -> None:
    assert titles.read(title).numbers == {number}


@pytest.mark.parametrize("title", ["Ropes and I", "A mix of ropes", "Part of the xl rope", "Vi"])
def test_letters_that_are_no_numerals_of_a_part_do_not_count(title: str) -> None:
    assert not titles.read(title).numbers
