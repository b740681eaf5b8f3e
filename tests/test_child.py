"""The child's side of parsing: one answer a job, and the end when nobody asks any more."""

from __future__ import annotations

import threading
from multiprocessing import Pipe
from typing import TYPE_CHECKING

import pytest

from flows.gather.child import serve
from flows.gather.job import Job, Outcome
from flows.models import Feed
from tests.feed_server import FEED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from multiprocessing.connection import Connection

URL = "https://x.example/f"


@pytest.fixture
def ours() -> Iterator[Connection]:
    """Serve the other end of a pipe in a thread and return ours."""
    ours, theirs = Pipe()
    thread = threading.Thread(target=serve, args=(theirs,), daemon=True)
    thread.start()
    yield ours
    ours.close()
    # It ends by itself: the connection is closed, so nobody asks any more.
    thread.join(5)
    theirs.close()
    assert not thread.is_alive()


def ask(connection: Connection, body: bytes, now: datetime) -> Outcome:
    connection.send(Job(feed=Feed(url=URL), url=URL, content_type="", now=now))
    connection.send_bytes(body)
    outcome: Outcome = connection.recv()
    return outcome


def test_a_job_is_answered_and_the_next_one_too(ours: Connection, now: datetime) -> None:
    assert ours.recv() == "ready"
    outcome = ask(ours, FEED, now)
    assert outcome.parsed is not None
    assert len(outcome.parsed.items) == 2
    if outcome.last:
        return  # the process that runs these tests is large, so the child would be replaced
    assert ask(ours, b"", now).problem == f"parse: {URL} is empty"
