"""Runs that are cut short, by a person, a shutdown, a server that dies: each end is told truly."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest

from flows.cli.server import own_server
from flows.models import Outcome
from tests.newsletters import STORIES, Newsletter
from tests.sendgrid_server import KEY as SENDGRID_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.feed_server import FeedServer
    from tests.sendgrid_server import SendGridServer

pytestmark = pytest.mark.prefect

# On a busy machine two first starts, one after the other, take their time.
PATIENCE = 180.0
# Runs in processes of their own live by the clock on the wall.
TODAY = datetime.now(UTC) - timedelta(hours=1)
READERS = 4


class Run:
    """`newsletter run --json` in a process of its own; what it says is heard as it is said."""

    def __init__(self, newsletter: Newsletter, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "run", "--json"],
            cwd=newsletter.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._heard:
                self.said.append(line)
                self._heard.notify_all()

    def until(self, words: str) -> None:
        """Wait until it has said this."""
        with self._heard:
            heard = self._heard.wait_for(lambda: words in self.text, timeout=PATIENCE)
        assert heard, self.text

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, *, within: float = PATIENCE) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the verdict."""
        assert self._process.stdout is not None
        code = self._process.wait(timeout=within)
        verdict: dict[str, Any] = json.loads(self._process.stdout.read())
        assert "Traceback" not in self.text, self.text
        return code, verdict

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        # Waits for the end, and closes what was open to it.
        self._listener.join()
        self._process.communicate()

    @property
    def text(self) -> str:
        return "".join(self.said)


@pytest.fixture
def by_sendgrid(tmp_path: Path, sendgrid_server: SendGridServer) -> Newsletter:
    """One request a reader; the links are SendGrid's, so that nothing has to answer here."""
    sending = (
        f'transport = "sendgrid"\nsendgrid_host = "{sendgrid_server.url}"\nfence = false\n'
        'batch_size = 1\nunsubscribe = "sendgrid"'
    )
    return Newsletter(tmp_path).write(sending=sending).tell(*STORIES, when=TODAY).subscribe(READERS)


@contextmanager
def at_request(server: SendGridServer, number: int, act: Callable[[], None]) -> Iterator[None]:
    """Do something while the request of this number is being answered."""
    arrived = iter(range(1, 1_000))

    def watch(moment: str) -> None:
        if moment == "arrived" and next(arrived) == number:
            act()

    server.watcher = watch
    yield
    server.watcher = lambda _moment: None


def wait_for(look: Callable[[], object], *, what: str) -> None:
    limit = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < limit, f"{what}: nothing after {PATIENCE:.0f} s"
        time.sleep(0.05)


def test_a_stop_while_gathering_is_told_and_keeps_what_arrived(
    tmp_path: Path, api: str, feed_server: FeedServer
) -> None:
    newsletter = Newsletter(tmp_path).write().tell(*STORIES, when=TODAY).subscribe(1)
    with (tmp_path / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[[feeds]]\nurl = "{feed_server.url("/hang")}"\n')
        settings.write("\n[gather]\nallow_private_networks = true\n")
    with Run(newsletter, PREFECT_API_URL=api) as run:
        wait_for(lambda: feed_server.asked("/hang"), what="a request for the feed")
        run.signal(signal.SIGTERM)
        run.until("Stopping")
        feed_server.ended.set()
        code, verdict = run.end()
    assert (code, verdict["verdict"]) == (130, "failed")
    assert "gathering was stopped" in verdict["reason"]
    assert newsletter.mails == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_sending_ends_after_the_request_in_flight(
    by_sendgrid: Newsletter,
    api: str,
    sendgrid_server: SendGridServer,
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", SENDGRID_KEY)
    with Run(by_sendgrid, PREFECT_API_URL=api) as run:

        def stop() -> None:
            run.signal(number)
            run.until("Stopping")

        with at_request(sendgrid_server, 2, stop):
            code, verdict = run.end()
    assert (code, verdict["verdict"], verdict["accepted"]) == (130, "failed", 2)
    assert verdict["next"] == "newsletter send 1"
    assert by_sendgrid.send(1).verdict is Outcome.SENT
    assert sorted(sendgrid_server.delivered.values()) == [1] * READERS


def test_a_stop_while_prefect_starts_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with Run(Newsletter(tmp_path).write().tell(*STORIES, when=TODAY).subscribe(1)) as run:
        run.until("Starting Prefect")
        run.signal(signal.SIGTERM)
        code, verdict = run.end()
    assert (code, verdict["verdict"], verdict["reason"]) == (130, "failed", "interrupted")
    assert run.said[1:] == ["newsletter: interrupted\n"]


def test_a_server_that_dies_in_mid_run_hides_no_verdict(
    by_sendgrid: Newsletter,
    home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    sendgrid_server: SendGridServer,
) -> None:
    state = tmp_path_factory.mktemp("mortal")
    shutil.copytree(home, state / "prefect")
    with own_server(state, ui=False, narrate=lambda _: None) as server:
        keys = {"PREFECT_API_URL": server.url, "SENDGRID_API_KEY": SENDGRID_KEY}
        with (
            Run(by_sendgrid, **keys) as run,
            at_request(sendgrid_server, 2, server.child.kill),
        ):
            run.until("server is gone")
            code, verdict = run.end(within=30)
    assert (code, verdict["verdict"], verdict["accepted"]) == (0, "sent", READERS)
    assert "ERROR" not in run.text
    assert sorted(sendgrid_server.delivered.values()) == [1] * READERS


def test_two_first_runs_at_the_same_moment_both_end_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    newsletter = Newsletter(tmp_path).write().tell(*STORIES, when=TODAY).subscribe(READERS)
    with Run(newsletter) as one, Run(newsletter) as other:
        ends = [one.end(), other.end()]
    assert [code for code, _ in ends] == [0, 0]
    assert "sent" in {verdict["verdict"] for _, verdict in ends}
    assert {verdict["accepted"] for _, verdict in ends} == {READERS}
    assert len(newsletter.mails) == READERS
