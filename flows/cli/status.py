"""`newsletter status`: what ran last, what comes next, and what wants a person."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from flows.cli.options import config_option, json_option, load_settings, show, show_json
from flows.models import IssueStatus
from flows.store.owner import alive, host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.cli.keeping import Keeping
    from flows.pipeline.status import Status
    from flows.settings import Settings
    from flows.store.runs import RunRecord

IN_DOUBT = 4
# What a feed's state is called here; "due" and "resting" feeds are well.
UNWELL = ("failing", "gone", "moved")


@click.command()
@json_option
@config_option
@click.pass_context
def status(ctx: click.Context, *, as_json: bool, config: Path | None) -> None:
    """Tell the last run and the next, open issues, feeds, doubts, and who keeps the schedule.

    Nothing is changed and no feed is asked. Exit code 4 if deliveries in doubt remain.
    """
    from flows.cli.keeping import keeping
    from flows.pipeline.status import status as look

    settings = load_settings(config)
    found = look(settings, now=datetime.now(UTC))
    schedule = keeping(settings)
    void = _void(settings, found)
    if as_json:
        kept = {"server": schedule.server, "schedule_problem": schedule.problem}
        show_json(_as_json(found) | kept | {"void_approvals": void})
    else:
        for name, sentence in _lines(settings, found, schedule=schedule, void=void):
            show(f"{name:<12} {sentence}")
    ctx.exit(IN_DOUBT if found.doubts else 0)


def _void(settings: Settings, found: Status) -> list[int]:
    """Return the approved issues that were changed since."""
    approved = [one for one in found.open_issues if one.status is IssueStatus.APPROVED]
    if not approved:
        return []
    # Rendering takes a while to load, and there is seldom an approval to look at.
    from flows.pipeline.edits import is_void

    return [one.number for one in approved if is_void(settings, one)]


def _as_json(found: Status) -> dict[str, Any]:
    values = asdict(found)
    if found.last_counts:
        values["last_counts"]["intended"] = found.last_counts.intended
    return values


def _lines(
    settings: Settings, found: Status, *, schedule: Keeping, void: Sequence[int]
) -> Iterator[tuple[str, str]]:
    yield "Newsletter", f"{settings.newsletter.title} ({settings.path})"
    for run in found.running:
        elsewhere = f", on {host(run.owner)}" if alive(run.owner) is None else ""
        yield "Running", f"{run.job}, since {_moment(run.started_at)}{elsewhere}"
    yield "Last run", _ended(found.last_run)
    if found.last_run and found.last_run.next:
        yield "", f"> {found.last_run.next}"
    if found.last_sent and found.last_counts:
        counts = found.last_counts
        yield (
            "Last issue",
            (
                f"{found.last_sent.number}, sent {_moment(found.last_sent.sent_at)}: "
                f"{counts.accepted} of {counts.intended} accepted"
            ),
        )
    yield from _schedule(found, schedule)
    for record in found.open_issues:
        changed = ", and was changed since: the approval is void"
        ending = changed if record.number in void else ""
        yield "Open", f"issue {record.number} is {record.status.value}{ending}"
        begun = record.status in (IssueStatus.SENDING, IssueStatus.STOPPED)
        yield "", f"> newsletter {'send' if begun else 'preview'} {record.number}"
    for issue, count in found.doubts.items():
        yield "In doubt", f"{count} deliveries of issue {issue}"
        yield "", f"> newsletter deliveries {issue}"
    yield from _feeds(found)
    told = ", ".join(f"{count} {state}" for state, count in found.subscribers.items() if count)
    yield "Subscribers", told or "none yet"


def _schedule(found: Status, schedule: Keeping) -> Iterator[tuple[str, str]]:
    coming = found.coming
    yield "Next issue", f"{_moment(coming.slot)}; the run starts {_moment(coming.starts_at)}"
    if coming.drafted_at:
        yield "", f"its draft is written {_moment(coming.drafted_at)}"
    if schedule.server and not schedule.problem:
        pages = schedule.server.removesuffix("/api")
        yield "Schedule", f"kept by {pages} (cron {coming.weekly_cron})"
    else:
        yield "Schedule", schedule.problem
        yield "", f"> {schedule.next}"


def _feeds(found: Status) -> Iterator[tuple[str, str]]:
    told = ", ".join(f"{count} {state}" for state, count in sorted(found.feeds.items()))
    gathered = found.last_gathered
    when = f"; asked last {_moment(gathered.started_at)}" if gathered else ""
    yield "Feeds", (told or "none") + when
    if any(found.feeds.get(state) for state in UNWELL):
        yield "", "> newsletter feeds status"


def _ended(run: RunRecord | None) -> str:
    if run is None:
        return "none yet"
    issue = f"issue {run.issue} " if run.issue else ""
    return f"{_moment(run.ended_at)}: {issue}{run.verdict}: {run.reason}"


def _moment(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%a %d %b %Y %H:%M UTC") if moment else "never"
