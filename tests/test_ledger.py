from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, select, update

from flows.models import Batch, Counts, DeliveryState, IssueStatus, Receipt, WaveStatus
from flows.store import records
from flows.store.feedback import issue_at
from flows.store.ledger import SqlLedger
from flows.store.overview import doubts
from flows.store.owner import this_process
from flows.store.records import load_batches, load_deliveries
from flows.store.schema import batches, deliveries, issues
from flows.store.shares import deliveries_of, erase_words
from subscribers.schema import subscribers, suppressions
from tests.people import ISSUE, NOW, add_people, email, link, start_issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def ledger(any_engine: Engine) -> SqlLedger:
    return SqlLedger(any_engine, start_issue(any_engine))


def claim(ledger: SqlLedger, size: int = 1000) -> Batch:
    batch = ledger.claim(size, now=NOW, link=link)
    assert batch is not None
    return batch


def ids(batch: Batch) -> list[int]:
    return [person.subscriber_id for person in batch.recipients]


def dead_owner() -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from flows.store.owner import this_process as t; print(t())"],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_everybody_active_and_unsuppressed_is_planned(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 5)
    with any_engine.begin() as connection:
        connection.execute(
            update(subscribers).where(subscribers.c.id == 2).values(status="unsubscribed")
        )
        connection.execute(
            insert(suppressions).values(key=email(3), reason="bounce", at=NOW, detail="")
        )
    assert ledger.plan() == 3
    assert ledger.counts() == Counts(planned=3)
    assert ids(claim(ledger)) == [1, 4, 5]


def test_planning_again_adds_only_who_is_new(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 3)
    ledger.plan()
    claim(ledger)
    add_people(any_engine, 1, first=4)
    assert ledger.plan() == 1
    assert ledger.counts() == Counts(handed_over=3, planned=1)


def test_a_claimed_batch_is_committed_as_handed_over(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 3)
    ledger.plan()
    batch = claim(ledger, size=2)
    assert ids(batch) == [1, 2]
    assert batch.recipients[0].unsubscribe_url == link(1)
    assert batch.recipients[0].email == email(1)
    assert SqlLedger(any_engine, ISSUE).counts() == Counts(handed_over=2, planned=1)


def test_nobody_is_claimed_twice(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 5)
    ledger.plan()
    other = SqlLedger(any_engine, ISSUE, owner="other:1:1")
    taken = [*ids(claim(ledger, 2)), *ids(claim(other, 2)), *ids(claim(ledger, 2))]
    assert sorted(taken) == [1, 2, 3, 4, 5]
    assert other.claim(2, now=NOW, link=link) is None


@pytest.mark.postgres
def test_a_row_that_another_claim_holds_is_passed_over(postgres_engine: Engine) -> None:
    start_issue(postgres_engine)
    add_people(postgres_engine, 3)
    ledger = SqlLedger(postgres_engine, ISSUE)
    ledger.plan()
    with postgres_engine.begin() as connection:
        connection.execute(
            select(deliveries).where(deliveries.c.subscriber_id == 1).with_for_update()
        )
        assert ids(claim(ledger)) == [2, 3]
    assert ids(claim(ledger)) == [1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            update(subscribers).where(subscribers.c.id == 1).values(status="unsubscribed"),
            "unsubscribed",
            id="left",
        ),
        pytest.param(
            insert(suppressions).values(key=email(1), reason="complaint", at=NOW, detail=""),
            "suppressed: complaint",
            id="complained",
        ),
        pytest.param(
            delete(subscribers).where(subscribers.c.id == 1),
            "no longer on the list",
            id="forgotten",
        ),
    ],
)
def test_consent_is_looked_at_again_when_a_batch_is_claimed(
    any_engine: Engine, ledger: SqlLedger, change: object, reason: str
) -> None:
    add_people(any_engine, 2)
    ledger.plan()
    with any_engine.begin() as connection:
        connection.execute(change)  # type: ignore[call-overload]  # any statement
    batch = claim(ledger)
    assert ids(batch) == [2]
    assert batch.suppressed == 1
    [left_out] = load_deliveries(any_engine, ISSUE, state=DeliveryState.SUPPRESSED)
    assert (left_out.subscriber_id, left_out.reason) == (1, reason)


def test_a_page_of_people_who_all_left_is_passed_over(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 5)
    ledger.plan()
    with any_engine.begin() as connection:
        connection.execute(
            update(subscribers).where(subscribers.c.id <= 4).values(status="unsubscribed")
        )
    assert ids(claim(ledger, size=2)) == [5]
    assert ledger.counts() == Counts(suppressed=4, handed_over=1)


def test_a_receipt_settles_every_recipient(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 5)
    ledger.plan()
    batch = claim(ledger)
    receipt = Receipt(
        provider_id="x-1", refused={2: "no such user"}, in_doubt={3: "reset"}, unsent=[5]
    )
    ledger.record(batch, receipt, now=NOW)
    assert ledger.counts() == Counts(accepted=2, refused=1, in_doubt=1, planned=1)
    [kept] = load_batches(any_engine, ISSUE)
    assert (kept.status, kept.size, kept.provider_id, kept.recorded_at) == (
        "in_doubt",
        3,
        "x-1",
        NOW,
    )
    [refused] = load_deliveries(any_engine, ISSUE, state=DeliveryState.REFUSED)
    assert refused.reason == "no such user"


def test_recording_twice_changes_nothing(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 3)
    ledger.plan()
    batch = claim(ledger)
    receipt = Receipt(refused={2: "no such user"}, unsent=[3])
    ledger.record(batch, receipt, now=NOW)
    before = ledger.counts()
    again = claim(ledger)
    ledger.record(batch, receipt, now=NOW)
    assert ids(again) == [3]
    assert ledger.counts() == replace(before, planned=0, handed_over=1)


def test_a_batch_given_back_leaves_no_trace(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 2)
    ledger.plan()
    batch = claim(ledger)
    ledger.record(batch, Receipt(unsent=ids(batch)), now=NOW)
    assert ledger.counts() == Counts(planned=2)
    assert load_batches(any_engine, ISSUE) == []


def test_who_was_given_back_comes_again_after_all_others(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 4)
    ledger.plan()
    batch = claim(ledger, size=2)
    ledger.record(batch, Receipt(unsent=ids(batch)), now=NOW)
    assert [ids(claim(ledger, 2)), ids(claim(ledger, 2))] == [[3, 4], [1, 2]]


def test_a_late_answer_settles_a_doubt(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 2)
    ledger.plan()
    batch = claim(ledger)
    ledger.record(batch, Receipt(in_doubt=dict.fromkeys(ids(batch), "?")), now=NOW)
    ledger.record(batch, Receipt(provider_id="x"), now=NOW)
    assert ledger.counts() == Counts(accepted=2)


def test_the_two_parts_of_a_batch_are_batches(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 5)
    ledger.plan()
    first, second = ledger.split(claim(ledger), {1, 4, 5})
    assert (ids(first), ids(second)) == ([2, 3], [1, 4, 5])
    ledger.record(second, Receipt(provider_id="x"), now=NOW)
    assert ledger.counts() == Counts(handed_over=2, accepted=3)
    assert [one.size for one in load_batches(any_engine, ISSUE)] == [2, 3]


def test_what_a_dead_process_handed_over_is_in_doubt(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 4)
    ledger.plan()
    claim(SqlLedger(any_engine, ISSUE, owner=dead_owner()), size=2)
    claim(ledger, size=1)
    assert ledger.settle(now=NOW, repeatable=False) == 2
    assert ledger.counts() == Counts(in_doubt=2, handed_over=1, planned=1)
    assert ledger.settle(now=NOW, repeatable=False) == 0


def test_what_may_be_repeated_is_planned_again(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 2)
    ledger.plan()
    claim(SqlLedger(any_engine, ISSUE, owner=dead_owner()))
    assert ledger.settle(now=NOW, repeatable=True) == 2
    assert ledger.counts() == Counts(planned=2)
    assert load_batches(any_engine, ISSUE) == []


def test_what_a_run_of_this_process_left_by_an_error_is_settled_by_the_next(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 4)
    ledger.plan()
    failed = SqlLedger(any_engine, ISSUE)
    claim(failed, size=2)
    assert ledger.settle(now=NOW, repeatable=True) == 0
    failed.leave_waves()
    assert ledger.settle(now=NOW, repeatable=True) == 2
    assert ledger.counts() == Counts(planned=4)


@pytest.mark.parametrize(("minutes", "settled"), [(14, 0), (16, 1)])
def test_a_process_on_another_host_is_given_up_after_a_quarter_of_an_hour(
    any_engine: Engine, ledger: SqlLedger, minutes: int, settled: int
) -> None:
    add_people(any_engine, 1)
    ledger.plan()
    claim(SqlLedger(any_engine, ISSUE, owner="elsewhere:1:1"))
    later = NOW + timedelta(minutes=minutes)
    assert ledger.settle(now=later, repeatable=False) == settled


def test_others_are_at_work_while_they_wait_for_an_answer(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 2)
    ledger.plan()
    other = SqlLedger(any_engine, ISSUE, owner="elsewhere:1:1")
    batch = claim(other, size=1)
    claim(ledger, size=1)
    assert ledger.others_at_work()
    other.record(batch, Receipt(), now=NOW)
    assert not ledger.others_at_work()


def test_a_stopped_issue_hands_nothing_over(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 1)
    ledger.plan()
    with any_engine.begin() as connection:
        connection.execute(update(issues).values(status=IssueStatus.STOPPED.value))
    assert ledger.claim(10, now=NOW, link=link) is None
    assert ledger.stopped()


def test_a_wave_is_taken_over_from_a_dead_process_only(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    send_at = NOW + timedelta(minutes=30)
    for number, owner in enumerate(("elsewhere:1:1", dead_owner(), ""), start=1):
        SqlLedger(any_engine, ISSUE, owner=owner or this_process()).open_wave(
            f"b{number}", number=number, capacity=2, send_at=send_at, now=NOW
        )
    assert [wave.number for wave in ledger.take_waves(now=NOW)] == [2, 3]
    assert ledger.others_fill()
    assert not ledger.others_at_work()
    ledger.leave_waves()
    other = SqlLedger(any_engine, ISSUE, owner="third:1:1")
    assert [wave.number for wave in other.take_waves(now=NOW)] == [2, 3]


def test_a_waves_number_is_given_once(ledger: SqlLedger) -> None:
    opened = [
        ledger.open_wave("b", number=1, capacity=2, send_at=NOW, now=NOW) is not None
        for _ in range(2)
    ]
    assert opened == [True, False]


def test_a_cancelled_wave_gives_its_people_back(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 6)
    ledger.plan()
    wave = ledger.open_wave("b", number=1, capacity=9, send_at=NOW, now=NOW)
    assert wave is not None
    claimed = [ledger.claim(2, now=NOW, link=link, wave=wave) for _ in range(2)]
    assert claimed[0] is not None
    ledger.record(claimed[0], Receipt(refused={1: "no such user"}), now=NOW)
    ledger.move_wave(wave, WaveStatus.CANCELLING, because="doubt")
    [cancelling] = ledger.waves()
    assert (cancelling.batches, cancelling.because) == (2, "doubt")
    assert ledger.end_wave(cancelling, after=DeliveryState.PLANNED) == 3
    assert ledger.counts() == Counts(planned=5, refused=1)
    assert {one.status for one in load_batches(any_engine, ISSUE)} == {"cancelled"}


def test_an_answer_for_a_cancelled_wave_changes_nothing(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 1)
    ledger.plan()
    wave = ledger.open_wave("b", number=1, capacity=9, send_at=NOW, now=NOW)
    assert wave is not None
    batch = ledger.claim(2, now=NOW, link=link, wave=wave)
    assert batch is not None
    ledger.move_wave(wave, WaveStatus.CANCELLING, because="undo")
    ledger.end_wave(ledger.waves()[0], after=DeliveryState.CANCELLED)
    ledger.record(batch, Receipt(provider_id="late"), now=NOW)
    assert ledger.counts() == Counts(cancelled=1)
    ledger.plan()
    assert ledger.counts() == Counts(planned=1)


def test_a_wave_that_is_being_cancelled_takes_no_batch(
    any_engine: Engine, ledger: SqlLedger
) -> None:
    add_people(any_engine, 1)
    ledger.plan()
    wave = ledger.open_wave("b", number=1, capacity=9, send_at=NOW, now=NOW)
    assert wave is not None
    ledger.move_wave(wave, WaveStatus.CANCELLING)
    assert ledger.claim(1, now=NOW, link=link, wave=wave) is None


def test_batches_and_deliveries_come_in_pages(any_engine: Engine, ledger: SqlLedger) -> None:
    add_people(any_engine, 5)
    ledger.plan()
    for _ in range(5):
        claim(ledger, size=1)
    first = load_batches(any_engine, ISSUE, limit=3)
    rest = load_batches(any_engine, ISSUE, after=first[-1].id, limit=3)
    assert [len(first), len(rest)] == [3, 2]
    handed_over = DeliveryState.HANDED_OVER
    page = load_deliveries(any_engine, ISSUE, state=handed_over, after=3, limit=3)
    assert [one.subscriber_id for one in page] == [4, 5]
    assert page[0].email == email(4)


@pytest.mark.postgres
def test_a_late_claim_reads_no_more_of_the_list_than_an_early_one(postgres_engine: Engine) -> None:
    add_people(postgres_engine, 20_000)
    ledger = SqlLedger(postgres_engine, start_issue(postgres_engine))
    ledger.plan()
    reads: list[int] = []

    def explained(_conn: object, cursor: Any, statement: str, values: Any, *_more: object) -> None:
        if statement.startswith("SELECT deliveries.subscriber_id"):
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
            reads.append(most_rows(cursor.fetchone()[0][0]["Plan"]))

    event.listen(postgres_engine, "before_cursor_execute", explained)
    while ledger.claim(1000, now=NOW, link=link):
        pass
    assert len(reads) >= 20
    assert max(reads) <= 1000


def most_rows(plan: dict[str, Any]) -> int:
    """Return how many rows the busiest step of a plan brought."""
    here = int(plan["Actual Rows"] * plan["Actual Loops"])
    return max(here, *map(most_rows, plan.get("Plans", [])), 0)


def test_what_is_held_on_a_reader_is_read_without_all_that_others_got(engine: Engine) -> None:
    with explained(engine, "deliveries") as steps:
        deliveries_of(engine, 1)
        erase_words(engine, 1)
    assert steps
    assert not [step for step in steps if step.startswith("SCAN")]


def test_the_batches_of_past_issues_are_not_read_for_a_wave(engine: Engine) -> None:
    ledger = SqlLedger(engine, start_issue(engine))
    with explained(engine, "batches") as steps:
        ledger.take_waves(now=NOW)
        ledger.others_at_work()
    assert any("batches_by_issue" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") or "batches USING AUTO" in step]


def test_the_issue_of_a_moment_is_found_from_the_newest_batch_back(engine: Engine) -> None:
    with explained(engine, "batches") as steps:
        assert issue_at(engine, NOW) is None
    assert steps == ["SCAN batches"]


@contextmanager
def explained(engine: Engine, table: str) -> Iterator[list[str]]:
    """Yield how SQLite goes about each statement on a table, step by step."""
    steps: list[str] = []

    def explain(_conn: object, cursor: Any, statement: str, values: Any, *_more: object) -> None:
        if table in statement:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            steps.extend(step[-1] for step in plan)

    event.listen(engine, "before_cursor_execute", explain)
    yield steps
    event.remove(engine, "before_cursor_execute", explain)


FATES = st.sampled_from(["accepted", "refused", "in_doubt", "unsent", "died"])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=st.lists(st.lists(FATES, min_size=3, max_size=3), max_size=6))
def test_the_sum_holds_whatever_happens(engine: Engine, fates: list[list[str]]) -> None:
    with engine.begin() as connection:
        for table in (deliveries, batches, issues, subscribers):
            connection.execute(delete(table))
    add_people(engine, 10)
    ledger = SqlLedger(engine, start_issue(engine))
    ledger.plan()
    for turn in fates:
        batch = ledger.claim(3, now=NOW, link=link)
        if batch is not None and "died" not in turn:
            told = dict(zip(ids(batch), turn, strict=False))
            ledger.record(
                batch,
                Receipt(
                    refused={one: "no" for one, fate in told.items() if fate == "refused"},
                    in_doubt={one: "?" for one, fate in told.items() if fate == "in_doubt"},
                    unsent=[one for one, fate in told.items() if fate == "unsent"],
                ),
                now=NOW,
            )
    assert ledger.counts().intended == 10
    sizes = sum(one.size for one in load_batches(engine, ISSUE))
    counts = ledger.counts()
    assert sizes == counts.accepted + counts.in_doubt + counts.handed_over
    assert doubts(engine).get(ISSUE, 0) == counts.in_doubt


def test_reasons_are_grouped() -> None:
    assert records.by_reason({1: "a", 2: "b", 3: "a"}) == {"a": [1, 3], "b": [2]}
