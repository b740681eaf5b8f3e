"""A mail for one recipient, as RFC 5322 has it: what the outbox keeps and SMTP carries."""

from __future__ import annotations

import hashlib
import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from html import escape
from typing import TYPE_CHECKING

from flows.deliver.headers import POLICY, identified
from flows.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from flows.models import Letter, Mail, Recipient

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

ONE_CLICK = "List-Unsubscribe=One-Click"


def build(
    mail: Mail,
    recipient: Recipient,
    *,
    date: datetime,
    message_id_domain: str,
    list_unsubscribe: bool,
) -> EmailMessage:
    """Return the mail for one recipient; raises Refused if the address cannot be written."""
    message = _addressed(mail, _address(recipient.name, recipient.email), date)
    message["Message-ID"] = message_id(mail, recipient, domain=message_id_domain)
    for name, value in list_headers(mail, domain=message_id_domain).items():
        message[name] = value
    if list_unsubscribe:
        for name, value in unsubscribe_headers(recipient).items():
            message[name] = value
    text, html = _personal(mail, recipient)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def build_letter(letter: Letter, *, date: datetime, message_id_domain: str) -> EmailMessage:
    """Return a single mail; raises Refused if the address cannot be written."""
    message = _addressed(letter, _address(*parseaddr(letter.to)), date)
    domain = ascii_domain(message_id_domain or sender_domain(letter))
    message["Message-ID"] = make_msgid(letter.purpose, domain=domain)
    for name, value in letter_headers(letter).items():
        message[name] = value
    message.set_content(letter.text, cte="quoted-printable")
    if letter.html:
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message


def letter_headers(letter: Letter) -> dict[str, str]:
    """Return the headers of its own that a letter has."""
    headers = {name: one_line(value) for name, value in letter.headers.items()}
    if letter.purpose != "test":
        # RFC 3834: nobody's holiday reply is to answer it.
        headers.setdefault("Auto-Submitted", "auto-generated")
    return headers


def _addressed(mail: Mail | Letter, to: Address, date: datetime) -> EmailMessage:
    # RFC 6532: an address outside ASCII needs a header in UTF-8; all other headers get encoded.
    policy = POLICY if to.addr_spec.isascii() else POLICY.clone(utf8=True)
    message = EmailMessage(policy=policy)
    message["From"] = _address(*parseaddr(mail.sender))
    if mail.reply_to:
        message["Reply-To"] = _address(*parseaddr(mail.reply_to))
    message["To"] = to
    message["Subject"] = one_line(mail.subject)
    message["Date"] = date
    return message


def as_bytes(message: EmailMessage) -> bytes:
    """Return the message as it stands in a file: CRLF line ends, no line over 998 bytes."""
    return message.as_bytes()


def message_id(mail: Mail, recipient: Recipient, *, domain: str) -> str:
    """Return the same id for the same issue and subscriber, whenever it is made."""
    who = f"{mail.sender}\n{mail.issue}\n{recipient.subscriber_id}"
    digest = hashlib.sha256(who.encode()).hexdigest()
    return f"<issue-{mail.issue}.{digest[:32]}@{ascii_domain(domain or sender_domain(mail))}>"


def list_headers(mail: Mail, *, domain: str) -> dict[str, str]:
    """Return the headers that every recipient gets alike; List-Id (RFC 2919) is among them."""
    headers = {name: one_line(value) for name, value in mail.headers}
    if "list-id" not in map(str.lower, headers):
        name = one_line(parseaddr(mail.sender)[0]).replace('"', "'")
        identity = f"<newsletter.{ascii_domain(domain or sender_domain(mail))}>"
        headers["List-Id"] = f'"{name}" {identity}' if name else identity
    return headers


def unsubscribe_headers(recipient: Recipient) -> dict[str, str]:
    """Return the pair of RFC 8058 that lets a reader leave with one click."""
    return {
        "List-Unsubscribe": f"<{recipient.unsubscribe_url}>",
        "List-Unsubscribe-Post": ONE_CLICK,
    }


# They hold emoji families, flags and Persian words together (Unicode 23.2, UTS 51).
JOINERS = frozenset(map(chr, (0x200C, 0x200D, *range(0xE0020, 0xE0080))))


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters: it is to be a header."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in JOINERS else " " for char in text)
    return " ".join(text.split())


def encoded(value: str) -> str:
    """Return a header's value in ASCII (RFC 2047), but for an identifier in <> at its end."""
    return value if value.isascii() else " ".join(identified(value))


def sender_domain(mail: Mail | Letter) -> str:
    """Return the domain that the mail comes from."""
    return parseaddr(mail.sender)[1].rpartition("@")[2]


def ascii_domain(domain: str) -> str:
    """Return the domain as DNS has it; raises Refused if it is none."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Refused(f"the domain {domain} cannot be written for DNS") from error


def ascii_address(email: str) -> str:
    """Return the address with its domain as DNS has it; raises Refused if it is none."""
    if email.isascii():
        return email
    local, _, domain = email.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def _address(name: str, email: str) -> Address:
    written = ascii_address(email)
    try:
        if written.isascii():
            return Address(display_name=one_line(name), addr_spec=written)
        # The parser knows RFC 5322 only: it is shown what RFC 6532 adds as letters.
        Address(addr_spec=_NOT_ASCII.sub("x", written))
        local, _, domain = written.rpartition("@")
        return Address(display_name=one_line(name), username=local, domain=domain)
    except (MessageError, ValueError, IndexError) as error:
        raise Refused("the address cannot be written in a header") from error


def _personal(mail: Mail, recipient: Recipient) -> tuple[str, str]:
    if not mail.unsubscribe_tag:
        return mail.text, mail.html
    url = recipient.unsubscribe_url
    return (
        mail.text.replace(mail.unsubscribe_tag, url),
        mail.html.replace(mail.unsubscribe_tag, escape(url)),
    )
