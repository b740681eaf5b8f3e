from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.edit.issue_file import read, write
from flows.edit.redraft import add_new, add_sponsors, missing
from flows.models import Entry, Issue, Item, Link, Section, Story

PATH = Path("007.md")


def entry(name: str) -> Entry:
    return Entry(title=f"All about {name}", url=f"https://example.org/{name}", source="Blog")


def issue(*names: str, left_over: tuple[str, ...] = (), new: tuple[str, ...] = ()) -> Issue:
    return Issue(
        number=7,
        date=date(2026, 11, 30),
        subject="Weekly 7",
        sections=(Section(name="News", entries=tuple(map(entry, names))),),
        new=tuple(map(entry, new)),
        left_over=tuple(map(entry, left_over)),
    )


STANDING = [
    issue("one"),
    issue("one", left_over=("two",)),
    issue("one", new=("three",)),
    issue("one", new=("three",), left_over=("two",)),
]


@pytest.mark.parametrize("standing", STANDING)
def test_new_stories_go_under_their_own_heading(standing: Issue) -> None:
    text = add_new(write(standing), [entry("fresh")], path=PATH)
    again = read(text, path=PATH)
    assert again.new == (*standing.new, entry("fresh"))
    assert (again.sections, again.left_over) == (standing.sections, standing.left_over)


@pytest.mark.parametrize("standing", STANDING)
def test_not_a_line_of_the_file_is_changed(standing: Issue) -> None:
    before = write(standing).replace("All about one", "All  about *one*, rewritten   ")
    after = add_new(before, [entry("fresh")], path=PATH)
    kept = iter(after.split("\n"))
    assert all(line in kept for line in before.rstrip("\n").split("\n"))


@pytest.mark.parametrize(
    "heading",
    [
        "## New since the draft <!-- look again -->",
        "## New since the draft ##",
        "##   New  since the draft",
        "## NEW since the draft <!-- over\ntwo lines -->",
    ],
)
def test_a_heading_is_found_however_its_editor_spells_it(heading: str) -> None:
    standing = issue("one", new=("three",), left_over=("two",))
    text = write(standing).replace("## New since the draft", heading)
    after = add_new(text, [entry("fresh")], path=PATH)
    assert heading in after
    assert read(after, path=PATH).new == (entry("three"), entry("fresh"))


@pytest.mark.parametrize("name", ["Left over", "New since the draft", "People"])
def test_a_heading_in_a_comment_is_none(name: str) -> None:
    standing = issue("one", left_over=("two",))
    remark = f"<!-- ideas for next week\n## {name}\n-->"
    text = write(standing).replace("\n## ", f"\n{remark}\n\n## ", 1)
    for after in (
        add_new(text, [entry("fresh")], path=PATH),
        add_sponsors(text, [replace(entry("fresh"), sponsor="Tar & Co")], path=PATH),
    ):
        assert remark in after
        found = read(after, path=PATH)
        assert [one.title for one in (*found.entries, *found.new)].count("All about fresh") == 1
        assert found.left_over == standing.left_over


def test_without_new_stories_the_file_is_the_same() -> None:
    text = write(issue("one"))
    assert add_new(text, [], path=PATH) == text


def test_what_is_there_already_is_not_new_wherever_it_stands() -> None:
    standing = issue("one", left_over=("two",), new=("three",))
    assert missing(issue("one", "two", "three", "four"), standing) == [entry("four")]


def test_a_link_with_tracking_is_the_same_link() -> None:
    tracked = Entry(title="All about one", url="https://example.org/one?utm_source=x")
    fresh = Issue(
        number=7,
        date=date(2026, 11, 30),
        subject="s",
        sections=(Section(name="News", entries=(tracked,)),),
    )
    assert missing(fresh, issue("one")) == []


def test_of_a_group_only_the_new_links_are_new() -> None:
    links = tuple(
        Link(title=name, url=f"https://example.org/{name}")
        for name in ("one", "five", "six", "ten")
    )
    group = Entry(title="Short answers", source="Channel", links=links)
    fresh = Issue(
        number=7,
        date=date(2026, 11, 30),
        subject="s",
        sections=(Section(name="News", entries=(group,)),),
    )
    found = missing(fresh, issue("one"))
    assert [link.title for link in found[0].links] == ["five", "six", "ten"]


@pytest.mark.parametrize(
    ("title", "known", "found"),
    [
        ("Five short answers", "cd", [("Three short answers", "3 videos", "abe")]),
        ("Short videos from Kitchen", "cd", [("Short videos from Kitchen", "3 videos", "abe")]),
        ("Five short answers", "", [("Five short answers", "5 videos", "abcde")]),
        ("Five short answers", "cde", [("a", "video", ""), ("b", "video", "")]),
        ("Five short answers", "abcde", []),
    ],
)
def test_what_is_left_of_a_group_is_called_what_it_is(
    title: str, known: str, found: list[tuple[str, str, str]]
) -> None:
    links = tuple(Link(title=name, url=f"https://example.org/{name}") for name in "abcde")
    notes = ('check: "c": its title and text are about different things', "why: score 2")
    group = Entry(title=title, source="YouTube", detail="5 videos", links=links, notes=notes)
    fresh = replace(issue(), sections=(Section(name="Videos", entries=(group,)),))
    new = missing(fresh, issue(*known))
    told = [(one.title, one.detail, "".join(link.title for link in one.links)) for one in new]
    assert told == found
    assert all(one.notes == (notes if "c" not in known else notes[1:]) for one in new)


def test_of_two_videos_left_of_a_group_each_has_its_own_notes() -> None:
    links = tuple(Link(title=name, url=f"https://example.org/{name}") for name in "abc")
    group = Entry(title="Three short answers", links=links, notes=('check: "a": odd', "why: good"))
    fresh = replace(issue(), sections=(Section(name="Videos", entries=(group,)),))
    found = missing(fresh, issue("c"))
    assert [one.notes for one in found] == [('check: "a": odd', "why: good"), ("why: good",)]


def test_a_video_that_is_left_of_a_channels_group_names_the_channel() -> None:
    links = tuple(Link(title=name, url=f"https://example.org/{name}") for name in "abc")
    group = Entry(title="Short videos from Kitchen", source="YouTube", links=links)
    fresh = replace(issue(), sections=(Section(name="Videos", entries=(group,)),))
    assert [one.source for one in missing(fresh, issue("a", "b"))] == ["Kitchen"]


@pytest.mark.parametrize("place", ["intro", "blurb"])
def test_a_story_that_an_editor_links_in_words_is_there(place: str) -> None:
    words = "See [what they say](https://www.example.org/fresh/?utm_source=x) of it."
    standing = issue("one")
    if place == "intro":
        standing = replace(standing, intro=words)
    else:
        entries = (replace(standing.entries[0], blurb=words),)
        standing = replace(standing, sections=(Section(name="News", entries=entries),))
    assert [one.title for one in missing(issue("fresh", "other"), standing)] == ["All about other"]


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True))
def test_drafting_again_twice_adds_nothing_more(names: list[str]) -> None:
    standing = issue("one", left_over=("two",))
    once = add_new(write(standing), missing(issue("one", *names), standing), path=PATH)
    again = missing(issue("one", *names), read(once, path=PATH))
    assert add_new(once, again, path=PATH) == once


def test_what_was_there_and_was_not_listed_is_not_new() -> None:
    fresh = issue("one", "two", "three")
    items = [Item(feed="Blog", guid=one.url, url=one.url, title=one.title) for one in fresh.entries]
    found = missing(
        fresh,
        issue("one"),
        stories=[Story(lead=item) for item in items],
        was_there=lambda item: item.url.endswith("two"),
    )
    assert found == [entry("three")]


def test_a_story_that_another_item_leads_by_now_is_not_new() -> None:
    led, copy = (
        Item(feed="A", guid=name, url=f"https://example.org/{name}", title=name)
        for name in ("original", "one")
    )
    story = Story(lead=led, others=(copy,), reasons=("same title",))
    fresh = issue("original", "two")
    assert missing(fresh, issue("one"), stories=[story]) == [entry("two")]
    assert missing(fresh, issue("three"), stories=[story]) == [entry("original"), entry("two")]
