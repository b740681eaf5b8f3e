"""The preview's page: what an editor is to see of an issue, ready for its template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from flows.edit.left_over import count_left_over, count_not_listed
from flows.edit.sections import LEFT_OVER, NEW
from flows.models import Recipient
from flows.render.clean import clean_brand, safe_url
from flows.render.html import personalise
from flows.render.rules.markup import CLIPPED_AT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.models import Brand, Entry, Finding, Issue, Mail
    from flows.pipeline.pointing import Lines

_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
# What of an entry's notes says why it is not in the issue, and what else to look at.
_REASON, _WHY, _FLAG = "left out:", "why:", "check:"
# Of what the file lists as left over so many are shown.
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A mail as one reader would get it, and what there is to say of it.

    `file` and `lines` are None for an issue that has no file.
    """

    issue: Issue
    mail: Mail
    brand: Brand
    findings: tuple[Finding, ...]
    standing: str
    domain: str = ""
    file: Path | None = None
    lines: Lines | None = None

    @property
    def size(self) -> int:
        """How many bytes the HTML part has."""
        return len(self.mail.html.encode())


class Left(NamedTuple):
    """An entry that is not sent: where it stands, whose it is, and why."""

    title: str
    url: str
    source: str
    reason: str
    line: int


class Told(NamedTuple):
    """A finding and the line it is about, as the file has it."""

    finding: Finding
    shown: str


def reader(brand: Brand) -> Recipient:
    """Return the reader whom the preview shows the mail to."""
    link = f"{clean_brand(brand).base_url}/u/a-reader-of-the-preview"
    return Recipient(subscriber_id=0, email="reader@example.com", unsubscribe_url=link)


def as_reader(mail: Mail, brand: Brand) -> Mail:
    """Return the mail as that reader gets it."""
    return personalise(mail, reader(brand))


def environment() -> Environment:
    """Return the templates of the preview's page."""
    return Environment(
        loader=PackageLoader("templates", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(templates: Environment, view: View | None, *, problem: str, stamp: str) -> str:
    """Return the page of the newest look, if there is one; `problem` is what is in its way."""
    values: dict[str, object] = {"problem": problem, "stamp": stamp, "view": view}
    if view is not None:
        values |= _values(view)
    return templates.get_template("preview.html.j2").render(values)


def _values(view: View) -> dict[str, object]:
    listed = [one for one in view.issue.left_over if not count_not_listed(one)]
    left = list(_left(view, listed, LEFT_OVER))
    return {
        "mail": view.mail,
        "from_name": view.mail.sender.partition(" <")[0].strip('"') or view.mail.sender,
        "findings": [_told(view, finding) for finding in _gravest_first(view.findings)],
        "new": list(_left(view, view.issue.new, NEW)),
        "left": left[:MOST_SHOWN],
        "more_left": len(left) - len(left[:MOST_SHOWN]),
        "not_listed": sum(map(count_not_listed, view.issue.left_over)),
        "count_left": count_left_over(view.issue),
        "size": view.size,
        "text_size": len(view.mail.text.encode()),
        "clip": CLIPPED_AT,
        "count": len(view.issue.entries),
    }


def _gravest_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _told(view: View, finding: Finding) -> Told:
    return Told(finding, view.lines.shown(finding.line) if view.lines else "")


def _left(view: View, entries: Sequence[Entry], heading: str) -> Iterator[Left]:
    for entry in entries:
        yield Left(
            title=entry.title,
            # An address that no mail would link is not linked here either.
            url=safe_url(entry.url),
            source=entry.source or (urlsplit(safe_url(entry.url)).hostname or ""),
            reason=_reason(entry),
            line=view.lines.line_of(entry, below=heading) if view.lines else 0,
        )


def _reason(entry: Entry) -> str:
    """Return what the notes say: why it is left out, else why it is here; then the flags."""
    told = _noted(entry, _REASON) or _noted(entry, _WHY)
    return "; ".join([*told, *_noted(entry, _FLAG)])


def _noted(entry: Entry, mark: str) -> list[str]:
    notes = (note.strip() for note in entry.notes)
    return [note.removeprefix(mark).strip() for note in notes if note.startswith(mark)]


def in_scheme(html: str, scheme: str) -> str:
    """Return the mail's HTML as a client in the given scheme ("light" or "dark") shows it.

    A frame cannot ask its browser for the dark, so the question itself is answered.
    """
    query = "@media all" if scheme == "dark" else "@media not all"
    html = _DARK.sub(query, html)
    html = html.replace("color-scheme: light dark", f"color-scheme: {scheme}")
    return html.replace("<head>", '<head><base target="_blank">', 1)
