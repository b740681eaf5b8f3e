"""Reads the dates publishers write, in whatever form and zone."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Zero times and forgotten epochs: no feed is older than the web.
_FIRST_YEAR = 1990

# Names that RFC 5322 does not know, in hours. Doubtful ones (IST) are not listed.
_ZONES = {
    "AEDT": 11, "AEST": 10, "BST": 1, "CEST": 2, "CET": 1, "EEST": 3, "EET": 2, "HKT": 8,
    "JST": 9, "KST": 9, "MESZ": 2, "MEZ": 1, "MSK": 3, "NZDT": 13, "NZST": 12, "SGT": 8,
    "WEST": 1, "WET": 0,
}  # fmt: skip

# Months as other languages shorten them in what should be English.
_MONTHS = {
    "abr": "Apr", "ago": "Aug", "août": "Aug", "aou": "Aug", "avr": "Apr", "dez": "Dec",
    "dic": "Dec", "déc": "Dec", "ene": "Jan", "fev": "Feb", "fév": "Feb", "févr": "Feb",
    "gen": "Jan", "giu": "Jun", "janv": "Jan", "juil": "Jul", "juin": "Jun", "lug": "Jul",
    "mag": "May", "mai": "May", "mär": "Mar", "märz": "Mar", "mrt": "Mar", "okt": "Oct",
    "ott": "Oct", "out": "Oct", "set": "Sep", "mei": "May",
}  # fmt: skip

# Newest finds at the end; %Z is absent on purpose, zones are read before.
_FORMATS = (
    "%B %d, %Y at %I:%M%p",
    "%B %d, %Y at %I:%M %p",
    "%B %d, %Y %I:%M %p",
    "%B %d, %Y %H:%M:%S",
    "%B %d, %Y %H:%M",
    "%B %d, %Y",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y",
    "%d %B %Y %H:%M:%S",
    "%d %B %Y %H:%M",
    "%d %B %Y",
    "%d %b %Y",
    "%m/%d/%Y - %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y.%m.%d",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y",
    "%Y-%m",
    "%Y",
)


_FIRST_ZONE = timedelta(hours=14)
_REST = re.compile(r"[?#]")
_DAY = re.compile(r"/(20\d\d)/(\d\d)/(\d\d)(?=/|$)")
_MARKS = frozenset("/.-:,")
_FILLED_IN = str.maketrans("BbpdYmHMSI", "xxx0000000", "%")


def _shape(text: str) -> tuple[frozenset[str], bool]:
    """Return what a text and the form it is written in have in common."""
    return _MARKS.intersection(text), any(map(str.isalpha, text))


def _by_shape(forms: Iterable[str]) -> dict[tuple[frozenset[str], bool], list[str]]:
    # strptime takes long, and forgets all but five of its forms: few are to be tried.
    found: dict[tuple[frozenset[str], bool], list[str]] = defaultdict(list)
    for form in forms:
        found[_shape(form.translate(_FILLED_IN))].append(form)
    return dict(found)


_FORMS = _by_shape(_FORMATS)
_WEEKDAY = re.compile(r"^[^\W\d]{2,10}\.?,?\s+(?=[\d\w])", re.UNICODE)
_ZONE_NAME = re.compile(r"\s+\(?([A-Z]{3,4})\)?$")
_OFFSET = re.compile(r"\s*(?:GMT|UTC|Z)?([+-])(\d{2}):?(\d{2})$")
_WORD = re.compile(r"[^\W\d]+")
_NUMBER = re.compile(r"\d{10}(?:\d{3})?")
_ISO = re.compile(r"\d{4}-?\d\d-?\d\d")
_SAYS_UTC = re.compile(r"(?:[+-]0000|\b(?:UTC?|GMT|Z))(?:\s*\(\w+\))?$", re.IGNORECASE)
_YEAR_ZERO = re.compile(r"[A-Za-z]{3}[ -]0\d{3}\b")
_LONGEST = 80


def zone(name: str) -> tzinfo:
    """Return the zone for times that name none; raises ParseError if there is no such zone."""
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ParseError(
            f"dates: there is no time zone {name!r}; write one like Europe/Berlin"
        ) from error


def read_date(text: str, *, zone: tzinfo, now: datetime) -> datetime | None:
    """Return the moment `text` names, not later than `now`; None if it names none."""
    text = " ".join(text[:_LONGEST].split())
    if not text:
        return None
    for read in (_read_iso, _read_mail, _read_number, _read_formats):
        try:
            found = read(text)
            moment = found and (found if found.tzinfo else found.replace(tzinfo=zone))
            if moment and moment.year >= _FIRST_YEAR:
                return min(moment.astimezone(UTC), now)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


def date_of_address(url: str, *, now: datetime) -> datetime | None:
    """Return the day in an address's path (/2024/12/18/); None if it has none, or one to come.

    A blog's address is dated by its own day; midnight UTC is as near as one can tell.
    """
    day = _DAY.search(_REST.split(url, maxsplit=1)[0])
    if day is None:
        return None
    try:
        found = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
    except ValueError:
        return None
    # Where the day begins first it is tomorrow already.
    return min(found, now) if found <= now + _FIRST_ZONE else None


def _read_iso(text: str) -> datetime | None:
    if not _ISO.match(text):
        return None
    stamp, offset = _zone_apart(text.replace(" T", "T"))
    moment = datetime.fromisoformat(stamp.rstrip("Zz") if offset else stamp)
    return moment if moment.tzinfo or not offset else moment.replace(tzinfo=offset)


def _read_mail(text: str) -> datetime | None:
    text = _english(text)
    stamp, offset = _zone_apart(text)
    parts = parsedate_tz(stamp if offset else text)
    # Without a colon the standard library reads dates out of anything, and the year 1 as 2001.
    if parts is None or ":" not in text or parts[0] < _FIRST_YEAR or _YEAR_ZERO.search(text):
        return None
    seconds = min(parts[5], 59)
    moment = datetime(*parts[:5], seconds)  # noqa: DTZ001 - its zone follows
    if offset:
        return moment.replace(tzinfo=offset)
    # It takes a missing zone, and one it does not know, for UTC: those are the feed's.
    if not parts[9] and not _SAYS_UTC.search(text):
        return moment
    return moment.replace(tzinfo=timezone(timedelta(seconds=parts[9] or 0)))


def _read_number(text: str) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    return datetime.fromtimestamp(int(text[:10]), tz=UTC)


def _read_formats(text: str) -> datetime | None:
    stamp, offset = _zone_apart(_english(text))
    for candidate in dict.fromkeys((stamp, _WEEKDAY.sub("", stamp))):
        for form in _FORMS.get(_shape(candidate), ()):
            try:
                moment = datetime.strptime(candidate, form)  # noqa: DTZ007 - its zone follows
            except ValueError:
                continue
            return moment.replace(tzinfo=offset)
    return None


def _zone_apart(text: str) -> tuple[str, tzinfo | None]:
    if found := _ZONE_NAME.search(text):
        name = found[1]
        if name in {"UTC", "GMT"}:
            return text[: found.start()], UTC
        if name in _ZONES:
            return text[: found.start()], timezone(timedelta(hours=_ZONES[name]))
    if (found := _OFFSET.search(text)) and ":" in text[: found.start()]:
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return text[: found.start()], timezone(-offset if found[1] == "-" else offset)
    return text, None


def _english(text: str) -> str:
    return _WORD.sub(lambda word: _MONTHS.get(word[0].lower(), word[0]), text)
