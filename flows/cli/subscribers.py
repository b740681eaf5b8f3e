"""`newsletter subscribers`: people in, people out, and who they are."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from flows.cli.options import (
    config_option,
    json_option,
    load_settings,
    narrate,
    rfc3339,
    show,
    show_json,
    yes_option,
)
from subscribers import store, transfer
from subscribers.address import clean_name, parse
from subscribers.consent import agreement, sentence
from subscribers.errors import MissingConsent, NewsletterError, UnknownSubscriber
from subscribers.models import ConsentAction, Fate, Newcomer, SubscriberStatus
from subscribers.spreadsheet import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Engine

    from subscribers.models import Agreement, Consent, Subscriber
    from subscribers.spreadsheet import Sheet
    from subscribers.transfer import RowFate

# How many rows that were not added are told on the spot; the rest goes into a file.
TOLD = 20
TOLD_AS = {
    Fate.ADDED: "added",
    Fate.ALREADY_THERE: "already there",
    Fate.KEPT_OUT: "kept out",
    Fate.REFUSED: "refused",
}
STANDINGS = (*(status.value for status in SubscriberStatus), store.SUPPRESSED)

consent_option = click.option(
    "--consent",
    required=True,
    metavar="TEXT",
    help='How they agreed to get the newsletter, such as "sign-up sheet, conference 2026".',
)


@click.group()
def subscribers() -> None:
    """Add, import, list, remove and export the people who get the newsletter."""


@subscribers.command()
@click.argument("email")
@click.option("--name", default="", help="Their name.")
@consent_option
@click.option("--again", is_flag=True, help="Take back somebody who unsubscribed and asked for it.")
@config_option
def add(email: str, *, name: str, consent: str, again: bool, config: Path | None) -> None:
    """Add one person. Who is there already stays as they are."""
    agreed = _agreement(consent, "subscribers add")
    address = parse(email)
    who = Newcomer(email=address.email, key=address.key, name=clean_name(name))
    with _store(config) as engine:
        now = datetime.now(UTC)
        [told] = store.admit(engine, [who], agreement=agreed, action=ConsentAction.ADDED, now=now)
        if told.fate is Fate.KEPT_OUT and again and _take_back(engine, who.key, agreed, now):
            narrate(f"{who.email} is on the list again.")
        elif told.fate is Fate.KEPT_OUT:
            advice = "" if again else "; if they asked to be back, add: --again"
            raise NewsletterError(f"{who.email} was not added: {told.reason}{advice}")
        elif told.fate is Fate.ALREADY_THERE:
            narrate(f"{who.email} is on the list already, {told.reason}.")
        else:
            narrate(f"{who.email} was added.")


def _take_back(engine: Engine, key: str, agreed: Agreement, now: datetime) -> bool:
    known = store.find(engine, key)
    if known is None or known.suppressed:
        return False
    return store.take_back(engine, known.id, agreement=agreed, now=now)


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@consent_option
@click.option("--dry-run", is_flag=True, help="Tell what would become of each row; add nobody.")
@click.option(
    "--encoding", metavar="NAME", help="What the file is written in, if not UTF-8: windows-1252."
)
@json_option
@config_option
def import_file(
    file: Path,
    *,
    consent: str,
    dry_run: bool,
    encoding: str | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Add everybody in a CSV file.

    Its first line names the columns: email, and perhaps name; others are passed over. Nobody is
    brought back who unsubscribed, bounced, complained or asked to be forgotten. A bad row stops
    nothing: it is told with its line and reason. With --json, "rows" lists every row that was not
    added. The same file may be imported again at any time.
    """
    agreed = _agreement(consent, f"import {file.name}")
    sheet = look(file, encoding=encoding)
    with _store(config) as engine:
        fates = transfer.import_sheet(
            engine, sheet, agreement=agreed, now=datetime.now(UTC), dry_run=dry_run
        )
        tally = _count(fates, sheet)
    if as_json:
        show_json(_as_json(tally, sheet, dry_run=dry_run))
    else:
        _tell(tally, sheet, dry_run=dry_run)


@dataclass(slots=True)
class Tally:
    """How an import went: how many of each fate, and the rows a person should look at."""

    counts: Counter[Fate] = field(default_factory=Counter)
    not_added: list[RowFate] = field(default_factory=list)

    @property
    def problems(self) -> list[RowFate]:
        """The rows that may need a person: who is there already does not."""
        return [row for row in self.not_added if row.fate is not Fate.ALREADY_THERE]


def _count(fates: Iterable[RowFate], sheet: Sheet) -> Tally:
    tally = Tally()
    live = sys.stderr.isatty()
    for number, row in enumerate(fates):
        tally.counts[row.fate] += 1
        if row.fate is not Fate.ADDED:
            tally.not_added.append(row)
        if live and number % transfer.BATCH == 0:
            share = 100 * row.line // max(sheet.lines, 1)
            click.echo(
                f"\r\x1b[KLine {row.line:,} of {sheet.lines:,} ({share} %)", nl=False, err=True
            )
    if live:
        click.echo("\r\x1b[K", nl=False, err=True)
    return tally


def _as_json(tally: Tally, sheet: Sheet, *, dry_run: bool) -> dict[str, Any]:
    counts = {fate.name.lower(): tally.counts[fate] for fate in Fate}
    return {
        "file": sheet.path,
        "dry_run": dry_run,
        **counts,
        "ignored_columns": list(sheet.ignored),
        "rows": [asdict(row) for row in tally.not_added],
    }


def _tell(tally: Tally, sheet: Sheet, *, dry_run: bool) -> None:
    if sheet.ignored:
        narrate(f"Passed over the columns {', '.join(sheet.ignored)}.")
    problems = tally.problems
    told = problems[:TOLD] if len(problems) > TOLD and _report(problems, sheet) else problems
    for row in told:
        email = f"{row.email}: " if row.fate is Fate.KEPT_OUT else ""
        narrate(f"  line {row.line}: {TOLD_AS[row.fate]}: {email}{row.reason}")
    if len(told) < len(problems):
        more = len(problems) - len(told)
        narrate(f"  and {more:,} more; all of them are in {_report_path(sheet)}")
    counts = ", ".join(f"{tally.counts[fate]:,} {word}" for fate, word in TOLD_AS.items())
    done = (
        "Nobody was added yet; an import would give" if dry_run else f"Imported {sheet.path.name}"
    )
    narrate(f"{done}: {counts}.")


def _report_path(sheet: Sheet) -> Path:
    return sheet.path.with_name(f"{sheet.path.name}.refused.csv")


def _report(problems: list[RowFate], sheet: Sheet) -> bool:
    """Return whether the rows could be written beside the file; else they are all told."""
    try:
        with _private_file(_report_path(sheet)) as file:
            transfer.write_report(file, problems)
    except NewsletterError:
        return False
    return True


@subscribers.command("list")
@click.option("--status", type=click.Choice(STANDINGS), help="Only those of this status.")
@json_option
@config_option
def list_people(*, status: str | None, as_json: bool, config: Path | None) -> None:
    """List who is there: address, status, since when, name."""
    with _store(config) as engine:
        people = store.everyone(engine, standing=status)
        if as_json:
            _show_json_list(people)
            return
        for who in people:
            line = f"{who.email:<40} {who.standing:<13} {who.created_at:%Y-%m-%d}  {who.name}"
            show(line.rstrip())
        counts = store.count(engine)
    narrate(", ".join(f"{number:,} {standing}" for standing, number in counts.items()))


def _show_json_list(people: Iterator[Subscriber]) -> None:
    # Written as it is read: the list may be long.
    opening = "["
    for who in people:
        show(f"{opening}{json.dumps(_plain(who), ensure_ascii=False)}")
        opening = ","
    show("]" if opening == "," else "[]")


def _plain(who: Subscriber) -> dict[str, Any]:
    return {
        "email": who.email,
        "name": who.name,
        "status": who.standing,
        "created_at": rfc3339(who.created_at),
        "unsubscribed_at": rfc3339(who.unsubscribed_at),
    }


@subscribers.command()
@click.argument("email")
@config_option
def remove(email: str, *, config: Path | None) -> None:
    """Unsubscribe one person.

    Their address stays known, so that no import brings them back.
    """
    with _store(config) as engine:
        who = _known(engine, email)
        left = store.unsubscribe(engine, who.id, source="subscribers remove", now=datetime.now(UTC))
    if left.changed:
        narrate(f"{who.email} is unsubscribed and gets no further issue.")
    else:
        narrate(f"{who.email} unsubscribed on {who.unsubscribed_at:%Y-%m-%d}; nothing changed.")


@subscribers.command()
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Else stdout."
)
@config_option
def export(*, output: Path | None, config: Path | None) -> None:
    """Write everybody as CSV: email, name, status, created_at, consent.

    Cells that a spreadsheet would run as formulas get a ' before them; an import takes it off.
    """
    with _store(config) as engine:
        if output is None:
            number = transfer.export(engine, sys.stdout)
        else:
            with _private_file(output) as file:
                number = transfer.export(engine, file)
    narrate(f"Exported {number:,} people{f' to {output}' if output else ''}.")


@subscribers.command("show")
@click.argument("email")
@json_option
@config_option
def show_person(email: str, *, as_json: bool, config: Path | None) -> None:
    """Show what is known of one person, with every consent and its taking back."""
    with _store(config) as engine:
        who = _known(engine, email)
        records = store.records(engine, who.id)
    if as_json:
        show_json({**_plain(who), "consents": [_record(record) for record in records]})
        return
    show(f"{who.email}  {who.name}".rstrip())
    show(f"{who.standing}, since {who.created_at:%Y-%m-%d}")
    for record in records:
        show(f"  {sentence(record)}")


def _record(record: Consent) -> dict[str, Any]:
    values = asdict(record)
    del values["subscriber_id"]
    return values


@subscribers.command()
@click.argument("email")
@yes_option
@config_option
def forget(email: str, *, yes: bool, config: Path | None) -> None:
    """Delete all that is held on one person, for good.

    Only a salted hash of the address is kept, so that no import brings them back.
    """
    address = parse(email)
    if not yes:
        click.confirm(f"Delete all that is held on {address.email}?", abort=True, err=True)
    with _store(config) as engine:
        gone = store.forget(engine, address.key, now=datetime.now(UTC))
    narrate(
        f"{address.email} is forgotten."
        if gone
        else f"Nothing was held on {address.email}; no import will bring them in."
    )


def _agreement(text: str, source: str) -> Agreement:
    try:
        return agreement(text, source=source)
    except MissingConsent as error:
        raise click.BadParameter(str(error), param_hint="--consent") from error


def _known(engine: Engine, email: str) -> Subscriber:
    address = parse(email)
    who = store.find(engine, address.key)
    if who is None:
        raise UnknownSubscriber(
            f"{address.email} is not on the list; `newsletter subscribers list` shows who is"
        )
    return who


@contextlib.contextmanager
def _store(config: Path | None) -> Iterator[Engine]:
    from flows.pipeline.stores import open_store

    with open_store(load_settings(config)) as engine:
        yield engine


@contextlib.contextmanager
def _private_file(path: Path) -> Iterator[TextIO]:
    """Yield a file for its owner's eyes only, which takes its name once it is whole.

    Raises NewsletterError if it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}") from error
