"""What all pages work with: opened at the edge and handed in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.web.networks import NetworkLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime, timedelta
    from pathlib import Path
    from threading import Lock

    from sqlalchemy import Engine

    from flows.web.events import Hook
    from flows.web.leaving import Exit
    from flows.web.networks import Networks
    from flows.web.pages import Pages
    from subscribers.models import Limits
    from subscribers.tokens import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUps:
    """How sign-ups by the form are taken, and who is told that there are letters to post."""

    limits: Limits
    confirm_within: timedelta
    per_network: NetworkLimit
    proxies: Networks
    wake: Callable[[], None]
    # Lets the time pass, in seconds, until an answer may leave.
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep
    # What the operator is told of too many sign-ups is said once an hour, not at each.
    alarm: NetworkLimit = field(default_factory=lambda: NetworkLimit(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The database, the keys, the issues' folder, the pages, the time; the form if there is one."""

    engine: Engine
    keys: Keys
    issues: Path
    pages: Pages
    clock: Callable[[], datetime]
    # The way out, for all who unsubscribe.
    exit: Exit
    signups: SignUps | None = None
    hook: Hook | None = None
    # SQLite's writers poll for their turn, each in ever longer steps; ours queue up here first.
    turn: Lock
