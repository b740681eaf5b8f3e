"""Opens what the sign-up form needs, as the settings say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.pipeline.letters import post
from flows.pipeline.work import utc_now
from flows.web.networks import NetworkLimit, parse_networks
from flows.web.postman import Postman
from flows.web.site import SignUps
from subscribers.models import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.settings import Settings


def open_postman(
    settings: Settings, engine: Engine, *, clock: Callable[[], datetime] = utc_now
) -> Postman:
    """Return who posts the letters of the form, by the settings' transport."""
    return Postman(
        engine=engine,
        keys=settings.keys(),
        brand=settings.brand(),
        post=lambda letter: post(settings, letter, clock=clock),
        clock=clock,
        confirm_within=settings.web.confirm_within,
    )


def open_signups(settings: Settings, postman: Postman) -> SignUps | None:
    """Return how sign-ups are taken, None if the settings want no form."""
    web = settings.web
    if not web.subscribe:
        return None
    return SignUps(
        limits=Limits(an_hour=web.signups_per_hour, lasts=web.confirm_within),
        confirm_within=web.confirm_within,
        per_network=NetworkLimit(web.signups_per_network),
        proxies=parse_networks(web.trusted_proxies),
        wake=postman.call,
    )
