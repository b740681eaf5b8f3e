"""What handing an issue over costs: recipients per second and per CPU-second, and peak memory.

    python tests/benchmarks/deliver.py --sendgrid-sim PATH [--people 100000] [--database URL]
        [--batch-size 1000] [--fence] [any option of the simulator, such as --p-drop-after 0.1]

The simulator runs as a process of its own and is not counted; its report says who got what.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from flows.deliver.deliver import Fence, Report, deliver
from flows.deliver.sendgrid import SendGrid
from flows.models import IssueStatus, Mail
from flows.store.ledger import SqlLedger
from flows.store.migrations import migrate_all
from flows.store.schema import issues
from subscribers.database import open_database
from subscribers.schema import subscribers
from subscribers.tokens import Keys, Purpose, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

ISSUE = 1
TAG = "-unsubscribe-benchmark-"
PARAGRAPH = "<p>A sentence of an issue that is neither short nor long, and says little.</p>\n"
CHUNK = 10_000


def main() -> int:
    """Run it and print the figures; the exit code is the simulator's judgement."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{folder}/newsletter.db"
        engine = open_database(url)
        migrate_all(engine)
        _fill(engine, options.people)
        log = Path(folder) / "sendgrid.jsonl"
        with Simulator(options, log) as port:
            _measure(engine, options, port)
        expected = Path(folder) / "expected.txt"
        expected.write_text("\n".join(map(_email, range(1, options.people + 1))))
        return subprocess.call(
            [
                sys.executable,
                options.sendgrid_sim,
                "--report",
                log,
                "--expected",
                expected,
                "--fail",
            ]
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sendgrid-sim", required=True)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--database", default="")
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--fence", action="store_true")
    options, rest = parser.parse_known_args()
    options.simulator = rest
    return options


class Simulator:
    """The simulator's port, while the `with` block lasts."""

    def __init__(self, options: argparse.Namespace, log: Path) -> None:
        command = [sys.executable, options.sendgrid_sim, "--log", str(log), *options.simulator]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline().split()[1])

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.communicate()


def _measure(engine: Engine, options: argparse.Namespace, port: int) -> None:
    keys = Keys.load("benchmark-key-" + "0" * 40)
    transport = SendGrid("SG.benchmark", host=f"http://127.0.0.1:{port}", now=_now)
    started, cpu = time.perf_counter(), time.process_time()
    report = deliver(
        _mail(),
        ledger=SqlLedger(engine, ISSUE),
        transport=transport,
        link=lambda one: (
            f"https://weekly.example.org/u/{sign(keys, Purpose.UNSUBSCRIBE, one, ISSUE)}"
        ),
        now=_now,
        wait=time.sleep,
        stop=lambda: False,
        progress=lambda _counts: None,
        batch_size=options.batch_size,
        fence=Fence(provider=transport) if options.fence else None,
    )
    _print(report, time.perf_counter() - started, time.process_time() - cpu)


def _print(report: Report, wall: float, cpu: float) -> None:
    accepted = report.counts.accepted
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"accepted       {accepted:>12,}  of {report.counts.intended:,}; {report.reason or 'done'}"
    )
    print(f"wall           {wall:>12.1f}  s   {accepted / wall:>10,.0f} recipients a second")
    print(f"CPU            {cpu:>12.1f}  s   {accepted / cpu:>10,.0f} recipients a CPU-second")
    print(f"peak memory    {peak:>12.0f}  MB, PSS now {_pss():.0f} MB")


def _pss() -> float:
    lines = Path(f"/proc/{os.getpid()}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _now() -> datetime:
    return datetime.now(UTC)


def _email(one: int) -> str:
    return f"reader{one}@example.org"


def _mail() -> Mail:
    leave = f'<p><a href="{TAG}">Leave</a></p>'
    return Mail(
        issue=ISSUE,
        subject="Benchmark 1: what it costs",
        preheader="",
        html=PARAGRAPH * 170 + leave,
        text=f"{PARAGRAPH * 60}\nLeave: {TAG}\n",
        sender="Benchmark <weekly@example.org>",
        unsubscribe_tag=TAG,
    )


def _fill(engine: Engine, people: int) -> None:
    with engine.begin() as connection:
        if connection.execute(select(func.count()).select_from(subscribers)).scalar():
            raise SystemExit("the database must be empty")
        connection.execute(
            insert(issues).values(number=ISSUE, status=IssueStatus.SENDING.value, subject="")
        )
        for rows in _rows(people):
            connection.execute(insert(subscribers), rows)


def _rows(people: int) -> Iterator[list[dict[str, object]]]:
    now = _now()
    for first in range(1, people + 1, CHUNK):
        yield [
            {
                "id": one,
                "email": _email(one),
                "key": _email(one),
                "name": "",
                "status": "active",
                "created_at": now,
            }
            for one in range(first, min(first + CHUNK, people + 1))
        ]


if __name__ == "__main__":
    sys.exit(main())
