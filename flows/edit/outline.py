"""What the settings say of an issue: its sections, its sources and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.models import DEFAULT_SECTION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the settings say of a feed; `max_items` caps its entries in one issue (0: no cap)."""

    section: str = ""
    weight: float = 1.0
    max_items: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An issue's headings in mail order with their caps (0: no cap), and its feeds by name."""

    now: datetime
    sections: tuple[tuple[str, int], ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    default_section: str = DEFAULT_SECTION
    max_entries: int = 20
