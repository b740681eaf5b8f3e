"""What a newsletter offers on a real Prefect server, and what a person or another changed there."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from flows.weekly.api import find, open_client, ours
from tests.newsletters import Newsletter
from tests.prefect_server import in_front_of

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


@pytest.mark.usefixtures("api")
def test_deployments_that_another_newsletter_took_in_the_same_moment_are_missed(
    newsletter: Newsletter, tmp_path: Path
) -> None:
    from prefect.runner import Runner

    from flows.weekly.offering import Offer

    (tmp_path / "other").mkdir()
    other = Newsletter(tmp_path / "other").write()

    async def both() -> list[bool]:
        # Neither saw the other's when it chose a name.
        offers = [
            Offer(one.settings, "same", narrate=lambda _: None) for one in (newsletter, other)
        ]
        for offer in offers:
            await offer.make(Runner())
        return [await offer.is_kept() for offer in offers]

    assert asyncio.run(both()) == [False, True]


def test_a_server_that_fails_for_a_moment_is_asked_again_and_ends_no_run(
    api: str, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.runner import Runner

    from flows.weekly.offering import Offer
    from flows.weekly.serving import Upkeep
    from flows.weekly.settling import Settler

    told: list[str] = []
    offer = Offer(newsletter.settings, "upkeep", narrate=told.append)
    settler = Settler(newsletter.settings, own=False, narrate=told.append)

    async def look_again_and_again(failures: deque[int]) -> None:
        await offer.make(Runner())
        newsletter.write(newsletter='approval = "required"')
        failures += [503, 503, 200, 503]
        minutes = count(step=60)
        upkeep = Upkeep(offer, settler, narrate=told.append, clock=lambda: next(minutes))
        for _ in range(4):
            assert await upkeep.look(Runner())

    # In front of what we ask ourselves; Prefect's client heeds no change of the address.
    failures: deque[int] = deque()
    with in_front_of(api, failures) as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        asyncio.run(look_again_and_again(failures))
    assert not failures
    with open_client(api) as client:
        assert ours(newsletter.settings, find(client, "draft"))
    assert [line.partition(":")[0] for line in told] == [
        "Prefect's server is out of order, asking again",
        "The settings changed. Readers get an issue every Monday at 08",
    ]
