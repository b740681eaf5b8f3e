"""The very mail of an issue to an address of one's own, as a test: in no ledger and no history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.deliver.message import list_headers, unsubscribe_headers
from flows.models import IssueStatus, Letter, Recipient
from flows.pipeline.files import thaw
from flows.pipeline.letters import post
from flows.pipeline.looking import look
from flows.pipeline.reading import files_of
from flows.pipeline.stores import open_store
from flows.pipeline.work import utc_now
from flows.render.html import personalise
from flows.store import issues
from subscribers.tokens import Purpose, sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.models import Mail
    from flows.settings import Settings
    from subscribers.address import Address

# From here on what is sent is the mail that was approved, whatever is in the file.
_FROZEN = (IssueStatus.SENDING, IssueStatus.STOPPED, IssueStatus.SENT)


def post_test(
    settings: Settings,
    number: int,
    address: Address,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> str:
    """Hand over the issue's mail as its readers get it, and return where it went.

    Only the unsubscribe link is another: it is for nobody. Raises SettingsError if the settings
    cannot send, IssueError if the issue's file is missing or broken, TransportError if the mail
    did not go.
    """
    settings.require_sendable()
    mail = mail_of(settings, number)
    return post(settings, _letter(settings, mail, address), clock=clock)


def mail_of(settings: Settings, number: int) -> Mail:
    """Return the mail as it would be sent now, of a sent issue as it was; raises IssueError."""
    with open_store(settings) as engine:
        record = issues.find(engine, number)
    if record is not None and record.status in _FROZEN:
        return thaw(files_of(settings, number), record.approved_hash or "")
    return look(settings, number).mail


def _letter(settings: Settings, mail: Mail, address: Address) -> Letter:
    token = sign(settings.keys(), Purpose.TEST, 0, mail.issue)
    reader = Recipient(
        subscriber_id=0,
        email=address.email,
        unsubscribe_url=f"{settings.newsletter.base_url}/u/{token}",
    )
    own = personalise(mail, reader)
    headers = list_headers(mail, domain=settings.sending.domain)
    if settings.sending.unsubscribe == "web":
        headers |= unsubscribe_headers(reader)
    return Letter(
        to=address.email,
        subject=mail.subject,
        text=own.text,
        html=own.html,
        headers=headers,
        purpose="test",
        sender=mail.sender,
        reply_to=mail.reply_to,
    )
