"""Moves people in and out as CSV files, and tells what became of each row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from subscribers import store
from subscribers.address import clean_name, parse
from subscribers.consent import sentence
from subscribers.doubts import warning
from subscribers.errors import InvalidAddress
from subscribers.models import (
    Admission,
    ConsentAction,
    Fate,
    Newcomer,
    Outsider,
    SuppressionReason,
)
from subscribers.services import Elsewhere
from subscribers.spreadsheet import Row, Sheet, harmless, rows
from subscribers.store.labels import tags_by_person

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from subscribers.models import Agreement, Subscriber

# Rows in one transaction: enough to make the disk's part small, few enough that somebody who
# unsubscribes meanwhile waits a tenth of a second.
BATCH = 2000
# What is repeated of an address that is none.
SHOWN = 100
EXPORT_COLUMNS = ("email", "name", "status", "created_at", "consent", "tags")
REPORT_COLUMNS = ("line", "email", "fate", "reason")
# Why an address must not be mailed whose row says so; who unsubscribed is kept as such.
FAILED = {
    Elsewhere.BOUNCED: SuppressionReason.BOUNCE,
    Elsewhere.COMPLAINED: SuppressionReason.COMPLAINT,
}
# Who neither left nor agreed, and what to do; it is not for us to guess who wants mail.
UNDECIDED = {
    Elsewhere.PENDING: (Fate.KEPT_OUT, ""),
    Elsewhere.UNKNOWN: (
        Fate.REFUSED,
        ", which is not known here; write subscribed or unsubscribed, or take the column out",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFate:
    """What became of one row of the file; `reason` is empty for those who were added.

    `doubt` is what may be wrong with the address of somebody who was added all the same.
    """

    line: int
    email: str
    fate: Fate
    reason: str = ""
    doubt: str = ""


def import_sheet(  # noqa: PLR0913 - what is brought in, and how
    engine: Engine,
    sheet: Sheet,
    *,
    agreement: Agreement,
    now: datetime,
    tag: str = "",
    dry_run: bool = False,
    batch_size: int = BATCH,
) -> Iterator[RowFate]:
    """Add the people in the file, batch by batch, and yield every row's fate.

    Those added get the `tag` too. Whom the file itself says not to mail is kept out for good. With
    `dry_run` the same fates are told and nobody is added. One bad row is a fate, never an error;
    raises DatabaseUnavailable if the database gives up, and then the rows told so far stand and
    the import can be run again.
    """
    told = rows(sheet)
    rehearsal = _Rehearsal(engine) if dry_run else None
    while batch := list(islice(told, batch_size)):
        judged = [_judge(row, sheet.service, tag) for row in batch]
        newcomers = [who for who in judged if isinstance(who, Newcomer)]
        outsiders = [who for who in judged if isinstance(who, Outsider)]
        if rehearsal is not None:
            admissions = rehearsal.admit(newcomers, outsiders)
        else:
            if outsiders:
                store.keep_out(engine, outsiders, source=agreement.source, now=now)
            admissions = store.admit(
                engine,
                newcomers,
                agreement=agreement,
                action=ConsentAction.IMPORTED,
                now=now,
            )
        answers = iter(admissions)
        for row, who in zip(batch, judged, strict=True):
            yield _fate(row, next(answers) if isinstance(who, Newcomer) else _told(who))


def _judge(row: Row, service: str, tag: str) -> Newcomer | Outsider | Admission:
    if row.problem:
        return Admission(fate=Fate.REFUSED, reason=row.problem)
    if not row.email:
        return Admission(fate=Fate.REFUSED, reason="there is no address in this row")
    try:
        address = parse(row.email)
    except InvalidAddress as error:
        return Admission(fate=Fate.REFUSED, reason=str(error))
    said = f"{service}: {row.no_mail}" if service else row.no_mail
    if row.elsewhere in UNDECIDED:
        fate, advice = UNDECIDED[row.elsewhere]
        return Admission(fate=fate, reason=f"the file says: {row.no_mail}{advice}")
    if row.elsewhere is not None:
        reason = FAILED.get(row.elsewhere)
        return Outsider(email=address.email, key=address.key, said=said, reason=reason)
    since = f"{service} says: {row.since}" if service and row.since else ""
    tags = dict.fromkeys((*row.tags, *([tag] if tag else ())))
    name = clean_name(row.name)
    return Newcomer(email=address.email, key=address.key, name=name, said=since, tags=tuple(tags))


def _told(who: Outsider | Admission) -> Admission:
    if isinstance(who, Admission):
        return who
    return Admission(fate=Fate.KEPT_OUT, reason=f"the file says: {who.said.split(': ', 1)[-1]}")


class _Rehearsal:
    """Tells the fates of a whole file as if each batch were added; adds nobody."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: set[str] = set()
        self._out: set[str] = set()

    def admit(
        self, newcomers: Sequence[Newcomer], outsiders: Sequence[Outsider]
    ) -> list[Admission]:
        """Return the fates of the next batch."""
        self._out.update(who.key for who in outsiders)
        told = store.would_admit(self._engine, newcomers)
        return [self._corrected(*one) for one in zip(newcomers, told, strict=True)]

    def _corrected(self, who: Newcomer, told: Admission) -> Admission:
        if told.fate is not Fate.ADDED:
            return told
        if who.key in self._out:
            return Admission(fate=Fate.KEPT_OUT, reason="another row says not to mail them")
        if who.key in self._seen:
            return Admission(fate=Fate.ALREADY_THERE, reason="for the second time here")
        self._seen.add(who.key)
        return told


def _fate(row: Row, told: Admission) -> RowFate:
    doubt = warning(row.email) if told.fate is Fate.ADDED else ""
    email = row.email[:SHOWN]
    return RowFate(line=row.line, email=email, fate=told.fate, reason=told.reason, doubt=doubt)


class Report:
    """A CSV file of the rows that a person should look at: refused, kept out, or doubtful."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(REPORT_COLUMNS)

    def add(self, row: RowFate) -> None:
        """Write a row with its line and the reason."""
        reason = harmless(row.reason or row.doubt)
        self._writer.writerow((row.line, harmless(row.email), row.fate.value, reason))


def export(engine: Engine, file: TextIO) -> int:
    """Write everybody as CSV that is safe to open in a spreadsheet; return how many."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(EXPORT_COLUMNS)
    after = written = 0
    while people := store.page(engine, after=after):
        ids = [who.id for who in people]
        agreed, tags = store.agreements(engine, ids), tags_by_person(engine, ids)
        for who in people:
            record = agreed.get(who.id)
            told = ",".join(tags.get(who.id, ()))
            writer.writerow(_cells(who, sentence(record) if record else "", told))
        after = people[-1].id
        written += len(people)
    return written


def _cells(who: Subscriber, consent: str, tags: str) -> tuple[str, ...]:
    created_at = who.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    cells = (who.email, who.name, who.standing, created_at, consent, tags)
    return tuple(harmless(cell) for cell in cells)
