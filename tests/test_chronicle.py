from __future__ import annotations

import email
import email.policy
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flows.errors import SettingsError
from flows.models import Outcome
from flows.pipeline.chronicle import KILLED, Account, chronicled, settle
from flows.pipeline.stores import open_store
from flows.store import runs
from flows.store.owner import this_process
from flows.store.runs import Ending, RunRecord
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

EDITOR = 'editor = "Eda <eda@example.org>"'
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write(newsletter=EDITOR).tell(*STORIES).subscribe(2)


def begin(engine: Engine, *, flow_run: str = "", job: str = "weekly", owner: str = "") -> int:
    who = owner or this_process()
    return runs.begin(engine, job=job, flow_run=flow_run, scheduled=False, owner=who, now=NOW)


def kept(newsletter: Newsletter, job: str = "weekly") -> RunRecord:
    with open_store(newsletter.settings) as engine:
        found = runs.last_ended(engine, job)
    assert found is not None
    return found


def letters(newsletter: Newsletter) -> list[str]:
    """What the editor was told, the subject and the text of each letter."""
    found = []
    for path in sorted((newsletter.folder / "outbox" / "letters").glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert message["To"] == "Eda <eda@example.org>"
        body = message.get_body(("plain",))
        assert body is not None
        found.append(f"{message['Subject']}\n{body.get_content()}")
    return found


def test_a_run_that_begins_is_unended_until_it_ends(any_engine: Engine) -> None:
    run_id = begin(any_engine)
    assert [run.id for run in runs.unended(any_engine)] == [run_id]
    assert runs.end(any_engine, run_id, Ending(verdict="sent", issue=3), now=LATER)
    assert runs.unended(any_engine) == []
    last = runs.last_ended(any_engine, "weekly")
    assert last is not None
    assert (last.verdict, last.issue, last.ended_at) == ("sent", 3, LATER)


def test_a_run_ends_once(any_engine: Engine) -> None:
    run_id = begin(any_engine)
    assert runs.end(any_engine, run_id, Ending(verdict="sent"), now=LATER)
    assert not runs.end(any_engine, run_id, Ending(verdict="failed"), now=LATER)
    last = runs.last_ended(any_engine, "weekly")
    assert last is not None
    assert last.verdict == "sent"


def test_a_run_is_found_by_the_name_that_the_scheduler_gave_it(any_engine: Engine) -> None:
    begin(any_engine, flow_run="one")
    run_id = begin(any_engine, flow_run="two")
    found = runs.find_flow_run(any_engine, "two")
    assert found is not None
    assert found.id == run_id
    assert runs.find_flow_run(any_engine, "three") is None


def test_how_often_runs_ended_so_in_a_row_is_counted_up_to_the_newest(any_engine: Engine) -> None:
    def end(job: str, reason: str) -> None:
        runs.end(
            any_engine, begin(any_engine, job=job), Ending(verdict="x", reason=reason), now=LATER
        )

    assert runs.in_a_row(any_engine, ["weekly", "send"], reason=KILLED) == 0
    for job, reason in [("weekly", KILLED), ("send", ""), ("send", KILLED), ("weekly", KILLED)]:
        end(job, reason)
    end("gather", "5 feeds")
    begin(any_engine)
    assert runs.in_a_row(any_engine, ["weekly", "send"], reason=KILLED) == 2
    end("weekly", "handed over")
    assert runs.in_a_row(any_engine, ["weekly", "send"], reason=KILLED) == 0


def test_each_jobs_last_run_is_its_own(any_engine: Engine) -> None:
    runs.end(any_engine, begin(any_engine, job="gather"), Ending(verdict="done"), now=LATER)
    assert runs.last_ended(any_engine, "weekly") is None
    assert runs.last_ended(any_engine, "gather") is not None


def test_a_run_leaves_its_verdict_in_the_database(newsletter: Newsletter) -> None:
    newsletter.run()
    last = kept(newsletter)
    assert (last.verdict, last.issue, last.owner) == ("sent", 1, this_process())


def test_the_editor_is_told_by_mail_how_a_run_ended(newsletter: Newsletter) -> None:
    newsletter.run()
    [told] = letters(newsletter)
    assert told.startswith("Harbour Weekly: Issue 1 sent\n")
    assert "2 of 2 accepted" in told


def test_that_an_issue_was_sent_before_is_no_news(newsletter: Newsletter) -> None:
    newsletter.run()
    newsletter.run()
    assert len(letters(newsletter)) == 1


def test_a_held_issue_is_told_with_what_to_type(newsletter: Newsletter) -> None:
    newsletter.write(newsletter=f'{EDITOR}\napproval = "required"').run()
    [told] = letters(newsletter)
    assert "held" in told
    assert "newsletter approve 1" in told


def test_a_rehearsal_leaves_no_trace_and_tells_nobody(newsletter: Newsletter) -> None:
    newsletter.run(dry_run=True)
    assert letters(newsletter) == []
    with open_store(newsletter.settings) as engine:
        assert runs.last_ended(engine, "weekly") is None


def test_without_an_editor_nobody_is_told(newsletter: Newsletter) -> None:
    newsletter.write().run()
    assert letters(newsletter) == []


def test_a_letter_that_cannot_be_written_does_not_hide_the_verdict(newsletter: Newsletter) -> None:
    outbox = newsletter.folder / "outbox"
    outbox.mkdir()
    (outbox / "letters").write_text("a file where the folder should be", encoding="utf-8")
    assert newsletter.run().verdict is Outcome.SENT


def test_settings_that_cannot_send_are_a_failed_run_that_was_told(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    newsletter.write(newsletter=EDITOR, sending='transport = "sendgrid"')
    with pytest.raises(SettingsError, match="SENDGRID_API_KEY"):
        newsletter.run()
    assert kept(newsletter).verdict == "failed"
    assert "SENDGRID_API_KEY" in kept(newsletter).reason


def test_what_breaks_off_is_kept_as_failed(newsletter: Newsletter) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        chronicled(newsletter.settings, Account(), clock=newsletter.clock),
    ):
        raise KeyboardInterrupt
    assert "it broke off" in kept(newsletter).reason


DIE = """
import os, sys
from pathlib import Path
from flows.pipeline.chronicle import Account, chronicled
from flows.settings import load
with chronicled(load(Path(sys.argv[1])), Account(job=sys.argv[2], flow_run="abc")):
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    ("job", "command"),
    [("weekly", "newsletter run"), ("send", "newsletter run"), ("draft", "newsletter draft")],
)
def test_a_killed_run_is_settled_and_told(newsletter: Newsletter, job: str, command: str) -> None:
    python = [sys.executable, "-c", DIE, str(newsletter.settings.path), job]
    assert subprocess.run(python, check=False).returncode == -9
    [settled] = settle(newsletter.settings, now=LATER)
    assert settled.flow_run == "abc"
    ended = kept(newsletter, job)
    assert (ended.reason, ended.next) == (KILLED, f"{command} goes on from there")
    [told] = letters(newsletter)
    assert KILLED in told
    assert command in told
    assert settle(newsletter.settings, now=LATER) == []


def test_a_run_that_lives_or_is_elsewhere_is_not_settled(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine:
        begin(engine)
        begin(engine, owner="another-machine:1:1")
    assert settle(newsletter.settings, now=LATER) == []


def test_what_a_machine_that_is_gone_left_is_over_before_the_next_week(
    newsletter: Newsletter,
) -> None:
    with open_store(newsletter.settings) as engine:
        begin(engine, owner="another-machine:1:1")
        alive = begin(engine)
    assert settle(newsletter.settings, now=NOW + timedelta(days=5)) == []
    [settled] = settle(newsletter.settings, now=NOW + timedelta(days=7) - timedelta(hours=1))
    assert settled.owner == "another-machine:1:1"
    with open_store(newsletter.settings) as engine:
        assert [run.id for run in runs.unended(engine)] == [alive]
