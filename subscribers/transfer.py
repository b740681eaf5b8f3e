"""Moves people in and out as CSV files, and tells what became of each row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from subscribers import store
from subscribers.address import clean_name, parse
from subscribers.consent import sentence
from subscribers.errors import InvalidAddress
from subscribers.models import Admission, ConsentAction, Fate, Newcomer
from subscribers.spreadsheet import Row, Sheet, harmless, rows

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
EXPORT_COLUMNS = ("email", "name", "status", "created_at", "consent")
REPORT_COLUMNS = ("line", "email", "fate", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFate:
    """What became of one row of the file; `reason` is empty for those who were added."""

    line: int
    email: str
    fate: Fate
    reason: str = ""


def import_sheet(
    engine: Engine,
    sheet: Sheet,
    *,
    agreement: Agreement,
    now: datetime,
    dry_run: bool = False,
    batch_size: int = BATCH,
) -> Iterator[RowFate]:
    """Add the people in the file, batch by batch, and yield every row's fate.

    With `dry_run` the same fates are told and nobody is added. One bad row is a fate, never an
    error; raises DatabaseUnavailable if the database gives up, and then the rows told so far
    stand and the import can be run again.
    """
    told = rows(sheet)
    seen: set[str] = set()
    while batch := list(islice(told, batch_size)):
        judged = [_judge(row) for row in batch]
        newcomers = [who for who in judged if isinstance(who, Newcomer)]
        if dry_run:
            admissions = _repeated(store.would_admit(engine, newcomers), newcomers, seen)
        else:
            admissions = store.admit(
                engine, newcomers, agreement=agreement, action=ConsentAction.IMPORTED, now=now
            )
        answers = iter(admissions)
        for row, who in zip(batch, judged, strict=True):
            yield _fate(row, next(answers) if isinstance(who, Newcomer) else who)


def _judge(row: Row) -> Newcomer | Admission:
    if row.problem:
        return Admission(fate=Fate.REFUSED, reason=row.problem)
    if not row.email:
        return Admission(fate=Fate.REFUSED, reason="there is no address in this row")
    try:
        address = parse(row.email)
    except InvalidAddress as error:
        return Admission(fate=Fate.REFUSED, reason=str(error))
    if row.no_mail:
        return Admission(fate=Fate.KEPT_OUT, reason=f"the file says: {row.no_mail}")
    return Newcomer(email=address.email, key=address.key, name=clean_name(row.name))


def _repeated(
    admissions: Sequence[Admission], newcomers: Sequence[Newcomer], seen: set[str]
) -> list[Admission]:
    """Return the admissions as they would be had the earlier batches been added."""
    corrected = []
    for who, told in zip(newcomers, admissions, strict=True):
        again = told.fate is Fate.ADDED and who.key in seen
        corrected.append(
            Admission(fate=Fate.ALREADY_THERE, reason="for the second time here") if again else told
        )
        seen.add(who.key)
    return corrected


def _fate(row: Row, told: Admission) -> RowFate:
    return RowFate(line=row.line, email=row.email[:SHOWN], fate=told.fate, reason=told.reason)


def write_report(file: TextIO, fates: Sequence[RowFate]) -> None:
    """Write the rows that were not added, with their line and reason, as a CSV file."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(REPORT_COLUMNS)
    for row in fates:
        writer.writerow((row.line, harmless(row.email), row.fate.value, harmless(row.reason)))


def export(engine: Engine, file: TextIO) -> int:
    """Write everybody as CSV that is safe to open in a spreadsheet; return how many."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(EXPORT_COLUMNS)
    after = written = 0
    while people := store.page(engine, after=after):
        agreed = store.agreements(engine, [who.id for who in people])
        for who in people:
            record = agreed.get(who.id)
            writer.writerow(_cells(who, sentence(record) if record else ""))
        after = people[-1].id
        written += len(people)
    return written


def _cells(who: Subscriber, consent: str) -> tuple[str, ...]:
    created_at = who.created_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    cells = (who.email, who.name, who.standing, created_at, consent)
    return tuple(harmless(cell) for cell in cells)
