"""The nouns of the pipeline, in the order of an issue's life: frozen values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime, timedelta

    from flows.errors import TransportError

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
    """What the last visits to a feed left behind; validators are byte for byte (RFC 9110 13.1).

    They are of the address in `answered_by` and of the way of reading in `reading`, and good for
    nothing else. `body_bytes` is what the last body took on the wire, `due_because` says why the
    feed rests longer than others.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    body_bytes: int = 0
    answered_by: str | None = None
    reading: str = ""
    asked_at: datetime | None = None
    succeeded_at: datetime | None = None
    due_at: datetime | None = None
    due_because: str = ""
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
    # What was read from it to compare it with others, if that is kept (see `edit.gist`).
    gist: bytes = field(default=b"", compare=False, repr=False)


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
class Remembered:
    """What history keeps of an item that ran in an issue, and the keys it is found under."""

    issue: int
    url: str
    title: str
    feed: str = ""
    guid: str = ""
    fingerprint: bytes = b""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A title and where it leads; the lines of a grouped entry."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line under a heading of the issue. A grouped entry has `links` and no `url`.

    `notes` are comments for the editor that no reader sees: alternatives ("or: …"), the reason
    it is here or left out ("why: …", "left out: …"), how many more are ("not listed: …"), flags
    ("check: …").
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
    # Why a person sends it in spite of a blocking finding.
    because: str = ""
    # Before when readers are not to get it; None: as soon as may be.
    send_at: datetime | None = None
    sent_at: datetime | None = None
    # The tag whose people alone get it for now; "" for everybody.
    only: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An issue that readers have, since `at` (None: nobody noted when)."""

    number: int
    subject: str
    at: datetime | None = None


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

    `digest` is the SHA-256 of subject, preheader, html and text: what an approval is for; `folded`
    is how many entries the HTML leaves to the web.
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
    folded: int = 0


Part = Literal["source", "blurb", "link", "note"]


class Spot(NamedTuple):
    """What of an issue is meant: an entry in mail order, and which line of which part of it.

    Both are counted from 0, from the end if less; without a part it is the entry itself.
    """

    entry: int
    part: Part | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check has to say: the rule's id, "error" or "warn", one sentence; why, who says so.

    `line` is the one of the issue's file to mend, `spot` what it is about, where that is known.
    """

    rule: str
    severity: str
    message: str
    line: int = 0
    why: str = ""
    source: str = ""
    spot: Spot | None = None


class Recipient(NamedTuple):
    """An address with its own unsubscribe link; a tuple, for an issue may have a million."""

    subscriber_id: int
    email: str
    unsubscribe_url: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail to one person that is no issue: confirm your address, a test, the verdict.

    `to` is an address or "Name <address>"; without `sender` it comes from the newsletter.
    """

    to: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    purpose: Literal["confirm", "test", "verdict"] = "verdict"
    sender: str = ""
    reply_to: str = ""


class DeliveryState(StrEnum):
    """Where one delivery stands; `intended` is the sum of all."""

    PLANNED = "planned"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many deliveries of an issue stand where."""

    planned: int = 0
    handed_over: int = 0
    accepted: int = 0
    refused: int = 0
    in_doubt: int = 0
    cancelled: int = 0
    suppressed: int = 0

    @property
    def intended(self) -> int:
        """Return the sum of all: everybody the issue was ever meant for."""
        return (
            self.planned
            + self.handed_over
            + self.accepted
            + self.refused
            + self.in_doubt
            + self.cancelled
            + self.suppressed
        )


# Why a wave was cancelled: for a doubt, or to undo the issue; or that it could not be.
DOUBT = "doubt"
UNDO = "undo"
KEPT = "kept"


class WaveStatus(StrEnum):
    """Where a wave stands: `open` takes more batches, `cancelling` is asked for, not certain."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Consecutive batches under one SendGrid `batch_id`, which leave together at `send_at`.

    It takes up to `capacity` batches; it has `batches`, of which `in_doubt` are in doubt.
    `owner` is the process that hands it over (nobody: ""), `because` why it was cancelled, or
    that its doubts stay because it cannot be.
    """

    id: int
    number: int
    batch_id: str
    send_at: datetime
    status: WaveStatus = WaveStatus.OPEN
    capacity: int = 1
    batches: int = 0
    in_doubt: int = 0
    owner: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Up to 1000 deliveries handed over in one request; `suppressed` were left out of it."""

    id: int
    recipients: tuple[Recipient, ...]
    wave: Wave | None = None
    suppressed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a batch, by subscriber id; whoever is not named was accepted.

    `refused` and `in_doubt` carry the reason, `unsent` were surely not accepted and are to be
    tried again, because of `error` if that says something about the others too.
    """

    provider_id: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    in_doubt: Mapping[int, str] = field(default_factory=dict)
    unsent: Collection[int] = ()
    error: TransportError | None = None


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
class Visit:
    """What one visit to a feed cost its publisher, and what the publisher asked of us.

    `requests` counts redirects too, `received` are the bodies' bytes on the wire, `saved` what an
    unchanged feed spared, `wait` how long we were asked to stay away, `due_at` how long we do.
    """

    feed_url: str
    at: datetime
    requests: int = 0
    status: int = 0
    received: int = 0
    saved: int = 0
    wait: timedelta | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """How one feed fared in a gathering; `visit` is None where nobody was asked.

    `count` is how many items it told of, also where they are stored and no longer at hand.
    """

    feed: Feed
    state: FeedState
    visit: Visit | None = None
    items: tuple[Item, ...] = ()
    count: int = 0
    status: str = ""
    problem: str = ""
    notes: tuple[str, ...] = field(default=())
