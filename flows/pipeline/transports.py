"""Opens the transport that the settings name."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from flows.deliver.outbox import Outbox
from flows.deliver.sendgrid import SendGrid
from flows.deliver.smtp import Smtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from flows.settings import Settings


@contextlib.contextmanager
def open_transport(
    settings: Settings, number: int, *, clock: Callable[[], datetime], folder: str = ""
) -> Iterator[Outbox | SendGrid | Smtp]:
    """Yield the transport for an issue; the outbox's folder is the issue's, or `folder`."""
    sending = settings.sending
    if sending.transport == "sendgrid":
        yield open_sendgrid(settings, clock=clock)
    elif sending.transport == "smtp":
        with Smtp(
            sending.smtp_host,
            sending.smtp_port,
            security=sending.smtp_security,
            username=sending.smtp_username,
            password=settings.smtp_password.get_secret_value(),
            domain=sending.domain,
            rate=sending.smtp_rate,
            now=clock,
        ) as transport:
            yield transport
    else:
        name = folder or f"{number:03}"
        yield Outbox(settings.paths.outbox / name, domain=sending.domain, now=clock)


def open_sendgrid(settings: Settings, *, clock: Callable[[], datetime]) -> SendGrid:
    """Return SendGrid as the settings name it; no network is touched."""
    sending = settings.sending
    return SendGrid(
        settings.sendgrid_api_key.get_secret_value(),
        host=sending.sendgrid_host,
        domain=sending.domain,
        unsubscribe=sending.unsubscribe,
        now=clock,
    )
