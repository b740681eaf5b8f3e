"""A river of shared links: where one story ends and the next begins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.items import Context
from flows.gather.parse import parse
from flows.gather.river import is_river, parse_river, shared_item
from flows.models import Feed, FeedKind, Item, Kind

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FEED = Feed(url="river.txt", name="River", kind=FeedKind.RIVER, timezone="America/New_York")

ARTICLE = """Cranes that queue
https://quay.example/2026/11/19/cranes/
How a crane waits its turn.
Second line, with <angle brackets>.
via Quay Blog https://quay.example/
November 19, 2026 at 07:00PM
"""
VIDEO = """Which rope is best?
We tie nine of them.
via YouTube https://www.youtube.com/watch?v=rope9
"""


def items_of(text: str) -> list[Item]:
    return list(parse_river(text, feed=FEED, now=NOW).items)


def test_an_article_has_its_own_address_and_the_sites_name() -> None:
    (item,) = items_of(ARTICLE)
    assert item.url == item.guid == "https://quay.example/2026/11/19/cranes/"
    assert (item.title, item.source, item.feed) == ("Cranes that queue", "Quay Blog", "River")
    assert item.content == "How a crane waits its turn.\nSecond line, with <angle brackets>."
    assert item.kind is Kind.ARTICLE
    assert not item.truncated


def test_a_date_line_is_in_the_feeds_zone() -> None:
    (item,) = items_of(ARTICLE)
    assert item.published == datetime(2026, 11, 20, 0, 0, tzinfo=UTC)


def test_a_videos_address_is_in_its_via_line_and_it_stays_undated() -> None:
    (item,) = items_of(VIDEO)
    assert item.url == "https://www.youtube.com/watch?v=rope9"
    assert (item.kind, item.source, item.published) == (Kind.VIDEO, "YouTube", None)


def test_stories_follow_one_another_with_or_without_blank_lines() -> None:
    expected = ["Cranes that queue", "Which rope is best?", "Cranes that queue"]
    other = ARTICLE.replace("/cranes/", "/more/")
    for text in (ARTICLE + VIDEO + other, f"\n{ARTICLE}\n\n{VIDEO}\n{other}\n"):
        assert [item.title for item in items_of(text)] == expected


@pytest.mark.parametrize("head", ["1_r/harbour\n", "r/harbour\n\n", "t3_1abcd2\n"])
def test_a_subreddits_head_and_ids_are_no_titles(head: str) -> None:
    assert [item.title for item in items_of(head + VIDEO)] == ["Which rope is best?"]


def test_an_undated_article_takes_the_day_in_its_address() -> None:
    (item,) = items_of("\n".join(ARTICLE.splitlines()[:-1]))
    assert item.published == datetime(2026, 11, 19, tzinfo=UTC)


LONG = "\n".join(
    [
        "Fog signals, all of them",
        "https://quay.example/2026/11/18/fog-signals/",
        *["A sentence of the right length about a horn in the fog, and its echo."] * 138,
        "Heading without a stop",
        "And then the text goes on as it did before, until it is cut off in the mid",
    ]
)


def test_a_story_cut_in_mid_word_is_told_from_the_next_one() -> None:
    # Cut where the posting tool cuts, and the via line is gone.
    assert 9_750 < len(LONG) < 9_950
    first, second, third = items_of(f"{LONG}\n{VIDEO}{ARTICLE}")
    assert (first.title, first.truncated) == ("Fog signals, all of them", True)
    assert first.content.endswith("cut off in the mid")
    assert (second.title, second.kind) == ("Which rope is best?", Kind.VIDEO)
    assert second.content == "We tie nine of them."
    # Restored: the source from another story of the same site, the day from the address.
    assert first.source == "Quay Blog"
    assert first.published == datetime(2026, 11, 18, tzinfo=UTC)
    assert third.title == "Cranes that queue"


def test_without_another_story_of_the_site_its_host_is_the_source() -> None:
    first, _ = items_of(f"{LONG}\n{VIDEO}")
    assert first.source == "quay.example"


def test_a_lost_via_shows_by_the_next_storys_address() -> None:
    text = (
        """Knots for beginners
https://knots.example/beginners
A bowline is a start.
"""
        + ARTICLE
    )
    first, second = items_of(text)
    assert (first.url, first.truncated) == ("https://knots.example/beginners", True)
    assert (second.title, second.source) == ("Cranes that queue", "Quay Blog")


def test_a_link_blog_may_point_elsewhere_without_being_two_stories() -> None:
    text = ARTICLE.replace(
        "via Quay Blog https://quay.example/", "via Links https://links.example/"
    )
    (item,) = items_of(text)
    assert item.source == "Links"


def test_the_last_story_may_lack_its_via_line() -> None:
    *_, last = items_of(VIDEO + "Knots\nhttps://knots.example/1\nA bowl")
    assert (last.title, last.truncated, last.source) == ("Knots", True, "knots.example")


def test_text_without_an_address_is_told_and_left_out() -> None:
    parsed = parse_river(VIDEO + "A thought\nwithout a link\n", feed=FEED, now=NOW)
    assert len(parsed.items) == 1
    assert parsed.problems == ("1 pieces of text without an address left out",)


def test_a_list_of_short_lines_is_a_digest() -> None:
    short = "\n".join(f"kubectl fix number {n}" for n in range(14))
    text = f"Week 47\nhttps://week.example/47\n{short}\nvia Week https://week.example/\n"
    assert items_of(text)[0].kind is Kind.DIGEST


def test_a_story_without_a_title_gets_one() -> None:
    text = "https://quay.example/a/fog-and-rain\nvia Quay https://quay.example/\n"
    assert [item.title for item in items_of(text)] != [""]


def test_a_story_shared_twice_is_one_item() -> None:
    parsed = parse_river(ARTICLE + ARTICLE, feed=FEED, now=NOW)
    assert len(parsed.items) == 1
    assert parsed.problems == ("1 entry told twice",)


def test_a_text_with_via_lines_is_a_river_without_being_called_one() -> None:
    assert is_river(VIDEO)
    assert not is_river("<rss>via x https://y.example</rss>")
    auto = Feed(url="https://x.example/notes.txt")
    assert parse(VIDEO.encode(), feed=auto, url=auto.url, now=NOW).version == "river"


def test_one_post_is_read_by_the_same_rules() -> None:
    context = Context(feed=FEED, base="", zone=UTC, now=NOW)
    item = shared_item(ARTICLE.splitlines(), context=context)
    assert item is not None
    assert item.title == "Cranes that queue"
    assert shared_item(["Only a title", "and text"], context=context) is None


@given(st.lists(st.sampled_from([ARTICLE, VIDEO, "via\n", "via x\n", "\n", "x" * 9_500, "T\n"])))
def test_any_river_is_read(parts: list[str]) -> None:
    for item in items_of("".join(parts)):
        assert item.url.startswith("https://")
        assert item.title
