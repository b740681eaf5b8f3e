"""What reading a feed yields, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.models import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A feed as it was read: `home` is its publisher's page, `problems` are plain sentences."""

    title: str = ""
    home: str = ""
    version: str = ""
    items: tuple[Item, ...] = ()
    problems: tuple[str, ...] = ()
