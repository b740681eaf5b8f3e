"""`newsletter feeds`: which sources there are, what each gives, and how they stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.feed_changes import add, export_feeds, import_feeds, move, remove
from flows.cli.feed_status import status
from flows.cli.options import (
    config_option,
    json_option,
    load_settings,
    narrate,
    rfc3339,
    show,
    show_json,
)
from flows.wording import counted

if TYPE_CHECKING:
    from flows.gather.answer import Answer
    from flows.gather.parsed import Parsed
    from flows.models import Feed, Item
    from flows.settings import Settings

_SHOWN = 10


@click.group()
def feeds() -> None:
    """List, check, add, remove and move the sources, in newsletter.toml and as OPML.

    Every change keeps the comments of the settings file.
    """


for command in (add, export_feeds, import_feeds, move, remove, status):
    feeds.add_command(command)


@feeds.command(name="list")
@json_option
@config_option
def list_feeds(*, config: Path | None, as_json: bool) -> None:
    """List the feeds of the settings, in their order."""
    known = load_settings(config).feed_list()
    if as_json:
        show_json([_about(feed) for feed in known])
        return
    width = max((len(feed.name) for feed in known), default=0)
    for feed in known:
        section = f"  [{feed.section}]" if feed.section else ""
        show(f"{feed.name:<{width}}  {feed.kind.value:<5}  {feed.url}{section}")
    narrate(counted(len(known), "feed"))


@feeds.command()
@click.argument("source", metavar="URL|FILE")
@click.option("--url", default="", help="Where FILE is from; its relative links lead on from it.")
@json_option
@config_option
def check(source: str, *, url: str, config: Path | None, as_json: bool) -> None:
    """Fetch and read one feed, and show its items and what is wrong with it.

    Needs no database and no settings. Where there are settings, the feed's own time zone and
    kind and allow_private_networks are taken from them.
    """
    from flows.gather.pool import ParserPool

    if url and "://" in source:
        raise click.UsageError("--url is for a file: it says where that is from")
    settings = _settings(config)
    feed = _feed(source, settings)
    answer = _ask(feed, settings)
    if url:
        answer = replace(answer, url=url)
    with ParserPool() as parsers:
        parsed = parsers.parse(
            answer.body or b"",
            feed=feed,
            url=answer.url,
            content_type=answer.content_type,
            now=datetime.now(UTC),
        )
    if as_json:
        show_json(_report(source, answer, parsed))
        return
    _print(source, parsed)


def _settings(config: Path | None) -> Settings | None:
    from flows.settings import FILE_NAME

    # A file that is named must be there; the usual one may be missing.
    if config is None and not Path(FILE_NAME).exists():
        return None
    return load_settings(config)


def _feed(source: str, settings: Settings | None) -> Feed:
    from flows.models import Feed

    for feed in settings.feed_list() if settings else ():
        if source in {feed.url, feed.name} or feed.url == str(Path(source).absolute()):
            return feed
    return Feed(url=source)


def _ask(feed: Feed, settings: Settings | None) -> Answer:
    from flows.gather.fetch import fetch, open_client, user_agent
    from flows.gather.visit import local_path, read_file

    # Here a person names the file; in the settings only a river may be one.
    path = local_path(feed) or (None if "://" in feed.url else Path(feed.url))
    if path:
        return read_file(path)
    contact = settings.newsletter.base_url if settings else ""
    private = settings.gather.allow_private_networks if settings else False
    with open_client(
        user_agent=user_agent(contact=contact), allow_private_networks=private
    ) as client:
        return fetch(client, feed.url, now=datetime.now(UTC))


def _about(feed: Feed) -> dict[str, Any]:
    return {
        "name": feed.name,
        "url": feed.url,
        "kind": feed.kind.value,
        "section": feed.section,
        "weight": feed.weight,
        "max_items": feed.max_items,
        "timezone": feed.timezone,
    }


def _report(source: str, answer: Answer, parsed: Parsed) -> dict[str, Any]:
    return {
        "feed": {
            "url": source,
            "answered_by": answer.url,
            "title": parsed.title,
            "home": parsed.home,
            "version": parsed.version,
        },
        "items": [_item(item) for item in parsed.items],
        "problems": list(parsed.problems),
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "guid": item.guid,
        "url": item.url,
        "title": item.title,
        "published": rfc3339(item.published),
        "author": item.author,
        "summary": item.summary or item.content,
        "kind": item.kind.value,
    }


def _print(source: str, parsed: Parsed) -> None:
    narrate(f"{parsed.title or source} ({parsed.version}): {counted(len(parsed.items), 'item')}")
    for item in parsed.items[:_SHOWN]:
        day = item.published.strftime("%Y-%m-%d") if item.published else "undated   "
        show(f"{day}  {item.kind.value:<8}  {item.title}")
        show(f"{'':10}  {item.url or '(no link)'}")
    if len(parsed.items) > _SHOWN:
        narrate(f"and {len(parsed.items) - _SHOWN} more; --json shows all")
    for problem in parsed.problems:
        narrate(f"problem: {problem}")
