"""How the list fares: growth by week, sources, and who left by which issue."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from flows.store.shares import accepted_by_issue
from subscribers import store
from subscribers.store import figures, labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

WEEKS = 26
ISSUES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week from its Monday: who came, who left (or can be written to no more), who is there."""

    monday: date
    came: int
    left: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where people came from first, how many did, and how many of them are active."""

    name: str
    people: int
    active: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """How many got an issue, and how many left by its link."""

    issue: int
    accepted: int
    left: int

    @property
    def share(self) -> float:
        """The share of those who got it that left."""
        return self.left / self.accepted if self.accepted else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The figures of the list; weeks and issues with the oldest first."""

    counts: Mapping[str, int]
    paused: int
    tags: Mapping[str, int]
    weeks: tuple[Week, ...]
    sources: tuple[Source, ...]
    issues: tuple[Leave, ...]


def growth(engine: Engine, *, now: datetime, weeks: int = WEEKS) -> Growth:
    """Return how the list fares, with the last weeks up to this one."""
    counts = store.count(engine)
    left = figures.left_by_issue(engine)
    accepted = accepted_by_issue(engine)
    numbers = sorted(accepted.keys() | left.keys())[-ISSUES:]
    return Growth(
        counts=counts,
        paused=figures.paused(engine, now=now),
        tags=labels.count_tags(engine),
        weeks=_weeks(engine, now, weeks, active=counts["active"]),
        sources=tuple(
            Source(name=name, people=people, active=active)
            for name, people, active in figures.by_source(engine)
        ),
        issues=tuple(
            Leave(issue=number, accepted=accepted.get(number, 0), left=left.get(number, 0))
            for number in numbers
        ),
    )


def _weeks(engine: Engine, now: datetime, number: int, *, active: int) -> tuple[Week, ...]:
    this = now.date() - timedelta(days=now.weekday())
    first = this - timedelta(weeks=number - 1)
    since = datetime.combine(first, time(), now.tzinfo)
    came = _by_week(figures.came_by_day(engine, since=since))
    left = _by_week(figures.left_by_day(engine, since=since))
    left.update(_by_week(figures.failed_by_day(engine, since=since)))
    made = []
    total = active
    # Backwards from what is certain: how many there are now.
    for monday in (this - timedelta(weeks=back) for back in range(number)):
        made.append(Week(monday=monday, came=came[monday], left=left[monday], total=max(total, 0)))
        total += left[monday] - came[monday]
    return tuple(reversed(made))


def _by_week(days: Mapping[date, int]) -> Counter[date]:
    weeks: Counter[date] = Counter()
    for day, total in days.items():
        weeks[day - timedelta(days=day.weekday())] += total
    return weeks


def as_json(found: Growth) -> dict[str, Any]:
    """Return the figures as `--json` prints them."""
    return {
        **found.counts,
        "paused": found.paused,
        "tags": dict(found.tags),
        "weeks": [{**asdict(week), "monday": week.monday} for week in found.weeks],
        "sources": [asdict(source) for source in found.sources],
        "issues": [asdict(leave) for leave in found.issues],
    }
