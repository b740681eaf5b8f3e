"""An issue for a few first: who gets it, that nobody gets it twice, and who must say go on."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from flows.models import IssueStatus, Outcome
from flows.pipeline.approval import approve_now
from flows.pipeline.stores import open_store
from flows.store import groups, issues
from flows.store.archive import published
from subscribers import store
from subscribers.store import labels
from tests.newsletters import STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path).write().tell(*STORIES).subscribe(5)
    tag(made, "reader1@example.com", "reader3@example.com")
    return made


def tag(newsletter: Newsletter, *keys: str, word: str = "team") -> None:
    with open_store(newsletter.settings) as engine:
        labels.tag_people(engine, keys, word)


def got(newsletter: Newsletter) -> list[str]:
    return sorted(
        message_from_bytes(path.read_bytes(), policy=default)["To"].addresses[0].addr_spec
        for path in newsletter.mails
    )


def status(newsletter: Newsletter) -> IssueStatus:
    with open_store(newsletter.settings) as engine:
        record = issues.find(engine, 1)
    assert record is not None
    return record.status


TEAM = ["reader1@example.com", "reader3@example.com"]
ALL = [f"reader{number}@example.com" for number in range(5)]


def test_a_few_get_it_and_the_others_wait_for_a_person(newsletter: Newsletter) -> None:
    verdict = newsletter.run(only="team")
    assert (verdict.verdict, verdict.accepted, verdict.intended) == (Outcome.SENT, 2, 2)
    assert verdict.reason == "handed over to outbox for 'team' alone; 3 others wait"
    assert verdict.next == "newsletter send 1"
    assert got(newsletter) == TEAM
    assert status(newsletter) is IssueStatus.APPROVED


@pytest.mark.parametrize("scheduled", [False, True])
def test_no_run_sends_it_on_by_itself(newsletter: Newsletter, *, scheduled: bool) -> None:
    newsletter.run(only="team")
    if scheduled:
        with open_store(newsletter.settings) as engine:
            record = issues.find(engine, 1)
        assert record is not None
        assert record.slot is not None
        newsletter.clock.now = record.slot
    verdict = newsletter.run(scheduled=scheduled)
    assert verdict.verdict is Outcome.HELD
    assert verdict.reason == "issue 1 went to 'team' alone"
    assert got(newsletter) == TEAM


def test_sent_on_it_reaches_everybody_once(newsletter: Newsletter) -> None:
    newsletter.run(only="team")
    before = {path: path.stat().st_mtime_ns for path in newsletter.mails}
    verdict = newsletter.send(1)
    assert (verdict.verdict, verdict.accepted) == (Outcome.SENT, 5)
    assert got(newsletter) == ALL
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert status(newsletter) is IssueStatus.SENT
    assert newsletter.run().reason == "already sent #1"


def test_a_correction_after_the_few_reaches_the_others(newsletter: Newsletter) -> None:
    newsletter.run(only="team")
    file = newsletter.folder / "issues" / "001.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("drain a node", "drain a NODE"), encoding="utf-8")
    newsletter.send(1)
    new = [path for path in newsletter.mails if b"drain a NODE" in path.read_bytes()]
    assert len(new) == 3
    assert got(newsletter) == ALL


def test_a_correction_wants_a_new_approval_where_that_is_required(tmp_path: Path) -> None:
    made = Newsletter(tmp_path).write(newsletter='approval = "required"').tell(*STORIES)
    made.subscribe(5)
    tag(made, *TEAM)
    made.run()
    approve(made)
    assert made.send(1, only="team").verdict is Outcome.SENT
    file = made.folder / "issues" / "001.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("drain a node", "drain a NODE"), encoding="utf-8")
    assert made.send(1).reason == "issue 1 was changed since its approval"
    file.write_text(text, encoding="utf-8")
    assert made.send(1).verdict is Outcome.SENT
    assert got(made) == ALL


def approve(newsletter: Newsletter) -> None:
    approve_now(newsletter.settings, 1, observer=newsletter.watcher)


def test_a_second_group_gets_it_and_the_first_not_again(newsletter: Newsletter) -> None:
    tag(newsletter, "reader0@example.com", "reader1@example.com", word="friends")
    newsletter.run(only="team")
    before = len(newsletter.mails)
    assert newsletter.send(1, only="friends").accepted == 3
    assert len(newsletter.mails) == before + 1


def test_a_group_that_is_everybody_has_the_whole_issue(newsletter: Newsletter) -> None:
    tag(newsletter, *ALL)
    newsletter.run(only="team")
    assert status(newsletter) is IssueStatus.SENT


def test_a_tag_nobody_has_sends_nothing(newsletter: Newsletter) -> None:
    verdict = newsletter.run(only="nobody")
    assert (verdict.verdict, verdict.reason) == (
        Outcome.HELD,
        "no active subscriber has the tag 'nobody'",
    )
    assert newsletter.mails == []


def test_what_goes_to_everybody_cannot_be_narrowed(newsletter: Newsletter) -> None:
    newsletter.watcher.stop_after = 0
    newsletter.run()
    assert status(newsletter) is IssueStatus.SENDING
    newsletter.watcher.stop_after = None
    verdict = newsletter.send(1, only="team")
    assert verdict.verdict is Outcome.FAILED
    assert "is on its way to everybody" in verdict.reason


def test_a_crash_in_a_group_never_becomes_an_issue_for_all(newsletter: Newsletter) -> None:
    newsletter.watcher.stop_after = 0
    newsletter.run(only="team")
    assert status(newsletter) is IssueStatus.SENDING
    newsletter.watcher.stop_after = None
    with open_store(newsletter.settings) as engine:
        assert published(engine, now=newsletter.clock()) == []
    # The next scheduled run finishes what was begun, and no more.
    newsletter.run(scheduled=True)
    assert got(newsletter) == TEAM
    assert status(newsletter) is IssueStatus.APPROVED


def test_what_goes_on_by_itself_goes_to_the_group_alone(newsletter: Newsletter) -> None:
    newsletter.watcher.stop_after = 0
    newsletter.run(only="team")
    newsletter.watcher.stop_after = None
    assert newsletter.send(1, resumed=True).verdict is Outcome.SENT
    assert got(newsletter) == TEAM
    assert status(newsletter) is IssueStatus.APPROVED
    assert newsletter.send(1, resumed=True).reason == "issue 1 is not being sent"
    assert got(newsletter) == TEAM


def test_what_was_planned_for_all_is_taken_back_before_a_group(newsletter: Newsletter) -> None:
    newsletter.run(only="team", dry_run=True)
    newsletter.run(only="team")
    with open_store(newsletter.settings) as engine:
        assert groups.left_out(engine, 1) == 3
        assert groups.aim(engine, 1, "team")
        assert store.count(engine)["active"] == 5


def test_a_dry_run_tells_how_many_a_group_has(newsletter: Newsletter) -> None:
    assert newsletter.run(only="team", dry_run=True).intended == 2
