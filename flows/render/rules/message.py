"""Rules for the message as it leaves: headers, parts, lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

_ONCE = ("From", "To", "Subject", "Date", "Message-ID")
_LONGEST_LINE = 998


def once(message: EmailMessage) -> Iterator[str]:
    """The headers that make a message stand in it, once."""
    for name in _ONCE:
        found = message.get_all(name, [])
        if len(found) != 1 or not str(found[0]).strip():
            yield f"The message has {len(found)} headers {name}; it must have one."
        elif getattr(found[0], "defects", ()):
            yield f"The header {name} cannot be read: {found[0]}."


def list_unsubscribe(message: EmailMessage) -> Iterator[str]:
    """One https address to unsubscribe at."""
    header = str(message.get("List-Unsubscribe", ""))
    addresses = re.findall(r"<\s*([^<>]*)\s*>", header)
    web = [address for address in addresses if address.startswith(("https:", "http:"))]
    if len(web) != 1:
        yield f"List-Unsubscribe has {len(web)} web addresses; it must have one in <>."
    elif not re.match(r"https://|http://(localhost|127\.0\.0\.1)[:/]", web[0]):
        yield "List-Unsubscribe is not https, which one-click needs."


def one_click(message: EmailMessage) -> Iterator[str]:
    """The header that makes it one click."""
    if str(message.get("List-Unsubscribe-Post", "")) != "List-Unsubscribe=One-Click":
        yield 'List-Unsubscribe-Post is not "List-Unsubscribe=One-Click".'


def opaque(message: EmailMessage) -> Iterator[str]:
    """The unsubscribe address tells nobody whose it is."""
    header = unquote(str(message.get("List-Unsubscribe", "")))
    web = next(iter(re.findall(r"<(https?:[^<>]*)>", header)), "")
    if "@" in web:
        yield "The unsubscribe address contains a mail address."
    if re.search(r"\{\{|<%|-unsubscribe-[0-9a-f]{32}-", header):
        yield "The unsubscribe address contains a merge tag that nobody filled in."


def parts(message: EmailMessage) -> Iterator[str]:
    """Text first, HTML last, both in UTF-8."""
    kinds = [part.get_content_type() for part in message.iter_parts()]
    if message.get_content_type() != "multipart/alternative" or kinds != [
        "text/plain",
        "text/html",
    ]:
        yield "The message is not multipart/alternative with text first and HTML last."
    for part in message.iter_parts():
        if (part.get_content_charset() or "") != "utf-8":
            yield f"The part {part.get_content_type()} is not declared as UTF-8."


def line_length(message: EmailMessage) -> Iterator[str]:
    """No line is longer than a relay may take."""
    longest = max((len(line) for line in message.as_bytes().splitlines()), default=0)
    if longest > _LONGEST_LINE:
        yield f"A line of the message has {longest} bytes; relays break lines over 998."
