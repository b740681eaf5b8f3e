"""`newsletter subscribers stats`: how the list fares, as tables or as data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, json_option, show, show_json
from flows.cli.people import opened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from flows.pipeline.growth import Growth

SHOWN_WEEKS = 12


@click.command()
@json_option
@config_option
def stats(*, as_json: bool, config: Path | None) -> None:
    """Show how the list grows by week, from where people came, and who left by which issue.

    The same stands as a picture in `newsletter preview`, at /subscribers.
    """
    from flows.pipeline import growth

    with opened(config) as engine:
        found = growth.growth(engine, now=datetime.now(UTC))
    if as_json:
        show_json(growth.as_json(found))
    else:
        _show(found)


def _show(found: Growth) -> None:
    show(", ".join(f"{number:,} {standing}" for standing, number in found.counts.items()))
    if found.paused:
        show(f"{found.paused:,} of the active take a break")
    _table(
        f"{'week of':<12}{'came':>8}{'left':>8}{'active':>10}",
        (
            f"{week.monday!s:<12}{week.came:>8,}{week.left:>8,}{week.total:>10,}"
            for week in found.weeks[-SHOWN_WEEKS:]
        ),
    )
    _table(
        f"{'issue':<12}{'accepted':>8}{'left':>8}{'share':>10}",
        (
            f"{leave.issue:<12}{leave.accepted:>8,}{leave.left:>8,}{leave.share:>10.2%}"
            for leave in found.issues
        ),
    )
    _table(
        f"{'people':>8}{'active':>8}  source",
        (f"{one.people:>8,}{one.active:>8,}  {one.name}" for one in found.sources),
    )
    _table(f"{'active':>8}  tag", (f"{active:>8,}  {tag}" for tag, active in found.tags.items()))


def _table(head: str, rows: Iterable[str]) -> None:
    lines = list(rows)
    if lines:
        show("\n".join(["", head, *lines]))
