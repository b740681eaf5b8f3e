"""What the commands about people share: the store, one person, and files for one's own eyes."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from flows.cli.options import load_settings, rfc3339
from subscribers import store
from subscribers.address import parse
from subscribers.consent import agreement
from subscribers.errors import MissingConsent, NewsletterError, UnknownSubscriber
from subscribers.services import fold_tag
from subscribers.suppression import why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from flows.settings import Settings
    from subscribers.models import Agreement, Subscriber

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")

consent_option = click.option(
    "--consent",
    required=True,
    metavar="TEXT",
    help='How they agreed to get the newsletter, such as "sign-up sheet, conference 2026".',
)


def tag_option(text: str) -> Callable[[Decorated], Decorated]:
    """Add `--tag TAG`, handed on as `tag: str` in its one spelling."""
    return click.option(
        "--tag", default="", metavar="TAG", callback=lambda *given: spelled(given[2]), help=text
    )


def spelled(tag: str) -> str:
    """Return a tag in its one spelling; raises a usage error if nothing is left of it."""
    folded = fold_tag(tag)
    if tag.strip() and not folded:
        raise click.BadParameter(f"{tag!r} is no tag; write letters a to z and digits")
    return folded


def agreed(text: str, source: str) -> Agreement:
    """Return the agreement to be recorded; raises a usage error if `text` says nothing."""
    try:
        return agreement(text, source=source)
    except MissingConsent as error:
        raise click.BadParameter(str(error), param_hint="--consent") from error


def known(engine: Engine, email: str) -> Subscriber:
    """Return who has the address; raises InvalidAddress, UnknownSubscriber."""
    address = parse(email)
    who = store.find(engine, address.key)
    if who is None:
        held = store.suppressed(engine, address.key)
        more = why(held) if held else "`newsletter subscribers list` shows who is"
        raise UnknownSubscriber(f"{address.email} is not on the list; {more}")
    return who


@contextlib.contextmanager
def opened(config: Path | None) -> Iterator[Engine]:
    """Yield the database of the settings."""
    with settled(config) as (_settings, engine):
        yield engine


@contextlib.contextmanager
def settled(config: Path | None) -> Iterator[tuple[Settings, Engine]]:
    """Yield the settings and their database."""
    from flows.pipeline.stores import open_store

    settings = load_settings(config)
    with open_store(settings) as engine:
        yield settings, engine


def plain(who: Subscriber) -> dict[str, Any]:
    """Return a person as `--json` has them."""
    return {
        "email": who.email,
        "name": who.name,
        "status": who.standing,
        "created_at": rfc3339(who.created_at),
        "unsubscribed_at": rfc3339(who.unsubscribed_at),
        "paused_until": rfc3339(who.paused_until),
    }


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Yield a file for its owner's eyes only, which takes its name once it is whole.

    Raises NewsletterError if it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise NewsletterError(f"{path}: cannot be written: {error.strerror}") from error
