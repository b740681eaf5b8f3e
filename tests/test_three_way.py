"""Drafting again by three texts: what we wrote, what it is now, what we would write."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.edit.issue_file import read, write
from flows.edit.redraft import PROGRAM_NOTE, Redraft, add_only, missing, redraft
from flows.edit.three_way import changes
from flows.errors import IssueError
from flows.models import Entry, Issue, Link, Section

PATH = Path("007.md")
WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=8)


def merged(now: list[str], wrote: list[str], would: list[str]) -> list[str]:
    lines = [*now]
    for change in changes(now, wrote=wrote, would=would):
        lines[change.first : change.last] = change.lines
    return lines


@pytest.mark.parametrize(
    ("now", "wrote", "would", "expected"),
    [
        ("abc", "abc", "aXc", "aXc"),
        ("abc", "abc", "ac", "ac"),
        ("abc", "abc", "abXc", "abXc"),
        ("abc", "abc", "Xabc", "Xabc"),
        ("abc", "abc", "abcX", "abcX"),
        ("aEc", "abc", "aXc", "aEc"),
        ("ac", "abc", "aXc", "ac"),
        ("abEc", "abc", "abXc", "abEc"),
        ("aEcd", "abcd", "aXcY", "aEcY"),
        ("EEE", "abc", "xyz", "EEE"),
    ],
)
def test_our_change_is_made_where_nobody_made_one(
    now: str, wrote: str, would: str, expected: str
) -> None:
    assert "".join(merged([*now], [*wrote], [*would])) == expected


@given(WORDS, WORDS, WORDS)
def test_no_edited_line_is_lost(now: list[str], wrote: list[str], would: list[str]) -> None:
    edited = [f"edited {line}" if number % 2 else line for number, line in enumerate(now)]
    kept = [line for line in merged(edited, wrote, would) if line.startswith("edited")]
    assert kept == [line for line in edited if line.startswith("edited")]


@given(WORDS, WORDS)
def test_an_unedited_text_becomes_what_we_would_write(wrote: list[str], would: list[str]) -> None:
    assert merged(wrote, wrote, would) == would


@given(WORDS, WORDS)
def test_what_we_would_write_again_changes_nothing(now: list[str], wrote: list[str]) -> None:
    assert merged(now, wrote, wrote) == now


def entry(name: str, *, blurb: str = "", notes: tuple[str, ...] = ()) -> Entry:
    return Entry(
        title=f"All about {name}",
        url=f"https://example.org/{name}",
        source="Blog",
        detail="3 min",
        blurb=blurb or f"What there is to say of {name} is said here.",
        notes=(*notes, f"why: Blog; score {len(blurb)}"),
    )


def issue(*entries: Entry, left_over: tuple[Entry, ...] = ()) -> Issue:
    titles = [one.title for one in entries]
    return Issue(
        number=7,
        date=date(2026, 11, 30),
        subject=f"Weekly 7: {titles[0]}" if titles else "Weekly 7",
        preheader=" · ".join(titles[1:]),
        sections=(Section(name="News", entries=entries),),
        left_over=left_over,
    )


def again(text: str, fresh: Issue, wrote: Issue | None, *, only_add: bool = False) -> Redraft:
    added = missing(fresh, read(text, path=PATH), wrote=wrote)
    if wrote is None or only_add:
        return add_only(text, fresh, path=PATH, wrote=wrote, added=added)
    return redraft(text, fresh, path=PATH, title="Weekly", wrote=wrote, added=added)


WROTE = issue(entry("ropes"), entry("knots"))
MENDED = "The publisher has mended this sentence since."
FRESH = issue(entry("ropes", blurb=MENDED), entry("knots"))


def test_spaces_at_the_end_of_a_line_are_an_edit() -> None:
    blurb = WROTE.entries[0].blurb
    text = write(WROTE).replace(blurb, f"{blurb}  ")
    assert again(text, FRESH, WROTE).text == text


def test_a_blurb_that_nobody_edited_is_brought_up_to_date() -> None:
    found = again(write(WROTE), FRESH, WROTE)
    assert read(found.text, path=PATH).entries[0].blurb == MENDED
    assert (found.added, found.updated) == (0, 1)


def test_what_the_editors_program_failed_at_stays_told() -> None:
    failed = f"{PROGRAM_NOTE}writer: it took longer than 2 s"
    wrote = issue(replace(entry("ropes"), notes=("why: Blog; score 3", failed)), entry("knots"))
    found = again(write(wrote), issue(entry("ropes"), entry("knots")), wrote)
    assert (found.text, found.updated) == (write(wrote), 0)
    mended = again(write(wrote), FRESH, wrote)
    kept = read(mended.text, path=PATH).entries[0]
    assert (kept.blurb, kept.notes[-1], mended.updated) == (MENDED, failed, 1)


def test_what_could_not_be_written_is_not_counted() -> None:
    text = write(WROTE).replace(WROTE.entries[0].blurb, "My own words.")
    assert again(text, FRESH, WROTE).updated == 0


def test_a_blurb_that_an_editor_rewrote_stays() -> None:
    text = write(WROTE).replace(WROTE.entries[0].blurb, "My own words.")
    assert again(text, FRESH, WROTE).text == text


def test_an_entry_that_an_editor_moved_is_still_brought_up_to_date() -> None:
    moved = issue(WROTE.entries[1], WROTE.entries[0])
    found = again(write(replace(moved, subject=WROTE.subject, preheader="")), FRESH, WROTE)
    assert [one.blurb for one in read(found.text, path=PATH).entries][1] == MENDED


def test_what_an_editor_took_out_does_not_come_back() -> None:
    text = write(replace(issue(WROTE.entries[1]), subject="Mine", preheader="Mine too"))
    found = again(text, issue(*FRESH.entries, entry("sails")), WROTE)
    assert [one.title for one in read(found.text, path=PATH).new] == ["All about sails"]
    assert again(found.text, FRESH, found.wrote).text == found.text


def test_a_new_score_alone_changes_no_line() -> None:
    rescored = replace(WROTE.entries[0], notes=("why: Blog; score 99",))
    text = write(WROTE)
    assert again(text, issue(rescored, WROTE.entries[1]), WROTE).text == text


def test_the_subject_follows_what_leads_the_file_now() -> None:
    text = write(replace(issue(WROTE.entries[1]), subject=WROTE.subject, preheader=WROTE.preheader))
    found = read(again(text, FRESH, WROTE).text, path=PATH)
    assert (found.subject, found.preheader) == ("Weekly 7: All about knots", "")


def test_a_subject_that_an_editor_wrote_stays() -> None:
    text = write(replace(issue(WROTE.entries[1]), subject="Knots!", preheader=WROTE.preheader))
    assert read(again(text, FRESH, WROTE).text, path=PATH).subject == "Knots!"


def test_the_subject_is_ours_where_only_the_preheader_is_an_editors() -> None:
    text = write(replace(issue(WROTE.entries[1]), subject=WROTE.subject, preheader="Read this"))
    found = read(again(text, FRESH, WROTE).text, path=PATH)
    assert (found.subject, found.preheader) == ("Weekly 7: All about knots", "Read this")


def test_of_an_approved_issue_nothing_that_is_sent_changes() -> None:
    fresh = issue(*FRESH.entries, entry("sails"))
    found = again(write(WROTE), fresh, WROTE, only_add=True)
    told = read(found.text, path=PATH)
    assert (told.subject, told.sections) == (WROTE.subject, WROTE.sections)
    assert [one.title for one in told.new] == ["All about sails"]


def test_without_knowing_what_we_wrote_nothing_that_stands_changes() -> None:
    text = write(WROTE)
    assert again(text, FRESH, None).text == text


def test_what_stands_left_over_keeps_its_reason() -> None:
    left = entry("ropes", notes=("left out: over the limit of 1 entry",))
    wrote = issue(entry("knots"), left_over=(left,))
    text = write(wrote)
    assert again(text, issue(entry("knots"), entry("ropes")), wrote).text == text


def test_a_group_stays_as_it_is() -> None:
    links = tuple(Link(title=name, url=f"https://example.org/{name}") for name in "abc")
    group = Entry(title="Short videos", source="Channel", detail="3 videos", links=links)
    text = write(wrote := issue(group))
    fresh = issue(replace(group, title="Others", links=links[:2]))
    assert read(again(text, fresh, wrote).text, path=PATH).sections == wrote.sections


def test_a_blurb_of_the_editors_program_is_not_replaced() -> None:
    drafted = replace(WROTE.entries[0], blurb="A program's words.", notes=("draft: by rope",))
    wrote = issue(drafted, WROTE.entries[1])
    assert again(write(wrote), FRESH, wrote).text == write(wrote)


def test_a_sponsor_booked_since_stands_above_all() -> None:
    sponsor = Entry(title="Buy", url="https://s.example/?utm_source=x", sponsor="S", blurb="Now.")
    fresh = replace(FRESH, sections=(Section(name="Sponsor", entries=(sponsor,)), *FRESH.sections))
    found = again(write(WROTE), fresh, WROTE)
    told = read(found.text, path=PATH)
    assert told.sections[0] == fresh.sections[0]
    assert told.subject == WROTE.subject
    assert (found.added, found.booked) == (0, 1)
    assert again(found.text, fresh, found.wrote).text == found.text


def test_the_ends_of_lines_stay_an_editors() -> None:
    text = write(WROTE).replace("\n", "\r\n")
    found = again(text, issue(*FRESH.entries, entry("sails")), WROTE).text
    assert MENDED in found
    assert "All about sails" in found
    assert found.count("\r\n") == found.count("\n")


def test_lines_that_end_in_a_lone_return_are_lines_too() -> None:
    text = write(WROTE).replace("\n", "\r")
    fresh = issue(*FRESH.entries, entry("sails"))
    for only_add in (False, True):
        found = again(text, fresh, WROTE, only_add=only_add).text
        told = read(found, path=PATH)
        assert [one.title for one in told.new] == ["All about sails"]
        assert (MENDED in found) is not only_add


def test_a_broken_file_is_told_and_left() -> None:
    with pytest.raises(IssueError, match="line 1"):
        again("no front matter", FRESH, WROTE)


EDITS = st.lists(
    st.tuples(st.sampled_from(["rewrite", "delete", "insert"]), st.integers(0, 40)),
    max_size=6,
)


@given(edits=EDITS, fresh_is_longer=st.booleans())
def test_whatever_is_edited_stays(*, edits: list[tuple[str, int]], fresh_is_longer: bool) -> None:
    lines = write(WROTE).split("\n")
    body = next(number for number, line in enumerate(lines) if line.startswith("## ")) + 1
    for number, (how, place) in enumerate(edits):
        line = body + place % (len(lines) - body)
        if how == "rewrite" and lines[line] and not lines[line].startswith(("[", "#")):
            lines[line] = f"My own sentence number {number}, said as I say it."
        elif how == "insert" and lines[line - 1]:
            lines.insert(line, f"<!-- my own note {number} -->")
        elif how == "delete" and lines[line].startswith("<!--"):
            del lines[line]
    text = "\n".join(lines)
    more = (entry("sails"),) if fresh_is_longer else ()
    try:
        read(text, path=PATH)
    except IssueError:
        return
    found = again(text, issue(*FRESH.entries, *more), WROTE).text.split("\n")
    assert [one for one in found if "my own" in one.lower()] == [
        one for one in lines if "my own" in one.lower()
    ]
