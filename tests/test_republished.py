"""A feed that hands out its archive again is one line in the issue's file, through a whole run."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from flows.edit.issue_file import read, write
from flows.models import Outcome
from flows.pipeline.gathering import gather_items
from flows.pipeline.stores import open_store
from tests.newsletters import NOW, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feed_server import FeedServer

DAY = timedelta(days=1)
WORDS = "anchor bollard capstan derrick fender gangway hawser jetty".split()
FEED = """
[gather]
allow_private_networks = true

[[feeds]]
url = "{url}"
name = "Quay Blog"
"""
ENTRY = """<item><title>What we learned from the {word} in our yard</title>
<link>https://quay.example/posts/{word}</link><guid isPermaLink="false">{guid}:{word}</guid>
<pubDate>{day}</pubDate><description>The {word} was old, and nobody knew how it worked; the {word}
is new now, and this is what it took us to replace it.</description></item>"""
NEWS = (
    ("Three ways to drain a node", "Draining a node is easy until a pod refuses to move."),
    ("What a control plane forgets", "Caches lie, and a control plane is mostly caches."),
    ("Certificates without tears", "We rotated nine hundred certificates in one quiet night."),
)


def feed(guid: str, when: datetime, words: list[str] = WORDS) -> bytes:
    entries = (
        ENTRY.format(word=word, guid=guid, day=format_datetime(when - index * DAY / 24))
        for index, word in enumerate(words)
    )
    return (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>Quay Blog</title>'
        f"<link>https://quay.example/</link>{''.join(entries)}</channel></rss>"
    ).encode()


@pytest.fixture
def newsletter(tmp_path: Path, feed_server: FeedServer) -> Newsletter:
    newsletter = Newsletter(tmp_path).write().tell().subscribe(2)
    settings = tmp_path / "newsletter.toml"
    text = settings.read_text("utf-8") + FEED.format(url=feed_server.url())
    settings.write_text(text, encoding="utf-8")
    return newsletter


def gather(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine:
        gather_items(
            newsletter.settings, engine, now=newsletter.clock(), observer=newsletter.watcher
        )


def a_week_later(newsletter: Newsletter) -> datetime:
    newsletter.clock.go_on(7 * DAY)
    newsletter.tell(*NEWS, when=newsletter.clock() - DAY)
    return newsletter.clock() - DAY


def text_of(newsletter: Newsletter, number: int) -> str:
    return (newsletter.folder / "issues" / f"{number:03}.md").read_text("utf-8")


def test_an_archive_that_ran_is_held_back_in_one_line(
    newsletter: Newsletter, feed_server: FeedServer
) -> None:
    feed_server.put("/feed", feed("old", NOW - DAY))
    assert newsletter.run().entries == len(WORDS)
    feed_server.put("/feed", feed("new", a_week_later(newsletter)))
    verdict = newsletter.run()
    sentence = "Quay Blog handed out 8 old stories again, sent in #1; all are held back"
    assert (verdict.verdict, verdict.entries) == (Outcome.SENT, len(NEWS))
    text = text_of(newsletter, 2)
    assert f"### 8 old stories from Quay Blog\n<!-- left out: {sentence} -->" in text
    assert text.count("quay.example") == 0
    assert f"{sentence}." in newsletter.watcher.said


def test_an_archive_that_was_seen_and_never_sent_is_held_back_too(
    newsletter: Newsletter, feed_server: FeedServer
) -> None:
    feed_server.put("/feed", feed("old", NOW - 300 * DAY))
    gather(newsletter)
    feed_server.put("/feed", feed("new", a_week_later(newsletter)))
    # The window of a first issue begins after the archive was first seen.
    newsletter.clock.go_on(DAY)
    assert newsletter.run().entries == len(NEWS)
    assert "8 old stories from Quay Blog" in text_of(newsletter, 1)


def test_a_feed_that_renumbers_within_the_week_loses_nothing(
    newsletter: Newsletter, feed_server: FeedServer
) -> None:
    feed_server.put("/feed", feed("old", NOW - 2 * DAY))
    gather(newsletter)
    newsletter.clock.go_on(DAY)
    feed_server.put("/feed", feed("new", NOW))
    assert newsletter.run().entries == len(WORDS)
    assert "old stories" not in text_of(newsletter, 1)


def test_a_few_old_stories_among_new_ones_are_told_one_by_one(
    newsletter: Newsletter, feed_server: FeedServer
) -> None:
    feed_server.put("/feed", feed("old", NOW - DAY, WORDS[:4]))
    newsletter.run()
    feed_server.put("/feed", feed("new", a_week_later(newsletter)))
    verdict = newsletter.run()
    assert verdict.entries == len(NEWS) + 4
    assert text_of(newsletter, 2).count("left out: ran in #1: same address") == 4


def test_the_line_is_read_back_as_it_was_written(
    newsletter: Newsletter, feed_server: FeedServer
) -> None:
    feed_server.put("/feed", feed("old", NOW - DAY))
    newsletter.run()
    feed_server.put("/feed", feed("new", a_week_later(newsletter)))
    newsletter.run()
    path = newsletter.folder / "issues" / "002.md"
    text = path.read_text("utf-8")
    assert write(read(text, path=path)) == text


def test_what_looks_alike_is_flagged_in_the_file(
    newsletter: Newsletter, feed_server: FeedServer
) -> None:
    twin = feed("x", NOW - DAY, ["jetty"]).replace(
        b"What we learned from the jetty in our yard", b"Why ropes fail"
    )
    feed_server.put("/feed", twin)
    newsletter.tell(*NEWS, ("Why ropes fail", "All about knots and their names, for beginners."))
    newsletter.run()
    text = text_of(newsletter, 1)
    assert "<!-- check: looks like “Why ropes fail” (Quay Blog), keep one? -->" in text
    assert "<!-- check: looks like “Why ropes fail” (Harbour Blog), keep one? -->" in text
