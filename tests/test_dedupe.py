from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.edit.dedupe import (
    UNNUMBERED,
    Recollection,
    dedupe,
    history_keys,
    ran_before,
    remembered,
    republished,
)
from flows.edit.fingerprint import Text, containment, fingerprint, sentences, unpack
from flows.edit.republished import suspects
from flows.edit.titles import differ_in_number, read
from flows.models import Item, Remembered, Story

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping, Sequence

WHEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TEXT = (
    "Our registry fell over on a Friday evening. The cause was a lock that nobody knew of, held by "
    "a job that nobody had looked at in years. We describe how we found it, what we changed, and "
    "which of our alarms stayed silent all the while."
)
OTHER_TEXT = (
    "A tour of the scheduler for people who never read its source. It begins with the queue, ends "
    "with preemption, and draws a picture of each step between them on the way."
)
TITLE = "The night our registry fell over and what we changed"


def item(url: str, title: str = TITLE, summary: str = "", **fields: object) -> Item:
    values: dict[str, object] = {"feed": "Some Feed", "guid": url, "published": WHEN, **fields}
    return Item(url=url, title=title, summary=summary, **values)  # type: ignore[arg-type]  # fields are Item's own


def are_one(one: Item, other: Item) -> bool:
    forth, back = dedupe([one, other]), dedupe([other, one])
    assert forth == back
    return len(forth) == 1


SAME = {
    "tracking in the address": (
        item("https://example.com/registry"),
        item("https://example.com/registry?utm_source=rss", "Quite another title", feed="Digest"),
    ),
    "a title on two sites": (
        item("https://ann.example/posts/registry"),
        item("https://company.example/blog/registry-story", feed="Company"),
    ),
    "the site's name behind the title": (
        item("https://tigersoft.example/blog/registry", f"{TITLE} | Tiger Soft", feed="Tiger"),
        item("https://ann.example/registry-night"),
    ),
    "quotes, case and dashes": (
        item("https://a.example/one", "Why “real-time” isn’t: A Field Report from Utrecht"),
        item(
            "https://b.example/two", "Why 'real time' isn't — a field report from Utrecht", feed="B"
        ),
    ),
    "entities and a mark": (
        item("https://a.example/one", "Updated: Q&amp;A with the people behind small databases"),
        item("https://b.example/two", "Q&A with the people behind small databases", feed="B"),
    ),
    "a short title with its text": (
        item("https://a.example/one", "Locks", TEXT),
        item("https://b.example/two", "Locks", TEXT[:150] + " […]", feed="B"),
    ),
    "a copy that says so": (
        item("https://a.example/one", "Postmortem: the registry lock", TEXT),
        item(
            "https://b.example/two",
            "The registry lock",
            f"This post was originally published on A and is republished with permission. {TEXT}",
            feed="B",
        ),
    ),
    "a page that moved on its site": (
        item("https://example.com/2026/11/20/registry-night", "Registry night"),
        item("https://blog.example.com/registry-night", "Registry night", feed="B"),
    ),
    "a page with another extension": (
        item("https://example.com/guides/registry.html", "How to run a small registry"),
        item("https://example.com/guides/registry/", "How to set up a registry", feed="B"),
    ),
    "a page that got words for its id": (
        item("https://example.com/?p=812", "Registry night", TEXT),
        item("https://example.com/posts/registry-night/", "Registry night", TEXT),
    ),
    "a site that took another name": (
        item("https://ann.wordpress.com/2019/04/17/against-locks/", "Against locks"),
        item("https://ann.example/2019/04/17/against-locks", "Against locks", feed="B"),
    ),
    "a large number in two spellings": (
        item("https://a.example/one", "Locks and keys: lessons from 10k nodes"),
        item("https://b.example/two", "Locks and Keys: Lessons From 10,000 Nodes", feed="B"),
    ),
    "a page in two countries": (
        item("https://example.com/en_ca/article/9k/registry-night"),
        item("https://example.com/en_us/article/9k/registry-night", feed="B"),
    ),
    "a Medium post on a domain of its own": (
        item("https://stories.example/locks-and-me-0a1b2c3d4e5f", "Locks and me"),
        item("https://medium.com/@ann/locks-and-me-0a1b2c3d4e5f", "Me and locks", feed="B"),
    ),
    "a project on two forges": (
        item("https://gitlab.com/ann/lockjaw", "lockjaw - finds locks"),
        item("https://github.com/ann/lockjaw", "lockjaw, now with colours", feed="B"),
    ),
    "a project and its home page": (
        item("https://lockjaw.example/", "Lockjaw Lockfinder"),
        item("https://github.com/ann/lockjaw", "Lockjaw Lockfinder", feed="B"),
    ),
    "the year an aggregator adds": (
        item("https://a.example/x", "Everything I know about file locks"),
        item("https://b.example/y", "Everything I know about file locks (2016)", feed="B"),
    ),
    "a guid that stayed": (
        item("https://example.com/old-name", "Locks at night", guid="tag:example.com,2026:77"),
        item(
            "https://example.com/x/77", "Locks at night, explained", guid="tag:example.com,2026:77"
        ),
    ),
    "the very same entry": (item("", "Home", guid=""), item("", "Home", guid="")),
    "a short title at another extension": (
        item("https://example.com/2026/locks", "How to lock"),
        item("https://example.com/2026/locks.html", "How to lock", feed="B"),
    ),
    "a date in two spellings at one dated address": (
        item("https://example.com/secadv/20260216.txt", "Lock advisory [16 Feb 2026]"),
        item("https://example.com/secadv/20260216.txt", "Lock advisory 2026-02-16", feed="B"),
    ),
    "a retold count at one dated address": (
        item("https://example.com/2026/11/20/ways-to-lock", "5 ways to lock"),
        item("https://example.com/2026/11/20/ways-to-lock", "7 ways to lock", feed="B"),
    ),
    "a beta in two spellings": (
        item("https://a.example/one", "Lockjaw 10 beta1 brings colours to doors"),
        item("https://b.example/two", "Lockjaw 10 Beta 1 brings colours to doors", feed="B"),
    ),
    "a release candidate in two spellings": (
        item("https://a.example/one", "Lockjaw 10 Release Candidate 2 brings colours to doors"),
        item("https://b.example/two", "Lockjaw 10 RC2 brings colours to doors", feed="B"),
    ),
    "the latest and the stable version of a manual": (
        item("https://docs.example/en/latest/guides/locking.html", "How to lock doors and windows"),
        item("https://docs.example/en/stable/guides/locking.html", "How to lock doors and windows"),
    ),
    "Medium's name of a page": (
        item("https://ann.example/locks", "Everything I know about file locks"),
        item(
            "https://medium.com/tools/everything-i-know-0a1b2c3d4e5f",
            "Everything I know about file locks | by Ann | Tools | Mar, 2026",
            "A story of seven doors and one lost key.",
            feed="B",
        ),
    ),
    "one Medium post in two publications": (
        item("https://medium.com/@ann/our-registry-story-0a1b2c3d4e5f"),
        item("https://medium.com/tools/our-registry-story-9a8b7c6d5e4f", feed="B"),
    ),
    "what kind of thing a title is of": (
        item("https://a.example/one", "[Blog] How we found our lost keys again"),
        item("https://b.example/two", "How we found our lost keys again (tutorial)", feed="B"),
    ),
    "a copy under another title that says so, cut short": (
        item("https://a.example/one", "We run ten thousand locks", TEXT[:140]),
        item(
            "https://b.example/two",
            "Running locks by the thousand",
            f"Member post originally published on A by Ann. {TEXT}",
            feed="B",
        ),
    ),
    "a few words that are the same behind a short link": (
        item("https://bit.ly/3xYz", "Lockjaw 0.12", "Lockjaw 0.12 is here with colours.", feed="B"),
        item("https://a.example/0-12", "Lockjaw 0.12", "Lockjaw 0.12 is here with colours."),
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_a_story_told_twice_is_one(one: Item, other: Item) -> None:
    assert are_one(one, other)


def released(version: str, host: str = "example.com") -> Item:
    text = "Bug fixes and small improvements all over. The change log has them one by one, as ever."
    return item(f"https://{host}/blog/lockjaw-{version}", f"Lockjaw {version} released", text)


DIFFERENT = {
    "versions": (released("2.4.1"), released("2.4.2")),
    "versions on two sites": (released("2.4.1"), released("2.4.2", "other.example")),
    "a beta and the release": (released("2.4 beta1"), released("2.4.0")),
    "parts": (
        item("https://example.com/a", "Locks from scratch - Part I", TEXT),
        item("https://example.com/b", "Locks from scratch - Part II", TEXT),
    ),
    "part two, without its number in figures": (
        item("https://example.com/a", "Locks from scratch, part one", TEXT),
        item("https://other.example/b", "Locks from scratch, part two", TEXT),
    ),
    "episodes": (
        item("https://example.com/e/26", "Ep26 - Locks with Ann", TEXT),
        item("https://example.com/e/27", "Ep27 - Locks with Ann", TEXT),
    ),
    "weeks": (
        item("https://example.com/w1", "Week Ending November 16, 2026", TEXT),
        item("https://example.com/w2", "Week Ending November 23, 2026", TEXT),
    ),
    "months": (
        item("https://example.com/m1", "Availability report: May 2026", TEXT),
        item("https://example.com/m2", "Availability report: June 2026", TEXT),
    ),
    "years in the address": (
        item("https://example.com/2025/state-of-locks", "The State of Locks"),
        item("https://example.com/2026/state-of-locks", "The State of Locks"),
    ),
    "a column with its number in the address only": (
        item("https://example.com/five-great-jobs-178", "Five Great Lock Jobs", TEXT),
        item("https://example.com/five-great-jobs-182", "Five Great Lock Jobs", TEXT),
    ),
    "ids in the query": (
        item("https://example.com/?id=1", "Locks"),
        item("https://example.com/?id=2", "Keys"),
    ),
    "videos with like titles": (
        item(
            "https://youtu.be/uDbJ0aaaaaa", "Canary Deployments - Is It Wise To Combine Two?", TEXT
        ),
        item("https://youtu.be/TlPvtbbbbbb", "Canary Deployments - What Else Are They For?", TEXT),
    ),
    "videos with one title": (
        item("https://youtu.be/uDbJ0aaaaaa", "Linux Systems Performance"),
        item("https://youtu.be/TlPvtbbbbbb", "Linux Systems Performance"),
    ),
    "threads with one title": (
        item("https://lobste.rs/s/x1bxyz/what_are_you_locking_this_week", "What are you locking?"),
        item("https://lobste.rs/s/qrstuv/what_are_you_locking_this_week", "What are you locking?"),
    ),
    "pages that differ in a token": (
        item("https://example.com/t/a1b2c/what-do-you-lock", "What do you lock this week?"),
        item("https://example.com/t/d3e4f/what-do-you-lock", "What do you lock this week?"),
    ),
    "a title and what somebody says of it": (
        item("https://a.example/one", "Sorry, chains: locks are the ones that matter now"),
        item(
            "https://b.example/two",
            "The greatest nonsense I ever heard: Sorry chains, locks are the ones that matter now",
            feed="B",
        ),
    ),
    "siblings that begin alike": (
        item("https://example.com/lock-vfs", "Lock VFS", TEXT),
        item("https://example.com/lock-writable-vfs", "Lock Writable VFS", TEXT),
    ),
    "notices for regions": (
        item("https://example.com/tokyo", "Locks now available in Tokyo", TEXT),
        item("https://example.com/ohio", "Locks now available in Ohio", TEXT),
    ),
    "a concept on two sites": (
        item("https://a.example/what-is-a-lock", "What is a lock?", TEXT),
        item("https://b.example/docs/what-is-a-lock", "What is a lock?", OTHER_TEXT),
    ),
    "walls instead of titles": (
        item("https://news.example/articles/x-1", "Are you a robot?"),
        item("https://news.example/articles/y-2", "Are you a robot?"),
    ),
    "parts of one page": (
        item("https://example.com/notes#locks", "On locks"),
        item("https://example.com/notes#soup", "A recipe"),
    ),
    "numbered entries of one page": (
        item("https://example.com/diary#1-120", "Ann: again"),
        item("https://example.com/diary#1-121", "Ann: a red cross"),
    ),
    "a page that rolls on": (
        item("https://example.com/changes", "Version 1.2 released"),
        item("https://example.com/changes", "Version 1.3 released"),
    ),
    "one event in two papers": (
        item("https://a.example/lock", "Lockmaker buys Keymaker for two billion", TEXT),
        item("https://b.example/lock", "Keymaker goes to Lockmaker in huge deal", OTHER_TEXT),
    ),
    "one event under one headline in two papers": (
        item("https://lockpost.example/deal", "Lockmaker buys Keymaker", TEXT, feed="Lock Post"),
        item(
            "https://keytimes.example/big", "Lockmaker buys Keymaker", OTHER_TEXT, feed="Key Times"
        ),
    ),
    "columns with their month in the address": (
        item("https://example.com/weblog/2026/mar/04/security-releases/", "Lock releases", TEXT),
        item("https://example.com/weblog/2026/feb/06/security-releases/", "Lock releases", TEXT),
    ),
    "columns of one short text": (
        item("https://example.com/posts/tops", "Top posts of the week", TEXT[:90]),
        item("https://example.com/posts/liked", "Top posts of the week", TEXT[:90]),
    ),
    "two updates of one notice, as Drupal numbers them": (
        item("https://example.com/notices/updated-recall-of-locks", "Updated: recall of locks"),
        item("https://example.com/notices/updated-recall-of-locks-0", "UPDATED: recall of locks"),
    ),
    "texts that share a phrase at most": (
        item("https://a.example/1", "A field guide to file locks", f"{OTHER_TEXT} {TEXT[:70]}"),
        item("https://b.example/2", "A field guide to file locks", TEXT, feed="B"),
    ),
    "a second page under another title": (
        item("https://example.com/door-locks", "Door locks and keys"),
        item("https://example.com/door-locks-2", "Door locks and keys, again"),
    ),
    "two comparisons of the same two": (
        item("https://a.example/locks-vs-keys", "Locks vs Keys"),
        item("https://b.example/blog/locks-vs-keys", "Locks vs. Keys", feed="B"),
    ),
    "routes of a script": (
        item("https://app.example/#/posts/locks", "Post of the locks"),
        item("https://app.example/#/posts/keys", "Post of the keys"),
    ),
    "terms of one page": (
        item("https://example.com/glossary?all=true#term-lock", "Glossary: lock"),
        item("https://example.com/glossary?all=true#term-key", "Glossary: key"),
    ),
    "one path on two hosts of a site": (
        item("https://docs.example.com/install", "How to install a lock"),
        item("https://events.example.com/install", "A party to install it"),
    ),
    "introductions to two things": (
        item("https://lockers.example/intro", "Introduction - Lockers Doors"),
        item("https://lockers.example/wi/intro", "Introduction - Lockers Windows"),
    ),
    "first steps in two things": (
        item("https://lockers.example/doors/getting-started", "Getting Started - Lockers"),
        item("https://lockers.example/windows/getting-started", "Getting Started - Lockers"),
    ),
    "addresses with words of their own": (
        item("https://a.example/understanding-door-locks-keys", "Understanding door locks"),
        item("https://b.example/understanding-door-locks-model", "Understanding door locks"),
    ),
    "errors with the site's name": (
        item("https://github.com/ann/lock", "Page not found · GitHub"),
        item("https://github.com/bob/key", "Page not found · GitHub"),
    ),
    "one disclaimer under two titles": (
        item("https://a.example/1", "The best door tools compared", TEXT[:150]),
        item("https://b.example/2", "The best roof tools compared", TEXT[:150]),
    ),
    "empty ones": (item("https://a.example/1", ""), item("https://b.example/2", "")),
    "emoji": (item("https://a.example/1", "🚀"), item("https://b.example/2", "🚀")),
    "no address": (item("", "Home", guid="1"), item("", "Home", guid="2")),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_two_stories_stay_two(one: Item, other: Item) -> None:
    assert not are_one(one, other)


def test_each_merge_has_its_reason() -> None:
    story = dedupe(
        [
            item("https://ann.example/registry", summary=TEXT, feed="ann.example"),
            item("https://ann.example/registry?utm_source=x", feed="Digest"),
            item("https://copy.example/x", summary=TEXT, published=WHEN + timedelta(days=1)),
        ]
    )[0]
    assert story.reasons == (
        "same address",
        "same title on another site, texts agree 100 %",
    )


def test_the_publisher_leads_even_if_the_copy_came_first() -> None:
    own = item("https://annsblog.example/registry", summary=TEXT, feed="Ann's Blog")
    copy = item(
        "https://copy.example/x", summary=TEXT, feed="Digest", published=WHEN - timedelta(days=1)
    )
    assert dedupe([copy, own])[0].lead == own


def test_what_says_it_was_published_elsewhere_does_not_lead() -> None:
    cue = "This article was originally published elsewhere."
    copy = item("https://a.example/x", summary=f"{cue} {TEXT}", published=WHEN - timedelta(days=9))
    original = item("https://b.example/x", summary=TEXT, feed="B")
    assert dedupe([copy, original])[0].lead == original


def test_what_may_be_the_same_stays_apart_and_is_flagged() -> None:
    one = item("https://a.example/locks", "The lock", source="A Weekly")
    other = item("https://b.example/on/the-thing", "The lock", source="B Daily")
    stories = {story.lead.source: story for story in dedupe([one, other])}
    assert stories["A Weekly"].likely == ("looks like “The lock” (B Daily), keep one?",)
    assert stories["B Daily"].likely == ("looks like “The lock” (A Weekly), keep one?",)


def test_a_title_that_says_its_site_twice_counts_once_among_those_that_are_alike() -> None:
    """Of names that many share none is looked at; ten are not many, however often each says it."""
    twice = [
        item(
            f"https://s{n}.example/2026/{n}", "Harbour Crane Log | Harbour Crane Log", feed=f"F{n}"
        )
        for n in range(10)
    ]
    once = item("https://other.example/2026/99", "Harbour Crane Log", feed="Other")
    assert all(story.likely for story in dedupe([*twice, once]))


def test_a_text_under_another_title_is_flagged() -> None:
    one = item("https://a.example/locks", "Of doors", TEXT[:150], source="A Weekly")
    other = item("https://b.example/on/the-thing", "Friday nights", TEXT[:150])
    flags = [story.likely for story in dedupe([one, other])]
    assert ("looks like “Of doors” (A Weekly), keep one?",) in flags


def test_stories_come_newest_first_and_undated_ones_last() -> None:
    old = item(
        "https://a.example/1", "Something old about soup", published=WHEN - timedelta(days=2)
    )
    new = item("https://a.example/2", "Something new about bread")
    undated = item("https://a.example/3", "Something borrowed about tea", published=None)
    assert [story.lead for story in dedupe([undated, old, new])] == [new, old, undated]


def test_a_sentence_that_a_feed_puts_under_all_its_items_makes_none_alike() -> None:
    blurb = "Every week we look at one machine that others threw away, and bring it to life again."
    week = [item(f"https://a.example/{name}", "Machine", blurb) for name in ("tin", "oak", "fig")]
    rest = [item(f"https://a.example/{n}", f"Another thing called {n}", blurb) for n in ("x", "y")]
    assert len(dedupe([*week, *rest])) == 5


# What comes in badly.


def timed(items: list[Item]) -> tuple[list[Story], float]:
    began = time.process_time()
    stories = dedupe(items)
    return stories, time.process_time() - began


def words(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) * 4 for digit in f"{number:03}")


CROWDS = {
    "a thousand pages called Home": [
        item(f"https://s{number}.example/", "Home") for number in range(1000)
    ],
    "a thousand pages called Home on one site": [
        item(f"https://a.example/{words(number)}", "Home") for number in range(1000)
    ],
    "a feed with one guid": [
        item(f"https://a.example/{words(number)}", f"On {words(number)}", guid="1234567890")
        for number in range(300)
    ],
    "a feed whose entries lead to its front page": [
        item("https://a.example/", f"On {words(number)}", guid=str(number)) for number in range(300)
    ],
    "a feed whose entries lead to one page": [
        item("https://a.example/news", f"On {words(number)}", guid=str(number))
        for number in range(300)
    ],
    "a wall on many sites": [
        item(f"https://s{number}.example/", "Checking your browser before you may read this page")
        for number in range(1000)
    ],
    "a wall on one site": [
        item(f"https://a.example/{words(number)}", "Checking your browser before you may read this")
        for number in range(1000)
    ],
    "a series without end": [
        item(f"https://a.example/part-{number}", f"All about locks, part {number}", TEXT)
        for number in range(1000)
    ],
}


@pytest.mark.parametrize("items", CROWDS.values(), ids=CROWDS)
def test_a_crowd_makes_no_chain_and_takes_no_time(items: list[Item]) -> None:
    stories, spent = timed(items)
    assert len(stories) == len(items)
    assert spent < 5


@pytest.mark.parametrize("summary", ["<p>word ", "<", "&amp;", "The post ", "=-", "<script>"])
def test_ten_megabytes_of_summary_take_no_time(summary: str) -> None:
    big = summary * (10 * 2**20 // len(summary))
    stories, spent = timed([item("https://a.example/1", summary=big), item("", "", big, guid="")])
    assert len(stories) == 2
    assert spent < 5


def test_nothing_gives_nothing() -> None:
    assert dedupe([]) == []


def test_a_bridge_between_two_stories_joins_one_of_them_only() -> None:
    first = item("https://a.example/1", "Lockjaw 2.4.1 released to the public", TEXT)
    second = item("https://b.example/2", "Lockjaw 2.4.2 released to the public", TEXT, feed="B")
    bridge = item("https://c.example/3", "Lockjaw released to the public", TEXT, feed="C")
    for stories in (dedupe([first, second, bridge]), dedupe([bridge, second, first])):
        assert not any({first, second} <= set(story.items) for story in stories)


# Laws.

TITLES = st.sampled_from(
    [
        TITLE,
        f"{TITLE} | Some Site",
        f"Updated: {TITLE}",
        "Locks",
        "Locks part 1",
        "Locks part 2",
        "Lockjaw 1.0 released",
        "Lockjaw 1.1 released",
        "Lockjaw 2.0 beta released",
        "",
    ]
)
ADDRESSES = st.sampled_from(
    "https://a.example/locks http://www.a.example/locks/?utm_source=x https://b.example/locks-2 "
    "https://b.example/locks https://t.co/a1b2c3 https://a.example/?p=12 https://a.example/ "
    "https://medium.com/@ann/locks-0a1b2c3d4e5f https://c.example/locks-0a1b2c3d4e5f ".split(" ")
)
ITEMS = st.builds(
    Item,
    feed=st.sampled_from(["A", "B", "t.co"]),
    guid=st.sampled_from(["", "1", "tag:one-and-only", "tag:another"]),
    url=ADDRESSES,
    title=st.one_of(TITLES, st.text(max_size=20)),
    summary=st.sampled_from(["", TEXT, TEXT[:90], OTHER_TEXT, f"<p>{TEXT}</p>"]),
    published=st.sampled_from([None, WHEN, WHEN + timedelta(days=3)]),
)


@settings(max_examples=150)
@given(st.lists(ITEMS, max_size=12), st.randoms(use_true_random=False))
def test_stories_share_out_the_items_in_whatever_order_they_come(
    items: list[Item], chance: random.Random
) -> None:
    stories = dedupe(items)
    told = [told for story in stories for told in story.items]
    assert sorted(told, key=repr) == sorted(items, key=repr)
    assert all(len(story.reasons) == len(story.others) for story in stories)
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert dedupe(shuffled) == stories


@settings(max_examples=150)
@given(st.lists(ITEMS, max_size=8))
def test_what_leads_a_story_is_no_other_stories_copy(items: list[Item]) -> None:
    # A feed each: what one feed says under several titles counts for less the more of it is seen.
    items = [replace(told, feed=f"{told.feed}{number}") for number, told in enumerate(items)]
    leads = [story.lead for story in dedupe(items)]
    assert len(dedupe(leads)) == len(leads)


# Titles and texts.


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("Go 1.8 RC1", "Go 1.8", False),
        ("Go 1.8 RC1", "Go 1.8 RC2", True),
        ("Ten ways to sleep", "10 ways to sleep", False),
        ("Issue #497", "Issue 498", True),
        ("v1.10.0 is out", "1.10.0 is out", False),
        ("You may fail", "You march on", False),
        ("Report for March 2026", "Report for May 2026", True),
        ("CVE-2026-50923 in locks", "CVE-2026-50924 in locks", True),
        ("The 1st of many", "The first of many", False),
        ("Season One", "Season Two", True),
        ("The one thing", "The two things", False),
        ("Locks (2016)", "Locks", False),
        ("Locks (2016)", "Locks (2017)", True),
        ("1,000 locks", "1000 locks", False),
    ],
)
def test_numbers_tell_titles_apart(one: str, other: str, *, differ: bool) -> None:
    assert differ_in_number(read(one), read(other)) is differ


def test_a_part_with_a_number_is_no_site_name() -> None:
    assert read("Newsletter of the locksmiths - 24").heads == ()
    assert read("Newsletter of the locksmiths - Some Site").heads[0].site == "somesite"


def test_boilerplate_is_not_the_texts_own() -> None:
    markup = f"<p>{TEXT}</p> The post Locks appeared first on Some Site."
    assert sentences(markup) == sentences(TEXT)


def test_half_a_word_where_a_text_was_cut_does_not_count() -> None:
    cut = "Our registry fell over on a Frid… Continue reading on Tools »"
    assert sentences(cut) == ["Our registry fell over on a"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Continue reading on Tools »",
        "Tagged with locks, doors.",
        "We use cookies to give you the best experience.",
        "Cover image by Ann from Pixabay.",
        "The opinions expressed are those of the author.",
        "This post may contain affiliate links.",
    ],
)
def test_what_stands_under_anything_is_not_the_texts_own(sentence: str) -> None:
    assert sentences(f"{TEXT} {sentence}") == sentences(TEXT)


def test_a_cut_text_is_contained_in_the_whole() -> None:
    whole, cut = fingerprint(sentences(TEXT)), fingerprint(sentences(TEXT[:120] + " […]"))
    assert containment(whole, cut) > 0.9


def test_a_fingerprint_is_packed_without_loss() -> None:
    text = fingerprint(sentences(TEXT))
    again = unpack(text.pack())
    assert (list(again.hashes), again.length) == (list(text.hashes), text.length)


def test_a_fingerprint_in_the_order_of_its_words_is_unpacked_as_any_other() -> None:
    text = fingerprint(sentences(TEXT))
    turned = Text(text.hashes[::-1], length=text.length)
    assert unpack(turned.pack()).hashes == text.hashes


# History.


class Kept:
    """A history that keeps what ran, in memory."""

    def __init__(self, *ran: Remembered) -> None:
        self.ran = ran
        self.asked = 0

    def ran_in(self, keys: Collection[str]) -> Mapping[str, int]:
        self.asked += 1
        return {key: past.issue for past in self.ran for key in past.keys if key in keys}

    def recall(self, stories: Sequence[Collection[str]]) -> Sequence[Sequence[Remembered]]:
        self.asked += 1
        return [[past for past in self.ran if set(past.keys) & set(keys)] for keys in stories]


class KeysOnly:
    """A history that knows nothing but keys."""

    def __init__(self, issue: int, *items: Item) -> None:
        self._keys = {key: issue for told in items for key in history_keys(told)}

    def ran_in(self, keys: Collection[str]) -> Mapping[str, int]:
        return {key: self._keys[key] for key in keys if key in self._keys}


RAN = item("https://example.com/registry-night", summary=TEXT, guid="tag:example.com,2026:1")

AGAIN = {
    "the same": (RAN, "same address"),
    "under another guid": (replace(RAN, guid="tag:example.com,2026:999"), "same address"),
    "at another address": (
        replace(RAN, url="https://example.com/new/registry-night", guid="2"),
        "same title on its site, texts agree 100 %",
    ),
    "under another title": (replace(RAN, title="Registry trouble"), "same address"),
    "on another site": (
        replace(RAN, url="https://copy.example/x", guid="x", feed="Copy"),
        "same title on another site, texts agree 100 %",
    ),
    "with its guid only": (
        replace(RAN, url="https://example.com/x", title=f"{TITLE}, explained", summary=""),
        "same guid in its feed",
    ),
}


@pytest.mark.parametrize(("again", "reason"), AGAIN.values(), ids=AGAIN)
def test_a_story_that_ran_is_held_with_its_issue(again: Item, reason: str) -> None:
    story = dedupe([again], history=Kept(remembered(RAN, issue=7)))[0]
    assert (story.ran_in, story.held) == (7, f"ran in #7: {reason}")


FOLLOW_UPS = {
    "another version": (released("2.4.1"), released("2.4.2")),
    "part two": (
        item("https://example.com/locks-part-1", "Locks from scratch - Part 1", TEXT),
        item("https://example.com/locks-part-2", "Locks from scratch - Part 2", TEXT),
    ),
    "next week's column": (
        item("https://example.com/five-great-jobs-178", "Five Great Lock Jobs in Europe", TEXT),
        item("https://example.com/five-great-jobs-179", "Five Great Lock Jobs in Europe", TEXT),
    ),
    "the same page, a version on": (
        item("https://example.com/changes", "Version 1.2 released"),
        item("https://example.com/changes", "Version 1.3 released", guid="2"),
    ),
}


@pytest.mark.parametrize(("ran", "next_one"), FOLLOW_UPS.values(), ids=FOLLOW_UPS)
def test_a_follow_up_is_not_held(ran: Item, next_one: Item) -> None:
    story = dedupe([next_one], history=Kept(remembered(ran, issue=7)))[0]
    assert (story.ran_in, story.held) == (None, "")


@pytest.mark.parametrize(("ran", "next_one"), DIFFERENT.values(), ids=DIFFERENT)
def test_history_holds_no_other_story(ran: Item, next_one: Item) -> None:
    assert not dedupe([next_one], history=Kept(remembered(ran, issue=7)))[0].held


@pytest.mark.parametrize(("ran", "again"), SAME.values(), ids=SAME)
def test_history_knows_again_what_would_have_merged(ran: Item, again: Item) -> None:
    assert dedupe([again], history=Kept(remembered(ran, issue=7)))[0].ran_in == 7


def test_what_looks_like_an_old_story_is_flagged_not_held() -> None:
    ran = remembered(item("https://a.example/x", "The lock"), issue=7)
    story = dedupe([item("https://b.example/y", "The lock", feed="B")], history=Kept(ran))[0]
    assert story.likely == ("looks like “The lock”, which ran in #7",)
    assert story.held == ""


def test_a_copy_of_an_old_story_holds_the_whole_story() -> None:
    fresh = item("https://other.example/registry", summary=TEXT, feed="B")
    story = dedupe([RAN, fresh], history=Kept(remembered(RAN, issue=7)))[0]
    assert (len(story.items), story.ran_in) == (2, 7)


def test_history_is_asked_once_however_many_items_come() -> None:
    kept = Kept(remembered(RAN, issue=7))
    dedupe([item(f"https://a.example/{n}", f"On {words(n)}") for n in range(50)], history=kept)
    assert kept.asked == 1


@pytest.mark.parametrize("again", [case for case, _ in AGAIN.values()], ids=AGAIN)
def test_keys_alone_know_most_stories_again(again: Item) -> None:
    assert dedupe([again], history=KeysOnly(7, RAN))[0].ran_in == 7


@pytest.mark.parametrize(
    ("ran", "next_one"), list(FOLLOW_UPS.values())[:3], ids=list(FOLLOW_UPS)[:3]
)
def test_keys_alone_hold_no_follow_up(ran: Item, next_one: Item) -> None:
    assert dedupe([next_one], history=KeysOnly(7, ran))[0].ran_in is None


def test_a_history_of_keys_is_no_recollection() -> None:
    assert isinstance(Kept(), Recollection)
    assert not isinstance(KeysOnly(1), Recollection)


# Archives that come round again.

ARCHIVE = [item(f"https://a.example/{words(n)}", f"Old story on {words(n)}") for n in range(20)]


def renumbered(told: Item) -> Item:
    return replace(told, guid=f"new:{told.guid}", published=WHEN + timedelta(days=30))


def test_an_archive_that_ran_is_one_line() -> None:
    kept = Kept(*(remembered(told, issue=3 + n % 4) for n, told in enumerate(ARCHIVE)))
    found = republished(dedupe(map(renumbered, ARCHIVE), history=kept))
    assert [line.sentence for line in found] == [
        "Some Feed handed out 20 old stories again, sent in #3 to #6; all are held back"
    ]


def test_an_archive_that_was_only_seen_is_noticed_too() -> None:
    found = republished(dedupe(map(renumbered, ARCHIVE)), earlier=ARCHIVE)
    assert [(line.feed, len(line.stories)) for line in found] == [("Some Feed", 20)]


def test_a_feed_with_news_is_no_archive() -> None:
    news = [item(f"https://a.example/new-{words(n)}", f"News on {words(n)}") for n in range(30)]
    assert republished(dedupe([*map(renumbered, ARCHIVE[:4]), *news]), earlier=ARCHIVE) == []


def test_a_past_issue_without_a_number_is_named_so() -> None:
    kept = Kept(*(remembered(told, issue=UNNUMBERED) for told in (RAN, *ARCHIVE)))
    story = dedupe([RAN], history=kept)[0]
    assert (story.ran_in, story.held) == (UNNUMBERED, "ran in a past issue: same address")
    found = republished(dedupe(map(renumbered, ARCHIVE), history=kept))
    assert [line.sentence for line in found] == [
        "Some Feed handed out 20 old stories again; all are held back"
    ]


def test_what_certainly_ran_is_told_the_newest_issue_first() -> None:
    other = remembered(item("https://a.example/x", "Another matter"), issue=9)
    past = [remembered(RAN, issue=3), other, remembered(RAN, issue=7)]
    assert [(ran.issue, because) for ran, because in ran_before(RAN, past)] == [
        (7, "same address"),
        (3, "same address"),
    ]


def test_only_feeds_with_many_stories_are_suspect() -> None:
    alone = item("https://b.example/x", "One of its kind", feed="B")
    told = suspects(dedupe([*ARCHIVE, alone]))
    assert {one.feed for one in told} == {"Some Feed"}
