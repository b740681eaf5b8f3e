"""One connection of the web server: how large a request's head may be, and how long all may take.

Without it a few hundred clients that never end what they began would keep every reader out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

# Longer heads are nobody's: a link to us has some hundred characters.
LARGEST_HEAD: Final = 16 << 10
BIT: Final = 4 << 10


class Connection(H11Protocol):
    """HTTP with an end: for the head of a request, and from there to the end of its answer.

    The first counts from the connection's start, or from the last answer's end.
    """

    head_seconds: ClassVar = 10.0
    # The webhook's body may take thirty, a busy database as long again.
    answer_seconds: ClassVar = 90.0
    _deadline: asyncio.TimerHandle | None = None
    _answering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait(answering=False)

    def data_received(self, data: bytes) -> None:
        """Take what came, bit by bit: h11 holds its bound for a head only between two bits."""
        for start in range(0, len(data), BIT):
            if not self.transport.is_closing():
                super().data_received(data[start : start + BIT])
        # There is no cycle before the first request.
        answering = not getattr(self.cycle, "response_complete", True)
        if answering and not self._answering:
            self._wait(answering=True)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._wait(answering=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _wait(self, *, answering: bool) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._answering = answering
        seconds = self.answer_seconds if answering else self.head_seconds
        # Not closed: that would wait for a client which takes nothing.
        self._deadline = self.loop.call_later(seconds, self.transport.abort)
