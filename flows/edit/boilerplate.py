"""Lines that are in a text for every other reason than to be read: what they look like.

Rules are tables of data; a new habit of publishers is a new row.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

from flows.edit.markup import GAP, Line, LineKind
from flows.edit.sentences import count, is_whole, sentences
from flows.edit.signs import Signed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

PLATFORMS = frozenset(
    "discord twitter mastodon bluesky linkedin facebook instagram tiktok telegram slack".split()
)
# Words that name a block of links or pleas when a line consists of little else. Misspelled ones
# are known by likeness ("Sponsoships").
LABELS = PLATFORMS | frozenset(
    "sponsor sponsors sponsored sponsorship sponsorships sponsoring contact contacts connect "
    "follow socials subscribe subscription newsletter support donate donations patreon merch "
    "merchandise affiliate affiliates disclaimer advertise advertising advertisement timecodes "
    "timecode timestamps timestamp chapters channels podcast livestream livestreams streams "
    "resources links additional credits gear membership members join related hashtags tags".split()
)
_LIKELY_LABELS = tuple(label for label in LABELS if len(label) > 6)  # noqa: PLR2004 - short words are like too many others
_LIKENESS = 84

# What a sentence says that asks for something instead of telling something.
PLEAS = (
    r"consider (?:joining|subscribing|supporting|becoming)",
    r"join (?:this|the|our|my|us on) (?:youtube )?(?:channel|community|discord|slack|newsletter)",
    r"subscribe (?:to (?:our|my|the|this)|here|now|for more)",
    r"subscribe for free|reader-supported\b|receive new posts",
    r"thanks for (?:reading|watching|listening)\b|buy me a coffee",
    r"if you (?:enjoyed|liked?|found) this (?:article|post|video|episode|story|newsletter)",
    r"(?:like|share|comment),? and subscribe|don['’]t forget to (?:like|subscribe|share|follow)",
    r"hit the (?:like|bell)|ring the bell|smash (?:that|the) like",
    r"(?:check out|visit) (?:our|my|the) (?:\w+ )?(?:store|shop|merch|patreon|website|channel)",
    r"become a (?:member|patron|sponsor|subscriber|supporter)",
    r"support (?:me|us|(?:this|the) (?:channel|podcast|show)) (?:on|by|via|at)",
    r"find (?:me|us) on\b|follow (?:me|us)\b|join the (?:conversation|discussion) (?:on|in)\b",
    r"(?:interested|like) (?:in|to) spons\w+",
    r"thanks? to [^.!?]{1,80} for (?:\w+ )?sponsoring [^.!?]{0,20}(?:episode|show|stream|video)",
    r"check out (?:our|my) (?:\w+ )?(?:course|podcast|webinar)",
    r"check out our sponsors?\b|spons\w*r(?:ed|t)? by\b|brought to you by|thanks? to our spons\w+",
    r"contact (?:me|us) (?:over|on|at|via|through)\b",
    r"sign up (?:for|to) (?:our|my|the) (?:free )?(?:\w+ )?(?:course|newsletter|webinar|workshop)",
    r"this is a guest post (?:by|from)|posted (?:on .{4,30} )?by admin\b",
    r"(?:appeared|published|posted|seen) first on\b",
    r"first (?:appeared|published|posted) (?:on|at|in)",
    r"(?:was |were )?originally (?:published|posted|appeared) (?:on|at|in|by)",
    r"cross-?posted (?:from|on|at|to)\b",
    r"(?:photo|image|picture|cover|illustration)s? (?:by|from|credit|courtesy|via)\b",
    r"affiliate links?|(?:i|may|we) (?:earn|receive) [^.!?]{0,20}commission",
    r"(?:may earn|we may receive) [^.!?]{0,30}compensation",
    r"as an? [^.!?]{1,60} (?:associate|partner),? (?:i|we) (?:may )?earn",
    r"(?:use|with) (?:the )?code (?:(?!\d+\b)\S+ (?:for|to|at|and)|[a-z][a-z-]+\d|\d\d+[a-z]{2})",
    r"submitted by\s+/?u/\S+|\[link\]\s*\[comments\]",
    r"article url:|comments url:|points:\s*\d+",
    r"(?:continue|keep) reading|read (?:more|on|the (?:full|rest|whole|entire))\b|click here",
    r"view (?:this|the) (?:email|post|article) (?:in|on)|read (?:this|it) (?:online|on the web)",
    r"do you have (?:something|anything|any questions|a question|feedback)\b|let us know\b",
    r"leave a (?:comment|review)|rate us\b|wherever you get your podcasts",
    r"browser does(?: not|n['’]t) support|please enable javascript|you['’]re receiving this",
    r"(?:we|this (?:web)?site) uses? cookies|copyright (?:©|\(c\)|\d{4})|©\s?\d{4}",
    r"all rights reserved|view comments|share this (?:post|article|episode)",
)
# For folded text: a pattern that minds no case takes three times as long.
_PLEA = re.compile(r"(?<!\w)(?:" + "|".join(PLEAS) + ")")

_KINDS_OF_CODES = ("coupon", "discount", "offer", "promo", "promotion", "voucher")
_CODE = rf"(?:{'|'.join(_KINDS_OF_CODES)}) code"
_OFFER = Signed(
    re.compile(
        # At the start of a clause it is an offer, behind who gets it news.
        r"(?<!\w)(?<!\w )(?:get|save|enjoy|claim|grab) (?:an? )?(?:extra )?(?:up to )?"
        r"(?:[$€£]\d+|\d+ ?%) off\b"
        r"|\d ?% (?:off|discount)\b[^.!?]{0,60} (?:with|using) [^.!?]{0,20}code\b"
        # One code is handed out; codes, and what customers can do with a code, are told of.
        r"|(?:^|[^\w\s] ?|\b(?:and|can|just|now|or|please|simply|then|to) )"
        rf"(?:use|with|enter|apply) (?:(?:the|our|my|this) )?{_CODE}\b"
        r"(?! (?:api|box|bug|engine|feature|field|flaw|form|generator|page|system))"
        rf"|{_CODE}: ?\S"
        r"|(?:^|[^\w\s] ?|\b(?:and|you can) )try [^.!?]{1,30} free for (?:one|a|\d+) "
        r"(?:day|month|week)"
    ),
    (" off", "% discount", " free for ", *(f"{kind} code" for kind in _KINDS_OF_CODES)),
)
# What points to something and does not say it. Behind other words it is told beside the news.
_POINTER = Signed(
    re.compile(
        r"(?:^|(?<=[.!?…)] ))(?:(?:for [^.!?,;]{1,40}|also|and|as always|as usual|please),? ){0,3}"
        r"see (?:the|our|its) (?:\w+ )?"
        r"(?:announcement|changelog|documentation|manual|readme|release notes)\b[^.!?:;]{0,60}"
        r"(?:[.!]|$)"
        r"|(?:^|(?<=[.!?…)] ))a guest post (?:by|from) (?:my|our) [^.!?]{1,30}(?:[.!]|$)"
        r"|(?:^|(?<=[.!?…)] ))(?:[^.!?]{0,40}\b)?stay tuned\b[^.!?]{0,40}(?:[.!]|$)"
    ),
    ("see the ", "see our ", "see its ", "a guest post ", "stay tuned"),
)
# Who wants to be met elsewhere, in whatever spelling: "Foloow me on twiter".
_MEETING = frozenset("follow connect contact chat find join message ping reach".split())
_LIKELY_MEETING = ("follow", "connect", "contact", "message")
# "It follows me", "she contacted us": somebody tells of it.
_TOLD_OF = ("s", "ed", "ing")
_LIKENESS_OF_VERBS = 80
_SHORTEST_LIKE = 5
# So many characters before "me on" hold the clause that asks.
_BEFORE_ME = 160
_CLAUSE = re.compile(r"[.!?:;,…()–—-]+\s+|[|•·]")
_ASKED = re.compile(r"[\w']+")
# Whom a plea speaks to, and the words that make one of a clause.
_TO_YOU = frozenset("hesitate let's please sure welcome you you'd you'll you're".split())
# How a clause begins that tells somebody to do something.
_IMPERATIVES = frozenset(
    "ask be check come do don't drop feel forget get give go head hop keep leave like love make "
    "remember say send share shoot sign stay stop subscribe swing try tune visit want".split()
)
# What may stand before them, and before "follow me" itself.
_BEFORE_IMPERATIVES = frozenset(
    "a also always and any as by for free hello hi if in just kindly lastly more never news of or "
    "questions so then to updates we with".split()
)
_WHERE = Signed(
    re.compile(
        r" (?:me|us) (?:@\w|(?:on|at|in|via|over|through) (?:(?:my|our|the) (?:new )?)?(@?\w+))"
    ),
    (" me ", " us "),
)

_BAR = re.compile(r"[▬━─═▔▁_]{5,}|(?:[-=*~#_]\s?){5,}")
# A bar has so many of these; to count them costs a tenth of what looking for one does.
_SIGNS_OF_BAR = "▬━─═▔▁_-=*~#"
_FEWEST_SIGNS = 5
_ADDRESS = Signed(
    re.compile(r"(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE),
    ("://", "@", "www."),
)
_TIMECODE = re.compile(r"(?<![\d:.])\(?(\d{1,2}:\d{2}(?::\d{2})?)\)?(?![\d:])")
# "from 10:00 to 11:30", "08:00 CST": times of day.
_OF_DAY_BEFORE = re.compile(r"\b(?:at|from|to|till|until)\s+$", re.IGNORECASE)
_OF_DAY_BEHIND = re.compile(r"\s?(?:[ap]\.?m\b|UTC|GMT|[A-Z]{2,3}T\b|Uhr\b)")
# Some relays take the first "#" for a heading and eat it.
_HASHTAGS = re.compile(r"#?\w+(?:[\s,]+#\w+)+|#\w+")
_LAST_HASHTAGS = re.compile(r"(?:\s+#\w+){2,}\s*$")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

# What a page says of a piece before it begins: who wrote it, when, how long it takes to read.
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = (
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{{0,6}},? )?(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)? {_MONTH}),? \d{{4}}|\d{{4}}-\d\d-\d\d"
)
_LENGTH = r"\d{1,3}[ -]min(?:ute)?s? read|read(?:ing)?(?: time)?: \d{1,3} min(?:ute)?s?"
_SURELY = rf"(?:(?:posted |published |updated )?(?:on )?(?:{_DATE})|{_LENGTH})(?!\w)"
# A name has no full stop but that of an initial, and reaches to a bar, if it does not to a dash.
_NAMED = r"[^|·•.!?]{1,60}(?:(?<=\b\w)\.[^|·•.!?]{0,60}){0,3}"
_NAMED_TO_BAR = r"[^|·•.!?]{1,60}+(?:(?<=\b\w)\.[^|·•.!?]{0,60}+){0,3}+"
_BAR_BETWEEN, _BETWEEN = r" ?[|·•] ?", r"(?: ?[|·•] ?| [–—-] )"
# "By the end of May" names nobody, "By the Harbour team" does.
_TEAM = (
    r"(?:authors?|board|committee|community|contributors|crew|desk|editors?|folks|foundation|group"
    r"|maintainers|people|project|staff|team)"
)
_WHO = (
    r"(?:written |posted |published )?by "
    rf"(?!default\b|using\b|(?:design|the)\b(?![^|·•.!?]{{0,50}} {_TEAM}\b))"
    rf"{_NAMED}"
)
_BYLINE = Signed(
    re.compile(
        rf"(?i:(?:{_NAMED_TO_BAR}{_BAR_BETWEEN}){{1,3}}(?:{_LENGTH})(?!\w)"
        rf"|(?:(?:{_SURELY}|{_WHO}){_BETWEEN}){{1,3}}{_SURELY})"
        rf"(?i:{_BETWEEN}{_SURELY})*(?i:{_BETWEEN}{_WHO}\Z)?(?: ?[|·•–—:-](?: |\Z)| (?![a-z])|\Z)"
    ),
    ("|", "·", "•", " – ", " — ", " - "),
)

_OF_BYLINE = re.compile(rf"(?i:\b(?:by|posted|published|updated)\b|{_LENGTH}|[|·•])")

_TIMECODES_OF_A_LIST = 3
_WORDS_OF_A_LABEL = 5
_WORDS_OF_PROSE = 8


def last_chapter(text: str) -> int:
    """Return the second that the last chapter of a video begins at or ends, 0 if it tells of none.

    Chapters are three times or more in rising order, the first of them 0:00 (YouTube's own rule).
    """
    last, chapters = 0, 0
    for match in _TIMECODE.finditer(text):
        second = _seconds(match[1])
        if _OF_DAY_BEFORE.search(text, max(0, match.start() - 8), match.start()) or (
            _OF_DAY_BEHIND.match(text, match.end())
        ):
            continue
        if chapters and second == last:
            # Of "0:00 - 0:30, 0:30 - 1:10" the end of one is where the next begins.
            continue
        if chapters and second > last:
            chapters += 1
        elif chapters >= _TIMECODES_OF_A_LIST:
            break
        else:
            chapters = int(second == 0)
        last = second
    return last if chapters >= _TIMECODES_OF_A_LIST else 0


def _seconds(timecode: str) -> int:
    told = 0
    for part in timecode.split(":"):
        told = told * 60 + int(part)
    return told


def without_boilerplate(lines: Iterable[Line], *, cut_at_bar: bool) -> list[Line]:
    """Return the lines that are there to be read.

    `cut_at_bar` drops all that follows the first bar: below it, a video's description holds
    nothing but links and pleas.
    """
    kept = list(_without_bars(lines, cut=cut_at_bar))
    kept = list(_without_timecodes(kept))
    kept = list(_without_labelled(kept))
    kept = [line for old in kept if (line := _without_byline(old)) is not None]
    return [line for old in kept if (line := _without_pleas(old)) is not None]


def _without_bars(lines: Iterable[Line], *, cut: bool) -> Iterator[Line]:
    """Yield what stands between bars, unless a label between two bars says what it is."""
    seen = 0
    skipping = False
    for line in lines:
        parts = _between_bars(line.text)
        if len(parts) == 1:
            if not skipping:
                seen += count(line.text)
                yield line
            continue
        if parts[0].strip() and not skipping:
            seen += count(parts[0])
            yield replace(line, text=parts[0].strip())
        if cut and seen >= _WORDS_OF_A_LABEL:
            return
        inner = [part.strip() for part in parts[1:] if part.strip()]
        skipping = bool(inner) and _is_label(inner[0], decorated=True)
        if not skipping:
            yield GAP
            yield from (Line(text=part) for part in inner)


def _between_bars(text: str) -> list[str]:
    if sum(map(text.count, _SIGNS_OF_BAR)) < _FEWEST_SIGNS:
        return [text]
    return _BAR.split(text)


def _without_timecodes(lines: Sequence[Line]) -> Iterator[Line]:
    codes = [len(_TIMECODE.findall(line.text)) if ":" in line.text else 0 for line in lines]
    listed = sum(1 for line, found in zip(lines, codes, strict=True) if found and _is_code(line))
    for line, found in zip(lines, codes, strict=True):
        if found >= _TIMECODES_OF_A_LIST:
            before = sentences(_TIMECODE.split(line.text)[0])
            if whole := " ".join(part for part in before if is_whole(part)):
                yield replace(line, text=whole)
        elif not (found and listed >= _TIMECODES_OF_A_LIST and _is_code(line)):
            yield line


def _is_code(line: Line) -> bool:
    """Tell a line of a table of contents from prose that names a time of day."""
    match = _TIMECODE.search(line.text)
    return match is not None and (
        match.start() == 0 or match.end() == len(line.text) or not is_whole(line.text)
    )


def _without_labelled(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines but for labels, the lines under them, links and hashtags."""
    under_label = False
    for line in lines:
        if line.kind is LineKind.GAP:
            under_label = False
            yield line
        elif _is_label(line.text, decorated=line.kind is LineKind.HEADING):
            under_label = True
        elif _is_links(line.text) or _HASHTAGS.fullmatch(line.text):
            continue
        elif not under_label or _is_prose(line.text):
            under_label = False
            text = _LAST_HASHTAGS.sub("", line.text) if "#" in line.text else line.text
            yield replace(line, text=text)


def _is_prose(text: str) -> bool:
    return is_whole(text) and count(text) >= _WORDS_OF_PROSE and not _addresses(text)


def _is_label(text: str, *, decorated: bool) -> bool:
    """Tell whether the line is "Sponsors:", "👋 Contact me 👋" or "Sponsor: Zoho" and the like."""
    head, colon, rest = text.partition(":")
    if rest.startswith("//"):
        head, colon, rest = text, "", ""
    found = islice(_WORD.finditer(head), _WORDS_OF_A_LABEL + 1)
    words = [match.group().lower() for match in found]
    if not 0 < len(words) <= _WORDS_OF_A_LABEL or is_whole(head.strip()):
        return False
    named = sum(map(_names_label, words))
    if not named:
        return False
    # Four words with one of ours among them make a heading of an article as well as a label.
    strange = not head.strip()[:1].isalnum()
    if rest.strip():
        return named * 2 >= len(words) and not _is_prose(rest.strip())
    return bool(colon) or decorated or strange or named == len(words)


def _names_label(word: str) -> bool:
    return word in LABELS or (
        len(word) > 6 and _is_like(word, _LIKELY_LABELS, least=_LIKENESS)  # noqa: PLR2004 - short words are like too many others
    )


def _is_like(word: str, known: Collection[str], *, least: float) -> bool:
    """Tell whether the word is one of those known, perhaps misspelled."""
    return process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=least) is not None


def _is_links(text: str) -> bool:
    """Tell whether the line is addresses with at most a few words to each."""
    addresses = _addresses(text)
    if not addresses:
        return False
    rest = _ADDRESS.sub(" ", text)
    words = count(rest)
    return words <= 2 or (words <= 6 * addresses and not is_whole(rest.strip()))  # noqa: PLR2004 - "Slides: …"


def _addresses(text: str) -> int:
    """Return how many addresses of pages and people are in the text."""
    return len(_ADDRESS.pattern.findall(text)) if _ADDRESS.may_find(text) else 0


def _without_byline(line: Line) -> Line | None:
    """Return the line without who wrote it and when before its text, None if nothing is left."""
    if line.kind is not LineKind.PROSE:
        return line
    byline = _BYLINE.match(line.text)
    # "May 5 - June 1" alone, without a bar, is what the text is about.
    if byline is None or not _OF_BYLINE.search(byline.group()):
        return line
    text = line.text[byline.end() :]
    return Line(text=text) if text else None


def _without_pleas(line: Line) -> Line | None:
    """Return the line without the sentences that ask for something, None if nothing is left."""
    if not _is_plea(line.text):
        return line
    kept = [sentence for sentence in sentences(line.text) if not _is_plea(sentence)]
    return replace(line, text=" ".join(kept)) if kept else None


def _is_plea(text: str) -> bool:
    folded = text.casefold()
    found = _PLEA.search(folded) or _OFFER.search(folded) or _POINTER.search(folded)
    return bool(found) or _invites(folded)


def _invites(folded: str) -> bool:
    """Tell whether the text wants its writer to be followed or met on a platform."""
    if not _WHERE.may_find(folded):
        return False
    return any(
        _is_platform(where[1] or "@") and _asks(_clause_before(folded, where.start()))
        for where in _WHERE.pattern.finditer(folded)
    )


def _clause_before(folded: str, end: int) -> list[str]:
    """Return the words of a clause up to a place in the text."""
    start = max(0, end - _BEFORE_ME)
    if start and folded[start - 1].isalnum():
        # Not from the middle of a word.
        start = max(start, folded.find(" ", start, end))
    return _ASKED.findall(_CLAUSE.split(folded[start:end])[-1].replace("’", "'"))


def _asks(words: Sequence[str]) -> bool:
    """Tell whether a clause asks somebody to follow or meet, and does not tell that one did.

    It speaks to "you", or has nobody who does it: "Try it and chat with us".
    """
    verb = next((number for number, word in enumerate(words) if _is_meeting(word)), None)
    if verb is None:
        return False
    before = words[:verb]
    if not _TO_YOU.isdisjoint(before):
        return True
    first = next((word for word in before if word not in _BEFORE_IMPERATIVES), "")
    return not first or first in _IMPERATIVES


def _is_platform(name: str) -> bool:
    if name.startswith("@"):
        return True
    return len(name) >= _SHORTEST_LIKE and _is_like(name, PLATFORMS, least=_LIKENESS)


def _is_meeting(word: str) -> bool:
    if word in _MEETING:
        return True
    is_likely = len(word) >= _SHORTEST_LIKE and not word.endswith(_TOLD_OF)
    return is_likely and _is_like(word, _LIKELY_MEETING, least=_LIKENESS_OF_VERBS)
