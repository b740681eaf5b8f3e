"""Reads titles as an editor does: words that mean something, and numbers that tell parts apart."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from sys import intern

from flows.edit.signs import Signed

# A title longer than this is a text; what tells two apart stands before.
LONGEST = 600

# Words without a meaning of their own; a title is not told by them.
STOPWORDS = frozenset(
    "a an and are as at be been but by can could do does for from had has have he her here "
    "his how i if in into is it its just let lets me more my no of off on or our out over s "
    "so some t than that the their them then there these they this those to too up us versus vs "
    "was we were what when where which who why will with would you your".split()
)
# Words that many titles have: they count half.
GENERIC = frozenset(
    "about all announce announced announces announcing article available basics beginner "
    "beginners best blog case common complete conclusion contact course day days demo digest "
    "edition episode event events faq first free full getting good great guide help home "
    "index info interview intro introducing introduction issue job jobs latest launch learn "
    "lessons links list live meetup monthly new news newsletter next note notes now official "
    "open overview page part podcast post posts practices preview project question questions "
    "quick read release released releases report reports results review roundup search series "
    "show source start started state status stories story summary survey talk talks thread "
    "tips today top tutorial update updates using version video videos watch way week weekly "
    "welcome work works year years".split()
)
# Words that stand for numbers.
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
}
# "The one …" counts nothing.
_NO_NUMBER = "one"
_ORDINALS = {
    word: str(number)
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(),
        start=1,
    )
}
_MONTHS = {
    name: f"month {number}"
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|"
        "september sept sep|october oct|november nov|december dec".split("|"),
        start=1,
    )
    for name in names.split()
}
# Months that are also words; they are months beside a number only.
_AMBIGUOUS_MONTHS = frozenset({"may", "march", "mar", "jun", "jan", "dec", "sep", "oct"})
# Words after which a roman numeral or a number word counts a part.
_PART_WORDS = frozenset(
    "part pt episode ep chapter lesson day week issue volume vol no number round season section "
    "step act book level phase module edition iteration installment lecture session".split()
)
_ROMANS = {
    tens + ones: str(number)
    for number, (tens, ones) in enumerate(
        product(("", "x", "xx", "xxx"), ("", *"i ii iii iv v vi vii viii ix".split()))
    )
    if number
}
# Stages of one version: 1.8, 1.8 beta 1 and 1.8 rc 1 are three releases.
_STAGES = {
    "alpha": "alpha",
    "beta": "beta",
    "rc": "rc",
    "ga": "ga",
    "preview": "preview",
    "stable": "stable",
    "final": "stable",
    "nightly": "nightly",
    "lts": "lts",
}
# The words that may count; all others need no second look.
_WORDS_THAT_COUNT = frozenset((*_NUMBER_WORDS, *_ORDINALS, *_ROMANS, *_MONTHS, *_STAGES))
_STAGED = re.compile(r"^(\d+(?:\.\d+)*)[.-]?(alpha|beta|rc|a|b)\.?(\d*)$")
_STAGE_NUMBER = re.compile(r"^(alpha|beta|rc)(\d+)$")
_LETTERED = {"a": "alpha", "b": "beta"}

# What stands where a title should: a wall, a check, an error. All pages of a site share it.
_WALL = Signed(
    re.compile(
        r"\bare you a robot\b|\bsubscription required\b|\bsubscribe to (?:read|continue)\b"
        r"|^(?:access|permission) denied\b|^just a moment\b|^attention required!"
        r"|^access to this page has been denied|^before you continue to \w+$|^robot check$"
        r"|^(?:checking|verifying) your browser\b|^pardon our interruption|^one moment, please"
        r"|^(?:error )?(?:40[0134]|50[0234])?:? ?-? ?(?:(?:page |file |site )?not found|forbidden"
        r"|unauthorized|bad gateway|internal server error|service unavailable)"
        # The name of the site may stand behind.
        r"(?: [|\u00b7\u2013\u2014-] .{1,40})?$"
        r"|^(?:sign|log) ?in(?:to)?(?: to .{1,30})?(?: [|\u00b7\u2013\u2014-] .{1,40})?$|^untitled$"
        r"|^redirecting\b|\bverify you are human\b",
        re.IGNORECASE,
    ),
    (
        *("robot", "subscri", "denied", "just a moment", "attention", "not found", "forbidden"),
        *("unauthorized", "bad gateway", "unavailable", "sign", "log", "untitled", "redirecting"),
        *(
            "verify you",
            "your browser",
            "before you continue",
            "pardon",
            "one moment",
            "server error",
        ),
    ),
)
# What a repeater puts before a title.
_PREFIX = re.compile(
    r"^\s*(?:[\[(]\s*(?:updated?|sponsored|repost|video|podcast|ad|pdf|slides|audio|live|opinion"
    r"|interview|meta|oc|link|news|reprint|blog(?: post)?|article|tutorial|guide|paper|talk|ann"
    r"|x-?post|cross-?post)\s*[\])]\s*:?|(?:updated?|re|fwd?|sponsored(?: post)?"
    r"|repost|breaking|rt|show hn|ask hn|tell hn|launch hn|best of (?:19|20)\d\d|throwback|watch"
    r"|video)\s*:)\s*",
    re.IGNORECASE,
)
# What a repeater puts after it: what kind of thing it is, and of which year.
_SUFFIX = re.compile(
    r"\s*[\[(]\s*(?:updated?|sponsored|video|podcast|pdf|slides|audio|repost|paper|talk|tutorial"
    r"|article|blog(?: post)?"
    r"|(?P<year>(?:19|20)\d\d))"
    r"\s*[\])]\s*$",
    re.IGNORECASE,
)
# Medium's way to end a page's title: who wrote it, in which publication, and in which month.
_BYLINE = re.compile(r"\s+\|\s+by\s+[^|]{2,60}(?:\s+\|\s+[^|]{2,60}){0,3}$", re.IGNORECASE)
# What stands between a title and the name of its site.
_SEPARATOR = re.compile(r"\s+[|\u2013\u2014\u00b7\u2022\u00bb\u203a-]\s+|\s*\|\s*|\s+::\s+")
_FIRST_SEPARATOR = re.compile(r"\s+[|\u2013\u2014\u00b7\u2022\u00bb\u203a-]\s+|\s*\|\s*|:\s+")
_BRACKETED = re.compile(
    r"^(?P<title>.{8,}\S)\s+[\[(](?P<site>[\w.-]+\.[a-z]{2,}|[A-Z][\w .]{2,20})[\])]$"
)
# How many words a site's name and its author's may have together behind a title, and a site's
# name before it: a longer start is somebody's own comment on the title.
LONGEST_SITE_NAME = 8
LONGEST_FIRST_NAME = 5

MOST_HEADS = 3
# "Part 1" is no title.
LEAST_WEIGHT_OF_PART = 1.0

_TAG = re.compile(r"<[^<>]{0,300}>")
# "Release Candidate 1", "RC 1", "beta-1": one word, as others write it.
_CANDIDATE = re.compile(r"\brelease candidate\b")
_STAGE_APART = re.compile(r"\b(alpha|beta|rc)[ .-](\d+)\b")
_QUOTES = str.maketrans("\u2019\u2018\u02bc\u0060\u00b4\u201c\u201d", "'''''\"\"")
_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(
    rf"v?\d+(?:[.,]\d+)+[a-z]*\d*|\d+(?:st|nd|rd|th)\b|v\d+\b|[{_CJK}]"
    rf"|[^\W_{_CJK}]+(?:'[^\W_{_CJK}]+)*(?:\+\+|\#)?",
)
_VERSION = re.compile(r"^v?(\d+(?:[.,]\d+)*)$")
_MIXED = re.compile(r"^(?:[a-z]{0,8}?)(\d+)(?:st|nd|rd|th|x|k|m|%)?$")
_GROUPED = re.compile(r"^\d{1,3}(?:,\d{3})+$")
_THOUSANDS = re.compile(r"^(\d{1,4})k$")
_POSSESSIVE = re.compile(r"'s\b|'")


@dataclass(frozen=True, slots=True)
class Head:
    """A title without its last or first part, and that part: a name, or more of the title."""

    key: str
    weight: float
    site: str
    initials: str


@dataclass(frozen=True, slots=True)
class Title:
    """What a title says: `key` is its spelling folded, `numbers` what tells parts apart.

    `heads` are the title without last parts that may name a site, the longest first; `tail` is
    the title without a first part that may ("LKML: …").
    `weight` counts its meaningful words; generic ones are half a word.
    """

    key: str
    words: tuple[str, ...]
    numbers: frozenset[str]
    weight: float
    heads: tuple[Head, ...] = ()
    tail: Head | None = None
    year: str = ""

    @property
    def parts(self) -> tuple[Head, ...]:
        """What the title may be without the names of sites, if that says enough to look for."""
        rest = (*self.heads, self.tail) if self.tail else self.heads
        return tuple(part for part in rest if part.weight > LEAST_WEIGHT_OF_PART)

    @property
    def template(self) -> tuple[str, ...]:
        """The meaningful words without numbers: the same for all parts of a series."""
        return tuple(word for word in self.words if not _counts(word))


EMPTY = Title(key="", words=(), numbers=frozenset(), weight=0.0)


@lru_cache(maxsize=4096)
def read(title: str) -> Title:
    """Return what `title` says; an empty one and an error page's give EMPTY."""
    text = _tidy(title)
    if _WALL.search(text):
        return EMPTY
    text, year = _strip_marks(text)
    tokens = _tokens(text)
    if not tokens:
        # A title of one emoji is a name of sorts, but one without weight.
        return Title(key=text, words=(), numbers=frozenset(), weight=0.0)
    content = [token for token in tokens if token not in STOPWORDS]
    return Title(
        key=_key(tokens),
        # A tuple, since an archive's titles are many and a set takes seven times the room.
        words=tuple(intern(token) for token in content or tokens),
        numbers=numbers(tokens),
        weight=_weight(tokens),
        heads=_heads(text),
        tail=_tail(text),
        year=year,
    )


def _tidy(title: str) -> str:
    text = html.unescape(html.unescape(title[:LONGEST]))
    text = unicodedata.normalize("NFKC", _TAG.sub(" ", text)).translate(_QUOTES)
    return re.sub(r"\s+", " ", text).strip()


def _strip_marks(text: str) -> tuple[str, str]:
    """Return the title without what repeaters add, and the year they added ("" if none)."""
    year = ""
    text = _BYLINE.sub("", text) or text
    while (shorter := _PREFIX.sub("", text)) != text and shorter:
        text = shorter
    while (found := _SUFFIX.search(text)) and found.start() > 0:
        year = year or (found["year"] or "")
        text = text[: found.start()]
    return text, year


def _tokens(text: str) -> list[str]:
    folded = text.casefold().replace("&", " and ").replace("%", " percent ")
    folded = _STAGE_APART.sub(r"\1\2", _CANDIDATE.sub("rc", folded))
    return [_POSSESSIVE.sub("", _written_out(token)) for token in _TOKEN.findall(folded)]


def _written_out(token: str) -> str:
    """Return a large number in its one spelling: 10k and 10,000 are 10000."""
    if _GROUPED.match(token):
        return token.replace(",", "")
    thousands = _THOUSANDS.match(token)
    return f"{thousands[1]}000" if thousands else token


def _key(tokens: list[str]) -> str:
    """Return the words run together, so that "web sites" and "websites" are one spelling."""
    kept = [token.removeprefix("v") if _VERSION.match(token) else token for token in tokens]
    return "".join(
        f" {token} " if token[0].isdigit() else token
        for token in kept
        if token and token not in _ARTICLES
    ).replace("  ", " ")


_ARTICLES = frozenset({"a", "an", "the", "and"})


def _weight(tokens: list[str]) -> float:
    seen = {token for token in tokens if token not in STOPWORDS}
    return sum(_token_weight(token) for token in seen)


def _token_weight(token: str) -> float:
    if token in GENERIC or token.isdigit() or len(token) == 1:
        return 0.5
    return 1.0


def _heads(text: str) -> tuple[Head, ...]:
    """Return the title without its last part, its last two parts …, as far as they may be names.

    A part with a number in it is never a name: "Newsletter - 24" is not "Newsletter".
    """
    bracketed = _BRACKETED.match(text)
    if bracketed:
        return (_head(bracketed["title"], bracketed["site"]),)
    found = []
    for separator in reversed(list(_SEPARATOR.finditer(text))):
        head, tail = text[: separator.start()], text[separator.end() :]
        if not head or numbers(_tokens(tail)) or len(tail.split()) > LONGEST_SITE_NAME:
            break
        found.append(_head(head, tail))
    return tuple(found[:MOST_HEADS])


def _tail(text: str) -> Head | None:
    """Return the title without its first part, if that may be a name and has no number in it."""
    separator = _FIRST_SEPARATOR.search(text)
    if separator is None or not separator.start():
        return None
    name, rest = text[: separator.start()], text[separator.end() :]
    if numbers(_tokens(name)) or len(name.split()) > LONGEST_FIRST_NAME or not _tokens(rest):
        return None
    return _head(rest, name)


def _head(head: str, tail: str) -> Head:
    """Return a part of a title as a title of its own, and the part beside it as a name."""
    tokens = _tokens(head)
    return Head(
        key=_key(tokens),
        weight=_weight(tokens),
        site=compact(tail),
        initials="".join(word[0] for word in tail.casefold().split() if word[0].isalpha()),
    )


@lru_cache(maxsize=1024)
def compact(name: str) -> str:
    """Return a name's letters and digits, folded and run together."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _counts(token: str) -> bool:
    return bool(_MIXED.match(token) or _VERSION.match(token) or token in _MONTHS)


def numbers(tokens: list[str]) -> frozenset[str]:
    """Return what counts or dates a thing among its title's words: versions, parts, months."""
    found: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.isalpha() and token not in _WORDS_THAT_COUNT:
            continue
        for number in _number(token, tokens, index):
            found[number] = found.get(number, 0) + 1
    return frozenset(
        f"{number} * {count}" if count > 1 else number for number, count in found.items()
    )


def _number(token: str, tokens: list[str], index: int) -> tuple[str, ...]:
    before = tokens[index - 1] if index else ""
    after = tokens[index + 1] if index + 1 < len(tokens) else ""
    if token[0].isdigit() or token[-1].isdigit():
        return _digits(token)
    if token in _MONTHS:
        dated = before[:1].isdigit() or after[:1].isdigit()
        return (_MONTHS[token],) if dated or token not in _AMBIGUOUS_MONTHS else ()
    if token in _STAGES:
        return (_STAGES[token],) if _near_version(before, after) else ()
    return _counted(token, before)


def _counted(word: str, before: str) -> tuple[str, ...]:
    """Return what a word counts: "two", "second", and after "part" also "one" and "II"."""
    after_part = before in _PART_WORDS
    if after_part and word in _ROMANS:
        return (_ROMANS[word],)
    if word == _NO_NUMBER and not after_part:
        return ()
    number = _NUMBER_WORDS.get(word) or _ORDINALS.get(word)
    return (number,) if number else ()


def _digits(token: str) -> tuple[str, ...]:
    staged = _STAGED.match(token.removeprefix("v"))
    if staged:
        stage = _LETTERED.get(staged[2], staged[2])
        return (_plain(staged[1]), f"{stage}{_plain(staged[3]) if staged[3] else ''}")
    stage_number = _STAGE_NUMBER.match(token)
    if stage_number:
        return (stage_number[1] + _plain(stage_number[2]),)
    version = _VERSION.match(token)
    if version:
        return (_plain(version[1]),)
    mixed = _MIXED.match(token)
    return (_plain(mixed[1]),) if mixed else (token,)


def _plain(number: str) -> str:
    """Return a number in one spelling: 05 and 5 are the same; 1.0 stays 1.0."""
    return ".".join(part.lstrip("0") or "0" for part in re.split(r"[.,]", number))


def _near_version(before: str, after: str) -> bool:
    return before[:1].isdigit() or after[:1].isdigit() or before[-1:].isdigit()


def differ_in_number(one: Title, other: Title) -> bool:
    """Return whether each title has a number that the other lacks."""
    first = one.numbers - other.numbers - {other.year}
    second = other.numbers - one.numbers - {one.year}
    if one.year and other.year and one.year != other.year:
        return True
    return bool(first and second)
