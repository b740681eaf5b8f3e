from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flows.store import leases
from flows.store.owner import alive, this_process

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

LASTS = timedelta(minutes=15)
ELSEWHERE = "another-host:1:1"


@pytest.fixture
def engine(any_engine: Engine) -> Engine:
    return any_engine


def dead_owner() -> str:
    code = "from flows.store.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return ended.stdout.decode().strip()


def test_this_process_lives() -> None:
    assert alive(this_process()) is True


def test_a_process_that_ended_is_known_to_be_dead() -> None:
    assert alive(dead_owner()) is False


def test_a_process_id_that_was_used_again_is_another_process() -> None:
    host, pid, _ = this_process().rsplit(":", 2)
    assert alive(f"{host}:{pid}:1") is False


def test_nothing_is_known_of_another_host() -> None:
    assert alive(ELSEWHERE) is None


def test_a_held_lease_is_refused(engine: Engine, now: datetime) -> None:
    assert leases.acquire(engine, "draft", owner=ELSEWHERE, now=now, lasts=LASTS)
    assert not leases.acquire(engine, "draft", owner=this_process(), now=now, lasts=LASTS)


def test_its_owner_may_prolong_a_lease(engine: Engine, now: datetime) -> None:
    assert leases.acquire(engine, "draft", owner=ELSEWHERE, now=now, lasts=LASTS)
    assert leases.acquire(engine, "draft", owner=ELSEWHERE, now=now + LASTS / 2, lasts=LASTS)
    assert not leases.acquire(engine, "draft", owner=this_process(), now=now + LASTS, lasts=LASTS)


def test_a_released_lease_is_free(engine: Engine, now: datetime) -> None:
    leases.acquire(engine, "draft", owner=ELSEWHERE, now=now, lasts=LASTS)
    leases.release(engine, "draft", owner=this_process())
    assert not leases.acquire(engine, "draft", owner=this_process(), now=now, lasts=LASTS)
    leases.release(engine, "draft", owner=ELSEWHERE)
    assert leases.acquire(engine, "draft", owner=this_process(), now=now, lasts=LASTS)


def test_a_dead_owner_holds_nothing(engine: Engine, now: datetime) -> None:
    leases.acquire(engine, "draft", owner=dead_owner(), now=now, lasts=LASTS)
    assert leases.acquire(engine, "draft", owner=ELSEWHERE, now=now, lasts=LASTS)


def test_a_lease_of_another_host_ends_with_its_time(engine: Engine, now: datetime) -> None:
    leases.acquire(engine, "draft", owner=ELSEWHERE, now=now, lasts=LASTS)
    assert leases.acquire(engine, "draft", owner=this_process(), now=now + LASTS, lasts=LASTS)


def test_a_living_owner_keeps_its_lease_past_its_time(engine: Engine, now: datetime) -> None:
    leases.acquire(engine, "draft", owner=this_process(), now=now, lasts=LASTS)
    assert not leases.acquire(engine, "draft", owner=ELSEWHERE, now=now + 2 * LASTS, lasts=LASTS)
