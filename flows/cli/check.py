"""`newsletter check`: the mail against the rules it must pass."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.options import (
    config_option,
    json_option,
    load_settings,
    narrate,
    show,
    show_json,
)
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.models import Finding
    from flows.pipeline.looking import Look
    from flows.settings import Settings


@click.command()
@click.argument("number", type=click.IntRange(min=1), required=False, metavar="[NNN]")
@click.option(
    "--online",
    is_flag=True,
    help="Also try the mail's links, and ask DNS what the sender's domain has.",
)
@click.option(
    "--received",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE.eml",
    help="Check a mail as it arrived: its headers, and what its signature covers.",
)
@json_option
@config_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    number: int | None,
    online: bool,
    received: Path | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Check the mail of an issue (else of the open one) against the rules it must pass.

    Errors block sending (exit code 1), warnings tell. Each finding has its rule's id, the line of
    the issue's file to mend, and below it why it matters and who says so.

    Nothing but --online asks the network; what it finds blocks nothing. For --received send
    yourself the issue, save it from your inbox with all headers, and name the file; it needs no
    settings.
    """
    if received and (number is not None or online):
        raise click.UsageError("Give --received by itself, or NNN and --online.")
    file: Path | None = None
    if received:
        from flows.pipeline.online import read_received

        name: dict[str, Any] = {"file": received}
        findings: Sequence[Finding] = read_received(received)
        label = str(received)
    else:
        seen, findings = _of_issue(number, online=online, config=config)
        name, label = {"issue": seen.issue.number}, f"Issue {seen.issue.number}"
        file = seen.file
    if as_json:
        show_json({**name, "findings": [_as_json(finding) for finding in findings]})
    else:
        _tell(findings, file=file)
    errors = sum(finding.severity == "error" for finding in findings)
    narrate(f"{label}: {counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}")
    ctx.exit(1 if errors else 0)


def _of_issue(
    number: int | None, *, online: bool, config: Path | None
) -> tuple[Look, list[Finding]]:
    from flows.pipeline.looking import look

    settings = load_settings(config)
    number = number or _newest(settings)
    seen = look(settings, number) if number else _undrafted(settings)
    if not online:
        return seen, list(seen.findings)
    from flows.pipeline.online import Dns, links_of, look_online

    narrate(f"Trying {counted(len(links_of(settings, seen.html)), 'link')}, and asking DNS …")
    found = look_online(settings, seen.html, resolver=Dns())
    return seen, [*seen.findings, *(seen.lines.point(found) if seen.lines else found)]


def _newest(settings: Settings) -> int | None:
    # Only who names no issue needs the database.
    from flows.pipeline.whereabouts import newest
    from flows.pipeline.work import utc_now

    return newest(settings, now=utc_now())


def _undrafted(settings: Settings) -> Look:
    # What a draft would be takes deduplication and all: only who asks for it pays.
    from flows.pipeline.desk import open_issue
    from flows.pipeline.looking import look_ahead

    return look_ahead(settings, open_issue(settings, None))


def _as_json(finding: Finding) -> dict[str, Any]:
    told = asdict(finding)
    # Its line says it.
    del told["spot"]
    return told


def _tell(findings: Sequence[Finding], *, file: Path | None) -> None:
    for finding in findings:
        place = f"  ({file}, line {finding.line})" if finding.line else ""
        show(f"{finding.severity:5} {finding.rule}  {finding.message}{place}")
        if finding.why:
            show(f"           {finding.why} ({finding.source})")
