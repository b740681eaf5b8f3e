"""Where stories go, which come first, and what there is room for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flows.edit.outline import Outline, Source
from flows.edit.sections import Candidate, Score, in_order, ranked, room, score, section
from flows.models import DEFAULT_SECTION, Item, Kind, Story

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
OUTLINE = Outline(
    now=NOW,
    sections=(("Boats", 2), ("Videos", 0)),
    sources={
        "Boat News": Source(section="Boats", weight=2.0),
        "Gossip": Source(max_items=1),
        "Sneaky": Source(section="Left over"),
    },
    max_entries=4,
)


def item(
    title: str = "A boat", *, feed: str = "Other", kind: Kind = Kind.ARTICLE, days: float = 1
) -> Item:
    return Item(
        feed=feed,
        guid=title,
        url=f"https://example.org/{title}",
        title=title,
        kind=kind,
        published=NOW - timedelta(days=days),
    )


@pytest.mark.parametrize(
    ("feed", "kind", "name"),
    [
        ("Boat News", Kind.ARTICLE, "Boats"),
        ("Boat News", Kind.VIDEO, "Boats"),
        ("Other", Kind.VIDEO, "Videos"),
        ("Other", Kind.PODCAST, DEFAULT_SECTION),
        ("Other", Kind.ARTICLE, DEFAULT_SECTION),
        ("Sneaky", Kind.ARTICLE, DEFAULT_SECTION),
    ],
)
def test_a_section_is_the_feeds_then_the_kinds_then_the_default(
    feed: str, kind: Kind, name: str
) -> None:
    assert section(item(feed=feed, kind=kind), OUTLINE) == name


def test_a_score_is_weight_other_feeds_and_freshness() -> None:
    lead = item(feed="Boat News", days=3.5)
    others = (item(feed="Gossip"), item(feed="Other"), item(feed="Boat News"))
    found = score(Story(lead=lead, others=others), OUTLINE)
    assert found.value == pytest.approx(2 + 2 * 0.5 + 0.5)
    assert found.reason == "score 3.5 (weight 2, 2 more feeds +1, freshness +0.5)"


@pytest.mark.parametrize(("days", "value"), [(-2, 2.0), (0, 2.0), (7, 1.0), (400, 1.0)])
def test_freshness_has_its_bounds(days: float, value: float) -> None:
    assert score(Story(lead=item(days=days)), OUTLINE).value == pytest.approx(value)


def test_what_has_no_date_is_neither_fresh_nor_stale() -> None:
    undated = Item(feed="Other", guid="1", url="https://example.org/1", title="When?")
    assert score(Story(lead=undated), OUTLINE).reason == "score 1.5 (weight 1, no date +0.5)"


def candidate(
    title: str, *, feed: str = "Other", name: str = "Any", value: float = 1.0
) -> Candidate:
    return Candidate(
        stories=(Story(lead=item(title, feed=feed)),),
        section=name,
        score=Score(value=value, reason=f"score {value}"),
    )


def test_candidates_are_ranked_by_score_then_date_then_title() -> None:
    found = ranked([candidate("b"), candidate("c", value=2.0), candidate("a")])
    assert [one.lead.title for one in found] == ["c", "a", "b"]


def test_what_is_over_a_limit_is_left_with_the_reason() -> None:
    found = room(
        [
            candidate("1", name="Boats"),
            candidate("2", name="boats"),
            candidate("3", name="Boats"),
            candidate("4", feed="Gossip"),
            candidate("5", feed="Gossip"),
            candidate("6"),
            candidate("7"),
        ],
        OUTLINE,
    )
    assert [one.lead.title for one in found.taken] == ["1", "2", "4", "6"]
    assert [(one.lead.title, reason) for one, reason in found.left] == [
        ("3", "over the limit of 2 in Boats"),
        ("5", "over the limit of 1 from Gossip"),
        ("7", "over the limit of 4 entries"),
    ]


def test_headings_stand_in_the_settings_order_and_the_default_last() -> None:
    names = [DEFAULT_SECTION, "videos", "Elsewhere", "Boats"]
    assert in_order(names, OUTLINE) == ["Boats", "videos", "Elsewhere", DEFAULT_SECTION]


def test_a_default_that_the_settings_list_stands_where_they_say() -> None:
    outline = Outline(now=NOW, sections=((DEFAULT_SECTION, 0), ("Boats", 0)))
    assert in_order(["Boats", DEFAULT_SECTION], outline) == [DEFAULT_SECTION, "Boats"]
