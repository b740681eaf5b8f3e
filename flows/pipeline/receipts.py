"""The receipt of an issue: what was handed over, when and to what end, under our seal.

It names no reader. Whoever has the keys and the database can check it: the seal says that not a
byte was changed since we wrote it, and the ledger must add up to the same again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.errors import IssueError, NewsletterError
from flows.models import DeliveryState, IssueStatus
from flows.pipeline.files import IssueFiles, thaw, write
from flows.pipeline.stores import open_store
from flows.store import issues
from flows.store.ledger import SqlLedger
from flows.store.records import every_batch
from subscribers.tokens import is_sealed, seal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.models import IssueRecord
    from flows.settings import Settings
    from flows.store.records import BatchRecord
    from subscribers.tokens import Keys

FORMAT = 1
# What is compared with the ledger; the rest is said for people, and sealed like all of it.
COMPARED = ("subject", "mail_sha256", "sent_at", "totals", "waves", "batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A receipt that is ours: for people, and in what the ledger says otherwise by now."""

    issue: int
    lines: tuple[str, ...]
    differences: tuple[str, ...]


def write_receipt(settings: Settings, engine: Engine, number: int) -> Path:
    """Return the path of the receipt as the ledger stands; raises NewsletterError."""
    path = _files(settings, number).receipt
    write(path, _sealed(_document(settings, engine, _record(engine, number)), settings.keys()))
    return path


def renew_receipt(settings: Settings, engine: Engine, number: int) -> None:
    """Write the receipt again, if the issue has one: some of its doubts were settled."""
    sent = _record(engine, number).status is IssueStatus.SENT
    if sent and _files(settings, number).receipt.exists():
        write_receipt(settings, engine, number)


def verify(settings: Settings, path: Path) -> Verified:
    """Return what a genuine receipt says, and what the ledger says otherwise.

    Raises NewsletterError if we did not write it, or it was changed since.
    """
    document = _genuine(path, settings.keys())
    number = int(document["issue"])
    with open_store(settings) as engine:
        now = _document(settings, engine, _record(engine, number))
    told = [_difference(name, document.get(name), now[name]) for name in COMPARED]
    told.append(_mail_problem(settings, number, document["mail_sha256"]))
    return Verified(
        issue=number, lines=tuple(document["text"]), differences=tuple(filter(None, told))
    )


def _files(settings: Settings, number: int) -> IssueFiles:
    return IssueFiles(issues=settings.paths.issues, number=number)


def _record(engine: Engine, number: int) -> IssueRecord:
    record = issues.find(engine, number)
    if record is None:
        raise NewsletterError(f"issue {number}: there is none in the database")
    return record


def _document(settings: Settings, engine: Engine, record: IssueRecord) -> dict[str, Any]:
    ledger = SqlLedger(engine, record.number)
    counts = ledger.counts()
    document: dict[str, Any] = {
        "receipt": FORMAT,
        "newsletter": settings.newsletter.title,
        "issue": record.number,
        "subject": record.subject,
        "mail_sha256": record.approved_hash,
        "transport": settings.sending.transport,
        "slot": _time(record.slot),
        "sent_at": _time(record.sent_at),
        "totals": asdict(counts) | {"intended": counts.intended},
        "waves": [
            {
                "number": wave.number,
                "batch_id": wave.batch_id,
                "leaves_at": _time(wave.send_at),
                "status": wave.status.value,
                "because": wave.because,
            }
            for wave in ledger.waves()
        ],
        "batches": [_batch(batch) for batch in every_batch(engine, record.number)],
    }
    return {**document, "text": list(_lines(document))}


def _batch(batch: BatchRecord) -> dict[str, Any]:
    # Its reason is left out: a mail server's words may quote an address.
    return {
        "id": batch.id,
        "wave": batch.wave,
        "status": batch.status,
        "size": batch.size,
        "provider_id": batch.provider_id,
        "handed_over_at": _time(batch.handed_over_at),
        "recorded_at": _time(batch.recorded_at),
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    totals = document["totals"]
    yield f"Issue {document['issue']} of {document['newsletter']}: {document['subject']}"
    told = (f"{count:,} {state.replace('_', ' ')}" for state, count in totals.items() if count)
    yield f"Deliveries: {', '.join(told) or 'none'}."
    times = [batch["handed_over_at"] for batch in document["batches"] if batch["handed_over_at"]]
    if times:
        gone = sum(batch["status"] == DeliveryState.CANCELLED for batch in document["batches"])
        yield (
            f"{len(times):,} batches were handed over by {document['transport']} from "
            f"{min(times)} to {max(times)}{f'; {gone:,} of them cancelled' if gone else ''}."
        )
    yield f"SHA-256 of the mail: {document['mail_sha256']}"
    yield f"To check it: newsletter verify issues/{document['issue']:03}/receipt"


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _sealed(document: dict[str, Any], keys: Keys) -> str:
    return _text({**document, "seal": seal(keys, _text(document).encode())})


def _genuine(path: Path, keys: Keys) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise NewsletterError(f"{path}: this is no receipt: it is not JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("seal"), str):
        raise NewsletterError(f"{path}: this is no receipt: it has no seal")
    given = str(found.pop("seal"))
    # Written anew it must be the same to the byte: the seal is for one spelling only.
    same = _text({**found, "seal": given}).encode("utf-8", "surrogatepass") == raw
    if not same or not is_sealed(keys, _text(found).encode("utf-8", "surrogatepass"), given):
        raise NewsletterError(
            f"{path}: the seal does not fit: it was changed since it was written, or another "
            "newsletter's keys sealed it"
        )
    return found


def _difference(name: str, then: Any, now: Any) -> str:
    if then == now:
        return ""
    if isinstance(then, dict) and isinstance(now, dict):
        changed = [key for key in now if then.get(key) != now[key]]
        told = ", ".join(f"{key} {then.get(key)} -> {now[key]}" for key in changed)
        return f"{name}: {told}"
    if isinstance(then, list) and isinstance(now, list):
        changed_rows = sum(row not in then for row in now) if len(now) < len(then) + 1000 else 0
        return f"{name}: {len(then)} then, {len(now)} now, {changed_rows} of them changed"
    return f"{name}: {then} -> {now}"


def _mail_problem(settings: Settings, number: int, digest: str) -> str:
    try:
        thaw(_files(settings, number), digest)
    except IssueError as error:
        return str(error)
    return ""
