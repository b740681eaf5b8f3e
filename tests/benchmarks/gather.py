"""What gathering costs beside other readers: wall, CPU, memory, and how we behaved.

    python tests/benchmarks/gather.py --feed-server PATH [--feeds FOLDER] [--reader-python PATH]
        [--clones 200] [--hosts 20] [--latency 50] [--large 1000] [--rounds 3]

`--feed-server` is a script that serves cloned feeds on loopback hosts and counts requests, and
`--reader-python` an interpreter with lemon24/reader and rss2email installed. Each client runs in
a process of its own: once with everything new, once with everything unchanged; ours is the whole
command, `newsletter gather`, compiled as an installed one is. We and reader take turns for some
rounds, and the median of their ratios counts: other programs' load does not strike both alike.
"""

from __future__ import annotations

import argparse
import compileall
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SETTINGS = """
[newsletter]
title = "Benchmark Weekly"
sender = "Benchmark <weekly@news.example.org>"
postal_address = "1 Quay Street"
base_url = "https://news.example.org"

[gather]
allow_private_networks = true
"""
READER_ADD = """
import sys
from reader import make_reader
reader = make_reader(sys.argv[1])
for url in open(sys.argv[2]).read().split():
    reader.add_feed(url)
"""
READER_UPDATE = """
import sys
from reader import make_reader
reader = make_reader(sys.argv[1])
reader.update_feeds(scheduled=False, workers=10)
"""
RSS2EMAIL_SETTINGS = """
[DEFAULT]
from = bot@example.org
to = reader@example.org
email-protocol = maildir
maildir-path = {folder}
maildir-mailbox = mails
verbose = error
"""
RSS2EMAIL_RUN = "import sys; from rss2email.main import run; run(sys.argv[1:])"
# More than a day passes between two runs: as much as a feed without validators is left alone.
A_DAY_LATER = """
UPDATE feeds SET
    asked_at = strftime('%Y-%m-%d %H:%M:%f000', asked_at, '-26 hours'),
    due_at = strftime('%Y-%m-%d %H:%M:%f000', due_at, '-26 hours')
"""
ROOT = Path(__file__).parents[2]
COLUMNS = ("client", "run", "wall s", "CPU s", "peak PSS MB", "max/host", "304", "stored")
# Looking costs the processes that are looked at time, too.
SAMPLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a client took."""

    wall: float
    cpu: float
    pss: int


def main() -> int:
    """Run it and print the table; 1 if a bar is missed."""
    options = _options()
    if options.feed_server is None:
        sys.exit("name the server: --feed-server PATH")
    folder = options.feeds or Path(options.feed_server).parent / "feeds"
    rows: list[tuple[str, ...]] = [COLUMNS]
    rounds: list[tuple[list[Cost], list[Cost]]] = []
    for _ in range(options.rounds if options.reader_python else 1):
        ours = _measured(options, folder, Newsletter(), options.clones, rows)
        theirs = []
        if options.reader_python:
            theirs = _measured(options, folder, Reader(options.reader_python), options.clones, rows)
        rounds.append((ours, theirs))
    if options.reader_python:
        _measured(options, folder, Rss2email(options.reader_python), options.clones, rows)
    else:
        print("reader, rss2email: skipped (no --reader-python)")
    large = _measured(options, folder, Newsletter(), options.large, rows) if options.large else []
    _print(rows)
    return _judge(rounds, large)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed-server", type=Path)
    parser.add_argument("--feeds", type=Path)
    parser.add_argument("--reader-python")
    parser.add_argument("--clones", type=int, default=200)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--latency", type=int, default=50)
    parser.add_argument("--large", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _measured(
    options: argparse.Namespace, feeds: Path, client: Any, clones: int, rows: list[tuple[str, ...]]
) -> list[Cost]:
    costs = []
    with tempfile.TemporaryDirectory() as place, _server(options, feeds, clones) as address:
        urls = _ask(address, "/__urls").split()
        client.set_up(Path(place), urls)
        before = 0
        for name in ("first", "304"):
            cost = _timed(client.command(Path(place)), Path(place))
            stats = json.loads(_ask(address, "/__stats"))
            unchanged, before = stats["not_modified"] - before, stats["not_modified"]
            about = (f"{client.name}, {clones} feeds", name)
            rows.append(
                (*about, *_figures(cost, stats), str(unchanged), client.stored(Path(place)))
            )
            costs.append(cost)
            client.rest(Path(place))
    return costs


def _figures(cost: Cost, stats: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{cost.wall:.2f}",
        f"{cost.cpu:.2f}",
        f"{cost.pss / 2**20:.0f}",
        str(stats["max_concurrent_per_host"]),
    )


def _judge(rounds: Sequence[tuple[list[Cost], list[Cost]]], large: Sequence[Cost]) -> int:
    pairs = [(ours, theirs) for ours, theirs in rounds if theirs]
    bars = []
    if pairs:
        wall = median(ours[0].wall / theirs[0].wall for ours, theirs in pairs)
        cpu = median(ours[0].cpu / theirs[0].cpu for ours, theirs in pairs)
        again = median(ours[1].wall / theirs[1].wall for ours, theirs in pairs)
        bars += [("first run, wall to reader's", wall, 0.5)]
        bars += [("first run, CPU to reader's", cpu, 2 / 3)]
        bars += [("304 run, wall to reader's", again, 0.75)]
    if large:
        bars += [("large, peak PSS in MB", max(cost.pss for cost in large) / 2**20, 150)]
    for what, found, most in bars:
        print(f"{'ok  ' if found <= most else 'MISS'} {what}: {found:.2f} (at most {most:.2f})")
    return int(any(found > most for _what, found, most in bars))


class Newsletter:
    """This program, as `newsletter gather` runs it."""

    name = "newsletter"

    def set_up(self, place: Path, urls: Sequence[str]) -> None:
        """Write the settings that name the feeds, and compile the modules as pip does."""
        feeds = "".join(f'\n[[feeds]]\nurl = "{url}"\n' for url in urls)
        (place / "newsletter.toml").write_text(SETTINGS + feeds, encoding="utf-8")
        for package in ("flows", "subscribers"):
            compileall.compile_dir(ROOT / package, quiet=1)

    def command(self, place: Path) -> list[str]:
        """Return the command line of one run."""
        config = ["--config", str(place / "newsletter.toml")]
        return [sys.executable, "-m", "flows.cli", "gather", *config]

    def stored(self, place: Path) -> str:
        """Return how many items it has."""
        with closing(sqlite3.connect(place / "newsletter.db")) as database:
            return str(database.execute("SELECT count(*) FROM items").fetchone()[0])

    def rest(self, place: Path) -> None:
        """Let a day pass: it asks nobody twice in an hour."""
        with closing(sqlite3.connect(place / "newsletter.db")) as database, database:
            database.execute(A_DAY_LATER)


class Reader:
    """lemon24/reader with ten workers."""

    name = "reader"

    def __init__(self, python: str) -> None:
        self._python = python

    def set_up(self, place: Path, urls: Sequence[str]) -> None:
        """Add the feeds to its database; not measured."""
        (place / "urls").write_text("\n".join(urls), encoding="utf-8")
        command = [self._python, "-c", READER_ADD, str(place / "db"), str(place / "urls")]
        subprocess.run(command, check=True)

    def command(self, place: Path) -> list[str]:
        """Return the command line of one run."""
        return [self._python, "-c", READER_UPDATE, str(place / "db")]

    def stored(self, place: Path) -> str:
        """Return how many entries it has."""
        with closing(sqlite3.connect(place / "db")) as database:
            return str(database.execute("SELECT count(*) FROM entries").fetchone()[0])

    def rest(self, place: Path) -> None:
        """Do nothing: it knows no clock."""


class Rss2email:
    """rss2email, writing to a Maildir."""

    name = "rss2email"

    def __init__(self, python: str) -> None:
        self._python = python

    def set_up(self, place: Path, urls: Sequence[str]) -> None:
        """Write its settings and an empty Maildir."""
        for name in ("cur", "new", "tmp"):
            (place / "mails" / name).mkdir(parents=True)
        feeds = "".join(f"\n[feed.f{n}]\nurl = {url}\n" for n, url in enumerate(urls))
        text = RSS2EMAIL_SETTINGS.format(folder=place) + feeds
        (place / "rss2email.cfg").write_text(text, encoding="utf-8")

    def command(self, place: Path) -> list[str]:
        """Return the command line of one run."""
        files = ["--config", str(place / "rss2email.cfg"), "--data", str(place / "data.json")]
        return [self._python, "-c", RSS2EMAIL_RUN, *files, "run"]

    def stored(self, place: Path) -> str:
        """Return how many mails it wrote."""
        return str(len(list((place / "mails" / "new").iterdir())))

    def rest(self, place: Path) -> None:
        """Do nothing: it knows no clock."""


@contextmanager
def _server(options: argparse.Namespace, feeds: Path, clones: int) -> Iterator[str]:
    about = ["--clone", str(clones), "--hosts", str(options.hosts), "--latency"]
    command = [sys.executable, str(options.feed_server), str(feeds), *about, str(options.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


def _ask(address: str, path: str) -> str:
    with urlopen(address + path) as answer:  # noqa: S310 - the server of this script
        text: str = answer.read().decode()
        return text


def _timed(command: Sequence[str], place: Path) -> Cost:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with (place / "narration").open("w") as narration:
        process = subprocess.Popen(command, stdout=narration, stderr=narration, cwd=place)
        with _watched(process.pid) as peak:
            process.wait()
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall=wall, cpu=cpu, pss=max(peak))


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Yield a list that grows by the memory (PSS) of a process and its children, sampled."""
    sizes, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            sizes.append(sum(_pss(member) for member in _family(pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sizes
    finally:
        ended.set()
        watcher.join()


def _family(root: int) -> set[int]:
    family: set[int] = set()
    found = {root}
    while found:
        family |= found
        found = {child for pid in found for child in _children(pid)} - family
    return family


def _children(pid: int) -> list[int]:
    # A child stands with the thread that started it.
    try:
        lists = [path.read_text() for path in Path("/proc", str(pid), "task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for text in lists for child in text.split()]


def _pss(pid: int) -> int:
    try:
        rollup = Path("/proc", str(pid), "smaps_rollup").read_text()
    except OSError:
        return 0
    sizes = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")]
    return 1024 * sum(sizes)


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
