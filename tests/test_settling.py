"""What is in doubt, settled: by SendGrid's activity, or by an operator's word."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.models import DeliveryState, IssueStatus, Receipt
from flows.pipeline.deliveries import standing, stop
from flows.pipeline.receipts import verify
from flows.pipeline.settling import Decision, Desk, Settled, settle
from flows.pipeline.stores import open_store
from flows.pipeline.transports import open_sendgrid
from flows.store import issues
from flows.store.ledger import SqlLedger
from tests.newsletters import NOW, STORIES, Newsletter
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.sendgrid_server import SendGridServer

SENDGRID = 'transport = "sendgrid"\nsendgrid_host = "{url}"\nbatch_size = 10\nfence = false\n'


@pytest.fixture
def newsletter(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    """An issue of which one request arrived and one did not, both without an answer."""
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sendgrid_server.clock = NOW.timestamp
    made = Newsletter(tmp_path).write(sending=SENDGRID.format(url=sendgrid_server.url))
    made.tell(*STORIES).subscribe(30)
    sendgrid_server.script = deque(["drop-after", "", "drop-before"])
    verdict = made.run(because="no web here")
    assert (verdict.accepted, verdict.in_doubt) == (10, 20)
    return made


def settled_as(
    newsletter: Newsletter, decision: Decision, said: list[str] | None = None
) -> Settled:
    said = [] if said is None else said
    desk = Desk(
        decide=lambda _batch: decision,
        say=said.append,
        wait=lambda _seconds: None,
        clock=newsletter.clock,
    )
    return settle(newsletter.settings, 1, desk)


def sums(newsletter: Newsletter) -> tuple[int, int, int]:
    counts = standing(newsletter.settings, 1).counts
    return counts.accepted, counts.in_doubt, counts.planned


def run_settle(newsletter: Newsletter, *options: str) -> Result:
    config = str(newsletter.folder / "newsletter.toml")
    arguments = ["deliveries", "1", "--config", config, *options]
    return CliRunner().invoke(command, arguments)


def test_what_sendgrid_knows_is_settled_and_the_rest_is_not(newsletter: Newsletter) -> None:
    settled = settled_as(newsletter, Decision.LATER)
    assert (settled.known, len(settled.batches_left)) == (10, 1)
    assert sums(newsletter) == (20, 10, 0)


def test_another_newsletters_batch_of_the_same_number_settles_nothing(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.accepted = [
        replace(one, email=f"their-{one.email}") for one in sendgrid_server.accepted
    ]
    assert settled_as(newsletter, Decision.LATER).known == 0
    assert sums(newsletter) == (10, 20, 0)


def test_the_receipt_follows(newsletter: Newsletter) -> None:
    receipt = newsletter.settings.paths.issues / "001" / "receipt"
    assert verify(newsletter.settings, receipt).differences == ()
    settled_as(newsletter, Decision.ACCEPTED)
    assert verify(newsletter.settings, receipt).differences == ()


def test_an_operators_word_ends_a_doubt(newsletter: Newsletter) -> None:
    assert settled_as(newsletter, Decision.ACCEPTED).accepted == 10
    assert sums(newsletter) == (30, 0, 0)
    assert settled_as(newsletter, Decision.ACCEPTED) == Settled()


def test_what_never_left_is_handed_over_again_by_send(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    assert settled_as(newsletter, Decision.AGAIN).planned == 10
    assert standing(newsletter.settings, 1).record.status is IssueStatus.SENDING
    verdict = newsletter.send(1, because="no web here")
    assert (verdict.verdict, verdict.accepted, verdict.in_doubt) == ("sent", 30, 0)
    assert max(sendgrid_server.delivered.values()) == 1
    assert len(sendgrid_server.delivered) == 30


def test_who_joined_since_does_not_get_the_old_issue(newsletter: Newsletter) -> None:
    settled_as(newsletter, Decision.AGAIN)
    newsletter.subscribe(40)
    verdict = newsletter.send(1, because="no web here")
    assert (verdict.intended, verdict.accepted) == (30, 30)


def test_an_account_without_activity_is_asked_once(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.has_activity = False
    said: list[str] = []
    settled = settled_as(newsletter, Decision.LATER, said)
    assert (settled.known, len(settled.batches_left)) == (0, 2)
    assert len(sendgrid_server.queries) == 1
    assert "403" in said[0]


def test_the_command_settles_what_is_known_without_a_word(newsletter: Newsletter) -> None:
    result = run_settle(newsletter, "--settle")
    assert result.exit_code == 4
    assert "10 accepted by SendGrid's word, 0 by yours, 0 planned again" in result.stderr
    assert "--settle --as accepted" in result.stderr


def test_the_command_takes_an_answer(newsletter: Newsletter) -> None:
    result = run_settle(newsletter, "--settle", "--as", "again")
    assert result.exit_code == 0
    assert "Next: newsletter send 1" in result.stderr
    assert sums(newsletter) == (20, 0, 10)


def test_an_answer_without_the_question_is_wrong_use(newsletter: Newsletter) -> None:
    assert run_settle(newsletter, "--as", "again").exit_code == 2
    assert sums(newsletter) == (10, 20, 0)


def test_what_the_fence_can_settle_for_certain_takes_no_word(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sendgrid_server.clock = NOW.timestamp
    sending = SENDGRID.format(url=sendgrid_server.url).replace("fence = false", "fence = true")
    fenced = Newsletter(tmp_path).write(sending=sending).tell(*STORIES).subscribe(30)
    fenced.watcher.stop_after = 10
    assert fenced.run(because="no web here").accepted == 10
    leave_a_doubt(fenced)
    assert sums(fenced) == (10, 10, 10)
    assert settled_as(fenced, Decision.AGAIN) == Settled(curable=10)
    fenced.watcher.stop_after = None
    assert fenced.send(1, because="no web here").accepted == 30
    assert len(sendgrid_server.cancelled) == 1
    assert sums(fenced) == (30, 0, 0)


def test_a_stopped_issue_is_stopped_again_for_what_is_still_held_back(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sending = SENDGRID.format(url=sendgrid_server.url).replace("fence = false", "fence = true")
    fenced = Newsletter(tmp_path).write(sending=sending).tell(*STORIES).subscribe(30)
    sendgrid_server.clock = NOW.timestamp
    fenced.watcher.stop_after = 10
    fenced.run(because="no web here")
    # The commands go by the machine's clock.
    sendgrid_server.clock = time.time
    fenced.clock.now = datetime.now(UTC)
    leave_a_doubt(fenced)
    sendgrid_server.cancel_script = deque(["drop-before"] * 2)
    assert stop(fenced.settings, 1).reason
    told = run_settle(fenced, "--settle", "--as", "again").stderr
    assert "10 need no word" in told
    assert "Next: newsletter stop 1" in told
    assert "newsletter send" not in told
    sendgrid_server.cancel_script.clear()
    assert stop(fenced.settings, 1).caught == 10


def test_a_stopped_issue_is_not_sent_on_for_a_doubt(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine:
        issues.advance(engine, 1, before=[IssueStatus.SENT], after=IssueStatus.STOPPED)
    told = run_settle(newsletter, "--settle", "--as", "again").stderr
    assert "Next:" not in told
    assert "Issue 1 is stopped: those planned get it once newsletter send 1" in told


def test_of_a_wave_that_was_taken_back_nothing_leaves(newsletter: Newsletter) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    with open_store(newsletter.settings) as engine:
        ledger = SqlLedger(engine, 1)
        for number, send_at in enumerate((now - hour, now + hour, now + hour), 1):
            assert ledger.open_wave("b", number=number, capacity=1, send_at=send_at, now=now)
        ledger.end_wave(ledger.waves()[-1], after=DeliveryState.CANCELLED)
    told = [line for line in run_settle(newsletter).stdout.splitlines() if "Wave" in line]
    assert told[0].startswith("Wave 1: open, left at ")
    assert told[1].startswith("Wave 2: open, leaves at ")
    assert told[2:] == ["Wave 3: cancelled"]


def leave_a_doubt(fenced: Newsletter) -> None:
    """Hand a batch over without an answer, and end."""
    with open_store(fenced.settings) as engine:
        ledger = SqlLedger(engine, 1)
        now = fenced.clock()
        batch_id = open_sendgrid(fenced.settings, clock=fenced.clock).open_batch()
        send_at = now + timedelta(minutes=30)
        wave = ledger.open_wave(batch_id, number=2, capacity=1, send_at=send_at, now=now)
        batch = ledger.claim(10, now=now, link=str, wave=wave)
        assert batch is not None
        doubtful = {one.subscriber_id: "?" for one in batch.recipients}
        ledger.record(batch, Receipt(in_doubt=doubtful), now=now)
        ledger.leave_waves()
