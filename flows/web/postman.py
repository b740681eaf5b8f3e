"""Posts the letters that sign-ups ask for, beside the web app: no reader waits for a mail server.

Each is taken from the database before it is handed over, so that nobody gets one twice; what
surely did not go is tried again later.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from flows.deliver.message import ONE_CLICK
from flows.errors import InDoubt, NewsletterError, TransportError
from flows.models import Letter
from flows.render.letters import write
from subscribers.errors import DatabaseError
from subscribers.models import LetterKind
from subscribers.store import signups as store
from subscribers.tokens import Purpose, sign, sign_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.models import Brand
    from subscribers.models import Waiting
    from subscribers.tokens import Keys

logger = logging.getLogger(__name__)

# Seconds between looks for what is due, if nobody calls; another process may have written it.
ROUND: Final = 30.0
ATTEMPTS: Final = 5
FIRST_DELAY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postman:
    """Writes and posts letters; `post` hands one over and raises TransportError."""

    engine: Engine
    keys: Keys
    brand: Brand
    post: Callable[[Letter], str]
    clock: Callable[[], datetime]
    confirm_within: timedelta
    _called: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def call(self) -> None:
        """Say that there is something to post."""
        self._called.set()

    def go_round(self) -> int:
        """Post all that is due and delete who did not confirm; return how many were posted."""
        posted = 0
        while not self._ended.is_set():
            waiting = store.next_letter(self.engine, now=self.clock())
            if waiting is None:
                break
            posted += self._post(waiting)
        gone = store.purge(self.engine, lasts=self.confirm_within, now=self.clock())
        if gone:
            logger.info("%d who did not confirm were deleted", gone)
        return posted

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Go round in a thread of its own while the block lasts."""
        thread = threading.Thread(target=self._work, name="postman", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._called.set()
            thread.join()

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                self.go_round()
            except DatabaseError as error:
                logger.error("no letters were posted: %s", error)  # noqa: TRY400 - told, not traced
            except Exception:
                # The thread's outermost line: one bad letter must not end all others.
                logger.exception("a letter was not posted")
            self._called.wait(ROUND)
            self._called.clear()

    def _post(self, waiting: Waiting) -> bool:
        """Return whether the letter went. What a provider says may name people: it is not kept."""
        try:
            self.post(self._letter(waiting))
        except InDoubt as error:
            logger.warning("letter %d may have gone (%d)", waiting.id, error.status)
            return False
        except TransportError as error:
            self._put_off(waiting, error)
            return False
        except NewsletterError:
            self._put_off(waiting, None)
            raise
        logger.info("letter %d (%s) was posted", waiting.id, waiting.kind)
        return True

    def _put_off(self, waiting: Waiting, error: TransportError | None) -> None:
        kind, status = type(error).__name__, error.status if error else 0
        if waiting.attempts >= ATTEMPTS:
            logger.error("letter %d is given up: %s (%d)", waiting.id, kind, status)
            return
        # A minute, four, sixteen, an hour.
        again = self.clock() + FIRST_DELAY * 4 ** (waiting.attempts - 1)
        store.post_again(self.engine, waiting.id, at=again)
        logger.warning("letter %d was not taken: %s (%d)", waiting.id, kind, status)

    def _letter(self, waiting: Waiting) -> Letter:
        if waiting.kind is LetterKind.CONFIRM:
            return self._confirm(waiting)
        return self._known(waiting)

    def _confirm(self, waiting: Waiting) -> Letter:
        now, brand = self.clock(), self.brand
        token = sign_now(self.keys, Purpose.CONFIRM, waiting.subscriber.id, now=now)
        until = (now + self.confirm_within).astimezone(ZoneInfo(brand.timezone))
        text, html = write(
            "confirm",
            brand,
            link=f"{brand.base_url}/confirm/{token}",
            until=f"{until.day} {until:%B %Y, %H:%M %Z}",
        )
        subject = f"Confirm: do you want {brand.title}?"
        to = waiting.subscriber.email
        return Letter(to=to, subject=subject, text=text, html=html, purpose="confirm")

    def _known(self, waiting: Waiting) -> Letter:
        token = sign(self.keys, Purpose.UNSUBSCRIBE, waiting.subscriber.id, 0)
        unsubscribe = f"{self.brand.base_url}/u/{token}"
        text, html = write(
            "known",
            self.brand,
            preferences=f"{self.brand.base_url}/preferences/{token}",
            unsubscribe=unsubscribe,
        )
        return Letter(
            to=waiting.subscriber.email,
            subject=f"You get {self.brand.title} already",
            text=text,
            html=html,
            headers={
                "List-Unsubscribe": f"<{unsubscribe}>",
                "List-Unsubscribe-Post": ONE_CLICK,
            },
            purpose="confirm",
        )
