"""SendGrid's events: told from a stranger's, and read for what matters."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from flows.deliver.events import EventKey, Events, Feedback, FeedbackKind, Proof, read_events
from flows.errors import EventsRefused, SettingsError
from tests.signing import Signer, body_of, event

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = body_of(event("delivered", "ann@example.org", NOW))
SIGNER = Signer()
KEY = EventKey.load(SIGNER.public)


def require(body: bytes, signature: str, timestamp: str, now: datetime = NOW) -> None:
    KEY.require(body, signature=signature, timestamp=timestamp, now=now)


def test_what_sendgrid_signed_just_now_is_taken() -> None:
    require(BODY, SIGNER.sign(BODY, STAMP), STAMP, NOW + timedelta(minutes=9))


@pytest.mark.parametrize(
    ("body", "signature", "timestamp", "reason"),
    [
        pytest.param(BODY, "", STAMP, "not signed", id="no signature"),
        pytest.param(BODY, SIGNER.sign(BODY, STAMP), "", "not signed", id="no timestamp"),
        pytest.param(BODY, SIGNER.sign(BODY, "now"), "now", "not signed", id="no number"),
        pytest.param(BODY, SIGNER.sign(BODY, "٣"), "٣", "not signed", id="a number elsewhere"),
        pytest.param(BODY + b" ", SIGNER.sign(BODY, STAMP), STAMP, "not SendGrid's", id="changed"),
        pytest.param(BODY, SIGNER.sign(BODY, "1"), STAMP, "not SendGrid's", id="other time"),
        pytest.param(BODY, Signer().sign(BODY, STAMP), STAMP, "not SendGrid's", id="other key"),
        pytest.param(BODY, "%%%", STAMP, "not SendGrid's", id="no base64"),
        pytest.param(BODY, "é", STAMP, "not SendGrid's", id="no ASCII"),
        pytest.param(BODY, base64.b64encode(b"x").decode(), STAMP, "not SendGrid's", id="no DER"),
        pytest.param(b"\xff", SIGNER.sign(b"\xff", STAMP), STAMP, "not SendGrid's", id="no UTF-8"),
    ],
)
def test_a_forged_request_is_refused(
    body: bytes, signature: str, timestamp: str, reason: str
) -> None:
    with pytest.raises(EventsRefused, match=reason) as refused:
        require(body, signature, timestamp)
    assert refused.value.status == 403


@pytest.mark.parametrize("age", [timedelta(minutes=11), timedelta(days=400), -timedelta(hours=1)])
def test_a_replayed_request_is_refused(age: timedelta) -> None:
    stamp = str(int((NOW - age).timestamp()))
    with pytest.raises(EventsRefused, match="too long ago"):
        require(BODY, SIGNER.sign(BODY, stamp), stamp)


def test_a_timestamp_of_a_thousand_digits_is_refused() -> None:
    stamp = "9" * 1000
    with pytest.raises(EventsRefused, match="too long ago"):
        require(BODY, SIGNER.sign(BODY, stamp), stamp)


def rsa_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


@pytest.mark.parametrize("text", ["nonsense", "-----BEGIN PUBLIC KEY-----", "AAAA", rsa_key(), "é"])
def test_a_wrong_key_says_where_to_find_the_right_one(text: str) -> None:
    with pytest.raises(SettingsError, match=r"webhook_key: .* Signature Verification"):
        EventKey.load(text)


def test_a_key_with_line_breaks_is_read() -> None:
    read = EventKey.load("\n".join([SIGNER.public[:40], SIGNER.public[40:], ""]))
    read.require(BODY, signature=SIGNER.sign(BODY, STAMP), timestamp=STAMP, now=NOW)
    with pytest.raises(EventsRefused, match="not SendGrid"):
        read.require(BODY, signature="AAAA", timestamp=STAMP, now=NOW)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"{}", b'"x"', b"1", b"[" * 100_000, b'[{"a":' * 50_000]
)
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(EventsRefused) as refused:
        read_events(body)
    assert refused.value.status == 400


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(EventsRefused):
        assert read_events(body).count >= 0


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
names = st.sampled_from(
    ["event", "email", "timestamp", "np_issue", "np_batch", "np_rcpt", "reason", "type"]
)
words = st.sampled_from(["bounce", "dropped", "processed", "unsubscribe", "7", "a@b.example"])


@given(st.lists(st.dictionaries(names, values | words) | values))
def test_any_events_are_read(events: list[Any]) -> None:
    assert read_events(json.dumps(events).encode()).count == len(events)


@pytest.mark.parametrize(
    ("name", "more", "kind"),
    [
        ("bounce", {"type": "bounce"}, FeedbackKind.BOUNCED),
        ("bounce", {}, FeedbackKind.BOUNCED),
        ("bounce", {"type": "blocked"}, FeedbackKind.BLOCKED),
        ("dropped", {"reason": "Bounced Address"}, FeedbackKind.BOUNCED),
        ("dropped", {"reason": "Spam Reporting Address"}, FeedbackKind.COMPLAINED),
        ("dropped", {"reason": "Unsubscribed Address"}, FeedbackKind.LEFT),
        ("dropped", {"reason": "Invalid"}, FeedbackKind.INVALID),
        ("dropped", {"reason": "Recipient List over Package Quota"}, None),
        ("dropped", {}, None),
        ("spamreport", {}, FeedbackKind.COMPLAINED),
        ("unsubscribe", {}, FeedbackKind.LEFT),
        ("group_unsubscribe", {}, FeedbackKind.LEFT),
        ("deferred", {}, None),
        ("open", {}, None),
        ("delivered", {}, None),
    ],
)
def test_each_event_is_heard_for_what_it_means(
    name: str, more: dict[str, str], kind: FeedbackKind | None
) -> None:
    found = read_events(body_of(event(name, "ann@example.org", NOW, np_issue="42", **more)))
    expected = Feedback(
        kind=kind or FeedbackKind.LEFT,
        email="ann@example.org",
        at=NOW,
        reason=more.get("reason", ""),
        issue=42,
    )
    assert found.feedback == ((expected,) if kind else ())


OURS = {"np_issue": "42", "np_batch": "7", "np_rcpt": "3", "sg_message_id": "abc.recvd-1-2.0"}


@pytest.mark.parametrize(
    "name", ["processed", "delivered", "deferred", "bounce", "open", "click", "spamreport"]
)
def test_whatever_happened_to_a_message_proves_that_it_was_accepted(name: str) -> None:
    found = read_events(body_of(event(name, "ann@example.org", NOW, **OURS)))
    proof = Proof(issue=42, batch=7, subscriber_id=3, email="ann@example.org", provider_id="abc")
    assert found.proofs == (proof,)


@pytest.mark.parametrize(
    "told",
    [
        event("dropped", "ann@example.org", NOW, **OURS),
        event("processed", "ann@example.org", NOW),
        event("processed", "", NOW, **OURS),
        event("processed", "ann@example.org", NOW, **OURS | {"np_batch": "7.5"}),
        event("processed", "ann@example.org", NOW, **OURS | {"np_batch": "9" * 40}),
        event("processed", "ann@example.org", NOW, **OURS | {"np_batch": True}),
    ],
)
def test_anything_else_proves_nothing(told: dict[str, Any]) -> None:
    assert read_events(body_of(told)).proofs == ()


def test_ten_thousand_events_of_a_kind_are_one() -> None:
    found = read_events(body_of(*[event("processed", "ann@example.org", NOW, **OURS)] * 10_000))
    assert (found.count, len(found.proofs)) == (10_000, 1)


def test_what_is_no_event_is_counted() -> None:
    assert read_events(b'[1, null, "x", []]') == Events(count=4, unreadable=4)
