"""What the settings say of an issue: its layout, its sections, its sources and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from flows.edit.workshop import no_earlier
from flows.models import DEFAULT_SECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from flows.edit.rules import Place, Rule
    from flows.models import Item


class Layout(StrEnum):
    """How an issue is divided: by the editor's topics, the classic three, or not at all."""

    TOPICS = "topics"
    PEOPLE_PROCESS_TOOLS = "people-process-tools"
    FLAT = "flat"


FLAT_SECTION = "In this issue"
# The classic three with their usual caps, of which 5-5-10 was kept to the digit for years.
PEOPLE_PROCESS_TOOLS = (("People", 5), ("Process", 5), ("Tools", 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the settings say of a feed; `max_items` caps its entries in one issue (0: no cap)."""

    section: str = ""
    weight: float = 1.0
    max_items: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An issue's headings in mail order with their caps (0: no cap), and its feeds by name.

    `max_left_over` caps what is listed of those that there is no room for, and of those that could
    not be in the issue. `max_by_kind` caps the entries of a kind, "repository" among them;
    `max_per_source` those of a publisher, whichever feed they came by. `guess` is what a trained
    classifier says of an item, None where it is not sure; `earlier` returns some of what a feed of
    this name told before.
    """

    now: datetime
    sections: tuple[tuple[str, int], ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    default_section: str = DEFAULT_SECTION
    max_entries: int = 20
    max_left_over: int = 200
    layout: Layout = Layout.TOPICS
    rules: tuple[Rule, ...] = ()
    max_by_kind: Mapping[str, int] = field(default_factory=dict)
    max_per_source: int = 0
    guess: Callable[[Item], Place | None] | None = None
    earlier: Callable[[str], Iterable[Item]] = no_earlier

    @property
    def headings(self) -> tuple[tuple[str, int], ...]:
        """The headings of the layout in mail order; the settings' own caps count."""
        if self.layout is Layout.TOPICS:
            return self.sections
        if self.layout is Layout.FLAT:
            return ((FLAT_SECTION, 0),)
        own = {name.casefold(): most for name, most in self.sections}
        return tuple((name, own.get(name.casefold(), most)) for name, most in PEOPLE_PROCESS_TOOLS)

    @property
    def fallback(self) -> str:
        """The heading of what nothing speaks for."""
        if self.layout is Layout.TOPICS:
            return self.default_section
        return self.headings[-1][0]
