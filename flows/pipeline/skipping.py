"""Why a week has no issue: too little in it, and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.store.feeds import load_states
from flows.wording import counted

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.pipeline.drafting import Drafted
    from flows.settings import Settings

LATER = "newsletter run, once there is more; --since DATE looks further back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Why there is no issue worth sending, and the one command that helps."""

    reason: str
    next: str = LATER


def too_few(settings: Settings, engine: Engine, drafted: Drafted) -> Skip | None:
    """Return why an issue is not worth sending, None if it is."""
    least = settings.newsletter.min_entries
    count = sum(1 for entry in drafted.issue.entries if not entry.sponsor)
    if count >= least:
        return None
    if not settings.feeds:
        return Skip(reason="the settings list no feed", next="newsletter feeds add URL")
    states = load_states(engine, [feed.url for feed in settings.feed_list()])
    if not (states or drafted.items):
        return Skip(reason="no feed was asked yet", next="newsletter gather")
    failing = sum(1 for state in states.values() if state.failures or state.gone)
    reason = f"{_little(drafted, count, least)}{_sold(drafted)}"
    if not failing:
        return Skip(reason=reason)
    # Nobody knows whether a week was empty in which feeds could not be read.
    feeds = counted(len(settings.feeds), "feed")
    return Skip(
        reason=f"{reason}; {failing} of {feeds} failed when last asked",
        next="newsletter feeds status",
    )


def _little(drafted: Drafted, count: int, least: int) -> str:
    if not drafted.items:
        return f"no feed has anything newer than {drafted.window.start:%d %b %Y %H:%M} UTC"
    held = sum(1 for story in drafted.told if story.held)
    return (
        f"only {count} of {drafted.stories} stories are worth an entry ({held} ran before), "
        f"fewer than min_entries = {least}"
    )


def _sold(drafted: Drafted) -> str:
    """Return who paid for a slot of the issue, for they must be told or given another."""
    names = [entry.sponsor for entry in drafted.issue.entries if entry.sponsor]
    return f"; {', '.join(names)} booked a slot in it" if names else ""
