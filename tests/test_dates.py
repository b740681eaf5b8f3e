"""Dates in every form publishers write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import ParseError
from flows.gather.dates import date_of_address, read_date, zone

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")

ROWS = [
    ("Fri, 20 Nov 2026 09:30:00 +0000", "2026-11-20T09:30"),
    ("Fri, 20 Nov 2026 09:30:00 GMT", "2026-11-20T09:30"),
    ("20 Nov 26 09:30 EST", "2026-11-20T14:30"),
    ("Fri, 20 Nov 2026 09:30:00 CEST", "2026-11-20T07:30"),
    ("Fri, 20 Nov 2026 09:30:00 -0000", "2026-11-20T09:30"),
    ("Fri, 20 Nov 2026 09:30:00", "2026-11-20T14:30"),
    ("Fri, 20 Nov 2026 09:30:61 GMT", "2026-11-20T09:30"),
    ("Sex, 20 Fev 2026 09:30:00 +0000", "2026-02-20T09:30"),
    ("Fr, 20 Okt 2026 09:30:00 +0200", "2026-10-20T07:30"),
    ("Fri Nov 20 2026 00:00:00 GMT", "2026-11-20T00:00"),
    ("2026-11-20T09:30:00Z", "2026-11-20T09:30"),
    ("2026-11-20T09:30:00.123456789+01:00", "2026-11-20T08:30"),
    ("2026-11-20T09:30:00-0500", "2026-11-20T14:30"),
    ("2026-11-20 09:30:00 UTC", "2026-11-20T09:30"),
    ("2026-11-20 09:30:00 +0100", "2026-11-20T08:30"),
    ("2026-11-20T09:30:00", "2026-11-20T14:30"),
    ("2026-11-20", "2026-11-20T05:00"),
    ("20261120T093000Z", "2026-11-20T09:30"),
    ("2026-11", "2026-11-01T04:00"),
    ("November 20, 2026 at 05:00PM", "2026-11-20T22:00"),
    ("July 20, 2026 at 05:00PM", "2026-07-20T21:00"),
    ("Nov 20, 2026", "2026-11-20T05:00"),
    ("Friday, November 20, 2026 9:30 AM", "2026-11-20T14:30"),
    ("Fri, 11/20/2026 - 09:30", "2026-11-20T14:30"),
    ("20.11.2026 09:30", "2026-11-20T14:30"),
    ("2026/11/20 09:30", "2026-11-20T14:30"),
    ("1795167000", "2026-11-20T09:30"),
    ("1795167000000", "2026-11-20T09:30"),
    ("  Fri, 20 Nov\n 2026 09:30:00 GMT ", "2026-11-20T09:30"),
]


@pytest.mark.parametrize(("text", "wanted"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_a_date_is_read(text: str, wanted: str) -> None:
    found = read_date(text, zone=NEW_YORK, now=NOW)
    assert found is not None
    assert found.replace(second=0, microsecond=0).isoformat() == f"{wanted}:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 +0000", "1970-01-01", "0",
     "Thu, 01 Jan 1970 00:00:00 GMT", "99.99.9999", "2026-13-45", "Version 2.0", "12:30"],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text, zone=UTC, now=NOW) is None


def test_a_date_to_come_is_held_back_to_now() -> None:
    assert read_date("2031-01-01", zone=UTC, now=NOW) == NOW


def test_a_zone_is_a_name_of_the_database() -> None:
    assert zone("UTC") is UTC
    with pytest.raises(ParseError, match="Europe/Berlin"):
        zone("../etc/passwd")


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    found = read_date(text, zone=NEW_YORK, now=NOW)
    assert found is None or (found <= NOW and found.tzinfo is UTC)


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://quay.example/2026/11/20/ropes/", "2026-11-20"),
        ("https://quay.example/blog/2026/11/20", "2026-11-20"),
        ("https://quay.example/2026/11/24/early", None),
        ("https://quay.example/2027/12/18/talk", None),
        ("https://quay.example/2026/13/40/", None),
        ("https://quay.example/go?to=https://o.example/2011/02/03/x", None),
        ("https://quay.example/2026/11/", None),
        ("", None),
    ],
)
def test_a_day_in_the_path_of_an_address_is_its_date(url: str, day: str | None) -> None:
    found = date_of_address(url, now=NOW)
    assert (found and f"{found:%Y-%m-%d}") == day


@pytest.mark.parametrize(("hour", "is_there"), [(20, True), (10, True), (9, False)])
def test_where_the_day_begins_first_it_is_tomorrow_already(hour: int, *, is_there: bool) -> None:
    now = NOW.replace(hour=hour)
    found = date_of_address("https://quay.example/2026/11/24/early", now=now)
    assert found == (now if is_there else None)
