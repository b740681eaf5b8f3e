"""Many feeds at once: what each report says, and what is remembered for the next time."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from flows.gather.fetch import open_client
from flows.gather.gather import gather
from flows.models import Feed, FeedKind, FeedReport, FeedState
from tests.feed_server import FEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.feed_server import FeedServer

    Gather = Callable[..., dict[str, FeedReport]]

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client(user_agent="newsletter/1", allow_private_networks=True) as client:
        yield client


@pytest.fixture
def gathered(client: httpx.Client, now: datetime) -> Gather:
    """Gather these addresses and return the reports by address; states carry on by themselves."""
    states: dict[str, FeedState] = {}

    def run(*urls: str, later: timedelta = timedelta(0)) -> dict[str, FeedReport]:
        feeds = [Feed(url=url, name=url) for url in urls]
        reports = list(gather(feeds, states, client=client, now=now + later))
        states.update({report.feed.url: report.state for report in reports})
        return {report.feed.url: report for report in reports}

    return run


def test_a_bad_feed_is_a_report_and_the_others_arrive(
    gathered: Gather, feed_server: FeedServer
) -> None:
    good = [feed_server.put(f"/good/{n}", FEED) for n in range(6)]
    bad = [
        feed_server.url(path)
        for path in ("/status/500", "/close", "/bomb/20", "/page", "/login", "/loop", "/missing/x")
    ]
    reports = gathered(*good, *bad, "https://[broken", "file:///etc/hosts")
    assert all(reports[url].status == "new" and len(reports[url].items) == 2 for url in good)
    for url in (*bad, "https://[broken", "file:///etc/hosts"):
        assert reports[url].status == "failed"
        assert "; next try 23 Nov" in reports[url].problem
        assert reports[url].state.failures == 1


def test_a_page_or_a_login_is_an_error_that_helps(
    gathered: Gather, feed_server: FeedServer
) -> None:
    page, login = feed_server.url("/page"), feed_server.url("/login")
    reports = gathered(page, login)
    assert f"it names {feed_server.url('/feed')}" in reports[page].problem
    assert "perhaps a login" in reports[login].problem


def test_the_second_visit_is_conditional_and_brings_nothing(
    gathered: Gather, feed_server: FeedServer
) -> None:
    url = feed_server.put("/f", FEED, etag='"1"')
    assert gathered(url)[url].state.etag == '"1"'
    report = gathered(url, later=2 * HOUR)[url]
    assert (report.status, report.items) == ("unchanged", ())
    assert feed_server.requests[-1].headers["if-none-match"] == '"1"'


def test_new_validators_are_known_only_to_the_state_to_be_saved(
    gathered: Gather, feed_server: FeedServer
) -> None:
    # Who saves the state after the items loses none; before a save nothing is remembered.
    url = feed_server.put("/f", FEED, etag='"1"')
    report = gathered(url)[url]
    assert report.items
    assert report.state.succeeded_at == report.state.asked_at


def test_an_unchanged_body_without_validators_is_not_read_again(
    gathered: Gather, feed_server: FeedServer
) -> None:
    url = feed_server.put("/f", FEED)
    gathered(url)
    assert gathered(url, later=25 * HOUR)[url].status == "unchanged"
    feed_server.put("/f", FEED.replace(b"Nine", b"Ten"))
    assert gathered(url, later=50 * HOUR)[url].status == "new"


def test_within_the_hour_a_feed_rests_and_says_until_when(
    gathered: Gather, feed_server: FeedServer
) -> None:
    url = feed_server.put("/f", FEED, etag='"1"')
    gathered(url)
    report = gathered(url, later=timedelta(minutes=20))[url]
    assert report.status == "resting"
    assert report.notes == ("asked at 23 Nov 08:00 UTC, next due 23 Nov 09:00 UTC",)
    assert report.problem == ""
    assert len(feed_server.asked("/f")) == 1


def test_retry_after_is_obeyed_through_the_state(gathered: Gather, feed_server: FeedServer) -> None:
    url = feed_server.url("/retry/503/7200")
    gathered(url)
    assert gathered(url, later=timedelta(minutes=90))[url].status == "resting"
    assert gathered(url, later=timedelta(minutes=125))[url].status == "failed"
    assert len(feed_server.requests) == 2


def test_a_feed_that_is_gone_is_never_asked_again(
    gathered: Gather, feed_server: FeedServer
) -> None:
    url = feed_server.url("/status/410")
    assert gathered(url)[url].status == "gone"
    report = gathered(url, later=timedelta(days=30))[url]
    assert (report.status, len(feed_server.requests)) == ("gone", 1)
    assert "remove it from the settings" in report.problem


def test_a_feed_that_moved_for_good_is_asked_at_its_new_place(
    gathered: Gather, feed_server: FeedServer
) -> None:
    new = feed_server.put("/new", FEED, etag='"1"')
    old = feed_server.url(f"/redirect/301?to={new}")
    for visit in range(3):
        gathered(old, later=visit * 2 * HOUR)
    before = len(feed_server.requests)
    report = gathered(old, later=8 * HOUR)[old]
    assert [seen.path for seen in feed_server.requests[before:]] == ["/new"]
    assert report.notes == (f"it moved to {new}: put that address into the settings",)


def test_five_failures_in_a_row_are_pointed_out(gathered: Gather, feed_server: FeedServer) -> None:
    url = feed_server.url("/status/500")
    problems = [gathered(url, later=timedelta(days=2 * n))[url].problem for n in range(5)]
    assert "in a row" not in problems[3]
    assert "it failed 5 times in a row" in problems[4]


def test_one_host_never_has_more_than_two_requests(
    gathered: Gather, feed_server: FeedServer
) -> None:
    urls = [feed_server.put(f"/many/{n}", FEED) for n in range(30)]
    reports = gathered(*urls)
    assert feed_server.most_at_once <= 2
    assert set(feed_server.counted().values()) == {1}
    assert len(reports) == 30


def test_a_river_may_be_a_file_and_is_read_when_it_changes(
    client: httpx.Client, now: datetime, tmp_path: Path
) -> None:
    path = tmp_path / "river.txt"
    story = "Knots\nhttps://knots.example/1\nText.\nvia Knots https://knots.example/\n"
    path.write_text(story, encoding="utf-8")

    def run(url: str, states: dict[str, FeedState]) -> FeedReport:
        feed = Feed(url=url, name="River", kind=FeedKind.RIVER)
        (report,) = gather([feed], states, client=client, now=now)
        return report

    first = run(str(path), {})
    assert [item.title for item in first.items] == ["Knots"]
    known = {str(path): first.state}
    assert run(str(path), known).status == "unchanged"
    path.write_text(story + story.replace("/1", "/2"), encoding="utf-8")
    assert len(run(str(path), known).items) == 2
    assert len(run(path.as_uri(), {}).items) == 2
    missing = run(str(tmp_path / "none.txt"), {})
    assert "No such file" in missing.problem


def test_only_a_river_may_be_a_file(client: httpx.Client, now: datetime, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(FEED)
    for url in (str(path), path.as_uri()):
        (report,) = gather([Feed(url=url)], {}, client=client, now=now)
        assert "only http and https" in report.problem


def test_an_error_of_our_own_costs_one_feed_only(now: datetime) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/odd":
            raise KeyError("what nobody foresaw")
        return httpx.Response(200, stream=httpx.ByteStream(FEED))

    feeds = [Feed(url="https://a.example/odd"), Feed(url="https://a.example/feed")]
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        reports = {report.feed: report for report in gather(feeds, {}, client=client, now=now)}
    assert "an error in newsletter itself" in reports[feeds[0]].problem
    assert len(reports[feeds[1]].items) == 2


def test_who_stops_listening_ends_the_gathering(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    feeds = [Feed(url=feed_server.put(f"/many/{n}", FEED)) for n in range(40)]
    reports = gather(feeds, {}, client=client, now=now)
    next(reports)
    assert isinstance(reports, Generator)
    reports.close()
    assert len(feed_server.requests) < 40


def test_no_feeds_are_no_reports(client: httpx.Client, now: datetime) -> None:
    assert list(gather([], {}, client=client, now=now)) == []


def test_a_state_of_long_ago_is_due(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    url = feed_server.put("/f", FEED)
    old = replace(FeedState(url=url), asked_at=now - timedelta(days=9), due_at=None)
    states: Sequence[FeedReport] = list(gather([Feed(url=url)], {url: old}, client=client, now=now))
    assert [report.status for report in states] == ["new"]
