"""`newsletter history`: what ran in past issues, and the issues of a newsletter that moves here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json
from flows.wording import counted

if TYPE_CHECKING:
    from flows.pipeline.moving import Imported, Moved, PastIssue


@click.group()
def history() -> None:
    """Import past issues, so that what ran in them is not sent again, and list what ran."""


@history.command("import")
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE|DIR")
@click.option(
    "--issue-from-name",
    is_flag=True,
    help="Take the issue's number from the file's name, such as issue-041.html.",
)
@json_option
@config_option
def import_issues(
    source: Path, *, issue_from_name: bool, as_json: bool, config: Path | None
) -> None:
    """Keep the links of past issues as what ran: none of them is sent again.

    Reads Markdown (issue files too), HTML, CSV, and lists of links, one file or all in a folder.
    An issue has the number that its front matter names (number = 41, or issue: 41), or its file's
    name with --issue-from-name; without one its links still count. The same files may be imported
    again at any time.
    """
    from flows.pipeline.moving import import_history

    settings = load_settings(config)
    moved = import_history(
        settings, source, issue_from_name=issue_from_name, progress=show_progress
    )
    if as_json:
        show_json(_as_json(moved))
    else:
        _tell(moved)


@history.command("list")
@json_option
@config_option
def list_issues(*, as_json: bool, config: Path | None) -> None:
    """List the issues that are remembered, and how many links ran in each."""
    from flows.pipeline.moving import past_issues

    found = past_issues(load_settings(config))
    if as_json:
        show_json(
            [
                {
                    "issue": past.issue or None,
                    "links": past.items,
                    "imported": past.record is None,
                    "status": past.record.status if past.record else None,
                    "sent_at": past.record.sent_at if past.record else None,
                }
                for past in found
            ]
        )
        return
    for past in found:
        show(f"{_name(past.issue or None):<14}{past.items:>7}  {_standing(past)}")
    narrate(f"Issues: {len(found):,}; links: {sum(past.items for past in found):,}.")


def _standing(past: PastIssue) -> str:
    if past.record is None:
        return "imported"
    if past.record.sent_at:
        return f"sent {past.record.sent_at:%Y-%m-%d %H:%M} UTC"
    return past.record.status.value


def _name(issue: int | None) -> str:
    return f"#{issue}" if issue else "no number"


def show_progress(done: int, total: int) -> None:
    """Count the files that are read on one line of a terminal; say nothing elsewhere."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == total else ""
        click.echo(f"\r\x1b[KFile {done:,} of {total:,}{end}", nl=False, err=True)


def _as_json(moved: Moved) -> dict[str, object]:
    return {
        "files": [
            {"file": file.path, "issue": file.issue, "links": file.links, "note": file.note}
            for file in moved.files
        ],
        "links": moved.links,
        "new": moved.new,
        "passed_over": moved.passed_over,
    }


def _tell(moved: Moved) -> None:
    for file in moved.files:
        note = f"  {file.note}" if file.note else ""
        show(f"{_name(file.issue):<10}{file.links:>5} links  {file.path}{note}")
    if moved.passed_over:
        narrate(f"Passed over {moved.passed_over:,} files that are no Markdown, HTML or text.")
    if any(_lacks_number(file) for file in moved.files):
        narrate("Some issues have no number; --issue-from-name takes it from their files' names.")
    there = moved.links - moved.new
    narrate(
        f"{counted(len(moved.files), 'file')}, {counted(moved.links, 'link')}: "
        f"{moved.new:,} are new to the history, {there:,} were there already."
    )


def _lacks_number(file: Imported) -> bool:
    return bool(file.links) and file.issue is None
