"""OPML in and out, as readers write it and as people break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import ParseError
from flows.gather.opml import Outline, read_opml, write_opml
from flows.gather.outlines import sort_out
from flows.models import Feed

LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.1"><head><title>Mine</title></head><body>
<outline text="Harbours" title="Harbours">
  <outline type="rss" text="Cranes &amp; ropes" xmlUrl=" https://cranes.example/feed " htmlUrl="https://cranes.example/"/>
  <outline type="rss" text="" title="" xmlurl="https://ropes.example/rss"/>
</outline>
<outline text="No feed, only a site" type="link" url="https://site.example/"/>
<outline text="AT&T & friends" xmlUrl="https://friends.example/feed?a=1&b=2"/>
</body></opml>"""


def test_a_list_is_read_with_its_folders_though_somebody_wrote_it_by_hand() -> None:
    first, second, third, fourth = read_opml(LIST, name="mine.opml")
    assert first == Outline(
        url="https://cranes.example/feed",
        title="Cranes & ropes",
        site="https://cranes.example/",
        folder="Harbours",
        line=4,
    )
    assert (second.title, second.url) == ("", "https://ropes.example/rss")
    assert (third.url, third.site) == ("", "https://site.example/")
    assert (fourth.title, fourth.url) == ("AT&T & friends", "https://friends.example/feed?a=1&b=2")


@pytest.mark.parametrize("query", ["a=1&b=2", "a&amp;b", "a=1&copy=2&#38;c=3", "&&", "a=1&amp"])
def test_no_ampersand_costs_an_address_a_parameter(query: str) -> None:
    body = f'<opml><body><outline xmlUrl="https://x.example/?{query}"/></body></opml>'
    (outline,) = read_opml(body.encode(), name="x")
    plain = query.replace("&amp;", "&").replace("&#38;", "&")
    assert outline.url == f"https://x.example/?{plain}"


@pytest.mark.parametrize("cut", [LIST.index(b"ropes.example/rss"), LIST.index(b"</body>")])
def test_a_list_that_breaks_off_says_so(cut: int) -> None:
    *whole, last = read_opml(LIST[:cut], name="x")
    assert whole[0].title == "Cranes & ropes"
    assert last.broken
    assert last.line
    (told,) = sort_out([last], known=[], sections=[])
    assert "what follows may be missing" in told.reason


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_a_list_is_read_in_the_encoding_it_names(encoding: str) -> None:
    named = encoding.removesuffix("-sig")
    text = (
        f'<?xml version="1.0" encoding="{named}"?><opml><body>'
        '<outline text="Caf\xe9" xmlUrl="https://x.example/"/></body></opml>'
    )
    (outline,) = read_opml(text.encode(encoding), name="x")
    assert outline.title == "Caf\xe9"


@pytest.mark.parametrize("body", [b"", b"{}", b"<rss/>", b"<html><body>Who are you?</body></html>"])
def test_what_is_no_list_is_one_sentence(body: bytes) -> None:
    with pytest.raises(ParseError, match=r"opml: mine\.opml"):
        read_opml(body, name="mine.opml")


def test_no_entity_of_a_list_is_expanded_and_no_file_read() -> None:
    body = (
        b'<!DOCTYPE opml [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY a "aaaaaaaaaa">'
        b'<!ENTITY b "&a;&a;&a;&a;">]><opml><body>'
        b'<outline text="x &f; &b;" xmlUrl="https://x.example/"/></body></opml>'
    )
    try:
        outlines = read_opml(body, name="x")
    except ParseError:
        return
    assert all("root:" not in outline.title for outline in outlines)


def test_what_is_written_is_read_back() -> None:
    feeds = [
        Feed(url="https://a.example/feed?x=1&y=2", name="A <b> & c", section="News"),
        Feed(url="https://b.example/feed"),
        Feed(url="https://c.example/feed", name="C", section="News"),
    ]
    outlines = read_opml(write_opml(feeds, title="T & co").encode(), name="x")
    found = {(outline.url, outline.folder) for outline in outlines}
    assert found == {(feed.url, feed.section) for feed in feeds}
    assert "A <b> & c" in {outline.title for outline in outlines}


def test_a_password_in_an_address_is_not_given_away() -> None:
    text = write_opml([Feed(url="https://me:secret@a.example/feed")], title="T")
    assert "secret" not in text
    assert "https://a.example/feed" in text


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: b"<opml><body>" + b))
def test_any_bytes_raise_nothing_but_parse_error(body: bytes) -> None:
    try:
        read_opml(body, name="x")
    except ParseError:
        return
