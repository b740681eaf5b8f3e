"""Pages that are no articles: a site's contact form is not news, whatever its feed says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.edit import clean
from flows.edit.entries import address
from flows.edit.sentences import count, folded_words
from flows.models import Kind
from flows.wording import counted

if TYPE_CHECKING:
    from flows.models import Item

# As the last part of a path these are a site's furniture.
FURNITURE = frozenset(
    "contact contact-us contact-me about about-us about-me privacy privacy-policy subscribe "
    "unsubscribe terms terms-of-service terms-of-use imprint impressum login log-in signin "
    "sign-in signup sign-up register search tag tags category categories".split()
)
# With a name behind them these are lists of what is told elsewhere.
LISTS = frozenset(("tag", "tags", "category", "categories"))
# Forges (GitHub, Forgejo, Gitea) show a release under its tag: that is the release itself.
RELEASE = ["releases", "tag"]

_FEW_WORDS = 5
_FEW_WORDS_OF_A_HOME_PAGE = 20
# Longer markup than this holds more than a few words.
_SHORT_MARKUP = 600


def not_an_article(item: Item) -> str:
    """Return why an item is no article, with its figures; empty if it is one."""
    path = _path(item.url)
    if reason := _furniture(path):
        return _said(reason, item)
    if item.kind is Kind.PAGE:
        return _said("a page", item)
    text = item.content or item.summary
    if item.kind is not Kind.ARTICLE or len(text) > _SHORT_MARKUP:
        return ""
    if path == "/" and _words(item) < _FEW_WORDS_OF_A_HOME_PAGE:
        return _said("home page", item)
    title = folded_words(item.title)
    if 0 < len(title) < _FEW_WORDS and folded_words(clean.text_of(text)) == title:
        return _said("its text is its title", item)
    return ""


def is_furniture(url: str) -> bool:
    """Tell whether an address is of a site's furniture: its contact form, its terms."""
    return bool(_furniture(_path(url)))


def _path(url: str) -> str:
    """Return the path of an address, empty where a query or fragment says which page it is."""
    page, _, fragment = address(url).partition("#")
    page, _, query = page.partition("?")
    _, _, place = page.partition("//")
    _, slash, path = place.partition("/")
    return "" if query or fragment else slash + path or "/"


def _furniture(path: str) -> str:
    steps = [step.lower() for step in path.split("/") if step]
    if not steps or steps[-3:-1] == RELEASE:
        return ""
    if steps[-1] in FURNITURE or (len(steps) > 1 and steps[-2] in LISTS):
        return f"path {path}"
    return ""


def _words(item: Item) -> int:
    return count(clean.text_of(item.content or item.summary))


def _said(reason: str, item: Item) -> str:
    words = _words(item)
    return f"not an article ({reason}, {counted(words, 'word')})"
