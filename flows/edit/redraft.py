"""Drafting again: new stories are added to an issue's file, and not a character is changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.edit.canonical import canonical
from flows.edit.issue_file import entry_block
from flows.edit.sections import LEFT_OVER, NEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flows.models import Entry, Issue, Story

_HEADING = re.compile(r"^##(?!#)[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def missing(fresh: Issue, standing: Issue, *, stories: Iterable[Story] = ()) -> list[Entry]:
    """Return a fresh draft's entries that the standing issue has nowhere, not even left over.

    A story of `stories` is there if any of its items is: another may lead it by now.
    """
    there = (*standing.entries, *standing.new, *standing.left_over)
    known = {canonical(url) for entry in there for url in _addresses(entry)}
    for story in stories:
        told = {canonical(item.url) for item in story.items if item.url}
        if not told.isdisjoint(known):
            known |= told
    return [part for entry in fresh.entries if (part := _unknown(entry, known))]


def add_new(text: str, entries: Iterable[Entry]) -> str:
    """Return the file's text with the entries under "New since the draft", all else as it was."""
    blocks = "\n\n".join(entry_block(entry) for entry in entries)
    if not blocks:
        return text
    headings = list(_HEADING.finditer(text))
    names = [heading[1].strip().casefold() for heading in headings]
    if NEW.casefold() in names:
        following = headings[names.index(NEW.casefold()) + 1 :]
        return _insert(text, following[0].start() if following else len(text), blocks)
    added = f"## {NEW}\n\n{blocks}"
    if LEFT_OVER.casefold() in names:
        return _insert(text, headings[names.index(LEFT_OVER.casefold())].start(), added)
    return _insert(text, len(text), added)


def _insert(text: str, place: int, added: str) -> str:
    before, after = text[:place], text[place:]
    # Only line breaks come between; the editor's own stay.
    gap = "" if before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    end = "\n\n" if after else "\n"
    return f"{before}{gap}{added}{end}{after}"


def _unknown(entry: Entry, known: set[str]) -> Entry | None:
    if not entry.links:
        return None if canonical(entry.url) in known else entry
    links = tuple(one for one in entry.links if canonical(one.url) not in known)
    return replace(entry, links=links) if links else None


def _addresses(entry: Entry) -> Iterator[str]:
    if entry.url:
        yield entry.url
    for one in entry.links:
        yield one.url
