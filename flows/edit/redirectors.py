"""Addresses that lead somewhere else: which ones name their target, and which ones hide it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

# Outlook puts its region before it.
_SAFE_LINKS = "safelinks.protection.outlook.com"
# Host -> what its path begins with, and the parameters that may hold the target. "google" is any
# of Google's country domains; "" is a query that is the target itself.
_Rule = tuple[str, tuple[str, ...]]
TARGET_PARAMETERS: dict[str, tuple[_Rule, ...]] = {
    "google": (("/url", ("url", "q")), ("/imgres", ("imgrefurl",))),
    "l.facebook.com": (("/l.php", ("u",)),),
    "lm.facebook.com": (("/l.php", ("u",)),),
    "facebook.com": (("/l.php", ("u",)), ("/sharer", ("u",))),
    "l.instagram.com": (("/", ("u",)),),
    "out.reddit.com": (("/", ("url",)),),
    "youtube.com": (("/redirect", ("q",)), ("/attribution_link", ("u",))),
    "duckduckgo.com": (("/l/", ("uddg",)),),
    "slack-redir.net": (("/link", ("url",)),),
    "linkedin.com": (("/redir/redirect", ("url",)), ("/safety/go", ("url",))),
    "t.umblr.com": (("/redirect", ("z",)),),
    "medium.com": (("/r", ("url",)),),
    "reddit.com": (("/media", ("url",)),),
    "translate.google.com": (("/translate", ("u",)), ("/website", ("u",))),
    "l.messenger.com": (("/l.php", ("u",)),),
    "l.workplace.com": (("/l.php", ("u",)),),
    "t.me": (("/iv", ("url",)),),
    "bing.com": (("/news/apiclick.aspx", ("url",)),),
    "go.skimresources.com": (("/", ("url",)),),
    "redirect.viglink.com": (("/", ("u",)),),
    "linkprotect.cudasvc.com": (("/url", ("a",)),),
    "12ft.io": (("/proxy", ("q",)), ("/api/proxy", ("q",))),
    "vk.com": (("/away.php", ("to",)),),
    "getpocket.com": (("/redirect", ("url",)),),
    "steamcommunity.com": (("/linkfilter", ("url", "u")),),
    _SAFE_LINKS: (("/", ("url",)),),
    "exit.sc": (("/", ("url",)),),
    "href.li": (("/", ("",)),),
    "anonym.to": (("/", ("",)),),
}

# Hosts that show the page whose whole address stands in their path: archives, and readers without
# walls and decoration.
_SHOWING_HOSTS = frozenset(
    "archive.is archive.ph archive.today archive.li archive.fo archive.vn archive.md "
    "12ft.io outline.com freedium.cfd r.jina.ai removepaywall.com smry.ai txtify.it".split()
)

# Hosts whose address says nothing about the page behind it: no site, no slug, no sibling.
OPAQUE_HOSTS = frozenset(
    "t.co bit.ly j.mp goo.gl ow.ly buff.ly dlvr.it tinyurl.com is.gd v.gd tr.im lnkd.in fb.me "
    "amzn.to aka.ms trib.al wp.me rebrand.ly ift.tt hubs.ly hubs.la mailchi.mp eepurl.com "
    "feedproxy.google.com feeds.feedburner.com rss.feedsportal.com feedsportal.com pheedo.com "
    "link.medium.com go.theregister.com feeds.dzone.com news.google.com apple.news flip.it "
    "click.convertkit-mail.com links.iterable.com sendy.co "
    "archive.is archive.ph archive.today archive.li archive.fo archive.vn outline.com 12ft.io "
    "lnks.gd spr.ly zpr.io cutt.ly s.id shorturl.at t.ly rb.gy snip.ly po.st nyti.ms econ.st "
    "reut.rs bloom.bg wapo.st tcrn.ch oreil.ly red.ht git.io".split()
)
# First labels under which mailers and feed services count clicks.
_OPAQUE_LABELS = frozenset(
    "link links click clicks go track tracking trk feedproxy email mail redirect out url r".split()
)
# What such an address looks like after its host: a token of at least six, with a digit in it,
# and no word to read.
_TOKEN = re.compile(r"/(?:[a-z0-9]{1,3}/)*(?=[^/]*\d)[A-Za-z0-9_=~+-]{6,}(?:/[A-Za-z0-9_-]*)?/?$")
_WORDY = re.compile(r"[a-z]{3,}[-_][a-z]{2,}")

_AMP_CACHE = re.compile(r"^/(?:[a-z]/)?(?:s/)?(?P<rest>[^/]+\.[^/]+.*)$")
_GOOGLE_AMP = re.compile(r"^/amp/(?:s/)?(?P<rest>[^/]+\.[^/]+.*)$")
_ARCHIVE = re.compile(r"^/(?:web/)?\d{4,14}[a-z_*]*/(?P<rest>.+)$")
_SHOWN = re.compile(r"^/(?:[\w.-]{1,24}/){0,2}(?P<rest>https?:/.+)$", re.IGNORECASE)
# Proofpoint's scanner: "__" around the address, and its own marks behind it.
_DEFENDED = re.compile(r"^/v3/__(?P<rest>https?:/.+?)__;")
_TRANSLATED = ".translate.goog"
_CACHE = re.compile(r"^cache:(?:[\w-]{8,}:)?(?P<rest>[^\s+]+)")
_SCHEME = re.compile(r"^https?:/{0,2}", re.IGNORECASE)


def target(host: str, path: str, query: str) -> str:
    """Return the address a redirecting address names in itself, "" if it names none.

    `host` is folded: lower case, without "www.".
    """
    if host.endswith(("cdn.ampproject.org", "bing-amp.com")):
        return _rest(_AMP_CACHE, path, query)
    if _is_google(host) and path.startswith("/amp/"):
        return _rest(_GOOGLE_AMP, path, query)
    if host in {"web.archive.org", "archive.org"}:
        return _rest(_ARCHIVE, path, query)
    if host == "webcache.googleusercontent.com":
        return _cached(query)
    return _shown(host, path, query) or _named(host, path, query)


def _shown(host: str, path: str, query: str) -> str:
    """Return the address that a reader, scanner or translator has in its path or host."""
    if host in _SHOWING_HOSTS:
        return _rest(_SHOWN, path, query)
    if host == "urldefense.com":
        return _rest(_DEFENDED, path, "")
    if not host.endswith(_TRANSLATED):
        return ""
    # Google writes the dots of a host as "-", and a "-" as two.
    labels = host.removesuffix(_TRANSLATED).split("--")
    kept = [part for part in query.split("&") if not part.startswith("_x_tr_")]
    rest = "-".join(label.replace("-", ".") for label in labels) + path
    return f"https://{rest}?{'&'.join(kept)}" if any(kept) else f"https://{rest}"


def _named(host: str, path: str, query: str) -> str:
    """Return the address that a parameter of the query holds."""
    for start, names in TARGET_PARAMETERS.get(_site(host), ()):
        if path.startswith(start):
            return _parameter(query, names, host)
    return ""


def is_opaque(host: str, path: str) -> bool:
    """Return whether an address hides where it leads: a shortener, a feed's or mailer's counter."""
    if host in OPAQUE_HOSTS:
        return True
    label, _, rest = host.partition(".")
    if label not in _OPAQUE_LABELS or "." not in rest:
        return False
    return bool(_TOKEN.search(path)) and not _WORDY.search(path)


def _is_google(host: str) -> bool:
    return host.startswith("google.")


def _site(host: str) -> str:
    """Return the name under which a host stands in the table."""
    if _is_google(host):
        return "google"
    return _SAFE_LINKS if host.endswith(_SAFE_LINKS) else host


def _rest(pattern: re.Pattern[str], path: str, query: str) -> str:
    found = pattern.match(path)
    if not found:
        return ""
    # A slash too few is how proxies hand on "https://"; everything else is the page's own.
    rest = _SCHEME.sub("", found["rest"])
    return f"https://{rest}?{query}" if query else f"https://{rest}"


def _cached(query: str) -> str:
    value = dict(parse_qsl(query)).get("q", "")
    found = _CACHE.match(value)
    if not found:
        return ""
    return "https://" + _SCHEME.sub("", found["rest"])


def _parameter(query: str, names: tuple[str, ...], host: str) -> str:
    if names == ("",):
        value = unquote(query)
    else:
        values = dict(parse_qsl(query))
        value = next((values[name] for name in names if values.get(name)), "")
    if value.startswith("/") and not value.startswith("//"):
        value = f"https://{host}{value}"
    return value if names_a_page(value) else ""


def names_a_page(value: str) -> bool:
    """Return whether `value` is an http(s) address with a host."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "")
