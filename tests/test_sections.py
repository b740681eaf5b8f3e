"""Where stories go, which come first, and what there is room for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flows.edit.outline import FLAT_SECTION, Layout, Outline, Source
from flows.edit.rules import Place, Rule
from flows.edit.sections import Candidate, Score, in_order, place, ranked, room, score
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
    assert place(item(feed=feed, kind=kind), OUTLINE).section == name


RULES = (
    Rule(section="Videos", keyword=("knot",), kind=("video",)),
    Rule(section="Boats", keyword=("boat*",)),
    Rule(section="Nowhere", keyword=("gale",)),
)


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (item("The boat", feed="Sneaky"), Place(section="Boats", because="keyword boat")),
        (
            item("The knot", kind=Kind.VIDEO),
            Place(section="Videos", because="kind video and keyword knot"),
        ),
        (item("The knot"), Place(section=DEFAULT_SECTION)),
        (item("The boat", feed="Boat News"), Place(section="Boats")),
        (item("A gale"), Place(section=DEFAULT_SECTION)),
    ],
    ids=["a rule", "of two demands both", "of one none", "the feed's first", "an unknown heading"],
)  # fmt: skip
def test_an_editors_rule_comes_after_the_feeds_section(one: Item, found: Place) -> None:
    assert place(one, replace(OUTLINE, rules=RULES)) == found


def test_a_classifier_is_asked_where_no_rule_fits() -> None:
    def guess(one: Item) -> Place | None:
        return Place(section="Videos", because="learned") if "rope" in one.title else None

    outline = replace(OUTLINE, rules=RULES, guess=guess)
    assert place(item("A rope and a boat"), outline).section == "Boats"
    assert place(item("A rope"), outline) == Place(section="Videos", because="learned")
    assert place(item("A sail"), outline).section == DEFAULT_SECTION


@pytest.mark.parametrize(
    ("title", "url", "section"),
    [
        ("Hiring engineers without interviews", "https://example.org/1", "People"),
        ("Postmortem of the outage of our login", "https://example.org/2", "Process"),
        ("How to debug Kubernetes ingress with kubectl", "https://example.org/3", "Tools"),
        ("Nothing that anybody knows", "https://example.org/4", "Tools"),
        ("rope: a knot tester", "https://github.com/harbour/rope", "Tools"),
    ],
)
def test_the_classic_layout_has_rules_of_its_own(title: str, url: str, section: str) -> None:
    outline = replace(OUTLINE, layout=Layout.PEOPLE_PROCESS_TOOLS)
    assert place(replace(item(title), url=url), outline).section == section


def test_a_topic_says_nothing_in_the_classic_layout_but_its_own_headings_do() -> None:
    sources = {"Topic": Source(section="Boats"), "Gossip": Source(section="people")}
    outline = replace(OUTLINE, layout=Layout.PEOPLE_PROCESS_TOOLS, sources=sources)
    assert place(item("kubectl", feed="Topic"), outline).section == "Tools"
    assert place(item("kubectl", feed="Gossip"), outline).section == "People"


def test_the_classic_layout_has_its_usual_limits_unless_the_settings_say_others() -> None:
    outline = replace(
        OUTLINE, layout=Layout.PEOPLE_PROCESS_TOOLS, sections=(("people", 3), ("Boats", 1))
    )
    assert outline.headings == (("People", 3), ("Process", 5), ("Tools", 10))


def test_the_flat_layout_is_one_list() -> None:
    outline = replace(OUTLINE, layout=Layout.FLAT, rules=RULES)
    found = {
        place(item(title, feed=feed), outline)
        for title, feed in [("boat", "Boat News"), ("x", "y")]
    }
    assert found == {Place(section=FLAT_SECTION)}


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
        score=Score(weight=value, freshness=0.0),
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


def test_kinds_and_publishers_have_their_limits() -> None:
    outline = replace(
        OUTLINE, max_entries=9, max_by_kind={"video": 1, "repository": 1}, max_per_source=2
    )

    def told(name: str, *, source: str, kind: Kind = Kind.ARTICLE, url: str = "") -> Candidate:
        made = item(name, kind=kind)
        made = replace(made, source=source, url=url or made.url)
        score = Score(weight=1.0, freshness=0.0)
        return Candidate(stories=(Story(lead=made),), section="Any", score=score)

    found = room(
        [
            told("1", source="Ann", kind=Kind.VIDEO),
            told("2", source="Ben", kind=Kind.VIDEO),
            told("3", source="Ann"),
            told("4", source="ann"),
            told("5", source="Forge", url="https://github.com/a/b"),
            told("6", source="Forge 2", url="https://github.com/a/c"),
        ],
        outline,
    )
    assert [one.lead.title for one in found.taken] == ["1", "3", "5"]
    assert [reason for _, reason in found.left] == [
        "over the limit of 1 of kind video",
        "over the limit of 2 from ann",
        "over the limit of 1 of kind repository",
    ]


def test_headings_stand_in_the_settings_order_and_the_default_last() -> None:
    names = [DEFAULT_SECTION, "videos", "Elsewhere", "Boats"]
    assert in_order(names, OUTLINE) == ["Boats", "videos", "Elsewhere", DEFAULT_SECTION]


def test_a_default_that_the_settings_list_stands_where_they_say() -> None:
    outline = Outline(now=NOW, sections=((DEFAULT_SECTION, 0), ("Boats", 0)))
    assert in_order(["Boats", DEFAULT_SECTION], outline) == [DEFAULT_SECTION, "Boats"]
