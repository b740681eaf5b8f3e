"""The settings by name: what each may be, and what it is when nobody says.

A field's description is what a message asks for, so each reads on after "write".
"""

from datetime import time, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from flows.models import FeedKind
from flows.settings.shapes import (
    BaseAddress,
    Clock,
    Domain,
    Host,
    Line,
    Mailbox,
    Name,
    Networks,
    OptionalMailbox,
    PageAddress,
    Period,
    Weekday,
    WithinAWeek,
    Zone,
)

PLACEHOLDER_TITLE = "My newsletter"
PLACEHOLDER_ADDRESS = "newsletter@example.org"
PLACEHOLDER_POSTAL_ADDRESS = "Street 1, City"
PLACEHOLDER_BASE_URL = "https://newsletter.example.org"
DEFAULT_MIN_ENTRIES = 3

# The issue file's own headings (flows.edit writes them): a section must not be called so.
RESERVED_SECTIONS = ("left over", "new since the draft")


class Part(BaseModel):
    """One section of the settings: frozen, unknown keys are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NewsletterSettings(Part):
    """`[newsletter]`: what every mail and page says of the newsletter itself."""

    title: Name = Field(description='the newsletter\'s name, such as "DevOps Weekly"')
    sender: Mailbox
    reply_to: OptionalMailbox = ""
    editor: OptionalMailbox = ""
    postal_address: Name = Field(
        default=PLACEHOLDER_POSTAL_ADDRESS,
        description="the postal address the law wants in every mail",
    )
    base_url: BaseAddress = PLACEHOLDER_BASE_URL
    privacy_url: PageAddress = ""
    reason: Line = Field(default="", description="one line that says why a reader gets the mail")
    timezone: Zone = "UTC"
    language: Line = Field(
        default="en",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$",
        description='a language code such as "en" or "de-AT"',
    )
    theme: Line = Field(
        default="default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="the name of a folder under templates/issue",
    )
    approval: Literal["automatic", "required"] = Field(
        default="automatic", description='"automatic" or "required"'
    )
    max_entries: int = Field(default=20, ge=1, le=200, description="a whole number from 1 to 200")
    min_entries: int = Field(
        default=DEFAULT_MIN_ENTRIES,
        ge=1,
        le=200,
        description="a whole number from 1 to newsletter.max_entries",
    )
    max_left_over: int = Field(
        default=200, ge=0, le=100_000, description="a whole number from 0 to 100000"
    )

    @model_validator(mode="before")
    @classmethod
    def _lower_the_floor(cls, values: Any) -> Any:
        # Who allows two entries only has not asked for an issue that never comes.
        most = values.get("max_entries") if isinstance(values, dict) else None
        if not str(most).isdecimal() or "min_entries" in values:
            return values
        return {**values, "min_entries": min(DEFAULT_MIN_ENTRIES, max(1, int(str(most))))}

    @field_validator("min_entries")
    @classmethod
    def _fits(cls, fewest: int, info: ValidationInfo) -> int:
        most = info.data.get("max_entries", fewest)
        if fewest > most:
            raise ValueError(f", which is {most}")
        return fewest


class ScheduleSettings(Part):
    """`[schedule]`: when readers get an issue; without a zone it is the newsletter's."""

    day: Weekday = "monday"
    time: Clock = time(8, 0)
    timezone: Zone = "UTC"
    draft_ahead: WithinAWeek = timedelta(hours=48)
    grace: WithinAWeek = timedelta(hours=6)


class GatherSettings(Part):
    """`[gather]`: how feeds are read, and how far back an issue looks."""

    allow_private_networks: bool = Field(default=False, description="true or false")
    first_window: Period = timedelta(days=7)
    max_age: Period = timedelta(days=21)
    every: Period = timedelta(hours=6)


class SendingSettings(Part):
    """`[sending]`: who carries the mail."""

    transport: Literal["outbox", "sendgrid", "smtp"] = Field(
        default="outbox", description='"outbox", "sendgrid" or "smtp"'
    )
    sendgrid_host: BaseAddress = "https://api.sendgrid.com"
    domain: Domain = ""
    fence: bool = Field(default=True, description="true or false")
    # SendGrid wants ten minutes' notice of a cancellation: a shorter fence could take nothing back.
    fence_minutes: int = Field(
        default=20, ge=15, le=4000, description="a whole number of minutes from 15 to 4000"
    )
    webhook_key: Line = Field(
        default="", description="the verification key of SendGrid's event webhook"
    )
    soft_bounces: int = Field(
        default=5, ge=0, le=50, description="a whole number of issues from 0 (never) to 50"
    )
    unsubscribe: Literal["web", "sendgrid"] = Field(
        default="web", description='"web" or "sendgrid"'
    )
    batch_size: int = Field(
        default=1000, ge=1, le=1000, description="a whole number from 1 to 1000"
    )
    workers: int = Field(default=0, ge=0, le=100, description="a whole number from 0 to 100")
    smtp_host: Host = ""
    smtp_port: int = Field(default=587, ge=1, le=65535, description="a port from 1 to 65535")
    smtp_username: Line = Field(
        default="", description="the user name of the mail server's account"
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description='"starttls", "tls" or "none"'
    )
    smtp_rate: int = Field(
        default=0, ge=0, le=100_000, description="a whole number of mails a minute, 0 for any"
    )


class WebSettings(Part):
    """`[web]`: who may sign up by the form, and how often; who may speak for a reader's address."""

    subscribe: bool = Field(default=True, description="true or false")
    confirm_within: Period = timedelta(hours=48)
    signups_per_hour: int = Field(
        default=200, ge=1, le=1_000_000, description="a whole number from 1"
    )
    signups_per_network: int = Field(
        default=10, ge=1, le=1_000_000, description="a whole number from 1"
    )
    trusted_proxies: Networks = "127.0.0.1, ::1"


class DatabaseSettings(Part):
    """`[database]`: the one store; its address may hold a password."""

    url: SecretStr = Field(
        default=SecretStr("sqlite:///newsletter.db"),
        description="sqlite:///newsletter.db or postgresql://user@host/name",
    )

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: SecretStr) -> SecretStr:
        scheme, separator, rest = url.get_secret_value().partition("://")
        if not separator or scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
            raise ValueError("")
        if scheme.startswith("postgresql") and not rest.strip("/"):
            raise ValueError("; it names no server")
        return url


class SectionSettings(Part):
    """`[[sections]]`: a heading of the issue; `max` caps its entries (0: no cap)."""

    name: Name = Field(description='a heading such as "Kubernetes"')
    max: int = Field(default=0, ge=0, le=200, description="a whole number from 0 (no cap) to 200")

    @field_validator("name")
    @classmethod
    def _free_name(cls, name: str) -> str:
        if name.casefold() in RESERVED_SECTIONS:
            raise ValueError("; the issue file has a heading of this name already")
        return name


class FeedSettings(Part):
    """`[[feeds]]`: a source; `max_items` caps its entries in one issue (0: no cap)."""

    # Before the address, which is judged by it.
    kind: FeedKind = Field(default=FeedKind.AUTO, description='"auto", "feed" or "river"')
    url: Name = Field(description="an http(s):// address (or a file's path for a river)")
    name: Line = Field(default="", description="the source's name as readers see it")
    section: Line = Field(default="", description="the name of one of the [[sections]]")
    weight: float = Field(default=1.0, ge=0, le=100, description="a number from 0 to 100")
    max_items: int = Field(
        default=0, ge=0, le=1000, description="a whole number from 0 (no cap) to 1000"
    )
    timezone: Zone = "UTC"

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str, info: ValidationInfo) -> str:
        # A wrong kind is told by itself; the address is then judged as a river's, kindly.
        if not _is_web(url) and info.data.get("kind", FeedKind.RIVER) is not FeedKind.RIVER:
            raise ValueError('; a file needs kind = "river"')
        if _is_web(url) and not urlsplit(url).hostname:
            raise ValueError("; it names no host")
        return url

    @property
    def is_web(self) -> bool:
        """Whether the source is fetched; a river may be a file instead."""
        return _is_web(self.url)


def _is_web(url: str) -> bool:
    return url.partition("://")[0].lower() in {"http", "https"}
