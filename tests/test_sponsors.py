"""Sponsors' slots: booked by date, verbatim, marked, and never left empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.edit.issue_file import read, write
from flows.edit.sponsors import Booking, booked, findings, unfit
from flows.errors import CheckFailed
from flows.models import Entry, Issue, Outcome, Section
from flows.pipeline import approval, desk
from flows.pipeline.gathering import gather_items, gather_now
from flows.pipeline.pointing import Lines
from flows.pipeline.stores import open_store
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = date(2026, 11, 30)
URL = "https://ropes.example.com/?utm_source=harbour&utm_campaign=a_b"
BOOKING = Booking(
    day=DAY, name="Ropes & Co", title="Buy *dry* ropes", url=URL, text="They **hold**."
)
MOVED = replace(BOOKING, day=date(2026, 12, 7))
STORY = Entry(title="A story", url="https://harbour.example/1", source="Blog")
ISSUE = Issue(
    number=7, date=DAY, subject="Weekly 7", sections=(Section(name="News", entries=(STORY,)),)
)
BOOKED = """
[[sponsors]]
date = 2026-11-30
name = "Ropes & Co"
"""
COPY = f"""\
title = "Buy dry ropes"
url = "{URL}"
text = "They hold when nothing else does."
"""


def test_a_booked_slot_stands_above_all_and_is_verbatim_in_the_file() -> None:
    text = write(booked(ISSUE, [BOOKING]))
    told = read(text, path=Path("007.md"))
    assert told.sections[0].name == "Sponsor"
    assert told.sections[0].entries == (
        Entry(title="Buy *dry* ropes", url=URL, sponsor="Ropes & Co", blurb="They **hold**."),
    )
    assert f"]({URL})\nSponsored · Ropes & Co\nThey **hold**.\n" in text


@pytest.mark.parametrize(
    "text",
    [
        "Type `<!--` to begin a comment.",
        "We wrap <!-- this --> in code.",
        "- dry\n- cheap",
        "They hold:\n- dry\n- wet",
        "1. Buy.\n2. Tie.",
        "One paragraph.\n\nAnother one.",
        "# Ropes",
        "They hold.\n##Really",
        "Ropes\n-----",
        "<<<<<<< ours",
        "> They hold.",
        "[Buy](https://ropes.example/dry ropes)",
    ],
)
def test_a_text_that_would_not_go_out_as_it_is_is_told(text: str) -> None:
    assert unfit(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "They **hold**, says [Ada](https://ropes.example/ada).",
        "\n  They hold\n  when nothing else does.\n",
        "[Buy dry ropes](https://ropes.example/?a=b&c=d)",
        "*Ropes* · 5 metres",
        "No.\n#1 of all ropes: `rope -x <file>`, a*b, 1. and 2.",
        "Begin a comment with \\<!--.",
        "सूखी रस्सियाँ।",
    ],
)
def test_a_text_of_one_paragraph_goes_out_as_it_is(text: str) -> None:
    assert unfit(text) == ""
    booking = replace(BOOKING, text=text or "-")
    issue = read(write(booked(ISSUE, [booking])), path=Path("007.md"))
    assert findings(issue, [booking]) == []


def test_a_slot_of_another_day_is_not_this_issues() -> None:
    assert booked(ISSUE, [MOVED]) == ISSUE
    assert findings(ISSUE, [MOVED]) == []


def edited(change: Callable[[Entry], Entry]) -> Issue:
    issue = booked(ISSUE, [BOOKING])
    [entry] = issue.sections[0].entries
    return replace(issue, sections=(Section(name="Sponsor", entries=(change(entry),)),))


@pytest.mark.parametrize(
    ("issue", "severity", "says"),
    [
        (ISSUE, "error", "no entry of the issue is theirs"),
        (edited(lambda one: replace(one, url="")), "error", "has no link yet"),
        (edited(lambda one: replace(one, blurb="")), "error", "has no text yet"),
        (edited(lambda one: replace(one, url="https://a.example")), "warn", "not what was booked"),
        (edited(lambda one: replace(one, blurb="Mine.")), "warn", "not what was booked"),
        (edited(lambda one: replace(one, title="Mine")), "warn", "not what was booked"),
    ],
)
def test_an_empty_slot_is_an_error_and_a_changed_one_a_warning(
    issue: Issue, severity: str, says: str
) -> None:
    [finding] = findings(issue, [BOOKING])
    assert (finding.severity, says in finding.message) == (severity, True)


def test_a_slot_as_booked_is_fine() -> None:
    assert findings(booked(ISSUE, [BOOKING]), [BOOKING]) == []


@pytest.mark.parametrize(
    ("bookings", "says"),
    [
        ([replace(MOVED, name="Tar Ltd")], "nobody booked a slot for 2026-11-30 as Ropes & Co"),
        ([MOVED], "as Ropes & Co, whose nearest one is for 2026-12-07"),
        ([MOVED, replace(MOVED, day=date(2026, 11, 9))], "for 2026-12-07"),
    ],
    ids=["cancelled", "moved", "moved among others"],
)
def test_an_ad_that_nobody_booked_for_the_day_is_told(bookings: list[Booking], says: str) -> None:
    [finding] = findings(booked(ISSUE, [BOOKING]), bookings)
    assert (finding.rule, finding.severity) == ("sponsor.unbooked", "warn")
    assert finding.message.endswith(says)


def test_an_ad_written_by_hand_is_nobodys_business_where_no_slots_are_booked() -> None:
    assert findings(booked(ISSUE, [BOOKING]), []) == []


def test_an_ad_that_the_draft_had_is_told_when_its_only_booking_is_gone() -> None:
    wrote = booked(ISSUE, [BOOKING])
    for bookings in ([], [MOVED], [replace(MOVED, name="Tar Ltd")]):
        [finding] = findings(wrote, bookings, wrote=wrote)
        assert (finding.rule, finding.severity) == ("sponsor.unbooked", "error")
    assert findings(ISSUE, [], wrote=wrote) == []
    changed = edited(lambda one: replace(one, blurb="Mine."))
    for bookings in ([], [MOVED]):
        [finding] = findings(changed, bookings, wrote=wrote)
        assert (finding.rule, finding.severity) == ("sponsor.unbooked", "warn")


def test_an_ad_without_link_and_text_blocks_whoever_wrote_it() -> None:
    bare = edited(lambda one: replace(one, url="", blurb=""))
    [finding] = findings(bare, [])
    assert (finding.rule, finding.severity) == ("sponsor.empty", "error")
    assert findings(edited(lambda one: replace(one, url="")), []) == []


def test_a_week_that_is_skipped_says_whose_slot_was_in_it(newsletter: Newsletter) -> None:
    newsletter.tell(STORIES[0])
    book(newsletter, BOOKED + COPY)
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert verdict.reason.endswith("; Ropes & Co booked a slot in it")


def test_the_ad_of_a_sponsor_who_was_renamed_is_told_beside_the_new_one() -> None:
    renamed = replace(BOOKING, name="Ropes & Co Inc")
    issue = booked(ISSUE, [BOOKING, renamed])
    [finding] = findings(issue, [renamed])
    assert (finding.rule, finding.message[-10:]) == ("sponsor.unbooked", "Ropes & Co")
    [finding] = findings(issue, [BOOKING])
    text = write(issue)
    [pointed] = Lines(text, path=Path("001.md")).point([finding])
    assert Lines(text, path=Path("001.md")).shown(pointed.line) == "Sponsored · Ropes & Co Inc"


def test_a_slot_without_copy_can_be_read_back_and_says_what_is_missing() -> None:
    bare = Booking(day=DAY, name="Ropes & Co")
    issue = booked(ISSUE, [bare])
    assert read(write(issue), path=Path("007.md")) == issue
    assert "write the link and the text" in issue.entries[0].notes[0]


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path).write().tell(*STORIES).subscribe(1)
    return book(made, BOOKED)


def book(newsletter: Newsletter, text: str, *, newsletter_lines: str = "") -> Newsletter:
    newsletter.write(newsletter=newsletter_lines)
    file = newsletter.folder / "newsletter.toml"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    return newsletter


def draft(newsletter: Newsletter, text: str, *, newsletter_lines: str = "") -> Path:
    """Book, gather and draft; returns the issue's file."""
    book(newsletter, text, newsletter_lines=newsletter_lines)
    with open_store(newsletter.settings) as engine:
        gather_items(newsletter.settings, engine, now=NOW, observer=newsletter.watcher)
    desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    return newsletter.folder / "issues" / "001.md"


def test_an_empty_booked_slot_blocks_approval_and_sending(newsletter: Newsletter) -> None:
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.FAILED
    assert "Ropes & Co booked a slot for 2026-11-30" in verdict.reason
    with pytest.raises(CheckFailed, match="has no link yet"):
        approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    assert newsletter.mails == []


def test_copy_that_comes_later_is_taken_from_the_settings(newsletter: Newsletter) -> None:
    newsletter.run()
    book(newsletter, BOOKED + COPY)
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert drafted.issue.sections[0].entries == (
        Entry(
            title="Buy dry ropes",
            url=URL,
            sponsor="Ropes & Co",
            blurb="They hold when nothing else does.",
        ),
    )
    assert newsletter.run().verdict is Outcome.SENT
    assert "Sponsored" in newsletter.mails[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("is_void", [False, True])
def test_a_slot_that_is_booked_after_the_approval_comes_once_that_is_void(
    newsletter: Newsletter, *, is_void: bool
) -> None:
    newsletter.write()
    gather_now(newsletter.settings, observer=newsletter.watcher)
    desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    file = newsletter.folder / "issues" / "001.md"
    if is_void:
        file.write_text(file.read_text("utf-8").replace(STORIES[0][1], "My own."), "utf-8")
    book(newsletter, BOOKED + COPY)
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert ("Sponsored · Ropes & Co" in file.read_text("utf-8"), drafted.approved) == (
        is_void,
        not is_void,
    )


@pytest.mark.parametrize(
    ("change", "stands"),
    [
        (('name = "Ropes & Co"', 'name = "Tar Ltd"'), ["Tar Ltd"]),
        (("date = 2026-11-30", "date = 2026-12-07"), []),
        (None, []),
    ],
    ids=["renamed", "moved", "cancelled"],
)
def test_an_ad_that_is_booked_no_more_leaves_the_draft_and_is_not_sent_before(
    newsletter: Newsletter, change: tuple[str, str] | None, stands: list[str]
) -> None:
    text = BOOKED + COPY
    file = draft(newsletter, text)
    assert change is None or change[0] in text
    book(newsletter, text.replace(*change) if change else "")
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.FAILED
    assert "as Ropes & Co" in verdict.reason
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert [one.sponsor for one in drafted.issue.entries if one.sponsor] == stands
    assert ("## Sponsor" in file.read_text(encoding="utf-8")) == bool(stands)
    book(newsletter, text)
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert [one.sponsor for one in drafted.issue.entries if one.sponsor] == ["Ropes & Co"]


@pytest.mark.parametrize("first", ["date", "booking"])
def test_an_issue_that_is_put_off_has_the_ads_of_its_new_day(
    newsletter: Newsletter, first: str
) -> None:
    file = draft(newsletter, BOOKED + COPY)
    for change in (first, "booking" if first == "date" else "date"):
        if change == "date":
            text = file.read_text(encoding="utf-8").replace("2026-11-30", "2026-12-01")
            file.write_text(text, encoding="utf-8")
        else:
            book(newsletter, (BOOKED + COPY).replace("2026-11-30", "2026-12-01"))
        _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
        sponsors = [one.sponsor for one in drafted.issue.entries if one.sponsor]
        assert sponsors == ([] if change == first else ["Ropes & Co"])
    assert newsletter.run().verdict is Outcome.SENT


def test_a_day_that_an_issue_is_put_off_to_gives_it_no_ad_of_its_own(
    newsletter: Newsletter,
) -> None:
    later = (BOOKED + COPY).replace("2026-11-30", "2026-12-07").replace("hold when", "rot when")
    later += BOOKED.replace("2026-11-30", "2026-12-07").replace("Ropes & Co", "Tar Ltd")
    file = draft(newsletter, BOOKED + COPY + later)
    text = file.read_text(encoding="utf-8").replace("2026-11-30", "2026-12-07")
    file.write_text(text, encoding="utf-8")
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    [entry] = [one for one in drafted.issue.entries if one.sponsor]
    assert entry.blurb == "They hold when nothing else does."
    assert "Tar Ltd booked a slot for 2026-12-07, and no entry" in newsletter.run().reason


@pytest.mark.parametrize("edit", ["", "Ropes that hold."], ids=["as approved", "edited since"])
def test_what_an_editor_approved_is_sent_though_its_slot_was_cancelled_later(
    newsletter: Newsletter, edit: str
) -> None:
    file = draft(newsletter, BOOKED + COPY, newsletter_lines='approval = "required"')
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(STORIES[0][1], edit or STORIES[0][1]), encoding="utf-8")
    book(newsletter, "", newsletter_lines='approval = "required"')
    assert newsletter.run().verdict is (Outcome.FAILED if edit else Outcome.SENT)


def test_a_runs_own_approval_does_not_send_an_ad_whose_slot_was_cancelled(
    newsletter: Newsletter,
) -> None:
    file = draft(newsletter, BOOKED + COPY)
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("Sponsored · Ropes & Co\n", "Sponsored · Ropes & Co\n<!-- paid -->\n")
    )
    book(newsletter, "")
    assert newsletter.run().verdict is Outcome.FAILED


def test_a_dry_run_says_that_an_ad_which_is_booked_no_more_blocks(newsletter: Newsletter) -> None:
    draft(newsletter, BOOKED + COPY)
    book(newsletter, "")
    assert "would block issue 1: nobody booked" in newsletter.run(dry_run=True).reason


def test_an_ad_that_somebody_changed_stays_when_it_is_booked_no_more(
    newsletter: Newsletter,
) -> None:
    file = draft(newsletter, BOOKED + COPY)
    text = file.read_text(encoding="utf-8").replace("They hold when", "Ropes hold when")
    file.write_text(text, encoding="utf-8")
    book(newsletter, "")
    desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert file.read_text(encoding="utf-8") == text


def test_a_sponsor_is_no_story(newsletter: Newsletter) -> None:
    book(newsletter, BOOKED + COPY)
    newsletter.tell(*STORIES[:2])
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert "only 2 of 2 stories" in verdict.reason
