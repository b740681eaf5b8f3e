"""What one run is asked to do differently from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The choices of one run; the defaults are the weekly run's.

    `since` and `as_of` override window and clock of the draft, `extra` makes an additional issue,
    `dry_run` does all but hand over, `because` overrides a blocking finding and is recorded,
    `scheduled` is the schedule's own run, which takes its slot's issue and no other, `only` is
    the tag whose people alone get the issue for now, `at` is when readers are to get it. `resumed`
    is a run that nobody asked for: it carries on with an issue that is being sent, or does nothing.
    """

    since: datetime | None = None
    as_of: datetime | None = None
    extra: bool = False
    dry_run: bool = False
    because: str = ""
    scheduled: bool = False
    at_once: bool = False
    only: str = ""
    at: datetime | None = None
    resumed: bool = False
