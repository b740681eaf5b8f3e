"""Who keeps the schedule, and whether it runs: what a Prefect server says of our deployments."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from flows.cli.server import keeper
from flows.weekly import api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.settings import Settings

# Prefect's word for a deployment that a serve or a worker asked for within the last minute.
READY = "READY"
# A person waits for the answer.
TIMEOUT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The API of the server that keeps the schedule, and what is wrong with it ("": nothing)."""

    server: str | None
    problem: str = ""
    next: str = ""


def keeping(settings: Settings) -> Keeping:
    """Return who keeps the schedule, and why no issue goes out by itself if so it is."""
    url = keeper(settings.paths.private)
    if url is None:
        return _kept_by_nobody()
    try:
        with api.open_client(url, timeout=TIMEOUT) as client:
            return _judged(settings, url, api.all_ours(settings, client))
    except httpx.HTTPError:
        # It is well, but busy: of what it keeps nothing is known to be wrong.
        return Keeping(server=url)


def _kept_by_nobody() -> Keeping:
    wanted = os.environ.get("PREFECT_API_URL")
    if wanted:
        problem = f"kept by nobody: {wanted} (PREFECT_API_URL) does not answer"
        return Keeping(
            server=None, problem=problem, next="start that server, or unset the variable"
        )
    problem = "kept by nobody: no issue goes out by itself"
    return Keeping(server=None, problem=problem, next="newsletter serve")


def _judged(settings: Settings, url: str, there: Mapping[str, Mapping[str, Any]]) -> Keeping:
    pages = url.removesuffix("/api")
    weekly = there.get(api.WEEKLY)
    if weekly is None:
        problem = f"kept by nobody: {pages} knows no deployment of this newsletter"
        return Keeping(server=url, problem=problem, next="newsletter serve")
    if weekly["status"] != READY:
        problem = f"kept by {pages}, but nobody is there to run it"
        return Keeping(server=url, problem=problem, next="newsletter serve")
    paused = [flow for flow, one in there.items() if not api.is_active(one)]
    if settings.newsletter.approval != "required":
        # prefect.yaml deploys one that rests.
        paused = [flow for flow in paused if flow != "draft"]
    if not paused:
        return Keeping(server=url)
    return Keeping(
        server=url,
        problem=f"paused by hand at {pages}: {', '.join(paused)}",
        next=f"switch it on at {pages}/deployments/deployment/{there[paused[0]]['id']}",
    )
