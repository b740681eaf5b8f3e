"""Whether Python and the installed libraries are within the bounds that this software declares.

Prefect with a wrong FastAPI or SQLAlchemy starts, and then never runs anything, silently.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "newsletter"
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?P<bounds>[^;]*)")
_BOUND = re.compile(r"(>=|<)\s*([0-9.]+)")


def misfits() -> Iterator[str]:
    """Yield a sentence for each library that is missing, or of a version outside its bounds."""
    for requirement in metadata.requires(DISTRIBUTION) or ():
        if "extra ==" in requirement:
            continue
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        yield from _misfit(match["name"], match["bounds"].strip())


def _misfit(name: str, bounds: str) -> Iterator[str]:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        yield f"{name} is not installed; {bounds or 'any version'} is needed"
        return
    if not within(version, bounds):
        yield f"{name} is {version}, and {bounds} is needed"


def within(version: str, bounds: str) -> bool:
    """Return whether a version is within bounds such as ">=2.0,<2.1"."""
    numbers = _numbers(version)
    for sign, limit in _BOUND.findall(bounds):
        least = _numbers(limit)
        size = max(len(numbers), len(least))
        ours = numbers + (0,) * (size - len(numbers))
        theirs = least + (0,) * (size - len(least))
        if (sign == "<" and ours >= theirs) or (sign == ">=" and ours < theirs):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    # What follows the numbers (rc1, .post2) is no matter of these bounds.
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()
