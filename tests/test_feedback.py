"""What SendGrid tells after a hand-over: doubts are settled, people are left alone."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event as on

from flows.deliver.events import read_events
from flows.models import Counts, DeliveryState, Receipt, WaveStatus
from flows.pipeline.feedback import Heeded, heed_events
from flows.store.feedback import reader_of
from flows.store.ledger import SqlLedger
from flows.store.records import load_batches
from subscribers import store
from subscribers.consent import agreement
from subscribers.models import SuppressionReason
from tests.people import ISSUE, NOW, add_people, email, link, start_issue
from tests.signing import body_of, event

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.models import Batch


def told(engine: Engine, *events: dict[str, Any], soft_bounces: int = 3) -> Heeded:
    found = read_events(body_of(*events))
    return heed_events(engine, found, soft_bounces=soft_bounces, now=NOW)


def ours(name: str, who: int, batch: Batch, **more: Any) -> dict[str, Any]:
    arguments = {"np_issue": str(ISSUE), "np_batch": str(batch.id), "np_rcpt": str(who)}
    return event(name, email(who), NOW, sg_message_id="abc.recvd-1-0.0", **arguments, **more)


def in_doubt(engine: Engine, count: int = 10) -> Batch:
    """Return a batch whose answer never came."""
    start_issue(engine)
    add_people(engine, count)
    ledger = SqlLedger(engine, ISSUE)
    ledger.plan()
    batch = ledger.claim(count, now=NOW, link=link)
    assert batch is not None
    reasons = {one.subscriber_id: "no answer" for one in batch.recipients}
    ledger.record(batch, Receipt(in_doubt=reasons), now=NOW)
    return batch


def counts(engine: Engine) -> Counts:
    return SqlLedger(engine, ISSUE).counts()


def suppressed(engine: Engine, who: int) -> SuppressionReason | None:
    found = store.suppressed(engine, email(who))
    return found.reason if found else None


# --- doubts ---


def test_a_doubtful_batch_has_a_reader_to_ask_for(any_engine: Engine) -> None:
    batch = in_doubt(any_engine, 1)
    assert reader_of(any_engine, batch.id) == email(1)
    told(any_engine, ours("processed", 1, batch))
    assert reader_of(any_engine, batch.id) is None


def test_one_readers_event_settles_the_whole_request(any_engine: Engine) -> None:
    batch = in_doubt(any_engine)
    assert told(any_engine, ours("processed", 4, batch)).settled == 10
    assert counts(any_engine) == Counts(accepted=10)
    [record] = load_batches(any_engine, ISSUE)
    assert (record.status, record.provider_id) == ("accepted", "abc")


def test_the_same_event_again_settles_nothing(engine: Engine) -> None:
    batch = in_doubt(engine)
    told(engine, ours("processed", 4, batch))
    assert told(engine, ours("processed", 4, batch), ours("delivered", 5, batch)) == Heeded()


def test_the_event_of_a_process_that_died_before_its_answer_settles_it(engine: Engine) -> None:
    start_issue(engine)
    add_people(engine, 5)
    ledger = SqlLedger(engine, ISSUE)
    ledger.plan()
    batch = ledger.claim(5, now=NOW, link=link)
    assert batch is not None
    assert told(engine, ours("delivered", 1, batch)).settled == 5
    # An answer that comes after all changes nothing.
    ledger.record(batch, Receipt(provider_id="xyz"), now=NOW)
    assert counts(engine) == Counts(accepted=5)


@pytest.mark.parametrize(
    "changed",
    [
        {"np_issue": "41"},
        {"np_batch": "999"},
        {"np_rcpt": "11"},
        {"np_rcpt": "5"},
        {"email": "stranger@example.org"},
    ],
)
def test_another_newsletter_on_the_same_account_settles_nothing_here(
    engine: Engine, changed: dict[str, str]
) -> None:
    batch = in_doubt(engine)
    assert told(engine, ours("processed", 4, batch) | changed) == Heeded()
    assert counts(engine) == Counts(in_doubt=10)


@pytest.mark.parametrize("number", ["2147483648", "99999999999", 10**14])
def test_numbers_that_no_database_has_stand_in_no_other_events_way(
    any_engine: Engine, number: object
) -> None:
    """Whoever else mails by the same account may have arguments of the same names."""
    batch = in_doubt(any_engine)
    strange = {"np_issue": number, "np_batch": number, "np_rcpt": number}
    heeded = told(
        any_engine,
        event("delivered", email(1), NOW, **strange),
        event("bounce", email(2), NOW, type="blocked", **strange),
        event("unsubscribe", email(3), NOW, **strange),
        ours("delivered", 4, batch),
    )
    assert (heeded.settled, heeded.soft, heeded.left) == (10, 1, 1)


def test_what_sendgrid_dropped_proves_nothing(engine: Engine) -> None:
    batch = in_doubt(engine)
    assert told(engine, ours("dropped", 4, batch)).settled == 0


def test_mail_of_a_cancelled_wave_stays_cancelled(engine: Engine) -> None:
    start_issue(engine)
    add_people(engine, 5)
    ledger = SqlLedger(engine, ISSUE)
    ledger.plan()
    wave = ledger.open_wave("b1", number=1, capacity=1, send_at=NOW, now=NOW)
    assert wave is not None
    batch = ledger.claim(5, now=NOW, link=link, wave=wave)
    assert batch is not None
    ledger.move_wave(wave, WaveStatus.CANCELLING, because="doubt")
    ledger.end_wave(wave, after=DeliveryState.PLANNED)
    assert told(engine, ours("processed", 1, batch)).settled == 0
    assert counts(engine) == Counts(planned=5)


# --- people ---


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("bounce", {"type": "bounce"}, SuppressionReason.BOUNCE),
        ("dropped", {"reason": "Bounced Address"}, SuppressionReason.BOUNCE),
        ("dropped", {"reason": "Invalid"}, SuppressionReason.INVALID),
        ("spamreport", {}, SuppressionReason.COMPLAINT),
        ("bounce", {"type": "blocked"}, None),
        ("delivered", {}, None),
    ],
)
def test_whom_mail_cannot_reach_is_suppressed(
    any_engine: Engine, name: str, more: dict[str, str], reason: SuppressionReason | None
) -> None:
    add_people(any_engine, 2)
    heeded = told(any_engine, event(name, email(1).upper(), NOW, **more))
    assert suppressed(any_engine, 1) is reason
    assert suppressed(any_engine, 2) is None
    assert heeded.suppressed == bool(reason)


def test_the_suppressed_are_left_out_from_the_next_issue_on(engine: Engine) -> None:
    start_issue(engine)
    add_people(engine, 3)
    told(engine, event("bounce", email(2), NOW, type="bounce", reason="550 no such user"))
    assert SqlLedger(engine, ISSUE).plan() == 2


def test_a_complaint_outweighs_a_bounce_in_any_order(engine: Engine) -> None:
    add_people(engine, 2)
    bounce = [event("bounce", email(who), NOW) for who in (1, 2)]
    complaint = [event("spamreport", email(who), NOW) for who in (1, 2)]
    told(engine, bounce[0], complaint[0])
    told(engine, complaint[1])
    told(engine, bounce[1])
    assert suppressed(engine, 1) is suppressed(engine, 2) is SuppressionReason.COMPLAINT


def test_nothing_is_kept_of_strangers_and_of_the_forgotten(engine: Engine) -> None:
    add_people(engine, 1)
    store.forget(engine, email(1), now=NOW)
    heeded = told(
        engine,
        event("bounce", email(1), NOW),
        event("spamreport", "stranger@example.org", NOW),
        event("bounce", "\ud800\x00", NOW),
    )
    assert heeded == Heeded(unknown=3)
    assert suppressed(engine, 1) is SuppressionReason.FORGOTTEN
    assert store.suppressed(engine, "stranger@example.org") is None


def test_who_left_at_the_provider_is_let_go(any_engine: Engine) -> None:
    add_people(any_engine, 1)
    left = event("unsubscribe", email(1), NOW, np_issue="42")
    assert told(any_engine, left).left == 1
    assert told(any_engine, left).left == 0
    person = store.find(any_engine, email(1))
    assert person is not None
    assert person.status == "unsubscribed"
    assert store.records(any_engine, 1)[-1].issue == 42


def test_those_who_left_together_are_let_go_together(engine: Engine) -> None:
    add_people(engine, 300)
    commits: list[object] = []
    on.listen(engine, "commit", commits.append)
    left = [event("unsubscribe", email(who), NOW) for who in (*range(1, 301), 1)]
    assert told(engine, *left).left == 300
    assert store.count(engine)["unsubscribed"] == 300
    assert len(commits) < 10
    assert told(engine, *left).left == 0


def test_who_agreed_again_since_they_left_stays(engine: Engine) -> None:
    add_people(engine, 1)
    told(engine, event("unsubscribe", email(1), NOW))
    agreed = agreement("asked again", source="mail")
    store.take_back(engine, 1, agreement=agreed, now=NOW + timedelta(days=1))
    assert told(engine, event("unsubscribe", email(1), NOW)).left == 0
    assert told(engine, event("unsubscribe", email(1), NOW + timedelta(days=2))).left == 1


# --- soft bounces ---


def sent_issues(engine: Engine, *numbers: int, people: int = 2) -> None:
    add_people(engine, people)
    for number in numbers:
        start_issue(engine, number)
        ledger = SqlLedger(engine, number)
        ledger.plan()
        batch = ledger.claim(people, now=NOW + timedelta(weeks=number), link=link)
        assert batch is not None
        ledger.record(batch, Receipt(), now=NOW)


def blocked(number: int, who: int = 1) -> dict[str, Any]:
    return event("bounce", email(who), NOW, type="blocked", np_issue=str(number))


def test_soft_bounces_of_so_many_issues_in_a_row_suppress(any_engine: Engine) -> None:
    sent_issues(any_engine, 1, 2, 3)
    told(any_engine, blocked(1), blocked(2), blocked(2), blocked(2))
    assert suppressed(any_engine, 1) is None
    heeded = told(any_engine, blocked(3), blocked(3, who=2))
    assert (heeded.suppressed, heeded.soft) == (1, 2)
    assert suppressed(any_engine, 1) is SuppressionReason.BOUNCE
    assert suppressed(any_engine, 2) is None


def test_an_issue_that_got_through_breaks_the_row(engine: Engine) -> None:
    sent_issues(engine, 1, 2, 3, 4)
    told(engine, blocked(1), blocked(2), blocked(4))
    assert suppressed(engine, 1) is None


def test_a_setting_of_none_suppresses_nobody_for_soft_bounces(engine: Engine) -> None:
    sent_issues(engine, 1, 2, 3)
    told(engine, blocked(1), blocked(2), blocked(3), soft_bounces=0)
    assert suppressed(engine, 1) is None


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_events_does_not_matter(engine: Engine, order: tuple[int, ...]) -> None:
    sent_issues(engine, 1, 2, 3)
    events = [blocked(1), blocked(2), blocked(3), event("bounce", email(2), NOW)]
    for place in order:
        told(engine, events[place], events[place])
    assert [suppressed(engine, who) for who in (1, 2)] == [SuppressionReason.BOUNCE] * 2
