"""Senders are killed in mid-send and resumed, many times over: nobody twice, nobody lost.

    python tests/benchmarks/kill.py --sendgrid-sim PATH [--runs 200] [--from 1] [--output FILE]
        [--people 5000] [--batch-size 100] [--database URL]

Each run has a number, which draws all of it: the fence on or off, one sender or two, the
provider's faults, and the moment of the SIGKILL between the first claim and the last record. A
fresh simulator each time. The output has one JSON line a run and is added to, so a proof may be
made in parts: the table is of all runs in the file. Exit code 1 if a run broke the promise.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import select as selecting
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from flows.deliver.deliver import Fence, Limits, deliver
from flows.deliver.fence import CANCELS
from flows.deliver.sendgrid import SendGrid
from flows.models import DOUBT, Counts, DeliveryState
from flows.store.ledger import SqlLedger
from flows.store.migrations import migrate_all
from flows.store.records import load_deliveries
from flows.store.schema import batches, deliveries, issues, waves
from subscribers.database import open_database
from subscribers.schema import subscribers
from tests.people import ISSUE, MAIL, add_people, email, link, start_issue
from tests.simulator import Simulator, arrived, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from flows.deliver.transport import Transport
    from flows.models import Batch, Mail, Receipt, Wave
    from flows.store.records import DeliveryRecord

# Seconds: less than a slow answer takes, so that slow ones are in doubt.
TIMEOUT = 1.0
SLOW = 1.5
LONGEST_WAIT = 0.05
FAULTS = {"drop-after": 0.03, "drop-before": 0.03, "500-after": 0.03}
SLOW_ONES = 0.01
LONGEST_RUN = 120.0
# Bytes a sender writes for one batch: before and after its claim, hand-over and record.
STEPS_A_BATCH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What the run's number drew."""

    run: int
    fence: bool
    senders: int
    faults: int
    step: int
    delay: float
    victim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended: `lost` are missing and not in doubt, `stray` in doubt with slots free."""

    run: int
    fence: bool
    senders: int
    killed: bool
    faults: int
    doubts: int
    cancels: int
    in_doubt: int
    twice: int
    missing: int
    lost: int
    stray: int
    finished: bool
    sum_holds: bool
    seconds: float

    @property
    def promise_kept(self) -> bool:
        """Nobody twice, nobody lost, none in doubt while slots were free, all accounted for."""
        return self.finished and self.sum_holds and not (self.twice or self.lost or self.stray)


def main() -> int:
    """Run what is asked for and print the table of all that the output holds."""
    options = _options()
    output = Path(options.output)
    with tempfile.TemporaryDirectory() as folder:
        options.template = _template(Path(folder), options.people)
        for number in range(options.first, options.first + options.runs):
            result = _run(options, _draw(options, number))
            with output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")
            if not result.promise_kept:
                print("BROKEN", result, flush=True)
    results = [Result(**json.loads(line)) for line in output.read_text().splitlines()]
    _print(results)
    return 0 if all(result.promise_kept for result in results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sendgrid-sim", required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other runs")
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--database", default="", help="an empty one; else a SQLite file a run")
    parser.add_argument("--output", default="kill.jsonl")
    return parser.parse_args()


def _draw(options: argparse.Namespace, number: int) -> Drawn:
    chance = random.Random(f"{options.seed}/{number}")  # noqa: S311 - moments, not secrets
    senders = 1 + number // 2 % 2
    steps = STEPS_A_BATCH * options.people // options.batch_size
    return Drawn(
        run=number,
        fence=number % 2 == 0,
        senders=senders,
        faults=chance.choice([0, 1, 2, 3, 4, 8, 1000]),
        step=chance.randint(2, steps - 1),
        delay=chance.choice([0.0, chance.uniform(0, 0.02)]),
        victim=chance.randrange(senders),
    )


def _run(options: argparse.Namespace, drawn: Drawn) -> Result:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        database = _database(options, Path(folder))
        log = Path(folder) / "sendgrid.jsonl"
        with _simulator(options.sendgrid_sim, log, drawn) as simulator:
            senders = Senders(database=database, host=simulator.url, options=options, drawn=drawn)
            killed = senders.kill_one()
            finished = senders.finish()
        ended = {"killed": killed, "finished": finished}
        judged = _judged(database, log, options, drawn)
    return Result(**judged, **ended, seconds=round(time.perf_counter() - started, 2))


def _database(options: argparse.Namespace, folder: Path) -> str:
    """Return the address of a database with everybody on the list and nothing sent."""
    if options.database:
        engine = open_database(options.database)
        migrate_all(engine)
        with engine.begin() as connection:
            for table in (deliveries, batches, waves, issues, subscribers):
                connection.execute(delete(table))
        _fill(engine, options.people)
        return str(options.database)
    shutil.copy(options.template, folder / "newsletter.db")
    return f"sqlite:///{folder / 'newsletter.db'}"


def _template(folder: Path, people: int) -> Path:
    """Return a SQLite file to be copied: faster than filling one for each run."""
    template = folder / "template.db"
    engine = open_database(f"sqlite:///{template}")
    migrate_all(engine)
    _fill(engine, people)
    return template


def _fill(engine: Engine, people: int) -> None:
    start_issue(engine)
    add_people(engine, people)
    engine.dispose()


def _simulator(program: str, log: Path, drawn: Drawn) -> Simulator:
    return Simulator(
        program,
        log,
        *("--seed", str(drawn.run), "--max-faults", str(drawn.faults)),
        *(f"--p-{name}={chance}" for name, chance in FAULTS.items()),
        *("--p-slow", f"{SLOW_ONES}:{SLOW}"),
        *("--rate-limit", "10", "--rate-window", "0.25"),
    )


class Told:
    """A transport that writes a byte before and after each hand-over; the mail is not touched."""

    def __init__(self, transport: Transport, tell: Callable[[], None]) -> None:
        self._transport = transport
        self._tell = tell
        self.name = transport.name
        self.limit = transport.limit
        self.repeatable = transport.repeatable

    def hand_over(self, mail: Mail, batch: Batch) -> Receipt:
        """Return what the transport returns."""
        self._tell()
        try:
            return self._transport.hand_over(mail, batch)
        finally:
            self._tell()


class ToldLedger(SqlLedger):
    """A ledger that writes a byte before and after each claim and record."""

    tell: Callable[[], None]

    def claim(
        self, size: int, *, now: datetime, link: Callable[[int], str], wave: Wave | None = None
    ) -> Batch | None:
        """Return what the ledger returns."""
        batch = super().claim(size, now=now, link=link, wave=wave)
        self.tell()
        self.tell()
        return batch

    def record(self, batch: Batch, receipt: Receipt, *, now: datetime) -> None:
        """Keep what became of a batch."""
        self.tell()
        super().record(batch, receipt, now=now)
        self.tell()


@dataclass
class Senders:
    """The processes of one run."""

    database: str
    host: str
    options: argparse.Namespace
    drawn: Drawn
    running: set[int] = field(default_factory=set)

    def kill_one(self) -> bool:
        """Start the senders, kill one at the drawn step; return whether it was still at work."""
        reader, writer = os.pipe()
        pids = [self._start(writer) for _ in range(self.drawn.senders)]
        os.close(writer)
        _count(reader, self.drawn.step)
        time.sleep(self.drawn.delay)
        victim = pids[self.drawn.victim]
        os.kill(victim, signal.SIGKILL)
        killed = os.WIFSIGNALED(os.waitpid(victim, 0)[1])
        os.close(reader)
        self.running = set(pids) - {victim}
        return killed

    def finish(self) -> bool:
        """Resume to the end; return whether the last sender came to it by itself."""
        # The other one is left to finish or to share: that is how a second run meets a first.
        last = self._start(None)
        limit = time.monotonic() + LONGEST_RUN
        ended: dict[int, int] = {}
        waiting = self.running | {last}
        while waiting - set(ended) and time.monotonic() < limit:
            for pid in waiting - set(ended):
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    ended[pid] = status
            time.sleep(0.005)
        for pid in waiting - set(ended):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return ended == dict.fromkeys(waiting, 0)

    def _start(self, writer: int | None) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            self._send(writer)
            code = 0
        finally:
            os._exit(code)

    def _send(self, writer: int | None) -> None:
        # A pipe that nobody reads any more must not end the other sender.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

        def tell() -> None:
            if writer is not None:
                with contextlib.suppress(BrokenPipeError):
                    os.write(writer, b".")

        transport = SendGrid("SG.kill", host=self.host, now=_now, timeout=TIMEOUT)
        ledger = ToldLedger(open_database(self.database), ISSUE)
        ledger.tell = tell
        deliver(
            MAIL,
            ledger=ledger,
            transport=Told(transport, tell),
            link=link,
            now=_now,
            wait=lambda seconds: time.sleep(min(seconds, LONGEST_WAIT)),
            stop=lambda: False,
            progress=lambda _counts: None,
            batch_size=self.options.batch_size,
            fence=Fence(provider=transport) if self.drawn.fence else None,
            limits=Limits(doubts_in_a_row=1000, patience=timedelta(hours=9)),
        )


def _count(reader: int, step: int) -> None:
    """Return after so many bytes, or when nobody writes any more."""
    seen = 0
    while seen < step:
        ready, _, _ = selecting.select([reader], [], [], LONGEST_RUN)
        data = os.read(reader, step - seen) if ready else b""
        if not data:
            return
        seen += len(data)


def _judged(database: str, log: Path, options: argparse.Namespace, drawn: Drawn) -> dict[str, Any]:
    """Return what the provider's log says, held against the ledger."""
    engine = open_database(database)
    ledger = SqlLedger(engine, ISSUE)
    counts = ledger.counts()
    doubtful = {one.email for one in _all(engine, DeliveryState.IN_DOUBT)}
    accepted = {one.email for one in _all(engine, DeliveryState.ACCEPTED)}
    cancels = sum(wave.because == DOUBT for wave in ledger.waves())
    engine.dispose()
    got, trouble = arrived(log), faults(log)
    missing = {email(one) for one in range(1, options.people + 1)} - set(got)
    # Whom the ledger calls accepted must have it; whom it does not must be in doubt to have it.
    lost = (missing - doubtful) | (accepted - set(got)) | (set(got) - accepted - doubtful)
    slots_free = drawn.fence and cancels < CANCELS
    settled = Counts(accepted=counts.accepted, in_doubt=counts.in_doubt)
    return {
        "run": drawn.run,
        "fence": drawn.fence,
        "senders": drawn.senders,
        "faults": trouble.total(),
        "doubts": trouble.total() - trouble["429"],
        "cancels": cancels,
        "in_doubt": counts.in_doubt,
        "twice": sum(count > 1 for count in got.values()),
        "missing": len(missing),
        "lost": len(lost),
        "stray": counts.in_doubt if slots_free else 0,
        "sum_holds": counts == settled and counts.intended == options.people,
    }


def _all(engine: Engine, state: DeliveryState) -> Iterator[DeliveryRecord]:
    after = 0
    while found := load_deliveries(engine, ISSUE, state=state, after=after):
        yield from found
        after = found[-1].subscriber_id


def _now() -> datetime:
    return datetime.now(UTC)


def _print(results: list[Result]) -> None:
    print(
        "| fence | senders | runs | killed | faults | cancelled waves | people in doubt |", end=""
    )
    print(" twice | lost | in doubt with a slot free | promise kept |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    kinds = sorted({(result.fence, result.senders) for result in results}, reverse=True)
    for fence, senders in kinds:
        these = [one for one in results if (one.fence, one.senders) == (fence, senders)]
        _print_row("on" if fence else "off", str(senders), these)
    _print_row("all", "", results)


def _print_row(fence: str, senders: str, results: list[Result]) -> None:
    figures = [
        len(results),
        *(
            sum(getattr(one, name) for one in results)
            for name in ("killed", "faults", "cancels", "in_doubt", "twice", "lost", "stray")
        ),
        sum(one.promise_kept for one in results),
    ]
    print(f"| {fence} | {senders} | " + " | ".join(f"{one:,}" for one in figures) + " |")


if __name__ == "__main__":
    sys.exit(main())
