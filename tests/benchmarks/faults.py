"""Every way in which the provider can fail, and how an issue ends then: a true verdict each time.

    python tests/benchmarks/faults.py --sendgrid-sim PATH [--people 5000] [--batch-size 100]
        [--only WORD]

A verdict is true if the ledger's word for each reader is what the provider's log says: whom it
calls accepted has the mail once, whom it does not has none, and all others are called in doubt. A
run that stopped is then resumed with the faults gone, and must come to its end. Exit code 1 if
anything was untrue.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.deliver.deliver import Fence, Limits, deliver
from flows.deliver.sendgrid import SendGrid
from flows.models import DeliveryState
from flows.store.ledger import SqlLedger
from flows.store.migrations import migrate_all
from flows.store.records import load_deliveries
from subscribers.database import open_database
from tests.people import ISSUE, MAIL, add_people, email, link, start_issue
from tests.simulator import Simulator, arrived, faults

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.deliver.deliver import Report

KEY = "SG.faults"
# Seconds: less than a slow answer takes. Waits are cut, so that hours of them take seconds.
TIMEOUT = 1.0
LONGEST_WAIT = 0.05
WELL = {
    **dict.fromkeys(("p_500", "p_502", "p_503", "p_500_after", "p_413", "p_slow"), 0.0),
    **dict.fromkeys(("p_drop_before", "p_drop_after", "rate_limit"), 0.0),
    "max_bytes": 30 << 20,
    "bad_address_rejects": None,
    "bad_address_pattern": None,
    "api_key": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What goes wrong, as the simulator's flags say it."""

    name: str
    flags: tuple[str, ...] = ()


def _trouble(name: str, *flags: str) -> Trouble:
    return Trouble(name=name, flags=flags)


BAD = r"reader\d*77@"
MATRIX = (
    _trouble("nothing"),
    _trouble("429, told when", "--rate-limit", "2", "--rate-window", "0.25"),
    _trouble(
        "429, told nothing", "--rate-limit", "2", "--rate-window", "0.25", "--hide-rate-headers"
    ),
    _trouble("500 (5 %)", "--p-500", "0.05"),
    _trouble("502 (5 %)", "--p-502", "0.05"),
    _trouble("503 (5 %)", "--p-503", "0.05"),
    _trouble("500 after accepting (5 %)", "--p-500-after", "0.05"),
    _trouble("cut off before (5 %)", "--p-drop-before", "0.05"),
    _trouble("cut off after (5 %)", "--p-drop-after", "0.05"),
    _trouble(
        "reset before and after (5 %)", "--drop-rst", "--p-drop-before=.03", "--p-drop-after=.02"
    ),
    _trouble("too slow (5 %)", "--p-slow", "0.05:1.5"),
    _trouble(
        "all of these (2 % each)",
        *(
            f"--p-{name}=0.02"
            for name in ("500", "502", "503", "500-after", "drop-before", "drop-after")
        ),
        "--p-slow=0.02:1.5",
        "--rate-limit=8",
        "--rate-window=0.25",
    ),
    _trouble("413 (5 %)", "--p-413", "0.05"),
    _trouble("413, always", "--max-bytes", "5000"),
    _trouble("bad addresses, one named", "--bad-address-rejects", "--bad-address-pattern", BAD),
    _trouble("bad addresses, all named", "--bad-address-rejects=all", "--bad-address-pattern", BAD),
    _trouble("500, always", "--p-500", "1"),
    _trouble("cut off after, always", "--p-drop-after", "1"),
    _trouble("a wrong key", "--api-key", "SG.another"),
    _trouble("cancelling refused: too late", "--p-drop-after", "0.1", "--cancel-lead", "7200"),
    _trouble("cancelling refused: too many", "--p-drop-after", "0.1", "--max-cancels", "0"),
    _trouble("doubts in more waves than may be cancelled", "--p-drop-after", "0.2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How it ended at first, and after the resume."""

    report: Report
    untrue: int
    resumed: Report
    untrue_resumed: int
    faults: int
    seconds: float


def main() -> int:
    """Print the table; the exit code says whether all was true."""
    options = _options()
    print(
        "| what goes wrong | fence | faults | ended | accepted | refused | in doubt | left | "
        "untrue | resumed: accepted | in doubt | left | untrue | s |"
    )
    print("|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    good = True
    for trouble in MATRIX:
        for fence in (True, False):
            if options.only in trouble.name:
                row = _run(options, trouble, fence=fence)
                _print(trouble, row, fence=fence)
                finished = row.resumed.finished and bool(row.report.finished or row.report.reason)
                good &= finished and not (row.untrue or row.untrue_resumed)
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sendgrid-sim", required=True)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--only", default="", help="what goes wrong has this word in its name")
    return parser.parse_args()


def _run(options: argparse.Namespace, trouble: Trouble, *, fence: bool) -> Row:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/newsletter.db")
        migrate_all(engine)
        start_issue(engine)
        add_people(engine, options.people)
        log = Path(folder) / "sendgrid.jsonl"
        with Simulator(options.sendgrid_sim, log, *trouble.flags) as simulator:
            report = _send(engine, simulator.url, options, fence=fence)
            untrue = _untrue(engine, log, options.people)
            simulator.change(**WELL)
            resumed = _send(engine, simulator.url, options, fence=fence)
        row = Row(
            report=report,
            untrue=untrue,
            resumed=resumed,
            untrue_resumed=_untrue(engine, log, options.people),
            faults=faults(log).total(),
            seconds=time.perf_counter() - started,
        )
        engine.dispose()
    return row


def _send(engine: Engine, host: str, options: argparse.Namespace, *, fence: bool) -> Report:
    transport = SendGrid(KEY, host=host, now=_now, timeout=TIMEOUT)
    return deliver(
        MAIL,
        ledger=SqlLedger(engine, ISSUE),
        transport=transport,
        link=link,
        now=_now,
        wait=lambda seconds: time.sleep(min(seconds, LONGEST_WAIT)),
        stop=lambda: False,
        progress=lambda _counts: None,
        batch_size=options.batch_size,
        fence=Fence(provider=transport) if fence else None,
        # As in life, but for the waits, which are cut.
        limits=Limits(patience=timedelta(hours=9), rate_patience=timedelta(hours=99)),
    )


def _untrue(engine: Engine, log: Path, people: int) -> int:
    """Return of how many readers the ledger says what the provider's log does not."""
    got = arrived(log)
    word = {one: state for state in DeliveryState for one in _addresses(engine, state)}
    wrong = 0
    for one in map(email, range(1, people + 1)):
        expected = {
            DeliveryState.ACCEPTED: got[one] == 1,
            DeliveryState.IN_DOUBT: got[one] <= 1,
        }
        wrong += not expected.get(word[one], got[one] == 0)
    return wrong


def _addresses(engine: Engine, state: DeliveryState) -> Any:
    after = 0
    while found := load_deliveries(engine, ISSUE, state=state, after=after):
        yield from (one.email for one in found)
        after = found[-1].subscriber_id


def _print(trouble: Trouble, row: Row, *, fence: bool) -> None:
    counts, later = row.report.counts, row.resumed.counts
    ended = "finished" if row.report.finished else "stopped"
    said = f"{ended}: {row.report.reason}" if row.report.reason else ended
    figures = (counts.accepted, counts.refused, counts.in_doubt, counts.planned, row.untrue)
    resumed = (later.accepted, later.in_doubt, later.planned, row.untrue_resumed)
    cells = [
        trouble.name,
        "on" if fence else "off",
        f"{row.faults}",
        said[:110].replace("|", "/"),
        *(f"{one:,}" for one in (*figures, *resumed)),
        f"{row.seconds:.1f}",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())
