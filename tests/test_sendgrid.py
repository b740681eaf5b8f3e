from __future__ import annotations

import json
import logging
import socket
import threading
from collections import deque
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from flows.deliver.payload import payload
from flows.deliver.sendgrid import SendGrid, retry_after
from flows.deliver.sendgrid_answer import refusal
from flows.errors import InDoubt, Refused, Unavailable
from flows.models import Batch, Recipient, Wave
from tests.people import MAIL, NOW, email, link
from tests.sendgrid_server import KEY, SendGridServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = Batch(
    id=17,
    recipients=tuple(
        Recipient(subscriber_id=one, email=email(one), unsubscribe_url=link(one))
        for one in range(1, 4)
    ),
)


@pytest.fixture
def sendgrid(sendgrid_server: SendGridServer) -> SendGrid:
    sendgrid_server.clock = NOW.timestamp
    return SendGrid(KEY, host=sendgrid_server.url, now=lambda: NOW, timeout=2)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def redirecting_port() -> Iterator[int]:
    """A port that sends everybody elsewhere, once."""

    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
            )

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_an_accepted_batch_brings_its_provider_id(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    receipt = sendgrid.hand_over(MAIL, BATCH)
    assert receipt.provider_id == sendgrid_server.accepted[0].request
    assert [one.email for one in sendgrid_server.accepted] == [email(1), email(2), email(3)]


def test_every_recipient_can_leave_with_one_click(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    sendgrid.hand_over(MAIL, BATCH)
    for number, one in enumerate(sendgrid_server.accepted, start=1):
        assert one.headers["List-Unsubscribe"] == f"<{link(number)}>"
        assert one.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert one.arguments["np_rcpt"] == str(number)


def test_a_wave_goes_with_the_request(sendgrid: SendGrid, sendgrid_server: SendGridServer) -> None:
    send_at = NOW + timedelta(minutes=30)
    wave = Wave(id=1, number=1, batch_id=sendgrid.open_batch(), send_at=send_at)
    sendgrid.hand_over(MAIL, Batch(id=1, recipients=BATCH.recipients, wave=wave))
    assert sendgrid_server.accepted[0].batch_id == wave.batch_id
    assert sendgrid_server.accepted[0].send_at == int(send_at.timestamp())


@pytest.mark.parametrize("fault", ["500", "502", "503", "504", "500-after"])
def test_a_server_error_is_in_doubt(
    sendgrid: SendGrid, sendgrid_server: SendGridServer, fault: str
) -> None:
    sendgrid_server.script = deque([fault])
    with pytest.raises(InDoubt, match="SendGrid answered 50"):
        sendgrid.hand_over(MAIL, BATCH)


@pytest.mark.parametrize("fault", ["drop-before", "drop-after"])
def test_a_dropped_connection_is_in_doubt(
    sendgrid: SendGrid, sendgrid_server: SendGridServer, fault: str
) -> None:
    sendgrid_server.script = deque([fault])
    with pytest.raises(InDoubt, match="did not answer"):
        sendgrid.hand_over(MAIL, BATCH)


def test_no_answer_in_time_is_in_doubt(silent_port: int) -> None:
    host = f"http://127.0.0.1:{silent_port}"
    with pytest.raises(InDoubt, match="timed out"):
        SendGrid(KEY, host=host, now=lambda: NOW, timeout=0.05).hand_over(MAIL, BATCH)


def test_a_handshake_that_fails_is_surely_not_accepted(silent_port: int) -> None:
    host = f"https://127.0.0.1:{silent_port}"
    with pytest.raises(Unavailable, match="cannot be reached"):
        SendGrid(KEY, host=host, now=lambda: NOW, timeout=0.05).hand_over(MAIL, BATCH)


def test_nobody_listening_is_surely_not_accepted() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        SendGrid(KEY, host="http://127.0.0.1:1", now=lambda: NOW).hand_over(MAIL, BATCH)


def test_a_redirect_is_not_followed(redirecting_port: int) -> None:
    host = f"http://127.0.0.1:{redirecting_port}"
    with pytest.raises(Refused, match="302"):
        SendGrid(KEY, host=host, now=lambda: NOW).hand_over(MAIL, BATCH)


def test_any_other_success_than_202_is_in_doubt(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.script = deque(["200"])
    with pytest.raises(InDoubt, match="200 instead of 202"):
        sendgrid.hand_over(MAIL, BATCH)


def test_a_wrong_key_says_what_to_check(sendgrid_server: SendGridServer) -> None:
    wrong = SendGrid("SG.wrong", host=sendgrid_server.url, now=lambda: NOW)
    with pytest.raises(
        Refused, match="401 authorization required; check SENDGRID_API_KEY"
    ) as error:
        wrong.hand_over(MAIL, BATCH)
    assert "SG.wrong" not in str(error.value)


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(Refused) as error:
        SendGrid("SG.secret\n", now=lambda: NOW)
    assert "secret" not in str(error.value)


def test_neither_key_nor_address_is_logged(
    sendgrid: SendGrid, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sendgrid.hand_over(MAIL, BATCH)
    assert KEY not in caplog.text
    assert email(1) not in caplog.text


def test_the_representation_shows_no_key(sendgrid: SendGrid) -> None:
    assert KEY not in repr(sendgrid)


def test_a_wave_is_cancelled_once_for_all(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    batch_id = sendgrid.open_batch()
    assert not sendgrid.cancelled(batch_id)
    assert sendgrid.cancel(batch_id)
    assert sendgrid.cancel(batch_id)
    assert sendgrid.cancelled(batch_id)
    assert sendgrid_server.cancelled == [batch_id]


def test_a_key_that_may_not_cancel_is_said(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    batch_id = sendgrid.open_batch()
    with pytest.raises(Refused, match="401"):
        SendGrid("SG.other", host=sendgrid_server.url, now=lambda: NOW).cancel(batch_id)


def test_a_key_without_the_right_to_cancel_is_told_what_it_lacks(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    batch_id = sendgrid.open_batch()
    sendgrid_server.cancel_script = deque(["403"])
    with pytest.raises(Refused, match=r"takes nothing back .* user\.scheduled_sends"):
        sendgrid.cancel(batch_id)


def test_a_wrong_host_is_no_missing_right(sendgrid_server: SendGridServer) -> None:
    elsewhere = SendGrid(KEY, host=f"{sendgrid_server.url}/elsewhere", now=lambda: NOW)
    with pytest.raises(Refused, match="sendgrid_host"):
        elsewhere.open_batch()


def test_a_cancellation_that_is_refused_is_none(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.max_cancels = 0
    assert not sendgrid.cancel(sendgrid.open_batch())


def test_a_cancellation_without_an_answer_is_to_be_asked_again(
    sendgrid: SendGrid, sendgrid_server: SendGridServer
) -> None:
    batch_id = sendgrid.open_batch()
    sendgrid_server.cancel_script = deque(["drop-after"])
    with pytest.raises(Unavailable):
        sendgrid.cancel(batch_id)
    assert sendgrid.cancel(batch_id)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": format_datetime(NOW + timedelta(minutes=1))}, 60),
        ({"Retry-After": format_datetime(NOW - timedelta(minutes=1))}, 0),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 9)}, 9),
        ({"X-RateLimit-Reset": "1"}, 0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"Retry-After": "Wed, 21 Oct 99999 07:28:00 GMT"}, None),
        ({"Retry-After": "5", "X-RateLimit-Reset": "1"}, 5),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, now=NOW.timestamp()) == seconds


def answer(*errors: tuple[str | None, str]) -> str:
    return json.dumps({"errors": [{"field": field, "message": text} for field, text in errors]})


@pytest.mark.parametrize(
    ("body", "field", "indexes"),
    [
        pytest.param(
            answer(("personalizations.7.to", "bad")), "personalizations.7.to", (7,), id="one"
        ),
        pytest.param(
            answer(("personalizations.9.to.0.email", "bad"), ("personalizations.2.to", "bad")),
            "personalizations.9.to.0.email",
            (2, 9),
            id="two",
        ),
        pytest.param(answer((None, "Bad Request")), None, (), id="nothing named"),
        pytest.param(answer(("subject", "missing")), "subject", (), id="another field"),
        pytest.param(
            answer(("personalizations.1.to", "bad"), ("from.email", "bad")),
            "from.email",
            (),
            id="both",
        ),
        pytest.param(
            answer(("personalizations", "too many")), "personalizations", (), id="no position"
        ),
        pytest.param("<html><h1>Bad</h1></html>", None, (), id="html"),
        pytest.param(b"\xff\xfe", None, (), id="bytes"),
        pytest.param('{"errors": "none"}', None, (), id="no list"),
        pytest.param("[]", None, (), id="a list"),
    ],
)
def test_a_refusal_names_recipients_only_if_it_is_about_them_alone(
    body: str | bytes, field: str | None, indexes: tuple[int, ...]
) -> None:
    error = refusal(400, body)
    assert (error.status, error.field, error.indexes) == (400, field, indexes)


@pytest.mark.parametrize(
    ("fields", "field", "for_address"),
    [
        (("personalizations.7.to",), "personalizations.7.to", True),
        (("personalizations.7.to.0.email",), "personalizations.7.to.0.email", True),
        (("personalizations.7.headers",), "personalizations.7.headers", False),
        (("personalizations.7.tokens",), "personalizations.7.tokens", False),
        (("personalizations.7",), "personalizations.7", False),
        (
            ("personalizations.7.to", "personalizations.8.headers"),
            "personalizations.8.headers",
            False,
        ),
    ],
)
def test_an_address_is_told_from_what_all_have_alike(
    fields: tuple[str, ...], field: str, *, for_address: bool
) -> None:
    error = refusal(400, answer(*((one, "bad") for one in fields)))
    assert (error.field, error.for_address) == (field, for_address)


def test_a_page_instead_of_json_is_read_as_text() -> None:
    page = b"<html><title>413 Too Large</title><h1>413 Too Large</h1><hr>nginx</html>"
    assert str(refusal(413, page)) == (
        "SendGrid refused the mail: 413 Too Large; lower [sending] batch_size or shorten the issue"
    )
    assert "502 &" not in str(refusal(405, "<b>Not &amp; allowed</b>"))


def test_a_strangers_text_is_cut() -> None:
    assert len(str(refusal(403, answer((None, "x" * 5000))))) < 600


def test_a_full_batch_stays_far_below_the_size_limit() -> None:
    people = tuple(
        Recipient(subscriber_id=one, email=email(one), unsubscribe_url=link(one))
        for one in range(1000)
    )
    assert len(json.dumps(payload(MAIL, Batch(id=1, recipients=people)))) < 1_000_000
