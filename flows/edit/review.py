"""What an editor's second pair of eyes would say of an issue: of its words, not of its mail."""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urldefrag

from flows.edit.boilerplate import without_boilerplate
from flows.edit.canonical import canonical
from flows.edit.markup import Line
from flows.edit.prose import links, unlinked, words
from flows.edit.sections import NEW, is_nearly
from flows.edit.sentences import count, is_whole
from flows.models import Finding, Spot
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.edit.prose import Unlinked
    from flows.models import Entry, Issue

LONGEST_BLURB = 65
UNREAD = "E06"

# What a draft says of a group.
_COUNTED = re.compile(r"(\d{1,3}) videos")
_LAST_BRACKET = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）)$")
_NOT_HERE = {
    "a list": re.compile(r"^[ \t]*(?:[-*+]|\d{1,2}[.)])[ \t]+\S", re.MULTILINE),
    "a quotation": re.compile(r"^[ \t]*>", re.MULTILINE),
    "a heading": re.compile(r"^[ \t]*#{1,6}[ \t]", re.MULTILINE),
    "a picture": re.compile(r"(?<!\\)!\[[^\]]*\]\("),
    "a table": re.compile(r"^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*\|", re.MULTILINE),
    "a block of code": re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE),
    "HTML": re.compile(
        r"(?<!\\)</?(?:a|b|br|code|em|i|img|p|strong|u)(?:\s[^<>]*)?/?>", re.IGNORECASE
    ),
}
# A lone "- Ann" signs the intro.
_FEWEST = {"a list": 2}
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")


class Said(NamedTuple):
    """A sentence, and what of the issue it is about."""

    message: str
    spot: Spot | None = None


class Rule(NamedTuple):
    """A rule for an issue: what finds a breach, why it matters, who says so, and if it blocks."""

    id: str
    find: Callable[[Issue], Iterator[Said]]
    why: str
    source: str
    severity: str = "warn"


def review(issue: Issue, *, wrote: Issue | None = None) -> list[Finding]:
    """Return what is odd about an issue's words; some of it blocks sending.

    `wrote` is the issue as it was drafted last, if that is known.
    """
    rules = RULES if wrote is None else (*RULES, *_since(wrote))
    return [
        Finding(
            rule=rule.id,
            severity=rule.severity,
            message=said.message,
            why=rule.why,
            source=rule.source,
            spot=said.spot,
        )
        for rule in rules
        for said in rule.find(issue)
    ]


def empty(issue: Issue) -> Iterator[Said]:
    """Yield that nothing is to be sent."""
    if not issue.entries:
        yield Said("The issue has no entries; move some under a heading.")


def twice(issue: Issue) -> Iterator[Said]:
    """Yield the links that stand in the issue already."""
    told: dict[str, set[str]] = {}
    for number, entry in _own(issue):
        for url, spot in _links(entry, number):
            # Two parts of a page are two things to read.
            part = urldefrag(url).fragment
            parts = told.setdefault(canonical(url), set())
            if parts and (part in parts or "" in (part, *parts)):
                yield Said(f"{url} stands in the issue already.", spot)
            parts.add(part)
    yield from _told_in_blurbs(issue)


def _told_in_blurbs(issue: Issue) -> Iterator[Said]:
    """Yield the stories that another entry's blurb links, and that stand by themselves too."""
    owners: dict[str, Entry] = {}
    for number, entry in _own(issue):
        for url, _spot in _links(entry, number):
            owners.setdefault(canonical(url), entry)
    for number, entry in _own(issue):
        for url in links(entry.blurb):
            owner = owners.get(canonical(url), entry)
            # Another part of a page is another thing to read.
            if owner is not entry and not urldefrag(url).fragment:
                message = (
                    f"{url} stands in the blurb of {entry.title!r} and in the issue by itself."
                )
                yield Said(message, _in_blurb(number, entry, url))


def _links(entry: Entry, number: int) -> Iterator[tuple[str, Spot]]:
    if entry.url:
        yield entry.url, Spot(number)
    for nth, link in enumerate(entry.links):
        yield link.url, Spot(number, "link", nth)


def long_blurbs(issue: Issue) -> Iterator[Said]:
    """Yield the blurbs that nobody reads in passing."""
    for number, entry in _own(issue):
        if (length := count(words(entry.blurb))) > LONGEST_BLURB:
            message = f"The blurb of {entry.title!r} has {length} words; cut it to {LONGEST_BLURB}."
            yield Said(message, _end_of_blurb(number))


def cut_blurbs(issue: Issue) -> Iterator[Said]:
    """Yield the blurbs that do not end where a sentence does."""
    for number, entry in _own(issue):
        told = words(entry.blurb).strip()
        # "Done. (via Bob)" ends before its bracket.
        if told and not (is_whole(told) or is_whole(_LAST_BRACKET.sub("", told))):
            message = f"The blurb of {entry.title!r} ends in mid-sentence."
            yield Said(message, _end_of_blurb(number))


def boilerplate(issue: Issue) -> Iterator[Said]:
    """Yield the blurbs that ask instead of telling."""
    for number, entry in _own(issue):
        told = words(entry.blurb).split("\n")
        lines = [Line(text=line) for line in told if line.strip()]
        if without_boilerplate(lines, cut_at_bar=False) != lines:
            message = f"The blurb of {entry.title!r} has what publishers put under everything."
            yield Said(message, _end_of_blurb(number))


def nearly_new(issue: Issue) -> Iterator[Said]:
    """Yield that a heading is nearly that of the stories which are new, and those are not sent."""
    first = 0
    for section in issue.sections:
        if is_nearly(section.name, NEW):
            message = f'What stands under "{section.name}" is sent; under "{NEW}" it would not be.'
            yield Said(message, Spot(first) if section.entries else None)
        first += len(section.entries)


def left_out_once(issue: Issue) -> Iterator[Said]:
    """Yield what was left out once and is sent, if nothing is left over now.

    A short list that lost its heading looks like that, and like what an editor took in.
    """
    if issue.left_over:
        return
    for number, entry in enumerate(issue.entries):
        if _noted(entry, "left out: "):
            message = (
                f"{entry.title!r} had been left out, and is sent now; delete that comment if so."
            )
            yield Said(message, Spot(number))


def flagged(issue: Issue) -> Iterator[Said]:
    """Yield what a draft asked its editor to look at, and nobody has taken out yet."""
    for number, entry in enumerate(issue.entries):
        for nth, told in _noted(entry, "check: "):
            message = f"{entry.title!r}: {told}; delete the comment once you have looked."
            yield Said(message, Spot(number, "note", nth))


def _noted(entry: Entry, kind: str) -> list[tuple[int, str]]:
    """Return the notes of a kind, numbered, without what tells the kind."""
    return [
        (nth, note.removeprefix(kind))
        for nth, note in enumerate(entry.notes)
        if note.startswith(kind)
    ]


def unknown_markdown(issue: Issue) -> Iterator[Said]:
    """Yield what is more Markdown than an intro or a blurb may have."""
    texts: list[tuple[str, str, Spot | None]] = [("The intro", issue.intro, None)]
    texts += [
        (f"The blurb of {entry.title!r}", entry.blurb, Spot(number, "blurb"))
        for number, entry in _own(issue)
    ]
    for where, text, spot in texts:
        plain = _CODE.sub("", text)
        for what, pattern in _NOT_HERE.items():
            found = list(islice(pattern.finditer(plain), _FEWEST.get(what, 1)))
            if len(found) == _FEWEST.get(what, 1):
                line = plain.count("\n", 0, found[0].start())
                told = f"{where} has {what}, and readers get it as it is written."
                yield Said(told, spot and spot._replace(line=line))


def gone(issue: Issue, *, wrote: Issue) -> Iterator[Said]:
    """Yield that the subject is the draft's, and names a story that was taken out since."""
    named = re.split(rf"(?:^#| ){issue.number}: ", issue.subject, maxsplit=1)[1:]
    if not named or issue.subject != wrote.subject:
        return
    lead = named[0].removesuffix("…")
    if not any(entry.title.startswith(lead) for entry in issue.entries):
        yield Said(
            f"The subject names {lead!r}, which is not in the issue; write another, or let "
            "newsletter draft do it."
        )


def gone_from_preheader(issue: Issue, *, wrote: Issue) -> Iterator[Said]:
    """Yield the stories that the draft's preheader names, and that were taken out since."""
    if issue.preheader != wrote.preheader:
        return
    drafted = list(dict.fromkeys(entry.title for entry in wrote.entries))
    standing = {entry.title for entry in issue.entries}
    # Which an editor may have made longer.
    own = standing.difference(drafted)
    line = f" · {issue.preheader} · "
    last = issue.preheader.rpartition(" · ")[2]
    # Only the last may be cut.
    is_cut = bool(last) and last not in drafted
    for title in drafted:
        is_named = f" · {title} · " in line or (is_cut and title.startswith(last))
        if is_named and title not in standing and not any(one.startswith(title) for one in own):
            yield Said(
                f"The preheader names {title!r}, which is not in the issue; write another, or let "
                "newsletter draft do it."
            )


def redated(issue: Issue, *, wrote: Issue) -> Iterator[Said]:
    """Yield that the issue's day is not the one it was drafted for."""
    if issue.date != wrote.date:
        yield Said(
            f"The date is {issue.date}, and the issue was drafted for {wrote.date}; slots of that "
            "day are not looked for."
        )


def waiting(issue: Issue) -> Iterator[Said]:
    """Yield how much is new and under no heading."""
    if issue.new:
        stories = counted(len(issue.new), "story stands", "stories stand")
        yield Said(f'{stories} under "New since the draft" and will not be sent.')


def unread(issue: Issue) -> Iterator[Said]:
    """Yield the blurbs that a program wrote and nobody has taken for their own yet."""
    for number, entry in enumerate(issue.entries):
        for nth, _note in _noted(entry, "draft: ")[:1]:
            message = f"The blurb of {entry.title!r} was written by a program; read it."
            yield Said(message, Spot(number, "note", nth))


def miscounted(issue: Issue) -> Iterator[Said]:
    """Yield the groups that say another number of videos than they list."""
    for number, entry in enumerate(issue.entries):
        told = _COUNTED.fullmatch(entry.detail)
        if told and int(told[1]) != len(entry.links):
            message = f"{entry.title!r} says {entry.detail} and lists {len(entry.links)}."
            yield Said(message, Spot(number))


def broken_addresses(issue: Issue) -> Iterator[Said]:
    """Yield what was meant for a link to a page and goes out with its brackets, sponsors' too."""
    yield from (said for said, is_address in _unlinked(issue) if is_address)


def linked_sources(issue: Issue) -> Iterator[Said]:
    """Yield the source lines with a link in them, which go out with its brackets."""
    for number, entry in enumerate(issue.entries):
        named = f"{entry.source} {entry.detail}"
        if "](" in named and links(named):
            told = f"{entry.title!r} has the source {entry.source!r}, and no link can stand in one"
            yield Said(
                f"{told}; put it into the blurb, or give it a line of its own.", Spot(number)
            )


def broken_links(issue: Issue) -> Iterator[Said]:
    """Yield what looks like a link, names no page, and goes out as it is written."""
    yield from (said for said, is_address in _unlinked(issue) if not is_address)


def _unlinked(issue: Issue) -> Iterator[tuple[Said, bool]]:
    for found in unlinked(issue.intro):
        yield Said(_no_link(found)), found.is_address
    for number, entry in enumerate(issue.entries):
        for found in unlinked(entry.blurb):
            spot = _in_blurb(number, entry, found.written)
            yield Said(_no_link(found), spot), found.is_address


def _no_link(found: Unlinked) -> str:
    return f"{found.written!r} is no link: {found.why}."


def _own(issue: Issue) -> list[tuple[int, Entry]]:
    """Return the entries whose words are ours, numbered: a sponsor's stay as they are."""
    return [(number, entry) for number, entry in enumerate(issue.entries) if not entry.sponsor]


def _in_blurb(number: int, entry: Entry, written: str) -> Spot:
    """Return the line of a blurb in which something is written, its first if none is known."""
    lines = entry.blurb.split("\n")
    return Spot(number, "blurb", next((n for n, line in enumerate(lines) if written in line), 0))


def _end_of_blurb(number: int) -> Spot:
    return Spot(number, "blurb", -1)


RULES = (
    Rule("E01", twice, "readers notice, and wonder", "newsletter craft"),
    Rule("E02", long_blurbs, "readers scan and pick", "newsletter craft"),
    Rule("E03", cut_blurbs, "it reads as a mistake", "newsletter craft"),
    Rule("E04", boilerplate, "nobody reads a newsletter for its links", "newsletter craft"),
    Rule(UNREAD, unread, "what goes out in your name is yours", "the issue file"),
    Rule("E05", waiting, "only what stands under a heading is sent", "the issue file"),
    Rule("E08", miscounted, "readers count, and look for the others", "the issue file"),
    Rule("E10", nearly_new, "it was not meant for readers", "the issue file"),
    Rule("E10", left_out_once, "it was not meant for readers", "the issue file"),
    Rule("E11", unknown_markdown, "a mail's text is paragraphs", "the issue file"),
    Rule("E12", flagged, "the draft was not sure", "the issue file"),
    Rule("E09", broken_addresses, "readers cannot follow it", "CommonMark", "error"),
    Rule("E09", linked_sources, "readers see the brackets", "the issue file", "error"),
    Rule("E09", broken_links, "readers see the brackets", "CommonMark"),
    Rule("E07", empty, "a mail with nothing in it is nobody's news", "the issue file", "error"),
)


def _since(wrote: Issue) -> tuple[Rule, ...]:
    """Return the rules for what was edited since the draft."""
    slots, why = "slots are sold by the day", "readers look for it"
    return (
        Rule("E13", partial(gone, wrote=wrote), why, "the issue file"),
        Rule("E16", partial(gone_from_preheader, wrote=wrote), why, "the issue file"),
        Rule("E14", partial(redated, wrote=wrote), slots, "[[sponsors]] in the settings"),
    )
