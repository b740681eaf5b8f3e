"""Gathering as a stage: what is stored together, what the summary says, and how it is stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flows.cli.terminal import TerminalObserver
from flows.errors import NewsletterError
from flows.models import Feed, FeedReport, FeedState, Item
from flows.pipeline.gathering import NEWS_TOGETHER, Gathered, gather_items
from flows.settings import parse
from flows.store.feeds import load_states
from flows.store.items import count_items, load_items
from flows.store.visits import load_visits
from tests.feed_server import FEED
from tests.newsletters import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings
    from tests.feed_server import FeedServer

SETTINGS = """
[newsletter]
title = "Harbour Weekly"
sender = "weekly@harbour.example.com"
postal_address = "1 Quay"
base_url = "https://news.harbour.example.com"

[gather]
allow_private_networks = true
"""


class Impatient(Watcher):
    """Wants to stop after the first report."""

    def stopping(self) -> bool:
        return bool(self.reports)


def settings(folder: Path, urls: list[str]) -> Settings:
    feeds = "".join(f'\n[[feeds]]\nurl = "{url}"\n' for url in urls)
    return parse(SETTINGS + feeds, folder / "newsletter.toml")


def test_what_good_feeds_say_is_stored_and_bad_ones_are_warnings(
    feed_server: FeedServer, engine: Engine, now: datetime, tmp_path: Path
) -> None:
    good = [feed_server.put(f"/good/{n}", FEED, etag='"1"') for n in range(NEWS_TOGETHER + 5)]
    bad = [feed_server.url(path) for path in ("/status/500", "/login")]
    known = settings(tmp_path, [*good, *bad])
    gathered = gather_items(known, engine, now=now, observer=Watcher())
    assert gathered.summary == (
        f"{NEWS_TOGETHER + 7} feeds: {NEWS_TOGETHER + 5} with news, 2 failed; "
        f"{2 * NEWS_TOGETHER + 10} new items, 0 updated; 2 warnings"
    )
    assert set(count_items(engine, good).values()) == {2}
    assert len(load_states(engine, [*good, *bad])) == NEWS_TOGETHER + 7
    assert len(load_visits(engine, since=now)) == NEWS_TOGETHER + 7
    again = gather_items(known, engine, now=now, observer=Watcher())
    assert "27 not asked" in again.summary
    assert len(load_visits(engine, since=now)) == NEWS_TOGETHER + 7


UNZONED = b"""<rss version="2.0"><channel><title>Harbour Notes</title><item>
<title>Cranes that queue</title><link>https://harbour.example/cranes</link>
<pubDate>Sun, 22 Nov 2026 00:00:00</pubDate></item></channel></rss>"""


def test_a_zone_set_later_mends_dates_when_the_feed_is_read_again(
    feed_server: FeedServer, engine: Engine, now: datetime, tmp_path: Path
) -> None:
    url = feed_server.put("/unzoned", UNZONED)
    zoned = 'timezone = "America/New_York"\n'
    told = []
    for days, more in enumerate(("", zoned, zoned)):
        known = parse(f'{SETTINGS}\n[[feeds]]\nurl = "{url}"\n{more}', tmp_path / "n.toml")
        at = now + timedelta(days=2 * days)
        told.append(gather_items(known, engine, now=at, observer=Watcher()).updated)
    [found] = load_items(engine, [Feed(url=url)], since=now - timedelta(days=60), until=now)
    assert found.published == datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
    assert told == [0, 1, 0]


def test_the_contact_address_of_the_settings_is_in_the_user_agent(
    feed_server: FeedServer, engine: Engine, now: datetime, tmp_path: Path
) -> None:
    gather_items(settings(tmp_path, [feed_server.url()]), engine, now=now, observer=Watcher())
    agent = feed_server.requests[0].headers["user-agent"]
    assert agent.endswith("(+https://news.harbour.example.com)")


def test_a_stopped_gathering_keeps_what_arrived(
    feed_server: FeedServer, engine: Engine, now: datetime, tmp_path: Path
) -> None:
    known = settings(tmp_path, [feed_server.url(), feed_server.url("/hang")])
    with pytest.raises(NewsletterError, match="carries on"):
        gather_items(known, engine, now=now, observer=Impatient())
    assert count_items(engine, [feed_server.url()]) == {feed_server.url(): 2}


def test_no_warning_is_not_counted() -> None:
    assert Gathered(reports=(), new=0, updated=0).summary == "0 feeds: none; 0 new items, 0 updated"


def reported(*, problem: str = "") -> FeedReport:
    item = Item(feed="x", guid="1", url="https://harbour.example/1", title="One")
    return FeedReport(
        feed=Feed(url="https://harbour.example/feed", name="Harbour"),
        state=FeedState(url="https://harbour.example/feed"),
        items=() if problem else (item, item),
        count=0 if problem else 2,
        status="failed" if problem else "new",
        problem=problem,
    )


def test_a_terminal_counts_feeds_items_and_failures_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    observer = TerminalObserver()
    observer.gathered(reported(), done=1, total=3)
    observer.gathered(reported(problem="no answer"), done=2, total=3)
    told = capsys.readouterr().err
    assert "Feeds 1 of 3, 2 items" in told
    assert "  Harbour: no answer\n" in told
    assert told.endswith("Feeds 2 of 3, 2 items, 1 failed")


def test_elsewhere_only_failures_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    observer = TerminalObserver()
    observer.gathered(reported(), done=1, total=2)
    observer.gathered(reported(problem="no answer"), done=2, total=2)
    assert capsys.readouterr().err == "  Harbour: no answer\n"
