"""A mail and a batch as the request body of SendGrid's POST /v3/mail/send, in plain dicts.

Plain dicts, because the SDK's own classes put personalizations in reverse order, which would
make the positions in SendGrid's error messages point at the wrong recipient.
"""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from flows.deliver.message import (
    ascii_address,
    encoded,
    letter_headers,
    list_headers,
    one_line,
    unsubscribe_headers,
)
from flows.models import Recipient

if TYPE_CHECKING:
    from flows.models import Batch, Letter, Mail

WEB = "web"


def payload(
    mail: Mail, batch: Batch, *, domain: str = "", unsubscribe: str = WEB
) -> dict[str, Any]:
    """Return the request body; one personalization a recipient, in the batch's order.

    With `unsubscribe` other than "web" SendGrid itself puts its link in the place of our tag.
    """
    own_links = unsubscribe == WEB
    body: dict[str, Any] = {
        "personalizations": _personalizations(mail, batch, domain=domain, own_links=own_links),
        "from": _sender(mail.sender),
        "subject": one_line(mail.subject),
        # SendGrid wants the text first (RFC 2046 5.1.4: the last is the best).
        "content": [
            {"type": "text/plain", "value": mail.text},
            {"type": "text/html", "value": mail.html},
        ],
        "tracking_settings": _tracking(mail.unsubscribe_tag, own_links=own_links),
    }
    if mail.reply_to:
        body["reply_to"] = _sender(mail.reply_to)
    if batch.wave is not None:
        body["batch_id"] = batch.wave.batch_id
        body["send_at"] = int(batch.wave.send_at.timestamp())
    return body


def letter_payload(letter: Letter) -> dict[str, Any]:
    """Return the request body of a single mail."""
    name, email = parseaddr(letter.to)
    person = Recipient(subscriber_id=0, email=email, unsubscribe_url="", name=name)
    headers = {name: encoded(value) for name, value in letter_headers(letter).items()}
    one = {"to": [_to(person)], "headers": headers, "custom_args": {"np_letter": letter.purpose}}
    content = [{"type": "text/plain", "value": letter.text}]
    if letter.html:
        content.append({"type": "text/html", "value": letter.html})
    body: dict[str, Any] = {
        "personalizations": [one],
        "from": _sender(letter.sender),
        "subject": one_line(letter.subject),
        "content": content,
        "tracking_settings": _tracking("", own_links=True),
    }
    if letter.reply_to:
        body["reply_to"] = _sender(letter.reply_to)
    return body


def _personalizations(
    mail: Mail, batch: Batch, *, domain: str, own_links: bool
) -> list[dict[str, Any]]:
    # Everything stands in every personalization: how SendGrid merges the global headers and
    # arguments with those of a personalization is documented for neither.
    headers = {name: encoded(value) for name, value in list_headers(mail, domain=domain).items()}
    arguments = {"np_issue": str(mail.issue), "np_batch": str(batch.id)}
    found = []
    for person in batch.recipients:
        one: dict[str, Any] = {
            "to": [_to(person)],
            "headers": {**headers, **unsubscribe_headers(person)} if own_links else headers,
            # Never an address: SendGrid keeps these for good, and shows them to everybody.
            "custom_args": {**arguments, "np_rcpt": str(person.subscriber_id)},
        }
        if own_links and mail.unsubscribe_tag:
            one["substitutions"] = {mail.unsubscribe_tag: person.unsubscribe_url}
        found.append(one)
    return found


def _to(person: Recipient) -> dict[str, str]:
    to = {"email": person.email}
    if person.name and (name := one_line(person.name)):
        to["name"] = _quoted(name)
    return to


def _quoted(name: str) -> str:
    # SendGrid takes a bare comma or semicolon for the end of an address.
    if "," not in name and ";" not in name:
        return name
    bare = name.replace("\\", "").replace('"', "'")
    return f'"{bare}"'


def _sender(mailbox: str) -> dict[str, str]:
    name, email = parseaddr(mailbox)
    sender = {"email": ascii_address(email)}
    if name:
        sender["name"] = one_line(name)
    return sender


def _tracking(unsubscribe_tag: str, *, own_links: bool) -> dict[str, Any]:
    subscription: dict[str, Any] = {"enable": False}
    if not own_links:
        subscription = {"enable": True, "substitution_tag": unsubscribe_tag}
    return {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": subscription,
    }
