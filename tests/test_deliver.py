from __future__ import annotations

import re
import socket
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from flows.deliver.deliver import Fence, Limits, Report, deliver
from flows.deliver.fence import undo
from flows.deliver.outbox import Outbox
from flows.deliver.sendgrid import SendGrid
from flows.errors import Unavailable
from flows.models import KEPT, Counts, DeliveryState, IssueStatus, Receipt, WaveStatus
from flows.store.ledger import SqlLedger
from flows.store.owner import _started
from flows.store.records import load_batches, load_deliveries
from flows.store.schema import issues
from subscribers.schema import subscribers
from tests.people import ISSUE, MAIL, Clock, add_people, email, link, start_issue
from tests.sendgrid_server import KEY, SendGridServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.deliver.transport import Transport
    from flows.models import Batch, Mail


@dataclass
class Office:
    """Everything that a delivery needs, on loopback and with a clock of its own."""

    engine: Engine
    api: SendGridServer
    clock: Clock = field(default_factory=Clock)
    progress: list[Counts] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api.clock = lambda: self.clock.now().timestamp()
        self.ledger = SqlLedger(self.engine, start_issue(self.engine))

    def transport(self) -> SendGrid:
        return SendGrid(KEY, host=self.api.url, now=self.clock.now, timeout=5)

    def fence(self, **options: Any) -> Fence:
        return Fence(provider=self.transport(), **options)

    def send(
        self,
        *,
        transport: Transport | None = None,
        stop: Callable[[], bool] = lambda: False,
        batch_size: int = 10,
        **options: Any,
    ) -> Report:
        return deliver(
            MAIL,
            ledger=self.ledger,
            transport=transport or self.transport(),
            link=link,
            now=self.clock.now,
            wait=self.clock.wait,
            stop=stop,
            progress=self.progress.append,
            batch_size=batch_size,
            jitter=lambda: 0.5,
            **options,
        )

    def reasons(self, state: DeliveryState) -> dict[int, str]:
        found = load_deliveries(self.engine, ISSUE, state=state)
        return {one.subscriber_id: one.reason for one in found}


@pytest.fixture
def office(engine: Engine, sendgrid_server: SendGridServer) -> Office:
    return Office(engine, sendgrid_server)


def everybody(count: int) -> Counter[str]:
    return Counter(email(one) for one in range(1, count + 1))


def test_everybody_gets_the_mail_once(office: Office) -> None:
    add_people(office.engine, 25)
    report = office.send()
    assert report.finished
    assert (report.reason, report.next, report.leaves_at) == ("", "", None)
    assert report.counts == Counts(accepted=25)
    assert office.api.delivered == everybody(25)
    assert office.api.statuses == [202] * 3


def test_sending_again_sends_nothing(office: Office) -> None:
    add_people(office.engine, 5)
    office.send()
    assert office.send().finished
    assert office.api.delivered == everybody(5)


def test_nobody_on_the_list_is_a_finished_delivery(office: Office) -> None:
    assert office.send() == Report(counts=Counts(), finished=True)


def test_progress_is_told_after_each_batch(office: Office) -> None:
    add_people(office.engine, 25)
    office.send()
    assert [counts.accepted for counts in office.progress][:4] == [0, 10, 20, 25]
    assert {counts.intended for counts in office.progress} == {25}


def test_each_batch_is_a_step_of_its_own(office: Office) -> None:
    add_people(office.engine, 25)
    names: list[str] = []

    def step(name: str, run: Any) -> Any:
        names.append(name)
        return run()

    office.send(step=step)
    assert names == ["batch 1", "batch 2", "batch 3"]


def test_whoever_left_since_the_planning_gets_nothing(office: Office) -> None:
    add_people(office.engine, 15)

    def leave(counts: Counts) -> None:
        with office.engine.begin() as connection:
            connection.execute(
                update(subscribers).where(subscribers.c.id == 12).values(status="unsubscribed")
            )
        office.progress.append(counts)

    report = deliver(
        MAIL,
        ledger=office.ledger,
        transport=office.transport(),
        link=link,
        now=office.clock.now,
        wait=office.clock.wait,
        stop=lambda: False,
        progress=leave,
        batch_size=10,
    )
    assert report.counts == Counts(accepted=14, suppressed=1)
    assert email(12) not in office.api.delivered


def test_stopping_finishes_the_request_in_flight_and_resumes(office: Office) -> None:
    add_people(office.engine, 25)
    report = office.send(stop=lambda: bool(office.api.statuses))
    assert report.interrupted
    assert not report.finished
    assert report.reason == "interrupted; 10 of 25 accepted so far"
    assert report.next == f"newsletter send {ISSUE}"
    assert office.send().finished
    assert office.api.delivered == everybody(25)


def test_a_person_who_stops_the_issue_is_heeded(office: Office) -> None:
    add_people(office.engine, 25)
    with office.engine.begin() as connection:
        connection.execute(update(issues).values(status=IssueStatus.STOPPED.value))
    report = office.send()
    assert report.reason.startswith("the issue was stopped; 0 of 25")
    assert report.next == f"newsletter deliveries {ISSUE}"
    assert office.api.statuses == []


# --- not now ---


def test_a_429_is_waited_out_as_told_and_is_no_failure(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"])
    office.api.retry_headers = {"Retry-After": "7"}
    report = office.send()
    assert report.finished
    assert sum(office.clock.waits) == pytest.approx(7.5)
    assert office.api.delivered == everybody(5)


def test_a_long_wait_is_told(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"])
    office.api.retry_headers = {"Retry-After": "60"}
    said: list[str] = []
    office.send(say=said.append)
    assert said == ["SendGrid takes no more for now; going on in 60 seconds"]


def test_the_rate_limits_reset_is_waited_for(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"])
    reset = int(office.clock.now().timestamp()) + 12
    office.api.retry_headers = {"X-RateLimit-Reset": str(reset)}
    assert office.send().finished
    assert sum(office.clock.waits) == pytest.approx(12.5)


def test_a_429_that_tells_nothing_is_backed_off_from(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"] * 4)
    assert office.send().finished
    assert sum(office.clock.waits) == pytest.approx((1 + 2 + 4 + 8) * 0.75)


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "0"}, {"X-RateLimit-Reset": "1"}], ids=["at once", "past"]
)
def test_a_429_that_is_over_already_is_backed_off_from(
    office: Office, headers: dict[str, str]
) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"] * 4)
    office.api.retry_headers = headers
    assert office.send().finished
    assert sum(office.clock.waits) == pytest.approx((1 + 2 + 4 + 8) * 0.75)


def test_after_a_429_requests_are_spaced(office: Office) -> None:
    add_people(office.engine, 20)
    office.api.script = deque(["429"] * 4)
    office.send()
    assert office.clock.waits[-1] < 1
    assert len(office.clock.waits) > 4


def test_a_run_that_waits_for_nothing_gives_up_with_all_planned(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"] * 1000)
    report = office.send()
    assert report.counts == Counts(planned=5)
    assert report.reason.startswith("SendGrid takes no more for now; gave up after waiting 35")
    assert report.next == f"newsletter send {ISSUE}"


def test_being_told_to_wait_for_hours_ends_the_run_at_once(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"])
    office.api.retry_headers = {"Retry-After": "90000"}
    assert office.send().counts == Counts(planned=5)
    assert office.clock.waits == []


def test_no_connection_is_surely_not_accepted(office: Office) -> None:
    add_people(office.engine, 5)
    nobody = SendGrid(KEY, host="http://127.0.0.1:1", now=office.clock.now)
    report = office.send(transport=nobody, limits=Limits(patience=timedelta(seconds=20)))
    assert report.counts == Counts(planned=5)
    assert "cannot be reached" in report.reason


def test_stopping_while_waiting_is_heard_at_once(office: Office) -> None:
    add_people(office.engine, 5)
    office.api.script = deque(["429"])
    office.api.retry_headers = {"Retry-After": "600"}
    report = office.send(stop=lambda: sum(office.clock.waits) >= 10)
    assert report.interrupted
    assert sum(office.clock.waits) == 10


# --- refused ---


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("401", "check SENDGRID_API_KEY"),
        ("403", "The from address is not verified; verify the sender"),
        ("413", "413 Payload Too Large"),
        ("415", "look at SendGrid's answer"),
    ],
)
def test_what_a_person_must_mend_stops_the_run(office: Office, answer: str, reason: str) -> None:
    add_people(office.engine, 25)
    office.api.script = deque(["", answer])
    report = office.send()
    assert reason in report.reason
    assert report.counts == Counts(accepted=10, planned=15)
    assert len(office.api.statuses) == 2


def test_a_bad_address_goes_and_the_rest_is_handed_over_again(office: Office) -> None:
    add_people(office.engine, 12)
    office.api.bad = re.compile(r"reader(3|7)@")
    report = office.send()
    assert report.finished
    assert report.counts == Counts(accepted=10, refused=2)
    assert office.reasons(DeliveryState.REFUSED) == {
        3: "Does not contain a valid address",
        7: "Does not contain a valid address",
    }
    assert office.api.statuses == [400, 400, 202, 202]
    assert [one.size for one in load_batches(office.engine, ISSUE)] == [8, 2]


def test_bad_addresses_named_together_go_together(office: Office) -> None:
    add_people(office.engine, 10)
    office.api.bad = re.compile(r"reader(3|7)@")
    office.api.name_all = True
    assert office.send().counts == Counts(accepted=8, refused=2)
    assert office.api.statuses == [400, 202]


def test_a_batch_of_bad_addresses_ends_in_refusals(office: Office) -> None:
    add_people(office.engine, 3)
    office.api.bad = re.compile("reader")
    report = office.send()
    assert report.finished
    assert report.counts == Counts(refused=3)


def test_a_reader_whose_headers_alone_are_refused_goes(office: Office) -> None:
    add_people(office.engine, 22)
    office.api.bad, office.api.bad_field = re.compile(r"reader(3|7|21|22)@"), "headers"
    report = office.send()
    assert report.counts == Counts(accepted=18, refused=2, planned=2)
    assert list(office.reasons(DeliveryState.REFUSED)) == [3, 7]
    assert "400 Does not contain a valid address (personalizations.0.headers)" in report.reason
    # For one alone there is no rest to tell, but the mail was accepted for others.
    assert office.send(batch_size=1).counts == Counts(accepted=18, refused=4)
    assert office.api.delivered == everybody(20) - Counter([email(3), email(7)])


@pytest.mark.parametrize("name_all", [False, True])
@pytest.mark.parametrize("before", [0, 10], ids=["from the first", "in the midst"])
def test_headers_that_are_refused_for_everybody_leave_nobody_out(
    office: Office, before: int, *, name_all: bool
) -> None:
    add_people(office.engine, 40)
    office.send(stop=lambda: len(office.api.accepted) >= before)
    office.api.bad, office.api.bad_field = re.compile("reader"), "headers"
    office.api.name_all = name_all
    office.api.statuses.clear()
    report = office.send(batch_size=20)
    assert report.counts == Counts(accepted=before, planned=40 - before)
    assert "what all recipients have alike" in report.reason
    assert office.api.statuses == [400] * (1 if name_all else 13)
    office.api.bad = None
    assert office.send().finished
    assert office.api.delivered == everybody(40)


@pytest.mark.parametrize("fault", ["drop-before", "429"])
def test_who_was_named_is_asked_again_if_nobody_knows_of_the_rest(
    office: Office, fault: str
) -> None:
    add_people(office.engine, 20)
    office.api.bad, office.api.bad_field = re.compile(r"reader3@"), "headers"
    office.api.script = deque(["", fault])
    report = office.send()
    doubtful = 9 if fault == "drop-before" else 0
    assert report.counts == Counts(accepted=19 - doubtful, in_doubt=doubtful, refused=1)


def test_a_400_that_names_nobody_is_traced_by_halves(office: Office) -> None:
    add_people(office.engine, 16)
    office.api.spoiling = re.compile(r"reader6@")
    report = office.send(batch_size=16)
    assert report.finished
    assert report.counts == Counts(accepted=15, refused=1)
    assert list(office.reasons(DeliveryState.REFUSED)) == [6]
    assert office.api.delivered == everybody(16) - Counter([email(6)])


def test_a_mail_that_nobody_may_get_refuses_nobody(office: Office) -> None:
    add_people(office.engine, 4)
    office.api.spoiling = re.compile("reader")
    report = office.send()
    assert report.counts == Counts(planned=4)
    assert "400 Bad Request" in report.reason


def test_tracing_stops_after_twelve_further_400s_in_a_batch(office: Office) -> None:
    add_people(office.engine, 100)
    office.api.spoiling = re.compile("reader")
    report = office.send(batch_size=100)
    assert office.api.statuses == [400] * 13
    assert report.counts == Counts(planned=100)
    assert "took too many requests" in report.reason


def test_tracing_stops_after_forty_further_400s_in_an_issue(office: Office) -> None:
    add_people(office.engine, 320)
    office.api.spoiling = re.compile(r"reader\d*5@")
    reports = [office.send(batch_size=20) for _ in range(9)]
    with office.engine.connect() as connection:
        assert connection.execute(select(issues.c.bad_requests)).scalar() == 40
    assert not reports[-1].finished
    # Each run after the fortieth asks once, and then stops.
    asked = len(office.api.statuses)
    assert "took too many requests" in office.send(batch_size=20).reason
    assert office.api.statuses[asked:] == [400]
    assert office.send(batch_size=1).finished


def test_two_processes_at_the_edge_of_the_forty_400s_do_not_pass_it(office: Office) -> None:
    add_people(office.engine, 20)
    office.api.spoiling = re.compile("reader")
    with office.engine.begin() as connection:
        connection.execute(update(issues).values(bad_requests=39))
    reports: list[Report] = []

    class Meeting(SendGrid):
        def hand_over(self, mail: Mail, batch: Batch) -> Receipt:
            # The second process does all it does while the first one's half is on its way.
            if len(batch.recipients) == 5 and not reports:
                office.ledger = SqlLedger(office.engine, ISSUE, owner="elsewhere:1:1")
                reports.append(office.send())
            return super().hand_over(mail, batch)

    transport = Meeting(KEY, host=office.api.url, now=office.clock.now)
    reports.append(office.send(transport=transport))
    assert ["too many requests" in report.reason for report in reports] == [True, True]
    assert office.api.statuses == [400] * 3
    assert office.ledger.counts() == Counts(planned=20)


def test_a_field_that_we_do_not_know_stops_the_run(office: Office) -> None:
    add_people(office.engine, 25)
    report = deliver(
        replace(MAIL, subject=""),
        ledger=office.ledger,
        transport=office.transport(),
        link=link,
        now=office.clock.now,
        wait=office.clock.wait,
        stop=lambda: False,
        progress=office.progress.append,
    )
    assert "The subject is required (subject)" in report.reason
    assert report.counts == Counts(planned=25)


def test_too_many_refusals_stop_the_run(office: Office) -> None:
    add_people(office.engine, 30)
    office.api.bad = re.compile("reader")
    report = office.send(limits=Limits(refused_at_least=4, refused_share=0))
    assert report.reason.startswith("5 recipients were refused in this run, too many")
    assert report.counts == Counts(refused=5, planned=25)


# --- in doubt ---


@pytest.mark.parametrize("fault", ["500", "502", "503", "500-after", "drop-before", "drop-after"])
def test_what_is_in_doubt_is_never_resent(office: Office, fault: str) -> None:
    add_people(office.engine, 25)
    office.api.script = deque(["", fault])
    report = office.send()
    assert report.finished
    assert report.counts == Counts(accepted=15, in_doubt=10)
    assert report.reason == "10 deliveries are in doubt"
    assert report.next == f"newsletter deliveries {ISSUE}"
    assert office.send().counts == report.counts
    assert max(office.api.delivered.values()) == 1


def test_doubts_in_a_row_stop_the_run(office: Office) -> None:
    add_people(office.engine, 100)
    office.api.script = deque(["500"] * 10)
    report = office.send()
    assert report.reason.startswith("3 hand-overs in a row are in doubt")
    assert report.counts == Counts(in_doubt=30, planned=70)


def test_a_hand_over_that_breaks_off_is_in_doubt(office: Office) -> None:
    add_people(office.engine, 25)

    class Interrupted:
        name, limit, repeatable = "broken", 1000, False

        def hand_over(self, _mail: Mail, _batch: Batch) -> Receipt:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        office.send(transport=Interrupted())
    assert office.ledger.counts() == Counts(in_doubt=10, planned=15)


def test_an_answer_that_the_database_did_not_take_is_kept(office: Office) -> None:
    add_people(office.engine, 10)
    taken = office.ledger.record
    failures = [OSError("the disk is full")]

    class Ledger(SqlLedger):
        def record(self, batch: Batch, receipt: Receipt, **options: Any) -> None:
            if failures:
                raise failures.pop()
            taken(batch, receipt, **options)

    office.ledger = Ledger(office.engine, ISSUE)

    def step(_name: str, run: Any) -> Any:
        try:
            return run()
        except OSError:
            return run()

    assert office.send(step=step).counts == Counts(accepted=10)


def test_who_is_put_off_is_tried_again_after_the_others(office: Office) -> None:
    add_people(office.engine, 4)
    seen: list[list[int]] = []

    class Choosy:
        name, limit, repeatable = "choosy", 2, False

        def hand_over(self, _mail: Mail, batch: Batch) -> Receipt:
            who = [one.subscriber_id for one in batch.recipients]
            seen.append(who)
            return Receipt(unsent=[1] if len(seen) < 4 and 1 in who else [])

    assert office.send(transport=Choosy()).counts == Counts(accepted=4)
    assert seen == [[1, 2], [3, 4], [1], [1]]


def test_a_receipts_error_waits_and_goes_on(office: Office) -> None:
    add_people(office.engine, 4)
    errors = [Unavailable("busy", retry_after=30)]

    class Moody:
        name, limit, repeatable = "moody", 2, False

        def hand_over(self, _mail: Mail, batch: Batch) -> Receipt:
            if errors and len(batch.recipients) == 2:
                return Receipt(unsent=[batch.recipients[1].subscriber_id], error=errors.pop())
            return Receipt()

    assert office.send(transport=Moody()).counts == Counts(accepted=4)
    assert sum(office.clock.waits[:6]) == 30


# --- two at once ---


def test_the_last_batch_of_another_process_is_waited_for(office: Office) -> None:
    add_people(office.engine, 20)
    office.ledger.plan()
    other = SqlLedger(office.engine, ISSUE, owner="elsewhere:1:1")
    batch = other.claim(10, now=office.clock.now(), link=link)
    assert batch is not None

    def wait(seconds: float) -> None:
        office.clock.waits.append(seconds)
        if len(office.clock.waits) == 3:
            other.record(batch, Receipt(), now=office.clock.now())

    report = deliver(
        MAIL,
        ledger=office.ledger,
        transport=office.transport(),
        link=link,
        now=office.clock.now,
        wait=wait,
        stop=lambda: False,
        progress=office.progress.append,
    )
    assert report.finished
    assert report.counts == Counts(accepted=20)
    assert len(office.api.accepted) == 10


def test_two_processes_with_room_in_their_waves_do_not_wait_for_each_other(
    office: Office,
) -> None:
    add_people(office.engine, 20)
    office.ledger.plan()
    fence = office.fence()
    other = SqlLedger(office.engine, ISSUE, owner=f"{socket.gethostname()}:1:{_started(1)}")
    send_at = office.clock.now() + timedelta(minutes=30)
    other.open_wave("b1", number=1, capacity=9, send_at=send_at, now=office.clock.now())
    report = office.send(fence=fence)
    assert report.finished
    assert report.counts == Counts(accepted=20)
    assert office.clock.waits == []


def test_a_doubt_of_another_process_is_waited_for_until_it_is_kept(office: Office) -> None:
    add_people(office.engine, 20)
    office.ledger.plan()
    other = SqlLedger(office.engine, ISSUE, owner=f"{socket.gethostname()}:1:{_started(1)}")
    now = office.clock.now()
    send_at = now + timedelta(minutes=30)
    wave = other.open_wave("b1", number=1, capacity=9, send_at=send_at, now=now)
    batch = other.claim(10, now=now, link=link, wave=wave)
    assert batch is not None
    other.record(
        batch, Receipt(in_doubt={one.subscriber_id: "?" for one in batch.recipients}), now=now
    )
    assert office.ledger.others_at_work()
    assert wave is not None
    other.move_wave(wave, WaveStatus.OPEN, because="kept")
    assert not office.ledger.others_at_work()


def test_another_process_that_says_nothing_is_given_up(office: Office) -> None:
    add_people(office.engine, 10)
    office.ledger.plan()
    other = SqlLedger(office.engine, ISSUE, owner="elsewhere:1:1")
    other.claim(10, now=office.clock.now(), link=link)
    report = office.send()
    assert report.counts == Counts(in_doubt=10)
    assert office.api.statuses == []


# --- the outbox ---


def test_the_outbox_has_one_file_for_everybody(office: Office, tmp_path: Path) -> None:
    add_people(office.engine, 25)
    outbox = Outbox(tmp_path / "outbox", now=office.clock.now)
    assert office.send(transport=outbox).counts == Counts(accepted=25)
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 25


# --- the fence ---


def test_a_fenced_issue_leaves_together_after_the_fence(office: Office) -> None:
    add_people(office.engine, 100)
    report = office.send(fence=office.fence())
    assert report.counts == Counts(accepted=100)
    assert len(report.waves) == 5
    assert {wave.batches for wave in report.waves} == {2}
    assert {one.send_at for one in office.api.accepted} == {int(report.leaves_at.timestamp())}  # type: ignore[union-attr]  # fenced
    assert report.leaves_at is not None
    assert report.leaves_at >= office.clock.now() + timedelta(minutes=20)


def test_a_scheduled_issue_leaves_at_its_slot(office: Office) -> None:
    add_people(office.engine, 10)
    slot = office.clock.now() + timedelta(hours=2)
    assert office.send(fence=office.fence(not_before=slot)).leaves_at == slot


def test_what_has_left_is_not_told_to_leave(office: Office) -> None:
    add_people(office.engine, 10)
    office.send(fence=office.fence())
    office.clock.time += timedelta(days=1)
    assert office.send(fence=office.fence()).leaves_at is None


def test_a_doubtful_wave_is_cancelled_and_handed_over_again(office: Office) -> None:
    add_people(office.engine, 100)
    office.api.script = deque(["", "", "", "drop-after"])
    report = office.send(fence=office.fence())
    assert report.finished
    assert report.counts == Counts(accepted=100)
    assert report.reason == ""
    assert len(office.api.cancelled) == 1
    assert office.api.delivered == everybody(100)
    assert [wave.status for wave in report.waves].count(WaveStatus.CANCELLED) == 1


def test_the_waves_that_leave_are_five_at_most(office: Office) -> None:
    add_people(office.engine, 230)
    office.api.script = deque(["", "", "drop-after"] * 5)
    report = office.send(fence=office.fence())
    live = [wave for wave in report.waves if wave.status is not WaveStatus.CANCELLED]
    assert report.counts == Counts(accepted=230)
    assert len(live) == 5


def test_beyond_five_cancelled_waves_a_doubt_stays(office: Office) -> None:
    add_people(office.engine, 100)
    office.api.script = deque(["drop-after", ""] * 5 + ["drop-after"])
    report = office.send(fence=office.fence())
    assert report.finished
    assert len(office.api.cancelled) == 5
    assert report.counts == Counts(accepted=90, in_doubt=10)
    assert office.api.delivered == everybody(100)


def test_a_doubt_that_stays_in_a_full_wave_keeps_no_other_process_waiting(office: Office) -> None:
    add_people(office.engine, 100)
    office.api.script = deque(["drop-after", ""] * 5 + ["drop-after"])
    waves = office.send(fence=office.fence()).waves
    [doubtful] = [wave for wave in waves if wave.status is WaveStatus.CLOSED and wave.in_doubt]
    assert doubtful.batches == doubtful.capacity
    assert doubtful.because == KEPT


@pytest.mark.parametrize("trouble", ["too late", "too many"])
def test_a_refused_cancellation_leaves_the_doubt(office: Office, trouble: str) -> None:
    add_people(office.engine, 30)
    if trouble == "too late":
        office.api.cancel_lead = 7200
    else:
        office.api.max_cancels = 0
    office.api.script = deque(["", "drop-after"])
    report = office.send(fence=office.fence())
    assert report.counts == Counts(accepted=20, in_doubt=10)
    assert office.api.delivered == everybody(30)


def test_no_cancellation_is_trusted_without_notice(office: Office) -> None:
    add_people(office.engine, 10)
    office.api.script = deque(["drop-after"])
    office.api.cancel_lead = 0
    report = office.send(fence=office.fence(lasts=timedelta(minutes=1)))
    assert report.counts == Counts(in_doubt=10)
    assert office.api.cancelled == []


def test_a_cancellation_that_was_heeded_needs_no_answer(office: Office) -> None:
    add_people(office.engine, 30)
    office.api.script = deque(["", "drop-after"])
    office.api.cancel_script = deque(["drop-after"] * 10_000)
    assert office.send(fence=office.fence()).counts == Counts(accepted=30)
    assert office.api.delivered == everybody(30)


@pytest.mark.parametrize("fault", ["drop-before", "drop-after"])
def test_a_cancellation_without_an_answer_is_asked_for_again(office: Office, fault: str) -> None:
    add_people(office.engine, 30)
    office.api.script = deque(["", "drop-after"])
    office.api.cancel_script = deque([fault])
    report = office.send(fence=office.fence())
    assert report.counts == Counts(accepted=30)
    assert office.api.delivered == everybody(30)


def test_a_cancellation_that_is_never_answered_leaves_the_issue_unfinished(office: Office) -> None:
    add_people(office.engine, 30)
    office.api.script = deque(["", "drop-after"])
    office.api.cancel_script = deque(["drop-before"] * 10_000)
    report = office.send(fence=office.fence(), limits=Limits(patience=timedelta(minutes=5)))
    # Perhaps SendGrid drops all that it had accepted: that must not count as sent.
    assert not report.finished
    assert "did not answer" in report.reason
    office.api.cancel_script.clear()
    assert office.send(fence=office.fence()).counts == Counts(accepted=30)
    assert office.api.delivered == everybody(30)


def test_a_key_that_may_not_cancel_ends_the_run_at_once(office: Office) -> None:
    add_people(office.engine, 30)
    office.api.script = deque(["", "", "drop-after"])
    office.api.takes_back = False
    report = office.send(fence=office.fence())
    assert not report.finished
    assert "give the key the rights to schedule mail" in report.reason
    assert report.next == f"newsletter send {ISSUE}"
    assert sum(office.clock.waits) < 5
    office.api.takes_back = True
    assert office.send(fence=office.fence()).counts == Counts(accepted=30)
    assert office.api.delivered == everybody(30)


def test_a_cancellation_is_asked_for_again_when_sendgrid_says(office: Office) -> None:
    add_people(office.engine, 30)
    office.api.script = deque(["", "", "drop-after"])
    office.api.cancel_script = deque(["429"])
    office.api.retry_headers = {"Retry-After": "40"}
    assert office.send(fence=office.fence()).counts == Counts(accepted=30)
    assert not office.api.cancel_script
    assert 40 < sum(office.clock.waits) < 45


def test_the_fence_waits_out_a_rate_limit_as_the_mail_does(office: Office) -> None:
    add_people(office.engine, 10)
    limited = [Unavailable("too many requests", status=429, retry_after=600)] * 5

    class Busy(SendGrid):
        def open_batch(self) -> str:
            if limited:
                raise limited.pop()
            return super().open_batch()

    fence = Fence(provider=Busy(KEY, host=office.api.url, now=office.clock.now))
    assert office.send(fence=fence).counts == Counts(accepted=10)
    assert sum(office.clock.waits) > 3000


def test_a_crash_while_cancelling_is_made_good(office: Office) -> None:
    add_people(office.engine, 10)
    office.ledger.plan()
    fence = office.fence()
    batch_id = fence.provider.open_batch()
    gone = SqlLedger(office.engine, ISSUE, owner="elsewhere:1:1")
    wave = gone.open_wave(
        batch_id,
        number=1,
        capacity=1,
        send_at=office.clock.now() + timedelta(minutes=25),
        now=office.clock.now(),
    )
    assert wave is not None
    gone.claim(10, now=office.clock.now(), link=link, wave=wave)
    gone.move_wave(wave, WaveStatus.CANCELLING, because="doubt")
    fence.provider.cancel(batch_id)
    # By now it is too late to cancel, but it was done in time.
    office.clock.time += timedelta(minutes=20)
    report = office.send(fence=fence)
    assert report.counts == Counts(accepted=10)
    assert office.api.delivered == everybody(10)


def test_sending_at_once_still_settles_the_doubts_of_a_fenced_run(office: Office) -> None:
    add_people(office.engine, 40)
    office.api.script = deque(["", "drop-after"])

    def step(_name: str, run: Any) -> Any:
        if len(office.api.statuses) == 2:
            raise OSError("ended before it could cancel")
        return run()

    with pytest.raises(OSError, match="ended"):
        office.send(fence=office.fence(), step=step)
    assert office.ledger.counts() == Counts(accepted=10, in_doubt=10, planned=20)
    report = office.send(fence=office.fence(at_once=True))
    assert report.finished
    assert report.counts == Counts(accepted=40)
    assert office.api.delivered == everybody(40)
    assert {one.batch_id for one in office.api.accepted[20:]} == {None}
    assert len(office.api.cancelled) == 1


def test_a_slow_wave_is_closed_before_its_fence(office: Office) -> None:
    add_people(office.engine, 60)
    fence = office.fence()

    def step(_name: str, run: Any) -> Any:
        office.clock.time += timedelta(minutes=4)
        return run()

    report = office.send(fence=fence, step=step)
    assert report.counts == Counts(accepted=60)
    by_wave = {one.batch_id: one.send_at for one in office.api.accepted}
    assert len(set(by_wave.values())) > 1
    first_seen: dict[str | None, int] = {}
    for one in office.api.accepted:
        first_seen.setdefault(one.batch_id, one.send_at or 0)
    assert report.leaves_at is not None
    assert report.leaves_at - office.clock.now() >= timedelta(minutes=20)


def test_a_process_that_slept_through_its_waves_time_asks_for_nothing_under_it(
    office: Office,
) -> None:
    add_people(office.engine, 10)
    slot = office.clock.now() + timedelta(hours=2)

    class Sleeper(SqlLedger):
        def claim(self, size: int, **options: Any) -> Batch | None:
            batch = super().claim(size, **options)
            if not office.api.accepted:
                # Another host takes it for dead, cancels its wave and hands over anew.
                office.clock.time += timedelta(hours=1)
                office.send(fence=office.fence(not_before=slot))
                office.clock.time = slot + timedelta(hours=1)
            return batch

    sleeper = deliver(
        MAIL,
        ledger=Sleeper(office.engine, ISSUE, owner="elsewhere:1:1"),
        transport=office.transport(),
        link=link,
        now=office.clock.now,
        wait=office.clock.wait,
        stop=lambda: False,
        progress=office.progress.append,
        fence=office.fence(not_before=slot),
    )
    assert sleeper.counts == Counts(accepted=10)
    assert len(office.api.cancelled) == 1
    assert len(office.api.accepted) == 10


@pytest.mark.parametrize(
    ("off", "way"),
    [(-1200, "1200 seconds behind"), (1200, "1200 seconds ahead of")],
    ids=["behind", "ahead"],
)
def test_nothing_is_fenced_by_a_clock_that_is_wrong(office: Office, off: int, way: str) -> None:
    add_people(office.engine, 10)
    office.api.date = lambda: office.clock.now().timestamp() - off
    report = office.send(fence=office.fence())
    assert way in report.reason
    assert report.counts == Counts(planned=10)


def test_a_clock_that_went_wrong_meanwhile_cancels_nothing(office: Office) -> None:
    add_people(office.engine, 30)
    office.api.script = deque(["", "drop-after"])
    behind = [0.0]
    office.api.date = lambda: office.clock.now().timestamp() + behind[-1]

    def step(_name: str, run: Any) -> Any:
        if len(office.api.statuses) == 2:
            behind.append(3600.0)
        return run()

    report = office.send(fence=office.fence(), step=step)
    assert not report.finished
    assert "behind SendGrid's" in report.reason
    assert office.api.cancelled == []
    assert office.ledger.counts() == Counts(accepted=10, in_doubt=10, planned=10)
    assert office.api.delivered == everybody(20)


def test_a_wrong_key_is_no_missing_right_to_schedule(office: Office) -> None:
    add_people(office.engine, 10)
    fence = Fence(provider=SendGrid("SG.other", host=office.api.url, now=office.clock.now))
    report = office.send(fence=fence)
    assert "401" in report.reason
    assert "check SENDGRID_API_KEY" in report.reason
    assert report.counts == Counts(planned=10)


def test_a_key_without_the_right_to_schedule_stops_the_run(office: Office) -> None:
    add_people(office.engine, 10)
    office.api.schedules = False
    report = office.send(fence=office.fence())
    assert "403; give the key the rights to schedule mail" in report.reason
    assert report.counts == Counts(planned=10)


def test_undo_catches_what_has_not_left(office: Office) -> None:
    add_people(office.engine, 100)
    fence = office.fence()
    office.send(fence=fence, stop=lambda: len(office.api.statuses) >= 7)
    with office.engine.begin() as connection:
        connection.execute(update(issues).values(status=IssueStatus.STOPPED.value))
    undone = undo(office.ledger, fence.provider, now=office.clock.now)
    assert (undone.caught, undone.missed, undone.reason) == (70, 0, "")
    assert office.ledger.counts() == Counts(cancelled=70, planned=30)
    assert not office.api.delivered


def test_an_undone_issue_is_taken_up_without_those_who_left(office: Office) -> None:
    add_people(office.engine, 30)
    fence = office.fence()
    office.send(fence=fence)
    undo(office.ledger, fence.provider, now=office.clock.now)
    with office.engine.begin() as connection:
        connection.execute(
            update(subscribers).where(subscribers.c.id == 7).values(status="unsubscribed")
        )
    report = office.send(fence=fence)
    assert report.counts == Counts(accepted=29, suppressed=1)
    assert office.api.delivered == everybody(30) - Counter([email(7)])


def test_undo_says_what_it_did_not_catch(office: Office) -> None:
    add_people(office.engine, 20)
    fence = office.fence()
    report = office.send(fence=fence)
    assert report.leaves_at is not None
    office.clock.time = report.leaves_at + timedelta(seconds=1)
    undone = undo(office.ledger, fence.provider, now=office.clock.now)
    assert (undone.caught, undone.missed) == (0, 20)
    assert office.ledger.counts() == Counts(accepted=20)


def test_undo_that_is_told_no_does_not_hide_a_cancellation_under_way(office: Office) -> None:
    add_people(office.engine, 10)
    fence = office.fence()
    report = office.send(fence=fence)
    assert report.leaves_at is not None
    [wave] = office.ledger.waves()

    class Provider(SendGrid):
        def cancel(self, batch_id: str) -> bool:
            # Another process asks when it is too late, and before this request is heeded.
            office.clock.time += timedelta(minutes=10)
            undo(office.ledger, fence.provider, now=office.clock.now)
            office.clock.time -= timedelta(minutes=10)
            return super().cancel(batch_id)

    office.clock.time = report.leaves_at - timedelta(minutes=15)
    provider = Provider(KEY, host=office.api.url, now=office.clock.now)
    undone = undo(office.ledger, provider, now=office.clock.now)
    assert office.api.cancelled == [wave.batch_id]
    assert undone.caught == 10
    assert office.ledger.counts() == Counts(cancelled=10)


def test_undo_without_an_answer_can_be_asked_again(office: Office) -> None:
    add_people(office.engine, 10)
    fence = office.fence()
    office.send(fence=fence)
    office.api.cancel_script = deque(["drop-after"])
    first = undo(office.ledger, fence.provider, now=office.clock.now)
    assert (first.caught, first.missed) == (0, 10)
    assert "did not answer" in first.reason
    assert undo(office.ledger, fence.provider, now=office.clock.now).caught == 10


def test_undo_that_had_no_answer_is_made_out_when_the_time_has_come(office: Office) -> None:
    add_people(office.engine, 10)
    fence = office.fence()
    report = office.send(fence=fence)
    office.api.cancel_script = deque(["drop-after"])
    undo(office.ledger, fence.provider, now=office.clock.now)
    assert report.leaves_at is not None
    office.clock.time = report.leaves_at + timedelta(hours=1)
    undone = undo(office.ledger, fence.provider, now=office.clock.now)
    assert (undone.caught, undone.missed) == (10, 0)
    assert not office.api.delivered


def test_undo_keeps_to_the_provider_and_says_what_it_could_not_catch(office: Office) -> None:
    add_people(office.engine, 100)
    fence = office.fence()
    office.send(fence=fence)
    office.api.max_cancels = 3
    undone = undo(office.ledger, fence.provider, now=office.clock.now)
    assert (undone.caught, undone.missed, undone.waves) == (60, 40, 3)
    assert office.ledger.counts() == Counts(accepted=40, cancelled=60)


def test_a_sixth_process_leaves_the_rest_to_the_five(office: Office) -> None:
    add_people(office.engine, 10)
    office.ledger.plan()
    send_at = office.clock.now() + timedelta(minutes=30)
    for number in range(1, 6):
        other = SqlLedger(office.engine, ISSUE, owner=f"elsewhere:{number}:1")
        other.open_wave(
            f"b{number}", number=number, capacity=1, send_at=send_at, now=office.clock.now()
        )
    report = office.send(fence=office.fence(), limits=Limits(patience=timedelta(minutes=10)))
    assert "another process is sending this issue" in report.reason
    assert len(report.waves) == 5
