"""What the schedule's run of `draft` does ahead of the slot, and whom it leaves alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flows.models import Outcome, Verdict
from flows.pipeline import approval
from flows.pipeline.asking import draft_for_approval, page
from flows.pipeline.chronicle import tell
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

WAITS = 'approval = "required"\neditor = "Ed <ed@harbour.example.com>"'


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write(newsletter=WAITS).tell(*STORIES).subscribe(2)


def drafted(newsletter: Newsletter) -> tuple[Verdict, str]:
    settings, now = newsletter.settings, newsletter.clock()
    verdict = draft_for_approval(settings, observer=newsletter.watcher, as_of=now)
    return verdict, page(settings, verdict)


def gathered(newsletter: Newsletter) -> Newsletter:
    newsletter.run(dry_run=True)
    return newsletter


def test_the_page_says_where_the_draft_is_what_was_found_and_what_to_type(
    newsletter: Newsletter,
) -> None:
    verdict, shown = drafted(gathered(newsletter))
    assert (verdict.verdict, verdict.issue) == (Outcome.HELD, 1)
    assert "# Issue 1 waits for approval" in shown
    assert "Its slot is 2026-11-30 08:00 UTC." in shown
    assert "newsletter preview 1" in shown
    assert (newsletter.folder / "issues" / "001.md").as_uri() in shown


def test_a_week_with_too_little_is_skipped_with_its_reason(newsletter: Newsletter) -> None:
    verdict, shown = drafted(gathered(newsletter.tell(STORIES[0])))
    assert (verdict.verdict, shown) == (Outcome.SKIPPED, "")
    assert "fewer than min_entries = 3" in verdict.reason


def test_a_slot_whose_issue_went_out_early_wants_no_draft_and_nobody_is_told(
    newsletter: Newsletter,
) -> None:
    newsletter.write().run()
    newsletter.write(newsletter=WAITS)
    verdict, shown = drafted(newsletter)
    assert (verdict.verdict, verdict.reason) == (Outcome.SKIPPED, "already sent #1")
    assert shown == ""
    assert not tell(newsletter.settings, verdict)


def test_what_was_approved_early_is_left_as_it_was_approved(newsletter: Newsletter) -> None:
    drafted(gathered(newsletter))
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    file = newsletter.folder / "issues" / "001.md"
    approved = file.read_bytes()
    newsletter.tell(*STORIES, ("A late one", "It came after the approval, as they do."))
    newsletter.clock.go_on(timedelta(hours=2))
    verdict, _ = drafted(gathered(newsletter))
    assert (verdict.verdict, verdict.issue) == (Outcome.SKIPPED, 1)
    assert "approved" in verdict.reason
    assert file.read_bytes() == approved
    newsletter.clock.now = NOW.replace(day=30, hour=8)
    assert newsletter.run(scheduled=True).verdict is Outcome.SENT
