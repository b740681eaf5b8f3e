"""The settings: newsletter.toml and the environment (which wins), read once at the edge."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pydantic import ValidationError

from flows.errors import SettingsError
from flows.settings import checks
from flows.settings.editing import EditSettings, RuleSettings, SponsorSettings
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
from flows.settings.problems import Reporter, broken_toml, message, section_model
from flows.settings.root import Paths, Settings
from flows.settings.slots import due_slot, next_slot

__all__ = [
    "FILE_NAME",
    "DatabaseSettings",
    "EditSettings",
    "FeedSettings",
    "GatherSettings",
    "NewsletterSettings",
    "Paths",
    "RuleSettings",
    "ScheduleSettings",
    "SectionSettings",
    "SendingSettings",
    "Settings",
    "SponsorSettings",
    "WebSettings",
    "due_slot",
    "find",
    "load",
    "next_slot",
    "parse",
]

FILE_NAME = "newsletter.toml"
NAMES = (
    "newsletter",
    "schedule",
    "gather",
    "sending",
    "web",
    "database",
    "sections",
    "feeds",
    "edit",
    "rules",
    "sponsors",
)
SECTIONS = {name: section_model(Settings.model_fields[name].annotation) for name in NAMES}


def find(path: Path | None) -> Path:
    """Return the settings file: the one named, else the one here, else NEWSLETTER_CONFIG's.

    Raises SettingsError if there is none.
    """
    if path is None and not Path(FILE_NAME).exists():
        named = os.environ.get("NEWSLETTER_CONFIG")
        if not named:
            raise SettingsError(
                f"there is no {FILE_NAME} here; run `newsletter init` to write one, or name yours "
                "with --config FILE"
            )
        path = Path(named)
    return (path or Path(FILE_NAME)).absolute()


def load(path: Path | None = None) -> Settings:
    """Return the settings of the file at `path` (None: the one `find` finds) and the environment.

    Raises SettingsError, which lists every problem.
    """
    file = find(path)
    return parse(_read(file), file)


def parse(text: str, path: Path) -> Settings:
    """Return the settings that `text` and the environment make; raises SettingsError."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(broken_toml(str(path), text, error)) from error
    reporter = Reporter(model=Settings, text=text, environment=os.environ)
    problems = [
        *checks.misnamed_variables(os.environ, SECTIONS),
        *checks.unknown_sections(values, SECTIONS, reporter),
        *checks.repeated(values, reporter),
        *checks.booked_twice(values, reporter),
        *checks.homeless(values, reporter),
    ]
    known = {name: value for name, value in values.items() if name in SECTIONS}
    settings = None
    try:
        settings = Settings(path=path, **known)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [*(reporter.report(detail) for detail in details), *problems]
    if settings is None or problems:
        # The pydantic error holds the values as given, secrets among them: not chained.
        raise SettingsError(message(str(path), problems)) from None
    return settings


def _read(file: Path) -> str:
    try:
        # Editors on Windows write a byte order mark.
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: there is no such file; run `newsletter init` to write one"
        ) from error
    except IsADirectoryError as error:
        raise SettingsError(f"{file}: this is a folder; name the file in it") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: this is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise SettingsError(f"{file}: it cannot be read: {error.strerror}") from error
