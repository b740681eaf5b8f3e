"""`newsletter feeds status`: how each feed stands, what mends it, and how we behaved."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline.standing import Manners, Standing

_KILO = 1024


@click.command()
@json_option
@config_option
def status(*, as_json: bool, config: Path | None) -> None:
    """Show how each feed stands and the one command that mends it, and our week's manners.

    A feed is new (never asked), due, resting (and why), failing, moved or gone. Nobody is asked.
    """
    from flows.pipeline.standing import manners, standings
    from flows.pipeline.stores import open_store

    settings = load_settings(config)
    now = datetime.now(UTC)
    with open_store(settings) as engine:
        found = standings(settings, engine, now=now)
        week = manners(engine, now=now)
    if as_json:
        show_json({"feeds": [_about(one) for one in found], "manners": _about_manners(week)})
        return
    width = max((len(one.feed.name or one.feed.url) for one in found), default=0)
    for one in found:
        _show(one, width=min(width, 40))
    for sentence in _sentences(week):
        narrate(sentence)


def _show(one: Standing, *, width: int) -> None:
    name = one.feed.name or one.feed.url
    show(
        f"{name:<{width}}  {one.state:<7}  {one.items:>5} items  "
        f"last success {_moment(one.last_success)}, next due {_due(one)}"
    )
    if one.reason:
        show(f"    {one.reason}")
    if one.command:
        show(f"    > {one.command}")


def _due(one: Standing) -> str:
    if one.state in {"new", "due"}:
        return "now"
    return _moment(one.next_due)


def _moment(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%d %b %H:%M UTC") if moment else "never"


def _sentences(week: Manners) -> list[str]:
    if not week.visits:
        return ["Nobody was asked in the last seven days."]
    cost = (
        f"In the last seven days: {week.requests} requests in {week.visits} visits, "
        f"{week.share_unchanged:.0%} of them answered by a 304; "
        f"{_size(week.received)} received, {_size(week.saved)} saved."
    )
    if not week.wishes:
        return [cost, "Nobody asked us to slow down."]
    times = "once" if len(week.wishes) == 1 else f"{len(week.wishes)} times"
    sentences = [cost, f"We were asked to slow down {times}:"]
    for wish in week.wishes:
        kept = {True: "", False: " (too soon)", None: ""}[wish.kept]
        sentences.append(f"  {_moment(wish.at)} {wish.feed_url}: {wish.sentence}{kept}")
    return sentences


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < _KILO:
            return f"{size:.0f} {unit}"
        size /= _KILO
    return f"{size:.1f} GB"


def _about(one: Standing) -> dict[str, Any]:
    return {
        "name": one.feed.name,
        "url": one.feed.url,
        "state": one.state,
        "last_success": one.last_success,
        "items": one.items,
        "next_due": one.next_due,
        "reason": one.reason,
        "command": one.command,
    }


def _about_manners(week: Manners) -> dict[str, Any]:
    return {
        "since": week.since,
        "visits": week.visits,
        "requests": week.requests,
        "unchanged": week.unchanged,
        "share_unchanged": round(week.share_unchanged, 3),
        "bytes_received": week.received,
        "bytes_saved": week.saved,
        "asked_to_slow_down": [
            {**asdict(wish), "wait": wish.wait and wish.wait.total_seconds()}
            for wish in week.wishes
        ],
    }
