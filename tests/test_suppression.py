"""Who is kept out, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from subscribers.models import (
    Fate,
    Subscriber,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
)
from subscribers.suppression import admission, forgotten_key

if TYPE_CHECKING:
    from datetime import datetime


@pytest.fixture
def ann(now: datetime) -> Subscriber:
    return Subscriber(
        id=1,
        email="ann@example.org",
        key="ann@example.org",
        name="",
        status=SubscriberStatus.ACTIVE,
        created_at=now,
    )


def test_nothing_stands_against_a_stranger() -> None:
    assert admission(None, None) is None


@pytest.mark.parametrize(
    ("status", "fate", "reason"),
    [
        (SubscriberStatus.ACTIVE, Fate.ALREADY_THERE, "since 2026-11-23"),
        (SubscriberStatus.PENDING, Fate.ALREADY_THERE, "yet to confirm"),
        (SubscriberStatus.UNSUBSCRIBED, Fate.KEPT_OUT, "unsubscribed on 2026-11-23"),
    ],
)
def test_whoever_is_known_stays_as_they_are(
    ann: Subscriber, now: datetime, status: SubscriberStatus, fate: Fate, reason: str
) -> None:
    told = admission(replace(ann, status=status, unsubscribed_at=now), None)
    assert told is not None
    assert (told.fate, told.reason) == (fate, reason)


@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppression_keeps_anybody_out(
    ann: Subscriber, now: datetime, reason: SuppressionReason
) -> None:
    held = Suppression(key=ann.key, reason=reason, at=now)
    for known in (None, ann):
        told = admission(known, held)
        assert told is not None
        assert told.fate is Fate.KEPT_OUT
        assert "on 2026-11-23" in told.reason


def test_a_forgotten_address_cannot_be_read_from_what_is_kept() -> None:
    kept = forgotten_key("ann@example.org", "salt")
    assert "ann" not in kept
    assert kept != forgotten_key("ann@example.org", "another salt")
    assert kept == forgotten_key("ann@example.org", "salt")
