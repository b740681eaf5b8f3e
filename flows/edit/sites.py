"""What is known of single sites: which addresses are one page there, and whose site a host is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# One site under several names. Blogger serves each blog under the reader's country.
HOST_ALIASES = {
    "youtube-nocookie.com": "youtube.com",
    "music.youtube.com": "youtube.com",
    "gaming.youtube.com": "youtube.com",
    "old.reddit.com": "reddit.com",
    "new.reddit.com": "reddit.com",
    "np.reddit.com": "reddit.com",
    "i.reddit.com": "reddit.com",
    "x.com": "twitter.com",
    "nitter.net": "twitter.com",
    "fxtwitter.com": "twitter.com",
    "vxtwitter.com": "twitter.com",
    "dx.doi.org": "doi.org",
    "player.vimeo.com": "vimeo.com",
    "en.m.wikipedia.org": "en.wikipedia.org",
    "gist.githubusercontent.com": "gist.github.com",
    "export.arxiv.org": "arxiv.org",
    "ar5iv.org": "arxiv.org",
    "ar5iv.labs.arxiv.org": "arxiv.org",
    "arxiv-vanity.com": "arxiv.org",
    "golang.org": "go.dev",
    # Names that a site had before, under the same paths.
    "theregister.co.uk": "theregister.com",
    "guardian.co.uk": "theguardian.com",
    "bbc.co.uk": "bbc.com",
}
_BLOGGER = re.compile(r"^(?P<blog>[^.]+)\.blogspot\.(?:com?\.)?[a-z]{2,3}$")
_MOBILE_WIKI = re.compile(
    r"^(?P<language>[a-z-]{2,12})\.m\.(?P<rest>wikipedia\.org|wiktionary\.org)$"
)

# Hosts where every customer has a name of their own under a common one.
TENANT_HOSTS = frozenset(
    "github.io gitlab.io gitbook.io netlify.app netlify.com vercel.app pages.dev web.app "
    "herokuapp.com readthedocs.io readthedocs.org wordpress.com blogspot.com tumblr.com "
    "substack.com hashnode.dev ghost.io medium.com livejournal.com sourceforge.io bearblog.dev "
    "azurewebsites.net amazonaws.com cloudfront.net appspot.com fly.dev workers.dev write.as "
    "neocities.org typepad.com posterous.com workable.com notion.site codeberg.page sr.ht".split()
)
COUNTRY_LETTERS = 2
# Second labels under which countries register names (co.uk, com.au …).
_SECOND_LEVELS = frozenset("ac co com edu gob gov gov go ne net nic nom or org gouv govt".split())
# Where one page's owner is the first part of its path.
PATH_TENANTS = frozenset(
    "github.com gitlab.com bitbucket.org codeberg.org git.sr.ht medium.com dev.to hackmd.io "
    "buttondown.email buttondown.com speakerdeck.com slideshare.net sites.google.com "
    "gist.github.com".split()
)
# Code forges: an owner and a name make a project, wherever it is mirrored.
FORGES = frozenset("github.com gitlab.com bitbucket.org codeberg.org git.sr.ht sr.ht".split())
# Sites that hold everybody's videos: another id is another video, whatever its title.
VIDEO_HOSTS = frozenset("youtube.com vimeo.com twitch.tv dailymotion.com".split())
# Sites of threads: there too, another id is another thread.
THREAD_HOSTS = frozenset(
    "lobste.rs news.ycombinator.com reddit.com stackoverflow.com serverfault.com superuser.com "
    "groups.google.com discuss.kubernetes.io marc.info".split()
)

_MEDIUM_ID = re.compile(r"(?:^|[/-])(?P<id>(?=[0-9a-f]*\d)[0-9a-f]{10,12})$")
_VIDEO = re.compile(r"^[\w-]{3,20}$", re.ASCII)
_README = re.compile(r"^/blob/(.+)/readme(?:\.\w+)?$", re.IGNORECASE)
_PULL_TAB = re.compile(r"^(/pull/\d+)/(?:files|commits|checks)$")
_MAIN_BRANCH = re.compile(r"^/tree/(?:master|main)$")
_FORGE_PAGES = frozenset(
    "topics search settings orgs features marketplace sponsors explore".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an address leads: folded host, path and query without what says nothing."""

    host: str
    path: str
    query: tuple[tuple[str, str | None], ...] = ()
    fragment: str = ""

    def value(self, name: str) -> str:
        """Return a query parameter's first value, "" if there is none."""
        return next((value or "" for key, value in self.query if key == name), "")


def fold_host(host: str) -> str:
    """Return the one name of a site with several."""
    if host in HOST_ALIASES:
        return HOST_ALIASES[host]
    blogger = _BLOGGER.match(host)
    if blogger:
        return f"{blogger['blog']}.blogspot.com"
    wiki = _MOBILE_WIKI.match(host)
    return f"{wiki['language']}.{wiki['rest']}" if wiki else host


def is_public_suffix(host: str) -> bool:
    """Return whether nobody in particular owns `host`: "com", "co.uk", "github.io"."""
    if "." not in host or host in TENANT_HOSTS:
        return True
    second, _, country = host.partition(".")
    return second in _SECOND_LEVELS and len(country) == COUNTRY_LETTERS


def domain(host: str) -> str:
    """Return the part of a host that its owner registered; tenants' names count as registered."""
    labels = host.split(".")
    for start in range(len(labels) - 1, -1, -1):
        candidate = ".".join(labels[start:])
        if not is_public_suffix(candidate):
            return candidate
    return host


def site(host: str, path: str) -> str:
    """Return whose site an address is on: the registered name, and the owner if many share it."""
    if host not in PATH_TENANTS:
        return domain(host)
    owner = path.strip("/").split("/", 1)[0].lower()
    return f"{host}/{owner}"


def medium_id(path: str) -> str:
    """Return the id Medium puts at the end of a post's path, on whatever domain; "" without one."""
    found = _MEDIUM_ID.search(path.rstrip("/"))
    if not found or "-" not in path.rsplit("/", 1)[-1]:
        return ""
    return found["id"]


def project(place: Place) -> str:
    """Return "owner/name" if this is a project's front page on a code forge, else ""."""
    owner, _, name = place.path.strip("/").lower().partition("/")
    if place.host not in FORGES or owner in _FORGE_PAGES or not name or "/" in name:
        return ""
    return f"{owner.lstrip('~@')}/{name}"


def simplify(place: Place) -> Place:
    """Return the one address of a page that its site shows under several."""
    rule = _RULES.get(place.host)
    if rule is None and place.host.endswith(".medium.com"):
        rule = _medium
    return rule(place) if rule else place


def _youtube(place: Place) -> Place:
    kind, *rest = place.path.strip("/").split("/")
    video = place.value("v") if kind == "watch" else ""
    if rest and kind in {"embed", "shorts", "live", "v"}:
        video = rest[0]
    if not _VIDEO.match(video):
        return place
    return Place(host=place.host, path="/watch", query=(("v", video),))


def _youtu_be(place: Place) -> Place:
    video = place.path.strip("/").split("/")[0]
    if not _VIDEO.match(video):
        return place
    return Place(host="youtube.com", path="/watch", query=(("v", video),))


def _vimeo(place: Place) -> Place:
    found = re.match(r"^/(?:video/)?(\d+)/?$", place.path)
    return Place(host=place.host, path=f"/{found[1]}") if found else place


def _medium(place: Place) -> Place:
    found = medium_id(place.path) or _only_id(place.path)
    return Place(host="medium.com", path=f"/p/{found}") if found else place


def _only_id(path: str) -> str:
    found = re.match(r"^/p/([0-9a-f]{10,12})/?$", path)
    return found[1] if found else ""


def _lwn(place: Place) -> Place:
    found = re.match(r"^/(?:SubscriberLink|Articles|ml)/(\d+)(?:/[0-9a-f]*|/rss)?/?$", place.path)
    return Place(host=place.host, path=f"/Articles/{found[1]}") if found else place


def _stack(place: Place) -> Place:
    found = re.match(r"^/(questions|q|a)/(\d+)(?:/.*)?$", place.path)
    if not found:
        return place
    kind = "a" if found[1] == "a" else "questions"
    return Place(host=place.host, path=f"/{kind}/{found[2]}")


def _github(place: Place) -> Place:
    found = re.match(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?(?P<rest>/.*)?$", place.path)
    if found is None or found["owner"] in _FORGE_PAGES:
        return place
    # A folder's README is what the folder's page shows, the main branch what the front page does.
    rest = _README.sub(r"/tree/\1", _PULL_TAB.sub(r"\1", found["rest"] or ""))
    rest = "" if _MAIN_BRANCH.match(rest) else rest
    # A project's front page shows the same whatever is asked of it, but for its tabs.
    query = place.query if rest or place.value("tab") else ()
    # GitHub's names of owners and projects know no case.
    path = f"/{found['owner']}/{found['name']}".lower() + rest
    return Place(host=place.host, path=path, query=query)


def _gitlab(place: Place) -> Place:
    # "/-/" came between a project and its pages later.
    found = re.match(r"^/(?P<project>[^/]+/[^/]+)/-/(?P<rest>.+)$", place.path)
    if not found:
        return place
    rest = "" if _MAIN_BRANCH.match(f"/{found['rest']}") else f"/{found['rest']}"
    return Place(host=place.host, path=f"/{found['project']}{rest}", query=place.query)


def _gist(place: Place) -> Place:
    # A gist's id is enough; its owner's name came into the address later.
    found = re.match(r"^/(?:[^/]+/)?([0-9a-f]{5,40})$", place.path)
    return Place(host=place.host, path=f"/{found[1]}") if found else place


def _reddit(place: Place) -> Place:
    found = re.match(r"^/(?:r/[^/]+/)?comments/([a-z0-9]+)(?:/[^/]*)?/?$", place.path)
    return Place(host=place.host, path=f"/comments/{found[1]}") if found else place


def _redd_it(place: Place) -> Place:
    found = re.match(r"^/([a-z0-9]{4,8})/?$", place.path)
    return Place(host="reddit.com", path=f"/comments/{found[1]}") if found else place


def _twitter(place: Place) -> Place:
    found = re.match(r"^/[^/]+(?:/[^/]+)?/status(?:es)?/(\d+)", place.path)
    return Place(host=place.host, path=f"/i/status/{found[1]}") if found else place


def _arxiv(place: Place) -> Place:
    found = re.match(r"^/(?:abs|pdf|html|papers)/(.+?)(?:v\d+)?(?:\.pdf)?/?$", place.path)
    return Place(host=place.host, path=f"/abs/{found[1]}") if found else place


def _rfc(place: Place) -> Place:
    found = re.match(r"^/(?:doc/)?(?:html|pdf|txt|rfc|info|id)?/?rfc0*(\d+)(?:\.\w+)?$", place.path)
    return Place(host="rfc-editor.org", path=f"/rfc/rfc{found[1]}") if found else place


def _google_groups(place: Place) -> Place:
    old = re.match(r"^!(?:topic|msg)/([^/]+)/([^/]+)", place.fragment)
    new = re.match(r"^/(?:g/([^/]+)/c|d/topic/([^/]+)|d/msg/([^/]+))/([^/]+)", place.path)
    if old:
        return Place(host=place.host, path=f"/g/{old[1]}/c/{old[2]}")
    if new:
        return Place(host=place.host, path=f"/g/{new[1] or new[2] or new[3]}/c/{new[4]}")
    return place


def _google_docs(place: Place) -> Place:
    found = re.match(r"^/(document|spreadsheets|presentation|forms)/d/([\w-]+)", place.path)
    if not found or found[2] == "e":
        return place
    return Place(host=place.host, path=f"/{found[1]}/d/{found[2]}")


def _doi(place: Place) -> Place:
    # The ACM and others show one paper as abstract, full text and PDF behind its DOI.
    found = re.match(
        r"^/doi/(?:abs/|full/|fullHtml/|pdf/|epdf/|pdfdirect/)?(10\.\d{4,9}/.+)$", place.path
    )
    return Place(host="doi.org", path=f"/{found[1]}") if found else place


def _openreview(place: Place) -> Place:
    paper = place.value("id")
    if place.path not in {"/forum", "/pdf"} or not paper:
        return place
    return Place(host=place.host, path="/forum", query=(("id", paper),))


def _raw_github(place: Place) -> Place:
    found = re.match(r"^/([^/]+)/([^/]+)/(?:refs/heads/)?(.+)$", place.path)
    if not found:
        return place
    return _github(Place(host="github.com", path=f"/{found[1]}/{found[2]}/blob/{found[3]}"))


def _old_go_blog(place: Place) -> Place:
    return Place(host="go.dev", path=f"/blog{place.path}".rstrip("/"), query=place.query)


def _open_substack(place: Place) -> Place:
    found = re.match(r"^/pub/([\w-]+)(/p/.+)$", place.path)
    return Place(host=f"{found[1].lower()}.substack.com", path=found[2]) if found else place


_RULES: dict[str, Callable[[Place], Place]] = {
    "youtube.com": _youtube,
    "youtu.be": _youtu_be,
    "vimeo.com": _vimeo,
    "medium.com": _medium,
    "lwn.net": _lwn,
    "stackoverflow.com": _stack,
    "serverfault.com": _stack,
    "superuser.com": _stack,
    "github.com": _github,
    "gist.github.com": _gist,
    "gitlab.com": _gitlab,
    "reddit.com": _reddit,
    "redd.it": _redd_it,
    "twitter.com": _twitter,
    "arxiv.org": _arxiv,
    "tools.ietf.org": _rfc,
    "datatracker.ietf.org": _rfc,
    "rfc-editor.org": _rfc,
    "ietf.org": _rfc,
    "groups.google.com": _google_groups,
    "docs.google.com": _google_docs,
    "dl.acm.org": _doi,
    "onlinelibrary.wiley.com": _doi,
    "science.org": _doi,
    "openreview.net": _openreview,
    "raw.githubusercontent.com": _raw_github,
    "blog.golang.org": _old_go_blog,
    "open.substack.com": _open_substack,
}
