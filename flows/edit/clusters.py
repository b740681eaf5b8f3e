"""Joins what is certainly one story: first items at one address, then pages that tell the same.

No chains: a page joins a story only if it is certainly the same as one of its pages and does not
contradict the page that leads it. Leading pages are never certainly the same as each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.edit import addresses, titles
from flows.edit.likeness import Judgement, Reading, Verdict, judge
from flows.edit.readings import Commons, Member

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What bounds the work: how many look-alikes of a page are compared, how many a key may name.
MOST_COMPARED = 8
MOST_OF_KEY = 40
# How many titles of one page are kept for comparing.
MOST_READINGS = 4
MOST_PAGES_OF_ADDRESS = 8
# A story of more pages takes another only if that is the same as its lead.
MOST_PAGES = 12
SKETCH = 4


@dataclass(slots=True)
class Page:
    """Items at one address, the leading one first, each with the reason it is here."""

    members: list[Member]
    reasons: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def add(self, member: Member, reason: str) -> None:
        """Take in a member; its reading counts if it says something new."""
        self.members.append(member)
        self.reasons.append(reason)
        _learn(self.readings, member.reading)


@dataclass(slots=True)
class Cluster:
    """Pages that tell one story, the leading one first, each with the reason it is here."""

    pages: list[Page]
    reasons: list[str] = field(default_factory=list)

    @property
    def lead(self) -> Member:
        """The member that leads the story."""
        return self.pages[0].members[0]

    def members(self) -> list[tuple[Member, str]]:
        """Return all members but the lead, each with its reason."""
        if len(self.pages) == len(self.pages[0].members) == 1:
            return []
        found = []
        for index, page in enumerate(self.pages):
            reason = self.reasons[index - 1] if index else ""
            own = [reason, *(reason or its for its in page.reasons)]
            found += list(zip(page.members, own, strict=True))
        return found[1:]


def cluster(members: Sequence[Member]) -> list[Cluster]:
    """Return the stories that members tell; `members` stand in the order in which they lead."""
    commons = Commons(members)
    pages = _pages(members)
    joiner = _Joiner(commons)
    for page in pages:
        joiner.add(page)
    return joiner.clusters


def keys_of(reading: Reading) -> list[object]:
    """Return the names under which a page may be found by its look-alikes, each once."""
    title, address = reading.title, reading.address
    # "Ropes | Ropes" has two parts of one name.
    told = {title.key, *(part.key for part in title.parts)}
    keys: list[object] = [("title", key) for key in told if key]
    if reading.guid:
        keys.append(("guid", reading.feed, reading.guid))
    if address.medium:
        keys.append(("medium", address.medium))
    if address.project:
        keys.append(("project", address.project))
    if address.url and not address.is_front:
        keys.append(("page", address.loose))
    slug = "".join(addresses.named(address.slug))
    if slug:
        keys.append(("slug", address.site, slug))
    return keys or [("nothing", reading.feed)]


def _learn(readings: list[Reading], reading: Reading) -> None:
    if len(readings) >= MOST_READINGS:
        return
    if all(
        reading.title.key != known.title.key or _adds_text(reading, known) for known in readings
    ):
        readings.append(reading)


def _adds_text(reading: Reading, known: Reading) -> bool:
    return bool(reading.text) and not known.text


def _pages(members: Iterable[Member]) -> list[Page]:
    by_address: dict[str, list[Page]] = {}
    exact: dict[tuple[str, str], Page] = {}
    pages: list[Page] = []
    for member in members:
        url, key = member.reading.address.url, member.reading.title.key
        if url and _join_page(member, exact.get((url, key)), by_address.setdefault(url, [])):
            continue
        page = Page(members=[member], readings=[member.reading])
        pages.append(page)
        if url:
            by_address[url].append(page)
            exact.setdefault((url, key), page)
    return pages


def _join_page(member: Member, likeliest: Page | None, others: list[Page]) -> bool:
    candidates = [likeliest] if likeliest else []
    candidates += others[:MOST_PAGES_OF_ADDRESS]
    for page in candidates:
        judgement = judge(page.readings[0], member.reading)
        if judgement:
            page.add(member, judgement.reason)
            return True
    return False


class _Joiner:
    """Takes pages in the order in which they lead, and puts each to its story."""

    def __init__(self, commons: Commons) -> None:
        self.clusters: list[Cluster] = []
        self._commons = commons
        self._pages: list[tuple[Page, Cluster]] = []
        # Hashes instead of keys, and no list for the many that name one page: it is this index
        # that a large archive needs memory for. A clash costs one comparison.
        self._index: dict[int, int | list[int]] = {}

    def add(self, page: Page) -> None:
        keys = self._keys(page)
        found = self._find(page, keys)
        if found is None:
            cluster = Cluster(pages=[page])
            self.clusters.append(cluster)
        else:
            cluster, reason = found
            cluster.pages.append(page)
            cluster.reasons.append(reason)
        self._remember(page, cluster, keys)

    def _keys(self, page: Page) -> list[int]:
        keys = {hash(key) for reading in page.readings for key in keys_of(reading)}
        for reading in page.readings:
            rare = self._commons.rare(reading.text, most=SKETCH)
            keys.update(hash(("text", value)) for value in rare)
        return list(keys)

    def _find(self, page: Page, keys: list[int]) -> tuple[Cluster, str] | None:
        for index in self._candidates(keys):
            other, cluster = self._pages[index]
            judgement = _judge_pages(other, page)
            if judgement and _fits(cluster, other, page):
                return cluster, judgement.reason
        return None

    def _candidates(self, keys: list[int]) -> list[int]:
        """Return the pages that share most keys; a key that few share counts for more."""
        shared: dict[int, float] = {}
        for key in keys:
            found = self._index.get(key)
            if found is None:
                continue
            named = (found,) if isinstance(found, int) else found
            for index in named:
                shared[index] = shared.get(index, 0.0) + 1 / len(named)
        ranked = sorted(shared.items(), key=lambda pair: (-round(pair[1], 6), pair[0]))
        return [index for index, _ in ranked[:MOST_COMPARED]]

    def _remember(self, page: Page, cluster: Cluster, keys: list[int]) -> None:
        index = len(self._pages)
        self._pages.append((page, cluster))
        for key in keys:
            found = self._index.get(key)
            if found is None:
                self._index[key] = index
            elif isinstance(found, int):
                self._index[key] = [found, index]
            elif len(found) < MOST_OF_KEY:
                found.append(index)


def _judge_pages(one: Page, other: Page) -> Judgement:
    """Return the surest judgement of any two titles of two pages."""
    best = judge(one.readings[0], other.readings[0])
    if best or (len(one.readings) == 1 and len(other.readings) == 1):
        return best
    for mine in one.readings:
        for yours in other.readings:
            judgement = judge(mine, yours)
            if judgement.verdict > best.verdict:
                best = judgement
    return best


def _fits(cluster: Cluster, joined: Page, page: Page) -> bool:
    """Return whether a page agrees with the one that leads the story it would join."""
    lead = cluster.pages[0]
    if joined is lead:
        return True
    if len(cluster.pages) >= MOST_PAGES:
        return bool(_judge_pages(lead, page))
    if titles.differ_in_number(lead.readings[0].title, page.readings[0].title):
        return False
    verdict = _judge_pages(lead, page).verdict
    one_site = lead.readings[0].address.site == page.readings[0].address.site != ""
    return verdict > Verdict.DIFFERENT or not one_site
