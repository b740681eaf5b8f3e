"""The SDK's client with an opener of ours: one TLS context, no redirects, and a clear no.

urllib reports "never connected" and "broke off while sending" alike, but the first was surely
not accepted and the second perhaps. Connections are not kept alive on purpose: a request on one
that the server has just closed would be in doubt for nothing.
"""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

import orjson
from python_http_client import Client

if TYPE_CHECKING:
    from http.client import HTTPResponse


class NotConnected(OSError):
    """No connection came about: nothing of the request was sent."""


class _Connection(HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnected(*error.args) from error


class _TLSConnection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnected(*error.args) from error


class _Plain(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _TLS(HTTPSHandler):
    def __init__(self) -> None:
        self._shared = ssl.create_default_context()
        super().__init__(context=self._shared)

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_TLSConnection, req, context=self._shared)


class _NoRedirects(HTTPRedirectHandler):
    # urllib would follow with a GET, whose answer says nothing about the mail.
    def redirect_request(self, *_parts: Any) -> None:
        return None


def opener() -> OpenerDirector:
    """Return an opener for many requests; proxies are those of the environment."""
    return build_opener(_Plain, _TLS, _NoRedirects)


class OurClient(Client):  # type: ignore[misc]  # the SDK is untyped
    """The SDK's client; `_build_client` and `_make_request` are the hooks that it offers."""

    opener: OpenerDirector
    # What to send, as it goes out. The SDK would write it with the standard library, six times as
    # slow, and then once more for a line of its log, whether that is wanted or not.
    document: bytes | None = None

    def telling(self, body: dict[str, Any]) -> OurClient:
        """Return this client, whose next request has `body` as its JSON document."""
        self.document = orjson.dumps(body)
        return self

    def _build_client(self, name: str | None = None) -> OurClient:
        segments = [*self._url_path, name] if name else self._url_path
        client = OurClient(
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=segments,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )
        client.opener = self.opener
        return client

    def _make_request(self, _opener: Any, request: Request, timeout: float | None = None) -> Any:
        if self.document is not None:
            request.data = self.document
            request.add_header("Content-Type", "application/json")
        return super()._make_request(self.opener, request, timeout=timeout)
