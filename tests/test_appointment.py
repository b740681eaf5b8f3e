"""`newsletter send NNN --at TIME`: kept by SendGrid, or waited for here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.models import IssueRecord, IssueStatus
from flows.pipeline import desk, sending
from flows.pipeline.appointment import LONGEST_KEPT, await_time
from flows.pipeline.gathering import gather_now
from flows.pipeline.options import RunOptions
from flows.pipeline.stores import open_store
from flows.pipeline.work import Work
from flows.store import issues
from tests.newsletters import NOW, STORIES, Newsletter, answering
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.models import Verdict
    from tests.sendgrid_server import SendGridServer

HOUR = timedelta(hours=1)
SENDGRID = 'transport = "sendgrid"\nsendgrid_host = "{}"'
RECORD = IssueRecord(number=1, slot=None, status=IssueStatus.APPROVED)


def drafted(newsletter: Newsletter) -> Newsletter:
    newsletter.tell(*STORIES).subscribe(2)
    gather_now(newsletter.settings, observer=newsletter.watcher)
    desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    return newsletter


def wait_for(
    newsletter: Newsletter, moment: datetime, wait: Callable[[float], None]
) -> Verdict | None:
    with open_store(newsletter.settings) as engine:
        work = Work(
            settings=newsletter.settings,
            engine=engine,
            observer=newsletter.watcher,
            clock=newsletter.clock,
            wait=wait,
        )
        return await_time(work, RECORD, RunOptions(at=moment))


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write()


def test_nobody_keeps_it_so_it_is_waited_for(newsletter: Newsletter) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        newsletter.clock.go_on(timedelta(seconds=seconds))

    assert wait_for(newsletter, NOW + timedelta(seconds=90.5), nap) is None
    assert newsletter.clock.now == NOW + timedelta(seconds=90.5)
    assert max(naps) <= 1.0
    assert "Issue 1 is sent at 2026-11-25 09:01 UTC" in newsletter.watcher.said[0]


def test_a_wait_that_is_ended_sends_nothing(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newsletter.watcher, "stopping", lambda: True)
    verdict = wait_for(newsletter, NOW + HOUR, lambda _seconds: None)
    assert verdict is not None
    assert (verdict.verdict, verdict.next) == ("held", "newsletter send 1")


def test_a_machine_that_slept_through_it_sends_nothing(newsletter: Newsletter) -> None:
    verdict = wait_for(
        newsletter, NOW + HOUR, lambda _seconds: newsletter.clock.go_on(timedelta(days=1))
    )
    assert verdict is not None
    assert "is over by more than the grace" in verdict.reason


def test_its_time_being_there_it_is_sent(newsletter: Newsletter) -> None:
    drafted(newsletter)
    verdict = newsletter.send(1, at=NOW)
    assert (verdict.verdict, verdict.accepted) == ("sent", 2)


def test_what_stands_against_it_is_told_before_the_wait(tmp_path: Path) -> None:
    newsletter = drafted(Newsletter(tmp_path).write(newsletter='approval = "required"'))
    verdict = newsletter.send(1, at=NOW + timedelta(days=3))
    assert (verdict.verdict, "waits for approval" in verdict.reason) == ("held", True)


@pytest.fixture
def by_sendgrid(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    return drafted(Newsletter(tmp_path).write(sending=SENDGRID.format(sendgrid_server.url)))


def reached(newsletter: Newsletter, sendgrid_server: SendGridServer, **options: object) -> Verdict:
    with answering(newsletter) as address:
        newsletter.write(sending=SENDGRID.format(sendgrid_server.url), base_url=address)
        return newsletter.send(1, **options)


def test_sendgrid_keeps_it_until_then(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    at = NOW + timedelta(hours=20)
    verdict = reached(by_sendgrid, sendgrid_server, at=at)
    assert verdict.verdict == "sent"
    assert "readers get it at 2026-11-26 05:00 UTC" in verdict.reason
    assert {body["send_at"] for body in sendgrid_server.bodies} == {int(at.timestamp())}


def killed(newsletter: Newsletter, sendgrid_server: SendGridServer, **options: object) -> None:
    """Send the first issue in a run that is killed before anything leaves."""

    def die(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as cut:
        cut.setattr(sending, "deliver", die)
        with pytest.raises(KeyboardInterrupt):
            reached(newsletter, sendgrid_server, **options)
    assert sendgrid_server.bodies == []
    newsletter.clock.go_on(timedelta(minutes=1))


@pytest.fixture
def cut_short(by_sendgrid: Newsletter, sendgrid_server: SendGridServer) -> Newsletter:
    """An issue for 05:00 of the next day whose run was killed before anything left."""
    killed(by_sendgrid, sendgrid_server, at=NOW + 20 * HOUR)
    return by_sendgrid


def test_what_was_cut_short_before_anything_left_keeps_its_time(
    cut_short: Newsletter, sendgrid_server: SendGridServer
) -> None:
    assert "readers get it at 2026-11-26 05:00 UTC" in cut_short.send(1, resumed=True).reason
    times = {body["send_at"] for body in sendgrid_server.bodies}
    assert times == {int((NOW + 20 * HOUR).timestamp())}


def test_another_time_counts_from_when_it_is_said(
    cut_short: Newsletter, sendgrid_server: SendGridServer
) -> None:
    reached(cut_short, sendgrid_server, at=NOW + 9 * HOUR)
    times = {body["send_at"] for body in sendgrid_server.bodies}
    assert times == {int((NOW + 9 * HOUR).timestamp())}


def test_sending_it_now_ends_its_time(
    cut_short: Newsletter, sendgrid_server: SendGridServer
) -> None:
    killed(cut_short, sendgrid_server, at_once=True)
    assert "readers get it at 2026-11-25" in cut_short.send(1, resumed=True).reason


def test_a_time_ends_with_the_stop_of_what_it_was_for(
    cut_short: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with open_store(cut_short.settings) as engine:
        issues.advance(engine, 1, before=[IssueStatus.SENDING], after=IssueStatus.STOPPED)
    reached(cut_short, sendgrid_server)
    [sent_at] = {body["send_at"] for body in sendgrid_server.bodies}
    assert sent_at < (NOW + HOUR).timestamp()


def test_sendgrid_keeps_nothing_for_longer(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    verdict = reached(by_sendgrid, sendgrid_server, at=NOW + LONGEST_KEPT + HOUR)
    assert verdict.verdict == "failed"
    assert (
        "keeps mail for 72 hours at most; say this again after 2026-11-25 10:00" in verdict.reason
    )
    assert sendgrid_server.bodies == []
    with open_store(by_sendgrid.settings) as engine:
        record = issues.find(engine, 1)
    assert record is not None
    assert record.status is IssueStatus.APPROVED


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--at", "soon"), "'soon' is no time"),
        (("--at", "2020-01-01T08:00"), "2020-01-01 08:00 UTC is over"),
        (("--at", "2020-01-01T08:00+02:00"), "2020-01-01 06:00 UTC is over"),
        (("--at", "9999-12-31T23:59-12:00"), "is no time"),
        (("--at", "2099-01-01", "--now"), "not both"),
    ],
)
def test_a_time_that_cannot_be_is_wrong_use(
    newsletter: Newsletter, arguments: tuple[str, ...], sentence: str
) -> None:
    config = str(newsletter.folder / "newsletter.toml")
    result = CliRunner().invoke(command, ["send", "1", *arguments, "--config", config])
    assert (result.exit_code, sentence in result.stderr) == (2, True), result.stderr
