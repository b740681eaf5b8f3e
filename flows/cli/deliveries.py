"""The commands for what was handed over: how it stands, and taking it back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
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
from flows.models import WaveStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.models import Wave
    from flows.pipeline.deliveries import Standing
    from flows.pipeline.settling import Settled
    from flows.settings import Settings
    from flows.store.records import BatchRecord

NUMBER = click.argument("number", type=click.IntRange(min=1), metavar="NNN")
IN_DOUBT = 4


@click.command()
@NUMBER
@click.option("--settle", is_flag=True, help="Settle what is in doubt: ask SendGrid, then you.")
@click.option(
    "--as",
    "settle_as",
    type=click.Choice(["accepted", "again"]),
    help="With --settle: your answer for all that SendGrid knows nothing of.",
)
@json_option
@config_option
@click.pass_context
def deliveries(
    ctx: click.Context,
    *,
    number: int,
    settle: bool,
    settle_as: str | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Show how the deliveries of issue NNN stand: sums, waves, batches, and who is in trouble.

    A delivery is in doubt if the provider's answer never came. With --settle SendGrid's activity
    is asked (a paid addition of theirs), and for what it does not know, you: `accepted` ends it,
    `again` lets the next `newsletter send` hand it over once more, at the risk that somebody gets
    the issue twice. Exit code 4 if deliveries in doubt remain.
    """
    from flows.pipeline.deliveries import standing

    settings = load_settings(config)
    if settle_as and not settle:
        raise click.UsageError("--as answers for --settle; give both.")
    if settle:
        _settle(settings, number, settle_as)
    found = standing(settings, number)
    if as_json:
        show_json(_as_json(found))
    else:
        _tell(found)
    ctx.exit(IN_DOUBT if found.counts.in_doubt else 0)


def _settle(settings: Settings, number: int, settle_as: str | None) -> None:
    import time

    from flows.pipeline.settling import Decision, Desk, settle

    def decide(batch: BatchRecord) -> Decision:
        if settle_as:
            return Decision(settle_as)
        if not sys.stdin.isatty():
            return Decision.LATER
        handed_over = rfc3339(batch.handed_over_at)
        narrate(f"Batch {batch.id}, {batch.size:,} mails, {handed_over}: {batch.reason}")
        choice = click.Choice([decision.value for decision in Decision])
        return Decision(click.prompt("Was it", type=choice, default="later", err=True))

    settled = settle(settings, number, Desk(decide=decide, say=narrate, wait=time.sleep))
    narrate(
        f"Settled: {settled.known:,} accepted by SendGrid's word, {settled.accepted:,} by yours, "
        f"{settled.planned:,} planned again"
    )
    for sentence in _after_settling(settled, number):
        narrate(sentence)


def _after_settling(settled: Settled, number: int) -> Iterator[str]:
    """Yield what is left, and what to type: a stopped issue is not sent on for a doubt."""
    if settled.curable:
        what = (
            "stopping it again takes them back"
            if settled.stopped
            else "sending on cancels them and hands them over again"
        )
        yield f"{settled.curable:,} need no word: SendGrid still holds them back, so that {what}"
    if settled.stopped and settled.planned:
        yield (
            f"Issue {number} is stopped: those planned get it once newsletter send {number} takes "
            "it up again"
        )
    if settled.curable and settled.stopped:
        yield f"Next: newsletter stop {number}"
    elif (settled.planned and not settled.stopped) or settled.curable:
        yield f"Next: newsletter send {number}"
    elif settled.batches_left:
        yield f"Next: newsletter deliveries {number} --settle --as accepted (or again)"


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
        show(f"Wave {wave.number}: {wave.status.value}{_leaving(wave)}")
    for delivery in found.troubled:
        who = delivery.email or f"subscriber {delivery.subscriber_id} (forgotten)"
        show(f"  {delivery.status.value.replace('_', ' ')}: {who}: {delivery.reason}")


def _leaving(wave: Wave) -> str:
    """Return when a wave's mail leaves or left; of a cancelled one none does."""
    if wave.status is WaveStatus.CANCELLED:
        return ""
    verb = "leaves" if wave.send_at > datetime.now(UTC) else "left"
    return f", {verb} at {rfc3339(wave.send_at)}"


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
