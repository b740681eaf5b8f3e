"""The rules a mail must pass, in one table; an error blocks sending.

The ids group the rules: H headers, S size, D document, I images, L links, P preheader,
C colours and type, G what the law wants, X what came from strangers. Each has its table by what
it is judged on: the mail, the message with one recipient's headers, the message as a reader
received it, the sender's domain. Those that need a live server, a browser or the subscribers
are held elsewhere; the last table says where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flows.models import Finding
from flows.render.rules import domain, links, looks, markup, message, support, words
from flows.render.rules.reading import Reading, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from email.message import EmailMessage

    from flows.models import Brand, Mail
    from flows.render.rules.domain import Domain

ERROR = "error"
WARN = "warn"

# Of one rule's findings, how many are told one by one.
_TOLD = 5


class Rule(NamedTuple):
    """A rule: how grave a breach is, what finds one, why it matters, and who says so."""

    id: str
    severity: str
    find: Callable[[Reading], Iterable[str]]
    why: str
    source: str


class MessageRule(NamedTuple):
    """A rule for a message, with one recipient's headers."""

    id: str
    severity: str
    find: Callable[[EmailMessage], Iterable[str]]
    why: str
    source: str


class DomainRule(NamedTuple):
    """A rule for what DNS says of the sender's domain."""

    id: str
    severity: str
    find: Callable[[Domain], Iterable[str]]
    why: str
    source: str


class Elsewhere(NamedTuple):
    """A rule that is held where more is known than a mail; `where` is what holds it."""

    id: str
    severity: str
    where: str
    why: str
    source: str


RULES = (
    Rule("H01", ERROR, words.sender, "DMARC holds the sender's domain to its word", "Gmail"),
    Rule("H07", WARN, words.list_id, "readers and providers sort by it", "RFC 2919"),
    Rule("H09", ERROR, words.text_part, "text readers get the same issue", "RFC 2046 5.1.4"),
    Rule("H11", ERROR, words.subject_given, "providers refuse a mail without", "RFC 5322"),
    Rule("H11", WARN, words.subject_length, "telephones show the first 33 to 48", "good practice"),
    Rule("H12", WARN, words.subject_honest, "it counts as spam, or deceives", "SpamAssassin"),
    Rule("H13", WARN, words.answerable, "readers answer, and providers like it", "Microsoft"),
    Rule("S01", ERROR, markup.clipped, "Gmail cuts at 102,400 bytes", "Gmail"),
    Rule("S01", WARN, markup.large, "click tracking lengthens every link", "measured"),
    Rule("S02", ERROR, markup.style_size, "Gmail drops the block", "caniemail"),
    Rule("S03", WARN, markup.enough_words, "picture mails count as spam", "SpamAssassin"),
    Rule("D01", ERROR, markup.doctype, "without it clients use quirks mode", "measured"),
    Rule("D02", ERROR, markup.language, "webmail drops <html> and <body>", "WCAG 2.2, 3.1.1"),
    Rule("D03", ERROR, markup.metas, "mojibake, and links made of dates", "good practice"),
    Rule("D04", ERROR, markup.title, "screen readers announce it", "WCAG 2.2, 2.4.2"),
    Rule("D05", ERROR, markup.layout_tables, "layout is read out as data", "WCAG 2.2, 1.3.1"),
    Rule("D06", ERROR, markup.forbidden, "stripped, or counted as spam", "caniemail"),
    Rule("D06", ERROR, markup.acting, "stripped, or counted as spam", "caniemail"),
    Rule("D07", ERROR, support.known, "what a client does not know is lost there", "caniemail"),
    Rule("D08", ERROR, markup.padding, "Outlook ignores it elsewhere", "caniemail"),
    Rule("D09", ERROR, markup.container, "Outlook ignores max-width", "caniemail"),
    Rule("D10", ERROR, markup.outlook_comments, "a broken one swallows the mail", "measured"),
    Rule("D11", ERROR, markup.blocks_in_links, "parsers move the block out", "measured"),
    Rule("D12", ERROR, markup.fatal_css, "Gmail drops the whole style", "caniemail"),
    Rule("D13", ERROR, markup.important, "Gmail and Word read one spelling", "caniemail"),
    Rule("D14", ERROR, markup.media, "few clients read other queries", "caniemail"),
    Rule("D15", ERROR, markup.styles_in_head, "Gmail ignores it in the body", "caniemail"),
    Rule("D16", WARN, markup.headings, "many navigate by headings", "WCAG 2.2, 1.3.1"),
    Rule("D16", WARN, markup.titles, "many navigate by headings", "WCAG 2.2, 1.3.1"),
    Rule("I01", ERROR, markup.alternatives, "pictures are blocked at first", "WCAG 2.2, 1.1.1"),
    Rule("I02", ERROR, markup.picture_width, "it overflows a telephone", "caniemail, measured"),
    Rule("I03", ERROR, markup.picture_source, "no client shows all others", "caniemail"),
    Rule("I04", WARN, markup.picture_height, "Word cuts at 18 inches", "caniemail"),
    Rule("I05", WARN, markup.background_picture, "Outlook shows none", "caniemail"),
    Rule("L01", ERROR, links.said, "a screen reader reads nothing", "WCAG 2.2, 2.4.4"),
    # A story may be called "Here": a headline of somebody else's must not stop an issue.
    Rule("L01", WARN, links.descriptive, "many hear the links alone", "WCAG 2.2, 2.4.4"),
    Rule("L02", ERROR, links.absolute, "a mail has no place to be relative to", "measured"),
    Rule("L02", WARN, links.public, "nobody else can follow it", "measured"),
    Rule("L02", WARN, links.encrypted, "anybody on the way can change it", "good practice"),
    Rule("L03", ERROR, words.unsubscribe, "the law and Gmail want it seen", "Gmail, CAN-SPAM"),
    Rule("L04", WARN, links.in_browser, "the way out of a clipped mail", "good practice"),
    Rule("L05", WARN, links.honest, "phishing looks like this", "SpamAssassin"),
    Rule("L07", ERROR, links.underlined, "not everybody sees its colour", "WCAG 2.2, 1.4.1"),
    Rule("L08", ERROR, links.whole_tags, "a damaged tag is a dead link", "measured"),
    Rule("P01", WARN, words.preheader, "the inbox shows it by the subject", "good practice"),
    Rule("P02", WARN, words.hidden, "hidden text counts as spam", "Gmail"),
    Rule("C01", ERROR, looks.judged, "an unknown contrast may be none", "WCAG 2.2, 1.4.3"),
    Rule("C01", ERROR, looks.light, "many cannot read it", "WCAG 2.2, 1.4.3"),
    Rule("C01", ERROR, looks.dark, "many cannot read it", "WCAG 2.2, 1.4.3"),
    Rule("C02", ERROR, looks.grounded, "half an inversion hides the text", "good practice"),
    Rule("C03", WARN, looks.schemes, "Apple Mail asks for it", "caniemail"),
    Rule("C04", WARN, looks.dark_twins, "Outlook.com has its own hooks", "caniemail"),
    Rule("C05", WARN, looks.inverted, "Gmail on iOS inverts unasked", "caniemail, measured"),
    Rule("C05", WARN, looks.partly_inverted, "Outlook and Gmail do it unasked", "good practice"),
    Rule("C06", WARN, looks.type_sizes, "many cannot read it", "WCAG 2.2, 1.4.12"),
    Rule("C06", WARN, looks.type_written, "em and % grow by what is around", "good practice"),
    Rule("G01", ERROR, words.postal_address, "CAN-SPAM wants it", "15 U.S.C. 7704"),
    Rule("G02", ERROR, words.imprint, "readers must know who writes", "GDPR 13"),
    Rule("G02", ERROR, words.reason, "readers must know why", "GDPR 13"),
    Rule("G02", WARN, words.privacy, "readers must find what is kept", "GDPR 13"),
    Rule("X01", ERROR, words.visible, "invisible characters deceive", "measured"),
    Rule("X02", ERROR, words.provider_tags, "SendGrid would act on it", "SendGrid"),
    Rule("X03", ERROR, links.safe, "credentials in a link deceive", "SpamAssassin"),
)

MESSAGE_RULES = (
    MessageRule("H02", ERROR, message.once, "filters count what is missing", "RFC 5322 3.6"),
    MessageRule("H03", ERROR, message.list_unsubscribe, "one click needs it", "RFC 8058"),
    MessageRule("H04", ERROR, message.one_click, "the one value allowed", "RFC 8058"),
    MessageRule("H05", ERROR, message.opaque, "links are forwarded and logged", "RFC 8058"),
    MessageRule("H08", ERROR, message.parts, "the last part is preferred", "RFC 2046 5.1.4"),
    MessageRule("H10", ERROR, message.line_length, "relays break longer ones", "RFC 5322 2.1.1"),
)


# Of a message that came from somebody's inbox: what the way there added.
RECEIVED_RULES = (
    MessageRule("H14", ERROR, message.authenticated, "its receiver says so", "Gmail, Microsoft"),
    MessageRule("H15", ERROR, message.signed, "unsigned, they do not count", "RFC 8058"),
)

DOMAIN_RULES = (
    DomainRule("H14", ERROR, domain.sender_policy, "Gmail asks for SPF", "RFC 7208, Gmail"),
    DomainRule("H14", ERROR, domain.no_key, "Gmail asks for DKIM", "RFC 6376, Gmail"),
    DomainRule("H14", WARN, domain.key_unseen, "Gmail asks for DKIM", "RFC 6376, Gmail"),
    DomainRule("H14", ERROR, domain.alignment, "Gmail asks for DMARC", "RFC 7489, Gmail"),
)

ELSEWHERE = (
    # Tried before each issue's first hand-over; that a GET changes nothing is the web app's.
    Elsewhere("H06", ERROR, "flows.pipeline.sending:probe", "one click must work", "RFC 8058"),
    Elsewhere("H06", ERROR, "flows.web.app:unsubscribe", "scanners follow links", "RFC 8058"),
    Elsewhere(
        "I06", WARN, "tests.test_browser:test_pictures_may_be_blocked", "many are", "measured"
    ),
    Elsewhere(
        "L06",
        WARN,
        "tests.test_browser:test_links_are_as_high_as_a_fingertip",
        "fingers are not exact",
        "WCAG 2.2, 2.5.8",
    ),
    # Who is written into the ledger, and looked at again as each batch is claimed.
    Elsewhere("G03", ERROR, "flows.store.ledger:SqlLedger.plan", "consent is the ground", "GDPR 7"),
    Elsewhere("G04", ERROR, "flows.store.ledger:SqlLedger.claim", "two days are the most", "Gmail"),
    Elsewhere("G05", WARN, "flows.deliver.payload:payload", "readers have to agree", "ePrivacy 5"),
)


def check(mail: Mail, brand: Brand, *, domain: str = "", page: str = "") -> list[Finding]:
    """Return what is wrong with a rendered mail, in the table's order; an error blocks sending.

    `domain` is the one that signs the mail, where it is known; `page` is the issue's page, for the
    links of what the HTML part had no room for. Raises TemplateError if the HTML part is none.
    """
    reading = read(mail, brand, domain=domain, page=page)
    return [found for rule in RULES for found in _findings(rule, rule.find(reading))]


def check_message(built: EmailMessage) -> list[Finding]:
    """Return what is wrong with a message as it would leave for one recipient."""
    return [found for rule in MESSAGE_RULES for found in _findings(rule, rule.find(built))]


def check_received(received: EmailMessage) -> list[Finding]:
    """Return what is wrong with a message as it came out of a reader's inbox."""
    rules = (*MESSAGE_RULES, *RECEIVED_RULES)
    return [found for rule in rules for found in _findings(rule, rule.find(received))]


def check_domain(sender: Domain) -> list[Finding]:
    """Return what DNS lacks of what the sender's domain needs; raises what its resolver raises."""
    return [found for rule in DOMAIN_RULES for found in _findings(rule, rule.find(sender))]


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that block sending."""
    return [finding for finding in findings if finding.severity == ERROR]


def _findings(rule: Rule | MessageRule | DomainRule, sentences: Iterable[str]) -> list[Finding]:
    said = list(dict.fromkeys(sentences))
    told = said[:_TOLD]
    if len(said) > _TOLD:
        told.append(f"And {len(said) - _TOLD} more of the same kind.")
    return [
        Finding(
            rule=rule.id,
            severity=rule.severity,
            message=sentence,
            why=rule.why,
            source=rule.source,
        )
        for sentence in told
    ]
