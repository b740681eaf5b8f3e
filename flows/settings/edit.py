"""Changes the feeds in the settings file, and leaves every other line and comment as it is."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import Array

from flows.errors import SettingsError
from flows.models import Feed, FeedKind
from flows.settings import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flows.settings.root import Settings

_FEEDS_HEADER = re.compile(r"\s*\[\[\s*[\"']?feeds[\"']?\s*\]\]")
_ANY_HEADER = re.compile(r"\s*\[")
_MARK = "\ufeff"
_DEFAULT = Feed(url="")


def rewrite(path: Path, change: Callable[[str], str]) -> Settings:
    """Change the settings file's text and return the settings it then has.

    Nothing is written if they would be wrong. Raises SettingsError, also if it cannot be written.
    """
    path = path.resolve()
    try:
        text = path.read_bytes().decode("utf-8")
        mark = _MARK if text.startswith(_MARK) else ""
        changed = change(text.removeprefix(_MARK))
        settings = parse(changed, path)
        _replace(path, (mark + changed).encode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: it cannot be changed: {error.strerror}") from error
    return settings


def _replace(path: Path, text: bytes) -> None:
    # Beside it and then in its place: a crash leaves the old file or the new one.
    mode = path.stat().st_mode
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text)
        beside.chmod(mode)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def add_feeds(text: str, feeds: Iterable[Feed]) -> str:
    """Return the settings with these feeds behind all others."""
    tables = [_values(feed) for feed in feeds]
    document = tomlkit.parse(text)
    listed = document.get("feeds")
    if isinstance(listed, Array):
        for values in tables:
            table = tomlkit.inline_table()
            table.update(values)
            listed.append(table)
        return tomlkit.dumps(document)
    # At the end: tomlkit would put them above the comment of whatever follows the last feed.
    newline = "\r\n" if "\r\n" in text else "\n"
    blocks = [f"[[feeds]]\n{tomlkit.dumps(values)}".replace("\n", newline) for values in tables]
    head = text.rstrip() + newline * 2 if text.strip() else ""
    return head + newline.join(blocks) if blocks else text


def _values(feed: Feed) -> dict[str, Any]:
    values: dict[str, Any] = {"url": feed.url}
    for name in ("name", "section", "timezone"):
        if getattr(feed, name) != getattr(_DEFAULT, name):
            values[name] = getattr(feed, name)
    if feed.kind is not FeedKind.AUTO:
        values["kind"] = feed.kind.value
    return values


def move_feed(text: str, index: int, url: str) -> str:
    """Return the settings in which the feed at `index` has another address."""
    document: Any = tomlkit.parse(text)
    document["feeds"][index]["url"] = url
    return tomlkit.dumps(document)


def remove_feed(text: str, index: int) -> str:
    """Return the settings without the feed at `index`; comments around it stay.

    Raises SettingsError if the file is written in a way that leaves a doubt which lines are it.
    """
    document: Any = tomlkit.parse(text)
    if isinstance(document["feeds"], Array):
        del document["feeds"][index]
        return tomlkit.dumps(document)
    changed = _without_table(text, index)
    wanted = tomllib.loads(text)
    del wanted["feeds"][index]
    if not wanted["feeds"]:
        del wanted["feeds"]
    if not _says(changed, wanted):
        raise SettingsError(f"feeds[{index + 1}] cannot be told apart: take it out by hand")
    return changed


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _without_table(text: str, index: int) -> str:
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if _FEEDS_HEADER.match(line)]
    if index >= len(starts):
        return text
    start = starts[index]
    rest = range(start + 1, len(lines))
    end = next((number for number in rest if _ANY_HEADER.match(lines[number])), len(lines))
    # What directly follows its last key is about this feed; after an empty line comes the next.
    keep = next((number for number in _blank(lines, start, end)), end)
    head, tail = lines[:start], lines[keep:]
    while tail and head and not head[-1].strip() and not tail[0].strip():
        del tail[0]
    return "".join([*head, *tail])


def _blank(lines: list[str], start: int, end: int) -> list[int]:
    """Return the empty lines of a table behind its last key."""
    keys = [n for n in range(start, end) if lines[n].strip() and lines[n].lstrip()[0] != "#"]
    return [n for n in range(keys[-1], end) if not lines[n].strip()]
