"""Reads a river: a text of shared links, one after another, each closed by a `via` line.

    Title of the story
    https://publisher.example/story        (absent where the via line has the story's address)
    Lines of its text
    via Publisher https://publisher.example/
    December 16, 2024 at 05:00PM           (often absent; in the feed's own time zone)

Such texts are posts of at most 10,000 characters strung together: a long story is cut in
mid-word and loses its `via` line, and the next title follows at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.gather.dates import date_of_address, read_date, zone
from flows.gather.items import Context, absolute, distinct, host, on_host, problems_of
from flows.gather.parsed import Parsed
from flows.gather.text import is_digest, title, visible
from flows.models import Item, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from flows.models import Feed

_VIA = re.compile(r"via\s+(?:(?P<name>\S.*?)\s+)?(?P<url>https?://\S+)\s*$")
_DATE = re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4} at \d{1,2}:\d\d ?[AP]M\s*$")
_ADDRESS = re.compile(r"https?://\S+$")
# A subreddit's name in front, and Reddit's own ids.
_HEAD = re.compile(r"(?:\d+_)?r/\w+\s*$|t[1-6]_[0-9a-z]{4,10}\s*$")
# Where the posting tool cuts a body, in characters, and how far from there it was seen to.
_CUT, _CUT_SLACK = 9_800, 300
_SENTENCE_ENDS = tuple(".!?:;\u2026)]\"'\u201d\u2019\u00bb")
_LONGEST_TITLE = 200
_FIRST_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The lines of one shared link, and what its via line says (empty where that is lost)."""

    lines: tuple[str, ...]
    name: str = ""
    url: str = ""
    date: str = ""
    truncated: bool = False

    @property
    def own_url(self) -> str:
        """The story's address, where the line after the title is one."""
        is_own = len(self.lines) > 1 and _ADDRESS.match(self.lines[1])
        return self.lines[1] if is_own else ""

    @property
    def site(self) -> str:
        """The host of the story itself."""
        return host(self.own_url or self.url)


def is_river(text: str) -> bool:
    """Return whether `text` is a river."""
    return not text.startswith("<") and any(map(_VIA.match, text.splitlines()))


def parse_river(text: str, *, feed: Feed, now: datetime) -> Parsed:
    """Return the items of a river; raises ParseError if the feed's time zone is unknown."""
    context = Context(feed=feed, base="", zone=zone(feed.timezone), now=now)
    blocks = [part for block in _blocks(text.splitlines()) for part in _apart(block)]
    sources = {block.site: block.name for block in blocks if block.own_url and block.name}
    blocks = [replace(block, name=block.name or sources.get(block.site, "")) for block in blocks]
    found = [_item(block, context) for block in blocks]
    items, repeated = distinct(item for item in found if item)
    problems = problems_of(items, repeated=repeated)
    if unread := found.count(None):
        problems.append(f"{unread} pieces of text without an address left out")
    return Parsed(version="river", items=tuple(items), problems=tuple(problems))


def shared_item(lines: Sequence[str], *, context: Context) -> Item | None:
    """Return the item of one post (its title first) that ends in a via line, None without."""
    blocks = list(_blocks(lines))
    if len(blocks) != 1 or not blocks[0].url:
        return None
    return _item(blocks[0], context)


def _blocks(lines: Iterable[str]) -> Iterator[_Block]:
    block: _Block | None = None
    gathered: list[str] = []
    for line in (visible(line).strip() for line in lines):
        if block and not block.date and not gathered and _DATE.match(line):
            block = replace(block, date=line)
        elif found := _VIA.match(line):
            if block:
                yield block
            block = _Block(lines=tuple(gathered), name=found["name"] or "", url=found["url"])
            gathered = []
        elif gathered or (line and not _HEAD.match(line)):
            gathered.append(line)
    if block:
        yield block
    if any(gathered):
        yield _Block(lines=tuple(gathered), truncated=True)


def _apart(block: _Block) -> list[_Block]:
    at = _lost_via(block)
    if at is None:
        return [block]
    first = _Block(lines=block.lines[:at], truncated=True)
    return [first, *_apart(replace(block, lines=block.lines[at:]))]


def _lost_via(block: _Block) -> int | None:
    """Return where a second story begins in a block that lost the first one's via line."""
    for at in range(_FIRST_LINES, len(block.lines)):
        if _belongs_to_via(block, block.lines[at]) and _may_be_title(block.lines[at - 1]):
            return at - 1
    cuts = list(_cuts(block))
    # Headings look like cut lines too; the cut is where posts are cut.
    return min(cuts, key=lambda cut: abs(cut[0] - _CUT))[1] if cuts else None


def _cuts(block: _Block) -> Iterator[tuple[int, int]]:
    """Yield the size of the body up to each line that may be cut, and where the next begins."""
    size = 0
    body = 2 if block.own_url else 1
    for at in range(body, len(block.lines) - 1):
        line = block.lines[at]
        size += len(line) + 1
        is_cut = abs(size - _CUT) <= _CUT_SLACK and not line.endswith(_SENTENCE_ENDS)
        if is_cut and _may_be_title(block.lines[at + 1]):
            yield size, at + 1


def _belongs_to_via(block: _Block, line: str) -> bool:
    # An address on its own line, of the site the via line names, in the text of another site.
    is_address = bool(_ADDRESS.match(line))
    return is_address and host(line) == host(block.url) and block.site != host(block.url)


def _may_be_title(line: str) -> bool:
    starts = line[:1].isupper() or line[:1].isdigit() or line[:1] in "\"'\u201c\u2018[(\u00bf\u00a1"
    return starts and len(line) <= _LONGEST_TITLE and not line.endswith((".", ";", ","))


def _item(block: _Block, context: Context) -> Item | None:
    if not any(block.lines) or not (block.own_url or block.url):
        return None
    heading, *body = block.lines
    if block.own_url:
        body = body[1:]
    url = absolute(block.own_url or block.url, base="")
    text = "\n".join(body).strip()
    return Item(
        feed=context.feed_name,
        guid=url,
        url=url,
        title=title("" if _ADDRESS.match(heading) else heading, body=text, url=url),
        content=text,
        source=block.name or host(url),
        published=_published(block, context),
        kind=_kind(url, body),
        truncated=block.truncated,
    )


def _published(block: _Block, context: Context) -> datetime | None:
    if block.date:
        return read_date(block.date, zone=context.zone, now=context.now)
    return date_of_address(block.own_url, now=context.now)


def _kind(url: str, body: list[str]) -> Kind:
    if on_host(url, "youtube.com", "youtu.be", "vimeo.com"):
        return Kind.VIDEO
    if is_digest([line for line in body if line]):
        return Kind.DIGEST
    return Kind.ARTICLE
