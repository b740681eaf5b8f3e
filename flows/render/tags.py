"""Merge tags: ours, which no content can contain, and a provider's own, which must not act.

SendGrid replaces text plainly, wherever it stands. So the one tag we declare is derived from
the issue: to contain it, a story would have to contain the hash of itself. Tags that SendGrid
knows by itself (`<%asm_…%>`, `[unsubscribe]`, `[%name%]`) are broken up where they come from
content. In HTML the breaking character is written as a character reference, which every client
shows and copies as the character itself. Plain text and subjects have no such spelling, so
there a space goes in: a joiner of no width would look the same, but stay in whatever a reader
copies from a post about such tags, and hiding characters is what spam does. All else that looks
like a tag to someone (`{{ .Values }}`, `state-of-the-art`, `%name%`) means nothing to SendGrid
unless declared, and stays as it was written.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.models import Issue

_NAMES = "unsubscribe|unsubscribe_preferences|weblink|sender_[a-z]+"
_IN_TEXT = re.compile(rf"(<)(?=%)|(\[)(?=%|(?:{_NAMES})\])", re.IGNORECASE)
_IN_HTML = re.compile(rf"(&lt;)%|\[(?=%|(?:{_NAMES})\])", re.IGNORECASE)

# Text that would be decoded on arrival (RFC 2047), hidden line breaks and all.
_ENCODED_WORD = re.compile(r"=(?=\?[^?\s]+\?[bq]\?)", re.IGNORECASE)


def unsubscribe_tag(issue: Issue) -> str:
    """Return the tag that stands for a recipient's unsubscribe link in a (cleaned) issue."""
    digest = hashlib.sha256(json.dumps(list(_words(issue))).encode()).hexdigest()
    return f"-unsubscribe-{digest[:32]}-"


def _words(issue: Issue) -> list[str]:
    words = [str(issue.number), str(issue.date), issue.subject, issue.preheader, issue.intro]
    for section in issue.sections:
        words.append(section.name)
        for entry in section.entries:
            words += [entry.title, entry.url, entry.source, entry.detail, entry.blurb]
            words.append(entry.sponsor)
            for link in entry.links:
                words += [link.title, link.url]
    return words


def break_up_in_text(text: str) -> str:
    """Return plain text in which none of the provider's own tags acts."""
    return _IN_TEXT.sub(r"\1\2 ", text)


def break_up_in_header(text: str) -> str:
    """Return a header's text in which none of these acts, and nothing is decoded."""
    return _ENCODED_WORD.sub("= ", break_up_in_text(text))


def break_up_in_html(html: str) -> str:
    """Return finished HTML in which no tag of the provider's that came from content acts."""
    return _IN_HTML.sub(lambda found: "&lt;&#37;" if found[1] else "&#91;", html)
