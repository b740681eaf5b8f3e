"""What more hands bring: one process, one Prefect worker and two, on the same recipients.

    python tests/benchmarks/scale.py [--people 200000] [--latency 50] [--batch-size 1000]
        [--modes process,1,2]

A PostgreSQL of its own holds the ledger. The provider is a process of its own that reads each
request, waits and accepts it. `process` hands over in one process without Prefect; `1` and `2`
are workers of a Prefect work pool, each at one run of the deployment `wave`. Wall time counts from
the trigger to the last recorded answer; `first` is when the first request arrived, `CPU` that of
all our processes, with Prefect's server and workers where there are any.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import NullPool, create_engine, make_url, text

from flows.cli.on_server import Server
from flows.cli.server import own_server
from flows.pipeline.options import RunOptions
from flows.pipeline.run import take_part
from flows.pipeline.stores import open_store
from flows.store.ledger import SqlLedger
from tests.newsletters import STORIES, Newsletter
from tests.people import add_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

ROOT = Path(__file__).parent.parent.parent
KEY = "SG.scale"
CHUNK = 20_000
PREPARED = "prepared"
SENDING = """
transport = "sendgrid"
sendgrid_host = "{host}"
batch_size = {batch_size}
fence = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one way of sending took, in seconds."""

    mode: str
    wall: float
    first: float
    cpu: float
    accepted: int


def main() -> None:
    """Run every mode and print the table."""
    options = _options()
    # A background job of a script ignores Ctrl-C, and what it starts does, too: Prefect's workers,
    # which end themselves by it, would stay.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, _postgres(Path(folder)) as server:
        newsletter = _prepared(Path(folder) / "newsletter", server, options)
        found = [_measure(newsletter, server, mode, options) for mode in options.modes.split(",")]
    base = found[0].wall
    load = os.getloadavg()[0]
    print(f"{options.people:,} recipients, {options.latency} ms an answer, load {load:.1f}")
    print("mode        wall s  first s   CPU s  recipients/s  speed-up")
    for one in found:
        rate = one.accepted / one.wall
        print(
            f"{one.mode:<10} {one.wall:>7.1f} {one.first:>8.1f} {one.cpu:>7.1f} {rate:>13,.0f} "
            f"{base / one.wall:>9.2f}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--latency", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--modes", default="process,1,2")
    return parser.parse_args()


@contextmanager
def _postgres(folder: Path) -> Iterator[URL]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgserver import postgres_server  # noqa: PLC0415 - importing it warns
    folder.chmod(0o755)
    place = folder / "postgres"
    place.mkdir(mode=0o755)
    server = postgres_server.get_server(place, cleanup_mode="stop")
    yield make_url(server.get_uri())
    server.cleanup()


def _prepared(folder: Path, server: URL, options: argparse.Namespace) -> Newsletter:
    """Return a newsletter whose first issue is about to be handed over."""
    folder.mkdir()
    _administer(server, f"CREATE DATABASE {PREPARED}")
    os.environ["SENDGRID_API_KEY"] = KEY
    _use(server, PREPARED)
    # The unsubscribe link is not what is measured: a reason lets the run go on without it.
    newsletter = Newsletter(folder).write(newsletter='approval = "required"').tell(*STORIES)
    newsletter.run()
    with open_store(newsletter.settings) as engine:
        for first in range(1, options.people + 1, CHUNK):
            add_people(engine, min(CHUNK, options.people - first + 1), first=first)
    newsletter.watcher.stop_after = 0
    newsletter.write(sending=_sending("http://127.0.0.1:9", options))
    newsletter.run(because="measured")
    return newsletter


def _sending(host: str, options: argparse.Namespace) -> str:
    return SENDING.format(host=host, batch_size=options.batch_size)


def _measure(
    newsletter: Newsletter, server: URL, mode: str, options: argparse.Namespace
) -> Measured:
    database = f"mode_{mode}"
    _administer(server, f"CREATE DATABASE {database} TEMPLATE {PREPARED}")
    _use(server, database)
    log = newsletter.folder / f"{mode}.log"
    with _provider(options, log) as host:
        newsletter.write(sending=_sending(host, options))
        before = time.time()
        cpu = _cpu()
        if mode == "process":
            wall = _in_a_process(newsletter)
        else:
            before, wall = _by_workers(newsletter, int(mode))
        cpu = _cpu() - cpu
    with open_store(newsletter.settings) as engine:
        accepted = SqlLedger(engine, 1).counts().accepted
    arrived = [float(line) for line in log.read_text(encoding="utf-8").splitlines()]
    name = mode if mode == "process" else f"{mode} worker{'s' * (mode != '1')}"
    return Measured(mode=name, wall=wall, first=min(arrived) - before, cpu=cpu, accepted=accepted)


def _in_a_process(newsletter: Newsletter) -> float:
    code = "from tests.benchmarks.scale import hand_over; import sys; hand_over(sys.argv[1])"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(newsletter.folder)], cwd=ROOT, check=True)
    return time.perf_counter() - began


def hand_over(folder: str) -> None:
    """Hand the first issue over in this process."""
    newsletter = Newsletter(Path(folder))
    take_part(newsletter.settings, 1, RunOptions(), observer=newsletter.watcher)


def _by_workers(newsletter: Newsletter, count: int) -> tuple[float, float]:
    """Return when the waves were triggered, and how long they took."""
    os.environ["NEWSLETTER_CONFIG"] = str(newsletter.folder / "newsletter.toml")
    os.environ["NEWSLETTER_FOLDER"] = str(newsletter.folder)
    os.environ["PREFECT_WORKER_QUERY_SECONDS"] = "2"
    with own_server(newsletter.folder / ".newsletter", ui=False, narrate=print) as own:
        _prefect("work-pool", "create", "newsletter", "--type", "process", "--overwrite")
        _prefect("deploy", "--name", "wave", "--prefect-file", "prefect.yaml")
        workers = [_worker(newsletter, number) for number in range(count)]
        with Server(own.url) as server:
            while len(_online(server)) < count:
                time.sleep(0.5)
            triggered, began = time.time(), time.perf_counter()
            _run_waves(server, count)
            wall = time.perf_counter() - began
        for worker in workers:
            worker.terminate()
            worker.wait()
    return triggered, wall


def _run_waves(server: Server, count: int) -> None:
    """Trigger as many waves, and wait for the end of all."""
    deployment = server.get("/deployments/name/wave/wave")["id"]
    path = f"/deployments/{deployment}/create_flow_run"
    left = {server.post(path, parameters={"issue": 1})["id"] for _ in range(count)}
    while left:
        time.sleep(0.25)
        left = {one for one in left if not _ended(server, one)}


def _online(server: Server) -> list[Any]:
    found: list[Any] = server.post("/work_pools/newsletter/workers/filter") or []
    return [worker for worker in found if worker["status"] == "ONLINE"]


def _ended(server: Server, flow_run: str) -> bool:
    state = server.get(f"/flow_runs/{flow_run}")["state"]
    if state["type"] in {"FAILED", "CRASHED"}:
        raise SystemExit(f"a wave failed: {state}")
    return bool(state["type"] == "COMPLETED")


def _worker(newsletter: Newsletter, number: int) -> subprocess.Popen[bytes]:
    options = ["--pool", "newsletter", "--name", f"worker-{number}", "--limit", "1"]
    log = (newsletter.folder / f"worker-{number}.log").open("w")
    return subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", *options],
        cwd=newsletter.folder,
        stdout=log,
        stderr=log,
    )


def _prefect(*arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _provider(options: argparse.Namespace, log: Path) -> Iterator[str]:
    command = [sys.executable, __file__, "provider", str(options.latency), str(log)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.terminate()
    process.wait()


async def provide(latency: float, log: Path) -> None:
    """Accept every request after a while; note when each arrived."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        arrived = time.time()
        length = next(
            int(line.partition(":")[2])
            for line in head.split("\r\n")
            if line.startswith("content-length")
        )
        await reader.readexactly(length)
        await asyncio.sleep(latency / 1000)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{arrived}\n")
        writer.write(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: 0\r\n")
        writer.write(b"Connection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _administer(server: URL, statement: str) -> None:
    driver = server.set(drivername="postgresql+psycopg")
    engine = create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


def _use(server: URL, database: str) -> None:
    url = server.set(database=database).render_as_string(hide_password=False)
    os.environ["NEWSLETTER_DATABASE__URL"] = url


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["provider"]:
        asyncio.run(provide(float(sys.argv[2]), Path(sys.argv[3])))
    else:
        main()
