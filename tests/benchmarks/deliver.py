"""What an issue to a million inboxes costs: import and hand-over, beside the naive ways.

    python tests/benchmarks/deliver.py --sendgrid-sim PATH [--people 10000 100000 1000000]
        [--postgresql] [--fence] [--naive 2000] [--helpers 100000] [any option of the simulator]

People are imported from a CSV file, then an issue is handed over to the simulator, on SQLite and
(with --postgresql, by pgserver) on PostgreSQL. Each row is a process of its own; its CPU time is
its own and the kernel's for it, its memory the highest PSS seen. Neither the simulator nor
PostgreSQL is counted. The simulator's report says who got what: nobody twice, nobody missing.

The naive way is the SDK as its README shows it: one Mail and one request a recipient. "helpers"
are the SDK's own classes with 1000 personalizations a request. Both know no ledger, and what is
lost or doubled by a crash they cannot tell.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Header, Personalization, Substitution, To
from sendgrid.helpers.mail import Mail as HelperMail
from sqlalchemy import insert

from flows.deliver.deliver import Fence, deliver
from flows.deliver.sendgrid import SendGrid
from flows.models import IssueStatus, Mail
from flows.store.ledger import SqlLedger
from flows.store.migrations import migrate_all
from flows.store.schema import issues
from subscribers.consent import agreement
from subscribers.database import open_database
from subscribers.spreadsheet import look
from subscribers.tokens import Keys, Purpose, sign
from subscribers.transfer import import_sheet
from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ISSUE = 1
TAG = "-unsubscribe-benchmark-"
PARAGRAPH = "<p>A sentence of an issue that is neither short nor long, and says little.</p>\n"
KEY = "SG.benchmark"
MILLION = 1_000_000
REQUEST = 1000
# Seconds between two looks at a process's memory.
LOOK = 0.1

Figures = dict[str, Any]


def main() -> int:
    """Print the tables; the exit code is the simulator's judgement."""
    options = _options()
    if options.job:
        print(json.dumps(_measured(options)))
        return 0
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {_now():%Y-%m-%d %H:%M} UTC\n")
    print(
        "| what | people | wall s | a second | CPU s | a CPU-second | peak PSS MB | requests | "
        "twice | missing |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    good = True
    for people in options.people:
        for database in ("SQLite", *(("PostgreSQL",) if options.postgresql else ())):
            good &= _issue(options, database, people)
    for job, people in (("naive", options.naive), ("helpers", options.helpers)):
        if people:
            good &= _other_way(options, job, people)
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sendgrid-sim", required=True)
    parser.add_argument("--people", type=int, nargs="+", default=[10_000, 100_000, MILLION])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--fence", action="store_true")
    parser.add_argument("--batch-size", type=int, default=REQUEST)
    parser.add_argument("--naive", type=int, default=2000)
    parser.add_argument("--helpers", type=int, default=100_000)
    # What a process of its own is to do, and with what.
    for name in ("--job", "--database", "--host", "--sheet"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    options.simulator = rest
    return options


def _issue(options: argparse.Namespace, database: str, people: int) -> bool:
    with tempfile.TemporaryDirectory() as folder, _database(database, Path(folder)) as url:
        sheet = Path(folder) / "people.csv"
        with sheet.open("w", encoding="utf-8") as file:
            file.write("email,name\n")
            file.writelines(f"{_email(one)},Reader {one}\n" for one in range(1, people + 1))
        imported = _process(options, "import", people, database=url, sheet=str(sheet))
        _print(f"import, {database}", people, imported)
        return _sent(options, f"send, {database}", "send", people, Path(folder), database=url)


def _other_way(options: argparse.Namespace, job: str, people: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return _sent(options, f"SDK, {job}", job, people, Path(folder))


def _sent(
    options: argparse.Namespace, what: str, job: str, people: int, folder: Path, **more: str
) -> bool:
    log = folder / "sendgrid.jsonl"
    with Simulator(options.sendgrid_sim, log, *options.simulator) as simulator:
        figures = _process(options, job, people, host=simulator.url, **more)
    report = _report(options, log, folder, people)
    _print(what, people, figures, report)
    if people < MILLION and job != "send":
        times = MILLION / people
        scaled = {name: figures[name] * times for name in ("wall", "cpu")}
        _print(f"{what}, extrapolated", MILLION, {**figures, **scaled})
    return not (report["accepted_more_than_once"] or report["missing"])


@contextlib.contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "SQLite":
        yield f"sqlite:///{folder}/newsletter.db"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Only who measures PostgreSQL needs it.
        pgserver = import_module("pgserver")
    place = folder / "postgresql"
    place.mkdir()
    # A root user's server runs as somebody else, who must get in.
    for one in (folder, place):
        one.chmod(0o755)
    server = pgserver.get_server(place, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _process(options: argparse.Namespace, job: str, people: int, **more: str) -> Figures:
    """Return the figures of a process of its own, with the highest PSS it had."""
    command = [
        *(sys.executable, __file__, "--sendgrid-sim", options.sendgrid_sim, "--job", job),
        *("--people", str(people), "--batch-size", str(options.batch_size)),
        *(["--fence"] if options.fence else []),
        *(word for name, value in more.items() for word in (f"--{name}", value)),
    ]
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, _pss(process.pid))
            time.sleep(LOOK)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{job} ended with {process.returncode}")
    figures: Figures = json.loads(said)
    return {**figures, "peak": peak}


def _pss(pid: int) -> float:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return 0.0


def _report(options: argparse.Namespace, log: Path, folder: Path, people: int) -> Figures:
    expected = folder / "expected.txt"
    with expected.open("w", encoding="ascii") as file:
        file.writelines(f"{_email(one)}\n" for one in range(1, people + 1))
    command = [
        *(sys.executable, options.sendgrid_sim, "--report", str(log), "--json"),
        *("--expected", str(expected)),
    ]
    report: Figures = json.loads(subprocess.check_output(command))
    return report


def _print(what: str, people: int, figures: Figures, report: Figures | None = None) -> None:
    wall, cpu = figures["wall"], figures["cpu"]
    told = ("requests", "accepted_more_than_once", "missing")
    cells = [
        what,
        f"{people:,}",
        f"{wall:,.1f}",
        f"{people / wall:,.0f}",
        f"{cpu:,.1f}",
        f"{people / cpu:,.0f}",
        f"{figures['peak']:.0f}",
        *(f"{report[name]:,}" if report else "" for name in told),
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


# --- what runs in a process of its own ---


def _measured(options: argparse.Namespace) -> Figures:
    jobs: dict[str, Callable[[argparse.Namespace], None]] = {
        "import": _import,
        "send": _send,
        "naive": _send_naively,
        "helpers": _send_by_helpers,
    }
    started, cpu = time.perf_counter(), time.process_time()
    jobs[options.job](options)
    return {"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu}


def _import(options: argparse.Namespace) -> None:
    engine = open_database(options.database)
    migrate_all(engine)
    agreed = agreement("asked for it", source="benchmark")
    for _ in import_sheet(engine, look(Path(options.sheet)), agreement=agreed, now=_now()):
        pass
    with engine.begin() as connection:
        connection.execute(
            insert(issues).values(number=ISSUE, status=IssueStatus.SENDING.value, subject="")
        )
    engine.dispose()


def _send(options: argparse.Namespace) -> None:
    keys = Keys.load("benchmark-key-" + "0" * 40)
    transport = SendGrid(KEY, host=options.host, now=_now)
    deliver(
        _mail(),
        ledger=SqlLedger(open_database(options.database), ISSUE),
        transport=transport,
        link=lambda one: _link(sign(keys, Purpose.UNSUBSCRIBE, one, ISSUE)),
        now=_now,
        wait=time.sleep,
        stop=lambda: False,
        progress=lambda _counts: None,
        batch_size=options.batch_size,
        fence=Fence(provider=transport) if options.fence else None,
    )


def _send_naively(options: argparse.Namespace) -> None:
    client = SendGridAPIClient(KEY, host=options.host)
    mail = _mail()
    for one in range(1, options.people[0] + 1):
        message = HelperMail(
            from_email="weekly@example.org",
            to_emails=_email(one),
            subject=mail.subject,
            plain_text_content=mail.text.replace(TAG, _link(str(one))),
            html_content=mail.html.replace(TAG, _link(str(one))),
        )
        message.add_header(Header("List-Unsubscribe", f"<{_link(str(one))}>"))
        with contextlib.suppress(HTTPError, OSError):
            client.send(message)


def _send_by_helpers(options: argparse.Namespace) -> None:
    client = SendGridAPIClient(KEY, host=options.host)
    mail = _mail()
    for first in range(1, options.people[0] + 1, REQUEST):
        message = HelperMail(
            from_email="weekly@example.org",
            subject=mail.subject,
            plain_text_content=mail.text,
            html_content=mail.html,
        )
        for one in range(first, min(first + REQUEST, options.people[0] + 1)):
            person = Personalization()
            person.add_to(To(_email(one)))
            person.add_header(Header("List-Unsubscribe", f"<{_link(str(one))}>"))
            person.add_substitution(Substitution(TAG, _link(str(one))))
            message.add_personalization(person)
        client.send(message)


def _link(token: str) -> str:
    return f"https://weekly.example.org/u/{token}"


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


if __name__ == "__main__":
    sys.exit(main())
