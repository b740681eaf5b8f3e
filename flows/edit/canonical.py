"""The one spelling of a page's address: what differs only in the way there, is gone.

The result identifies a page; it is not meant to be visited. Two addresses get one spelling only
if they show one page: the case of paths, ids in the query and routes in the fragment stay.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

from flows.edit.redirectors import target
from flows.edit.sites import Place, fold_host, is_public_suffix, simplify
from flows.edit.tracking import is_tracking

# How often an address may lead to another in itself; a chain longer than this is no reader's.
MOST_UNWRAPPINGS = 5
# Browsers and mail clients cut at about this; no page of a publisher has a longer one.
LONGEST = 8_000

_AMPERSAND = re.compile(r"&(?:amp|#0*38|#[xX]0*26);(?:amp;)*")
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060\ufeff]+")
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")
_BARE = re.compile(r"^(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,24}(?:[:/?#]|$)")
_HOST = re.compile(r"^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$")
_PORT = re.compile(r":(?P<port>\d*)$")
_PREFIX = re.compile(r"^(?:www\d{0,2}|m|mobile|amp|touch)\.")
_SLASHES = re.compile(r"(?<!:)/{2,}")
_INDEX = re.compile(r"/(?:index|default)\.(?:x?html?|php\d?|aspx?|jsp|cgi|shtml)$", re.IGNORECASE)
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?;]*", re.IGNORECASE)
_AMP_ENDING = re.compile(r"(?<=[^/.])\.amp(?=$|\.html?$)")
_AMP_FOLDER = "/amp"
# Vox Media's sites have it in front.
_AMP_PLATFORM = "/platform/amp"
# A post has a date or an id in its path, a file's ending or three words.
_DATE_OR_ID = re.compile(r"\d{4}")
_YEAR_OR_MONTH = re.compile(r"^\d{1,4}$")
_FILE = re.compile(r"\.html?$")
FEWEST_WORDS_OF_POST = 3
# Blogger serves its posts to phones under "?m=1", on custom domains too.
_BLOGGER_POST = re.compile(r"^/\d{4}/\d{2}/[^/]+\.html$")
# Forges name projects "amp"; there it is no variant of a page.
_AMP_IS_A_NAME = frozenset({"github.com", "gitlab.com", "npmjs.com", "hub.docker.com"})
# RFC 3986: what may stand in a path or query without a percent sign.
_PATH_SAFE = "!$&'()*+,;=:@/-._~"
_QUERY_SAFE = "!$'()*,;:@/?-._~[]|"


def canonical(url: str) -> str:
    """Return the one spelling of `url`'s page; text that is no web address comes back trimmed."""
    return _canonical(url[:LONGEST])


# More than a week has: what is asked for again for a draft is known.
@lru_cache(maxsize=16_384)
def _canonical(url: str) -> str:
    given = text = _tidy(url)
    for _ in range(MOST_UNWRAPPINGS):
        place = _place(text)
        if place is None:
            return text
        inner = target(place.host, place.path, _spell_query(place.query))
        if not inner or _tidy(inner) == text:
            return _spell(_settle(place))
        text = _tidy(inner)
    place = _place(given)
    return _spell(_settle(place)) if place else given


def place_of(url: str) -> Place | None:
    """Return the parts of a canonical address, None if it is no web address."""
    return _place(url)


def fragment_of(url: str) -> str:
    """Return the part of the page an address points at, "" if it points at the whole."""
    fragment = url.partition("#")[2]
    return "" if fragment.startswith((":~:", "!", "/")) else fragment.strip().lower()


def _tidy(url: str) -> str:
    text = _AMPERSAND.sub("&", _CONTROLS.sub("", url))
    if text.startswith("//"):
        return "https:" + text
    if not _SCHEME.match(text) and _BARE.match(text):
        return "https://" + text
    return text


@lru_cache(maxsize=256)
def _place(text: str) -> Place | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"}:
        return None
    host = _host(parts.netloc)
    if not host:
        return None
    path = _path(parts.path, host=host.partition(":")[0])
    query = _query(parts.query, host=host, path=path)
    if _BLOGGER_POST.match(path):
        query = tuple(pair for pair in query if pair[0] != "m")
    return Place(host=host, path=path, query=query, fragment=_route(parts.fragment))


def _settle(place: Place) -> Place:
    """Apply what is known of the site until nothing changes any more."""
    for _ in range(MOST_UNWRAPPINGS):
        simpler = simplify(place)
        if simpler == place:
            break
        place = simpler
    return place


def _host(netloc: str) -> str:
    """Return the one name of a host with its port, "" if there can be no such host."""
    host = netloc.rpartition("@")[2].lower()
    port = _PORT.search(host)
    if port:
        host = host[: port.start()]
    host = _ascii(host.strip("."))
    while (shorter := _PREFIX.sub("", host)) != host and not is_public_suffix(shorter):
        host = shorter
    host = fold_host(host)
    if not _HOST.match(host):
        return ""
    if port and port["port"].lstrip("0") not in {"", "80", "443"}:
        return f"{host}:{port['port'].lstrip('0')}"
    return host


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _path(path: str, *, host: str) -> str:
    path = _SESSION.sub("", _respell(path, safe=_PATH_SAFE))
    path = _resolve(_SLASHES.sub("/", path))
    previous = None
    while previous != path:
        previous = path
        path = _INDEX.sub("/", path).rstrip("/")
        if host not in _AMP_IS_A_NAME:
            path = _without_amp(path)
    return path or "/"


def _without_amp(path: str) -> str:
    """Return a post's path without what marks its look for phones.

    Behind a folder ("/topics/amp") it is no mark but a page.
    """
    path = _AMP_ENDING.sub("", path)
    if path.startswith(f"{_AMP_PLATFORM}/"):
        path = path.removeprefix(_AMP_PLATFORM)
    post = path.removesuffix(_AMP_FOLDER)
    name = post.rpartition("/")[2]
    if _YEAR_OR_MONTH.match(name):
        return path
    words = [word for word in re.split("[_-]", name) if word]
    if len(words) >= FEWEST_WORDS_OF_POST or _DATE_OR_ID.search(post) or _FILE.search(post):
        return post
    return path


def _resolve(path: str) -> str:
    """Return the path without "." and ".." (RFC 3986 section 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[max(len(kept) - 1, 1) :]
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept) or "/"


def _respell(text: str, *, safe: str) -> str:
    """Return the text with one spelling for each byte: decoded if it may be, else %XX."""
    if "%" not in text:
        return quote(text, safe=safe, errors="replace")
    decoded = "".join(
        part if index % 2 == 0 else _escape(part) for index, part in enumerate(_escapes(text))
    )
    return quote(decoded, safe=safe + "%", errors="replace")


_ESCAPE = re.compile(r"((?:%[0-9a-fA-F]{2})+)")
# RFC 3986's unreserved characters, and the marks of RFC 2396, which many still escape.
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!*'()")


def _escapes(text: str) -> list[str]:
    """Return plain and escaped stretches in turn; a stray percent sign is escaped itself."""
    parts = _ESCAPE.split(text)
    return [part if index % 2 else part.replace("%", "%25") for index, part in enumerate(parts)]


def _escape(escaped: str) -> str:
    return "".join(
        chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in unquote_to_bytes(escaped)
    )


def _query(query: str, *, host: str, path: str) -> tuple[tuple[str, str | None], ...]:
    """Return what of the query names the page, by name; a repeated name keeps its order."""
    kept: list[tuple[str, str | None]] = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        name = _respell(name.replace("+", " "), safe=_QUERY_SAFE)
        value = _respell(value.replace("+", " "), safe=_QUERY_SAFE + "=")
        name = name.removeprefix("amp;")
        if (name or value) and not is_tracking(name, value, host=host, path=path):
            kept.append((name, value if equals else None))
    return tuple(sorted(kept, key=lambda pair: pair[0]))


def _route(fragment: str) -> str:
    """Return the fragment if a script reads it as the page ("#!…", "#/…"), else ""."""
    if not fragment.startswith(("!", "/")):
        return ""
    return _respell(fragment, safe=_PATH_SAFE + "?").rstrip("/")


def _spell(place: Place) -> str:
    query = _spell_query(place.query)
    spelled = f"https://{place.host}{place.path}"
    if query:
        spelled += f"?{query}"
    return f"{spelled}#{place.fragment}" if place.fragment else spelled


def _spell_query(query: tuple[tuple[str, str | None], ...]) -> str:
    return "&".join(name if value is None else f"{name}={value}" for name, value in query)
