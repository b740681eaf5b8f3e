"""The systemd unit that keeps `newsletter serve` running on a machine."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from subscribers.database import sqlite_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.settings import Settings

UNIT = """\
# /etc/systemd/system/newsletter.service, then: systemctl enable --now newsletter
[Unit]
Description={title}: gathers feeds and sends an issue a week
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={command}
WorkingDirectory={folder}
User={user}
# SENDGRID_API_KEY=… and other secrets, readable by that user only.
EnvironmentFile=-{folder}/.newsletter/environment
Environment={home}
Restart=on-failure
RestartSec=10
# Wrong settings do not mend themselves; stopped while it starts, serve says 130.
RestartPreventExitStatus=2
SuccessExitStatus=130
# The first signal is for serve alone: a run in progress finishes its request and says so.
KillMode=mixed
# A run that is killed for want of memory does not end serve, which goes on with its issue.
OOMPolicy=continue
TimeoutStopSec=120
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ReadWritePaths={writable}

[Install]
WantedBy=multi-user.target
"""


def unit(settings: Settings, options: Sequence[str], *, user: str) -> str:
    """Return the unit's text for this newsletter, this installation and these options of serve."""
    command = [*_newsletter(), "serve", *options, "--config", str(settings.path)]
    home = f"PREFECT_HOME={settings.paths.prefect}"
    return UNIT.format(
        title=_escaped(settings.newsletter.title),
        # systemd.service(5): in a command $ begins a variable.
        command=" ".join(_quoted(part).replace("$", "$$") for part in command),
        folder=_escaped(str(settings.folder)),
        user=user,
        home=_quoted(home),
        writable=" ".join(_quoted(str(path)) for path in _written(settings)),
    )


def _written(settings: Settings) -> list[Path]:
    """Return the folders that serve writes in: the newsletter's, and its database's."""
    database = sqlite_path(settings.database_url())
    elsewhere = database is not None and settings.folder not in database.parents
    return [settings.folder, *([database.parent] if database and elsewhere else [])]


def _newsletter() -> list[str]:
    beside = Path(sys.executable).parent / "newsletter"
    found = str(beside) if beside.exists() else shutil.which("newsletter")
    return [found] if found else [sys.executable, "-m", "flows.cli"]


def _quoted(part: str) -> str:
    # systemd.syntax(7): quotes hold words together, and \\ takes from either sort its meaning.
    part = _escaped(part)
    inner = part.replace("\\", r"\\").replace('"', r"\"")
    return f'"{inner}"' if inner != part or re.search(r"[\s']", part) else part


def _escaped(text: str) -> str:
    # systemd.unit(5): % begins a specifier.
    return text.replace("%", "%%")
