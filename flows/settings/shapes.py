"""The shapes a setting can have: each reads what a person writes, or says why it cannot."""

from __future__ import annotations

import difflib
import ipaddress
import re
from datetime import time, timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

if TYPE_CHECKING:
    from collections.abc import Iterable

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
# Longer than this is a slip of the pen, and far longer overflows.
LONGEST = timedelta(days=3660)
WEEK = timedelta(days=7)

_DURATION = re.compile(r"(?:\d{1,6}[wdhms])+")
_PART = re.compile(r"(\d+)([wdhms])")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:00)?")
_MAILBOX = re.compile(r'\s*(?P<name>"(?:[^"\\]|\\.)*"|[^"<>]*?)\s*<(?P<address>[^<>]*)>\s*')
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.IGNORECASE)
# Nearly every address; a longer one, or one with two hyphens together, may break a rule.
PLAIN_ADDRESS = re.compile(
    r"(?P<name>[\w+-]+(?:\.[\w+-]+)*)@(?P<host>(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,20})",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_PLAIN = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "…"?` for the nearest known word, or nothing."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f'; did you mean "{folded[found[0]]}"?' if found else ""


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_ip(host) and ipaddress.ip_address(host).is_loopback


def _one_line(value: str) -> str:
    value = value.strip()
    if _CONTROL.search(value):
        raise ValueError("; it has a line break or another control character in it")
    return value


def _some(value: str) -> str:
    if not value:
        raise ValueError("; it is empty")
    return value


def read_address(value: str) -> str:
    """Return an address in its one spelling; raises ValueError with the reason."""
    plain = PLAIN_ADDRESS.fullmatch(value)
    if plain and len(value) <= _LONGEST_PLAIN:
        return f"{plain['name']}@{plain['host'].lower()}"
    return _address_by_library(value)


def _address_by_library(value: str) -> str:
    # Its tables take longer to load than all settings take to be read.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        found = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(f"; {error}") from error
    return found.normalized


def _mailbox(value: str) -> str:
    match = _MAILBOX.fullmatch(value)
    if match is None:
        return read_address(value.strip())
    address = read_address(match["address"].strip())
    name = match["name"]
    if not name.startswith('"'):
        name = _phrase(name)
    mailbox = f"{name} <{address}>" if name else address
    if parseaddr(mailbox)[1] != address:
        raise ValueError("; put the name in double quotes")
    return mailbox


def _phrase(name: str) -> str:
    """Return a display name as a header writes it (RFC 5322 3.2.5)."""
    if re.search(r'[()<>\[\]:;@\\,."]', name):
        return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return name


def named(mailbox: str, name: str) -> str:
    """Return the mailbox, with `name` in front if it is an address alone."""
    return mailbox if mailbox.endswith(">") else f"{_phrase(name)} <{mailbox}>"


def _optional_mailbox(value: str) -> str:
    return _mailbox(value) if value else ""


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"; {error}") from error
    if parts.scheme not in {"http", "https"} or not host or port == 0 or re.search(r"\s", value):
        raise ValueError("")
    return value


def _own_address(value: str) -> str:
    parts = urlsplit(_web_address(value))
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("; http is for 127.0.0.1 and localhost only")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("; leave out what follows a ? or #, and any user name")
    return value.rstrip("/")


def _page(value: str) -> str:
    return _web_address(value) if value else ""


def _domain(value: str) -> str:
    if value and not (_HOST.fullmatch(value) and "." in value):
        raise ValueError("")
    return value.lower()


def _host(value: str) -> str:
    if value and not (_HOST.fullmatch(value) or _is_ip(value)):
        raise ValueError("; leave out the scheme and the port")
    return value


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _networks(value: str) -> str:
    try:
        for part in filter(None, map(str.strip, value.split(","))):
            ipaddress.ip_network(part, strict=False)
    except ValueError as error:
        raise ValueError("") from error
    return value


def is_zone(value: str) -> bool:
    """Tell whether the zone database knows the name."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Names with a path in them reach for files, and a folder such as "Europe" is no zone.
        return False
    return True


def _zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError(nearest(value, available_timezones()))
    return value


def _weekday(value: str) -> str:
    if value.casefold() not in WEEKDAYS:
        raise ValueError(nearest(value, WEEKDAYS))
    return value.casefold()


def _clock(value: Any) -> time:
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0, tzinfo=None)
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("")
    return time(int(match[1]), int(match[2]))


def parse_duration(value: Any) -> timedelta:
    """Return what "48h", "7d" or "1d12h" means; raises ValueError."""
    if isinstance(value, timedelta):
        return value
    text = value.replace(" ", "").lower() if isinstance(value, str) else ""
    if not _DURATION.fullmatch(text):
        raise ValueError("")
    parts = [timedelta(**{UNITS[unit]: int(count)}) for count, unit in _PART.findall(text)]
    return sum(parts, timedelta())


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("; it must be longer than nothing")
    return value


def _bounded(value: timedelta) -> timedelta:
    if value > LONGEST:
        raise ValueError("; that is more than ten years")
    return value


def _within_a_week(value: timedelta) -> timedelta:
    if value >= WEEK:
        raise ValueError("; that is a week or more, so another issue's slot would be meant")
    return value


# A field's description is the shape that a message asks for: "write …".
Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[Line, AfterValidator(_some)]
Mailbox = Annotated[
    Line,
    AfterValidator(_mailbox),
    Field(description='an address, or "Name <name@domain>"'),
]
OptionalMailbox = Annotated[
    Line,
    AfterValidator(_optional_mailbox),
    Field(description='an address, "Name <name@domain>", or nothing'),
]
BaseAddress = Annotated[
    Line,
    AfterValidator(_own_address),
    Field(description="an https:// address (http:// for this machine only)"),
]
PageAddress = Annotated[
    Line, AfterValidator(_page), Field(description="an http(s):// address, or nothing")
]
Domain = Annotated[
    Line, AfterValidator(_domain), Field(description="a domain such as mail.domain.org, or nothing")
]
Host = Annotated[Line, AfterValidator(_host), Field(description="a host name such as smtp.domain")]
Networks = Annotated[
    Line,
    AfterValidator(_networks),
    Field(description='addresses and networks such as "127.0.0.1, 10.0.0.0/8", or nothing'),
]
Zone = Annotated[
    Line, AfterValidator(_zone), Field(description='a time zone such as "Europe/Berlin" or "UTC"')
]
Weekday = Annotated[Line, AfterValidator(_weekday), Field(description='a weekday such as "monday"')]
Clock = Annotated[
    time, BeforeValidator(_clock), Field(description='a time of day such as "08:30", in 24 hours')
]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    AfterValidator(_bounded),
    Field(description='a duration such as "90m", "48h" or "7d"'),
]
Period = Annotated[Duration, AfterValidator(_positive)]
WithinAWeek = Annotated[
    Duration,
    AfterValidator(_within_a_week),
    Field(description='a duration such as "90m", "48h" or "6d"'),
]
