"""The connection under the HTTP client: checked addresses, and a deadline for every byte."""

from __future__ import annotations

import math
import socket
import threading
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from flows.gather.guards import check_address
from flows.gather.limits import SLICE_SECONDS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

# What a request may carry: the Deadline by which it must be over, and a list that gets the host's
# name when a connection of its own is made for it.
DEADLINE = "deadline"
CONNECTED = "connected"
_PARTS = 16
# What all parts keep open beside what they use is some megabytes.
_IDLE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When (time.monotonic) a request must be over; `stopped` ends it before that."""

    at: float = math.inf
    stopped: threading.Event = field(default_factory=threading.Event)


class _Current(threading.local):
    """The deadline of the request that this thread is at, and the connections made for it."""

    deadline = Deadline()

    def __init__(self) -> None:
        self.connected: list[str] = []

    def left(self, timeout: float | None) -> float:
        return min(math.inf if timeout is None else timeout, self.deadline.at - time.monotonic())

    def check(self) -> None:
        if self.deadline.stopped.is_set():
            raise httpcore.ReadError("the gathering was stopped")


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline: a drip of bytes resets nothing."""

    def __init__(self, stream: httpcore.NetworkStream, current: _Current) -> None:
        self._stream = stream
        self._deadline = current

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = time.monotonic() + self._deadline.left(timeout)
        while True:
            self._deadline.check()
            left = end - time.monotonic()
            if left <= 0:
                raise httpcore.ReadTimeout("the time for the whole answer is over")
            try:
                return self._stream.read(max_bytes, min(left, SLICE_SECONDS))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._deadline.left(timeout)
        if left <= 0:
            raise httpcore.WriteTimeout("the time for the whole answer is over")
        self._stream.write(buffer, _finite(left))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _finite(max(self._deadline.left(timeout), 0.001))
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Resolves a host, checks every address it has, and connects to a checked one.

    A check of the name alone could be passed by a name that resolves to something else a
    moment later (DNS rebinding), so the address that is checked is the one that is connected to.
    """

    def __init__(self, current: _Current, *, allow_private_networks: bool) -> None:
        self._deadline = current
        self._allow = allow_private_networks
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self._deadline.connected.append(host)
        addresses = _resolve(host, port, self._deadline, timeout)
        for address in addresses:
            check_address(host, address, allow_private_networks=self._allow)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            left = max(self._deadline.left(timeout), 0.001)
            try:
                stream = self._backend.connect_tcp(
                    address, port, _finite(left), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure


class _Pools(httpcore.ConnectionPool):
    """Several pools, each for some of the hosts.

    For every request httpcore looks through the connections of a pool, and for each idle one
    through all of them again: with thirty hosts that costs more than the request itself. And
    the certificates of all authorities take longer to load than a dozen requests, so they are
    left alone until somebody is asked over https.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._options = options
        self._lock = threading.Lock()
        self._parts: dict[bytes, list[httpcore.ConnectionPool]] = {}

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Return the answer, over the pool that the request's host always has."""
        parts = self._parts.get(request.url.scheme) or self._open(request.url.scheme)
        return parts[hash(request.url.host) % _PARTS].handle_request(request)

    def _open(self, scheme: bytes) -> list[httpcore.ConnectionPool]:
        with self._lock:
            if scheme not in self._parts:
                context = httpx.create_ssl_context(trust_env=False) if scheme == b"https" else None
                self._parts[scheme] = [
                    httpcore.ConnectionPool(ssl_context=context, **self._options)
                    for _ in range(_PARTS)
                ]
            return self._parts[scheme]

    def close(self) -> None:
        """Close all connections."""
        for parts in self._parts.values():
            for part in parts:
                part.close()


class GuardedTransport(httpx.HTTPTransport):
    """An HTTP transport without proxies that connects to checked addresses only."""

    def __init__(self, *, allow_private_networks: bool, connections: int) -> None:
        # httpx has no parameter for a network backend; its transport is this one attribute.
        self._current = _Current()
        self._pool = _Pools(
            max_connections=connections,
            max_keepalive_connections=_IDLE,
            keepalive_expiry=5.0,
            network_backend=_Backend(self._current, allow_private_networks=allow_private_networks),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer; its body, too, must be read in this thread before the deadline."""
        self._current.deadline = request.extensions.get(DEADLINE) or Deadline()
        self._current.connected = request.extensions.get(CONNECTED, [])
        return super().handle_request(request)


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


def _resolve(host: str, port: int, current: _Current, timeout: float | None) -> list[str]:
    if _is_address(host):
        return [host]
    # The system's resolver knows no time limit, so it is asked by a thread that may be left behind.
    answers: SimpleQueue[list[str] | OSError | UnicodeError] = SimpleQueue()
    threading.Thread(target=_look_up, args=(host, port, answers), daemon=True).start()
    answer = _awaited(answers, host, time.monotonic() + current.left(timeout), current)
    if isinstance(answer, list):
        return answer
    raise httpcore.ConnectError(f"{host} cannot be resolved: {answer}") from answer


def _awaited(
    answers: SimpleQueue[list[str] | OSError | UnicodeError],
    host: str,
    end: float,
    current: _Current,
) -> list[str] | OSError | UnicodeError:
    while True:
        current.check()
        left = end - time.monotonic()
        if left <= 0:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time")
        try:
            return answers.get(timeout=min(left, SLICE_SECONDS))
        except Empty:
            continue


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(
    host: str, port: int, answers: SimpleQueue[list[str] | OSError | UnicodeError]
) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answers.put(error)
    else:
        answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
