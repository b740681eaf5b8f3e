"""A draft: chosen, headed, described, and every story accounted for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest

from flows.edit.draft import Outline, Source, draft
from flows.edit.entries import address, detail, mislabelled, title
from flows.edit.headline import cut_at_word, preheader, subject
from flows.edit.left_over import count_left_over
from flows.edit.pages import not_an_article
from flows.edit.republished import Republication
from flows.edit.rules import Rule
from flows.models import Entry, Issue, Item, Kind, Story

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LEAD = "The harbour lost four ships last winter because nobody dried what held them."
FOOTER = "▬▬▬▬▬▬ 👋 Contact me 👋 ▬▬▬▬▬▬ ➡ Bluesky: https://bsky.example/kitchen"


def item(
    name: str = "Dry ropes hold longer",
    *,
    url: str = "",
    feed: str = "Harbour Blog",
    source: str = "",
    author: str = "",
    content: str = LEAD,
    kind: Kind = Kind.ARTICLE,
    days: float | None = 1,
    truncated: bool = False,
) -> Item:
    return Item(
        feed=feed,
        guid=url or name,
        url=url or f"https://harbour.example/blog/{abs(hash(name))}",
        title=name,
        content=content,
        source=source or feed,
        author=author,
        kind=kind,
        published=None if days is None else NOW - timedelta(days=days),
        truncated=truncated,
    )


def clip(name: str, *, source: str = "YouTube", author: str = "", words: str = "") -> Item:
    return item(
        name,
        url=f"https://www.youtube.com/watch?v={quote(name, safe='')}",
        feed="The river",
        source=source,
        author=author,
        content=f"{words or name}\n{FOOTER}",
        kind=Kind.VIDEO,
        days=None,
    )


def drafted(*found: Item | Story, outline: Outline | None = None) -> Issue:
    stories = [one if isinstance(one, Story) else Story(lead=one) for one in found]
    return draft(
        stories,
        outline=outline or Outline(now=NOW, sections=(("Boats", 0), ("Videos", 0))),
        number=42,
        date=date(2026, 11, 30),
        title="Harbour Weekly",
    ).issue


def notes(entry: Entry, kind: str) -> list[str]:
    return [note.removeprefix(f"{kind}: ") for note in entry.notes if note.startswith(f"{kind}: ")]


def test_an_entry_tells_title_source_blurb_and_why() -> None:
    [entry] = drafted(item()).entries
    assert (entry.title, entry.source, entry.blurb) == (
        "Dry ropes hold longer",
        "Harbour Blog",
        LEAD,
    )
    [why] = notes(entry, "why")
    assert why == "Harbour Blog, 22 Nov; score 1.9 (weight 1, freshness +0.9)"


@pytest.mark.parametrize(
    ("days", "day"), [(326, "1 Jan"), (327, "31 Dec 2025"), (365 * 7, "25 Nov 2019")]
)
def test_a_day_of_another_year_than_the_issues_has_its_year(days: int, day: str) -> None:
    [why] = notes(drafted(item(days=days)).entries[0], "why")
    assert why.startswith(f"Harbour Blog, {day}; ")


def test_an_entry_says_which_other_feeds_carry_it_and_by_which_way_it_came() -> None:
    lead = item(source="Harbour Blog", feed="The river")
    story = Story(lead=lead, others=(item(feed="Gossip"),), reasons=("same address",))
    [entry] = drafted(story).entries
    assert notes(entry, "why")[0].startswith(
        "Harbour Blog, 22 Nov; by way of The river; also in Gossip (same address); score 2.4"
    )


def test_a_feed_without_a_name_goes_by_its_hosts() -> None:
    address = "https://gossip.example/feed.xml"
    other = item(feed=address, source="Gossip")
    [entry] = drafted(Story(lead=item(), others=(other,), reasons=("same address",))).entries
    assert "; also in gossip.example (same address); " in notes(entry, "why")[0]
    capped = Outline(now=NOW, sources={address: Source(max_items=1)})
    found = [item(f"Ropes {n}", feed=address, source="Gossip") for n in range(2)]
    [left] = drafted(*found, outline=capped).left_over
    assert notes(left, "left out") == ["over the limit of 1 from gossip.example"]


def test_what_looks_alike_is_flagged() -> None:
    [entry] = drafted(Story(lead=item(), likely=("looks like “Wet ropes”, keep one?",))).entries
    assert notes(entry, "check") == ["looks like “Wet ropes”, keep one?"]


def test_a_blurb_is_plain_text_as_markdown() -> None:
    text = "Set *every* `rope_name` to <none> and see [1] what the &amp; the harbour does for you."
    [entry] = drafted(item(content=text)).entries
    assert entry.blurb == (
        r"Set \*every\* \`rope_name\` to \<none> and see \[1\] what the & the harbour does for you."
    )


@pytest.mark.parametrize(
    ("held", "reason"),
    [("ran in #41: same address", "ran in #41: same address"), ("", "ran in #41")],
)
def test_a_story_that_ran_is_left_over(held: str, reason: str) -> None:
    issue = drafted(Story(lead=item(), ran_in=41, held=held))
    assert issue.entries == ()
    assert notes(issue.left_over[0], "left out") == [reason]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            item("Contact Ann", url="https://ann.example/contact/", content="Contact Ann"),
            "not an article (path /contact/, 2 words)",
        ),
        (
            item("Boats", url="https://ann.example/tag/boats", content=""),
            "not an article (path /tag/boats, 0 words)",
        ),
        (
            item("Ann", url="https://ann.example/", content="Welcome"),
            "not an article (home page, 1 word)",
        ),
        (
            item("My boat", content="<p>My boat!</p>"),
            "not an article (its text is its title, 2 words)",
        ),
        (item("Imprint", kind=Kind.PAGE, content="Ann"), "not an article (a page, 1 word)"),
        (
            item("Search Results", url="https://ann.example/search/", content=""),
            "not an article (path /search/, 0 words)",
        ),
        (item("Contact tracing at sea", url="https://a.example/contact-tracing"), ""),
        (item("Boats in tags", url="https://a.example/tags-and-boats/"), ""),
        (item("A new boat", url="https://a.example/?p=7"), ""),
        (item("A link", content=""), ""),
        (item("My boat", kind=Kind.VIDEO, content="My boat"), ""),
    ],
    ids=lambda value: value.title if isinstance(value, Item) else None,
)
def test_pages_that_are_no_articles_are_known(page: Item, reason: str) -> None:
    assert not_an_article(page) == reason


def test_a_page_is_left_over_with_the_reason() -> None:
    page = item("Contact Ann", url="https://ann.example/contact/", content="Contact Ann")
    issue = drafted(page, item())
    assert len(issue.entries) == 1
    assert notes(issue.left_over[0], "left out") == ["not an article (path /contact/, 2 words)"]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "ftp://a.example/b", "http://"])
def test_a_story_without_a_link_is_left_over(url: str) -> None:
    lead = Item(feed="Harbour Blog", guid="1", url=url, title="No way there")
    issue = drafted(lead)
    assert issue.entries == ()
    assert notes(issue.left_over[0], "left out") == ["no link that a reader could follow"]


def test_what_is_over_the_limit_is_left_over_with_its_blurb() -> None:
    issue = drafted(
        item("The newer one", days=0),
        item("The older one"),
        outline=Outline(now=NOW, max_entries=1),
    )
    assert [entry.title for entry in issue.entries] == ["The newer one"]
    [left] = issue.left_over
    assert left.blurb == LEAD
    assert notes(left, "left out") == ["over the limit of 1 entry"]


def test_every_story_is_somewhere_once() -> None:
    found = [
        item(f"Story {number}", feed=f"Feed {number % 3}", days=number) for number in range(90)
    ]
    found += [clip(f"What is rope {number}?", author="Kitchen") for number in range(12)]
    issue = drafted(*found)
    entries = [*issue.entries, *issue.left_over]
    urls = [entry.url for entry in entries if entry.url]
    urls += [link.url for entry in entries for link in entry.links]
    assert sorted(urls) == sorted(one.url for one in found)
    assert len(issue.entries) == 20


def test_of_what_is_left_over_the_best_are_listed_and_the_others_counted() -> None:
    fit = [item(f"Story {number}", days=number) for number in range(9)]
    pages = [item("Contact us", url=f"https://{n}.example/contact/") for n in range(4)]
    ran = [Story(lead=item(f"Old {n}"), ran_in=1, held="ran in #1: same address") for n in range(2)]
    outline = Outline(now=NOW, max_entries=3, max_left_over=2)
    issue = drafted(*ran, *fit, *pages, outline=outline)
    asked = "newsletter why ADDRESS tells of each"
    page = "left out: not an article (path /contact/, 13 words)"
    assert [(entry.title, entry.notes[-1]) for entry in issue.left_over if not entry.source] == [
        ("4 more stories that there was no room for", f"not listed: 4; {asked}"),
        ("4 more stories that could not be in the issue", f"not listed: 4; {asked}"),
    ]
    assert [entry.title for entry in issue.left_over if entry.source] == [
        "Story 3",
        "Story 4",
        "Contact us",
        "Contact us",
    ]
    assert [page in entry.notes for entry in issue.left_over] == [False] * 3 + [True] * 2 + [False]
    assert count_left_over(issue) == 12


@pytest.mark.parametrize(("most", "listed"), [(0, 9), (8, 9), (9, 9), (7, 8)])
def test_no_line_counts_the_others_where_there_are_none(most: int, listed: int) -> None:
    """Of nine; without a limit all are listed, and with one of eight the ninth is counted."""
    found = [item(f"Story {number}", days=number) for number in range(10)]
    outline = Outline(now=NOW, max_entries=1, max_left_over=most)
    assert len(drafted(*found, outline=outline).left_over) == listed


def test_a_group_that_is_not_listed_counts_as_the_stories_it_is() -> None:
    found = [item("The best", days=0), item("The next", days=1)]
    videos = [clip(question, author="Kitchen") for question in QUESTIONS]
    outline = Outline(now=NOW, max_entries=1, max_left_over=1)
    last = drafted(*found, *videos, outline=outline).left_over[-1]
    assert last.title == "3 more stories that there was no room for"


def test_a_heading_that_feeds_spell_in_two_ways_is_one() -> None:
    sources = {"Ann": Source(section="boats"), "Ben": Source(section="Boats")}
    found = [Story(lead=item(f"By {name}", feed=name)) for name in sources]
    outline = Outline(now=NOW, sources=sources)
    made = draft(found, outline=outline, number=1, date=date(2026, 11, 23), title="W")
    [section] = made.issue.sections
    assert [choice.section for choice in made.choices] == [section.name] * 2


def test_each_story_has_its_heading_and_why_whether_it_is_listed_or_not() -> None:
    found = [Story(lead=item(f"Story {number}", days=number)) for number in range(9)]
    page = Story(lead=item("Contact us", url="https://quay.example/contact/"))
    outline = Outline(
        now=NOW,
        max_entries=3,
        max_left_over=2,
        sections=(("BOATS", 0),),
        sources={"Harbour Blog": Source(section="boats")},
    )
    made = draft([page, *found], outline=outline, number=1, date=date(2026, 11, 23), title="W")
    assert [choice.story for choice in made.choices] == [*found, page]
    assert [choice.section for choice in made.choices] == ["BOATS"] * 3 + ["Left over"] * 7
    assert [choice.reason for choice in made.choices[:3]] == [
        why for entry in made.issue.entries for why in notes(entry, "why")
    ]
    assert {choice.reason for choice in made.choices[3:-1]} == {"over the limit of 3 entries"}
    assert made.choices[-1].reason == "not an article (path /contact/, 13 words)"


QUESTIONS = ("What is a knot?", "Who ties it?", "Can one untie it?")


def test_three_short_videos_of_a_channel_are_one_entry() -> None:
    issue = drafted(*(clip(question, author="Rope Kitchen") for question in QUESTIONS))
    [group] = issue.entries
    assert (group.title, group.source, group.detail) == (
        "Short answers from Rope Kitchen",
        "YouTube",
        "3 videos",
    )
    assert {link.title for link in group.links} == set(QUESTIONS)


def test_a_channel_without_a_name_is_known_by_what_its_videos_end_with() -> None:
    [group] = drafted(*map(clip, QUESTIONS)).entries
    assert (group.title, group.detail) == ("Three short answers", "3 videos")


def test_a_channel_with_a_feed_of_its_own_is_known_by_it() -> None:
    clips = [
        replace(clip(question), feed="Rope Kitchen", source="Rope Kitchen")
        for question in QUESTIONS
    ]
    [group] = drafted(*clips).entries
    assert group.title == "Short answers from Rope Kitchen"


def test_a_short_is_a_short_video_whatever_it_says() -> None:
    clips = [
        clip(question, author="Rope Kitchen", words=f"{LEAD} {LEAD}") for question in QUESTIONS
    ]
    shorts = [
        replace(one, url=f"https://www.youtube.com/shorts/{number}")
        for number, one in enumerate(clips)
    ]
    [group] = drafted(*shorts).entries
    assert group.title == "Short answers from Rope Kitchen"


def test_long_videos_of_a_channel_are_one_entry_and_its_clips_another() -> None:
    clips = [clip(question, author="Rope Kitchen") for question in QUESTIONS]
    tours = [
        clip(f"A tour of {name}", author="Rope Kitchen", words=" ".join([f"{name} is fine."] * 12))
        for name in ("ropes", "knots", "tar")
    ]
    groups = drafted(*clips, *tours).entries
    assert {(group.title, group.detail) for group in groups} == {
        ("Short answers from Rope Kitchen", "3 videos"),
        ("Videos from Rope Kitchen", "3 videos"),
    }


def test_a_group_takes_eight_and_the_others_are_left_over() -> None:
    clips = [clip(f"What is knot {number}?", author="Rope Kitchen") for number in range(11)]
    issue = drafted(*clips)
    [group] = issue.entries
    assert group.detail == "8 videos"
    left = "left out: over the limit of 8 videos in a group"
    assert [entry.notes[0] for entry in issue.left_over] == [left] * 3


def test_what_a_channel_always_says_makes_no_long_video() -> None:
    footer = "Two cooks and a sailor answer here what nobody else wants to answer, every day."
    footer += " Since 2019."
    clips = [clip(name, author="Rope Kitchen", words=f"{name} {footer}") for name in QUESTIONS]
    [group] = drafted(*clips).entries
    assert group.title == "Short answers from Rope Kitchen"


@pytest.mark.parametrize(
    "others",
    [
        [clip(QUESTIONS[2], author="Another")],
        [clip(QUESTIONS[2], author="Rope Kitchen", words=f"{LEAD} {LEAD}")],
        [],
    ],
    ids=["another channel", "a long one", "only two"],
)
def test_what_is_no_group_stays_apart(others: list[Item]) -> None:
    two = [clip(question, author="Rope Kitchen") for question in QUESTIONS[:2]]
    assert all(entry.url for entry in drafted(*two, *others).entries)


def test_a_group_notes_a_doubt_that_two_of_a_name_have_of_each_other_once() -> None:
    told = "looks like “Why does it rot?”"
    twins = [clip(QUESTIONS[0], author="Rope Kitchen", words=words) for words in ("A.", "B.")]
    twins = [replace(one, url=f"{one.url}{n}", guid=f"{n}") for n, one in enumerate(twins)]
    stories = [Story(lead=one, likely=(told,)) for one in twins]
    [group] = drafted(*stories, clip(QUESTIONS[1], author="Rope Kitchen")).entries
    assert len(notes(group, "check")) == 1


def test_a_group_stands_behind_the_single_videos() -> None:
    long = clip("A tour of every knot", author="Rope Kitchen", words=f"{LEAD} {LEAD}")
    clips = [clip(question, author="Rope Kitchen") for question in QUESTIONS]
    assert [bool(entry.links) for entry in drafted(*clips, long).entries] == [False, True]


@pytest.mark.parametrize(
    ("name", "words", "is_flagged"),
    [
        ("Canary Deployments - Where Can They Be Used Apart from Clouds and Databases?",
         "Where can Crossplane be used apart from clouds and databases?", True),
        ("Canary Deployments - Where Can They Be Used Apart from Clouds and Databases?",
         "Where can canaries be used apart from clouds and databases?", False),
        ("Sailing to Norway", "Today we bake bread with rye flour.", True),
        ("Sailing to Norway", "Ropes Conference, Saint Harbour", False),
        ("Ep04 - Ask me anything", "An open session about ropes and masts.", False),
        ("Ropes", "", False),
    ],
)  # fmt: skip
def test_a_title_and_text_that_disagree_are_flagged(
    name: str, words: str, *, is_flagged: bool
) -> None:
    assert mislabelled(clip(name), [words]) == is_flagged


@pytest.mark.parametrize(
    ("name", "source", "shown"),
    [
        ("Week Ending December 15, 2024", "Last Week in Kubernetes Development",
         "LWKD: Week Ending December 15, 2024"),
        ("Issue 45", "Harbour News", "Harbour News: Issue 45"),
        ("Weekly update", "Harbour News", "Harbour News: Weekly update"),
        ("v2.1.0", "Ropewalk releases", "Ropewalk releases: v2.1.0"),
        ("December 2024", "Harbour News", "Harbour News: December 2024"),
        ("Harbour News #45", "Harbour News", "Harbour News #45"),
        ("v3.15.0b4", "Release notes from ropewalk", "ropewalk: v3.15.0b4"),
        ("Issue 45", "Tidings of the lower harbour", "Tidings of the lower harbour: Issue 45"),
        ("Weekly meetings are over", "Harbour News", "Weekly meetings are over"),
        ("Issue 45 is the last one we print", "Harbour News", "Issue 45 is the last one we print"),
    ],
)  # fmt: skip
def test_a_title_that_says_nothing_gets_its_source(name: str, source: str, shown: str) -> None:
    assert title(item(name, source=source)) == shown


def test_a_story_without_a_title_is_called_by_its_first_words() -> None:
    assert title(item("", content=f"<p>{LEAD}</p>")) == (
        "The harbour lost four ships last winter because nobody dried what held them."
    )


@pytest.mark.parametrize(
    ("found", "is_flagged"),
    [
        (item("Rope Depot", content="My thanks to Rope Depot for sponsoring the week. Buy."), True),
        (item("Rope Depot", content="This article was sponsored by Rope Depot. Ropes."), True),
        (item("[Sponsor] Ropes that last"), True),
        (item("Sponsored post: ropes that last"), True),
        (item("Deal: ropes for $5 a month"), True),
        (item("Deal of the week: ropes"), True),
        (item("Deal: the harbour buys the pier for $2 billion"), False),
        (item("Deals with the harbour are off"), False),
        (item("Sponsored runners came in last"), False),
        (item("Paid leave for harbour masters"), False),
        (item("Sponsor-free harbours work"), False),
        (item("Promoted: my first year as a harbour master"), False),
        (item("Advertisement-blocking in the fog"), False),
        (item("Ropes", content="This is not a paid post. It is about ropes."), False),
        (item("Ropes", content="Thanks to everybody for sponsoring my work on ropes. On."), False),
        (item("How ads pay", content="Ropes cost. This article was sponsored by nobody."), False),
        (item("Ep 4", content="This story was sponsored by Rope Depot.", kind=Kind.PODCAST), False),
    ],
)
def test_an_advertisement_is_flagged(found: Item, *, is_flagged: bool) -> None:
    [entry] = drafted(found).entries
    assert ("check: it reads as if somebody paid for it" in entry.notes) == is_flagged


@pytest.mark.parametrize(
    ("url", "months"),
    [
        ("https://quay.example/2013/05/ropes.html", "May 2013"),
        ("https://quay.example/2026/04?page=2", "April 2026"),
        ("https://quay.example/2013/5/12/ropes", "May 2013"),
        ("https://quay.example/2026/10/ropes", ""),
        ("https://quay.example/2026/ropes", ""),
        ("https://quay.example/1050/12", ""),
        ("https://quay.example/ropes?p=/2013/05/", ""),
    ],
)
def test_news_whose_address_is_of_long_ago_are_flagged(url: str, months: str) -> None:
    [entry] = drafted(item(url=url)).entries
    told = [note for note in notes(entry, "check") if "may be old" in note]
    assert told == ([f"may be old: its address is of {months}"] if months else [])


LONG = "word " * 1100
CHAPTERS = "All of it. Timecodes: 00:00 Ropes 00:34 Knots (cont.) 05:03 Tar 17:12 Live at 9:30 UTC"


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (item(content=LONG), "5 min"),
        (item(content=LONG, truncated=True), "5+ min"),
        (item(content="word " * 200), "1 min"),
        (item(content="A teaser of a few words."), ""),
        (item(content=LONG, kind=Kind.VIDEO), "video"),
        (item(content=CHAPTERS, kind=Kind.VIDEO), "video, 17+ min"),
        (item(content=CHAPTERS.replace("17:12", "1:02:05"), kind=Kind.VIDEO), "video, 62+ min"),
        (item(content=CHAPTERS.replace("00:00", "00:10"), kind=Kind.VIDEO), "video"),
        (item(content="Live from 10:00 to 11:30, 0:00 UTC", kind=Kind.VIDEO), "video"),
        (item(content="Live at 00:00 UTC, 08:00 CST and 16:00 PST", kind=Kind.VIDEO), "video"),
        (item(content="Daily from 0:00 to 12:30, until 23:59", kind=Kind.VIDEO), "video"),
        (item(content="0:00 - 0:30 Ropes 0:30 - 1:10 Tar 1:10 - 9:00 Knots", kind=Kind.VIDEO),
         "video, 9+ min"),
        (item(content="00:00 Ropes 00:20 Knots 00:40 End", kind=Kind.VIDEO), "video"),
        (item(content=CHAPTERS), ""),
        (item(kind=Kind.PODCAST), "podcast"),
        (item(kind=Kind.RELEASE), "release"),
        (item(content=f"{'word ' * 300} and so […]"), "1+ min"),
    ],
)  # fmt: skip
def test_the_detail_tells_the_reading_time_or_the_kind(found: Item, shown: str) -> None:
    assert detail(found) == shown


def test_a_video_of_a_known_channel_names_the_channel() -> None:
    [entry] = drafted(clip("A tour of knots", author="Rope Kitchen")).entries
    assert (entry.source, entry.detail) == ("Rope Kitchen", "video")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/b?utm_source=x&v=1#c", "https://a.example/b?v=1#c"),
        ("https://a.example/b?utm_source=x", "https://a.example/b"),
        (" https://a.example/b c ", "https://a.example/b%20c"),
        ("HTTPS://a.example/", "HTTPS://a.example/"),
        ("mailto:a@b.example", ""),
        ("https://[", ""),
        ("https://a.example:99999/", ""),
    ],
)
def test_an_address_is_freed_of_tracking(url: str, kept: str) -> None:
    assert address(url) == kept


def test_sections_stand_in_the_settings_order() -> None:
    outline = Outline(
        now=NOW,
        sections=(("Videos", 0), ("Boats", 0)),
        sources={"Harbour Blog": Source(section="boats")},
    )
    issue = drafted(item(), clip("A tour of knots"), item("Gossip", feed="Gossip"), outline=outline)
    assert [section.name for section in issue.sections] == ["Videos", "Boats", "Worth a look"]


def test_the_inbox_line_tells_what_is_read_before_what_is_watched() -> None:
    issue = drafted(
        clip("A tour of every knot there is"),
        *(clip(question) for question in QUESTIONS),
        item("Ropes", days=0),
        item("Harbour masters count the ships by hand, and why they do not trust the cameras"),
    )
    assert issue.subject == "Harbour Weekly 42: Ropes"
    assert issue.preheader.startswith("Harbour masters count the ships by hand")


def test_a_repository_leads_no_subject_where_there_is_something_to_read() -> None:
    code = item("harbour/ropes", url="https://github.com/harbour/ropes", days=0)
    assert drafted(code, item("Dry ropes", days=1)).subject == "Harbour Weekly 42: Dry ropes"


@pytest.mark.parametrize(
    ("name", "titles", "line"),
    [
        ("DevOps Weekly", ["list requests that stream"],
         "DevOps Weekly 42: list requests that stream"),
        ("DevOps Weekly", ["Enhancing the API server's efficiency with streams"],
         "DevOps Weekly 42: Enhancing the API server's…"),
        ("DevOps Weekly", [], "DevOps Weekly 42"),
        ("DevOps Weekly", ["Ropes, a short history (with a word on tar)"],
         "DevOps Weekly 42: Ropes, a short history…"),
        ("DevOps Weekly", ["What we learned from (three years of) ropes"],
         "DevOps Weekly 42: What we learned…"),
        ("DevOps Weekly", ["Ropes of the harbour [and (some) of the sea] told"],
         "DevOps Weekly 42: Ropes of the harbour…"),
        ("DevOps Weekly", ["(Ropes of the harbour and of the sea) told again"],
         "DevOps Weekly 42: (Ropes of the harbour…"),
        ("DevOps Weekly", ["Ropes (a history) of the harbour and its masters"],
         "DevOps Weekly 42: Ropes (a history)…"),
        ("A name that is by itself far too long for any subject line", ["Ropes"],
         "#42: Ropes"),
        ("A name that is by itself far too long for any subject line", [],
         "A name that is by itself far too long for any 42"),
        ("Harbour Engineering Weekly", ["Ropes v1.8.1"],
         "Harbour Engineering Weekly 42: Ropes v1.8.1"),
        ("Harbour Engineering Weekly", [f"ropewalk/{'rope-' * 10}: v0.140.0"],
         "Harbour Engineering Weekly 42"),
        ("Last Week in Harbour Engineering", ["How we cut our tar bill by 40%"],
         "#42: How we cut our tar bill by 40%"),
        ("DevOps Weekly", ["Donaudampfschifffahrtsgesellschaftskapitänsmütze"],
         "DevOps Weekly 42"),
        ("週刊", ["綱を乾かす" * 12], f"週刊 42: {('綱を乾かす' * 12)[:42]}…"),
    ],
)  # fmt: skip
def test_a_subject_is_cut_at_a_word_and_says_so(name: str, titles: list[str], line: str) -> None:
    assert subject(name, 42, titles) == line
    assert len(line) <= 50


def test_a_preheader_tells_the_next_titles() -> None:
    titles = ["Lead", "Group snapshots go beta", "LWKD signs off for the year", "Five short videos"]
    assert preheader(titles) == (
        "Group snapshots go beta · LWKD signs off for the year · Five short videos"
    )


@pytest.mark.parametrize("count", range(1, 12))
def test_a_preheader_has_room_for_no_more_than_ninety_characters(count: int) -> None:
    titles = ["Lead", *(["Knots and ropes and what they are good for"] * count)]
    assert 40 <= len(preheader(titles)) <= 90


def test_a_cut_ends_in_no_dangling_word() -> None:
    assert cut_at_word("Ships that sail to the north and back", 25) == "Ships that sail"


def test_no_stories_make_an_empty_issue() -> None:
    issue = drafted()
    assert (issue.sections, issue.left_over, issue.subject) == ((), (), "Harbour Weekly 42")


def test_old_stories_that_a_feed_told_again_are_one_line() -> None:
    old = tuple(Story(lead=item(f"Old thing {number}")) for number in range(9))
    archive = Republication(feed="Harbour Blog", stories=old, sentence="told again")
    fresh = Story(lead=item("New thing"))
    issue = draft(
        [*old, fresh],
        outline=Outline(now=NOW),
        number=1,
        date=date(2026, 11, 23),
        title="W",
        again=[archive],
    ).issue
    assert [entry.title for entry in issue.entries] == ["New thing"]
    assert [(entry.title, entry.notes) for entry in issue.left_over] == [
        ("9 old stories from Harbour Blog", ("left out: told again",))
    ]


def test_repositories_stand_last_with_their_licence() -> None:
    named = item(
        "rope: a knot tester",
        url="https://github.com/harbour/rope",
        content=f"{LEAD} Licensed under the MIT license.",
        days=0,
    )
    bare = item("sail: a cloth checker", url="https://github.com/harbour/sail", days=0)
    entries = drafted(named, bare, item(days=6)).entries
    assert [(entry.title, entry.detail) for entry in entries] == [
        ("Dry ropes hold longer", ""),
        ("rope: a knot tester", "MIT"),
        ("sail: a cloth checker", "repository"),
    ]


def test_an_entry_says_which_rule_chose_its_heading() -> None:
    rule = Rule(section="Boats", domain=("harbour.example",))
    outline = Outline(now=NOW, sections=(("Boats", 0),), rules=(rule,))
    issue = drafted(item(), outline=outline)
    assert issue.sections[0].name == "Boats"
    [why] = notes(issue.entries[0], "why")
    assert why.endswith("; Boats: domain harbour.example")


def test_rules_do_not_part_what_is_grouped() -> None:
    clips = [clip(question, author="Rope Kitchen") for question in QUESTIONS]
    word = QUESTIONS[0].split()[-1].rstrip("?")
    rules = (Rule(section="Boats", keyword=(word,)),)
    outline = Outline(now=NOW, sections=(("Boats", 0), ("Videos", 0)), rules=rules)
    issue = drafted(*clips, outline=outline)
    assert [bool(entry.links) for entry in issue.entries] == [True]


def test_a_channel_that_the_settings_know_is_named_by_its_join_link() -> None:
    links = " ".join(f"https://rope.example/{name}" for name in ("chat", "show", "post"))
    join = "Join: https://www.youtube.com/c/ropekitchen/join"
    long = clip("A tour of every knot", words=f"{LEAD} {LEAD}\n{links}\n{join}")
    clips = [clip(question, words=f"{question}\n{links}") for question in QUESTIONS]
    other = clip("A tour of every sail", words=f"{LEAD} {LEAD}\nhttps://sail.example/chat")
    outline = Outline(now=NOW, sources={"Rope Kitchen": Source()})
    entries = drafted(long, *clips, other, outline=outline).entries
    assert [(entry.title, entry.source) for entry in entries] == [
        ("A tour of every knot", "Rope Kitchen"),
        ("A tour of every sail", "YouTube"),
        ("Short answers from Rope Kitchen", "YouTube"),
    ]
    unknown = drafted(long, outline=Outline(now=NOW, sources={"Another": Source()})).entries
    assert [entry.source for entry in unknown] == ["YouTube"]


def test_what_another_says_of_a_story_without_words_is_offered_as_a_quote() -> None:
    bare = item(content="", feed="r/ropes", source="harbour.example")
    told = item(url=bare.url, feed="Stackyard News", content=f"{bare.title} now. {LEAD}")
    told = replace(told, title="Ropes")
    silent = item(url=bare.url, feed="Links", content="")
    [entry] = drafted(Story(lead=bare, others=(silent, told))).entries
    assert entry.blurb == ""
    assert notes(entry, "or") == [f"Stackyard News: “{LEAD}”"]
    [entry] = drafted(Story(lead=told, others=(bare,))).entries
    assert (entry.blurb, notes(entry, "or")) == (told.content, [])
