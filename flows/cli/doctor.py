"""`newsletter doctor`: what is wrong with this set-up, part by part."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flows.cli import FAILED
from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline.doctor import Diagnosis

SIGNS = {"well": "ok", "look": "look", "broken": "BROKEN", "unknown": "?"}


@click.command()
@click.option(
    "--online",
    is_flag=True,
    help="Ask DNS for SPF, DKIM and DMARC, and the feeds' servers for the time, too.",
)
@json_option
@config_option
@click.pass_context
def doctor(ctx: click.Context, *, online: bool, as_json: bool, config: Path | None) -> None:
    """Find out what is wrong with this set-up, part by part, and what to do about it.

    Looks at settings, keys, versions, database, clock, feeds, templates, the account at the mail
    provider with what its key allows, the unsubscribe link, and who keeps the schedule. Prints no
    key. Exit code 1 if anything is broken, 2 if the settings cannot be read.
    """
    from flows.cli.keeping import keeping
    from flows.pipeline.doctor import Diagnosis, Health, examine

    settings = load_settings(config)
    found = list(examine(settings, online=online))
    schedule = keeping(settings)
    found.append(
        Diagnosis(
            part="schedule",
            health=Health.LOOK if schedule.problem else Health.WELL,
            told=schedule.problem or f"kept by {schedule.server}",
            next=schedule.next,
        )
    )
    if as_json:
        show_json([asdict(one) for one in found])
    else:
        _tell(found)
    ctx.exit(FAILED if any(one.health is Health.BROKEN for one in found) else 0)


def _tell(found: list[Diagnosis]) -> None:
    for one in found:
        show(f"{SIGNS[one.health.value]:<7} {one.part:<12} {one.told}")
        if one.next:
            show(f"{'':<21}> {one.next}")
    broken = sum(1 for one in found if one.health.value == "broken")
    narrate(f"{broken} of {len(found)} findings want mending." if broken else "Nothing is broken.")
