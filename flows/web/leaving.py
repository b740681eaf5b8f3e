"""The way out for whoever unsubscribes: those who ask meanwhile go together."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from subscribers import store

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from subscribers.models import Leaver

logger = logging.getLogger(__name__)


class Exit:
    """Lets readers go, one transaction at a time: to begin and to end one takes the longest.

    Nobody waits for company: whoever asks while others go is among the next.
    """

    def __init__(self, engine: Engine, turn: Lock) -> None:
        self._engine = engine
        self._turn = turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="exit")
        self._gathering = Lock()
        self._leavers: list[Leaver] = []
        self._gone: Future[None] = Future()

    async def let_go(self, leaver: Leaver) -> None:
        """Return once it is recorded for good; raises DatabaseError if it is not."""
        with self._gathering:
            if not self._leavers:
                self._gone = self._thread.submit(self._record)
            self._leavers.append(leaver)
            gone = self._gone
        # Shielded: the others of the group go even if this one hangs up.
        await asyncio.shield(asyncio.wrap_future(gone))

    def _record(self) -> None:
        with self._turn:
            with self._gathering:
                leavers, self._leavers = self._leavers, []
            left = store.unsubscribe_all(self._engine, leavers)
        for leaver in left:
            logger.info("subscriber %d left from issue %d", leaver.subscriber_id, leaver.issue or 0)
