"""Stories as lines of the issue: title, source, reading time, blurb, and notes for the editor."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from itertools import chain, repeat
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.edit import blurb as blurbs
from flows.edit import clean, cut_titles, markdown
from flows.edit.boilerplate import last_chapter
from flows.edit.characters import one_line, visible
from flows.edit.headline import marked_cut
from flows.edit.issue_lines import may_be_linked
from flows.edit.quotations import quoted
from flows.edit.repositories import is_repository, licence
from flows.edit.rules import REPOSITORY
from flows.edit.sentences import count, each_sentence, folded_words, is_cut, is_whole
from flows.edit.tracking import is_tracking
from flows.edit.workshop import host, repeated, shown_feed, shown_source, site
from flows.models import Entry, Kind, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.edit.republished import Republication
    from flows.edit.sections import Candidate
    from flows.edit.workshop import Workshop
    from flows.models import Item, Story

WORDS_A_MINUTE = 220

_LONGEST_MADE_TITLE = 80
# In so much of a text stands what a title begins with.
_LONGEST_BEGINNING = 2_000
# A shorter text is a teaser or a description; how long the article is, it does not say.
_LEAST_READ = 150
_LONGEST_TEASER = 500
_LONGEST_READ = 400_000

VIDEO = "video"
_KIND_DETAILS = {Kind.VIDEO: VIDEO, Kind.PODCAST: "podcast", Kind.RELEASE: "release"}

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s*\d{{0,4}}"
    rf"|\d{{1,2}}\.?\s+{_MONTH}\s*\d{{0,4}}|{_MONTH}\s+\d{{4}}|\d{{4}}-\d\d(?:-\d\d)?)"
)
# Titles that say nothing without their source in front.
_GENERIC = re.compile(
    rf"(?:week(?:ly)? (?:ending|of|in review|notes?)\b.*|this (?:week|month)\b.{{0,25}}"
    rf"|weekly (?:update|digest|roundup|recap|links|news)\b.{{0,25}}|(?:news|links?)(?: roundup)?"
    rf"|(?:monthly|daily) (?:update|digest|roundup|recap)\b.{{0,25}}"
    rf"|(?:issue|edition|episode|ep\.?|newsletter|vol(?:ume)?\.?|#|no\.?)\s*#?\d+\.?"
    rf"|(?:release\s+)?v?\d+(?:\.\d+)+\S{{0,12}}|{_DATE})",
    re.IGNORECASE,
)
# What GitHub calls the feed of a repository's releases.
_RELEASES_OF = re.compile(r"^release notes from (?=\S)", re.IGNORECASE)
_DOTS = re.compile(r"\s*(?:\.\.\.|…)")
_SPACE = re.compile(r"\s")
_SMALL_WORDS = frozenset("a an and at by for from in of on the to with".split())
_INITIALS_FROM = 3
_LONG_NAME = 20

_PAID_TITLE = re.compile(
    r"\W*(?:(?:sponsored|promoted|paid) (?:post|content|article)|sponsored|advertorial"
    r"|advertisement)(?:\s*[\]:|]| [–—-] )|\[sponsor\]"
    r"|deals:|deal of the \w+:|deal:(?!.* [bm]illion)(?=.*(?:[$€£]|%|percent|\bfree\b|\boff\b))",
    re.IGNORECASE,
)
_MONTH_OF_ADDRESS = re.compile(r"/((?:19|20)\d\d)/(0?[1-9]|1[0-2])(?=/|$)")
# A planet that hands on an old post, or a page that was touched again, is dated anew.
_MONTHS_APART = 6
_PAID = re.compile(
    r"\bthanks? to .{1,80} for (?:once again |again )?sponsoring\b(?! (?:me|my|us)\b)"
    r"|\b(?:post|article|story|content) (?:is|was|has been) (?:sponsored|paid for) by\b"
    r"|\b(?:this is|here is|following is) a (?:sponsored|paid) (?:post|article|story)\b",
    re.IGNORECASE,
)

_SUBJECT_AND_REST = re.compile(r"(.+?)\s+[-–—|]\s+(.+)")
_EMPTY_WORDS = frozenset(
    "a an and any are as ask at be best by can can't cannot could do does for from get good have "
    "how i i'll in into is it its just like me more most my need new not of on one or other our "
    "out should so some than that the their them there these they things this those to up us use "
    "used using was we we'll were what when where which who why will with would you your "
    "anything episode everything nothing part series something video".split()
)
_RESTATED = 0.6
_LEAST_COMPARED = 3
# Fewer that make no sentence name a venue or a person, which no title does.
_LEAST_TOLD = 5


def entry(
    candidate: Candidate, shop: Workshop, *, reason: str = "", with_blurb: bool = True
) -> Entry:
    """Return the entry of a story or a group; `reason` says why it is left out."""
    if candidate.name:
        return _group(candidate, shop, reason)
    story = candidate.stories[0]
    item = story.lead
    name = title(item)
    chosen = blurbs.Blurb()
    if with_blurb:
        chosen = blurbs.blurb(item, title=clean_title(item), repeated=repeated(item, shop))
    alternatives = chosen.alternatives
    if with_blurb and not chosen.text:
        alternatives = (*alternatives, *_told_by_others(story, shop))
    notes = [f"or: {markdown.escape(other)}" for other in alternatives]
    if with_blurb:
        notes += _flags(story, shop)
    return Entry(
        title=name,
        url=address(item.url),
        source=shown_source(item),
        detail=detail(item) if with_blurb else _KIND_DETAILS.get(item.kind, ""),
        blurb=markdown.escape(chosen.text),
        notes=(*notes, *_reasons(candidate, shop, reason)),
    )


def _told_by_others(story: Story, shop: Workshop) -> Iterator[str]:
    """Yield what the first that tells more of a story than the leading item says of it, if any.

    It is quoted: whose page it is may see it otherwise.
    """
    name = clean_title(story.lead)
    for other in story.others:
        if text := blurbs.blurb(other, title=name, repeated=repeated(other, shop)).text:
            yield quoted(text, by=shown_source(other))
            return


def _group(candidate: Candidate, shop: Workshop, reason: str) -> Entry:
    items = [story.lead for story in candidate.stories]
    flags = [flag for story in candidate.stories for flag in _flags(story, shop, named=True)]
    return Entry(
        title=candidate.name,
        source=site(items[0]) or shown_source(items[0]),
        detail=f"{len(items)} videos",
        links=tuple(Link(title=title(item), url=address(item.url)) for item in items),
        # Two of a name say the same of each other.
        notes=(*dict.fromkeys(flags), *_reasons(candidate, shop, reason)),
    )


def left_out(story: Story, reason: str) -> Entry:
    """Return the bare entry of a story that was never a candidate, with the reason."""
    item = story.lead
    return Entry(
        title=title(item),
        url=address(item.url),
        source=shown_source(item),
        notes=(f"left out: {one_line(reason) or 'it ran before'}",),
    )


def handed_out_again(archive: Republication) -> Entry:
    """Return the one line for all the old stories that a feed handed out again."""
    feed = one_line(archive.feed) or "a feed"
    return Entry(
        title=f"{len(archive.stories)} old stories from {feed}",
        notes=(f"left out: {one_line(archive.sentence)}",),
    )


@lru_cache(maxsize=8192)
def address(url: str) -> str:
    """Return an address fit to be linked, without tracking; empty if it is no web address."""
    plain = _SPACE.sub("%20", visible(url.strip()))
    if not may_be_linked(plain):
        return ""
    if "?" not in plain:
        return plain
    before, _, rest = plain.partition("?")
    query, hash_sign, fragment = rest.partition("#")
    name = urlsplit(plain).hostname or ""
    kept = [pair for pair in query.split("&") if not _tracks(pair, name)]
    return before + ("?" if kept else "") + "&".join(kept) + hash_sign + fragment


def _tracks(pair: str, name: str) -> bool:
    key, _, value = pair.partition("=")
    return is_tracking(key, value, host=name.removeprefix("www."))


def clean_title(item: Item) -> str:
    """Return the item's own title as shown, made from its text or address if it has none."""
    own = item.source or item.feed
    if name := clean.title(item.title, source=own, host=host(item.url)):
        # What stood behind it was taken off.
        is_dotted = _DOTS.match(item.title.rpartition(name)[2])
        return cut_titles.marked(name, texts=_beginnings(item)) if is_dotted else name
    told = one_line(clean.text_of(item.content or item.summary))
    return marked_cut(told, _LONGEST_MADE_TITLE) or host(item.url) or "Untitled"


def _beginnings(item: Item) -> Iterator[str]:
    for text in (item.content, item.summary):
        yield clean.text_of(clean.beginning(text, most=_LONGEST_BEGINNING))


def title(item: Item) -> str:
    """Return the title as shown; one that means nothing by itself has its source in front."""
    name = clean_title(item)
    if not _GENERIC.fullmatch(name):
        return name
    source = _RELEASES_OF.sub("", shown_source(item))
    if name.casefold().startswith(source.casefold()):
        return name
    short = _initials(source)
    if name.casefold().startswith(f"{short} ".casefold()):
        return name
    return f"{short}: {name}"


def _initials(source: str) -> str:
    """Return the initials of a long name of three words and more, else the name.

    Of what is written small there are none: "notes from the harbour" is known by no "NFTH".
    """
    words = [word for word in source.split() if word.lower() not in _SMALL_WORDS]
    is_name = not any(word[0].islower() for word in words)
    if len(words) < _INITIALS_FROM or len(source) <= _LONG_NAME or not is_name:
        return source
    initials = "".join(word[0] for word in words)
    return initials.upper() if initials.isalnum() else source


def detail(item: Item) -> str:
    """Return what stands behind the source: "5 min", "6+ min" of a cut text, "video", or "".

    Of a repository its licence, if its description names one; of a video how long it is at least,
    if its description lists chapters.
    """
    text = max(item.content, item.summary, key=len)[:_LONGEST_READ]
    if item.kind is Kind.VIDEO and (minutes := last_chapter(text) // 60):
        return f"{VIDEO}, {minutes}+ min"
    if known := _KIND_DETAILS.get(item.kind):
        return known
    if is_repository(item.url):
        # How long its readme takes to read is nobody's question.
        return licence(clean.text_of(text)) or REPOSITORY
    plain = clean.text_of(text)
    words = count(plain)
    if words < _LEAST_READ:
        return ""
    minutes = max(1, round(words / WORDS_A_MINUTE))
    is_teaser = words < _LONGEST_TEASER and is_cut(plain.rstrip("])"))
    return f"{minutes}+ min" if item.truncated or is_teaser else f"{minutes} min"


def _reasons(candidate: Candidate, shop: Workshop, reason: str) -> list[str]:
    notes = [f"left out: {one_line(reason)}"] if reason else []
    return [*notes, f"why: {why(candidate, shop)}"]


def why(candidate: Candidate, shop: Workshop) -> str:
    """Return why a candidate stands where it stands: who told it, its score, and what placed it."""
    placed = f"; {candidate.section}: {candidate.because}" if candidate.because else ""
    return f"{_told_by(candidate.stories[0], shop)}; {candidate.score.reason}{one_line(placed)}"


def _told_by(story: Story, shop: Workshop) -> str:
    item = story.lead
    source, feed = shown_source(item), one_line(item.feed)
    when = _day(item.published.date(), shop.year) if item.published else "no date"
    parts = [f"{source}, {when}"]
    # A feed without a name goes by its address, which tells an editor nothing.
    if feed and feed != source and not may_be_linked(feed):
        parts.append(f"by way of {feed}")
    if told := _also_in(story, feed):
        parts.append(f"also in {', '.join(told)}")
    return "; ".join(parts)


@lru_cache(maxsize=64)
def _day(day: date, year: int) -> str:
    return f"{day.day} {day:%b}" if day.year == year else f"{day.day} {day:%b %Y}"


def _also_in(story: Story, feed: str) -> list[str]:
    """Return the other feeds that tell the story, each with why it is held to be the same."""
    told: dict[str, str] = {}
    reasons = chain(story.reasons, repeat(""))
    for other, reason in zip(story.others, reasons, strict=False):
        name = one_line(other.feed)
        if not name or name == feed:
            continue
        name = shown_feed(other)
        told.setdefault(name, f"{name} ({one_line(reason)})" if reason else name)
    return list(told.values())


def _flags(story: Story, shop: Workshop, *, named: bool = False) -> list[str]:
    item = story.lead
    name = clean_title(item)
    flags = []
    if item.kind is Kind.VIDEO and mislabelled(item, clean.body(item, repeated(item, shop))):
        subject = f'"{name}": its' if named else "the"
        flags.append(f"check: {subject} title and text are about different things")
    if paid_for(item):
        flags.append("check: it reads as if somebody paid for it")
    subject = f'"{name}" ' if named else ""
    if since := _of_old(item):
        flags.append(f"check: {subject}may be old: its address is of {since}")
    flags += [f"check: {subject}{told}" for told in map(one_line, story.likely) if told]
    return flags


def _of_old(item: Item) -> str:
    """Return the month in an item's address, "" unless it is long before the item's own date."""
    month = _MONTH_OF_ADDRESS.search(re.split(r"[?#]", item.url, maxsplit=1)[0])
    if month is None or item.published is None:
        return ""
    since = date(int(month[1]), int(month[2]), 1)
    apart = (item.published.year - since.year) * 12 + item.published.month - since.month
    return f"{since:%B %Y}" if apart > _MONTHS_APART else ""


def paid_for(item: Item) -> bool:
    """Tell whether an article says of itself that it is an advertisement, at its very beginning.

    An episode that names its sponsor is none.
    """
    if item.kind is not Kind.ARTICLE:
        return False
    if _PAID_TITLE.match(item.title):
        return True
    text = clean.text_of(clean.beginning(max(item.content, item.summary, key=len)))
    return bool(_PAID.search(next(each_sentence(text), "")))


def mislabelled(item: Item, body: list[str]) -> bool:
    """Tell whether an upload's title and text disagree: no word that means something in common.

    "Topic - the question" is judged by its topic where the text asks the question again.
    """
    told = _meaning(" ".join(body))
    name = clean_title(item)
    is_venue = len(told) < _LEAST_TOLD and not any(map(is_whole, body))
    if len(told) < _LEAST_COMPARED or is_venue or not _meaning(name):
        return False
    if not _meets(_meaning(name), told):
        return True
    parts = _SUBJECT_AND_REST.fullmatch(name)
    if parts is None:
        return False
    topic, rest = _meaning(parts[1]), _meaning(parts[2])
    restated = len(rest & told) >= _RESTATED * len(rest) and len(rest) >= _LEAST_COMPARED
    return restated and bool(topic) and not _meets(topic, told)


def _meaning(text: str) -> set[str]:
    """Return the words that mean something, without their plural's "s"; figures mean nothing."""
    words = (word for word in folded_words(text) if word not in _EMPTY_WORDS)
    return {word.rstrip("s") or word for word in words if word.isalpha() or not word.isascii()}


def _meets(one: set[str], other: set[str]) -> bool:
    """Tell whether two sets of words share one, or the stem of one."""
    if one & other:
        return True
    stems = {word[:5] for word in one if len(word) >= 5}  # noqa: PLR2004 - shorter stems say little
    return any(word[:5] in stems for word in other if len(word) >= 5)  # noqa: PLR2004
