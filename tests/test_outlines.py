"""What becomes of each line of a list of feeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.opml import Outline
from flows.gather.outlines import Fate, Sorted, key, sort_out
from flows.models import Feed

KNOWN = [Feed(url="https://known.example/feed", name="Known")]


def sorted_out(*urls: str, site: str = "", folder: str = "") -> list[Sorted]:
    outlines = [Outline(url=url, site=site, folder=folder) for url in urls]
    return sort_out(outlines, known=KNOWN, sections=["News"])


def fate(url: str, **about: str) -> tuple[Fate, str]:
    (line,) = sorted_out(url, **about)
    assert (line.feed is None) == (line.fate not in {Fate.ADDED, Fate.DOUBTFUL})
    return line.fate, line.reason


@pytest.mark.parametrize(
    ("url", "wanted", "why"),
    [
        ("https://a.example/feed", Fate.ADDED, ""),
        ("feed://a.example/feed", Fate.ADDED, ""),
        ("feed:https://a.example/feed", Fate.ADDED, ""),
        ("https://known.example/feed", Fate.KNOWN, "known.example"),
        ("http://www.known.example/feed/", Fate.KNOWN, "another spelling"),
        ("http://known.example/feed", Fate.KNOWN, "another protocol"),
        ("http://localhost:4000/feed.xml", Fate.LEFT_OUT, "somebody's own machine"),
        ("http://127.0.0.1/feed.xml", Fate.LEFT_OUT, "somebody's own machine"),
        ("http://192.168.1.4/feed.xml", Fate.LEFT_OUT, "somebody's own machine"),
        ("http://127.1/feed.xml", Fate.LEFT_OUT, "somebody's own machine"),
        ("http://2130706433/feed.xml", Fate.LEFT_OUT, "somebody's own machine"),
        ("http://a b.example/feed.xml", Fate.LEFT_OUT, "no web address"),
        ("http://printer.local/feed.xml", Fate.LEFT_OUT, "somebody's own machine"),
        ("/home/me/feed.xml", Fate.LEFT_OUT, "a file"),
        ("C:\\feeds\\feed.xml", Fate.LEFT_OUT, "a file"),
        ("file:///home/me/feed.xml", Fate.LEFT_OUT, "no web address"),
        ("javascript:alert(1)", Fate.LEFT_OUT, "no web address"),
        ("http://[broken/feed", Fate.LEFT_OUT, "no web address"),
        ("", Fate.LEFT_OUT, "names no feed"),
        ("https://t.co/abc", Fate.DOUBTFUL, "t.co only passes on"),
        ("http://feeds.feedburner.com/abc", Fate.DOUBTFUL, "only passes on"),
        ("http://feedproxy.google.com/abc", Fate.DOUBTFUL, "only passes on"),
    ],
)
def test_each_line_has_its_fate(url: str, wanted: Fate, why: str) -> None:
    found, reason = fate(url)
    assert found is wanted
    assert why in reason


def test_a_site_on_somebodys_own_machine_makes_a_feed_doubtful() -> None:
    assert fate("https://a.example/feed", site="http://localhost:4000/")[0] is Fate.DOUBTFUL


def test_a_line_without_a_feed_says_how_to_look_for_it() -> None:
    assert "newsletter feeds add https://a.example/" in fate("", site="https://a.example/")[1]
    assert "newsletter feeds add 'http://a; ls'" in fate("", site="http://a; ls")[1]


def test_of_http_and_https_twins_the_https_one_is_taken() -> None:
    first, second = sorted_out("http://a.example/feed", "https://a.example/feed")
    assert first.feed is not None
    assert (first.feed.url, first.fate) == ("https://a.example/feed", Fate.ADDED)
    assert (second.fate, second.feed) == (Fate.REPEATED, None)


def test_spellings_of_a_format_are_one_feed() -> None:
    first, second, third = sorted_out(
        "https://a.example/blog?format=RSS",
        "https://a.example/blog?format=rss",
        "https://a.example/blog?format=atom",
    )
    assert [line.fate for line in (first, second, third)] == [
        Fate.ADDED,
        Fate.REPEATED,
        Fate.ADDED,
    ]


def test_a_title_is_taken_from_the_twin_that_has_one() -> None:
    outlines = [
        Outline(url="https://a.example/feed"),
        Outline(url="https://a.example/feed", title="A"),
    ]
    first, _second = sort_out(outlines, known=[], sections=[])
    assert first.feed is not None
    assert first.feed.name == "A"


def test_only_a_section_of_the_settings_is_taken_from_a_folder() -> None:
    for folder, section in (("news", "News"), ("Other", "")):
        (line,) = sorted_out("https://a.example/feed", folder=folder)
        assert line.feed is not None
        assert line.feed.section == section


@given(st.lists(st.text(max_size=40) | st.sampled_from(["http://a/", "https://a", "http://a:x"])))
def test_no_address_is_taken_twice_and_none_stops_the_rest(urls: list[str]) -> None:
    lines = sorted_out(*urls)
    taken = [key(line.feed.url) for line in lines if line.feed]
    assert len(lines) == len(urls)
    assert len(taken) == len(set(taken))
