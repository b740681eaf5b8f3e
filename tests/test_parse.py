"""Feeds in pairs: tests/feeds/NAME.xml, and in NAME.json what should come out of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import ParseError
from flows.gather.parse import parse
from flows.gather.quirks import QUIRKS
from flows.models import Feed, FeedKind

FEEDS = Path(__file__).parent / "feeds"
EXPECTED = sorted(FEEDS.glob("*.json"))
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
URL = "https://feeds.example/feed"


def source_of(expected: Path) -> Path:
    (source,) = (path for path in FEEDS.glob(f"{expected.stem}.*") if path != expected)
    return source


def shown(item: Any, keys: set[str]) -> dict[str, Any]:
    values = {key: value for key, value in asdict(item).items() if key in keys}
    if "published" in keys:
        values["published"] = item.published and item.published.isoformat()
    return values


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.stem)
def test_a_feed_reads_as_its_pair_says(expected: Path) -> None:
    pair = json.loads(expected.read_text(encoding="utf-8"))
    feed = Feed(url=URL, name=pair.get("name", ""), timezone=pair.get("timezone", "UTC"))
    body = source_of(expected).read_bytes()
    parsed = parse(body, feed=feed, url=pair.get("url", URL), now=NOW)
    assert len(parsed.items) == len(pair["items"])
    found = [
        shown(item, set(wanted)) for item, wanted in zip(parsed.items, pair["items"], strict=True)
    ]
    assert found == pair["items"]
    assert len({item.guid for item in parsed.items}) == len(parsed.items)
    if "problems" in pair:
        assert list(parsed.problems) == pair["problems"]


def test_quirks_are_sorted_and_each_has_a_feed_that_shows_it() -> None:
    names = [quirk.name for quirk in QUIRKS]
    assert names == sorted(names)
    stems = [path.stem for path in EXPECTED]
    assert [name for name in names if not any(stem.startswith(name) for stem in stems)] == []
    assert all(quirk.why for quirk in QUIRKS)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is empty"),
        (b" \n\xef\xbb\xbf", "is empty"),
        (b"just a note", "neither XML nor JSON"),
        (b"<note>hello</note>", "XML of another kind"),
        (b"{broken", "broken JSON"),
        (b'{"items": 3}', "no JSON Feed"),
        (b"[" * 100_000, "broken JSON"),
        (b"<html><body>Who are you?</body></html>", "a web page (perhaps a login)"),
    ],
)
def test_what_is_no_feed_is_told_in_a_sentence(body: bytes, why: str) -> None:
    with pytest.raises(ParseError) as told:
        parse(body, feed=Feed(url=URL), url=URL, now=NOW)
    assert why in str(told.value)


def test_a_page_leads_to_the_feeds_it_names() -> None:
    page = (
        b"<!doctype html><base href='/blog/'><link rel='alternate home' href='atom.xml' "
        b"type='application/atom+xml'><link rel=alternate type=application/json href=/api>"
    )
    with pytest.raises(ParseError, match=r"it names https://site\.example/blog/atom\.xml: put"):
        parse(page, feed=Feed(url=URL), url="https://site.example/x", now=NOW)


def test_a_feed_with_a_page_inside_is_a_feed() -> None:
    body = b"<rss><channel><title>t</title><item><description><html></html></description></item>"
    assert parse(body, feed=Feed(url=URL), url=URL, now=NOW).title == "t"


@pytest.mark.parametrize(
    ("home", "title"),
    [
        ("https://www.reddit.com/r/harbour", "r/harbour"),
        ("https://old.reddit.com/r/harbour+ropes/top/?t=week", "r/harbour+ropes"),
        ("https://www.reddit.com/r/harbour/search?q=rope", "harbour"),
        ("https://www.reddit.com/r/harbour/comments/1a2b3/x/", "harbour"),
        ("https://www.reddit.com/", "harbour"),
        ("https://harbour.example/r/harbour", "harbour"),
    ],
)
def test_a_subreddit_is_called_by_its_name(home: str, title: str) -> None:
    body = f"<rss><channel><title>harbour</title><link>{home}</link><item/></channel></rss>"
    assert parse(body.encode(), feed=Feed(url=URL), url=URL, now=NOW).title == title


def test_a_river_of_another_kind_is_no_river() -> None:
    river = Feed(url=URL, kind=FeedKind.RIVER)
    with pytest.raises(ParseError, match="no `via` lines"):
        parse(b"A note\nwithout links", feed=river, url=URL, now=NOW)


def test_a_zone_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(ParseError, match="no time zone 'Mars/Olympus'"):
        parse(
            b"<rss><channel/></rss>", feed=Feed(url=URL, timezone="Mars/Olympus"), url=URL, now=NOW
        )


def test_entities_are_not_expanded_and_files_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden", encoding="utf-8")
    body = (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY f SYSTEM "{secret.as_uri()}">'
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        "<rss version='2.0'><channel><item><guid>1</guid><title>x &f; &b;</title></item>"
        "</channel></rss>"
    )
    parsed = parse(body.encode(), feed=Feed(url=URL), url=URL, now=NOW)
    assert "hidden" not in parsed.items[0].title


MARKUP = st.lists(
    st.sampled_from(
        [
            "<rss>", "</rss>", "<channel>", "<item>", "</item>", "<entry>", "<feed>", "<title>",
            "</title>", "<link>", "<link href='//'/>", "http://[", "<guid>", "&#99999999999;",
            "&#x;", "&amp", "<![CDATA[", "]]>", "<!--", "<?xml encoding='idna'?>", "<pubDate>",
            "</pubDate>", "9999-99-99", "<source>", "<media:group>", "\x00", "é", "<content>",
            "<enclosure url='x:'/>", "<time datetime='x'>", "{", '"', "via x http://y",
        ]
    )
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), MARKUP.map(lambda parts: "".join(parts).encode())))
def test_any_bytes_raise_nothing_but_parse_error(body: bytes) -> None:
    try:
        parsed = parse(body, feed=Feed(url=URL), url=URL, now=NOW)
    except ParseError:
        return
    assert all(item.title and item.guid for item in parsed.items)
