"""What an issue's file counts of what is left over instead of listing it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flows.models import Entry
from flows.wording import counted

if TYPE_CHECKING:
    from flows.models import Issue

_COUNTED = re.compile(r"not listed: (\d{1,9});")


def not_listed(count: int, what: str) -> Entry:
    """Return the one line for so many stories that are left over without a line of their own."""
    return Entry(
        title=f"{counted(count, 'more story', 'more stories')} {what}",
        notes=(f"not listed: {count}; newsletter why ADDRESS tells of each",),
    )


def count_not_listed(entry: Entry) -> int:
    """Return how many stories a line stands for that have none of their own, 0 of any other."""
    found = map(_COUNTED.match, entry.notes)
    return sum(int(match[1]) for match in found if match)


def count_left_over(issue: Issue) -> int:
    """Return how much is left over, listed or not; what a feed handed out again counts as one."""
    return sum(count_not_listed(entry) or 1 for entry in issue.left_over)
