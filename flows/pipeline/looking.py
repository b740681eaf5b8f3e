"""A look at an issue as its file says: its mail, what the check finds, and the lines of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.pipeline.pointing import Lines
from flows.pipeline.reading import files_of, issue_in, read_draft, wrote_last
from flows.pipeline.rendering import render_mail
from flows.pipeline.repeats import repeats

if TYPE_CHECKING:
    from pathlib import Path

    from flows.models import Finding, Issue, Mail
    from flows.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An issue, its mail and what the check finds, with the lines of `file`.

    `html` has all links of the issue: of a mail without room for all it is the archive's page. An
    issue that nobody has drafted has no file yet, and no line.
    """

    issue: Issue
    mail: Mail
    html: str
    findings: tuple[Finding, ...]
    file: Path | None = None
    lines: Lines | None = None


def look(settings: Settings, number: int, *, theme: str = "") -> Look:
    """Return the issue as its file says; raises IssueError if that is missing or broken."""
    files = files_of(settings, number)
    # An editor may save at any moment: the lines are those of what the mail is made from.
    data = read_draft(files)
    issue = issue_in(data, files)
    lines = Lines(data.decode("utf-8-sig"), path=files.draft)
    seen = render_mail(settings, issue, theme=theme, wrote=wrote_last(files, issue, data))
    return Look(
        issue=issue,
        mail=seen.mail,
        html=seen.page or seen.mail.html,
        findings=tuple(lines.point([*seen.findings, *repeats(settings, issue)])),
        file=files.draft,
        lines=lines,
    )


def look_ahead(settings: Settings, issue: Issue, *, theme: str = "") -> Look:
    """Return the look of an issue that has no file yet; raises TemplateError."""
    seen = render_mail(settings, issue, theme=theme)
    return Look(
        issue=issue, mail=seen.mail, html=seen.page or seen.mail.html, findings=seen.findings
    )
