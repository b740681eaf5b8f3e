"""What a killed process left behind: its run is ended on Prefect's server, its issue goes on.

Nothing in Prefect's open server does this, and a run that stays `Running` for ever holds the one
place that its deployment has. Our own database knows which process ran what, and whether it lives.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flows.errors import NewsletterError, SettingsError
from flows.models import IssueStatus, Outcome
from flows.pipeline.chronicle import KILLED, settle
from flows.pipeline.gathering import STOPPED
from flows.pipeline.options import RunOptions
from flows.pipeline.stores import open_store
from flows.pipeline.targets import choose
from flows.pipeline.work import utc_now
from flows.settings import load
from flows.store import issues, runs
from flows.store.runs import SEND, WEEKLY
from flows.weekly import api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx
    from sqlalchemy import Engine

    from flows.settings import Settings
    from flows.store.runs import RunRecord

logger = logging.getLogger(__name__)

UNFINISHED = ["PENDING", "RUNNING", "CANCELLING"]
ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
# A run that is so long at work has told our database of itself, if it ever got to its work.
SILENCE = timedelta(minutes=10)
# How often in a row it goes on by itself: what was killed for want of memory will be so again.
MOST_RESUMED = 3
# Runs that send an issue.
SENDERS = (WEEKLY, SEND)
# What has ended has told the server so by then, if it ever will.
TELLING = timedelta(minutes=1)


class Settler:
    """Asks the server of PREFECT_API_URL what it believes to run, and corrects it.

    `own`: the server is this process's, so before serving begins nothing else runs deployments.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        own: bool,
        narrate: Callable[[str], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._narrate = narrate
        self._clock = clock
        self._own = self._fresh = own
        # Runs that were to send an issue, until it is known to go on.
        self._killed: list[RunRecord] = []
        self._is_owing = False

    def settle(self) -> bool:
        """End what a killed process left unfinished; raises httpx.HTTPError.

        Returns whether there is something for `resume`, of now or since it failed.
        """
        try:
            with open_store(self._settings) as engine, _client() as client:
                unfinished = _unfinished(client)
                lost = {one["id"] for one in unfinished if self._is_given_up(one)}
                lost |= _ended(client, [one.flow_run for one in runs.unended(engine)])
                dead = settle(self._settings, now=utc_now(), lost=lost)
                self._killed += [one for one in dead if one.job in SENDERS]
                for found in unfinished:
                    known = runs.find_flow_run(engine, found["id"])
                    if _is_over(known) if known else self._is_lost(found):
                        _end(client, found["id"], known)
                        self._narrate(f"Run {found['name']} is over: {_reason(known)}.")
                self._killed = _unwanted_ends(client, self._killed)
        except NewsletterError as error:
            logger.warning("nothing was settled: %s", error)
            return False
        return self._is_owing or bool(self._killed)

    def name(self) -> str:
        """Return how the server is to name this newsletter's deployments, "" after their flows.

        Raises httpx.HTTPError.
        """
        if self._own:
            # Also where its folder was moved, and what is there names the old one.
            return ""
        with _client() as client:
            name = api.name_for(self._settings, api.find(client, api.WEEKLY))
        if name:
            self._narrate(f"Another newsletter has weekly/weekly there; ours is weekly/{name}.")
        return name

    def resume(self) -> None:
        """Have what was cut short done to the end; raises httpx.HTTPError.

        Those are issues that are being sent, and the week's run if it was killed before that, or
        stopped with the serve that ran it. From here on something runs.
        """
        self._fresh, self._is_owing = False, True
        try:
            with open_store(self._settings) as engine, _client() as client:
                deployment = api.ours(self._settings, api.find(client, api.WEEKLY))
                if deployment is not None:
                    self._ask(engine, client, deployment)
        except NewsletterError as error:
            logger.warning("nothing goes on by itself yet: %s", error)
            return
        self._is_owing, self._killed = False, []

    def _ask(self, engine: Engine, client: httpx.Client, deployment: Mapping[str, Any]) -> None:
        too_often = runs.in_a_row(engine, SENDERS, reason=KILLED) > MOST_RESUMED
        week_too = api.is_active(deployment) and self._was_week_ended(engine, client)
        for what, parameters in self._cut_short(engine, week_too=week_too).items():
            if too_often:
                self._narrate(
                    f"{what} was killed too often to go on by itself; "
                    "newsletter run goes on from there."
                )
                continue
            answer = client.post(
                f"/deployments/{deployment['id']}/create_flow_run", json={"parameters": parameters}
            )
            answer.raise_for_status()
            self._narrate(f"{what} goes on.")

    def _cut_short(self, engine: Engine, *, week_too: bool) -> dict[str, dict[str, Any]]:
        """Return what is to go on, as the parameters of the runs that do it."""
        on_time = RunOptions(scheduled=True)
        due = choose(self._followed(), engine, on_time, now=self._clock()).record
        week = {"scheduled": True}
        asked: dict[str, dict[str, Any]] = {}
        for record in issues.open_ones(engine):
            if record.status is IssueStatus.SENDING:
                is_due = due is not None and due.number == record.number
                what = f"Issue {record.number} was cut short: its sending"
                asked[what] = {"issue": record.number, "resumed": True} | (week if is_due else {})
        began = due is not None and due.status is IssueStatus.SENDING
        if week_too and not began:
            asked["This week's run was cut short: it"] = week
        return asked

    def _was_week_ended(self, engine: Engine, client: httpx.Client) -> bool:
        last = runs.last_ended(engine, WEEKLY)
        stopped = [last] if last is not None and last.reason == STOPPED else []
        ended = self._killed + _unwanted_ends(client, stopped)
        return any(one.job == WEEKLY and one.scheduled for one in ended)

    def _followed(self) -> Settings:
        """Return the settings as they are by now, those of the start while they are broken."""
        try:
            return load(self._settings.path)
        except SettingsError:
            return self._settings

    def _is_given_up(self, found: dict[str, Any]) -> bool:
        """Say whether no machine is at it, as far as the server can tell."""
        # Whoever runs it ends it soon after somebody cancelled it; a machine that is gone never.
        cancelled = _state(found) == "CANCELLING" and _silent_for(found) > SILENCE
        return cancelled or self._nobody_runs(found)

    def _nobody_runs(self, found: dict[str, Any]) -> bool:
        """Say whether only we could run it, and have not begun to."""
        return self._fresh and bool(found["deployment_id"])

    def _is_lost(self, found: dict[str, Any]) -> bool:
        """Say whether a run that never told of itself is over."""
        if not (self._own or api.is_ours(self._settings, found["parameters"])):
            # Another newsletter's, or nothing that we know.
            return False
        if self._nobody_runs(found):
            return True
        if _state(found) == "PENDING":
            # It may wait for a worker, on a machine that is busy or switched off.
            return False
        return _silent_for(found) > SILENCE


def _state(found: Mapping[str, Any]) -> str:
    return str(found["state"]["type"])


def _silent_for(found: dict[str, Any]) -> timedelta:
    return utc_now() - datetime.fromisoformat(found["state"]["timestamp"]).astimezone(UTC)


def _client() -> httpx.Client:
    return api.open_client(os.environ["PREFECT_API_URL"])


def _unfinished(client: httpx.Client) -> list[dict[str, Any]]:
    answer = client.post(
        "/flow_runs/filter",
        json={
            "flows": {"name": {"any_": list(api.FLOWS)}},
            "flow_runs": {"state": {"type": {"any_": UNFINISHED}}},
        },
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def _ended(client: httpx.Client, flow_runs: list[str]) -> set[str]:
    """Return those of the runs that the server knows as ended for a while."""
    ids = [one for one in flow_runs if one]
    if not ids:
        return set()
    ended = {"id": {"any_": ids}, "state": {"type": {"any_": ENDED}}}
    answer = client.post("/flow_runs/filter", json={"flow_runs": ended})
    answer.raise_for_status()
    return {one["id"] for one in answer.json() if _silent_for(one) > TELLING}


def _unwanted_ends(client: httpx.Client, found: list[RunRecord]) -> list[RunRecord]:
    """Return those that a deployment made and no person cancelled: one at a terminal is theirs."""
    ids = [one.flow_run for one in found if one.flow_run]
    if not ids:
        return []
    answer = client.post("/flow_runs/filter", json={"flow_runs": {"id": {"any_": ids}}})
    answer.raise_for_status()
    deployed = {one["id"] for one in answer.json() if one["deployment_id"]}
    return [
        one
        for one in found
        if one.flow_run in deployed and not _was_cancelled(client, one.flow_run)
    ]


def _was_cancelled(client: httpx.Client, flow_run: str) -> bool:
    """Say whether a person wished its end; a serve that ends has none and says so at once."""
    answer = client.get("/flow_run_states/", params={"flow_run_id": flow_run})
    answer.raise_for_status()
    return any(one["type"] == "CANCELLING" for one in answer.json())


def _is_over(known: RunRecord) -> bool:
    if known.ended_at is None:
        return False
    return known.reason == KILLED or utc_now() - known.ended_at > TELLING


def _reason(known: RunRecord | None) -> str:
    return known.reason if known and known.reason else KILLED


def _end(client: httpx.Client, flow_run: str, known: RunRecord | None) -> None:
    """Tell the server how the run ended: by its verdict if it reached one, else by a crash."""
    state = {"type": "CRASHED", "name": "Crashed", "message": _reason(known)}
    if known is not None and known.reason != KILLED:
        kind = "FAILED" if known.verdict == Outcome.FAILED.value else "COMPLETED"
        state |= {"type": kind, "name": known.verdict.capitalize()}
    answer = client.post(f"/flow_runs/{flow_run}/set_state", json={"state": state})
    answer.raise_for_status()
