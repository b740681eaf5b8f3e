"""The two or three lines under a title: the publisher's own words, never cut in mid-sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from flows.edit import clean
from flows.edit.clean import GOES_ON, QUOTE
from flows.edit.cut_titles import goes_on
from flows.edit.quotations import MARKS, Quotation, attribution, is_quoting, shown, within
from flows.edit.sentences import CANNOT_END, count, each_sentence, folded_words, is_whole, sentences
from flows.edit.signs import Signed
from flows.edit.titles import STOPWORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flows.models import Item

# The budget of a blurb in words, what one very long sentence may take, and the least that is one.
MOST_WORDS = 45
HARD_STOP = 65
LEAST_WORDS = 5

# A shorter summary gets the text's first sentence as well.
_SHORT_SUMMARY = 15
_LEAST_SUMMARY = 6
_LEAST_SENTENCE = 3
_LEAST_PROSE = 6
_QUESTION_HEADING = 10
_OFFERED_SENTENCES = 8
# Of the shortest ones, what fits the budget; fewer are offered.
_MOST_SENTENCES = MOST_WORDS // _LEAST_SENTENCE
_ECHO = 0.85
_LEAST_TELLING = 2
_SAYS_LITTLE = STOPWORDS | frozenset("finally here's i'm it's now that's today we're".split())
_ASKED_AGAIN = 0.66
_UNFINISHED_SUMMARY = 25

_ADDRESS = Signed(re.compile(r"https?://|www\.\S|\S@\w+\.\w"), ("://", "www.", "@"))
_ASIDE = Signed(
    re.compile(
        r"(?:(?<=[.!?])\s*[(\[](?:see|cf\.|refer to|more on this)\b[^()\[\]]{0,80}[)\]]\.?"
        r"|\s*[(\[](?:see|cf\.|refer to|more on this)\b[^()\[\]]{0,80}[)\]])",
        re.IGNORECASE,
    ),
    ("(", "["),
)
_PICTURES = (
    *("graph", "figure", "fig.", "diagram", "chart", "table", "image", "screenshot", "picture"),
    *("snippet", "listing"),
)
_PICTURE = rf"(?:{'|'.join(map(re.escape, _PICTURES))})s?"
_REFERENCE = Signed(
    re.compile(
        rf"\b(?:{_PICTURE} (?:\d+|below|above|shows?|illustrates?|depicts?)"
        rf"|(?:below|following|above) (?:{_PICTURE}|examples?|code|commands?|sections?|video)"
        r"|(?:shown|seen|illustrated|described|listed) (?:below|above)|see (?:below|above)"
        r"|here and here\b"
        r"|see the .{0,40}section|(?:section|example|code)s? (?:below|above))",
        re.IGNORECASE,
    ),
    ("below", "above", "following", "see the", "here and here", *_PICTURES),
)
_MENTIONS = re.compile(r"(?<!\S)@\w")
_CODE_AT_START = re.compile(
    r"\s*(?:[$%#>]\s|\{|\}|//|/\*|apiVersion:|import |from \S+ import |def |func |sudo |curl |"
    r"kubectl |docker |npm |pip |git )"
)
_CODE = Signed(
    re.compile(
        r"[{};]\s*$|=>|&&|\|\||\w\([^()]*\)\s*\{|--\w[\w-]+=\S+ --"
        # A prompt in mid-line, and what begins a declaration: of code whose lines were joined.
        # With bounds, for it is tried at each word of whatever a feed says.
        r"|(?<![\w.-])[\w.-]{1,32}@[\w.-]{1,64}[^.!?#$]{0,20}[#$]\s"
        r"|\b(?:Public|Private|Protected|End) (?:Sub|Function|Event|Delegate|Property)\b"
    ),
    (
        *("{", "}", ";", "=>", "&&", "||", "--", "@"),
        *(" Sub", " Function", " Event", " Delegate", " Property"),
    ),
)
# What only those understand who read the sentence before. "This post shows …" speaks of itself,
# "It takes nine years …" and "This is the last …" begin as well as go on.
_GOES_ON = re.compile(
    r"(?:Also|And|Besides|But|Consequently|For example|For instance|Furthermore|Hence|However"
    r"|In (?:addition|contrast)|Instead|Likewise|Meanwhile|Moreover|Nevertheless|Obviously"
    r"|Otherwise|Similarly|So(?! far\b)|Then|Therefore|Thus|Yet|Here, however"
    r"|(?:He|She|They|That|These|Those)"
    r"(?:['’]\w+)?|Her|His|Its|Their|This)\b(?!-| (?:is|was|has been)\b)"
    r"(?! (?i:article|blog|chapter|episode|essay|guide|interview|issue|month|newsletter|page|paper"
    r"|part|podcast|post|release|report|series|story|talk|tutorial|version|video|week|year)s?\b)"
)
_LABEL = re.compile(r"^(?i:editor['’]?s['’]? note|tl;dr):\s*(?=[^\W_a-z])")
# Who passed a story on, before it begins; whose words it is in is no such thing.
_PIECE = r"(?:article|analysis|column|essay|excerpt|interview|op-ed|piece|post|report|review|story)"
_READER = r"(?:[^\s.:!?]+ ){0,4}?reader(?: [^\s.:!?]+)?"
_NICKNAME = r"(?=[^\s.:!?]*[\d_]|[a-z]|[^\W\d_a-z]+[a-z]+[^\W\d_a-z])[^\s.:!?]+"
_LEAD_IN = re.compile(
    rf"(?:(?:{_READER} (?:posted|submitted)|(?:{_READER}|{_NICKNAME}) (?:quotes|shares|cites))"
    rf" (?:an? |the |this )?{_PIECE}\b[^.:!?]{{0,60}}"
    rf"|(?:{_READER}|{_NICKNAME}) writes): ?(?=[\"“‘A-Z])"
)
_DASH = re.compile(r"\s+[-–—:|]\s+(?=[^\W_a-z])")
_MORE = re.compile(r"\s*[\[(]?(?:\.\.\.|…)[\])]?\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blurb:
    """A blurb as plain text, perhaps empty, and the sentences an editor may prefer to it."""

    text: str = ""
    alternatives: tuple[str, ...] = ()


def blurb(item: Item, *, title: str = "", repeated: frozenset[str] = frozenset()) -> Blurb:
    """Return whole sentences of the publisher's: the summary if it is one, else the lead.

    `title` is the title as shown (default: cleaned from the item's), which is not said again;
    `repeated` is what `clean.repeats` found among its source's items.
    """
    title = title or clean.title(item.title, source=item.source)
    text, teaser = _text_and_teaser(item)
    paragraphs = _without_title(clean.paragraphs(text, kind=item.kind, repeated=repeated), title)
    lead = list(_enough(_usable(paragraphs, title, truncated=item.truncated)))
    found = _without_title(clean.paragraphs(teaser, kind=item.kind, repeated=repeated), title)
    chosen = _summary(found, text)
    chosen = [sentence for sentence in chosen if not echoes(sentence, title)]
    if not chosen:
        chosen = _first(lead) or _subtitle(paragraphs, title, truncated=item.truncated)
    elif count(" ".join(chosen)) < _SHORT_SUMMARY:
        chosen = _lengthened(chosen, lead)
    return _checked(chosen, lead, title)


def limited(text: str, *, title: str) -> str:
    """Return the first whole sentences of a text from elsewhere, held to the limits of a blurb.

    Empty if it has none, or says the title again.
    """
    found = (sentence if _is_fit(sentence) else None for sentence in each_sentence(text))
    return _checked(_first(found), (), title).text


def _text_and_teaser(item: Item) -> tuple[str, str]:
    """Return the longer of an item's two texts, and the shorter if it is another."""
    text, teaser = item.content, item.summary
    if len(teaser) > len(text):
        text, teaser = teaser, text
    return text, "" if teaser.strip() == text.strip() else teaser


def _checked(chosen: Sequence[str], lead: Sequence[str | None], title: str) -> Blurb:
    text = shown(" ".join(_closed(chosen)))
    if count(text) < LEAST_WORDS or count(text) > HARD_STOP or echoes(text, title):
        text = ""
    fit = (one for one in lead if one and count(one) >= _LEAST_SENTENCE and not echoes(one, title))
    offered = [shown(sentence) for sentence in islice(fit, _OFFERED_SENTENCES)]
    # The text's own sentences may be spelled with other apostrophes.
    said = f" {' '.join(folded_words(text))} "
    others = {
        spelled: other
        for other in reversed(offered)
        if (spelled := " ".join(folded_words(other)))
        and f" {spelled} " not in said
        and count(other) <= MOST_WORDS
    }
    return Blurb(text=text, alternatives=tuple(reversed(others.values())))


def _closed(chosen: Sequence[str]) -> list[str]:
    """Return the sentences up to a quotation that does not end, all if that begins the text."""
    for most in range(len(chosen), 0, -1):
        if not is_quoting(" ".join(chosen[:most])):
            return [*chosen[:most]]
    return [*chosen]


def echoes(text: str, title: str) -> bool:
    """Tell whether the text says hardly a word that the title does not say, or asks it again.

    What a title was cut from is told whole by the text alone.
    """
    if goes_on(text, title):
        return False
    words = set(folded_words(text))
    known = _words_of(title)
    # "Ropes 0.9 has been released." says what "Ropes 0.9 released" says.
    telling = words - _SAYS_LITTLE
    for judged in (words, telling if len(telling) >= _LEAST_TELLING else words):
        if len(judged & known) >= _ECHO * len(judged):
            return True
    if not text.endswith("?"):
        return False
    # "What are the main benefits of control planes?" below "Control planes - the main benefits".
    asked = {word.rstrip("s") for word in words - STOPWORDS}
    again = asked & {word.rstrip("s") for word in known}
    return bool(asked) and len(again) >= _ASKED_AGAIN * len(asked)


@lru_cache(maxsize=16)
def _words_of(title: str) -> frozenset[str]:
    # Each sentence of a text is held against the same title.
    return frozenset(folded_words(title))


def _usable(paragraphs: Sequence[str], title: str, *, truncated: bool) -> Iterator[str | None]:
    """Yield the sentences fit for a blurb; None where one that was left out stood between."""
    lone = len(paragraphs) == 1
    last = len(paragraphs) - 1
    is_begun = False
    quotation = Quotation()
    for number, paragraph in enumerate(paragraphs):
        before = paragraphs[number - 1] if number else ""
        quotation.comes_to(paragraph, before=before)
        if not _is_prose(paragraph, lone=lone):
            quotation.passes(is_told=False)
            continue
        following = paragraphs[number + 1] if number < last else ""
        found = _sentences(paragraph, following=following)
        # The last sentence of a cut text may end in a full stop by chance: "version 1."
        if truncated and number == last:
            found = iter([*found][:-1])
        is_told = False
        for sentence in found:
            # Further down it belongs to what stands around it.
            if not is_begun and echoes(sentence, title):
                continue
            # "They hold." is one behind others only.
            is_fit = _is_fit(sentence, least=1 if is_told else _LEAST_SENTENCE)
            is_told = is_fit and not (quotation.has_to_begin and _goes_on(sentence))
            is_begun = is_begun or is_told
            yield quotation.told(sentence) if is_told else None
            quotation.passes(is_told=is_told)


def _sentences(paragraph: str, *, following: str) -> Iterator[str]:
    """Yield the sentences of a paragraph, without the words that lead to a quote behind it."""
    if paragraph.startswith((QUOTE, GOES_ON)):
        yield from each_sentence(_ASIDE.sub("", within(paragraph)))
        return
    ending = attribution(paragraph) if following.startswith(QUOTE) else ""
    yield from each_sentence(_ASIDE.sub("", paragraph.removesuffix(ending)))


def _enough(found: Iterable[str | None]) -> Iterator[str | None]:
    """Yield as many as a blurb and what is offered beside it can take, and no more of a book."""
    fit = 0
    for sentence in found:
        yield sentence
        fit += sentence is not None
        if fit >= _MOST_SENTENCES:
            return


def _is_prose(paragraph: str, *, lone: bool) -> bool:
    paragraph = paragraph.strip(MARKS)
    if paragraph.startswith(clean.BULLET) or _is_code(paragraph):
        return False
    if count(paragraph) < _LEAST_PROSE and not lone:
        return False
    is_question = paragraph.endswith("?") and len(sentences(paragraph)) == 1
    return lone or not (is_question and count(paragraph) <= _QUESTION_HEADING)


def _is_code(text: str) -> bool:
    return bool(_CODE_AT_START.match(text) or _CODE.search(text))


def _is_fit(sentence: str, *, least: int = _LEAST_SENTENCE) -> bool:
    return (
        is_whole(sentence)
        and count(sentence) >= least
        and sentence.count("(") <= sentence.count(")")
        and not _ADDRESS.search(sentence)
        and not _REFERENCE.search(sentence)
        and len(_MENTIONS.findall(sentence)) < 3  # noqa: PLR2004 - a list of names to thank
    )


def _first(found: Iterable[str | None], *, most: int = MOST_WORDS) -> list[str]:
    """Return the first sentences within the budget, without a gap between them.

    Behind a gap the first is one that does not go on with what was left out.
    """
    taken: list[str] = []
    left = most
    is_behind_gap = False
    for sentence in found:
        if sentence is None:
            if sum(map(count, taken)) >= LEAST_WORDS:
                break
            taken, left = [], most
            is_behind_gap = True
            continue
        if is_behind_gap and not taken and _goes_on(sentence.lstrip(MARKS)):
            continue
        length = count(sentence)
        if length > left:
            return taken or ([sentence] if length <= HARD_STOP else [])
        taken.append(sentence)
        left -= length
    return taken


def _goes_on(sentence: str) -> bool:
    return sentence[:1].islower() or _GOES_ON.match(sentence) is not None


def _without_title(paragraphs: Sequence[str], title: str) -> list[str]:
    """Return the paragraphs, the first without a title or a label that some begin with."""
    if not paragraphs:
        return []
    head, *rest = paragraphs
    dash = _DASH.match(head, len(title)) if title and head.startswith(title) else None
    head = _LABEL.sub("", head[dash.end() :] if dash else head)
    lead_in = _LEAD_IN.match(head)
    return [head[lead_in.end() :] if lead_in else head, *rest]


def _summary(found: Sequence[str], text: str) -> list[str]:
    """Return the sentences of the publisher's summary; none where it is a cut copy of the text."""
    prose = [line for line in found if not line.startswith(clean.BULLET)]
    plain = " ".join(prose)
    # Code in it is of a copy that lost its markup; without that it cannot be left out.
    if count(plain) < _LEAST_SUMMARY or any(map(_is_code, prose)):
        return []
    if any(line.startswith(QUOTE) for line in prose):
        whole = _first(_usable(prose, "", truncated=False))
    else:
        whole = _first(sentence if _is_fit(sentence) else None for sentence in each_sentence(plain))
    if whole:
        # A copy of the text has its headings in mid-sentence; the text itself reads better.
        may_be_copy = not is_whole(plain) or count(plain) > MOST_WORDS
        return [] if may_be_copy and _is_copy(plain, text) else whole
    return [] if _is_copy(plain, text) else _subtitle([plain], "", truncated=False)


def _is_copy(summary: str, text: str) -> bool:
    """Tell whether the summary stands in the text word for word, but for its last one."""
    words = folded_words(_MORE.sub("", summary))[:-1]
    return " ".join(words) in " ".join(folded_words(clean.text_of(clean.beginning(text))))


def _subtitle(paragraphs: Sequence[str], title: str, *, truncated: bool) -> list[str]:
    """Return a lone line without a full stop, with one, if it is a description and not a scrap."""
    if len(paragraphs) != 1 or truncated:
        return []
    line = paragraphs[0]
    words = folded_words(line)
    is_description = (
        len(words) >= _LEAST_SUMMARY
        and count(line) <= _UNFINISHED_SUMMARY
        and line[-1].isalnum()
        and words[-1] not in CANNOT_END
        and not line.startswith(clean.BULLET)
        and not (_is_code(line) or _ADDRESS.search(line) or _REFERENCE.search(line))
    )
    return [f"{line}."] if is_description and not echoes(line, title) else []


def _lengthened(chosen: list[str], lead: Iterable[str | None]) -> list[str]:
    """Return a short summary with the text's first sentence behind it, if that is another."""
    text = " ".join(chosen)
    opening = _first(lead, most=MOST_WORDS - count(text))[:1]
    if not opening or count(text) + count(opening[0]) > MOST_WORDS or echoes(opening[0], text):
        return chosen
    return [*chosen, *opening]
