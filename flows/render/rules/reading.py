"""A mail as the rules read it: parsed once, its styles and links at hand."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import lxml.html
from lxml.etree import LxmlError

from flows.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.html import HtmlElement

    from flows.models import Brand, Mail

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A link: where it leads, what it says, and its element."""

    url: str
    words: str
    element: HtmlElement


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A mail, its brand, the parsed HTML, Outlook's comments and the style blocks' CSS.

    `page` is the parsed page of a mail that could not hold all of its issue.
    """

    mail: Mail
    brand: Brand
    domain: str
    root: HtmlElement
    page: HtmlElement | None
    comments: tuple[str, ...]
    styles: tuple[str, ...]

    @property
    def anchors(self) -> Iterator[Anchor]:
        """The links of the HTML part, in order."""
        yield from _anchors(self.root)

    @property
    def links(self) -> Iterator[Anchor]:
        """Those, then the links that only the page has: the text part has their stories too."""
        yield from self.anchors
        if self.page is not None:
            told = {(anchor.url, anchor.words) for anchor in self.anchors}
            yield from (
                anchor for anchor in _anchors(self.page) if (anchor.url, anchor.words) not in told
            )


def _anchors(root: HtmlElement) -> Iterator[Anchor]:
    for element in root.iter("a"):
        yield Anchor(url=element.get("href", ""), words=words(element), element=element)


def read(mail: Mail, brand: Brand, *, domain: str = "", page: str = "") -> Reading:
    """Return the mail as the rules read it; raises TemplateError if its HTML is none."""
    root = _parsed(mail.html, "HTML part")
    return Reading(
        mail=mail,
        brand=brand,
        domain=domain,
        root=root,
        page=_parsed(page, "page") if page else None,
        comments=tuple(_COMMENT.findall(mail.html)),
        styles=tuple(_CSS_COMMENT.sub("", style.text or "") for style in root.iter("style")),
    )


def _parsed(html: str, what: str) -> HtmlElement:
    try:
        return lxml.html.document_fromstring(html)
    except (LxmlError, ValueError) as error:
        raise TemplateError(f"check: the {what} cannot be read: {error}") from error


def single_spaced(text: str) -> str:
    """Return the text with every run of white space as one space."""
    return _SPACES.sub(" ", text).strip()


def words(element: HtmlElement) -> str:
    """Return what an element says."""
    return single_spaced(str(element.text_content()))


# A mail has hundreds of style attributes, of which about twenty differ.
@functools.lru_cache(maxsize=256)
def declarations(css: str) -> Mapping[str, str]:
    """Return the properties of a style attribute or of a rule's body, in lower case."""
    pairs = (part.partition(":") for part in css.split(";"))
    return MappingProxyType(
        {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}
    )


def style(element: HtmlElement) -> Mapping[str, str]:
    """Return an element's style attribute."""
    return declarations(element.get("style", ""))


def elements(reading: Reading) -> Iterator[HtmlElement]:
    """Yield every element of the body, in order; comments are none."""
    yield from reading.root.body.iter(lxml.etree.Element)


def rules(css: str) -> list[tuple[str, Mapping[str, str]]]:
    """Return (selector, properties) of every rule, one for each selector of a list."""
    return [
        (selector.strip(), declarations(body))
        for selectors, body in _RULE.findall(css)
        for selector in selectors.split(",")
    ]


def all_css(reading: Reading) -> Iterator[str]:
    """Yield every piece of CSS: the style blocks, then the style attributes."""
    yield from reading.styles
    yield from (found for element in elements(reading) if (found := element.get("style")))
