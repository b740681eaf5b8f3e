"""Rules for the message as it leaves and as it arrives: headers, parts, lines, signatures."""

from __future__ import annotations

import re
from email.policy import EmailPolicy
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

_ONCE = ("From", "To", "Subject", "Date", "Message-ID")
_LONGEST_LINE = 998
_TO_BE_SIGNED = ("List-Unsubscribe", "List-Unsubscribe-Post")
# Merge tags, ours and others'; in an address all but our own would be percent-encoded.
_UNFILLED = re.compile(r"[{}|]|\[[^\]:]+\]|<%|%>|-unsubscribe-[0-9a-f]{32}-")
# What a receiver may say of a mail that is not as it should be (RFC 8601).
_FAILED = re.compile(r"\b(spf|dkim|dmarc)=(none|fail|softfail|permerror|policy)\b", re.IGNORECASE)


def once(message: EmailMessage) -> Iterator[str]:
    """The headers that make a message stand in it, once."""
    for name in _ONCE:
        found = message.get_all(name, [])
        if len(found) > 1:
            yield f"The message has {len(found)} headers {name}; it must have one."
        elif not (found and str(found[0]).strip()):
            yield f"The message has no {name}, or an empty one; it must have one."
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
    if _UNFILLED.search(header):
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
    # What was read is measured as it came: by default its headers would be folded anew.
    policy = message.policy
    if isinstance(policy, EmailPolicy):
        policy = policy.clone(refold_source="none")
    longest = max((len(line) for line in message.as_bytes(policy=policy).splitlines()), default=0)
    if longest > _LONGEST_LINE:
        yield f"A line of the message has {longest} bytes; relays break lines over 998."


def authenticated(message: EmailMessage) -> Iterator[str]:
    """The receiver found SPF, DKIM and DMARC right."""
    # The newest stands on top; those beneath may be anybody's word.
    said = str(next(iter(message.get_all("Authentication-Results", [])), ""))
    for method, result in dict.fromkeys(_FAILED.findall(said)):
        yield f"The receiver says {method.lower()}={result.lower()} in Authentication-Results."


def signed(message: EmailMessage) -> Iterator[str]:
    """A signature of the sender's domain covers the headers of one click."""
    signatures = [_tags(str(one)) for one in message.get_all("DKIM-Signature", [])]
    domain = str(message.get("From", "")).rpartition("@")[2].rstrip("> ").lower()
    ours = [tags for tags in signatures if _aligned(tags.get("d", "").lower(), domain)]
    if not ours:
        others = ", ".join(tags.get("d", "nobody") for tags in signatures)
        yield f"No DKIM-Signature is of {domain}; " + (
            f"it is signed by {others}." if others else "save the mail as a reader got it."
        )
        return
    covered = [{name.lower() for name in tags.get("h", "").split(":")} for tags in ours]
    for name in _TO_BE_SIGNED:
        if not any(name.lower() in names for names in covered):
            yield f"No DKIM-Signature of {domain} covers {name}."


def _tags(signature: str) -> dict[str, str]:
    """Return a signature's tags; white space in them means nothing (RFC 6376 3.2)."""
    pairs = (part.partition("=") for part in re.sub(r"\s+", "", signature).split(";"))
    return {name: value for name, equals, value in pairs if equals}


def _aligned(signing: str, sending: str) -> bool:
    return bool(signing) and (
        signing == sending or sending.endswith(f".{signing}") or signing.endswith(f".{sending}")
    )
