"""What every request and every answer passes: bounds on the way in, headers on the way out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# RFC 8058's body has 26 bytes as a form, some 200 as multipart.
LARGEST_BODY: Final = 16 << 10
BODY_SECONDS: Final = 10.0

HEADERS: Final = {
    # For whatever is not a page: it may load and embed nothing.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # The address of a page is its token: no other site may learn it.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


# What the policy of a page says that may stand in anybody's page.
FRAMED: Final = "frame-ancestors *"


class SecurityHeaders:
    """An ASGI layer that adds the headers an answer does not have yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if FRAMED in headers["Content-Security-Policy"]:
                    # It knows no "by anybody".
                    del headers["X-Frame-Options"]
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def read_body(
    request: Request, *, seconds: float = BODY_SECONDS, largest: int = LARGEST_BODY
) -> bytes:
    """Return the body; raises HTTPException if it is too large (413) or too slow (408)."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise HTTPException(413)
    except TimeoutError as error:
        raise HTTPException(408) from error
    return bytes(body)
