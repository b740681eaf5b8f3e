"""One mail that is no issue, through each of the transports."""

from __future__ import annotations

import email
import socket
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from flows.errors import InDoubt, Refused, Unavailable
from flows.models import Letter
from flows.pipeline.letters import post
from tests.newsletters import NOW, Newsletter
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from tests.sendgrid_server import SendGridServer

LETTER = Letter(
    to="Ann Ärger <ann@readers.example>",
    subject="Bitte bestätigen",
    text="Grüße\n",
    html="<p>Grüße</p>",
    headers={"X-Kind": "first\r\nBcc: everybody@example.com"},
    purpose="confirm",
)


class Mailbox:
    """A mail server's memory, and the answer it gives to a message."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.accepted: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, _session: Any, envelope: Any
    ) -> str:
        self.accepted.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        if self.answer == "drop":
            server.transport.abort()
        return self.answer


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write()


@pytest.fixture
def by_smtp(tmp_path: Path, mailbox: Mailbox) -> Iterator[Newsletter]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    sending = 'transport = "smtp"\nsmtp_host = "127.0.0.1"\nsmtp_security = "none"\n'
    yield Newsletter(tmp_path).write(sending=f"{sending}smtp_port = {port}")
    controller.stop()


@pytest.fixture
def by_sendgrid(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    host = f'transport = "sendgrid"\nsendgrid_host = "{sendgrid_server.url}"'
    return Newsletter(tmp_path).write(sending=host)


def send(newsletter: Newsletter, letter: Letter = LETTER) -> str:
    return post(newsletter.settings, letter, clock=lambda: NOW)


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=default)


def test_the_outbox_gets_a_file_of_its_own(newsletter: Newsletter) -> None:
    paths = [Path(send(newsletter)), Path(send(newsletter))]
    assert sorted(paths) == newsletter.mails
    assert {path.parent.name for path in paths} == {"letters"}
    message = parsed(paths[0].read_bytes())
    assert message["To"] == "Ann Ärger <ann@readers.example>"
    assert message["From"] == "Harbour Weekly <weekly@harbour.example.com>"
    assert message["Subject"] == "Bitte bestätigen"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_a_letter_is_no_mail_of_the_list(newsletter: Newsletter) -> None:
    message = parsed(Path(send(newsletter)).read_bytes())
    assert message["List-Unsubscribe"] is None
    assert message["List-Id"] is None
    assert message["Auto-Submitted"] == "auto-generated"


def test_no_header_breaks_out(newsletter: Newsletter) -> None:
    message = parsed(Path(send(newsletter)).read_bytes())
    assert message["Bcc"] is None
    assert message["X-Kind"] == "first Bcc: everybody@example.com"


def test_a_letter_may_be_text_alone(newsletter: Newsletter) -> None:
    letter = Letter(to="ann@readers.example", subject="Held", text="Held.\n")
    message = parsed(Path(send(newsletter, letter)).read_bytes())
    assert message.get_content_type() == "text/plain"


def test_a_test_mail_is_written_as_a_person_would(newsletter: Newsletter) -> None:
    letter = Letter(to="ann@readers.example", subject="Test", text="x", purpose="test")
    assert parsed(Path(send(newsletter, letter)).read_bytes())["Auto-Submitted"] is None


def test_an_address_that_cannot_be_written_is_refused(newsletter: Newsletter) -> None:
    with pytest.raises(Refused, match="cannot be written in a header"):
        send(newsletter, Letter(to="not an address", subject="x", text="x"))


def test_an_outbox_that_cannot_be_written_is_said(newsletter: Newsletter) -> None:
    (newsletter.folder / "outbox").write_text("a file")
    with pytest.raises(Refused, match="outbox: cannot write to"):
        send(newsletter)


def test_smtp_carries_it_from_the_sender_to_the_address(
    by_smtp: Newsletter, mailbox: Mailbox
) -> None:
    said = send(by_smtp)
    [(sender, recipients, content)] = mailbox.accepted
    assert (sender, recipients) == ("weekly@harbour.example.com", ["ann@readers.example"])
    assert parsed(content)["Message-ID"] == said


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 no", Refused), ("450 later", Unavailable), ("drop", InDoubt)],
    ids=["for good", "for now", "no answer"],
)
def test_what_the_mail_server_says_is_raised(
    by_smtp: Newsletter, mailbox: Mailbox, answer: str, error: type[Exception]
) -> None:
    mailbox.answer = answer
    with pytest.raises(error):
        send(by_smtp)


def test_sendgrid_takes_it_as_one_request_without_tracking(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    said = send(by_sendgrid)
    [one] = sendgrid_server.accepted
    assert (one.request, one.email) == (said, "ann@readers.example")
    assert one.arguments == {"np_letter": "confirm"}
    [body] = sendgrid_server.bodies
    assert not any(value["enable"] for value in body["tracking_settings"].values())


@pytest.mark.parametrize(
    ("fault", "error"),
    [("403", Refused), ("429", Unavailable), ("drop-after", InDoubt)],
)
def test_what_sendgrid_says_is_raised(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer, fault: str, error: type[Exception]
) -> None:
    sendgrid_server.script.append(fault)
    with pytest.raises(error):
        send(by_sendgrid)


def test_answers_go_where_the_newsletter_wants_them(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write(newsletter='reply_to = "editor@harbour.example.com"')
    message = parsed(Path(send(newsletter)).read_bytes())
    assert message["Reply-To"] == "editor@harbour.example.com"
