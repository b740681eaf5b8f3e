"""`newsletter verify`: whether an issue's receipt is ours, and the ledger still says the same."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli import FAILED
from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json


@click.command()
@click.argument("receipt", type=click.Path(path_type=Path), metavar="RECEIPT")
@json_option
@config_option
@click.pass_context
def verify(ctx: click.Context, *, receipt: Path, as_json: bool, config: Path | None) -> None:
    """Check an issue's receipt, issues/NNN/receipt: its seal, and its figures by the ledger.

    The seal is made with the signing keys: it breaks with any changed byte. Exit code 1 if it does
    not fit, or if the ledger adds up to something else by now.
    """
    from flows.pipeline.receipts import verify as verify_now

    found = verify_now(load_settings(config), receipt)
    if as_json:
        show_json(
            {
                "issue": found.issue,
                "genuine": True,
                "same": not found.differences,
                "differences": list(found.differences),
            }
        )
    else:
        for line in found.lines:
            show(line)
    if found.differences:
        narrate("The receipt is genuine, but the ledger says something else by now:")
        for difference in found.differences:
            narrate(f"  {difference}")
        ctx.exit(FAILED)
    narrate("The receipt is genuine, and the ledger says the same.")
