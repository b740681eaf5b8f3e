"""What mail that really leaves needs: no placeholders, and the provider's secrets."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

from flows.settings.model import (
    PLACEHOLDER_ADDRESS,
    PLACEHOLDER_BASE_URL,
    PLACEHOLDER_POSTAL_ADDRESS,
    PLACEHOLDER_TITLE,
)
from flows.settings.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.settings.root import Settings


def unsendable(settings: Settings) -> Iterator[Problem]:
    """Yield what keeps mail from really leaving; nothing for the outbox, which mails nobody."""
    transport = settings.sending.transport
    if transport == "outbox":
        return
    yield from _placeholders(settings)
    if transport == "sendgrid":
        yield from _missing_for_sendgrid(settings)
    else:
        yield from _missing_for_smtp(settings)


def _placeholders(settings: Settings) -> Iterator[Problem]:
    own = settings.newsletter
    given = (
        ("title", own.title, own.title == PLACEHOLDER_TITLE, "your newsletter's name"),
        ("sender", own.sender, parseaddr(own.sender)[1] == PLACEHOLDER_ADDRESS, "your own address"),
        (
            "postal_address",
            own.postal_address,
            own.postal_address == PLACEHOLDER_POSTAL_ADDRESS,
            "your postal address: the law wants it in every mail",
        ),
        (
            "base_url",
            own.base_url,
            own.base_url == PLACEHOLDER_BASE_URL,
            "where `newsletter web` is reached: unsubscribe links lead there",
        ),
    )
    for key, value, is_placeholder, advice in given:
        if is_placeholder:
            yield Problem(
                key=f"newsletter.{key}",
                given=f'"{value}"',
                advice=f"this is a placeholder; write {advice}",
            )


def _missing_for_sendgrid(settings: Settings) -> Iterator[Problem]:
    if not settings.sendgrid_api_key.get_secret_value():
        advice = "it is not set in the environment; SendGrid gives it under Settings, API Keys"
        yield Problem(key="SENDGRID_API_KEY", advice=advice)


def _missing_for_smtp(settings: Settings) -> Iterator[Problem]:
    sending = settings.sending
    if not sending.smtp_host:
        advice = "it is missing: write the mail server's host name"
        yield Problem(key="sending.smtp_host", advice=advice)
    if sending.smtp_username and not settings.smtp_password.get_secret_value():
        advice = "it is not set in the environment, and sending.smtp_username wants it"
        yield Problem(key="SMTP_PASSWORD", advice=advice)
    if sending.unsubscribe == "sendgrid":
        advice = 'only SendGrid replaces its links; write "web"'
        yield Problem(key="sending.unsubscribe", given='"sendgrid"', advice=advice)
