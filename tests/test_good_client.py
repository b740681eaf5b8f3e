"""How a good client behaves towards the feeds it asks: one test for each of the 22 rules."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from flows.errors import FetchError, RefusedAddress
from flows.gather.fetch import fetch, open_client, user_agent
from flows.gather.gather import gather
from flows.gather.limits import Limits, Trip
from flows.gather.manners import MOST_404, after_failure
from flows.models import Feed, FeedReport, FeedState
from flows.store.feeds import load_states
from flows.store.items import load_items
from flows.store.visits import save_reports
from tests.feed_server import FEED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from sqlalchemy import Engine

    from tests.feed_server import FeedServer

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DATE = "Wed, 18 Dec 2024 12:00:00 GMT"
AGENT = user_agent(contact="https://news.example.org")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client(user_agent=AGENT, allow_private_networks=True) as client:
        yield client


class Asker:
    """Asks one feed again and again, and remembers as the database would."""

    def __init__(self, client: httpx.Client, feed: Feed) -> None:
        self._client = client
        self.feed = feed
        self.state = FeedState(url=feed.url)

    def ask(self, *, at: timedelta = timedelta()) -> FeedReport:
        states = {self.feed.url: self.state}
        (report,) = gather([self.feed], states, client=self._client, now=NOW + at)
        self.state = report.state
        return report

    def rests(self) -> timedelta:
        assert self.state.due_at is not None
        assert self.state.asked_at is not None
        return self.state.due_at - self.state.asked_at


Asking = Callable[[str], Asker]


@pytest.fixture
def asking(client: httpx.Client) -> Asking:
    return lambda url: Asker(client, Feed(url=url))


def test_rule_1_validators_are_kept_byte_for_byte(asking: Asking, feed_server: FeedServer) -> None:
    odd = 'W/"caf\xe9, 1"'
    asker = asking(feed_server.put("/f", FEED, etag=odd, last_modified="Tuesday"))
    asker.ask()
    assert (asker.state.etag, asker.state.last_modified) == (odd, "Tuesday")


def test_rule_2_both_conditions_are_sent(asking: Asking, feed_server: FeedServer) -> None:
    asker = asking(feed_server.put("/f", FEED, etag='"1"', last_modified=DATE))
    asker.ask()
    assert asker.ask(at=2 * HOUR).status == "unchanged"
    headers = feed_server.requests[-1].headers
    assert (headers["if-none-match"], headers["if-modified-since"]) == ('"1"', DATE)


def test_rule_3_a_304_renews_what_it_names(asking: Asking, feed_server: FeedServer) -> None:
    asker = asking(feed_server.put("/f", FEED, etag='"1"', Cache_Control="max-age=60"))
    asker.ask()
    feed_server.put("/f", FEED, etag='"1"', last_modified=DATE, Cache_Control="max-age=21600")
    assert asker.ask(at=2 * HOUR).status == "unchanged"
    assert (asker.state.etag, asker.state.last_modified) == ('"1"', DATE)
    assert asker.rests() == 6 * HOUR


def test_rule_4_no_validator_is_kept_without_its_items(
    client: httpx.Client, feed_server: FeedServer, engine: Engine
) -> None:
    feed = Feed(url=feed_server.put("/f", FEED, etag='"1"'))
    (report,) = gather([feed], {}, client=client, now=NOW)
    broken = replace(report.items[0], author=None)  # type: ignore[arg-type] # what cannot be stored
    with pytest.raises(Exception, match="NOT NULL"):
        save_reports(engine, [replace(report, items=(broken,))], now=NOW)
    assert load_states(engine, [feed.url]) == {}
    save_reports(engine, [report], now=NOW)
    assert load_states(engine, [feed.url])[feed.url].etag == '"1"'
    assert len(load_items(engine, [feed], since=NOW - 90 * HOUR, until=NOW)) == 2


@pytest.mark.parametrize("changed", [{"timezone": "Europe/Athens"}, {"name": "New"}], ids=str)
def test_rule_5_who_would_read_it_otherwise_asks_without_conditions(
    asking: Asking, feed_server: FeedServer, changed: dict[str, str]
) -> None:
    asker = asking(feed_server.put("/f", FEED, etag='"1"'))
    asker.ask()
    asker.feed = replace(asker.feed, **changed)  # type: ignore[arg-type] # the table's real fields
    assert asker.ask(at=2 * HOUR).status == "new"
    assert "if-none-match" not in feed_server.requests[-1].headers
    assert asker.ask(at=4 * HOUR).status == "unchanged"


def test_rule_5_a_parser_that_changed_reads_anew(asking: Asking, feed_server: FeedServer) -> None:
    asker = asking(feed_server.put("/f", FEED, etag='"1"'))
    asker.ask()
    asker.state = replace(asker.state, reading="as an earlier version did")
    assert asker.ask(at=2 * HOUR).status == "new"


def test_rule_5_validators_go_only_to_the_address_that_gave_them(
    asking: Asking, feed_server: FeedServer
) -> None:
    feed_server.put("/a", FEED, etag='"same"')
    feed_server.put("/b", FEED.replace(b"h-1", b"h-3"), etag='"same"')
    url = feed_server.put("/f", FEED, etag='"same"')
    asker = asking(url)
    asker.ask()
    feed_server.documents.pop("/f")
    asker.feed = replace(asker.feed, url=feed_server.url(f"/redirect/302?to={url[:-2]}/b"))
    asker.state = replace(asker.state, url=asker.feed.url)
    assert asker.ask(at=2 * HOUR).status == "new"
    assert "if-none-match" not in feed_server.requests[-1].headers
    assert asker.ask(at=4 * HOUR).status == "unchanged"


def test_rule_6_hourly_with_conditions_and_daily_without(
    asking: Asking, feed_server: FeedServer
) -> None:
    with_them, without = asking(feed_server.put("/f", FEED, etag='"1"')), asking(feed_server.url())
    with_them.ask()
    without.ask()
    assert (with_them.rests(), without.rests()) == (HOUR, 24 * HOUR)


def test_rule_7_a_restart_asks_nobody_again(
    client: httpx.Client, feed_server: FeedServer, engine: Engine
) -> None:
    feeds = [Feed(url=feed_server.put(f"/f/{n}", FEED, etag='"1"')) for n in range(5)]
    save_reports(engine, list(gather(feeds, {}, client=client, now=NOW)), now=NOW)
    states = load_states(engine, [feed.url for feed in feeds])
    soon = NOW + timedelta(minutes=30)
    again = list(gather(feeds, states, client=client, now=soon))
    assert {report.status for report in again} == {"resting"}
    assert len(feed_server.requests) == 5


@pytest.mark.parametrize(
    ("path", "least", "most"),
    [
        ("/retry/503/10800", 3, 3),
        ("/retry/429/Mon, 23 Nov 2099 08:00:00 GMT", 7 * 24, 7 * 24),
        ("/retry/404/10800", 3, 3),
        ("/status/429", 4, 5),
        ("/status/403", 4, 5),
    ],
)
def test_rule_8_retry_after_is_honoured_and_four_hours_without_it(
    asking: Asking, feed_server: FeedServer, path: str, least: int, most: int
) -> None:
    asker = asking(feed_server.url(path))
    asker.ask()
    assert least * HOUR <= asker.rests() <= most * HOUR


def test_rule_8_retry_after_is_honoured_on_a_good_answer_and_a_304_too(
    asking: Asking, feed_server: FeedServer
) -> None:
    asker = asking(feed_server.put("/f", FEED, etag='"1"', Retry_After="10800"))
    for visit, status in enumerate(("new", "unchanged")):
        assert asker.ask(at=visit * 4 * HOUR).status == status
        assert asker.rests() == 3 * HOUR


@pytest.mark.parametrize(("seconds", "hours"), [(60, 1), (14400, 4), (604800, 12)])
def test_rule_9_max_age_is_the_least_interval_with_a_ceiling(
    asking: Asking, feed_server: FeedServer, seconds: int, hours: int
) -> None:
    control = f"public, max-age={seconds}"
    asker = asking(feed_server.put("/f", FEED, etag='"1"', Cache_Control=control))
    asker.ask()
    assert asker.rests() == hours * HOUR


def test_rule_10_failures_back_off_apart_and_the_owner_is_told(
    asking: Asking, feed_server: FeedServer
) -> None:
    asker, rests, problem = asking(feed_server.url("/status/500")), [], ""
    for visit in range(7):
        problem = asker.ask(at=visit * 48 * HOUR).problem
        rests.append(asker.rests())
    assert rests[:5] == sorted(rests[:5])
    assert rests[0] >= HOUR
    assert all(24 * HOUR <= rest <= 30 * HOUR for rest in rests[5:])
    assert "7 times in a row: look after it" in problem
    other = after_failure(FeedState(url="x"), FetchError("no"), now=NOW, least_interval=HOUR)
    assert other.due_at != NOW + rests[0]


def test_rule_11_a_410_stops_and_a_404_only_after_many_tries(
    asking: Asking, feed_server: FeedServer
) -> None:
    gone, missing = asking(feed_server.url("/status/410")), asking(feed_server.url("/missing"))
    assert gone.ask().status == "gone"
    assert gone.ask(at=1000 * HOUR).visit is None
    for visit in range(MOST_404 - 1):
        error = FetchError("not there", status=404)
        now = NOW + visit * 48 * HOUR
        missing.state = after_failure(missing.state, error, now=now, least_interval=HOUR)
    assert not missing.state.gone
    assert missing.ask(at=MOST_404 * 48 * HOUR).status == "gone"


def test_rule_12_a_move_is_followed_after_three_good_answers_up_to_a_temporary_hop(
    asking: Asking, feed_server: FeedServer
) -> None:
    new = feed_server.put("/new", FEED, etag='"1"')
    temporary = feed_server.url(f"/redirect/302?to={new}")
    old = f"/redirect/301?to={temporary}"
    asker = asking(feed_server.url(old))
    for visit in range(3):
        asker.ask(at=visit * 2 * HOUR)
    assert [seen.path for seen in feed_server.requests].count(old) == 3
    before = len(feed_server.requests)
    asker.ask(at=8 * HOUR)
    asked = [seen.path for seen in feed_server.requests[before:]]
    assert asked == [temporary.removeprefix(feed_server.url("")), "/new"]


def test_rule_13_five_hops_over_http_to_checked_addresses(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    assert fetch(client, feed_server.url("/hops/5"), now=NOW).body == FEED
    with pytest.raises(FetchError, match="more than 5"):
        fetch(client, feed_server.url("/hops/6"), now=NOW)
    for target in ("ftp://127.0.0.1/f", "file:///etc/hosts"):
        with pytest.raises(RefusedAddress):
            fetch(client, feed_server.url(f"/redirect/302?to={target}"), now=NOW)
    with (
        open_client(user_agent=AGENT, allow_private_networks=False) as strict,
        pytest.raises(RefusedAddress, match="not a public address"),
    ):
        fetch(strict, feed_server.url(), now=NOW)


def test_rule_14_no_cookies_no_referer_and_nothing_added_to_the_address(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    for path in ("/cookie", "/cookie", "/hops/2"):
        fetch(client, feed_server.url(path), now=NOW)
    assert all(not {"cookie", "referer"} & set(seen.headers) for seen in feed_server.requests)
    assert not any("?" in seen.path for seen in feed_server.requests)


def test_rule_15_the_user_agent_is_ours_with_a_version_and_a_contact(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    fetch(client, feed_server.url(), now=NOW)
    agent = feed_server.requests[-1].headers["user-agent"]
    assert agent.startswith("newsletter/")
    assert agent.endswith("(+https://news.example.org)")


def test_rule_16_gzip_is_asked_for_and_a_bomb_is_not_unpacked(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    fetch(client, feed_server.url(), now=NOW)
    assert "gzip" in feed_server.requests[-1].headers["accept-encoding"]
    with pytest.raises(FetchError, match="larger than 10 MB"):
        fetch(client, feed_server.url("/bomb/50"), now=NOW)


def test_rule_17_the_whole_visit_has_a_time_limit(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    with pytest.raises(FetchError, match="in time"):
        fetch(client, feed_server.url("/drip"), trip=Trip(Limits(seconds=0.3)), now=NOW)


def test_rule_18_two_at_once_on_a_host(client: httpx.Client, feed_server: FeedServer) -> None:
    feeds = [Feed(url=feed_server.url(f"/crowd/3/{n}")) for n in range(6)]
    assert len(list(gather(feeds, {}, client=client, now=NOW))) == 6
    assert feed_server.most_at_once <= 2


def test_rule_18_thirty_in_all(
    client: httpx.Client, feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        host = "127.0.0.1" if host.endswith(".example") else host
        return system(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    urls = [feed_server.url("/crowd/33", host=f"h{n}.example") for n in range(45)]
    reports = list(gather([Feed(url=url) for url in urls], {}, client=client, now=NOW))
    assert {report.status for report in reports} == {"new"}
    assert feed_server.most_at_once <= 32


def test_rule_18_a_host_that_hangs_keeps_no_other_waiting(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    hanging = [Feed(url=feed_server.url(f"/hang/{n}")) for n in range(60)]
    feed_server.put("/good", FEED, etag='"1"')
    good = [Feed(url=feed_server.url(f"/good?{n}", host="localhost")) for n in range(40)]
    with closing(gather([*hanging, *good], {}, client=client, now=NOW)) as reports:
        told = [next(reports) for _ in good]
    assert {report.status for report in told} == {"new"}


def test_rule_18_a_connection_we_gave_up_still_counts_for_its_host(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    limits = Limits(seconds=0.2, rest=0.5)
    with pytest.raises(FetchError):
        fetch(client, feed_server.url("/drip"), trip=Trip(limits), now=NOW)
    turn = limits.hosts.turn("127.0.0.1")
    # The server writes every 20 ms, so half a second is ample for it to notice.
    with turn:
        assert feed_server.at_once == 0


def test_rule_19_a_short_body_leaves_what_was_known(
    asking: Asking, feed_server: FeedServer
) -> None:
    asker = asking(feed_server.put("/f", FEED, etag='"1"'))
    asker.ask()
    known = asker.state
    feed_server.documents.pop("/f")
    asker.state = replace(known, moved_to=feed_server.url("/truncated"), moves_seen=3)
    report = asker.ask(at=2 * HOUR)
    assert (report.status, report.items) == ("failed", ())
    assert (asker.state.etag, asker.state.body_hash) == (known.etag, known.body_hash)


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", ""])
def test_rule_20_the_content_type_is_only_a_hint(
    asking: Asking, feed_server: FeedServer, kind: str
) -> None:
    assert len(asking(feed_server.put("/f", FEED, content_type=kind)).ask().items) == 2


def test_rule_20_a_page_leads_to_its_feed_or_is_an_error(
    asking: Asking, feed_server: FeedServer
) -> None:
    report = asking(feed_server.url("/page")).ask()
    assert report.status == "failed"
    assert feed_server.url("/feed") in report.problem


def test_rule_21_a_login_is_not_an_empty_feed(asking: Asking, feed_server: FeedServer) -> None:
    report = asking(feed_server.url("/login")).ask()
    assert report.status == "failed"
    assert "perhaps a login" in report.problem


def test_rule_22_one_bad_feed_never_stops_the_others(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    good = [Feed(url=feed_server.put(f"/good/{n}", FEED)) for n in range(4)]
    paths = (
        "/close",
        "/truncated",
        "/bomb/30",
        "/loop",
        "/status/500",
        "/login",
        "/redirect/301?to=",
    )
    bad = [Feed(url=feed_server.url(path)) for path in paths]
    reports = list(gather([*bad, *good], {}, client=client, now=NOW))
    told = {report.feed: report for report in reports}
    assert all(len(told[feed].items) == 2 for feed in good)
    assert all("next try" in told[feed].problem for feed in bad)
    assert not any("newsletter itself" in told[feed].problem for feed in bad)


def test_who_stops_listening_waits_for_nobody_that_hangs(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    feeds = [Feed(url=feed_server.url("/hang")), Feed(url=feed_server.url("/feed"))]
    started = datetime.now(UTC)
    with closing(gather(feeds, {}, client=client, now=NOW)) as reports:
        assert next(reports).status == "new"
    assert datetime.now(UTC) - started < timedelta(seconds=5)


def test_what_one_answer_left_on_a_connection_is_not_the_next_feeds_fault(
    client: httpx.Client, feed_server: FeedServer
) -> None:
    with pytest.raises(FetchError, match="204"):
        fetch(client, feed_server.url("/stray"), now=NOW)
    trip = Trip()
    assert fetch(client, feed_server.url(), trip=trip, now=NOW).body == FEED
    assert trip.requests <= 2


def test_many_large_bodies_wait_for_one_another() -> None:
    limits = Limits()
    with Trip(limits) as first, Trip(limits) as second, Trip(limits) as third:
        assert first.make_room(2**22, deadline=0.0) is False
        far = 2.0**40
        assert first.make_room(2**22, deadline=far)
        assert second.make_room(2**22, deadline=far)
        assert third.make_room(2**10, deadline=0.0)
        waiting = Thread(target=third.make_room, args=(2**22,), kwargs={"deadline": far})
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
        limits.stopped.set()
        waiting.join(5)
        assert not waiting.is_alive()


def test_bodies_are_unpacked_one_at_a_time(client: httpx.Client, feed_server: FeedServer) -> None:
    limits = Limits()
    options = {"trip": Trip(limits), "now": NOW}
    with limits.decoding:
        other = Thread(target=fetch, args=(client, feed_server.url()), kwargs=options)
        other.start()
        other.join(0.1)
        assert other.is_alive()
    other.join(5)
    assert not other.is_alive()
