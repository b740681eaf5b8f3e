"""`newsletter archive`: the issues that readers have, as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import config_option, load_settings, narrate
from flows.errors import NewsletterError
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.pipeline.archive import Archive
    from flows.settings import Settings


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder that gets the site; made where it is not there.",
)
@config_option
def archive(*, output: Path, config: Path | None) -> None:
    """Write the issues that readers have as a static site.

    DIR/index.html and DIR/issues/ list them, DIR/issues/042/index.html is one as it was mailed, and
    DIR/feed.xml is their feed. Writing it again changes only what is new; other files in DIR are
    left alone. `newsletter web` serves the same pages by itself.
    """
    from flows.pipeline.archive import read_archive
    from flows.pipeline.stores import open_store
    from flows.pipeline.work import utc_now

    settings = load_settings(config)
    if output.exists() and not output.is_dir():
        raise NewsletterError(f"{output}: this is a file; name a folder for the site")
    with open_store(settings) as engine:
        found = read_archive(engine, settings.paths.issues, now=utc_now())
    written = sum(_write(output / name, text) for name, text in _files(settings, found))
    for number in found.missing:
        narrate(f"Issue {number} has no page in {settings.paths.issues}, so it is left out.")
    count = len(found.entries)
    files = counted(written, "file")
    narrate(f"{output}: {counted(count, 'issue')}, {files} new or changed.")
    narrate(f"Its feed says that it is at {settings.newsletter.base_url}.")


def _files(settings: Settings, found: Archive) -> Iterator[tuple[str, str]]:
    from flows.pipeline.archive import FEED, feed
    from flows.web.archive import list_page
    from flows.web.pages import Pages

    for entry in found.entries:
        yield f"{entry.name}/index.html", entry.page.read_bytes().decode()
    brand = settings.brand()
    # Folders, as every server of files finds the index.html in them. Issues and the feed lead to
    # the list below "issues".
    for name, below in (("index.html", ""), ("issues/index.html", "../")):
        listing = list_page(Pages(brand), found.entries, below=below, suffix="/")
        yield name, bytes(listing.body).decode()
    yield FEED, feed(found.entries, brand).decode()


def _write(path: Path, text: str) -> bool:
    """Write a file unless it says so already; return whether it was written."""
    from flows.pipeline.files import write

    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write(path, text)
    return True
