"""The commands for what was handed over: how it stands, and taking it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from flows.cli.options import (
    config_option,
    json_option,
    load_settings,
    narrate,
    rfc3339,
    show,
    show_json,
)

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline.deliveries import Standing

NUMBER = click.argument("number", type=click.IntRange(min=1), metavar="NNN")
IN_DOUBT = 4


@click.command()
@NUMBER
@json_option
@config_option
@click.pass_context
def deliveries(ctx: click.Context, *, number: int, as_json: bool, config: Path | None) -> None:
    """Show how the deliveries of issue NNN stand: sums, waves, batches, and who is in trouble.

    Exit code 4 if deliveries in doubt remain.
    """
    from flows.pipeline.deliveries import standing

    found = standing(load_settings(config), number)
    if as_json:
        show_json(_as_json(found))
    else:
        _tell(found)
    ctx.exit(IN_DOUBT if found.counts.in_doubt else 0)


def _as_json(found: Standing) -> dict[str, object]:
    return {
        "issue": found.record.number,
        "status": found.record.status.value,
        **asdict(found.counts),
        "intended": found.counts.intended,
        "waves": [asdict(wave) for wave in found.waves],
        "batches": [asdict(batch) for batch in found.batches],
        "troubled": [asdict(delivery) for delivery in found.troubled],
    }


def _tell(found: Standing) -> None:
    show(f"Issue {found.record.number} is {found.record.status.value}")
    for state, count in asdict(found.counts).items():
        show(f"  {state.replace('_', ' '):12} {count:>9,}")
    show(f"  {'intended':12} {found.counts.intended:>9,}")
    for wave in found.waves:
        show(f"Wave {wave.number}: {wave.status.value}, leaves at {rfc3339(wave.send_at)}")
    for delivery in found.troubled:
        who = delivery.email or f"subscriber {delivery.subscriber_id} (forgotten)"
        show(f"  {delivery.status.value.replace('_', ' ')}: {who}: {delivery.reason}")


@click.command()
@NUMBER
@json_option
@config_option
@click.pass_context
def stop(ctx: click.Context, *, number: int, as_json: bool, config: Path | None) -> None:
    """Stop issue NNN: nobody more gets it, and what waits behind SendGrid's fence is taken back.

    SendGrid wants ten minutes' notice. `newsletter send NNN` takes the issue up again, leaving out
    who unsubscribed meanwhile; if nobody has got it yet, as its file says then. Exit code 1 if
    SendGrid could not be asked for all of it: stop it again.
    """
    from flows.pipeline.deliveries import stop as stop_now

    undone = stop_now(load_settings(config), number)
    narrate(
        f"Issue {number} is stopped: {undone.caught:,} taken back, {undone.missed:,} not caught"
    )
    if undone.reason:
        narrate(f"Not everything could be asked for: {undone.reason}")
        narrate(f"Next: newsletter stop {number}, before it leaves")
    else:
        narrate(f"Next: newsletter send {number}, or newsletter deliveries {number}")
    if as_json:
        show_json({"issue": number, **asdict(undone)})
    ctx.exit(1 if undone.reason else 0)
