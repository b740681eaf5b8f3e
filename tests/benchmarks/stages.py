"""What each stage of a run costs: python tests/benchmarks/stages.py --feed-server PATH FEEDS.

Starts the feed server on FEEDS, gathers them, and times each stage on what came: wall and CPU
seconds (with children). The last row is the naive way to render: once a subscriber.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.deliver.deliver import deliver
from flows.deliver.outbox import Outbox
from flows.edit.dedupe import dedupe
from flows.edit.draft import draft
from flows.edit.issue_file import read, write
from flows.pipeline.drafting import Window, stored_items
from flows.pipeline.gathering import gather_items
from flows.pipeline.observer import LogObserver
from flows.pipeline.outlining import outline
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import unsubscribe_link
from flows.pipeline.stores import open_store
from flows.pipeline.work import utc_now
from flows.render.html import render
from flows.settings import load
from flows.store import issues
from flows.store.ledger import SqlLedger
from subscribers.consent import agreement
from subscribers.spreadsheet import look
from subscribers.transfer import import_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from flows.models import Issue, Mail
    from flows.settings import Settings

PEOPLE = 2_500
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
SETTINGS = """
[newsletter]
title = "Benchmark Weekly"
sender = "Benchmark <weekly@news.example.com>"
postal_address = "1 Bench Street"
base_url = "https://news.example.com"
[gather]
allow_private_networks = true
"""


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def timed(stage: str, of: str = "") -> Iterator[None]:
    wall, used = time.perf_counter(), cpu()
    yield
    wall, used = time.perf_counter() - wall, cpu() - used
    print(f"{stage:28} {wall * 1000:>10,.0f} {used * 1000:>10,.0f}  {of}")


@contextmanager
def feeds_of(server: Path, folder: Path) -> Iterator[list[str]]:
    command = [sys.executable, str(server), str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[1]
            with urllib.request.urlopen(f"{address}/__urls") as answer:  # noqa: S310 - loopback
                yield answer.read().decode().split()
        finally:
            process.terminate()


def newsletter(folder: Path, urls: list[str]) -> Path:
    (folder / ".newsletter").mkdir()
    keys = folder / ".newsletter" / "keys"
    keys.write_text("0123456789abcdef" * 4, encoding="utf-8")
    keys.chmod(0o600)
    sources = "".join(f'[[feeds]]\nurl = "{url}"\n' for url in urls)
    file = folder / "newsletter.toml"
    file.write_text(SETTINGS + sources, encoding="utf-8")
    people = [f"reader{number}@example.com" for number in range(PEOPLE)]
    (folder / "people.csv").write_text("\n".join(["email", *people]), encoding="utf-8")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed-server", type=Path, required=True)
    parser.add_argument("feeds", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        feeds_of(options.feed_server, options.feeds) as urls,
    ):
        measure(newsletter(Path(folder), urls), urls)


def measure(file: Path, urls: list[str]) -> None:
    print(f"{'stage':28} {'wall ms':>10} {'CPU ms':>10}")
    with timed("settings"):
        settings = load(file)
    with open_store(settings) as engine:
        with timed("gather, first", f"{len(urls)} feeds"):
            gather_items(settings, engine, now=utc_now(), observer=LogObserver())
        issue = edited(settings, engine)
        with timed("render and check, cold", f"{len(issue.entries)} entries"):
            mail = render_issue(settings, issue).mail
        with timed("render and check, warm"):
            render_issue(settings, issue)
        delivered(settings, engine, mail)
        with timed("naive: render 100 times", f"x {PEOPLE // 100} for {PEOPLE:,} people"):
            for _ in range(100):
                render(issue, settings.brand())


def edited(settings: Settings, engine: Engine) -> Issue:
    now = utc_now()
    with timed("load items"):
        items = stored_items(settings, engine, Window(start=BEGINNING, end=now))
    with timed("dedupe", f"{len(items):,} items"):
        stories = dedupe(items)
    parts = outline(settings, now)
    with timed("draft", f"{len(stories):,} stories"):
        issue = draft(stories, outline=parts, number=1, date=now.date(), title="Benchmark").issue
    with timed("write and read the file", f"{len(issue.left_over):,} left over"):
        return read(write(issue), path=Path("001.md"))


def delivered(settings: Settings, engine: Engine, mail: Mail) -> None:
    with timed("import people", f"{PEOPLE:,} rows"):
        sheet = look(settings.folder / "people.csv")
        agreed = agreement("benchmark", source="benchmark")
        list(import_sheet(engine, sheet, agreement=agreed, now=utc_now()))
    issues.claim(engine, None)
    with timed("deliver to the outbox", f"{PEOPLE:,} mails"):
        deliver(
            mail,
            ledger=SqlLedger(engine, 1),
            transport=Outbox(settings.paths.outbox / "001", now=utc_now),
            link=unsubscribe_link(settings, settings.keys(), 1),
            now=utc_now,
            wait=time.sleep,
            stop=lambda: False,
            progress=lambda _: None,
        )


if __name__ == "__main__":
    main()
