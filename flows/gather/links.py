"""Makes the relative links inside an item's HTML absolute."""

from __future__ import annotations

import re
from urllib.parse import urljoin

_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_LINK = re.compile(
    r"(\s(?:href|src|poster|cite)\s*=\s*)(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))", re.IGNORECASE
)
# Most bodies have none of these, and are then left as they are.
_RELATIVE = re.compile(
    r"\s(?:href|src|poster|cite)\s*=\s*[\"']?\s*(?![a-z][a-z0-9+.-]*:|[\"'\s>])", re.IGNORECASE
)
_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def absolute_links(markup: str, *, base: str) -> str:
    """Return the mark-up with each relative link led on from `base`."""
    if not base or not _RELATIVE.search(markup):
        return markup
    return _TAG.sub(lambda tag: _LINK.sub(lambda link: _led_on(link, base), tag[0]), markup)


def _led_on(link: re.Match[str], base: str) -> str:
    value = next(group for group in link.groups()[1:] if group is not None)
    if not value.strip() or _SCHEME.match(value):
        return link[0]
    try:
        # A value in single quotes may hold double ones.
        return f'{link[1]}"{urljoin(base, value.strip()).replace(chr(34), "%22")}"'
    except ValueError:
        return link[0]
