"""The child process that parses: bounded in memory, killed from outside when it takes too long.

It is started for this alone and imports nothing but the readers. One job at a time comes in on
its standard input, a socket, and one answer goes back.
"""

from __future__ import annotations

import contextlib
import resource
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import ParseError
from flows.gather.job import Outcome
from flows.gather.parse import parse

if TYPE_CHECKING:
    from flows.gather.job import Job

# A child that is left this large is replaced: Python gives little of it back.
_LARGE = 64 * 2**20
_STATM = Path("/proc/self/statm")


def serve(connection: Connection, *, seconds: int = 0) -> None:
    """Answer jobs until the other side closes the connection, or one left too much behind.

    A job that takes more than so many `seconds` ends the process (0: none does).
    """
    with contextlib.suppress(EOFError, ConnectionError):
        connection.send("ready")
        last = False
        while not last:
            job = connection.recv()
            signal.alarm(seconds)
            outcome = _read(job, connection.recv_bytes())
            signal.alarm(0)
            last = outcome.last
            connection.send(outcome)


def _read(job: Job, body: bytes) -> Outcome:
    try:
        parsed = parse(body, feed=job.feed, url=job.url, content_type=job.content_type, now=job.now)
    except ParseError as error:
        return Outcome(problem=str(error), alternates=error.alternates, last=_is_large())
    except MemoryError:
        return Outcome(problem="", last=True)
    return Outcome(parsed=parsed, last=_is_large())


def _is_large() -> bool:
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        # No Linux. There the peak is the process's own; on Linux it is inherited from the
        # parent (exec keeps ru_maxrss), so that a large parent would wear out every child.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > _LARGE
    return pages * resource.getpagesize() > _LARGE


def main(memory: int, seconds: int) -> None:
    """Serve the socket on standard input with at most `memory` bytes of data.

    After `seconds` with one job the process ends by itself: its parent would have killed it long
    before, so it has none any more, and nobody else would stop it.
    """
    # The keyboard interrupts the parent, which then closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    serve(Connection(0), seconds=seconds)
