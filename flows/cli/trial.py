"""`newsletter test`: the mail of an issue, to yourself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json
from subscribers.errors import InvalidAddress

if TYPE_CHECKING:
    from pathlib import Path

    from subscribers.address import Address


@click.command("test")
@click.argument("number", type=click.IntRange(min=1), metavar="NNN")
@click.option(
    "--to",
    "addresses",
    multiple=True,
    required=True,
    metavar="ADDRESS",
    help="Who gets it; give it again for more than one.",
)
@json_option
@config_option
def test(*, number: int, addresses: tuple[str, ...], as_json: bool, config: Path | None) -> None:
    """Mail issue NNN to an address of your own, by the transport of the settings.

    It is the very mail that readers get, and counts for nothing: it stands in no ledger and no
    history, and its unsubscribe link leads to a page that says that this was a test. Any address
    will do; it need not be a subscriber's.
    """
    from flows.pipeline.trial import post_test

    people = [_address(text) for text in dict.fromkeys(addresses)]
    settings = load_settings(config)
    posted = [(person.email, post_test(settings, number, person)) for person in people]
    for email, where in posted:
        narrate(f"The test of issue {number} for {email} was handed over.")
        if not as_json:
            show(where)
    if as_json:
        show_json([{"issue": number, "to": email, "id": where} for email, where in posted])


def _address(text: str) -> Address:
    from subscribers.address import parse

    try:
        return parse(text)
    except InvalidAddress as error:
        raise click.BadParameter(str(error), param_hint="--to") from error
