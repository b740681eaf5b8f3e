"""The parent's side of a child process that parses: starting it, asking it, ending it."""

from __future__ import annotations

import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.gather.job import Job, Outcome

START_SECONDS = 60.0
# feedparser would load a guesser of encodings, though we always tell it the encoding.
_CODE = """
import sys
sys.path[:], sys.modules["chardet"] = {path!r}, None
from flows.gather.child import main
main({memory}, {seconds})
"""


class Child:
    """One process and the socket to it; raises OSError if it does not start."""

    def __init__(self, *, memory: int, seconds: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # With our own search path, as multiprocessing does it; but our main module, which
            # multiprocessing would import again, is none of the child's business.
            code = _CODE.format(path=sys.path, memory=memory, seconds=int(2 * seconds) + 1)
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-c", code], stdin=theirs.fileno(), stdout=subprocess.DEVNULL
            )
        self._connection = Connection(ours.detach())
        # Its start is not part of any job's time.
        if not self._connection.poll(START_SECONDS):
            self.close()
            raise OSError("the process that reads feeds did not start in time")
        self._connection.recv()

    def ask(self, job: Job, body: bytes, *, seconds: float) -> Outcome | None:
        """Return the outcome, None if there is none in time; raises EOFError if it died."""
        self._connection.send(job)
        self._connection.send_bytes(body)
        if not self._connection.poll(seconds):
            return None
        outcome: Outcome = self._connection.recv()
        return outcome

    def kill(self) -> None:
        """End the process, whatever it is doing; who waits for its answer is told."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and let go of the socket."""
        self.kill()
        self._connection.close()
