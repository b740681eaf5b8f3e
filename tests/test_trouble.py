"""What goes wrong around a run: each time there is a verdict, nothing is lost, the next goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import event, update
from sqlalchemy.pool import Pool

from flows.cli import newsletter as group
from flows.models import Outcome
from flows.pipeline.stores import open_store
from flows.store.ledger import SqlLedger
from subscribers.database import explained, open_database, versions
from subscribers.errors import DatabaseTooNew, DatabaseUnavailable
from tests.newsletters import STORIES, Newsletter, Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.models import Counts

ROOT = Path(__file__).parent.parent
WEEK = timedelta(days=7)


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write(sending="batch_size = 2").tell(*STORIES).subscribe(200)


class Meddler(Watcher):
    """Does something once the first mails are out."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        super().__init__()
        self._meddle: Callable[[], object] | None = meddle

    def sent(self, counts: Counts) -> None:
        super().sent(counts)
        if counts.accepted and self._meddle:
            meddle, self._meddle = self._meddle, None
            meddle()


class Disk:
    """A disk that is full from the moment that `fill` is called."""

    full = False

    def fill(self) -> None:
        self.full = True

    def checked_out(self, connection: sqlite3.Connection, *_rest: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if self.full else 2**30
        connection.execute(f"PRAGMA max_page_count={pages}")


@contextmanager
def small_disk() -> Iterator[Disk]:
    disk = Disk()
    event.listen(Pool, "checkout", disk.checked_out)
    try:
        yield disk
    finally:
        event.remove(Pool, "checkout", disk.checked_out)


def everybody_got_it_once(newsletter: Newsletter) -> bool:
    with open_store(newsletter.settings) as engine:
        counts = SqlLedger(engine, 1).counts()
    return counts.accepted == counts.intended == len(newsletter.mails) == 200


def test_a_full_disk_before_the_sending_is_a_verdict(newsletter: Newsletter) -> None:
    with small_disk() as disk:
        disk.fill()
        verdict = newsletter.run()
    assert verdict.verdict is Outcome.FAILED
    assert "full: make room" in verdict.reason
    assert newsletter.run().verdict is Outcome.SENT
    assert everybody_got_it_once(newsletter)


def test_a_full_disk_in_mid_send_is_a_verdict_and_the_next_run_goes_on(
    newsletter: Newsletter,
) -> None:
    with small_disk() as disk:
        newsletter.watcher = Meddler(disk.fill)
        verdict = newsletter.run()
    assert verdict.verdict is Outcome.FAILED
    assert "full: make room" in verdict.reason
    assert 0 < len(newsletter.mails) < 200
    assert newsletter.run().verdict is Outcome.SENT
    assert everybody_got_it_once(newsletter)


def test_a_locked_database_is_told_in_a_sentence(newsletter: Newsletter) -> None:
    file = newsletter.folder / "newsletter.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    hasty = open_database(f"sqlite:///{file}")

    def lose_patience(connection: sqlite3.Connection, *_rest: object) -> None:
        connection.execute("PRAGMA busy_timeout=0")

    event.listen(hasty, "checkout", lose_patience)
    with (
        pytest.raises(DatabaseUnavailable, match="another process has held it"),
        explained(),
        hasty.begin(),
    ):
        pass
    hasty.dispose()
    other.close()
    assert newsletter.run().verdict is Outcome.SENT


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write()
    (tmp_path / "newsletter.db").write_bytes(b"not a database at all, " * 500)
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.FAILED
    assert "not a database; put a backup in its place" in verdict.reason


def test_a_clock_that_was_set_back_sends_nothing_twice(newsletter: Newsletter) -> None:
    newsletter.run()
    newsletter.clock.go_on(-timedelta(hours=3))
    again = newsletter.run()
    assert (again.verdict, again.reason) == (Outcome.SKIPPED, "already sent #1")
    newsletter.clock.go_on(-3 * WEEK)
    newsletter.run()
    assert everybody_got_it_once(newsletter)


def test_a_clock_that_is_set_back_in_mid_send_does_no_harm(newsletter: Newsletter) -> None:
    newsletter.watcher = Meddler(lambda: newsletter.clock.go_on(-timedelta(days=2)))
    assert newsletter.run().verdict is Outcome.SENT
    assert everybody_got_it_once(newsletter)


def test_settings_that_change_during_a_run_are_for_the_next(newsletter: Newsletter) -> None:
    newsletter.watcher = Meddler(
        lambda: (newsletter.folder / "newsletter.toml").write_text("broken", encoding="utf-8")
    )
    assert newsletter.run().verdict is Outcome.SENT
    newsletter.write()
    assert everybody_got_it_once(newsletter)


SEND = """
import sys
from flows.cli import main
main(["send", "1", "--json", "--config", sys.argv[1]])
"""


def test_sigterm_in_mid_send_ends_in_a_verdict_and_the_next_goes_on(
    newsletter: Newsletter,
) -> None:
    newsletter.watcher = Watcher(stop_after=10)
    newsletter.run()
    config = str(newsletter.folder / "newsletter.toml")
    sending = subprocess.Popen(
        [sys.executable, "-c", SEND, config],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    while len(newsletter.mails) < 20 and sending.poll() is None:
        pass
    sending.send_signal(signal.SIGTERM)
    told = sending.communicate()[0]
    assert b'"verdict": "' in told
    newsletter.watcher = Watcher()
    assert newsletter.run().verdict in (Outcome.SENT, Outcome.SKIPPED)
    assert everybody_got_it_once(newsletter)


def test_the_window_after_a_skipped_week_is_two_weeks(newsletter: Newsletter) -> None:
    newsletter.run()
    fresh = [(f"Fresh news on {word}", f"All of {word}.") for word in ("ropes", "knots", "tides")]
    # The next week has one story: too few. It is told with those of the week after.
    newsletter.clock.go_on(WEEK)
    newsletter.tell(fresh[0], when=newsletter.clock.now - timedelta(days=1))
    assert newsletter.run().verdict is Outcome.SKIPPED
    newsletter.clock.go_on(WEEK)
    newsletter.tell(*fresh[1:], when=newsletter.clock.now - timedelta(days=1))
    verdict = newsletter.run()
    assert (verdict.verdict, verdict.entries) == (Outcome.SENT, 3)


def test_a_newer_database_is_told_before_a_server_is_started(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        connection.execute(update(versions).values(version=99))
    settings_file = newsletter.folder / "newsletter.toml"
    serve = group.get_command(click.Context(group), "serve")
    assert serve
    result = CliRunner().invoke(serve, ["--config", str(settings_file), "--port", "0"])
    assert isinstance(result.exception, DatabaseTooNew)
    assert "Prefect" not in result.stderr
