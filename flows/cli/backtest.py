"""`newsletter backtest`: past issues held against today's feeds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json

if TYPE_CHECKING:
    from flows.pipeline.backtest import Backtest

# More sites than this are a list for a program: --json has them all.
MOST_SITES = 25
WIDEST = 44


@click.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="DIR|FILE")
@json_option
@config_option
def backtest(*, source: Path, as_json: bool, config: Path | None) -> None:
    """Say which links of past issues today's feeds would have offered.

    Reads what `newsletter history import` reads, each file an issue, and holds its links against
    the stored items; nothing is fetched or kept. LINKS were offered by the feed, ONLY by no other;
    NEAR are on its site, but older than what is stored or passed over by the feed. Below the feeds
    stand the sites that no feed covers, the most often linked first.
    """
    from flows.cli.history import show_progress
    from flows.pipeline.backtest import backtest as hold_against

    found = hold_against(load_settings(config), source, progress=show_progress)
    if as_json:
        show_json(_as_json(found))
    else:
        _table(found)
    for path, why in found.unread:
        narrate(f"{path}: {why}.")
    narrate(_summary(found))


def _table(found: Backtest) -> None:
    show(_row("FEED", "LINKS", "ONLY", "NEAR", "ISSUES", "ITEMS", ""))
    for feed in found.feeds:
        counts = (feed.offered, feed.alone, feed.near, feed.issues, feed.items)
        show(_row(feed.name, *counts, feed.verdict))
    for site in found.sites[:MOST_SITES]:
        show(_row(site.name, site.links, "", "", site.issues, "", "no feed has it"))
    if (more := len(found.sites) - MOST_SITES) > 0:
        links = sum(site.links for site in found.sites[MOST_SITES:])
        show(_row(f"{more:,} more sites", links, "", "", "", "", "no feed has them"))


def _row(name: str, *cells: object) -> str:
    cut = name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…"
    *figures, verdict = cells
    shown = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in figures)
    return f"{cut:<{WIDEST}}{''.join(f'{cell:>8}' for cell in shown)}  {verdict}".rstrip()


def _summary(found: Backtest) -> str:
    stored = (
        f"Items are stored since {found.since:%Y-%m-%d}."
        if found.since
        else ("No items are stored yet; newsletter gather fetches them.")
    )
    return (
        f"{found.links:,} links in {found.issues:,} issues: "
        f"{_share(found.offered, found)} offered, "
        f"{_share(found.near, found)} on a feed's site, {_share(found.missing, found)} on no "
        f"feed's. {stored}"
    )


def _share(count: int, found: Backtest) -> str:
    return f"{count:,} ({count / found.links:.0%})" if found.links else "0"


def _as_json(found: Backtest) -> dict[str, object]:
    return {
        "issues": found.issues,
        "links": found.links,
        "offered": found.offered,
        "near": found.near,
        "missing": found.missing,
        "since": found.since,
        "feeds": [{**asdict(feed), "verdict": feed.verdict} for feed in found.feeds],
        "sites": [asdict(site) for site in found.sites],
        "unread": [{"file": path, "reason": why} for path, why in found.unread],
    }
