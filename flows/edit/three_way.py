"""What we wrote, what it is now, what we would write: our changes, where nobody else made one."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The lines from `first` up to `last`, without it, are to become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def changes(now: Sequence[str], *, wrote: Sequence[str], would: Sequence[str]) -> list[Change]:
    """Return our changes to the lines as they are now, the last first; nobody edited what they hit.

    A line that is not among those we wrote is an editor's, and is never changed or removed.
    """
    places = _places(wrote, now)
    found = []
    ours = SequenceMatcher(None, wrote, would, autojunk=False).get_opcodes()
    for tag, first, last, new_first, new_last in reversed(ours):
        if tag == "equal":
            continue
        span = _span(places, first, last, wrote=len(wrote), now=len(now))
        if span is not None:
            lines = tuple(would[new_first:new_last])
            found.append(Change(first=span[0], last=span[1], lines=lines))
    return found


def _places(wrote: Sequence[str], now: Sequence[str]) -> dict[int, int]:
    """Return, for each line we wrote that stands unedited, where it stands."""
    matcher = SequenceMatcher(None, wrote, now, autojunk=False)
    return {
        match.a + step: match.b + step
        for match in matcher.get_matching_blocks()
        for step in range(match.size)
    }


def _span(
    places: dict[int, int], first: int, last: int, *, wrote: int, now: int
) -> tuple[int, int] | None:
    """Return where the lines we wrote stand in one piece, None where they do not any more.

    Of no lines: where something between two neighbours may come in.
    """
    ends = {-1: -1, wrote: now, **places}
    found = [ends.get(line) for line in range(first, last)] if first < last else []
    if first == last:
        before, after = ends.get(first - 1), ends.get(first)
        if before is None or after != before + 1:
            return None
        return before + 1, before + 1
    start = found[0]
    if start is None or found != list(range(start, start + len(found))):
        return None
    return start, start + len(found)
