"""The commands of an issue's life by hand: gather, draft, approve, send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.cli.options import (
    as_of_option,
    config_option,
    json_option,
    load_settings,
    narrate,
    only_option,
    show_json,
    since_option,
    verdict_option,
)
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from flows.models import Issue
    from flows.pipeline.drafting import Drafted
    from flows.settings import Settings

NUMBER = click.argument("number", type=click.IntRange(min=1), required=False, metavar="[NNN]")
BECAUSE = click.option(
    "--because", metavar="REASON", default="", help="Go on in spite of a blocking finding."
)


@click.command()
@json_option
@config_option
def gather(*, as_json: bool, config: Path | None) -> None:
    """Fetch what is new in the feeds and keep it.

    A feed that was asked less than an hour ago, or that asked for a rest, is left alone. Feeds
    that fail are named; they do not fail the command.
    """
    from flows.cli.terminal import TerminalObserver
    from flows.pipeline.gathering import gather_now

    observer = TerminalObserver()
    gathered = gather_now(load_settings(config), observer=observer)
    observer.say(gathered.summary)
    if as_json:
        show_json(
            {
                "feeds": [
                    {
                        "name": report.feed.name,
                        "url": report.feed.url,
                        "status": report.status,
                        "items": report.count,
                        "problem": report.problem,
                        "next": report.state.due_at,
                    }
                    for report in gathered.reports
                ],
                "new": gathered.new,
                "updated": gathered.updated,
            }
        )


@click.command()
@since_option
@as_of_option
@json_option
@config_option
def draft(
    *, since: datetime | None, as_of: datetime | None, as_json: bool, config: Path | None
) -> None:
    """Write the file of the open or coming issue, issues/NNN.md, from what is stored.

    The file is yours from then on. Drafting again adds stories that are new since under "New since
    the draft", where they are not sent until you move them, and brings what it wrote up to date; a
    line that you wrote or changed is never touched, and what you took out stays out.
    """
    from flows.cli.terminal import TerminalObserver
    from flows.pipeline.desk import draft_now
    from flows.pipeline.reading import files_of

    settings = load_settings(config)
    record, drafted = draft_now(settings, observer=TerminalObserver(), since=since, as_of=as_of)
    path = files_of(settings, record.number).draft
    for archive in drafted.again:
        narrate(f"{archive.sentence}.")
    if drafted.skip:
        narrate(f"No draft: {drafted.skip.reason}.\nNext: {drafted.skip.next}")
    else:
        narrate(f"{path}: {_entries(drafted.issue)}, {drafted.issue.subject!r}")
        for sentence in _changes(drafted):
            narrate(sentence)
        narrate("Next: newsletter preview")
    if as_json:
        show_json(
            {
                "issue": None if drafted.skip else record.number,
                "file": None if drafted.skip else path,
                "slot": record.slot,
                "reason": drafted.skip.reason if drafted.skip else "",
                "items": drafted.items,
                "stories": drafted.stories,
                "entries": len(drafted.issue.entries),
                "added": drafted.added,
                "booked": drafted.booked,
                "updated": drafted.updated,
                "left_out": drafted.left_out,
            }
        )


def _changes(drafted: Drafted) -> Iterator[str]:
    """Yield what became of a file that stood already."""
    if drafted.added:
        stories = counted(drafted.added, "new story stands", "new stories stand")
        yield f'{stories} under "New since the draft".'
    if drafted.booked:
        yield f"{counted(drafted.booked, 'sponsor was', 'sponsors were')} added above all sections."
    if drafted.updated:
        entries = counted(drafted.updated, "entry was", "entries were")
        yield f"{entries} brought up to date, but for your own lines."
    if drafted.left_out:
        stories = counted(
            drafted.left_out, "story that came since is", "stories that came since are"
        )
        yield f"{stories} left out; newsletter why ADDRESS says why."
    if drafted.approved:
        yield "The issue was approved: new stories are added, nothing else; an edit reopens it."


@click.command()
@NUMBER
@BECAUSE
@config_option
def approve(*, number: int | None, because: str, config: Path | None) -> None:
    """Approve the mail of an issue (else of the open one) as it is now.

    The approval is for these very bytes: any later change of file, settings or theme voids it.
    """
    from flows.cli.terminal import TerminalObserver
    from flows.pipeline.approval import approve_now

    issue = approve_now(load_settings(config), number, observer=TerminalObserver(), because=because)
    narrate(f"Issue {issue.number} is approved: {issue.subject!r}, {_entries(issue)}")
    narrate(f"Next: newsletter send {issue.number}, or wait for its slot")


@click.command()
@click.argument("number", type=click.IntRange(min=1), metavar="NNN")
@BECAUSE
@click.option(
    "--now", "at_once", is_flag=True, help="SendGrid: mail at once, without the fence's undo."
)
@click.option(
    "--at",
    metavar="TIME",
    help="When readers get it, such as 2026-11-30T08:00; without a zone, in the schedule's.",
)
@only_option
@verdict_option
@config_option
@click.pass_context
def send(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    *,
    number: int,
    because: str,
    at_once: bool,
    at: str | None,
    only: str,
    as_json: bool,
    config: Path | None,
) -> None:
    """Send issue NNN as its file says, or carry on sending it.

    Nothing is gathered or drafted. Nobody who has the issue gets it again. With --at it is handed
    to SendGrid now, which keeps it until then (for 72 hours at most; `newsletter stop` takes it
    back); where nothing keeps it, the command waits, and sends what the file says then. Exit codes
    as of `newsletter run`.
    """
    from flows.cli.run import finish
    from flows.cli.terminal import TerminalObserver
    from flows.pipeline.options import RunOptions
    from flows.pipeline.run import send as send_now

    if at and at_once:
        raise click.UsageError("Give --at or --now, not both.")
    observer = TerminalObserver()
    settings = load_settings(config)
    moment = _appointed(at, settings) if at else None
    options = RunOptions(because=because, at_once=at_once, only=only, at=moment)
    with observer.listening():
        verdict = send_now(settings, number, options, observer=observer)
    finish(ctx, verdict, observer, as_json=as_json)


def _appointed(text: str, settings: Settings) -> datetime:
    """Return the time that is meant, which must be to come."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(settings.schedule.timezone)
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{text!r} is no time; write 2026-11-30T08:00, or 2026-11-30T07:00Z.",
            param_hint="--at",
        ) from error
    if moment <= datetime.now(UTC):
        raise click.BadParameter(f"{moment:%Y-%m-%d %H:%M} UTC is over.", param_hint="--at")
    return moment


def _entries(issue: Issue) -> str:
    return counted(len(issue.entries), "entry")
