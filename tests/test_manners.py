"""When a feed is asked again, and what is remembered until then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import FetchError, GoneError
from flows.gather import manners
from flows.gather.answer import Answer
from flows.models import FeedState

URL = "https://harbour.example/feed"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATE = FeedState(url=URL)
GOOD = Answer(url=URL, body=b"x", etag='"1"')


def answered(answer: Answer, state: FeedState = STATE) -> FeedState:
    return manners.after_answer(state, answer, now=NOW, least_interval=HOUR)


def failed(error: FetchError, state: FeedState = STATE) -> FeedState:
    return manners.after_failure(state, error, now=NOW, least_interval=HOUR)


@pytest.mark.parametrize(
    ("answer", "hours"),
    [
        (GOOD, 1),
        (replace(GOOD, etag=None, last_modified="Mon, 01 Jan 2024 00:00:00 GMT"), 1),
        (replace(GOOD, etag=None), 24),
        (replace(GOOD, max_age=timedelta(minutes=15)), 1),
        (replace(GOOD, max_age=timedelta(hours=6)), 6),
        (replace(GOOD, max_age=timedelta(days=30)), 12),
        (replace(GOOD, retry_after=timedelta(hours=30)), 30),
        (replace(GOOD, retry_after=timedelta(days=400)), 7 * 24),
    ],
    ids=[
        "etag", "date", "no validators", "short max-age", "max-age", "max-age's ceiling",
        "Retry-After on 200", "Retry-After's ceiling",
    ],
)  # fmt: skip
def test_after_an_answer_the_feed_rests(answer: Answer, hours: int) -> None:
    assert answered(answer).due_at == NOW + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (FetchError("x", status=503, retry_after=7200), 2, 2),
        (FetchError("x", status=404, retry_after=5), 1, 1),
        (FetchError("x", status=429), 4, 5),
        (FetchError("x", status=403), 4, 5),
        (FetchError("x", status=500), 1, 1.25),
        (FetchError("x"), 1, 1.25),
    ],
    ids=["Retry-After", "short Retry-After", "429", "403", "500", "no answer"],
)
def test_after_a_failure_the_feed_rests_longer(
    error: FetchError, least: float, most: float
) -> None:
    due = failed(error).due_at
    assert due is not None
    assert timedelta(hours=least) <= due - NOW <= timedelta(hours=most)


def test_failures_in_a_row_double_the_rest_up_to_a_day() -> None:
    state, rests = STATE, []
    for _ in range(8):
        state = failed(FetchError("x", status=500), state)
        assert state.due_at is not None
        rests.append(state.due_at - NOW)
    assert rests == sorted(rests[:5]) + rests[5:]
    assert all(24 * HOUR <= rest <= 30 * HOUR for rest in rests[5:])
    assert answered(GOOD, state).failures == 0


def test_feeds_that_failed_at_once_are_asked_apart() -> None:
    dues = {
        failed(FetchError("x"), FeedState(url=f"https://x.example/{n}")).due_at for n in range(20)
    }
    assert len(dues) > 15


def test_a_failure_keeps_the_validators() -> None:
    known = replace(STATE, etag='"1"', last_modified="yesterday", body_hash="abc")
    after = failed(FetchError("x", status=500), known)
    assert (after.etag, after.last_modified, after.body_hash) == ('"1"', "yesterday", "abc")
    assert after.error == "x"


def test_410_is_remembered() -> None:
    assert failed(GoneError("gone", status=410)).gone


def test_a_move_is_believed_after_three_good_answers() -> None:
    moving = replace(GOOD, moved_to="https://new.example/feed")
    state = STATE
    for seen in range(1, 4):
        assert manners.address(state) == URL
        state = answered(moving, state)
        assert state.moves_seen == seen
    assert manners.address(state) == "https://new.example/feed"
    # Asked there, nothing redirects any more, and it stays the place to ask.
    assert manners.address(answered(GOOD, state)) == "https://new.example/feed"


def test_a_new_place_that_fails_is_not_believed_any_more() -> None:
    moved = replace(STATE, moved_to="https://new.example/feed", moves_seen=3)
    assert manners.address(failed(FetchError("x", status=404), moved)) == URL


def test_a_feed_that_stops_redirecting_has_not_moved() -> None:
    moving = replace(STATE, moved_to="https://new.example/feed", moves_seen=2)
    assert answered(GOOD, moving).moved_to is None


def test_an_hour_passes_between_two_visits_whatever_was_said() -> None:
    asked = replace(STATE, asked_at=NOW, due_at=NOW)
    assert manners.due_at(asked, least_interval=HOUR, now=NOW) == NOW + HOUR
    assert manners.due_at(STATE, least_interval=HOUR, now=NOW) is None


def test_a_clock_that_was_wrong_silences_no_feed_for_years() -> None:
    asked = replace(STATE, asked_at=NOW + 9000 * HOUR, due_at=NOW + 9001 * HOUR)
    assert manners.due_at(asked, least_interval=HOUR, now=NOW) is None
    askew = replace(STATE, asked_at=NOW + HOUR / 2)
    assert manners.due_at(askew, least_interval=HOUR, now=NOW) == NOW + 1.5 * HOUR


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, 3600.0),
        ({"retry-after": "Mon, 23 Nov 2026 07:00:00 GMT"}, 0.0),
        (
            {
                "retry-after": "Fri, 01 Jan 2021 00:10:00 GMT",
                "date": "Fri, 01 Jan 2021 00:00:00 GMT",
            },
            600.0,
        ),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
    ids=["seconds", "date", "past", "the server's clock", "a word", "negative", "none"],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert manners.read_retry_after(headers, now=NOW) == seconds


@pytest.mark.parametrize(
    ("control", "seconds"),
    [
        ("max-age=3600", 3600),
        ("public, max-age=60, must-revalidate", 60),
        ('Max-Age="7"', 7),
        ("s-maxage=9", 0),
        ("no-cache, max-age=60", 0),
        ("", 0),
    ],
)
def test_max_age_is_read(control: str, seconds: int) -> None:
    found = manners.read_max_age({"cache-control": control})
    assert found == timedelta(seconds=seconds)


@given(st.text())
def test_any_headers_are_read(value: str) -> None:
    headers = {"retry-after": value, "cache-control": value, "date": value}
    manners.read_retry_after(headers, now=NOW)
    manners.read_max_age(headers)
