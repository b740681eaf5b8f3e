"""The deployments of a newsletter: what they are called, when they run, and what ends with them."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron, Interval
from prefect.types.entrypoint import EntrypointType

from flows.errors import SettingsError
from flows.pipeline.targets import draft_cron, weekly_cron
from flows.settings import load
from flows.weekly import api
from flows.weekly.jobs import draft, gather, suppressions, wave, weekly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prefect import Flow
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner
    from prefect.schedules import Schedule

    from flows.settings import Settings

# The webhook tells at once; this is for what it missed.
SUPPRESSIONS_EVERY = timedelta(days=1)
# A Monday: what recurs is counted from there, so that a start moves nothing.
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
# Those that a newsletter has or has not, as its settings say.
OPTIONAL = (draft.name, suppressions.name, wave.name)


async def deployments(
    settings: Settings, *, name: str = "", before: Mapping[str, Mapping[str, Any]] | None = None
) -> list[RunnerDeployment]:
    """Return what `serve` offers: `gather` every few hours, `weekly` in time for each slot.

    They are called after their flows, or by `name` where a server has several newsletters'. Where
    issues wait for approval, `draft` writes each one ahead of its slot; where SendGrid mails,
    `suppressions` reads its lists; where others help to hand over, `wave` is what they run.
    What a person paused among those that were there `before`, by flow, stays paused.
    """
    zone = settings.schedule.timezone
    # The schedule's own runs only: what a person triggers goes by what is open.
    own = {"scheduled": True}
    on_time = Cron(weekly_cron(settings), timezone=zone, parameters=own)
    make = partial(_deployment, settings, name, before or {})
    made = [
        await make(gather, schedule=_every(settings, settings.gather.every)),
        await make(weekly, schedule=on_time),
    ]
    if settings.newsletter.approval == "required":
        ahead = Cron(draft_cron(settings), timezone=zone)
        made.append(await make(draft, schedule=ahead))
    if settings.sending.transport == "sendgrid":
        made.append(await make(suppressions, schedule=_every(settings, SUPPRESSIONS_EVERY)))
    if settings.sending.workers:
        made.append(await make(wave, together=settings.sending.workers))
    return made


def _every(settings: Settings, interval: timedelta) -> Schedule:
    """Return a schedule at the newsletter's own minute: not when all the world asks feeds."""
    number = int.from_bytes(hashlib.sha256(str(settings.path).encode()).digest()[:8])
    own = timedelta(seconds=number % max(1, int(interval.total_seconds())))
    return Interval(interval, anchor_date=BEGIN + own)


async def _deployment(
    settings: Settings,
    name: str,
    before: Mapping[str, Mapping[str, Any]],
    job: Flow[..., Any],
    *,
    schedule: Schedule | None = None,
    together: int = 1,
) -> RunnerDeployment:
    there = before.get(job.name)
    if schedule and there and not api.is_scheduled(there):
        schedule = replace(schedule, active=False)
    return await job.ato_deployment(
        name or job.name,
        tags=[api.tag(settings)],
        schedule=schedule,
        # Prefect takes nothing said for "not paused".
        paused=bool(there and there["paused"]),
        parameters={"config": str(settings.path)},
        # A second run queues; CANCEL_NEW would drop this week's run for a zombie of last week's.
        concurrency_limit=ConcurrencyLimitConfig(
            limit=together, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
        # By module, not by file: `serve` may run in any folder.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


class Offer:
    """What serve offers, made anew when the settings file changes."""

    def __init__(self, settings: Settings, name: str, *, narrate: Callable[[str], None]) -> None:
        self._settings = settings
        self._name = name
        self._narrate = narrate
        # It may have changed since it was read.
        self._seen: int | None = None
        self._registered: list[str] = []

    async def make(self, runner: Runner) -> None:
        """Register the deployments, and take back those that the settings no longer want."""
        await self._register(runner, self._settings)

    async def follow(self, runner: Runner) -> None:
        """Do it again if the settings file was changed; a broken one is told, and left alone."""
        now = _changed_at(self._settings)
        if now in (None, self._seen):
            return
        try:
            changed = load(self._settings.path)
            changed.require_sendable()
        except SettingsError as error:
            self._narrate(f"The settings changed, but not for the better: {error}")
            changed = self._settings
        if changed != self._settings:
            await self._register(runner, changed)
            self._settings = changed
            self._narrate(f"The settings changed. {told(changed)}")
        # Not before: what a server failed at is done when it is asked again.
        self._seen = now

    async def is_kept(self) -> bool:
        """Return whether the server has what was registered, and as ours; raises httpx.HTTPError.

        Two newsletters that come to a server in the same moment choose the same names.
        """
        return await asyncio.to_thread(self._are_ours, self._registered)

    async def _register(self, runner: Runner, settings: Settings) -> None:
        before = await asyncio.to_thread(self._there)
        made = await deployments(settings, name=self._name, before=before)
        self._registered = [str(await runner.aadd_deployment(one)) for one in made]
        flows = [one.flow_name for one in made]
        await asyncio.to_thread(self._take_back, [one for one in OPTIONAL if one not in flows])

    def _are_ours(self, ids: list[str]) -> bool:
        with _client() as client:
            answer = client.post(api.DEPLOYMENTS, json={"deployments": {"id": {"any_": ids}}})
        answer.raise_for_status()
        found = [one for one in answer.json() if api.is_ours(self._settings, one["parameters"])]
        return len(found) == len(ids)

    def _there(self) -> Mapping[str, Mapping[str, Any]]:
        with _client() as client:
            return api.all_ours(self._settings, client)

    def _take_back(self, flows: Iterable[str]) -> None:
        # One that nobody runs would go on collecting runs that are late.
        with _client() as client:
            for flow in flows:
                found = api.ours(self._settings, api.find(client, flow))
                # What is in a work pool was put there by a person.
                if found is not None and not found["work_pool_name"]:
                    answer = client.delete(f"/deployments/{found['id']}")
                    if answer.status_code != httpx.codes.NOT_FOUND:
                        answer.raise_for_status()


def _client() -> httpx.Client:
    return api.open_client(os.environ["PREFECT_API_URL"])


def told(settings: Settings) -> str:
    """Return when readers get an issue, in a sentence."""
    schedule = settings.schedule
    return (
        f"Readers get an issue every {schedule.day.capitalize()} at "
        f"{schedule.time:%H:%M} ({schedule.timezone or 'UTC'})."
    )


def _changed_at(settings: Settings) -> int | None:
    try:
        return settings.path.stat().st_mtime_ns
    except OSError:
        # An editor may be writing it just now.
        return None
