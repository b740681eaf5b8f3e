"""Prefect's API over HTTP: how it is asked, and which of its deployments are this newsletter's.

Nothing here imports Prefect. Several newsletters may share a server: a deployment is ours if the
settings file that it runs with is ours, whatever its name.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from flows.settings.shapes import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flows.settings import Settings

TIMEOUT = 30.0
# Where deployments are asked for, by the flow they run.
DEPLOYMENTS = "/deployments/filter"
WEEKLY, WAVE = "weekly", "wave"
FLOWS = ("gather", "draft", WEEKLY, "suppressions", WAVE)
# What tells two newsletters of the same title apart.
MARK = 6


def open_client(url: str, *, timeout: float = TIMEOUT) -> httpx.Client:
    """Return a client of the API at this address, with what the environment has to log in.

    A server on this machine is asked without a proxy. Raises httpx.InvalidURL.
    """
    direct = is_loopback(httpx.URL(url).host)
    return httpx.Client(base_url=url, timeout=timeout, headers=_login(), trust_env=not direct)


def _login() -> dict[str, str]:
    # Prefect's own variables: a key for its cloud, "user:password" for a server of one's own.
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    if password := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"}
    return {}


def running(flow: str) -> dict[str, Any]:
    """Return what to ask DEPLOYMENTS for those that run this flow."""
    return {"flows": {"name": {"any_": [flow]}}}


def find(client: httpx.Client, flow: str) -> list[dict[str, Any]]:
    """Return the server's deployments of a flow, everybody's; raises httpx.HTTPError."""
    answer = client.post(DEPLOYMENTS, json=running(flow))
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def ours(settings: Settings, found: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the deployment of this newsletter, None if there is none."""
    return next((one for one in found if is_ours(settings, one["parameters"])), None)


def all_ours(settings: Settings, client: httpx.Client) -> dict[str, Mapping[str, Any]]:
    """Return this newsletter's deployments by the flow they run; raises httpx.HTTPError."""
    found = {flow: ours(settings, find(client, flow)) for flow in FLOWS}
    return {flow: deployment for flow, deployment in found.items() if deployment is not None}


def is_active(deployment: Mapping[str, Any]) -> bool:
    """Say whether its schedule runs: not if a person switched it off in Prefect's pages."""
    return not deployment["paused"] and is_scheduled(deployment)


def is_scheduled(deployment: Mapping[str, Any]) -> bool:
    """Say whether all its schedules are switched on."""
    return all(one["active"] for one in deployment["schedules"])


def is_ours(settings: Settings, parameters: Mapping[str, Any]) -> bool:
    """Say whether a run or deployment with these parameters is this newsletter's."""
    config = parameters.get("config")
    return isinstance(config, str) and Path(config).resolve() == settings.path.resolve()


def name_for(settings: Settings, found: Iterable[Mapping[str, Any]]) -> str:
    """Return how this newsletter's deployments are named beside those of `weekly` that are there.

    "" means: each after its flow, as for a newsletter that has its server for itself.
    """
    names = {one["name"]: one for one in found}
    mine = ours(settings, names.values())
    if mine is not None:
        return "" if mine["name"] == WEEKLY else str(mine["name"])
    if WEEKLY not in names:
        return ""
    own = tag(settings)
    return f"{own}-{_mark(settings)}" if own in names else own


def tag(settings: Settings) -> str:
    """Return what deployments and runs are marked with: the title, in small letters."""
    return re.sub(r"[\W_]+", "-", settings.newsletter.title.casefold()).strip("-") or "newsletter"


def _mark(settings: Settings) -> str:
    return hashlib.sha256(str(settings.path).encode()).hexdigest()[:MARK]
