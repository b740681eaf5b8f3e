"""How we say things in English, wherever people read them."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 feed", "2 feeds", "1,200 entries"; `many` is for what goes by neither rule."""
    plural = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return f"{count:,} {one if count == 1 else many or plural}"
