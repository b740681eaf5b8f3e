"""`newsletter preview`: the issue as a mail, in a browser or in a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from flows.cli.options import (
    as_of_option,
    config_option,
    load_settings,
    narrate,
    since_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.models import Brand, Finding, Issue, Mail, Recipient

SUFFIXES = (".html", ".txt", ".eml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is shown: how the issue is read, whose it is, and which files it is made from."""

    read: Callable[[], Issue]
    brand: Brand
    theme: str
    templates: Path | None
    domain: str
    watched: tuple[Path, ...]


class Preview(NamedTuple):
    """A mail as one reader would get it, and what the check has to say."""

    mail: Mail
    findings: list[Finding]


@click.command()
@click.argument("number", type=click.IntRange(min=1), required=False, metavar="[NNN]")
@click.option("--sample", is_flag=True, help="Show the built-in sample; needs no settings.")
@click.option("--theme", metavar="NAME", default="", help="A folder under templates/issue.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write FILE.html, FILE.txt or FILE.eml and end.",
)
@since_option
@as_of_option
@config_option
def preview(  # noqa: PLR0913 - one parameter an option
    *,
    number: int | None,
    sample: bool,
    theme: str,
    output: Path | None,
    since: datetime | None,
    as_of: datetime | None,
    config: Path | None,
) -> None:
    """See issue NNN, or the newest open one, as its readers will.

    Without --output a page is served on this machine only: the mail on a telephone and on a
    desk, by day and in the dark, its text part, and what the check finds. It follows the issue's
    file: save, and look. A theme of your own is a folder under templates/issue beside the
    settings file; --sample shows it without any.
    """
    if output and output.suffix not in SUFFIXES:
        raise click.UsageError(f"--output {output}: end the name in .html, .txt or .eml.")
    if sample and number is not None:
        raise click.UsageError("Give NNN or --sample, not both.")
    if sample:
        source = _sample(config, theme)
    else:
        source = _stored(config, theme, number=number, since=since, as_of=as_of)
    if output:
        _write(output, source)
    else:
        _serve(source)


def _sample(config: Path | None, theme: str) -> Source:
    from flows.render.sample import SAMPLE, SAMPLE_BRAND

    folder = (config.parent if config else Path.cwd()) / "templates"
    templates = folder if folder.is_dir() else None
    return Source(
        read=lambda: SAMPLE,
        brand=SAMPLE_BRAND,
        theme=theme or "default",
        templates=templates,
        domain="",
        watched=_theme_folders(templates),
    )


def _stored(
    config: Path | None,
    theme: str,
    *,
    number: int | None,
    since: datetime | None,
    as_of: datetime | None,
) -> Source:
    from flows.pipeline.desk import open_issue
    from flows.pipeline.drafting import files_of

    settings = load_settings(config)
    templates = settings.templates_folder
    # The number is looked up once: a page must not turn to another issue by itself.
    shown = open_issue(settings, number, since=since, as_of=as_of)
    file = files_of(settings, shown.number).draft

    def read() -> Issue:
        if not file.exists():
            return shown
        return open_issue(settings, shown.number)

    return Source(
        read=read,
        brand=settings.brand(),
        theme=theme or settings.newsletter.theme,
        templates=templates,
        domain=settings.sending.domain,
        watched=(file, *_theme_folders(templates)),
    )


def _theme_folders(templates: Path | None) -> tuple[Path, ...]:
    from importlib.resources import files

    ours = Path(str(files("templates"))) / "issue"
    return (ours, templates / "issue") if templates else (ours,)


def draw(source: Source) -> Preview:
    """Return the mail as it is now; raises IssueError or TemplateError."""
    from flows.render.check import check
    from flows.render.html import personalise, render

    mail = render(source.read(), source.brand, theme=source.theme, templates=source.templates)
    findings = check(mail, source.brand, domain=source.domain)
    return Preview(personalise(mail, _reader(source.brand)), findings)


def _reader(brand: Brand) -> Recipient:
    from flows.render.clean import clean_brand
    from flows.render.sample import SAMPLE_RECIPIENT

    link = f"{clean_brand(brand).base_url}/u/a-reader-of-the-preview"
    return replace(SAMPLE_RECIPIENT, unsubscribe_url=link)


def _write(output: Path, source: Source) -> None:
    from flows.pipeline.files import write

    shown = draw(source)
    if output.suffix == ".eml":
        write(output, _message(shown.mail, source))
    else:
        write(output, shown.mail.html if output.suffix == ".html" else shown.mail.text)
    narrate(f"Wrote {output} ({len(shown.mail.html.encode()):,} bytes of HTML).")
    for finding in shown.findings:
        narrate(f"{finding.severity} {finding.rule}: {finding.message}")


def _serve(source: Source) -> None:
    from flows.cli.preview_server import open_server

    draw(source)  # What is wrong from the start is told at once, not in a browser.
    with open_server(lambda: draw(source), brand=source.brand, watched=source.watched) as server:
        narrate(f"The preview is at {server.url} (Ctrl-C ends it).")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            narrate("Ended.")


def _message(mail: Mail, source: Source) -> str:
    """Return the mail as a message file that a mail client opens."""
    from datetime import UTC, datetime

    from flows.deliver.message import as_bytes, build

    message = build(
        mail,
        _reader(source.brand),
        date=datetime.now(UTC),
        message_id_domain=source.domain,
        list_unsubscribe=True,
    )
    return as_bytes(message).decode("ascii")
