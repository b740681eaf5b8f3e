"""`newsletter feeds add|remove|move|import|export`: changes to the list of feeds."""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import (
    config_option,
    json_option,
    load_settings,
    narrate,
    show,
    show_json,
)
from flows.errors import NewsletterError
from flows.wording import counted

if TYPE_CHECKING:
    from flows.gather.discover import Discovered
    from flows.gather.outlines import Sorted
    from flows.models import Item

_NEWEST = 3
_NAMED = click.argument("named", metavar="URL|NAME")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@click.command()
@click.argument("url")
@click.option("--name", default="", help="What readers see; else the feed's own title.")
@click.option("--section", default="", help="One of the [[sections]] of the settings.")
@click.option(
    "--timezone",
    default="UTC",
    metavar="ZONE",
    help="The zone of dates that name none, such as America/New_York; else UTC.",
)
@json_option
@config_option
def add(
    url: str, *, name: str, section: str, timezone: str, as_json: bool, config: Path | None
) -> None:
    """Find the feed at URL, a feed or a page that names one, and write it into the settings.

    Shows the newest three items, which are kept like all that is gathered.
    """
    from flows.models import Feed
    from flows.pipeline.sources import add_source, look_up

    settings = load_settings(config)
    now = datetime.now(UTC)
    asked = Feed(url=_web(url), name=name, section=section, timezone=timezone)
    found = look_up(settings, asked, now=now)
    add_source(settings, found, now=now)
    newest = _newest(found.report.items)
    if as_json:
        show_json(
            {
                "url": found.feed.url,
                "name": found.feed.name,
                "section": found.feed.section,
                "items": [
                    {"title": i.title, "url": i.url, "published": i.published} for i in newest
                ],
                "others": list(found.others),
                "problems": list(found.report.notes),
            }
        )
    _tell(found, newest, settings.path)


def _web(url: str) -> str:
    from flows.gather.outlines import without_feed_scheme

    url = without_feed_scheme(url.strip())
    if not url:
        raise click.UsageError("the address is empty")
    if "://" in url:
        return url
    if Path(url).exists():
        raise NewsletterError(
            f'feeds: {url} is a file; write it into the settings yourself, with kind = "river", '
            "if it is a list of shared links"
        )
    return f"https://{url}"


def _newest(items: tuple[Item, ...]) -> list[Item]:
    return sorted(items, key=lambda item: item.published or _LONG_AGO, reverse=True)[:_NEWEST]


def _tell(found: Discovered, newest: list[Item], path: Path) -> None:
    narrate(f"Added {found.feed.name or found.feed.url} ({found.feed.url}) to {path}.")
    for item in newest:
        day = item.published.strftime("%Y-%m-%d") if item.published else "undated   "
        narrate(f"  {day}  {item.title}")
    if not newest:
        narrate("  It has no items yet.")
    for problem in found.report.notes:
        narrate(f"  problem: {problem}")
    for other in found.others:
        narrate(f"  the page names {other} too")


@click.command()
@_NAMED
@config_option
def remove(named: str, *, config: Path | None) -> None:
    """Take a feed out of the settings; its items stay, so that none is told twice."""
    from flows.pipeline.sources import remove_source

    settings = load_settings(config)
    feed = remove_source(settings, named)
    narrate(f"Removed {feed.name or feed.url} ({feed.url}) from {settings.path}.")


@click.command()
@_NAMED
@click.argument("url", default="")
@config_option
def move(named: str, url: str, *, config: Path | None) -> None:
    """Put the address a feed moved to into the settings, and take its items along.

    Without URL it is the one that the feed was seen to redirect to for good, else the one that
    the page at its old address names.
    """
    from flows.pipeline.sources import move_source

    settings = load_settings(config)
    moved = move_source(settings, named, _web(url) if url else "", now=datetime.now(UTC))
    narrate(f"Moved {moved.feed.name or moved.feed.url} from {moved.feed.url} to {moved.url}.")


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@config_option
def import_feeds(file: Path, *, as_json: bool, config: Path | None) -> None:
    """Write the feeds of an OPML list into the settings; every other line is told of.

    Duplicates are taken once, http and https twins as https. File paths and addresses on
    somebody's own machine are left out. No feed is asked.
    """
    from flows.pipeline.sources import import_sources

    settings = load_settings(config)
    lines = import_sources(settings, _read(file), name=str(file))
    if as_json:
        show_json([_about(line) for line in lines])
    else:
        for line in lines:
            if line.reason:
                title = line.outline.title or "(no title)"
                show(f"line {line.outline.line}: {title}: {line.fate.value}: {line.reason}")
    counts = Counter(line.fate.value for line in lines)
    told = ", ".join(f"{count} {fate}" for fate, count in counts.items())
    untitled = sum(1 for line in lines if line.feed and not line.feed.name)
    narrate(f"{counted(len(lines), 'feed')} in {file}: {told or 'nothing to add'}.")
    if untitled:
        narrate(f"{untitled} have no title there: readers see the feeds' own titles.")
    if any(line.feed for line in lines):
        narrate("Next: newsletter gather, then newsletter feeds status")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NewsletterError(f"{file}: it cannot be read: {error.strerror}") from error


def _about(line: Sorted) -> dict[str, object]:
    return {
        "line": line.outline.line,
        "title": line.outline.title,
        "url": line.outline.url,
        "fate": line.fate.value,
        "reason": line.reason,
        "added": line.feed.url if line.feed else None,
    }


@click.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@config_option
def export_feeds(file: Path, *, force: bool, config: Path | None) -> None:
    """Write the feeds of the settings as OPML, for other readers ("-": on stdout).

    Sections become folders. Rivers that are files, and passwords in addresses, are left out.
    """
    from flows.gather.opml import write_opml
    from flows.pipeline.sources import exported_sources

    settings = load_settings(config)
    feeds = exported_sources(settings)
    text = write_opml(feeds, title=settings.newsletter.title)
    if str(file) == "-":
        show(text.rstrip())
    else:
        _write(file, text, force=force)
        narrate(f"Wrote {counted(len(feeds), 'feed')} to {shlex.quote(str(file))}.")
    left_out = len(settings.feeds) - len(feeds)
    if left_out:
        narrate(f"{left_out} left out: only feeds on the web can be asked by others.")


def _write(file: Path, text: str, *, force: bool) -> None:
    if file.exists() and not force:
        raise NewsletterError(f"{file}: it exists already; --force writes it anew")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NewsletterError(f"{file}: it cannot be written: {error.strerror}") from error
