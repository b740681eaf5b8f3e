"""Compares two addresses of one site: the same page moved, two entries of a series, or neither."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING
from urllib.parse import unquote

from flows.edit import sites
from flows.edit.canonical import canonical, fragment_of, place_of
from flows.edit.redirectors import is_opaque

if TYPE_CHECKING:
    from flows.edit.sites import Place


class Kinship(Enum):
    """How two different addresses of one site are related."""

    # One page: they differ in a file's extension, or in "/print" and the like behind it.
    VARIANTS = "variants"
    # One page, it seems: another folder, language or host, or a query that it can do without.
    MOVED = "moved"
    # The words of the address were edited.
    RENAMED = "renamed"
    SIBLINGS = "siblings"
    STRANGERS = "strangers"


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says of its page, beside its one spelling in `url`.

    `site` is whose it is ("" if the address hides that), `slug` the words of its last part,
    `counter` the number they end in, `medium` and `project` names that stay when hosts change,
    `loose` the address without what may differ between two spellings of one page.
    """

    url: str
    host: str = ""
    path: str = ""
    query: tuple[tuple[str, str | None], ...] = ()
    fragment: str = ""
    site: str = ""
    slug: tuple[str, ...] = ()
    counter: str = ""
    medium: str = ""
    project: str = ""
    is_front: bool = False
    opaque: bool = False
    loose: str = ""


NOWHERE = Address(url="")
_EXTENSION = re.compile(r"\.(?:x?html?|php|aspx?|jsp|md|pdf|txt|slide|en)$", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\W_]+")
_LOCALE = re.compile(r"^(?:[a-z]{2}|[a-z]{2}[-_][a-z]{2}|intl|international)$", re.IGNORECASE)
_DAY = re.compile(r"^/(?:[a-z-]+/)?(?:19|20)\d\d/\d\d?/\d\d?/[^/]+$", re.IGNORECASE)
_NUMBERED = re.compile(r"\d{5}|(?<!\d)\d{1,4}[/.-]\d")
_YEAR = re.compile(r"^(?:19|20)\d\d$")
# What stands for an id in a path: digits, a long run of them mixed with letters, or a month.
_ID = re.compile(
    r"(?=[a-z-]*\d)[0-9a-f]+(?:-[0-9a-f]+){3,}|(?=[a-zA-Z]*\d)[0-9a-f]{8,}|\d+"
    r"|(?<=/)(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|january|february|march|april"
    r"|june|july|august|september|october|november|december)(?=/)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"^(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{5,}$", re.IGNORECASE)
_HASH = re.compile(r"^(?=.*\d)[0-9a-f]{6,40}$")
# Path parts that say where on a site, not what.
_FOLDERS = frozenset(
    "blog blogs post posts article articles news archive archives story stories new old en entry "
    "entries content page pages view read p a id index item detail en_us".split()
)
# Path parts that give the same page another look.
_LATEST = frozenset("latest stable current".split())
_VERSIONS_OF_PAGE = frozenset("amp print printable full single all comments mobile".split())
# A shorter name of a site is in too many words.
SHORTEST_NAME = 3
# How alike the words of two slugs must be to be one slug edited.
LEAST_SLUG_OVERLAP = 0.6
FEWEST_SLUG_WORDS = 2
# WordPress numbers a second page of one name so; higher numbers are a series' own.
_COLLISION = frozenset({"2", "3"})


@lru_cache(maxsize=4096)
def read(url: str) -> Address:
    """Return what `url` says of its page."""
    spelled = canonical(url)
    place = place_of(spelled)
    if place is None:
        return Address(url=spelled) if spelled else NOWHERE
    opaque = is_opaque(place.host, place.path)
    # The one spelling of some sites drops the words of the path; as they came they still speak.
    given = place_of(url) or place
    slug = () if opaque else _slug(given.path)
    site = "" if opaque else intern(_site(place, given))
    # A route is the rest of the path, for a script to read.
    path = f"{place.path}#{place.fragment}" if place.fragment else place.path
    return Address(
        url=spelled,
        host=intern(place.host),
        path=path,
        query=place.query,
        fragment=fragment_of(url),
        site=site,
        slug=slug,
        counter=slug[-1] if slug and slug[-1].isdigit() else "",
        medium=_medium(place),
        project=sites.project(place),
        is_front=place.path == "/" and not place.query and not place.fragment,
        opaque=opaque,
        loose=_loose(site, path),
    )


def _site(place: Place, given: Place) -> str:
    """Return whose site it is; the one spelling of a Medium post does not say whose."""
    named = given if place.host == "medium.com" and given.host.endswith("medium.com") else place
    return sites.site(named.host, named.path)


def names_site(address: Address, name: str, *, initials: str = "") -> bool:
    """Return whether the site bears a folded name ("tigera"), or its initials ("cncf")."""
    if not name or not address.host:
        return False
    labels, joined, main = _names(address.host)
    if len(initials) >= SHORTEST_NAME and initials in labels:
        return True
    return name in joined or (len(main) >= SHORTEST_NAME and main in name)


@lru_cache(maxsize=1024)
def _names(host: str) -> tuple[tuple[str, ...], str, str]:
    """Return what a host may be called: its labels, all of them run together, the main one.

    "The New Stack" is thenewstack.io, "LWN.net" lwn.net, "Red Hat OpenShift Blog" openshift.com.
    """
    labels = tuple(label.replace("-", "") for label in host.split("."))
    return labels, "".join(labels), sites.domain(host).split(".")[0].replace("-", "")


def kinship(one: Address, other: Address) -> Kinship:
    """Return how two different addresses of one site are related."""
    if not one.url or not other.url:
        return Kinship.STRANGERS
    if _are_videos(one, other) or (one.host == other.host and one.host in sites.THREAD_HOSTS):
        return Kinship.SIBLINGS
    if one.loose == other.loose and not (one.query and other.query):
        return Kinship.VARIANTS if _are_variants(one, other) else Kinship.MOVED
    if _differ_in_ids(one, other) or _differ_in_counter(one, other) or _differ_in_year(one, other):
        return Kinship.SIBLINGS
    if _same_slug(one, other) or _spelled_out(one, other) or _spelled_out(other, one):
        return Kinship.MOVED
    return Kinship.RENAMED if slugs_agree(one, other) else Kinship.STRANGERS


def _are_variants(one: Address, other: Address) -> bool:
    same_path = one.host == other.host and _stem(one.path) == _stem(other.path)
    return same_path and not one.query and not other.query


def _are_videos(one: Address, other: Address) -> bool:
    return one.host in sites.VIDEO_HOSTS and other.host in sites.VIDEO_HOSTS


def slugs_agree(one: Address, other: Address) -> bool:
    """Return whether the last parts of two addresses are the same words, or nearly."""
    first, second = _words(one.slug), _words(other.slug)
    if min(len(first), len(second)) < FEWEST_SLUG_WORDS:
        return False
    if _same_slug(one, other):
        return True
    return len(first & second) / len(first | second) >= LEAST_SLUG_OVERLAP


def slugs_contain(one: Address, other: Address) -> bool:
    """Return whether the words of one slug are the other's, or some of them."""
    first, second = _words(one.slug), _words(other.slug)
    if _same_slug(one, other):
        return True
    enough = min(len(first), len(second)) > FEWEST_SLUG_WORDS
    return enough and slugs_agree(one, other) and (first <= second or second <= first)


def is_numbered(address: Address) -> bool:
    """Return whether the path has a date, version or id, and so stays with one story."""
    return bool(address.slug and _NUMBERED.search(address.path))


def same_dated_path(one: Address, other: Address) -> bool:
    """Return whether two sites have one path, with a day in it: a site took another name."""
    return (
        one.path == other.path and bool(_DAY.match(one.path)) and not one.query and not other.query
    )


def _loose(site: str, path: str) -> str:
    kept = (part for part in _stem(path) if not _LOCALE.match(part) and part not in _LATEST)
    return "/".join((site, *kept))


def _stem(path: str) -> tuple[str, ...]:
    """Return the parts of a path without its extension and its versions for paper and phones."""
    parts = [part for part in _EXTENSION.sub("", path).split("/") if part]
    return tuple(part for part in parts if part.lower() not in _VERSIONS_OF_PAGE)


def _spelled_out(one: Address, other: Address) -> bool:
    """Return whether a page known by an id ("?p=12") may have got an address in words."""
    by_id = bool(one.query) and not _words(one.slug)
    return by_id and not other.query and len(_words(other.slug)) >= FEWEST_SLUG_WORDS


def _same_slug(one: Address, other: Address) -> bool:
    first, second = named(one.slug), named(other.slug)
    return len(first) >= FEWEST_SLUG_WORDS and "".join(first) == "".join(second)


def _medium(place: Place) -> str:
    if place.host == "medium.com" and place.path.startswith("/p/"):
        return place.path.removeprefix("/p/")
    return sites.medium_id(place.path)


def _slug(path: str) -> tuple[str, ...]:
    for part in reversed(path.split("/")):
        words = _slug_words(part)
        if words and part.lower() not in _FOLDERS:
            return words
    return ()


def _slug_words(part: str) -> tuple[str, ...]:
    text = _EXTENSION.sub("", _EXTENSION.sub("", unquote(part, errors="replace"))).lower()
    words = [word for word in _SEPARATORS.split(text) if word]
    if len(words) > 1 and _HASH.match(words[-1]) and not words[-1].isdigit():
        words.pop()
    return tuple(intern(word) for word in words)


# A week's addresses are gone through more than once, and a smaller cache would forget each in time.
@lru_cache(maxsize=16_384)
def named(slug: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a slug, without its numbers."""
    return tuple(word for word in slug if not word.isdigit())


@lru_cache(maxsize=16_384)
def _words(slug: tuple[str, ...]) -> frozenset[str]:
    return frozenset(named(slug))


def _differ_in_year(one: Address, other: Address) -> bool:
    first, second = _years(one), _years(other)
    return bool(first and second and first != second)


def _years(address: Address) -> set[str]:
    return {part for part in address.path.split("/") if _YEAR.match(part)}


def _differ_in_ids(one: Address, other: Address) -> bool:
    """Return whether two addresses are one pattern with another id in it, and nothing else."""
    if one.host != other.host:
        return False
    if one.query and other.query and one.path == other.path:
        return [name for name, _ in one.query] == [name for name, _ in other.query]
    if one.path == other.path:
        return False
    if _ID.sub("#", one.path) == _ID.sub("#", other.path):
        return True
    return _differ_in_token(one.path.split("/"), other.path.split("/"))


def _differ_in_token(first: list[str], second: list[str]) -> bool:
    """Return whether one part of two paths differs, and is letters and digits as ids are."""
    differing = [(a, b) for a, b in zip(first, second, strict=False) if a != b]
    if len(first) != len(second) or len(differing) != 1:
        return False
    one, other = differing[0]
    return len(one) == len(other) and all(map(_TOKEN.match, differing[0]))


def _differ_in_counter(one: Address, other: Address) -> bool:
    """Return whether the slugs end in two numbers, or one in more than a collision explains."""
    if one.counter == other.counter or _words(one.slug) != _words(other.slug):
        return False
    if one.counter and other.counter:
        return True
    return (one.counter or other.counter) not in _COLLISION
