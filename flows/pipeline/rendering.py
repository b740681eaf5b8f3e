"""An issue to the mail that is checked, approved and sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.deliver.message import build
from flows.edit import sponsors
from flows.edit.review import UNREAD, review
from flows.models import Recipient
from flows.pipeline.bookings import bookings
from flows.render.check import check, check_message
from flows.render.html import page, render
from flows.wording import counted
from subscribers.tokens import Purpose, sign

if TYPE_CHECKING:
    from flows.models import Finding, Issue, Mail
    from flows.settings import Settings


# The date of a message that is only looked at.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The mail, the archive's page of it, and what the check has to say.

    Of a mail that is only looked at the page is "", if the mail has room for all of the issue.
    """

    mail: Mail
    page: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that block sending."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def unread(self) -> str:
        """How many blurbs a program wrote and nobody has read, in a sentence; "" if none."""
        count = sum(finding.rule == UNREAD for finding in self.findings)
        return f"{counted(count, 'blurb')} by a program, read by nobody yet." if count else ""

    @property
    def objections(self) -> str:
        """What blocks sending, in one line; "" if nothing does."""
        return "; ".join(finding.message.removesuffix(".") for finding in self.errors)


def render_issue(
    settings: Settings, issue: Issue, *, theme: str = "", wrote: Issue | None = None
) -> Rendered:
    """Return the issue rendered in the settings' theme (or another); raises TemplateError.

    `wrote` is the issue as it was drafted.
    """
    mail = _mail(settings, issue, theme)
    archived = _page(settings, issue, theme)
    findings = _findings(settings, issue, mail, archived, wrote=wrote)
    return Rendered(mail=mail, page=archived, findings=findings)


def render_mail(
    settings: Settings, issue: Issue, *, theme: str = "", wrote: Issue | None = None
) -> Rendered:
    """Return the mail of an issue and what the check says, to be looked at; raises TemplateError.

    What is approved has its page always (`render_issue`).
    """
    mail = _mail(settings, issue, theme)
    archived = _page(settings, issue, theme) if mail.folded else ""
    findings = _findings(settings, issue, mail, archived, wrote=wrote)
    return Rendered(mail=mail, page=archived, findings=findings)


def _mail(settings: Settings, issue: Issue, theme: str) -> Mail:
    theme = theme or settings.newsletter.theme
    return render(issue, settings.brand(), theme=theme, templates=settings.templates_folder)


def _page(settings: Settings, issue: Issue, theme: str) -> str:
    theme = theme or settings.newsletter.theme
    return page(issue, settings.brand(), theme=theme, templates=settings.templates_folder)


def _findings(
    settings: Settings, issue: Issue, mail: Mail, archived: str, *, wrote: Issue | None = None
) -> tuple[Finding, ...]:
    unfolded = archived if mail.folded else ""
    return (
        *check(mail, settings.brand(), domain=settings.sending.domain, page=unfolded),
        *_message(settings, mail),
        *review(issue, wrote=wrote),
        *sponsors.findings(issue, bookings(settings), wrote=wrote),
    )


def _message(settings: Settings, mail: Mail) -> list[Finding]:
    """Return what is wrong with the message as one reader would get it."""
    if settings.sending.unsubscribe == "sendgrid":
        # Its links and headers are made there.
        return []
    token = sign(settings.keys(), Purpose.TEST, 0, mail.issue)
    reader = Recipient(
        subscriber_id=0,
        email="reader@example.com",
        unsubscribe_url=f"{settings.newsletter.base_url}/u/{token}",
    )
    message = build(
        mail,
        reader,
        date=EPOCH,
        message_id_domain=settings.sending.domain,
        list_unsubscribe=True,
    )
    return check_message(message)
