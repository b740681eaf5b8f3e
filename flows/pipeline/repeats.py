"""What of an issue ran before: an editor may move up, or write in, what readers had already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit.dedupe import named, ran_before
from flows.edit.keys import history_keys
from flows.edit.past import ran
from flows.models import Finding, Spot
from flows.pipeline.stores import open_store
from flows.store.history import SqlHistory
from subscribers.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.models import Issue
    from flows.settings import Settings


def repeats(settings: Settings, issue: Issue) -> Iterator[Finding]:
    """Yield the stories of an issue that ran in another, by the rules a draft holds them to.

    Sponsors may come again. Where the database cannot be asked, that is the finding.
    """
    told = [
        (item, Spot(number, "link", nth) if entry.links else Spot(number))
        for number, entry in enumerate(issue.entries)
        for nth, item in enumerate(ran([entry]))
    ]
    if not told:
        return
    try:
        with open_store(settings) as engine:
            recalled = SqlHistory(engine).recall([history_keys(item) for item, _ in told])
    except DatabaseUnavailable as error:
        yield _finding(f"What ran before cannot be looked up: {error}")
        return
    for (item, spot), past in zip(told, recalled, strict=True):
        others = (one for one in past if one.issue != issue.number)
        for before, reason in ran_before(item, others)[:1]:
            yield _finding(f"{item.title!r} ran in {named(before.issue)}: {reason}.", spot)


def _finding(message: str, spot: Spot | None = None) -> Finding:
    return Finding(
        rule="E15",
        severity="warn",
        message=message,
        why="readers notice, and wonder",
        source="newsletter craft",
        spot=spot,
    )
