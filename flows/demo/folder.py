"""The demo's folder: settings that read the sample feeds, keys, and the moment it all began."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.demo.samples import SECTIONS, sample_feeds
from flows.demo.server import LOOPBACK
from flows.errors import NewsletterError
from flows.settings.keys import make_keys
from flows.settings.starter import toml_string

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = """\
# The demo's newsletter. Change what you like and run it again; `newsletter init` writes a file
# with every setting and its explanation.

[newsletter]
title = "Platform Weekly"
sender = "Platform Weekly <weekly@example.org>"
postal_address = "Sample Street 1, 12345 Example City"
base_url = "http://127.0.0.1:8000"
privacy_url = "https://platform-weekly.example/privacy"

[schedule]
day = "monday"
time = "08:00"

[gather]
# The sample feeds are served on this machine.
allow_private_networks = true

[sending]
# Mails are written to outbox/ as .eml files; nobody is mailed.
transport = "outbox"
"""

# Not base_url, which is where `newsletter web` would be.
FEED_ADDRESS = re.compile(r'(?m)^url = "http://127\.0\.0\.1:(\d+)/')


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFolder:
    """Where a demo lives, and since when; its feeds are dated from that moment."""

    settings_file: Path
    began: datetime

    @property
    def path(self) -> Path:
        """The folder itself: everything lies beside the settings file."""
        return self.settings_file.parent

    @property
    def database_url(self) -> str:
        """The one database a demo may write to."""
        return f"sqlite:///{self.path / 'newsletter.db'}"

    @property
    def marker(self) -> Path:
        """The file by which a later demo knows the folder."""
        return self.path / ".newsletter" / "demo"


def open_folder(settings_file: Path, *, now: datetime) -> DemoFolder:
    """Return the folder of the demo's settings file, made now or by an earlier demo.

    Raises NewsletterError if there is something else in it, or it cannot be written.
    """
    folder = DemoFolder(settings_file=settings_file, began=now)
    path = folder.path
    with _told(path):
        if folder.marker.exists():
            began = datetime.fromisoformat(folder.marker.read_text(encoding="utf-8"))
            return replace(folder, began=began.astimezone(UTC))
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise NewsletterError(
                f"{path}: there is something else in this folder; name a new one, such as "
                "`newsletter demo my-demo`"
            )
        folder.marker.parent.mkdir(mode=0o700)
        folder.marker.write_text(now.isoformat(), encoding="utf-8")
    return folder


def last_port(folder: DemoFolder) -> int:
    """Return where the settings look for the feeds; 0 if there are no settings yet."""
    with _told(folder.path):
        if not folder.settings_file.exists():
            return 0
        found = FEED_ADDRESS.search(folder.settings_file.read_text(encoding="utf-8"))
    return int(found[1]) if found else 0


def furnish(folder: DemoFolder, *, port: int) -> None:
    """Write what is not there yet, and lead the feeds to `port`; an editor's changes stay.

    Raises NewsletterError if the folder cannot be written.
    """
    with _told(folder.path):
        make_keys(folder.marker.parent / "keys")
        text = settings_text(port)
        if folder.settings_file.exists():
            text = folder.settings_file.read_text(encoding="utf-8")
            text = FEED_ADDRESS.sub(_feed_address(port), text)
        folder.settings_file.write_text(text, encoding="utf-8")


def _feed_address(port: int) -> str:
    return f'url = "http://{LOOPBACK}:{port}/'


def settings_text(port: int) -> str:
    """Return the settings of a newsletter that reads the sample feeds from `port`."""
    parts = [HEAD, *(f"[[sections]]\nname = {toml_string(name)}\n" for name in SECTIONS)]
    for feed in sample_feeds():
        lines = [
            "[[feeds]]",
            f'{_feed_address(port)}{feed.slug}"',
            f"name = {toml_string(feed.name)}",
        ]
        if feed.section:
            lines.append(f"section = {toml_string(feed.section)}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NewsletterError(
            f"{error.filename or path}: the demo cannot use this folder: {error.strerror}; name "
            "another one, such as `newsletter demo my-demo`"
        ) from error
    except ValueError as error:
        raise NewsletterError(
            f"{path}: what an earlier demo left here cannot be read; remove the folder, or name "
            "a new one, such as `newsletter demo my-demo`"
        ) from error
