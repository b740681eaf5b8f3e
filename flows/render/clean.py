"""What stands in an issue comes from strangers: its text without invisible tricks, its links safe.

Markup needs no care here (templates escape); this is for what escaping does not stop.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from flows.models import Brand, Entry, Issue, Link, Section

if TYPE_CHECKING:
    from urllib.parse import SplitResult

# Joiners belong to emoji families and to Persian and Indic words, tag characters to three flags:
# there they are kept. Everywhere else what cannot be seen is a trick: overrides that turn
# "exe.gpj" round, spaces of no width that hide a word from a filter, lone surrogates that no
# encoding takes.
_KEPT = (
    "\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f"
    "|(?<=[^\x00-\u02ff\u2000-\u206f\\s])[\u200c\u200d](?=[^\x00-\u02ff\u2000-\u206f\\s])"
)
_DROPPED = (
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\udfff"
    "\ufdd0-\ufdef\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_INVISIBLE = re.compile(f"({_KEPT})|{_DROPPED}")
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")

WEB = ("http", "https")
# What RFC 3986 lets stand in a path, a query or a fragment. "%" stays: it is encoding already.
_IN_URL = "!$&'()*+,;=:@/?%~-._"
_LONGEST_URL = 4000


def readable(text: str) -> str:
    """Return the text without what cannot be seen; line breaks of any kind become newlines."""
    return _INVISIBLE.sub(lambda found: found[1] or "", _BREAKS.sub("\n", text))


def single_line(text: str) -> str:
    """Return the readable text on one line, as headings and headers need it."""
    return " ".join(readable(text).split())


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a readable text."""
    return [part.strip() for part in _PARAGRAPHS.split(readable(text)) if part.strip()]


def safe_url(url: str, *, schemes: tuple[str, ...] = WEB) -> str:
    """Return the address as a browser would read it, without credentials; "" if not to be linked.

    What is no ASCII and what could end an attribute, a line or a provider's tag is encoded, a
    host in another script becomes punycode. A plain address comes back as it is.
    """
    # Browsers drop line breaks and tabs anywhere, so "java\nscript:" is no harmless word.
    url = re.sub(r"[\t\n\r]", "", readable(url)).strip()
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() not in schemes or len(url) > _LONGEST_URL:
        return ""
    if scheme.lower() == "mailto":
        return f"mailto:{quote(rest, safe=_IN_URL)}" if "@" in rest else ""
    return _web_address(scheme.lower(), rest)


def _web_address(scheme: str, rest: str) -> str:
    # To a browser a backslash before the query is a slash, and any number of them two.
    before, mark, after = _cut_query(rest)
    path = before.replace("\\", "/").lstrip("/")
    try:
        parts = urlsplit(f"{scheme}://{path}{mark}{after}")
        host = _host(parts)
    except (ValueError, UnicodeError):
        return ""
    if not host:
        return ""
    return urlunsplit(
        (
            scheme,
            host,
            quote(parts.path, safe=_IN_URL),
            quote(parts.query, safe=_IN_URL),
            quote(parts.fragment, safe=_IN_URL),
        )
    )


def _cut_query(rest: str) -> tuple[str, str, str]:
    found = re.search("[?#]", rest)
    if found is None:
        return rest, "", ""
    return rest[: found.start()], found[0], rest[found.end() :]


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = host.encode("idna").decode("ascii")
    if not re.fullmatch(r"[a-z0-9._~-]+|\[[0-9a-f:.]+\]", host):
        return ""
    return host if parts.port is None else f"{host}:{parts.port}"


def clean_issue(issue: Issue) -> Issue:
    """Return what is sent of an issue, every text readable and every link safe.

    Sections without entries go, as do the editor's notes, what is new and what is left over.
    """
    sections = tuple(
        Section(name=single_line(section.name), entries=entries)
        for section in issue.sections
        if (entries := tuple(_clean_entry(entry) for entry in section.entries))
    )
    return Issue(
        number=issue.number,
        date=issue.date,
        subject=single_line(issue.subject),
        preheader=single_line(issue.preheader),
        intro=readable(issue.intro).strip(),
        sections=sections,
    )


def _clean_entry(entry: Entry) -> Entry:
    url = safe_url(entry.url)
    return Entry(
        title=single_line(entry.title) or urlsplit(url).netloc or single_line(entry.source),
        url=url,
        source=single_line(entry.source),
        detail=single_line(entry.detail),
        blurb=readable(entry.blurb).strip(),
        sponsor=single_line(entry.sponsor),
        links=tuple(_clean_link(link) for link in entry.links),
    )


def _clean_link(link: Link) -> Link:
    url = safe_url(link.url)
    return Link(title=single_line(link.title) or urlsplit(url).netloc, url=url)


def clean_brand(brand: Brand) -> Brand:
    """Return the brand with readable texts, safe links, and a reason why one gets the mail."""
    title = single_line(brand.title)
    return replace(
        brand,
        title=title,
        sender=single_line(brand.sender),
        reply_to=single_line(brand.reply_to),
        postal_address=readable(brand.postal_address).strip(),
        base_url=safe_url(brand.base_url).rstrip("/"),
        privacy_url=safe_url(brand.privacy_url),
        reason=single_line(brand.reason) or f"You get this mail because you subscribed to {title}.",
        language=single_line(brand.language) or "en",
    )
