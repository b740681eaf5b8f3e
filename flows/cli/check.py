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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.models import Finding


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

    Errors block sending (exit code 1), warnings tell. Each finding has its rule's id, and below
    it why it matters and who says so.

    Nothing but --online asks the network; what it finds blocks nothing. For --received send
    yourself the issue, save it from your inbox with all headers, and name the file; it needs no
    settings.
    """
    if received and (number is not None or online):
        raise click.UsageError("Give --received by itself, or NNN and --online.")
    if received:
        from flows.pipeline.online import read_received

        name: dict[str, Any] = {"file": received}
        findings: Sequence[Finding] = read_received(received)
        label = str(received)
    else:
        issue, findings = _of_issue(number, online=online, config=config)
        name, label = {"issue": issue}, f"Issue {issue}"
    if as_json:
        show_json({**name, "findings": [asdict(finding) for finding in findings]})
    else:
        _tell(findings)
    errors = sum(finding.severity == "error" for finding in findings)
    narrate(f"{label}: {_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}")
    ctx.exit(1 if errors else 0)


def _of_issue(
    number: int | None, *, online: bool, config: Path | None
) -> tuple[int, Sequence[Finding]]:
    from flows.pipeline.desk import render_now

    settings = load_settings(config)
    issue, rendered = render_now(settings, number)
    if not online:
        return issue.number, rendered.findings
    from flows.pipeline.online import Dns, links_of, look_online

    narrate(f"Trying {_count(len(links_of(settings, rendered.mail)), 'link')}, and asking DNS …")
    return issue.number, (
        *rendered.findings,
        *look_online(settings, rendered.mail, resolver=Dns()),
    )


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        show(f"{finding.severity:5} {finding.rule}  {finding.message}")
        if finding.why:
            show(f"           {finding.why} ({finding.source})")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
