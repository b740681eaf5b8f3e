"""Tokens: genuine or refused, for one purpose, telling nothing to whoever looks."""

from __future__ import annotations

import hmac
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.errors import InvalidKeys, InvalidToken
from subscribers.tokens import (
    SPELLING,
    Hmac,
    Keys,
    Purpose,
    Token,
    is_fresh,
    is_sealed,
    read,
    seal,
    sign,
    sign_now,
)

OLD, NEW = "old-key-" * 4, "new-key-" * 4
KEYS = Keys.load(NEW)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

ids = st.integers(0, 2**63 - 1)
issues = st.integers(0, 2**32 - 1)
purposes = st.sampled_from(Purpose)


@given(purposes, ids, issues)
def test_a_token_says_what_was_signed(purpose: Purpose, subscriber_id: int, issue: int) -> None:
    token = sign(KEYS, purpose, subscriber_id, issue)
    assert SPELLING.fullmatch(token)
    said = read(KEYS, token)
    assert said == Token(purpose=purpose, subscriber_id=subscriber_id, issue=issue)


@given(purposes, ids, issues, st.integers(0, 39), st.sampled_from(ALPHABET))
def test_any_changed_character_is_refused(
    purpose: Purpose, subscriber_id: int, issue: int, position: int, character: str
) -> None:
    token = sign(KEYS, purpose, subscriber_id, issue)
    changed = token[:position] + character + token[position + 1 :]
    if changed != token:
        with pytest.raises(InvalidToken):
            read(KEYS, changed)


def test_every_single_changed_character_is_refused() -> None:
    token = sign(KEYS, Purpose.UNSUBSCRIBE, 7, 42)
    for position, character in itertools.product(range(40), ALPHABET):
        changed = token[:position] + character + token[position + 1 :]
        if changed != token:
            with pytest.raises(InvalidToken):
                read(KEYS, changed)


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        read(KEYS, text)


@pytest.mark.parametrize(
    "spelled",
    ["{}=", "{}\n", " {}", "{}%3D", "{}A", "{}.", "é{}", "{}\0"],
    ids=ascii,
)
def test_a_token_has_one_spelling(spelled: str) -> None:
    with pytest.raises(InvalidToken):
        read(KEYS, spelled.format(sign(KEYS, Purpose.UNSUBSCRIBE, 7, 42)))


@given(st.integers(0, 39))
def test_a_token_cut_short_is_refused(length: int) -> None:
    with pytest.raises(InvalidToken):
        read(KEYS, sign(KEYS, Purpose.UNSUBSCRIBE, 7, 42)[:length])


@given(ids, issues)
def test_purposes_share_no_token(subscriber_id: int, issue: int) -> None:
    signed = {sign(KEYS, purpose, subscriber_id, issue) for purpose in Purpose}
    assert len(signed) == len(Purpose)


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_what_authenticates_is_hmac_by_sha_256(key: bytes, message: bytes) -> None:
    assert Hmac(key).digest(message) == hmac.digest(key, message, "sha256")


def test_a_token_and_a_seal_of_before_are_good_for_ever() -> None:
    keys = Keys.load("benchmark-key-" + "0" * 40)
    spelled = "Acxe7rwTYZ-Riw0hjYElHzrHVX0_tGpKMLhTHll4"
    assert sign(keys, Purpose.UNSUBSCRIBE, 12345, 42) == spelled
    assert read(keys, spelled) == Token(purpose=Purpose.UNSUBSCRIBE, subscriber_id=12345, issue=42)
    told = "ceb800e34f2afa504e589794135c2a43e1cf3efc78e7ffe5a760946abf8a8c16"
    assert seal(keys, b"a document") == told
    assert is_sealed(keys, b"a document", told)


def test_neighbours_share_nothing_to_count_by() -> None:
    signed = [sign(KEYS, Purpose.UNSUBSCRIBE, number, 42) for number in range(2000)]
    # The version is the same for all: one character and a part of the second.
    assert len({token[2:6] for token in signed}) > 1990
    assert len({token[-4:] for token in signed}) > 1990


def test_the_first_key_signs_and_all_verify() -> None:
    before = sign(Keys.load(OLD), Purpose.UNSUBSCRIBE, 7, 42)
    both = Keys.load(f"{NEW},{OLD}")
    assert read(both, before).subscriber_id == 7
    assert sign(both, Purpose.UNSUBSCRIBE, 7, 42) == sign(KEYS, Purpose.UNSUBSCRIBE, 7, 42)
    with pytest.raises(InvalidToken):
        read(KEYS, before)


def test_a_token_of_another_version_is_refused() -> None:
    with pytest.raises(InvalidToken, match="version"):
        read(KEYS, "Ag" + sign(KEYS, Purpose.UNSUBSCRIBE, 7, 42)[2:])


@pytest.mark.parametrize(("subscriber_id", "issue"), [(-1, 0), (2**63, 0), (1, -1), (1, 2**32)])
def test_wild_ids_are_not_signed(subscriber_id: int, issue: int) -> None:
    with pytest.raises(ValueError, match="no token"):
        sign(KEYS, Purpose.UNSUBSCRIBE, subscriber_id, issue)


@pytest.mark.parametrize(
    "text",
    [f"{NEW},{OLD}", f"{NEW}\n{OLD}\n", f"# made 2026\n\n {NEW} \r\n{OLD}", f",{NEW},,{OLD},"],
    ids=["commas", "lines", "comments", "blanks"],
)
def test_keys_come_from_lines_or_commas(text: str) -> None:
    keys = Keys.load(text)
    assert len(keys) == 2
    assert sign(keys, Purpose.PROBE, 0, 1) == sign(KEYS, Purpose.PROBE, 0, 1)


@pytest.mark.parametrize("text", ["", " \n", "# only a comment", "short", f"{NEW},short"])
def test_missing_or_short_keys_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(InvalidKeys) as caught:
        Keys.load(text)
    assert "short" not in str(caught.value)
    assert NEW not in str(caught.value)


def test_keys_are_never_shown() -> None:
    shown = f"{KEYS} {KEYS!r} {KEYS.first!r} {[KEYS]} {vars(Keys)}"
    assert NEW not in shown


moments = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)
durations = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=30))


@given(ids, moments, durations, durations)
def test_a_timed_token_is_good_for_as_long_as_it_says(
    subscriber_id: int, now: datetime, lasts: timedelta, age: timedelta
) -> None:
    token = read(KEYS, sign_now(KEYS, Purpose.CONFIRM, subscriber_id, now=now))
    assert now <= token.signed_at < now + timedelta(seconds=1)
    assert is_fresh(token, now=now, lasts=lasts)
    later = now + age
    fresh = is_fresh(token, now=later, lasts=lasts)
    # To the second: it carries no more.
    if abs(age - lasts) > timedelta(seconds=1):
        assert fresh == (age < lasts)


@given(moments, durations)
def test_a_token_of_the_future_is_not_good_yet(now: datetime, ahead: timedelta) -> None:
    token = read(KEYS, sign_now(KEYS, Purpose.FORM, 0, now=now + timedelta(minutes=6) + ahead))
    assert not is_fresh(token, now=now, lasts=timedelta(days=365))
