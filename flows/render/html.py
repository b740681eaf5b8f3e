"""An issue rendered once: HTML and its text twin, the same for every recipient but for one tag."""

from __future__ import annotations

from dataclasses import replace
from email.header import Header
from email.utils import formataddr
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.models import Mail
from flows.render import themes
from flows.render.clean import clean_brand, clean_issue
from flows.render.digest import digest
from flows.render.inline import inline
from flows.render.tags import (
    break_up_in_header,
    break_up_in_html,
    break_up_in_text,
    unsubscribe_tag,
)
from flows.render.text import tidy

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment

    from flows.models import Brand, Issue, Recipient

# Gmail cuts a mail at 102 KB and hides the unsubscribe link with the rest; a provider's click
# tracking lengthens every link on the way. What does not fit is read on the web.
BUDGET = 70_000

# Languages whose lines run from right to left.
_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


def render(
    issue: Issue,
    brand: Brand,
    *,
    theme: str = themes.DEFAULT_THEME,
    templates: Path | None = None,
) -> Mail:
    """Return the issue as a mail, the recipients' unsubscribe links being one tag.

    A theme in the folder `templates` goes before ours. Raises TemplateError.
    """
    issue, brand = clean_issue(issue), clean_brand(brand)
    tag = unsubscribe_tag(issue)
    environment = themes.open_theme(theme, templates)
    values = _values(issue, brand, theme=theme, unsubscribe=tag)
    html, folded = _html_within_budget(environment, values, issue)
    text = tidy(break_up_in_text(themes.fill(environment, themes.TEXT, values)))
    mail = Mail(
        issue=issue.number,
        subject=break_up_in_header(issue.subject),
        preheader=issue.preheader,
        html=html,
        text=text,
        sender=brand.sender,
        reply_to=brand.reply_to,
        headers=(("List-Id", list_id(brand)),),
        unsubscribe_tag=tag,
        folded=folded,
    )
    return replace(mail, digest=digest(mail))


def page(
    issue: Issue,
    brand: Brand,
    *,
    theme: str = themes.DEFAULT_THEME,
    templates: Path | None = None,
) -> str:
    """Return the issue as a page of the archive: the mail's HTML without what is a recipient's.

    Raises TemplateError.
    """
    issue, brand = clean_issue(issue), clean_brand(brand)
    environment = themes.open_theme(theme, templates)
    return _html(environment, _values(issue, brand, theme=theme, unsubscribe=""))


def personalise(mail: Mail, recipient: Recipient) -> Mail:
    """Return the mail as one recipient gets it; its digest stays that of the issue."""
    link = recipient.unsubscribe_url
    if not mail.unsubscribe_tag:
        return mail
    return replace(
        mail,
        html=mail.html.replace(mail.unsubscribe_tag, escape(link)),
        text=mail.text.replace(mail.unsubscribe_tag, link),
        unsubscribe_tag="",
    )


def list_id(brand: Brand) -> str:
    """Return the List-Id (RFC 2919): the title for people, the web address's host for filters."""
    name = f"newsletter.{urlsplit(brand.base_url).hostname or 'localhost'}"
    if brand.title.isascii():
        return formataddr((brand.title, name)) if brand.title else f"<{name}>"
    return f"{Header(brand.title, 'utf-8').encode(linesep='')} <{name}>"


def _html_within_budget(
    environment: Environment, values: dict[str, object], issue: Issue
) -> tuple[str, int]:
    """Return the HTML with as many entries as the budget allows, and how many became a link."""
    html = _html(environment, values)
    if _size(html) <= BUDGET:
        return html, 0
    # None at all may fit: the first entry can be too long by itself, as can the intro.
    count = len(issue.entries)
    folded, fits, too_many = 0, -1, count
    while too_many - fits > 1:
        kept = (fits + too_many) // 2
        shorter = {"issue": _first(issue, kept), "folded": count - kept}
        candidate = _html(environment, values | shorter)
        if _size(candidate) <= BUDGET:
            html, folded, fits = candidate, count - kept, kept
        else:
            too_many = kept
    return html, folded


def _html(environment: Environment, values: dict[str, object]) -> str:
    html = themes.fill(environment, themes.HTML, values)
    tag = str(values["unsubscribe_url"])
    return break_up_in_html(inline(html, tags=[tag] if tag else []))


def _size(html: str) -> int:
    return len(html.encode())


def _first(issue: Issue, count: int) -> Issue:
    """Return the issue cut after its first `count` entries."""
    sections = []
    for section in issue.sections:
        entries = section.entries[:count]
        count -= len(entries)
        if entries:
            sections.append(replace(section, entries=entries))
    return replace(issue, sections=tuple(sections))


def _values(issue: Issue, brand: Brand, *, theme: str, unsubscribe: str) -> dict[str, object]:
    language = brand.language.lower().partition("-")[0]
    return {
        "theme": theme,
        "issue": issue,
        "brand": brand,
        "direction": "rtl" if language in _RIGHT_TO_LEFT else "ltr",
        "date": f"{issue.date.day} {issue.date:%B %Y}",
        "folded": 0,
        "browser_url": f"{brand.base_url}/issues/{issue.number:03}",
        "archive_url": f"{brand.base_url}/issues",
        "feed_url": f"{brand.base_url}/feed.xml",
        "unsubscribe_url": unsubscribe,
    }
