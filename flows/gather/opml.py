"""Reads and writes OPML (opml.org/spec2.opml), the list of feeds that readers exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

from flows.errors import ParseError
from flows.gather.guards import shown
from flows.gather.text import plain_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flows.models import Feed

# The largest lists people keep have some thousand feeds.
MOST_BYTES = 10 * 2**20
# Lists are often written by hand, and libxml2 drops the word behind a bare ampersand: the
# address would lose a parameter.
_BARE_AMPERSAND = re.compile(rb"&(?!(?:[a-z][a-z0-9]*|#\d+|#x[0-9a-f]+);)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A line of the list as it stands there; `folder` is the one it is in, `line` where it is.

    `broken` is what is wrong with the list itself there: lines after it may be lost.
    """

    url: str
    title: str = ""
    site: str = ""
    folder: str = ""
    line: int = 0
    broken: str = ""


def read_opml(body: bytes, *, name: str) -> list[Outline]:
    """Return the feeds a list names, in its order; raises ParseError if it is no OPML."""
    if len(body) > MOST_BYTES:
        raise ParseError(f"opml: {name} is larger than {MOST_BYTES // 2**20} MB")
    # One slip of the pen shall not cost the other 499.
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(_mended(body.strip()), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ParseError(f"opml: {name} cannot be read: {error}") from error
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise ParseError(f"opml: {name} is no OPML; feed readers export it as “OPML”")
    found = [_outline(element) for element in root.iter("outline") if _is_line(element)]
    return [*found, *_breaks(parser)]


def _mended(body: bytes) -> bytes:
    # In UTF-16 and UTF-32, which nobody writes by hand, it would not be the whole character.
    return body if b"\0" in body else _BARE_AMPERSAND.sub(b"&amp;", body)


def _breaks(parser: etree.XMLParser) -> Iterator[Outline]:
    for error in parser.error_log:
        if error.level >= etree.ErrorLevels.FATAL:
            yield Outline(url="", line=error.line, broken=error.message)
            return


def _is_line(element: Any) -> bool:
    # A folder has others in it and no address of its own.
    values = _values(element)
    return bool(values.get("xmlurl") or values.get("htmlurl") or values.get("url")) or not len(
        element
    )


def _outline(element: Any) -> Outline:
    values = _values(element)
    folder = element.getparent()
    return Outline(
        url=values.get("xmlurl", "").strip(),
        title=_title(values),
        site=(values.get("htmlurl") or values.get("url", "")).strip(),
        folder=_title(_values(folder)) if folder.tag == "outline" else "",
        line=element.sourceline or 0,
    )


def _title(values: dict[str, str]) -> str:
    return plain_title(values.get("title", "")) or plain_title(values.get("text", ""))


def _values(element: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in element.attrib.items()}


def write_opml(feeds: Iterable[Feed], *, title: str) -> str:
    """Return these feeds as OPML, in a folder for each section; passwords are left out."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for section, members in _by_section(list(feeds)):
        parent = body
        if section:
            parent = etree.SubElement(body, "outline", text=section, title=section)
        for feed in members:
            name = feed.name or shown(feed.url)
            etree.SubElement(
                parent, "outline", type="rss", text=name, title=name, xmlUrl=shown(feed.url)
            )
    text: bytes = etree.tostring(root, pretty_print=True, encoding="utf-8", xml_declaration=True)
    return text.decode("utf-8")


def _by_section(feeds: Sequence[Feed]) -> Iterator[tuple[str, list[Feed]]]:
    for section in dict.fromkeys(feed.section for feed in feeds):
        yield section, [feed for feed in feeds if feed.section == section]
