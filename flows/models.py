"""The nouns of the pipeline, in the order of an issue's life: frozen values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

DEFAULT_SECTION = "Worth a look"


class FeedKind(StrEnum):
    """How a source is read: a feed, a river of shared links, or whichever it turns out to be."""

    AUTO = "auto"
    FEED = "feed"
    RIVER = "river"


class Kind(StrEnum):
    """What an item is."""

    ARTICLE = "article"
    VIDEO = "video"
    DIGEST = "digest"
    RELEASE = "release"
    PODCAST = "podcast"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A source as the settings name it; `max_items` caps its entries in one issue (0: no cap)."""

    url: str
    name: str = ""
    kind: FeedKind = FeedKind.AUTO
    section: str = ""
    weight: float = 1.0
    max_items: int = 0
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What the last visits to a feed left behind; validators are byte for byte (RFC 9110 13.1)."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    asked_at: datetime | None = None
    succeeded_at: datetime | None = None
    due_at: datetime | None = None
    failures: int = 0
    error: str = ""
    gone: bool = False
    moved_to: str | None = None
    moves_seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry as its publisher has it.

    `feed` is the feed's name, `source` the publisher shown to readers, `summary` and `content`
    are as published (HTML or text, not to be trusted), `comments` is where it is discussed.
    """

    feed: str
    guid: str
    url: str
    title: str
    summary: str = ""
    content: str = ""
    author: str = ""
    source: str = ""
    published: datetime | None = None
    first_seen: datetime | None = None
    kind: Kind = Kind.ARTICLE
    comments: str = ""
    thumbnail: str = ""
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One or more items that tell the same thing: `lead` leads, `others` are "also in".

    `reasons` says why each of `others` is here. `likely` names items that may be the same and
    stay apart for the editor to judge. A story that ran before carries the issue in `ran_in`
    and the reason in `held`.
    """

    lead: Item
    others: tuple[Item, ...] = ()
    reasons: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    ran_in: int | None = None
    held: str = ""

    @property
    def items(self) -> tuple[Item, ...]:
        """All members, the lead first."""
        return (self.lead, *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A title and where it leads; the lines of a grouped entry."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line under a heading of the issue. A grouped entry has `links` and no `url`.

    `notes` are comments for the editor that no reader sees: alternatives ("or: …"), the reason
    it is here or left out ("why: …", "left out: …"), flags ("check: …").
    `sponsor` is the name in "Sponsored · NAME"; such an entry's text and link are verbatim.
    """

    title: str
    url: str = ""
    source: str = ""
    detail: str = ""
    blurb: str = ""
    sponsor: str = ""
    links: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading of the issue and what stands under it, in mail order."""

    name: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One number of the newsletter: what its file says."""

    number: int
    date: date
    subject: str
    preheader: str = ""
    intro: str = ""
    sections: tuple[Section, ...] = ()
    new: tuple[Entry, ...] = ()
    left_over: tuple[Entry, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry that is sent, in mail order."""
        return tuple(entry for section in self.sections for entry in section.entries)


class IssueStatus(StrEnum):
    """Where an issue stands; the store's word, not the file's."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    STOPPED = "stopped"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRecord:
    """What the store knows of an issue. `slot` is None for an additional one (`--extra`)."""

    number: int
    slot: datetime | None
    status: IssueStatus
    subject: str = ""
    window_start: datetime | None = None
    cutoff: datetime | None = None
    approved_hash: str | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What every mail and page says of the newsletter itself."""

    title: str
    sender: str
    postal_address: str
    base_url: str
    reply_to: str = ""
    privacy_url: str = ""
    reason: str = ""
    language: str = "en"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An issue rendered once; `unsubscribe_tag` stands where each recipient's own link goes.

    `digest` is the SHA-256 of subject, preheader, html and text: what an approval is for.
    """

    issue: int
    subject: str
    preheader: str
    html: str
    text: str
    sender: str
    reply_to: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    unsubscribe_tag: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check has to say: the rule's id, "error" or "warn", and one sentence."""

    rule: str
    severity: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An address with its own unsubscribe link."""

    subscriber_id: int
    email: str
    unsubscribe_url: str
    name: str = ""


class DeliveryState(StrEnum):
    """Where one delivery stands; `intended` is the sum of all."""

    PLANNED = "planned"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"


class Outcome(StrEnum):
    """How a run ended."""

    SENT = "sent"
    HELD = "held"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run ended, why, and the one command that helps; `--json` prints exactly this."""

    verdict: Outcome
    reason: str
    next: str = ""
    issue: int | None = None
    slot: datetime | None = None
    items: int = 0
    stories: int = 0
    entries: int = 0
    intended: int = 0
    accepted: int = 0
    refused: int = 0
    in_doubt: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """How one feed fared in a gathering."""

    feed: Feed
    state: FeedState
    items: tuple[Item, ...] = ()
    status: str = ""
    problem: str = ""
    notes: tuple[str, ...] = field(default=())
