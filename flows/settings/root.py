"""All settings as one frozen value, and the plain values the other rooms are handed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from flows.errors import SettingsError
from flows.models import Brand, Feed
from flows.settings.editing import EditSettings, RuleSettings, SponsorSettings
from flows.settings.keys import read_keys
from flows.settings.model import (
    DatabaseSettings,
    FeedSettings,
    GatherSettings,
    NewsletterSettings,
    ScheduleSettings,
    SectionSettings,
    SendingSettings,
    WebSettings,
)
from flows.settings.problems import LISTS, PREFIX, message
from flows.settings.sendable import unsendable
from flows.settings.shapes import is_zone, named
from subscribers.tokens import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a newsletter's files lie, beside its settings file."""

    issues: Path
    outbox: Path
    private: Path
    keys: Path
    model: Path
    server: Path
    prefect: Path


_LIST_VARIABLES = tuple(f"{PREFIX.lower()}{name}" for name in LISTS)


class _Environment(EnvSettingsSource):
    """The variables NEWSLETTER_<SECTION>__<KEY> and the secrets, and no others of the prefix."""

    def __init__(self, settings_class: type[BaseSettings]) -> None:
        super().__init__(settings_class)
        # Lists and whole sections would be read as JSON here; checks.py has told of them.
        self.env_vars = {
            name: value
            for name, value in self.env_vars.items()
            if not name.startswith(PREFIX.lower())
            or name == "newsletter_keys"
            or ("__" in name and not name.startswith(_LIST_VARIABLES))
        }


class Settings(BaseSettings):
    """All settings of one newsletter, by the names of its file, and the secrets."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    path: Path
    newsletter: NewsletterSettings
    schedule: ScheduleSettings = ScheduleSettings()
    gather: GatherSettings = GatherSettings()
    sending: SendingSettings = SendingSettings()
    web: WebSettings = WebSettings()
    database: DatabaseSettings = DatabaseSettings()
    sections: tuple[SectionSettings, ...] = ()
    feeds: tuple[FeedSettings, ...] = ()
    edit: EditSettings = EditSettings()
    rules: tuple[RuleSettings, ...] = ()
    sponsors: tuple[SponsorSettings, ...] = ()
    sendgrid_api_key: SecretStr = Field(default=SecretStr(""), validation_alias="SENDGRID_API_KEY")
    smtp_password: SecretStr = Field(default=SecretStr(""), validation_alias="SMTP_PASSWORD")
    newsletter_keys: SecretStr = Field(default=SecretStr(""), validation_alias="NEWSLETTER_KEYS")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from: the environment, then the file's values."""
        return _Environment(settings_cls), init_settings

    @model_validator(mode="before")
    @classmethod
    def _share_the_zone(cls, values: Any) -> Any:
        newsletter, schedule = values.get("newsletter"), values.get("schedule", {})
        if not isinstance(newsletter, dict) or not isinstance(schedule, dict):
            return values
        zone = newsletter.get("timezone")
        if schedule.get("timezone") or not isinstance(zone, str) or not is_zone(zone):
            return values
        return {**values, "schedule": {**schedule, "timezone": zone}}

    @property
    def folder(self) -> Path:
        """The folder of the settings file; every other path is relative to it."""
        return self.path.parent

    @property
    def paths(self) -> Paths:
        """Where the newsletter's files lie."""
        private = self.folder / ".newsletter"
        return Paths(
            issues=self.folder / "issues",
            outbox=self.folder / "outbox",
            private=private,
            keys=private / "keys",
            model=private / "sections.json",
            server=private / "server.json",
            prefect=private / "prefect",
        )

    @property
    def templates_folder(self) -> Path | None:
        """The newsletter's own themes, `templates/` beside the settings file, if there are any."""
        folder = self.folder / "templates"
        return folder if folder.is_dir() else None

    def brand(self) -> Brand:
        """Return what every mail and page says of the newsletter."""
        own = self.newsletter
        return Brand(
            title=own.title,
            sender=named(own.sender, own.title),
            postal_address=own.postal_address,
            base_url=own.base_url,
            reply_to=own.reply_to,
            privacy_url=own.privacy_url,
            reason=own.reason or f"You get this mail because you subscribed to {own.title}.",
            language=own.language,
            timezone=own.timezone,
        )

    def feed_list(self) -> list[Feed]:
        """Return the sources; a river's file is found beside the settings file."""
        return [self._feed(feed) for feed in self.feeds]

    def _feed(self, feed: FeedSettings) -> Feed:
        return Feed(
            url=feed.url if feed.is_web else str(self.folder / feed.url),
            name=feed.name,
            kind=feed.kind,
            section=feed.section,
            weight=feed.weight,
            max_items=feed.max_items,
            timezone=feed.timezone,
        )

    def database_url(self, other: str = "") -> str:
        """Return the address of the database, or of another one as the settings would name it.

        A relative SQLite file is beside the settings file.
        """
        url = other or self.database.url.get_secret_value()
        scheme, _separator, rest = url.partition(":///")
        relative = rest and not rest.startswith(("/", ":memory:", "file:"))
        if not scheme.startswith("sqlite") or not relative:
            return url
        return f"{scheme}:///{self.folder / rest}"

    def keys(self) -> Keys:
        """Return the signing keys, from NEWSLETTER_KEYS or the keys file; raises SettingsError."""
        return read_keys(self.newsletter_keys.get_secret_value(), self.paths.keys)

    def require_sendable(self) -> None:
        """Raise SettingsError with all that is missing, unless mail may really leave."""
        problems = list(unsendable(self))
        if problems:
            raise SettingsError(message(str(self.path), problems))
