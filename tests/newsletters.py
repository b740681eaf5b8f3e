"""A whole newsletter in a folder: settings, keys, subscribers, and a river of our own as source."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flows.cli.web import listen, make_server
from flows.pipeline.options import RunOptions
from flows.pipeline.run import run, send
from flows.pipeline.stores import open_store
from flows.pipeline.work import utc_now
from flows.settings import load
from flows.web.app import create_app
from flows.web.events import open_hook
from subscribers.consent import agreement
from subscribers.spreadsheet import look
from subscribers.transfer import import_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine
    from starlette.types import ASGIApp

    from flows.models import Counts, FeedReport, Verdict
    from flows.settings import Settings

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
KEY = "0123456789abcdef" * 4

SETTINGS = """
[newsletter]
title = "Harbour Weekly"
sender = "Harbour Weekly <weekly@harbour.example.com>"
postal_address = "1 Quay Street, 12345 Harbour"
base_url = "{base_url}"
privacy_url = "https://harbour.example.com/privacy"
{newsletter}

[sending]
{sending}

[[feeds]]
url = "river.txt"
name = "river"
kind = "river"
"""

STORIES = (
    ("Three ways to drain a node", "Draining a node is easy until a pod refuses to move."),
    ("What a control plane forgets", "Caches lie, and a control plane is mostly caches."),
    ("Certificates without tears", "We rotated nine hundred certificates in one quiet night."),
    ("A month of smaller images", "Cutting the base image in half changed our cold starts."),
)


@dataclass
class Watcher:
    """An observer that remembers, and stops when told."""

    said: list[str] = field(default_factory=list)
    reports: list[FeedReport] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    stop_after: int | None = None

    def say(self, text: str) -> None:
        self.said.append(text)

    def gathered(self, report: FeedReport, *, done: int, total: int) -> None:
        assert done <= total
        self.reports.append(report)

    def sent(self, counts: Counts) -> None:
        self.counts.append(counts)

    def stopping(self) -> bool:
        return self.stop_after is not None and any(
            counts.accepted >= self.stop_after for counts in self.counts
        )


class Clock:
    """Stands still until told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, lasts: timedelta) -> None:
        self.now += lasts


@dataclass
class Newsletter:
    """A newsletter to run, again and again."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    watcher: Watcher = field(default_factory=Watcher)

    @property
    def settings(self) -> Settings:
        return load(self.folder / "newsletter.toml")

    @property
    def mails(self) -> list[Path]:
        return sorted((self.folder / "outbox").rglob("*.eml"))

    def write(self, *, newsletter: str = "", sending: str = "", base_url: str = "") -> Newsletter:
        base = base_url or "https://news.harbour.example.com"
        text = SETTINGS.format(newsletter=newsletter, sending=sending, base_url=base)
        (self.folder / "newsletter.toml").write_text(text, encoding="utf-8")
        private = self.folder / ".newsletter"
        private.mkdir(exist_ok=True)
        keys = private / "keys"
        keys.write_text(KEY + "\n", encoding="utf-8")
        keys.chmod(0o600)
        return self

    def follow(self, *rivers: str) -> Newsletter:
        """Let these files be all its feeds."""
        file = self.folder / "newsletter.toml"
        rest = file.read_text(encoding="utf-8").partition("[[feeds]]")[0]
        feeds = [f'[[feeds]]\nurl = "{river}"\nkind = "river"\n' for river in rivers]
        file.write_text(rest + "\n".join(feeds), encoding="utf-8")
        return self

    def tell(
        self,
        *titles_and_texts: tuple[str, str],
        when: datetime = NOW - timedelta(days=1),
        query: str = "",
    ) -> Newsletter:
        """Put stories into the river, as shared at this time and the hours before."""
        blocks = [
            f"{title}\nhttps://harbour.example.com/blog/{'-'.join(title.lower().split())}/{query}\n"
            f"{text} It took us a while to see why, so this is the whole story with figures.\n"
            f"via Harbour Blog https://harbour.example.com/\n"
            f"{when - timedelta(hours=index):%B %d, %Y at %I:%M%p}\n"
            for index, (title, text) in enumerate(titles_and_texts)
        ]
        (self.folder / "river.txt").write_text("".join(blocks), encoding="utf-8")
        return self

    def subscribe(self, count: int) -> Newsletter:
        sheet = self.folder / "people.csv"
        lines = [f"reader{number}@example.com,Reader {number}" for number in range(count)]
        sheet.write_text("\n".join(["email,name", *lines]), encoding="utf-8")
        agreed = agreement("asked for it at a meetup", source="tests")
        with open_store(self.settings) as engine:
            list(import_sheet(engine, look(sheet), agreement=agreed, now=NOW))
        return self

    def run(self, **options: object) -> Verdict:
        choices = RunOptions(**options)  # type: ignore[arg-type]  # the tests' own spelling
        return run(self.settings, choices, observer=self.watcher, clock=self.clock)

    def send(self, number: int, **options: object) -> Verdict:
        choices = RunOptions(**options)  # type: ignore[arg-type]  # the tests' own spelling
        return send(self.settings, number, choices, observer=self.watcher, clock=self.clock)


def web_app(newsletter: Newsletter, engine: Engine, *, clock: Callable[[], datetime]) -> ASGIApp:
    """Return the newsletter's web app, with its webhook if the settings have a key for one."""
    settings = newsletter.settings
    return create_app(
        engine=engine,
        keys=settings.keys(),
        brand=settings.brand(),
        issues=settings.paths.issues,
        clock=clock,
        hook=open_hook(settings),
    )


@contextmanager
def answering(newsletter: Newsletter) -> Iterator[str]:
    """Serve the newsletter's web app on loopback; yields its address."""
    with open_store(newsletter.settings) as engine:
        app = web_app(newsletter, engine, clock=utc_now)
        listener = listen("127.0.0.1", 0)
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            listener.close()
