"""What strangers write does nothing in the HTML, the text, the headers or the substitutions."""

from __future__ import annotations

import functools
import json
import re
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.deliver.payload import payload
from flows.models import Batch, Entry, Issue, Link, Mail, Section
from flows.render.check import check, errors
from flows.render.clean import readable, safe_url, single_line
from flows.render.html import render
from flows.render.sample import SAMPLE_BRAND, SAMPLE_RECIPIENT

PAYLOADS = json.loads((Path(__file__).parent / "payloads.json").read_text(encoding="utf-8"))
# A test takes a whole kind and names the payloads that break its law.
each_kind = pytest.mark.parametrize("kind", PAYLOADS)
PROVIDER_TAG = re.compile(
    r"<%|\[%|\[(unsubscribe|unsubscribe_preferences|weblink|sender_\w+)\]", re.IGNORECASE
)


class Skeleton(HTMLParser):
    """Collects the elements of a document with the names of their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def issue_of(text: str, *, url: str = "https://example.org/x", prose: str = "words") -> Issue:
    """An issue with `text` wherever plain text goes, and `prose` where Markdown goes."""
    entries = (
        Entry(title=f"t {text}", url=url, source=f"s {text}", detail=f"d {text}", blurb=prose),
        Entry(title=f"t {text}", url=url, sponsor=f"n {text}", blurb=prose),
        Entry(title=f"t {text}", links=(Link(title=f"l {text}", url=url),)),
    )
    return Issue(
        number=7,
        date=date(2026, 11, 30),
        subject=f"s {text}",
        preheader=f"p {text}",
        intro=prose,
        sections=(Section(name=f"h {text}", entries=entries),),
    )


@functools.cache
def mail_of(text: str, **fields: str) -> Mail:
    return render(issue_of(text, **fields), SAMPLE_BRAND)


def prose_of(payload: str) -> Mail:
    return mail_of("x", prose=f"words {payload}", url=payload)


def mails_of(payload: str) -> tuple[Mail, Mail]:
    return mail_of(payload), prose_of(payload)


@pytest.fixture(scope="module")
def harmless() -> Skeleton:
    return Skeleton(mail_of("x").html)


@each_kind
def test_text_adds_no_element_attribute_or_comment(kind: str, harmless: Skeleton) -> None:
    def grown(payload: str) -> bool:
        found = Skeleton(mail_of(payload).html)
        return (found.elements, found.comments) != (harmless.elements, harmless.comments)

    assert [payload for payload in PAYLOADS[kind] if grown(payload)] == []


@each_kind
def test_markdown_adds_words_and_links_only(kind: str, harmless: Skeleton) -> None:
    plain = {tag for tag, _ in harmless.elements} | {"a", "code", "em", "strong"}
    attributes = {name for _, names in harmless.elements for name in names}

    def grown(payload: str) -> bool:
        found = Skeleton(prose_of(payload).html)
        names = {name for _, names in found.elements for name in names}
        tags = {tag for tag, _ in found.elements}
        return not (tags <= plain and names <= attributes and found.comments == harmless.comments)

    assert [payload for payload in PAYLOADS[kind] if grown(payload)] == []


@each_kind
def test_a_link_leads_to_the_web_or_nowhere(kind: str) -> None:
    def safe(link: str) -> bool:
        parts = urlsplit(link)
        known = parts.scheme in {"http", "https", "mailto"} and parts.username is None
        return known and not re.search(r"[\s<>\"{}\[\]|^`\\]", link)

    mails = [prose_of(payload) for payload in PAYLOADS[kind]]
    links = {link for mail in mails for link in Skeleton(mail.html).links}
    tags = {mail.unsubscribe_tag for mail in mails}
    assert [link for link in links - tags if not safe(link)] == []


@each_kind
def test_a_header_stays_one_line(kind: str) -> None:
    def broken(payload: str) -> bool:
        message = EmailMessage(policy=SMTP)
        message["Subject"] = mail_of(payload).subject
        lines = message.as_bytes().splitlines()
        names = [line for line in lines if line[:1].isalpha()]
        return message["Subject"] != mail_of(payload).subject or names != lines[:1]

    assert [payload for payload in PAYLOADS[kind] if broken(payload)] == []


@each_kind
def test_nothing_invisible_is_left(kind: str) -> None:
    def hides(mail: Mail) -> bool:
        parts = (mail.subject, mail.preheader, mail.html, mail.text)
        return any(readable(part) != part for part in parts)

    assert [payload for payload in PAYLOADS[kind] if any(map(hides, mails_of(payload)))] == []


@each_kind
def test_no_tag_of_the_providers_is_left(kind: str) -> None:
    def acts(mail: Mail) -> bool:
        parts = (mail.subject, mail.text, mail.html.replace("&lt;", "<"))
        return any(PROVIDER_TAG.search(part) for part in parts)

    assert [payload for payload in PAYLOADS[kind] if any(map(acts, mails_of(payload)))] == []


@each_kind
def test_the_recipients_tag_stands_once_in_each_part(kind: str) -> None:
    def counts(mail: Mail) -> tuple[int, int]:
        return mail.html.count(mail.unsubscribe_tag), mail.text.count(mail.unsubscribe_tag)

    mails = [mail for payload in PAYLOADS[kind] for mail in mails_of(payload)]
    assert {counts(mail) for mail in mails} == {(1, 1)}


@each_kind
def test_no_headline_stops_an_issue(kind: str) -> None:
    found = [
        (payload, blocking)
        for payload in PAYLOADS[kind]
        for mail in mails_of(payload)
        if (blocking := errors(check(mail, SAMPLE_BRAND)))
    ]
    assert found == []


honest = pytest.mark.parametrize(
    "words",
    [
        pytest.param("Helm's {{ .Values.image }} explained", id="helm"),
        pytest.param("A state-of-the-art tool -no-really-", id="dashes"),
        pytest.param("Why %name% and %%x%% are not the same", id="percent"),
        pytest.param("*|FNAME|* in old templates", id="mailchimp"),
        pytest.param("The <table> element & friends: a < b && c > d", id="markup"),
        pytest.param("${VAR:-default} in #{ruby} and ${shell}", id="variables"),
        pytest.param("C:\\path\\to 100 % \"quoted\" 'twice'", id="punctuation"),
        pytest.param("👩‍💻 builds 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and ❤️", id="emoji"),
        pytest.param("می‌خواهم کتاب بخوانم", id="persian"),
        pytest.param("क्‍ष and 日本語の記事", id="joined"),
        pytest.param("[docs] and [WIP] in a title", id="brackets"),
    ],
)


@honest
def test_honest_text_reads_as_it_was_written(words: str) -> None:
    mail = mail_of(words)
    shown = "".join(_Words(mail.html).pieces)
    assert f"t {words}" in shown
    assert f"t {words}" in mail.text
    assert mail.subject == f"s {words}"


def as_sendgrid_makes_it(mail: Mail) -> tuple[str, str, str]:
    """Subject, text and HTML, each substitution made wherever its tag stands."""
    body = payload(mail, Batch(id=1, recipients=(SAMPLE_RECIPIENT,)))
    made = [body["subject"], *(part["value"] for part in body["content"])]
    for tag, value in body["personalizations"][0]["substitutions"].items():
        made = [text.replace(tag, value) for text in made]
    subject, text, html = made
    return subject, text, html


@honest
def test_honest_text_reads_as_it_was_written_in_what_sendgrid_makes(words: str) -> None:
    subject, text, html = as_sendgrid_makes_it(mail_of(words, prose=f"`{words}`"))
    shown = _Words(html)
    assert subject == f"s {words}"
    assert f"t {words}" in text
    assert f"t {words}" in "".join(shown.pieces)
    assert Skeleton(html).links.count(SAMPLE_RECIPIENT.unsubscribe_url) == 1
    assert text.split().count(SAMPLE_RECIPIENT.unsubscribe_url) == 1


def test_a_post_about_erb_reads_in_html_as_it_was_written() -> None:
    mail = mail_of("<%= link_to %> [unsubscribe]")
    assert "t <%= link_to %> [unsubscribe]" in "".join(_Words(mail.html).pieces)


def test_a_post_about_erb_gains_a_space_in_text() -> None:
    assert "t < %= link_to %> [ unsubscribe]" in mail_of("<%= link_to %> [unsubscribe]").text


class _Words(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


@given(st.text())
def test_readable_is_idempotent(text: str) -> None:
    assert readable(readable(text)) == readable(text)


@given(st.text())
def test_a_single_line_is_one(text: str) -> None:
    assert len(single_line(text).splitlines()) <= 1


@given(st.text() | st.from_regex(r"https?://[^\s]{1,30}[\\@:/?#\[\]]{0,3}.{0,10}", fullmatch=True))
def test_a_safe_url_is_safe_to_make_safe_again(text: str) -> None:
    url = safe_url(text)
    assert safe_url(url) == url
    assert url == "" or (url.isascii() and re.match(r"https?://[^@/\\]+", url))


@settings(max_examples=25)
@given(st.text(max_size=200))
def test_no_text_at_all_adds_markup(text: str) -> None:
    found = Skeleton(mail_of(text).html)
    assert found.elements == Skeleton(mail_of("x").html).elements
