"""The systemd unit that keeps `newsletter serve` running on a machine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
Restart=on-failure
RestartSec=10
# The first signal is for serve alone: a run in progress finishes its request and says so.
KillMode=mixed
TimeoutStopSec=120
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ReadWritePaths={folder}

[Install]
WantedBy=multi-user.target
"""


def unit(settings: Settings, options: Sequence[str], *, user: str) -> str:
    """Return the unit's text for this newsletter, this installation and these options of serve."""
    command = [*_newsletter(), "serve", *options, "--config", str(settings.path)]
    return UNIT.format(
        title=_escaped(settings.newsletter.title),
        command=" ".join(_quoted(part) for part in command),
        folder=_escaped(str(settings.folder)),
        user=user,
    )


def _newsletter() -> list[str]:
    beside = Path(sys.executable).parent / "newsletter"
    found = str(beside) if beside.exists() else shutil.which("newsletter")
    return [found] if found else [sys.executable, "-m", "flows.cli"]


def _quoted(part: str) -> str:
    # systemd.service(5): quotes hold words together, and $ begins a variable.
    part = _escaped(part).replace("$", "$$")
    return f'"{part}"' if " " in part or '"' in part else part


def _escaped(text: str) -> str:
    # systemd.unit(5): % begins a specifier.
    return text.replace("%", "%%")
