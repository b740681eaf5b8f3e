"""premailer, tamed: the stylesheet goes into style attributes, and nothing else changes.

premailer 3.10 is frozen since 2021 and has habits that break mail. Each is met here:
merge tags and comments (with Outlook's conditions in them) never reach its parser; a
`<style data-premailer="ignore">` is handed through as it is; it may neither fetch nor read a
file; it makes no attributes of its own. Its gaps are kept out of reach: a rule it would lose
(an at-rule, a state, an attribute selector, `*`) is an error with the rule's name.
"""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING

from lxml.etree import LxmlError
from premailer import Premailer

from flows.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Sequence

# No tag reaches across markup: "{{" in one story and "}}" in the next are two pieces of text.
_TAGS = re.compile(
    r"\{\{\{?[^<>{}\"\n]*\}?\}\}"
    r"|\{%[^<>{}\"\n]*%\}"
    # Text has "&lt;%", so this one is the template's whatever stands in it.
    r"|<%[^<\n]*?%>"
    r"|\[%[^<>\[\]\"\n]*%\]"
    r"|\*\|[^<>|\"\n]*\|\*"
    r"|%%[^<>%\"\n]+%%"
)
# Whole pieces: a style that is kept; a comment with what stands in it; either half of one whose
# content all but Outlook shows.
_WHOLE = re.compile(
    r"<style\b[^>]*\bdata-premailer=\"ignore\"[^>]*>.*?</style\s*>"
    r"|<!--.*?-->"
    r"|<!\[(?:if|endif)[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LOST = re.compile(r"@[\w-]+|[^{};]*[:\[*>+~][^{};]*(?=\{)")

_OPTIONS = {
    "keep_style_tags": False,
    "strip_important": False,
    "remove_classes": False,
    "disable_validation": True,
    "cssutils_logging_level": logging.CRITICAL + 1,
    "allow_network": False,
    "allow_loading_external_files": False,
    "disable_leftover_css": True,
    "align_floating_images": False,
    # The template's own attributes are right; premailer's would overwrite them.
    "disable_basic_attributes": ["width", "height", "align", "valign", "bgcolor"],
    "remove_unset_properties": False,
    "preserve_handlebar_syntax": False,
}


def inline(html: str, *, tags: Sequence[str] = ()) -> str:
    """Return the HTML with its stylesheet in style attributes.

    Merge tags (any of the usual spellings, and `tags`) and comments come back byte for byte.
    Deterministic, and a second pass changes nothing. Raises TemplateError where the stylesheet
    holds what cannot be inlined, or the HTML is none.
    """
    masks = _Masks(html)
    masked = masks.hide(html, tags)
    _require_inlinable(masked)
    try:
        styled = Premailer(masked, **_OPTIONS).transform(pretty_print=False)
    except (LxmlError, ValueError, AssertionError, AttributeError) as error:
        raise TemplateError(f"inline: the HTML cannot be read: {error}") from error
    return masks.show(styled)


def _require_inlinable(html: str) -> None:
    for style in _STYLE.finditer(html):
        found = _LOST.search(_CSS_COMMENT.sub("", style[1]))
        if found:
            raise TemplateError(
                f'inline: "{found[0].strip()}" cannot become a style attribute; put the rule into '
                'the style block marked data-premailer="ignore"'
            )
    if re.search(r"<link\b[^>]*stylesheet", html, re.IGNORECASE):
        raise TemplateError("inline: a mail loads no stylesheet; include its rules in the template")


class _Masks:
    """What is hidden from premailer, and the names it goes by meanwhile.

    The names are made from a hash of the HTML, so that it cannot contain them by chance.
    """

    def __init__(self, html: str) -> None:
        digest = hashlib.sha256(html.encode("utf-8", "surrogatepass")).hexdigest()
        self._prefix = f"mask{digest[:16]}n"
        self._hidden: list[str] = []

    def hide(self, html: str, tags: Sequence[str]) -> str:
        """Return the HTML with names for what is hidden; a comment stays a comment."""
        html = _WHOLE.sub(lambda found: f"<!--{self._name(found[0])}-->", html)
        for tag in tags:
            html = re.sub(re.escape(tag), lambda found: self._name(found[0]), html)
        return _TAGS.sub(lambda found: self._name(found[0]), html)

    def show(self, html: str) -> str:
        """Return the HTML with all that was hidden; raises TemplateError if a piece is missing."""
        name = f"{self._prefix}([0-9]+)x"
        shown: list[int] = []

        def reveal(found: re.Match[str]) -> str:
            shown.append(int(found[1] or found[2]))
            return self._hidden[shown[-1]]

        html = re.sub(f"<!--{name}-->|{name}", reveal, html)
        for index in sorted(set(range(len(self._hidden))) - set(shown)):
            raise TemplateError(
                f"inline: {self._hidden[index][:60]!r} was lost; it stands where HTML has no place"
            )
        return html

    def _name(self, what: str) -> str:
        self._hidden.append(what)
        return f"{self._prefix}{len(self._hidden) - 1}x"
