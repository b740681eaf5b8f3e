"""What a newsletter offers on a real Prefect server, and what a person or another changed there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from flows.weekly.api import find, open_client, ours
from tests.newsletters import Newsletter

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from flows.settings import Settings

pytestmark = pytest.mark.prefect


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write()


def register(*all_settings: Settings, name: str = "") -> None:
    """Register their deployments, one newsletter after the other."""
    from prefect.runner import Runner

    from flows.weekly.offering import Offer

    async def make() -> None:
        for settings in all_settings:
            await Offer(settings, name, narrate=lambda _: None).make(Runner())

    asyncio.run(make())


def weekly(client: httpx.Client, settings: Settings) -> Any:
    found = ours(settings, find(client, "weekly"))
    assert found is not None
    return found


@pytest.mark.parametrize("whole", [True, False], ids=["the deployment", "its schedule"])
def test_what_a_person_paused_stays_paused_at_the_next_start(
    api: str,
    newsletter: Newsletter,
    whole: bool,  # noqa: FBT001 - parametrised
) -> None:
    settings, name = newsletter.settings, f"paused-{whole}".lower()
    register(settings, name=name)
    with open_client(api) as client:
        there = weekly(client, settings)
        path = f"/deployments/{there['id']}"
        # As the switches of Prefect's pages do it.
        if whole:
            client.patch(path, json={"paused": True}).raise_for_status()
        else:
            schedule = f"{path}/schedules/{there['schedules'][0]['id']}"
            client.patch(schedule, json={"active": False}).raise_for_status()
        register(settings, name=name)
        again = weekly(client, settings)
    assert again["paused"] is whole
    assert [one["active"] for one in again["schedules"]] == [whole]
