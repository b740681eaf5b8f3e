"""One feed, fetched: conditions, redirects, limits, and what is never sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import FeedError, FetchError, GoneError, RefusedAddress
from flows.gather.fetch import Client, fetch, open_client, user_agent
from flows.gather.limits import HostLimit, Limits, Trip
from flows.gather.transport import GuardedTransport
from flows.models import FeedState
from tests.feed_server import FEED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.feed_server import FeedServer

AGENT = "newsletter/1 (+https://example.org)"
ODD_ETAG = 'W/"caf\xe9, 1"'


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_client(user_agent=AGENT, allow_private_networks=True) as client:
        yield client


@pytest.fixture
def hasty() -> Iterator[httpx.Client]:
    transport = GuardedTransport(allow_private_networks=True, connections=4)
    with httpx.Client(transport=transport, timeout=0.2, trust_env=False) as client:
        yield client


def test_both_validators_go_back_byte_for_byte(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    url = feed_server.put("/f", FEED, etag=ODD_ETAG, last_modified="Wed, 18 Dec 2024 12:00:00 GMT")
    first = fetch(client, url, now=now)
    state = FeedState(url=url, etag=first.etag, last_modified=first.last_modified)
    second = fetch(client, url, state=state, now=now)
    assert second.body is None
    headers = feed_server.requests[-1].headers
    assert headers["if-none-match"] == ODD_ETAG
    assert headers["if-modified-since"] == "Wed, 18 Dec 2024 12:00:00 GMT"


def test_a_304_keeps_the_validators_it_does_not_name(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    url = feed_server.put("/f", FEED, etag='"v1"')
    state = FeedState(url=url, etag='"v1"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT")
    answer = fetch(client, url, state=state, now=now)
    assert (answer.etag, answer.last_modified) == ('"v1"', "Mon, 01 Jan 2024 00:00:00 GMT")


def test_a_304_nobody_asked_for_is_a_failure(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    with pytest.raises(FetchError, match="304: it says that nothing changed"):
        fetch(client, feed_server.url("/status/304"), now=now)


def test_no_cookie_and_no_referer_is_ever_sent(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    for _ in range(2):
        fetch(client, feed_server.url("/cookie"), now=now)
    fetch(client, feed_server.url("/hops/2"), now=now)
    assert all(not {"cookie", "referer"} & set(seen.headers) for seen in feed_server.requests)
    assert {seen.headers["user-agent"] for seen in feed_server.requests} == {AGENT}


def test_the_user_agent_names_product_version_and_contact() -> None:
    assert user_agent(contact="https://x.example").endswith(" (+https://x.example)")
    assert user_agent().startswith("newsletter/")


def test_five_hops_are_followed_and_six_are_not(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    assert fetch(client, feed_server.url("/hops/5"), now=now).body == FEED
    with pytest.raises(FetchError, match="more than 5 times"):
        fetch(client, feed_server.url("/hops/6"), now=now)
    with pytest.raises(FetchError, match="more than 5 times"):
        fetch(client, feed_server.url("/loop"), now=now)


@pytest.mark.parametrize(
    ("codes", "moved"),
    [((301,), True), ((308, 301), True), ((302,), False), ((301, 302), False)],
    ids=str,
)
def test_only_a_permanent_chain_moves_a_feed(
    client: httpx.Client,
    feed_server: FeedServer,
    now: datetime,
    *,
    codes: tuple[int, ...],
    moved: bool,
) -> None:
    url = feed_server.url("/feed")
    for code in codes:
        url = feed_server.url(f"/redirect/{code}?to={url}")
    answer = fetch(client, url, now=now)
    assert answer.body == FEED
    assert answer.moved_to == (feed_server.url("/feed") if moved else None)


def test_a_move_ends_at_the_first_temporary_hop(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    temporary = feed_server.url("/hops/1")
    answer = fetch(client, feed_server.url(f"/redirect/301?to={temporary}"), now=now)
    assert answer.moved_to == temporary


@pytest.mark.parametrize("target", ["file:///etc/hosts", "ftp://127.0.0.1/f", "gopher://x/"])
def test_a_redirect_to_another_scheme_is_refused(
    client: httpx.Client, feed_server: FeedServer, now: datetime, target: str
) -> None:
    with pytest.raises(RefusedAddress, match="only http and https"):
        fetch(client, feed_server.url(f"/redirect/302?to={target}"), now=now)


def test_a_redirects_user_name_and_password_are_dropped(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    target = feed_server.url("/feed").replace("127.0.0.1", "user:secret@localhost")
    fetch(client, feed_server.url(f"/redirect/302?to={target}"), now=now)
    assert all("authorization" not in seen.headers for seen in feed_server.requests)


def test_a_redirect_without_a_place_is_a_failure(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    with pytest.raises(FetchError, match="without saying where"):
        fetch(client, feed_server.url("/redirect/302?to=%20"), now=now)


@pytest.mark.parametrize("status", [204, 401, 403, 404, 418, 429, 500, 503])
def test_a_bad_status_is_told_with_its_number(
    client: httpx.Client, feed_server: FeedServer, now: datetime, status: int
) -> None:
    with pytest.raises(FetchError, match=f"answered {status}: ") as told:
        fetch(client, feed_server.url(f"/status/{status}"), now=now)
    assert told.value.status == status


def test_410_is_for_good_unless_a_temporary_redirect_led_there(
    client: httpx.Client, feed_server: FeedServer, now: datetime
) -> None:
    gone = feed_server.url("/status/410")
    with pytest.raises(GoneError):
        fetch(client, gone, now=now)
    with pytest.raises(FetchError) as told:
        fetch(client, feed_server.url(f"/redirect/302?to={gone}"), now=now)
    assert not isinstance(told.value, GoneError)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/close", "without sending a response"),
        ("/garbage", "does not speak HTTP"),
        ("/truncated", "without sending complete"),
        ("/bomb/64", "larger than 10 MB"),
        ("/endless", "larger than 10 MB"),
    ],
)
def test_an_answer_that_breaks_off_or_never_ends_is_a_failure(
    client: httpx.Client, feed_server: FeedServer, now: datetime, path: str, why: str
) -> None:
    with pytest.raises(FetchError, match=why):
        fetch(client, feed_server.url(path), now=now)


@pytest.mark.parametrize("path", ["/hang", "/hang-body"])
def test_silence_ends_at_the_read_limit(
    hasty: httpx.Client, feed_server: FeedServer, now: datetime, path: str
) -> None:
    with pytest.raises(FetchError, match="did not answer in time"):
        fetch(hasty, feed_server.url(path), now=now)


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_a_drip_ends_at_the_total_limit(
    client: httpx.Client, feed_server: FeedServer, now: datetime, path: str
) -> None:
    with pytest.raises(FetchError, match="in time"):
        fetch(client, feed_server.url(path), now=now, trip=Trip(Limits(seconds=0.3)))


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://", "https://exa mple.example/", "http://\udcff.example/"]
)
def test_an_address_that_is_none_is_a_sentence(
    client: httpx.Client, now: datetime, url: str
) -> None:
    with pytest.raises(FetchError):
        fetch(client, url, now=now)


def test_a_port_nobody_listens_at_is_a_plain_sentence(client: httpx.Client, now: datetime) -> None:
    with pytest.raises(FetchError, match=r"^fetch: http://127\.0\.0\.1:1/: connection refused$"):
        fetch(client, "http://127.0.0.1:1/", now=now)


def test_a_password_in_an_address_is_not_told(client: httpx.Client, now: datetime) -> None:
    with pytest.raises(FetchError) as told:
        fetch(client, "http://me:secret@127.0.0.1:1/feed", now=now)
    assert "secret" not in str(told.value)


def test_no_host_has_more_than_two_of_our_requests() -> None:
    hosts = HostLimit(per_host=2)
    with hosts.turn("a.example"), hosts.turn("a.example"), hosts.turn("b.example"):
        third = hosts._hosts["a.example"].acquire(blocking=False)
    assert third is False


@given(st.one_of(st.binary(max_size=30), st.text("[]:/@%.#?\\ a1-", max_size=20)))
def test_wherever_a_redirect_points_the_end_is_a_sentence(place: bytes | str) -> None:
    location = place if isinstance(place, bytes) else f"http://{place}".encode()

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers=[(b"Location", location)], stream=httpx.ByteStream(b""))

    with (
        Client(transport=httpx.MockTransport(answer)) as client,
        pytest.raises(FeedError, match="fetch: "),
    ):
        fetch(client, "http://a.example/feed", now=datetime(2026, 11, 23, tzinfo=UTC))


def test_a_closed_client_asks_nobody(feed_server: FeedServer, now: datetime) -> None:
    with open_client(user_agent=AGENT, allow_private_networks=True) as client:
        fetch(client, feed_server.url(), now=now)
    with pytest.raises(RuntimeError, match="closed"):
        fetch(client, feed_server.url(), now=now)
    assert len(feed_server.requests) == 1
