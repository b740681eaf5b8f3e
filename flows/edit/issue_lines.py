"""The lines of an issue file, and the error that shows one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.edit.sentences import count, is_whole
from flows.errors import IssueError

if TYPE_CHECKING:
    from pathlib import Path

DOT = "·"
_DOTTED = re.compile(rf"(?:^|\s){DOT}(?:\s|$)")
# Nearly all addresses begin so: nothing of them is left to be doubted.
_USUAL_PLACE = re.compile(r"https?://[a-z0-9.-]*[a-z0-9](?:[/?#]|$)", re.IGNORECASE | re.ASCII)
_WORDS_OF_PROSE = 6
# Of so few a sentence, unless it asks.
_WORDS_OF_COMMENT = 3
_WORDS_OF_NAME = 6
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_SMALL_WORDS = frozenset("a an and at by de der for from in la of on the to und von with &".split())
# A name's end, not a sentence's: "Acme Inc.", "Washington D.C.", and in a few words "Jane D."
_ABBREVIATED = re.compile(
    r"(?:^|[\s,])(?:inc|ltd|co|corp|llc|(?:[a-z]\.)+[a-z])\.$|^(?:\S+ ){0,2}[A-Z]\.$", re.IGNORECASE
)
_MAY_BE_NAME = re.compile(
    r"(?:(?:this|last) (?:week|month) in|the best of) [^\[\]*_`<]+!", re.IGNORECASE
)
# "[Title](https://…) (5 minute read)", as many newsletters have it.
_LENGTH = (
    r"(?:\d{1,3}\+?[ -]?(?:h(?:ou)?r|min(?:ute)?|page|sec(?:ond)?)s?\b\.?|\d{1,2}(?::\d\d){1,2}\b)"
)
_KIND = r"(?:(?:video|podcast|pdf|paper)s?|audio|slides|website|github(?: repo(?:sitory)?)?)\b"
# How long ago it was is no length, and a capital behind a kind goes on with a name: "GitHub Blog".
_DETAIL = re.compile(
    rf"\((?![^()]*\bago\))((?:{_KIND}[:/] ?)*"
    rf"(?:{_LENGTH}(?:[ ,][^()]{{0,20}})?|{_KIND}(?:(?:,| (?-i:(?![A-Z])))[^()]{{0,20}})?))\)",
    re.IGNORECASE,
)
_LONGEST_SHOWN = 160


def numbered(text: str) -> list[tuple[int, str]]:
    """Return the lines with their numbers, whatever ended them and without what trails."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return [(number, line.rstrip()) for number, line in enumerate(plain.split("\n"), start=1)]


def wrong(path: Path, line: int, message: str, shown: str) -> IssueError:
    """Return an error that names the place, says what is wrong, and shows the line."""
    cut = shown.strip()
    if len(cut) > _LONGEST_SHOWN:
        cut = f"{cut[:_LONGEST_SHOWN]}…"
    return IssueError(f"{path}, line {line}: {message}\n    {line} | {cut}", path=path, line=line)


def may_be_linked(url: str) -> bool:
    """Tell whether an address is one of the web with a host and a port that can be."""
    if _USUAL_PLACE.match(url):
        return True
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # "https://[::1/" and "https://example.org:99999/".
        return False


def is_source_line(line: str) -> bool:
    """Tell a source line from the first line of a blurb: it has the dot, or is no sentence."""
    return bool(_DOTTED.search(line)) or not (
        (is_whole(line) and count(line) >= _WORDS_OF_PROSE)
        or is_comment(line, least=_WORDS_OF_COMMENT, ends=(".", "!"))
    )


def is_comment(line: str, *, least: int, ends: tuple[str, ...]) -> bool:
    """Tell whether a line is a short sentence, of so many words, and no name with a full stop."""
    if not line.endswith(ends) or count(line) < least or _ABBREVIATED.search(line):
        return False
    # "Oh My Zsh!" is a name: of a sentence not all words begin with a capital.
    return any(word[0].islower() for word in line.split())


def is_short_name(line: str) -> bool:
    """Tell a name from the beginning of a text: "Boat News", "News of the Quay", "quay.example"."""
    words = line.split()
    if not words or len(words) > _WORDS_OF_NAME or not line[-1:].isalnum():
        return False
    is_named = all(word[0].isupper() or word in _SMALL_WORDS for word in words)
    return _HOST.fullmatch(line) is not None or (is_named and words[0][0].isupper())


def may_be_name(line: str) -> bool:
    """Tell whether what reads as a short sentence may be a name too: "This week in rust!"."""
    is_short = _WORDS_OF_COMMENT <= count(line) < _WORDS_OF_PROSE
    return is_short and _MAY_BE_NAME.fullmatch(line) is not None


def detail_in(text: str) -> str:
    """Return the length or the kind that stands in brackets behind a link, "" if that is none."""
    found = _DETAIL.fullmatch(text)
    return found[1].strip() if found else ""
