"""The sponsors' slots that the settings say are booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.sponsors import Booking

if TYPE_CHECKING:
    from flows.settings import Settings


def bookings(settings: Settings) -> list[Booking]:
    """Return the slots that sponsors booked, of all issues."""
    return [
        Booking(day=one.date, name=one.name, title=one.title, url=one.url, text=one.text)
        for one in settings.sponsors
    ]
