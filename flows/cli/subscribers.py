"""`newsletter subscribers`: people in, people out, and who they are."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import (
    as_json_text,
    config_option,
    json_option,
    narrate,
    show,
    show_json,
    yes_option,
)
from flows.cli.people import (
    agreed,
    consent_option,
    known,
    opened,
    plain,
    private_file,
    settled,
    spelled,
    tag_option,
)
from flows.cli.people_import import import_file
from flows.cli.people_stats import stats
from subscribers import store, transfer
from subscribers.address import clean_name, parse
from subscribers.consent import sentence
from subscribers.doubts import warning
from subscribers.errors import NewsletterError, UnknownSubscriber
from subscribers.models import ConsentAction, Fate, Newcomer, SubscriberStatus, SuppressionReason
from subscribers.store import labels
from subscribers.suppression import why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from subscribers.models import Agreement, Subscriber

STANDINGS = (*(status.value for status in SubscriberStatus), store.SUPPRESSED)


@click.group()
def subscribers() -> None:
    """Add, import, list, remove and export the people who get the newsletter."""


subscribers.add_command(import_file)
subscribers.add_command(stats)


@subscribers.command()
@click.argument("email")
@click.option("--name", default="", help="Their name.")
@consent_option
@click.option("--again", is_flag=True, help="Take back somebody who unsubscribed and asked for it.")
@tag_option("A tag for them.")
@config_option
def add(email: str, *, name: str, consent: str, again: bool, tag: str, config: Path | None) -> None:
    """Add one person. Who is there already stays as they are."""
    terms = agreed(consent, "subscribers add")
    address = parse(email)
    who = Newcomer(email=address.email, key=address.key, name=clean_name(name))
    if doubt := warning(who.email):
        narrate(f"{who.email} {doubt}.")
    with opened(config) as engine:
        now = datetime.now(UTC)
        [told] = store.admit(engine, [who], agreement=terms, action=ConsentAction.ADDED, now=now)
        if told.fate is Fate.KEPT_OUT and again and _take_back(engine, who.key, terms, now):
            narrate(f"{who.email} is on the list again.")
        elif told.fate is Fate.KEPT_OUT:
            advice = _way_back(engine, who.key)
            raise NewsletterError(f"{who.email} was not added: {told.reason}; {advice}")
        elif told.fate is Fate.ALREADY_THERE:
            narrate(f"{who.email} is on the list already, {told.reason}.")
        else:
            narrate(f"{who.email} was added.")
        if tag:
            labels.tag_people(engine, [who.key], tag)


def _take_back(engine: Engine, key: str, terms: Agreement, now: datetime) -> bool:
    who = store.find(engine, key)
    if who is None or who.suppressed:
        return False
    return store.take_back(engine, who.id, agreement=terms, now=now)


def _way_back(engine: Engine, key: str) -> str:
    """Return what is to be done if somebody who is kept out asked to be back."""
    held = store.suppressed(engine, key)
    if held is None:
        return "if they asked to be back, add: --again"
    if held.reason is SuppressionReason.FORGOTTEN:
        return "if they want it again, they sign up by the form"
    return (
        f"if they want it again, type `newsletter subscribers forget {key}`, and they sign up by "
        "the form"
    )


@subscribers.command("list")
@click.option("--status", type=click.Choice(STANDINGS), help="Only those of this status.")
@tag_option("Only those with this tag.")
@json_option
@config_option
def list_people(*, status: str | None, tag: str, as_json: bool, config: Path | None) -> None:
    """List who is there: address, status, since when, name."""
    with opened(config) as engine:
        people = labels.tagged(engine, tag) if tag else store.everyone(engine, standing=status)
        if tag and status:
            people = (who for who in people if _stands(who) == status)
        if as_json:
            _show_json_list(people)
            return
        for who in people:
            line = f"{who.email:<40} {who.standing:<13} {who.created_at:%Y-%m-%d}  {who.name}"
            show(line.rstrip())
        counts = store.count(engine)
    narrate(", ".join(f"{number:,} {standing}" for standing, number in counts.items()))


def _stands(who: Subscriber) -> str:
    return store.SUPPRESSED if who.suppressed else who.status.value


def _show_json_list(people: Iterator[Subscriber]) -> None:
    # Written as it is read: the list may be long.
    opening = "["
    for who in people:
        show(f"{opening}{json.dumps(plain(who), ensure_ascii=False)}")
        opening = ","
    show("]" if opening == "," else "[]")


@subscribers.command()
@click.argument("email")
@config_option
def remove(email: str, *, config: Path | None) -> None:
    """Unsubscribe one person.

    Their address stays known, so that no import brings them back.
    """
    with opened(config) as engine:
        who = known(engine, email)
        left = store.unsubscribe(engine, who.id, source="subscribers remove", now=datetime.now(UTC))
    if left.changed:
        narrate(f"{who.email} is unsubscribed and gets no further issue.")
    else:
        narrate(f"{who.email} unsubscribed on {who.unsubscribed_at:%Y-%m-%d}; nothing changed.")


@subscribers.command()
@click.argument("tag")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL...")
@config_option
def tag(*, tag: str, emails: tuple[str, ...], config: Path | None) -> None:
    """Put a tag on people, such as those who are to get an issue first (send --only TAG)."""
    word = spelled(tag)
    with opened(config) as engine:
        keys = [known(engine, email).key for email in emails]
        added = labels.tag_people(engine, keys, word)
    narrate(f"{added} more with the tag {word!r}.")


@subscribers.command()
@click.argument("tag")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL...")
@config_option
def untag(*, tag: str, emails: tuple[str, ...], config: Path | None) -> None:
    """Take a tag off people."""
    word = spelled(tag)
    with opened(config) as engine:
        keys = [known(engine, email).key for email in emails]
        gone = sum(labels.untag(engine, key, word) for key in keys)
    narrate(f"{gone} fewer with the tag {word!r}.")


@subscribers.command()
@click.argument("email", required=False)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Else stdout."
)
@config_option
def export(*, email: str | None, output: Path | None, config: Path | None) -> None:
    """Write everybody as CSV, or all that is held on EMAIL as JSON (GDPR, articles 15 and 20).

    The columns are email, name, status, created_at, consent and tags. Cells that a spreadsheet
    would run as formulas get a ' before them; an import takes it off.
    """
    if email is not None:
        _export_person(email, output, config)
        return
    with opened(config) as engine:
        if output is None:
            number = transfer.export(engine, sys.stdout)
        else:
            with private_file(output) as file:
                number = transfer.export(engine, file)
    narrate(f"Exported {number:,} people{f' to {output}' if output else ''}.")


def _export_person(email: str, output: Path | None, config: Path | None) -> None:
    from flows.pipeline.person import held_on

    address = parse(email)
    with opened(config) as engine:
        held = held_on(engine, address.key)
    if held is None:
        raise UnknownSubscriber(f"nothing is held on {address.email}")
    if output is None:
        show_json(held)
        return
    with private_file(output) as file:
        file.write(as_json_text(held) + "\n")
    narrate(f"All that is held on {address.email} is in {output}.")


@subscribers.command("show")
@click.argument("email")
@json_option
@config_option
def show_person(email: str, *, as_json: bool, config: Path | None) -> None:
    """Show what is known of one person, with every consent and its taking back."""
    from flows.pipeline.person import record_of

    with opened(config) as engine:
        who = known(engine, email)
        records, tags = store.records(engine, who.id), labels.tags_of(engine, who.id)
        held = store.suppressed(engine, who.key)
    if as_json:
        consents = [record_of(record) for record in records]
        show_json({**plain(who), "tags": tags, "consents": consents})
        return
    show(f"{who.email}  {who.name}".rstrip())
    show(f"{who.status}, since {who.created_at:%Y-%m-%d}")
    if held is not None:
        show(f"gets no mail: {why(held)}" + (f" ({held.detail})" if held.detail else ""))
    if who.paused_until is not None and who.paused_until > datetime.now(UTC):
        show(f"takes a break until {who.paused_until:%Y-%m-%d}")
    if tags:
        show(f"tags: {', '.join(tags)}")
    for record in records:
        show(f"  {sentence(record)}")


@subscribers.command()
@click.argument("email")
@yes_option
@config_option
def forget(email: str, *, yes: bool, config: Path | None) -> None:
    """Delete all that is held on one person, for good.

    Only a salted hash of the address is kept, so that no import brings them back. Backups are left
    as they are.
    """
    address = parse(email)
    if not yes:
        click.confirm(f"Delete all that is held on {address.email}?", abort=True, err=True)
    from flows.pipeline.person import erase

    with settled(config) as (settings, engine):
        erased = erase(settings, engine, address.key, now=datetime.now(UTC))
    if erased.files:
        narrate(f"{erased.files} mails in the outbox were deleted with it.")
    if erased.known and erased.backups:
        narrate(f"What the {erased.backups} files in backups/ hold is left; delete them in time.")
    narrate(
        f"{address.email} is forgotten."
        if erased.known
        else f"Nothing was held on {address.email}; no import will bring them in."
    )
