"""Hands one mail that is no issue to the settings' transport, outside of ledger and history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.models import Letter
from flows.pipeline.transports import open_transport
from flows.pipeline.work import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.settings import Settings

__all__ = ["Letter", "post"]

# The folder below outbox/ that gets what is not an issue's.
FOLDER = "letters"


def post(settings: Settings, letter: Letter, *, clock: Callable[[], datetime] = utc_now) -> str:
    """Return where the letter went: the outbox's file, the Message-ID, or the provider's id.

    Raises Unavailable or Refused if it surely did not go, InDoubt if that is not sure (all are
    TransportError).
    """
    own = settings.brand()
    signed = replace(
        letter, sender=letter.sender or own.sender, reply_to=letter.reply_to or own.reply_to
    )
    with open_transport(settings, 0, clock=clock, folder=FOLDER) as transport:
        return transport.post(signed)
