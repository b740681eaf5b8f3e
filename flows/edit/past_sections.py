"""Reads under which heading each link of a past issue stood: our issue files, any Markdown, JSON.

Nothing is raised: what is no issue teaches nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from flows.edit import issue_file
from flows.edit.classifier import Example
from flows.edit.markdown import read_link, unescape
from flows.edit.past import MARKDOWN, text_of
from flows.edit.sections import SPONSOR
from flows.errors import IssueError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.models import Issue

JSON_LINES = frozenset((".jsonl", ".ndjson"))
SUFFIXES = MARKDOWN | JSON_LINES

_HEADING = re.compile(r"#{1,3}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"(?:[*+-]|\d{1,3}[.)])\s+")
# A blurb is what stands under its link, and no more of it is looked at.
_MOST_LINES = 4


def read_sections(data: bytes, path: Path) -> tuple[list[Example], str]:
    """Return the links of a file of past issues with their headings, in their order.

    Where there are none, the text says why.
    """
    # In lines of JSON are all past issues.
    is_all = path.suffix.lower() in JSON_LINES
    text, note = text_of(data, path, largest=len(data)) if is_all else text_of(data, path)
    found = _examples(text, path)
    return found, "" if found else note or "no link under a heading in it"


def _examples(text: str, path: Path) -> list[Example]:
    if path.suffix.lower() in JSON_LINES:
        return list(_in_json(text))
    try:
        return list(of_issue(issue_file.read(text, path=path)))
    except IssueError:
        return list(_in_markdown(text))


def of_issue(issue: Issue) -> Iterator[Example]:
    """Yield what was sent in an issue; sponsors choose no heading."""
    for section in issue.sections:
        for entry in section.entries:
            if entry.url and not entry.sponsor and section.name != SPONSOR:
                yield Example(
                    title=entry.title, url=entry.url, section=section.name, text=entry.blurb
                )


def _in_json(text: str) -> Iterator[Example]:
    for line in text.splitlines():
        try:
            values = json.loads(line)
            found = [str(values[name]) for name in ("title", "url", "section")]
            blurb = str(values.get("blurb") or values.get("text") or "")
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        if found[2].strip():
            yield Example(title=found[0], url=found[1], section=found[2].strip(), text=blurb)


def _in_markdown(text: str) -> Iterator[Example]:
    section = ""
    title, url, lines = "", "", list[str]()
    for raw in [*text.splitlines(), "# end"]:
        line = raw.strip()
        heading = _HEADING.match(line)
        found = None if heading else read_link(_BULLET.sub("", line, count=1).lstrip("# "))
        if not heading and found is None:
            lines += [line] if line and len(lines) < _MOST_LINES else []
            continue
        if section and url.startswith("http"):
            yield Example(title=title, url=url, section=section, text=" ".join(lines))
        title, url = (found.title, found.url) if found else ("", "")
        lines = [found.rest] if found and found.rest else []
        if heading and read_link(heading[1]) is None:
            section = unescape(heading[1]).strip()
