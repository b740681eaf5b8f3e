"""How the web app bears readers who leave while an issue is being sent, and a list bomber.

    python tests/benchmarks/web.py [--rate 200] [--seconds 20] [--people 100000] [--bombs 10000]

`newsletter web` runs as a process of its own on SQLite; a second one hands an issue over to a
provider that answers in 100 ms, 1000 people a request, so that batches are claimed and recorded
all the while. One-click POSTs leave on schedule whatever comes back (an open loop), and each is
timed from its scheduled moment to the last byte of its answer. Then forged sign-ups come as fast as
they are answered. Everything shares this machine: the load is printed, and the server's CPU time.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import httpx
from sqlalchemy import insert

from flows.deliver.deliver import deliver
from flows.models import Receipt
from flows.store.ledger import SqlLedger, counts
from flows.store.migrations import migrate_all
from subscribers import store
from subscribers.database import open_database
from subscribers.schema import subscribers
from subscribers.tokens import Keys, Purpose, sign
from tests.people import ISSUE, MAIL, link, start_issue
from tests.people import email as address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.models import Batch, Mail

KEY = "0123456789abcdef" * 4
SETTINGS = """
[newsletter]
title = "Benchmark Weekly"
sender = "weekly@benchmark.example"
base_url = "http://127.0.0.1:8080"

[web]
signups_per_network = 1000000
"""
ONE_CLICK = b"List-Unsubscribe=One-Click"
CONNECTIONS = 64
LATENCY = 0.1


@dataclass
class Figures:
    """How long each answer took, and what the answers were."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Return the time within which this share of the answers came, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def main() -> int:
    """Print the tables; 1 if an answer was lost or wrong."""
    options = _options()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {_now():%Y-%m-%d %H:%M} UTC\n")
    with tempfile.TemporaryDirectory(prefix="newsletter-benchmark-") as name:
        folder = Path(name)
        url = _newsletter(folder, options.people)
        with _web(folder) as (base, process):
            good = _leaving(url, base, process, options)
            good = _bombing(folder, base, options) and good
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=200, help="who leave in a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--bombs", type=int, default=10_000, help="forged sign-ups")
    return parser.parse_args()


def _newsletter(folder: Path, people: int) -> str:
    (folder / "newsletter.toml").write_text(SETTINGS, encoding="utf-8")
    private = folder / ".newsletter"
    private.mkdir(mode=0o700)
    (private / "keys").write_text(KEY, encoding="ascii")
    url = f"sqlite:///{folder / 'newsletter.db'}"
    engine = open_database(url)
    migrate_all(engine)
    told = {"name": "", "status": "active", "created_at": _now()}
    rows = ({"id": n, "email": address(n), "key": address(n), **told} for n in range(1, people + 1))
    with engine.begin() as connection:
        while batch := [row for _, row in zip(range(10_000), rows, strict=False)]:
            connection.execute(insert(subscribers), batch)
    start_issue(engine)
    engine.dispose()
    return url


class _web:  # noqa: N801 - read as a verb: with _web(folder)
    """`newsletter web` while the block lasts; yields its address and itself."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", "from flows.cli import main; main()", "web", "--port", "0"]
        self._process = subprocess.Popen(
            [*command, "--config", str(folder / "newsletter.toml")],
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> tuple[str, subprocess.Popen[str]]:
        assert self._process.stderr is not None
        found = re.search(r"on (http://[\d.:]+\d)", self._process.stderr.readline())
        assert found
        # Nobody reads on: a full pipe would stop the server.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        return found[1], self._process

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(30)


def _leaving(url: str, base: str, process: subprocess.Popen[str], options: Any) -> bool:
    keys, total = Keys.load(KEY), options.rate * options.seconds
    # From the end of the list, which the sender reaches last: they leave before their turn comes.
    leaving = range(options.people, options.people - total, -1)
    paths = [f"/u/{sign(keys, Purpose.UNSUBSCRIBE, who, ISSUE)}" for who in leaving]
    sender = multiprocessing.get_context("spawn").Process(target=send, args=(url,))
    sender.start()
    engine = open_database(url)
    while not counts(engine, ISSUE).accepted:
        time.sleep(0.1)
    cpu, began = _cpu(process.pid), time.perf_counter()
    figures = asyncio.run(_in_open_loop(base, paths, options.rate))
    lasted, cpu = time.perf_counter() - began, _cpu(process.pid) - cpu
    sent = counts(engine, ISSUE).accepted
    sender.terminate()
    sender.join()
    left = store.count(engine)["unsubscribed"]
    lost = total - left
    print("| leave a s | for s | p50 ms | p99 ms | most ms | errors | lost | mails sent | CPU s |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    errors = total - figures.statuses["200"]
    print(
        f"| {options.rate} | {lasted:.1f} | {figures.percentile(0.5):.0f} | "
        f"{figures.percentile(0.99):.0f} | {figures.percentile(1):.0f} | {errors} | {lost} | "
        f"{sent:,} | {cpu:.1f} |\n",
        flush=True,
    )
    return not errors and not lost


async def _in_open_loop(base: str, paths: list[str], rate: int) -> Figures:
    figures, turn = Figures(), asyncio.Queue[tuple[float, str]]()
    workers = [
        asyncio.create_task(_work(base, turn, figures)) for _ in range(min(CONNECTIONS, len(paths)))
    ]
    began = time.perf_counter()
    for index, path in enumerate(paths):
        due = began + index / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        turn.put_nowait((due, path))
    await turn.join()
    for worker in workers:
        worker.cancel()
    return figures


async def _work(base: str, turn: asyncio.Queue[tuple[float, str]], figures: Figures) -> None:
    """Send what is due over one connection, again and again."""
    host = urlsplit(base)
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while True:
        due, path = await turn.get()
        try:
            stream = stream or await asyncio.open_connection(host.hostname, host.port)
            status = await _post(stream, host.netloc, path, ONE_CLICK)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            status, stream = type(error).__name__, None
        figures.seconds.append(time.perf_counter() - due)
        figures.statuses[status] += 1
        turn.task_done()


async def _post(
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], host: str, path: str, body: bytes
) -> str:
    """Return the status of a POST; a client library would cost more than the server."""
    reader, writer = stream
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"content-length: (\d+)", answer, re.IGNORECASE)
    await reader.readexactly(int(length[1]) if length else 0)
    return answer.split(" ", 2)[1]


def _bombing(folder: Path, base: str, options: Any) -> bool:
    page = httpx.get(f"{base}/subscribe", trust_env=False).text
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form
    time.sleep(2.5)
    bodies = [
        urlencode({"form": form[1], "email": f"victim{number % 700}@victims.example"}).encode()
        for number in range(options.bombs)
    ]
    began = time.perf_counter()
    statuses = asyncio.run(_as_fast_as_answered(base, bodies))
    lasted = time.perf_counter() - began
    letters = folder / "outbox" / "letters"
    limit = time.monotonic() + 60
    before = -1
    # Until the postman has nothing left.
    while before != (now := len(list(letters.glob("*.eml")))) and time.monotonic() < limit:
        before = now
        time.sleep(1)
    texts = [path.read_bytes() for path in letters.glob("*.eml")]
    mails = Counter(re.findall(rb"^To: (\S+)", b"".join(texts), re.MULTILINE))
    print("| forged sign-ups | s | taken | put off | mails | most to one address |")
    print("|--:|--:|--:|--:|--:|--:|")
    print(
        f"| {options.bombs} | {lasted:.1f} | {statuses['200']} | {statuses['429']} | "
        f"{sum(mails.values())} | {max(mails.values(), default=0)} |"
    )
    return max(mails.values(), default=0) <= 1 and sum(mails.values()) <= 200


async def _as_fast_as_answered(base: str, bodies: Iterable[bytes]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    host, left = urlsplit(base), iter(bodies)

    async def work() -> None:
        stream = await asyncio.open_connection(host.hostname, host.port)
        for body in left:
            statuses[await _post(stream, host.netloc, "/subscribe", body)] += 1

    await asyncio.gather(*(work() for _ in range(8)))
    return statuses


class Provider:
    """Takes every mail in a tenth of a second."""

    name = "provider"
    limit = 1000
    repeatable = False

    def hand_over(self, _mail: Mail, batch: Batch) -> Receipt:
        """Return that all were accepted."""
        time.sleep(LATENCY)
        return Receipt(provider_id=str(batch.id))


def send(url: str) -> None:
    """Hand the issue over, as any run does."""
    deliver(
        MAIL,
        ledger=SqlLedger(open_database(url), ISSUE),
        transport=Provider(),
        link=link,
        now=_now,
        wait=time.sleep,
        stop=lambda: False,
        progress=lambda _counts: None,
    )


def _cpu(process: int) -> float:
    """Return the processor time that a process has used, in seconds (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())
