"""Repositories: what is a program rather than something to read, and the licence it is under."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

FORGES = frozenset(("github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "git.sr.ht"))
# First steps of paths on forges that are no owners.
_PAGES = frozenset(
    "about apps blog collections contact customer-stories enterprise events explore features "
    "issues join login marketplace notifications orgs pricing pulls readme resources search "
    "security settings site solutions sponsors stars team topics trending users".split()
)

# How licences are written, and what they are called (SPDX).
_LICENCES = (
    (
        r"apache(?:[- ]software)?(?:[- ]licen[cs]e)?[-, ]*(?:v(?:ersion)?)?[- ]?2(?:\.0)?",
        "Apache-2.0",
    ),
    (r"(?:gnu )?agpl(?:[- ]?v?3(?:\.0)?)?(?:[- ](?:only|or[- ]later))?", "AGPL-3.0"),
    (r"(?:gnu )?lgpl(?:[- ]?v?[23](?:\.[01])?)?(?:[- ](?:only|or[- ]later))?", "LGPL"),
    (r"(?:gnu )?gpl[- ]?v?2(?:\.0)?(?:[- ](?:only|or[- ]later))?", "GPL-2.0"),
    (r"(?:gnu )?gpl[- ]?v?3(?:\.0)?(?:[- ](?:only|or[- ]later))?", "GPL-3.0"),
    (r"bsd[- ]?2[- ]clause", "BSD-2-Clause"),
    (r"bsd[- ]?3[- ]clause", "BSD-3-Clause"),
    (r"mpl[- ]?(?:v?2(?:\.0)?)|mozilla public licen[cs]e(?: 2\.0)?", "MPL-2.0"),
    (r"busl?[- ]?1\.1|business source licen[cs]e", "BUSL-1.1"),
    (r"sspl", "SSPL"),
    (r"cc0(?:[- ]1\.0)?", "CC0-1.0"),
    (r"unlicense", "Unlicense"),
    (r"mit[- ]0", "MIT-0"),
    (r"mit", "MIT"),
    (r"isc", "ISC"),
)
_NAMES = "|".join(f"(?P<l{number}>{pattern})" for number, (pattern, _) in enumerate(_LICENCES))
# "MIT" and "ISC" are other things too: the word licence must stand beside the name.
_LICENCE = re.compile(
    rf"\blicen[cs]ed?\b(?:\W+(?:is|under|as|the|terms|of|an?)\b){{0,4}}\W{{0,3}}(?:{_NAMES})\b"
    rf"|\b(?:{_NAMES.replace('(?P<l', '(?P<m')})[- ]licen[cs]ed?\b",
    re.IGNORECASE,
)
_MOST_READ = 4_000


@lru_cache(maxsize=8192)
def is_repository(url: str) -> bool:
    """Tell whether an address is of a repository itself, not of a page in it."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return False
    if host not in FORGES:
        return False
    steps = [step for step in parts.path.split("/") if step]
    return len(steps) == 2 and steps[0].lower() not in _PAGES  # noqa: PLR2004 - its owner and its name


def licence(text: str) -> str:
    """Return the licence a repository's description names, as SPDX calls it; empty if none."""
    match = _LICENCE.search(text[:_MOST_READ])
    if match is None:
        return ""
    group = next(name for name, value in match.groupdict().items() if value)
    return _LICENCES[int(group[1:])][1]
