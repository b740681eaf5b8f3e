"""Rules for what a mail says: subject, preheader, sender, text part, imprint."""

from __future__ import annotations

import re
from email.headerregistry import AddressHeader
from email.policy import default as email_policy
from typing import TYPE_CHECKING

from flows.render import tags
from flows.render.clean import readable, safe_url, single_line
from flows.render.rules import cascade
from flows.render.rules.reading import elements, single_spaced, style, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.headerregistry import Address

    from flows.render.rules.reading import Reading

# Providers whose policy (DMARC) has mail "from" them refused when they did not send it.
_FREEMAIL = frozenset(
    """
    gmail.com googlemail.com yahoo.com ymail.com aol.com outlook.com hotmail.com live.com msn.com
    icloud.com me.com mac.com gmx.com gmx.de gmx.net web.de mail.ru proton.me protonmail.com
    """.split()
)
_NO_REPLY = re.compile(r"(no|do-?not)[._-]?reply", re.IGNORECASE)
_MARKUP = re.compile(r"</?(?:a|br|div|html|p|span|table|td|tr)\b[^>]*>|&(?:nbsp|amp|lt|gt|#\d+);")
# An address on a line of its own is nobody's words: feeds deliver them with "&amp;".
_ADDRESS = re.compile(r"^[ \t]*https?://\S+[ \t]*$", re.MULTILINE)
_LONGEST_SUBJECT = 50


def addresses(header: str) -> tuple[Address, ...]:
    """Return the addresses of a From or Reply-To header, none if it cannot be read."""
    parsed = email_policy.header_factory("From", header)
    # The stubs know the two halves of the class apart.
    if not isinstance(parsed, AddressHeader) or getattr(parsed, "defects", []):
        return ()
    return tuple(parsed.addresses)


def sender(reading: Reading) -> Iterator[str]:
    """From is one address with a name, in the domain that signs."""
    found = addresses(reading.mail.sender)
    if len(found) != 1 or not found[0].domain:
        yield f"The sender {reading.mail.sender!r} is not one address; write Name <name@domain>."
        return
    address = found[0]
    if not address.display_name:
        yield f"The sender {address.addr_spec} has no name in front."
    if address.domain.lower() in _FREEMAIL:
        yield f"{address.domain} lets nobody else send in its name; send from your own domain."
    if reading.domain and address.domain.lower() != reading.domain.lower():
        yield f"The sender's domain {address.domain} is not {reading.domain}, which signs the mail."


def answerable(reading: Reading) -> Iterator[str]:
    """A reader can answer."""
    for header in (reading.mail.sender, reading.mail.reply_to):
        if _NO_REPLY.search(header):
            yield f"{header} cannot be answered; name an address that somebody reads."


def list_id(reading: Reading) -> Iterator[str]:
    """List-Id stands in the headers."""
    headers = {name.lower(): value for name, value in reading.mail.headers}
    if not re.search(r"<[\w-]+(\.[\w-]+)+>$", headers.get("list-id", "")):
        yield "There is no List-Id header by which a reader can filter."


def subject_given(reading: Reading) -> Iterator[str]:
    """The subject is there, on one line."""
    subject = reading.mail.subject
    if not subject.strip():
        yield "The subject is empty; write one into the issue's front matter."
    elif single_line(subject) != subject:
        yield "The subject has line breaks or characters that cannot be seen."


def subject_length(reading: Reading) -> Iterator[str]:
    """The subject fits a telephone."""
    length = len(reading.mail.subject)
    if length > _LONGEST_SUBJECT:
        yield f"The subject has {length} characters; telephones show about 40, so keep it under 50."


def subject_honest(reading: Reading) -> Iterator[str]:
    """The subject does not shout or pretend."""
    subject = reading.mail.subject
    letters = [character for character in subject if character.isalpha()]
    if len(letters) > 4 and all(character.isupper() for character in letters):
        yield "The subject is all in capitals."
    if re.search(r"!!|\$\$", subject):
        yield "The subject has !! or $$, as spam does."
    if re.match(r"(re|aw|fwd?|wg)\s*:", subject, re.IGNORECASE):
        yield "The subject pretends to be an answer or a forwarded mail."


def preheader(reading: Reading) -> Iterator[str]:
    """The preheader says what the subject does not."""
    text = reading.mail.preheader
    if not text:
        yield "There is no preheader; inboxes then show the masthead beside the subject."
    elif not 40 <= len(text) <= 140:
        yield f"The preheader has {len(text)} characters; inboxes show 40 to 90."
    elif text.casefold() == reading.mail.subject.casefold():
        yield "The preheader repeats the subject."
    if text and not words(reading.root.body).startswith(single_spaced(text)):
        yield "The preheader is not the first text of the HTML part."


def hidden(reading: Reading) -> Iterator[str]:
    """Nothing but the preheader is hidden."""
    overrides = cascade.plain_rules(reading)
    for element in elements(reading):
        if not cascade.hidden(cascade.styled(element, overrides)):
            continue
        text = words(element)
        if text != single_spaced(reading.mail.preheader):
            yield f"Hidden text looks like spam: {text[:60]!r}."
        else:
            yield from _half_hidden(style(element))


def _half_hidden(found: Mapping[str, str]) -> Iterator[str]:
    for name, value in (("display", "none"), ("max-height", "0"), ("mso-hide", "all")):
        if found.get(name, "").removesuffix("px") != value:
            yield f"The preheader lacks {name}:{value}, without which some clients show it."


def text_part(reading: Reading) -> Iterator[str]:
    """The text part holds all that the HTML part holds."""
    text = single_spaced(reading.mail.text)
    lines = {line.strip() for line in reading.mail.text.splitlines()}
    for heading in reading.root.iter("h3"):
        title = tags.break_up_in_text(words(heading))
        # Lines break in the middle of Chinese, so compare without any space.
        if title.replace(" ", "") not in text.replace(" ", ""):
            yield f"The text part lacks the title {title[:60]!r}."
    for anchor in reading.anchors:
        if anchor.url not in lines:
            yield f"The text part lacks the link {anchor.url[:100]}, or breaks it."
    # A story about "<table>" shows it in both parts, or only on the page if the mail is too long.
    page = reading.page
    shown = words(reading.root) if page is None else words(reading.root) + words(page)
    prose = single_spaced(_ADDRESS.sub("", reading.mail.text))
    for markup in sorted(set(_MARKUP.findall(prose))):
        if markup not in shown:
            yield f"The text part holds markup: {markup!r}."


def unsubscribe(reading: Reading) -> Iterator[str]:
    """Both parts hold the recipient's own unsubscribe link, to be seen."""
    tag = reading.mail.unsubscribe_tag
    if not tag:
        yield "The mail has no tag for the recipients' unsubscribe links."
        return
    overrides = cascade.plain_rules(reading)
    links = [anchor for anchor in reading.anchors if anchor.url == tag and anchor.words]
    if not links:
        yield "The HTML part has no unsubscribe link; link {{ unsubscribe_url }} in the theme."
    elif not any(cascade.seen(anchor.element, overrides) for anchor in links):
        yield "The unsubscribe link of the HTML part is hidden; let it be seen."
    if tag not in reading.mail.text.split():
        yield "The text part has no unsubscribe link; put {{ unsubscribe_url }} on its own line."


def postal_address(reading: Reading) -> Iterator[str]:
    """Both parts hold the postal address."""
    address = single_spaced(readable(reading.brand.postal_address))
    if not address:
        yield "The settings have no postal_address, which the law wants in every mail."
        return
    # A line break of the address is a <br>, which leaves no space in an element's text.
    wanted = address.replace(" ", "")
    if wanted not in words(reading.root).replace(" ", ""):
        yield "The HTML part lacks the postal address."
    if wanted not in "".join(reading.mail.text.split()):
        yield "The text part lacks the postal address."


def imprint(reading: Reading) -> Iterator[str]:
    """A reader sees who writes."""
    title = single_line(reading.brand.title)
    if not title or title not in words(reading.root) or title not in reading.mail.text:
        yield "A part of the mail does not say which newsletter it is."


def reason(reading: Reading) -> Iterator[str]:
    """A reader sees why they get the mail."""
    why = single_line(reading.brand.reason) or single_line(reading.brand.title)
    if why not in words(reading.root) or why not in single_spaced(reading.mail.text):
        yield "A part of the mail does not say why one gets it."


def privacy(reading: Reading) -> Iterator[str]:
    """A reader finds out what is kept of them."""
    if not reading.brand.privacy_url:
        yield "The settings have no privacy_url; in the EU a mail has to say what is kept of whom."
        return
    # Its words are the theme's, in any language.
    address = safe_url(reading.brand.privacy_url)
    if not any(anchor.url == address and anchor.words for anchor in reading.anchors):
        yield "The HTML part does not link the privacy page; link {{ brand.privacy_url }}."


def visible(reading: Reading) -> Iterator[str]:
    """Nothing that cannot be seen came through."""
    parts = {
        "subject": reading.mail.subject,
        "preheader": reading.mail.preheader,
        "HTML part": reading.mail.html,
        "text part": reading.mail.text,
    }
    for name, text in parts.items():
        if readable(text) != text:
            yield f"The {name} holds characters that cannot be seen, or that turn text round."


def provider_tags(reading: Reading) -> Iterator[str]:
    """No tag of the provider's own is left whole in what came from content."""
    mail = reading.mail
    for name, text in (("subject", mail.subject), ("text part", mail.text)):
        if tags.break_up_in_text(text) != text:
            yield f"The {name} holds a tag that SendGrid would replace."
    if tags.break_up_in_html(mail.html) != mail.html:
        yield "The HTML part holds a tag that SendGrid would replace."
