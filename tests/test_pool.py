"""Parsing in children: both answer, and what takes too long or too much is killed."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from flows.errors import ParseError
from flows.gather.job import Job
from flows.gather.pool import MEMORY, ParserPool
from flows.gather.process import Child
from flows.models import Feed
from tests.feed_server import FEED

if TYPE_CHECKING:
    from datetime import datetime

URL = "https://x.example/f"
# feedparser needs minutes for these few kilobytes.
ATTRIBUTES = " ".join(f'a{n}="1"' for n in range(40_000)).encode()
SLOW = (
    b"<rss version='2.0'><channel><item " + ATTRIBUTES + b"><guid>1</guid></item></channel></rss>"
)


def parse(pool: ParserPool, body: bytes, now: datetime) -> int:
    return len(pool.parse(body, feed=Feed(url=URL), url=URL, now=now).items)


def test_many_threads_share_the_children(now: datetime) -> None:
    with ParserPool() as pool, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: parse(pool, FEED, now), range(20)))
    assert found == [2] * 20


def test_what_is_no_feed_is_the_same_error_from_a_child(now: datetime) -> None:
    with ParserPool() as pool, pytest.raises(ParseError, match="is empty"):
        parse(pool, b"", now)


def test_a_parse_that_takes_too_long_is_killed_and_the_next_one_works(now: datetime) -> None:
    with ParserPool(seconds=1) as pool:
        with pytest.raises(ParseError, match="takes longer than"):
            parse(pool, SLOW, now)
        assert parse(pool, FEED, now) == 2


def test_a_parse_that_takes_too_much_memory_is_a_sentence(now: datetime) -> None:
    large = FEED.replace(b"Nine ropes", b"<p>Nine ropes</p>" * 600_000)
    with ParserPool(memory=60 * 2**20) as pool:
        with pytest.raises(ParseError, match="takes more than 60 MB"):
            parse(pool, large, now)
        assert parse(pool, FEED, now) == 2


def test_a_child_whose_parent_is_gone_does_not_read_on_for_ever(now: datetime) -> None:
    child = Child(memory=MEMORY, seconds=0.2)
    child._connection.send(Job(feed=Feed(url=URL), url=URL, content_type="", now=now))
    child._connection.send_bytes(SLOW)
    child._connection.close()
    assert child._process.wait(20) == -signal.SIGALRM


def test_no_child_starts_before_there_is_something_to_read() -> None:
    with ParserPool() as pool:
        assert all(pool._idle.get_nowait() is None for _ in range(pool._size))
        for _ in range(pool._size):
            pool._idle.put(None)
