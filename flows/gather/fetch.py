"""Fetches one feed politely: conditional, bounded, at most five hops, two at a time per host."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.client import responses
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import httpx

from flows.errors import FetchError, GoneError, RefusedAddress
from flows.gather.answer import Answer
from flows.gather.body import read_body
from flows.gather.guards import check_url, shown
from flows.gather.limits import CLOSING_SECONDS, IN_ALL, TOTAL_SECONDS, Trip
from flows.gather.manners import read_max_age, read_retry_after
from flows.gather.transport import CONNECTED, DEADLINE, Deadline, GuardedTransport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from flows.models import FeedState

CONNECT_SECONDS = 10.0
READ_SECONDS = 15.0
MOST_HOPS = 5
PERMANENT = frozenset({301, 308})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GOOD = frozenset({200, 203, 226})
NOT_MODIFIED = 304
GONE = 410
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
# An answer that says no more than a status is read to its end, so that nobody is hung up on.
_LITTLE = 64 * 2**10
# Nothing reached the host, so nothing of ours is left there.
_NEVER_THERE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, RefusedAddress)
_ERROR_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
_WHAT_IT_MEANS = {
    304: "it says that nothing changed, though we have nothing of it yet",
    401: "it wants a password",
    403: "it refuses us",
    404: "there is nothing at this address",
    429: "we ask too often",
    503: "it is overloaded or being repaired",
}


def user_agent(*, contact: str = "") -> str:
    """Return who we say we are: product, version, and where its owner can be reached."""
    from importlib.metadata import version  # noqa: PLC0415 - 30 ms that only a fetch should cost

    product = f"newsletter/{version('newsletter')}"
    return f"{product} (+{contact})" if contact else product


class Client(httpx.Client):
    """A client that keeps nothing of one request for the next.

    httpx looks for cookies in every answer and prepares the hop that might follow; together
    with its log and its clock that is a fifth of what a visit costs, and none of it is wanted.
    """

    def __init__(self, *, transport: httpx.BaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, **options)
        self._to_everybody = transport

    def send(
        self, request: httpx.Request, *, stream: bool = False, **options: Any
    ) -> httpx.Response:
        """Return the answer to this request, whatever came before it."""
        # A name and password in the address are httpx's to spell.
        if request.url.userinfo or not stream or self.is_closed:
            return super().send(request, stream=stream, **options)
        response = self._to_everybody.handle_request(request)
        response.request = request
        return response


def open_client(*, user_agent: str, allow_private_networks: bool) -> httpx.Client:
    """Return the client all feeds are fetched with: no cookies, no redirects, no environment."""
    return Client(
        transport=GuardedTransport(
            allow_private_networks=allow_private_networks, connections=IN_ALL + 8
        ),
        # No brotli: most of its decoders for Python cannot stop at a size, so that a bomb of a
        # few kilobytes would be unpacked whole before anybody could count it.
        headers={"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=TOTAL_SECONDS),
        # No proxy and no .netrc: an address can only be checked by who connects to it.
        trust_env=False,
    )


def fetch(
    client: httpx.Client,
    url: str,
    *,
    state: FeedState | None = None,
    trip: Trip | None = None,
    now: datetime,
) -> Answer:
    """Return what `url` answers within the trip's limits; raises FetchError, RefusedAddress."""
    try:
        visit = _Visit(client, state, trip or Trip(), now=now)
        return visit.follow(url)
    except RefusedAddress as error:
        reason = str(error).removeprefix("guard: ")
        raise RefusedAddress(f"fetch: {shown(url)}: {reason}", url=url) from error
    except httpx.TimeoutException as error:
        raise FetchError(f"fetch: {shown(url)} did not answer in time", url=url) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise FetchError(f"fetch: {shown(url)}: {_reason(error)}", url=url) from error


def _reason(error: Exception) -> str:
    said = _ERROR_NUMBER.sub("", str(error)).rstrip(".")
    if said.startswith(("illegal status line", "illegal header line")):
        return "what answers there does not speak HTTP"
    return said[:1].lower() + said[1:] or type(error).__name__


def _conditions(state: FeedState | None) -> dict[bytes, bytes]:
    # Both, where both are known: the server prefers the first (RFC 9110 13.2.2).
    known = {
        b"If-None-Match": state.etag if state else None,
        b"If-Modified-Since": state.last_modified if state else None,
    }
    return {name: value.encode("latin-1") for name, value in known.items() if value}


class _Visit:
    """One feed's way from its address to its answer."""

    def __init__(
        self,
        client: httpx.Client,
        state: FeedState | None,
        trip: Trip,
        *,
        now: datetime,
    ) -> None:
        self._client = client
        self._trip = trip
        self._now = now
        # Validators are for the address that gave them, not for where it redirects to by now.
        self._known = _conditions(state)
        self._known_by = (state.answered_by or state.url) if self._known and state else ""
        self._conditions: dict[bytes, bytes] = {}
        self._deadline = Deadline()

    def follow(self, start: str) -> Answer:
        url, moved_to, permanent = httpx.URL(start), None, True
        for _ in range(MOST_HOPS + 1):
            check_url(str(url))
            with self._ask(url) as response:
                if response.status_code not in REDIRECTS:
                    return self._answer(response, moved_to, permanent=permanent)
                self._finish(response)
                target = _target(url, response)
                permanent = permanent and response.status_code in PERMANENT
            if permanent:
                moved_to = str(target)
            url = target
        raise FetchError(
            f"fetch: {shown(start)} redirects more than {MOST_HOPS} times; "
            "open it in a browser and put the address it ends at into the settings",
            url=start,
        )

    @contextmanager
    def _ask(self, url: httpx.URL) -> Iterator[httpx.Response]:
        limits = self._trip.limits
        with limits.hosts.turn(url.host):
            # The clock starts with the first request: waiting for a turn is our own choice.
            if not self._trip.requests:
                end = time.monotonic() + limits.seconds
                self._deadline = Deadline(at=end, stopped=limits.stopped)
            self._trip.is_whole = False
            response = None
            try:
                response = self._send(url)
                yield response
            except _NEVER_THERE:
                self._trip.is_whole = True
                raise
            finally:
                self._leave(response)

    def _leave(self, response: httpx.Response | None) -> None:
        """Close the answer, and stay until its host has noticed: till then we count for it."""
        rest = self._trip.limits.rest
        if response is not None:
            self._trip.received += response.num_bytes_downloaded
            response.close()
        if self._trip.is_whole:
            closing = response is not None and response.headers.get("connection") == "close"
            rest = min(rest, CLOSING_SECONDS) if closing else 0
        if rest:
            self._trip.limits.stopped.wait(rest)

    def _send(self, url: httpx.URL) -> httpx.Response:
        # Compared as text first: to take an address apart takes long.
        is_known = bool(self._known) and (str(url) == self._known_by or url == self._known_by)
        self._conditions = self._known if is_known else {}
        connected: list[str] = []
        request = self._client.build_request(
            "GET",
            url,
            headers=self._conditions,
            extensions={DEADLINE: self._deadline, CONNECTED: connected},
        )
        self._trip.status = 0
        self._trip.requests += 1
        try:
            response = self._client.send(request, stream=True)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            if connected:
                raise
            # Not this feed's fault: the connection was a used one, and its host had closed it,
            # or had said more on it than an earlier answer held (RFC 9112 9.3.1).
            self._trip.requests += 1
            response = self._client.send(request, stream=True)
        self._trip.status = response.status_code
        return response

    def _finish(self, response: httpx.Response) -> None:
        """Read what little is left of an answer, so that its connection may be used again."""
        read = 0
        with suppress(httpx.HTTPError):
            for chunk in response.iter_raw():
                read += len(chunk)
                if read > _LITTLE:
                    return
            self._trip.is_whole = True

    def _answer(self, response: httpx.Response, moved_to: str | None, *, permanent: bool) -> Answer:
        unchanged = response.status_code == NOT_MODIFIED and bool(self._conditions)
        retry_after = read_retry_after(response.headers, now=self._now)
        self._trip.wait = None if retry_after is None else timedelta(seconds=retry_after)
        if unchanged or response.status_code not in GOOD:
            self._finish(response)
        if not unchanged and response.status_code not in GOOD:
            _refuse(response, retry_after=retry_after, permanent=permanent)
        body = None
        if not unchanged:
            body = read_body(response, trip=self._trip, deadline=self._deadline.at)
        return Answer(
            url=str(response.url),
            body=body,
            wire_bytes=response.num_bytes_downloaded,
            content_type=response.headers.get("content-type", ""),
            etag=self._validator(response, b"ETag", kept=unchanged and b"If-None-Match"),
            last_modified=self._validator(
                response, b"Last-Modified", kept=unchanged and b"If-Modified-Since"
            ),
            max_age=read_max_age(response.headers),
            retry_after=self._trip.wait,
            moved_to=moved_to,
        )

    def _validator(
        self, response: httpx.Response, name: bytes, *, kept: bytes | Literal[False]
    ) -> str | None:
        # Byte for byte: Latin-1 keeps every byte, where httpx would guess an encoding.
        for found, value in response.headers.raw:
            if found.lower() == name.lower():
                return value.decode("latin-1")
        # A 304 renews the validators it names and leaves the others as they are.
        condition = self._conditions.get(kept) if kept else None
        return condition.decode("latin-1") if condition else None


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    location = response.headers.get("location", "").strip()
    if not location:
        raise FetchError(
            f"fetch: {shown(str(url))} answered {response.status_code} without saying where to go",
            url=str(url),
            status=response.status_code,
        )
    target = url.join(location)
    # What a redirect says for a user name is not ours; our own goes to its own host only.
    same_host = target.host == url.host and target.scheme in {url.scheme, "https"}
    return target.copy_with(userinfo=url.userinfo if same_host else b"", fragment=None)


def _refuse(response: httpx.Response, *, retry_after: float | None, permanent: bool) -> NoReturn:
    status, url = response.status_code, str(response.url)
    if status == GONE and permanent:
        raise GoneError(f"fetch: {shown(url)} is gone for good (410)", url=url, status=status)
    phrase = _WHAT_IT_MEANS.get(status) or responses.get(status, "a status nobody knows").lower()
    raise FetchError(
        f"fetch: {shown(url)} answered {status}: {phrase}",
        url=url,
        status=status,
        retry_after=retry_after,
    )
