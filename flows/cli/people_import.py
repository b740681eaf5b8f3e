"""`newsletter subscribers import`: a file of people in, and every row's fate told."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.options import config_option, json_option, narrate, show_json
from flows.cli.people import agreed, consent_option, opened, private_file, tag_option
from subscribers import transfer
from subscribers.errors import NewsletterError
from subscribers.models import Fate
from subscribers.spreadsheet import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from subscribers.spreadsheet import Sheet
    from subscribers.transfer import RowFate

# How many rows are told on the spot; all of them are in the file.
TOLD = 20
TOLD_AS = {
    Fate.ADDED: "added",
    Fate.ALREADY_THERE: "already there",
    Fate.KEPT_OUT: "kept out",
    Fate.REFUSED: "refused",
}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@consent_option
@tag_option("A tag for all who are added, to find or write to them by.")
@click.option("--dry-run", is_flag=True, help="Tell what would become of each row; add nobody.")
@click.option(
    "--encoding", metavar="NAME", help="What the file is written in, if not UTF-8: windows-1252."
)
@json_option
@config_option
def import_file(  # noqa: PLR0913 - one parameter an option
    file: Path,
    *,
    consent: str,
    tag: str,
    dry_run: bool,
    encoding: str | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Add everybody in a CSV file, such as an export of Mailchimp, Substack, Ghost and others.

    Its first line names the columns: email, and perhaps name and tags; others are passed over.
    Nobody is brought back who unsubscribed, bounced, complained or asked to be forgotten, here or
    there. A bad row stops nothing: it is told with its line and reason, and stands in a file beside
    yours. With --json, "rows" lists every row that was not added. The same file may be imported
    again at any time.
    """
    sheet = look(file, encoding=encoding)
    source = f"import {file.name}" + (f" ({sheet.service})" if sheet.service else "")
    terms = agreed(consent, source)
    with opened(config) as engine:
        fates = transfer.import_sheet(
            engine, sheet, agreement=terms, tag=tag, now=datetime.now(UTC), dry_run=dry_run
        )
        tally = _count(fates, sheet, keep=as_json)
    if as_json:
        show_json(_as_json(tally, sheet, dry_run=dry_run))
    else:
        _tell(tally, sheet, dry_run=dry_run)


@dataclass(slots=True)
class Tally:
    """How an import went: how many of each fate, and the rows a person should look at.

    `rows` are all that were not added, if they are wanted; `report` is where they stand.
    """

    counts: Counter[Fate] = field(default_factory=Counter)
    told: list[RowFate] = field(default_factory=list)
    problems: int = 0
    doubts: int = 0
    rows: list[RowFate] = field(default_factory=list)
    report: Path | None = None


def _count(fates: Iterable[RowFate], sheet: Sheet, *, keep: bool) -> Tally:
    tally = Tally()
    with contextlib.ExitStack() as stack:
        report: transfer.Report | None = None
        for row in _watched(fates, sheet):
            tally.counts[row.fate] += 1
            if keep and row.fate is not Fate.ADDED:
                tally.rows.append(row)
            if row.fate is Fate.ALREADY_THERE or (row.fate is Fate.ADDED and not row.doubt):
                continue
            if report is None:
                report = _open_report(stack, sheet, tally)
            report.add(row)
            tally.problems += 1
            tally.doubts += bool(row.doubt)
            if len(tally.told) < TOLD or tally.report is None:
                tally.told.append(row)
    return tally


def _open_report(stack: contextlib.ExitStack, sheet: Sheet, tally: Tally) -> transfer.Report:
    path = sheet.path.with_name(f"{sheet.path.name}.refused.csv")
    try:
        if path.is_dir():
            raise IsADirectoryError(path)
        file = stack.enter_context(private_file(path))
    except (NewsletterError, OSError):
        # They are all told instead.
        return transfer.Report(stack.enter_context(Path(os.devnull).open("w", encoding="utf-8")))
    tally.report = path
    return transfer.Report(file)


def _watched(fates: Iterable[RowFate], sheet: Sheet) -> Iterator[RowFate]:
    """Yield the fates; on a terminal tell how far it is."""
    live = sys.stderr.isatty()
    for number, row in enumerate(fates):
        if live and number % transfer.BATCH == 0:
            share = 100 * row.line // max(sheet.lines, 1)
            click.echo(
                f"\r\x1b[KLine {row.line:,} of {sheet.lines:,} ({share} %)", nl=False, err=True
            )
        yield row
    if live:
        click.echo("\r\x1b[K", nl=False, err=True)


def _as_json(tally: Tally, sheet: Sheet, *, dry_run: bool) -> dict[str, Any]:
    counts = {fate.name.lower(): tally.counts[fate] for fate in Fate}
    return {
        "file": sheet.path,
        "service": sheet.service,
        "dry_run": dry_run,
        **counts,
        "doubtful": tally.doubts,
        "ignored_columns": list(sheet.ignored),
        "report": tally.report,
        "rows": [
            {"line": row.line, "email": row.email, "fate": row.fate, "reason": row.reason}
            for row in tally.rows
        ],
    }


def _tell(tally: Tally, sheet: Sheet, *, dry_run: bool) -> None:
    if sheet.service:
        narrate(f"This is an export of {sheet.service}.")
    if sheet.ignored:
        narrate(f"Passed over the columns {', '.join(sheet.ignored)}.")
    for row in tally.told:
        named = row.doubt or row.fate is Fate.KEPT_OUT
        what = f"{row.email}: {row.reason}" if named else row.reason
        if row.doubt:
            what = f"{row.email} {row.doubt}"
        narrate(f"  line {row.line}: {TOLD_AS[row.fate]}: {what}")
    if len(tally.told) < tally.problems:
        more = tally.problems - len(tally.told)
        narrate(f"  and {more:,} more")
    if tally.report is not None:
        narrate(f"All of these are in {tally.report}.")
    counts = {fate: f"{tally.counts[fate]:,} {word}" for fate, word in TOLD_AS.items()}
    if tally.doubts:
        counts[Fate.ADDED] += f" ({tally.doubts:,} of them doubtful)"
    done = (
        "Nobody was added yet; an import would give" if dry_run else f"Imported {sheet.path.name}"
    )
    narrate(f"{done}: {', '.join(counts.values())}.")
