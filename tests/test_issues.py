from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from flows.errors import IssueState
from flows.models import IssueStatus
from flows.store import issues

if TYPE_CHECKING:
    from sqlalchemy import Engine

SLOT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 7, 8, 0, tzinfo=UTC)


@pytest.fixture
def engine(any_engine: Engine) -> Engine:
    return any_engine


def test_a_slot_has_one_issue_however_often_it_is_claimed(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = {
            record.number for record in pool.map(lambda _: issues.claim(engine, SLOT), range(16))
        }
    assert numbers == {1}


def test_the_next_slot_gets_the_next_number(engine: Engine) -> None:
    issues.claim(engine, SLOT)
    assert issues.claim(engine, LATER).number == 2


def test_additional_issues_leave_the_slots_alone(engine: Engine) -> None:
    extra = [issues.claim(engine, None).number, issues.claim(engine, None).number]
    assert extra == [1, 2]
    assert issues.find_slot(engine, SLOT) is None


def test_a_number_that_lies_on_disk_is_not_given_again(engine: Engine) -> None:
    assert issues.claim(engine, SLOT, at_least=42).number == 42


def test_a_released_issue_frees_slot_and_number(engine: Engine) -> None:
    issues.claim(engine, SLOT)
    assert issues.release(engine, 1)
    assert issues.claim(engine, LATER).number == 1


def test_an_approved_issue_is_not_released(engine: Engine, now: datetime) -> None:
    issues.claim(engine, SLOT)
    issues.approve(engine, 1, digest="a", now=now)
    assert not issues.release(engine, 1)


def test_sending_starts_only_with_the_mail_that_was_approved(engine: Engine, now: datetime) -> None:
    issues.claim(engine, SLOT)
    issues.approve(engine, 1, digest="approved", now=now)
    assert not issues.start_sending(engine, 1, subject="s", digest="edited")
    assert issues.start_sending(engine, 1, subject="s", digest="approved")


def test_a_time_to_send_stays_until_another_is_said(any_engine: Engine, now: datetime) -> None:
    def send_at() -> datetime | None:
        record = issues.find(any_engine, 1)
        assert record is not None
        return record.send_at

    issues.claim(any_engine, SLOT)
    issues.approve(any_engine, 1, digest="a", now=now)
    issues.start_sending(any_engine, 1, subject="s", digest="a", send_at=LATER)
    assert not issues.go_on_sending(any_engine, 1, before=IssueStatus.STOPPED, send_at=None)
    assert send_at() == LATER
    assert issues.go_on_sending(any_engine, 1, before=IssueStatus.SENDING, send_at=SLOT)
    assert send_at() == SLOT
    issues.advance(any_engine, 1, before=[IssueStatus.SENDING], after=IssueStatus.STOPPED)
    assert issues.reopen(any_engine, 1)
    assert send_at() is None


def test_an_issue_that_is_being_sent_cannot_be_approved(engine: Engine, now: datetime) -> None:
    issues.claim(engine, SLOT)
    issues.approve(engine, 1, digest="a", now=now)
    issues.start_sending(engine, 1, subject="s", digest="a")
    with pytest.raises(IssueState, match="being sent"):
        issues.approve(engine, 1, digest="b", now=now)


def test_the_first_cut_off_of_a_draft_stays(engine: Engine, now: datetime) -> None:
    issues.claim(engine, SLOT)
    issues.record_draft(engine, 1, subject="first", window_start=now, cutoff=SLOT)
    issues.record_draft(engine, 1, subject="second", window_start=now, cutoff=LATER)
    record = issues.find(engine, 1)
    assert record is not None
    assert (record.subject, record.cutoff) == ("first", SLOT)


def test_the_newest_open_issue_is_found_and_sent_ones_are_not(
    engine: Engine, now: datetime
) -> None:
    for slot in (SLOT, LATER):
        issues.claim(engine, slot)
    sent = issues.advance(
        engine, 2, before=[IssueStatus.DRAFT], after=IssueStatus.SENT, sent_at=now
    )
    newest, last = issues.newest_open(engine), issues.last_sent(engine)
    assert sent
    assert newest is not None
    assert newest.number == 1
    assert last is not None
    assert (last.number, last.sent_at) == (2, now)
