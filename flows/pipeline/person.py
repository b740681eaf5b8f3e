"""All that is held on one person, in every room: to be told, or to be forgotten."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.policy import default
from typing import TYPE_CHECKING, Any

from flows.pipeline.stores import backups
from flows.store import shares
from subscribers import store
from subscribers.address import parse
from subscribers.database import forget_log
from subscribers.errors import InvalidAddress
from subscribers.store import labels, signups

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings
    from subscribers.models import Consent, Subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Whether anybody had the address, how many mails went with it, how many backups are left."""

    known: bool
    files: int
    backups: int


def held_on(engine: Engine, key: str) -> dict[str, Any] | None:
    """Return all that is held on the folded address `key`, None if that is nothing.

    Of somebody who was forgotten it is a salted hash, and since when.
    """
    who = store.find(engine, key)
    suppression = store.suppressed(engine, key)
    if who is None and suppression is None:
        return None
    held: dict[str, Any] = {"suppression": None, "subscriber": None}
    if suppression is not None:
        # The key itself, or the hash: what really stands there.
        held["suppression"] = asdict(suppression)
    if who is not None:
        held["subscriber"] = _subscriber(who)
        held["tags"] = labels.tags_of(engine, who.id)
        held["consents"] = [record_of(one) for one in store.records(engine, who.id)]
        held["letters"] = [asdict(one) for one in signups.letters_of(engine, who.id)]
        held["deliveries"] = [asdict(one) for one in shares.deliveries_of(engine, who.id)]
        held["soft_bounces"] = shares.soft_bounces_of(engine, who.id)
    return held


def _subscriber(who: Subscriber) -> dict[str, Any]:
    values = asdict(who)
    del values["suppressed"]
    return values


def record_of(record: Consent) -> dict[str, Any]:
    """Return a consent record as it is shown: its subscriber is known."""
    values = asdict(record)
    del values["subscriber_id"]
    return values


def erase(settings: Settings, engine: Engine, key: str, *, now: datetime) -> Erased:
    """Delete all that is held on the folded address `key`, but for the hash that keeps it out."""
    who = store.find(engine, key)
    if who is not None:
        shares.erase_words(engine, who.id)
    known = store.forget(engine, key, now=now)
    forget_log(engine)
    files = _erase_files(settings, who) if who else 0
    return Erased(known=known, files=files, backups=len([*backups(settings).glob("*")]))


def _erase_files(settings: Settings, who: Subscriber) -> int:
    """Delete the mails to somebody that were only written to the outbox; return how many."""
    outbox = settings.paths.outbox
    # Issues' mails are called by their reader's number, letters by their time.
    found = [*outbox.glob(f"*/{who.id:06}.eml")]
    found += [path for path in outbox.glob("letters/*.eml") if _is_to(path, who.key)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _is_to(path: Path, key: str) -> bool:
    try:
        message = message_from_bytes(path.read_bytes(), policy=default)
        return any(parse(address.addr_spec).key == key for address in message["To"].addresses)
    except (MessageError, InvalidAddress, AttributeError, ValueError):
        return False
