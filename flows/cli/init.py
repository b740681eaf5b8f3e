"""`newsletter init`: a commented newsletter.toml, the signing keys, and what git must not see."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import narrate
from flows.errors import NewsletterError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flows.settings.starter import Starter

QUESTIONS = {
    "title": "The newsletter's name",
    "sender": "Mails come from (Name <name@domain>)",
    "postal_address": "Postal address for the footer",
    "base_url": "Where readers reach `newsletter web` (https://…)",
}
IGNORED = """\
# What git must not see: the keys that sign links, people's addresses, mails.
.newsletter/
newsletter.db*
outbox/
"""


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--title", help="The newsletter's name.")
@click.option("--sender", help='Who mails come from: "Name <name@domain>".')
@click.option("--postal-address", help="Your postal address; the law wants it in every mail.")
@click.option("--base-url", help="Where `newsletter web` is reached, such as https://news.my.org.")
@click.option("--force", is_flag=True, help="Write newsletter.toml anew if there is one.")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="Write this file instead."
)
def init(folder: Path, *, force: bool, config: Path | None, **given: str | None) -> None:
    """Write newsletter.toml and the signing keys into FOLDER (default: here).

    What is not given is asked for on a terminal, else a placeholder is written, with which no
    mail really leaves. The file lists every setting, with its default and what it is for. An
    existing file is only written anew with --force, and kept as newsletter.toml.bak; existing keys
    never are, because links in mails already sent need them. Keys that are missing beside an
    existing file are made.
    """
    file = config or folder / "newsletter.toml"
    from flows.settings.keys import make_keys
    from flows.settings.starter import Starter

    keys = file.parent / ".newsletter" / "keys"
    if file.exists() and not force:
        _complete(file, keys)
        return
    known = filled_in(given)
    starter = ask(known) if sys.stdin.isatty() else Starter(**known)
    text = checked(starter, file.absolute())
    with _writing(file.parent):
        made_keys = make_keys(keys)
        kept = _keep(file)
        _write(file, text)
        ignore = _write_gitignore(file.parent)
    narrate(f"Wrote {file}.")
    if kept:
        narrate(f"What it was before is in {kept}.")
    narrate(f"Made the signing keys, {keys}: back them up." if made_keys else f"Kept {keys}.")
    if ignore:
        narrate(f"Wrote {ignore}, so that git passes over keys, people and mails.")
    _tell_next(file)


def _complete(file: Path, keys: Path) -> None:
    """Make the keys that are missing beside a settings file; raises NewsletterError if none are."""
    from flows.settings.keys import make_keys

    if keys.exists():
        raise NewsletterError(f"{file}: it exists already; --force writes it anew")
    with _writing(file.parent):
        make_keys(keys)
    narrate(f"Kept {file} as it is. Made the signing keys, {keys}: back them up.")


def filled_in(given: Mapping[str, str | None]) -> dict[str, str]:
    """Return what was given on the command line, without what was not."""
    return {name: value for name, value in given.items() if value is not None}


def ask(given: Mapping[str, str]) -> Starter:
    """Return the answers of the person at the terminal, who is asked for what is not given."""
    from flows.settings.starter import Starter

    placeholders = Starter()
    answers = dict(given)
    for name, question in QUESTIONS.items():
        if name not in answers:
            answers[name] = click.prompt(
                question,
                default=getattr(placeholders, name),
                value_proc=partial(_judge, name),
                err=True,
            )
    return Starter(**answers)


def _judge(name: str, value: str) -> str:
    """Return the answer if it will do; click asks again on a usage error."""
    from flows.settings.starter import Starter

    try:
        checked(Starter(**{name: value}), Path("newsletter.toml"))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    return value


def checked(starter: Starter, file: Path) -> str:
    """Return the file's text; raises SettingsError before anything is written if it is wrong."""
    from flows.settings import parse
    from flows.settings.starter import write_starter

    text = write_starter(starter)
    parse(text, file)
    return text


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise NewsletterError(
            f"{error.filename or folder}: it cannot be written: {error.strerror}; choose a folder "
            "you may write to"
        ) from error


def _keep(file: Path) -> Path | None:
    """Keep the file as FILE.bak; None if there is none."""
    if not file.exists():
        return None
    kept = file.with_name(f"{file.name}.bak")
    kept.write_bytes(file.read_bytes())
    return kept


def _write(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)


def _write_gitignore(folder: Path) -> Path | None:
    ignore = folder / ".gitignore"
    if ignore.exists():
        return None
    ignore.write_text(IGNORED, encoding="utf-8")
    return ignore


def _tell_next(file: Path) -> None:
    standard = file.name == "newsletter.toml"
    option = "" if standard else f" --config {file}"
    steps = [
        (f"cd {file.parent}", "the commands look for newsletter.toml where you are"),
        (f"edit {file.name}", "your feeds, the schedule, who carries the mail"),
        (f"newsletter gather{option}", "fetch the feeds"),
        (f"newsletter draft{option}", "write the first issue's file"),
        (f"newsletter preview{option}", "see it as a mail"),
        (f"newsletter subscribers add EMAIL --consent TEXT{option}", "a reader, such as yourself"),
        (f"newsletter run{option}", "the whole week at once, into the outbox: nobody is mailed"),
    ]
    if not standard or file.parent == Path():
        del steps[0]
    width = max(len(step) for step, _reason in steps)
    narrate("\nNext:")
    for step, reason in steps:
        narrate(f"  {step.ljust(width)}  {reason}")
