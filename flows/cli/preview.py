"""`newsletter preview`: the issue as a mail, in a browser or in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import (
    as_of_option,
    config_option,
    load_settings,
    narrate,
    since_option,
)
from flows.errors import IssueError, NewsletterError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.cli.preview_page import View
    from flows.models import Issue
    from flows.pipeline.looking import Look
    from flows.settings import Settings

SUFFIXES = (".html", ".txt", ".eml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is shown: how a look at it is drawn, and which files it is made from.

    `people` draws the page on the list, `status` is a word for how far the issue is on its way;
    the sample has neither.
    """

    draw: Callable[[], View]
    watched: tuple[Path, ...]
    people: Callable[[], str] | None = None
    status: Callable[[], str] | None = None


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
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The page's port on this machine; by default a free one.",
)
@click.option("--open", "in_browser", is_flag=True, help="Open the page in your browser.")
@since_option
@as_of_option
@config_option
def preview(  # noqa: PLR0913 - one parameter an option
    *,
    number: int | None,
    sample: bool,
    theme: str,
    output: Path | None,
    port: int,
    in_browser: bool,
    since: datetime | None,
    as_of: datetime | None,
    config: Path | None,
) -> None:
    """See issue NNN, or the newest open one, as its readers will.

    Without --output a page is served on this machine only: the inbox line, the mail on a
    telephone and on a desk, by day and in the dark, its text part, its size, what the check finds
    with the line to mend, and what was left over and why. It follows the issue's file: save, and
    look. A theme of your own is a folder under templates/issue beside the settings file; --sample
    shows it without any.
    """
    if output and output.suffix not in SUFFIXES:
        raise click.UsageError(f"--output {output}: end the name in .html, .txt or .eml.")
    if output and (in_browser or port):
        raise click.UsageError("Give --output, or --open and --port, not both.")
    if sample and number is not None:
        raise click.UsageError("Give NNN or --sample, not both.")
    if sample:
        source = _sample(config, theme)
    else:
        source = _stored(config, theme, number=number, since=since, as_of=as_of)
    if output:
        _write(output, source)
    else:
        _serve(source, port=port, in_browser=in_browser)


def _sample(config: Path | None, theme: str) -> Source:
    from flows.cli.preview_page import View, as_reader
    from flows.render.check import check
    from flows.render.html import render
    from flows.render.sample import SAMPLE, SAMPLE_BRAND

    folder = (config.parent if config else Path.cwd()) / "templates"
    templates = folder if folder.is_dir() else None

    def draw() -> View:
        mail = render(SAMPLE, SAMPLE_BRAND, theme=theme or "default", templates=templates)
        return View(
            issue=SAMPLE,
            mail=as_reader(mail, SAMPLE_BRAND),
            brand=SAMPLE_BRAND,
            findings=tuple(check(mail, SAMPLE_BRAND)),
            standing="the built-in sample",
        )

    return Source(draw=draw, watched=_theme_folders(templates))


def _stored(
    config: Path | None,
    theme: str,
    *,
    number: int | None,
    since: datetime | None,
    as_of: datetime | None,
) -> Source:
    from flows.pipeline.reading import files_of
    from flows.pipeline.whereabouts import newest
    from flows.pipeline.work import utc_now

    settings = load_settings(config)
    # The number is looked up once: a page must not turn to another issue by itself.
    number = number or newest(settings, now=as_of or utc_now())
    coming = None if number else _coming(settings, since=since, as_of=as_of)
    number = number or (coming.number if coming else 0)
    file = files_of(settings, number).draft

    def draw() -> View:
        # Read anew: the settings may have been edited too.
        own = load_settings(settings.path)
        return _view(own, _look(own, number, theme, coming))

    watched = (file, settings.path, *_theme_folders(settings.folder / "templates"))
    return Source(
        draw=draw,
        watched=watched,
        people=lambda: _people(settings),
        status=lambda: _status(settings, number),
    )


def _people(settings: Settings) -> str:
    # The database is for those who ask for its page.
    from flows.cli.preview_people import people_page

    return people_page(settings)


def _status(settings: Settings, number: int) -> str:
    from flows.pipeline.whereabouts import status

    return status(settings, number)


def _coming(settings: Settings, *, since: datetime | None, as_of: datetime | None) -> Issue:
    """Return what a draft now would be."""
    # That takes deduplication and all: only who asks for it pays.
    from flows.pipeline.desk import open_issue

    return open_issue(settings, None, since=since, as_of=as_of)


def _look(settings: Settings, number: int, theme: str, coming: Issue | None) -> Look:
    from flows.pipeline.looking import look, look_ahead
    from flows.pipeline.reading import files_of

    if coming is None or files_of(settings, number).draft.exists():
        return look(settings, number, theme=theme)
    return look_ahead(settings, coming, theme=theme)


def _view(settings: Settings, seen: Look) -> View:
    from flows.cli.preview_page import View, as_reader
    from flows.pipeline.whereabouts import standing

    return View(
        issue=seen.issue,
        mail=as_reader(seen.mail, settings.brand()),
        brand=settings.brand(),
        domain=settings.sending.domain,
        findings=seen.findings,
        standing=standing(settings, seen.mail) if seen.file else "not drafted yet",
        file=seen.file,
        lines=seen.lines,
    )


def _theme_folders(templates: Path | None) -> tuple[Path, ...]:
    from importlib.resources import files

    ours = Path(str(files("templates"))) / "issue"
    return (ours, templates / "issue") if templates else (ours,)


def _write(output: Path, source: Source) -> None:
    from flows.pipeline.files import write

    shown = source.draw()
    if output.suffix == ".eml":
        write(output, _message(shown))
    else:
        write(output, shown.mail.html if output.suffix == ".html" else shown.mail.text)
    narrate(f"Wrote {output} ({shown.size:,} bytes of HTML).")
    for finding in shown.findings:
        place = f" ({shown.file}, line {finding.line})" if finding.line else ""
        narrate(f"{finding.severity} {finding.rule}: {finding.message}{place}")


def _serve(source: Source, *, port: int, in_browser: bool) -> None:
    import webbrowser

    from flows.cli.preview_server import open_server

    with open_server(
        source.draw,
        watched=source.watched,
        port=port,
        people=source.people,
        status=source.status,
    ) as server:
        server.follow()
        if server.problem:
            _tell_or_raise(server.problem)
        narrate(f"The preview is at {server.url} (Ctrl-C ends it).")
        if in_browser and not webbrowser.open(server.url):
            narrate("No browser was found here; open that address in yours.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            narrate("Ended.")


def _tell_or_raise(problem: NewsletterError) -> None:
    """Tell what is wrong in a line of a file; raises what no save will mend."""
    if not (isinstance(problem, (IssueError, TemplateError)) and problem.line):
        raise problem
    narrate(str(problem))


def _message(shown: View) -> str:
    """Return the mail as a message file that a mail client opens."""
    from datetime import UTC, datetime

    from flows.cli.preview_page import reader
    from flows.deliver.message import as_bytes, build

    message = build(
        shown.mail,
        reader(shown.brand),
        date=datetime.now(UTC),
        message_id_domain=shown.domain,
        list_unsubscribe=True,
    )
    return as_bytes(message).decode("ascii")
