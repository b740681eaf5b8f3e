from __future__ import annotations

import email
import socket
from dataclasses import dataclass, field, replace
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from flows.deliver.deliver import Report, deliver
from flows.deliver.smtp import Smtp
from flows.errors import Refused, Unavailable
from flows.models import Batch, Counts, Recipient
from flows.store.ledger import SqlLedger
from tests.people import MAIL, NOW, Clock, add_people, link, start_issue
from tests.people import email as address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


@dataclass
class Mailbox:
    """A mail server's memory, with an answer for each address that is to get another one."""

    recipients: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    senders: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, _session: Any, envelope: Any, sender: str, options: list[str]
    ) -> str:
        if self.senders.get(sender) == "drop":
            server.transport.abort()
        if sender in self.senders:
            return self.senders[sender]
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, envelope: Any, recipient: str, _options: list[str]
    ) -> str:
        self.sessions.add(session.peer[1])
        answer = self.recipients.get(recipient, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(recipient)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, _session: Any, envelope: Any
    ) -> str:
        [recipient] = envelope.rcpt_tos
        answer = self.contents.get(recipient, "250 OK")
        if answer.startswith("250"):
            self.accepted.append((recipient, envelope.content))
        if recipient in self.dropped:
            self.dropped.remove(recipient)
            server.transport.abort()
        return answer


def login(_server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data.password == b"right"
    return AuthResult(success=right, handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[Controller]:
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=login,
        auth_require_tls=False,
        enable_SMTPUTF8=True,
    )
    controller.start()
    yield controller
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def smtp(server: Controller) -> Iterator[Smtp]:
    with Smtp("127.0.0.1", server.port, now=lambda: NOW, security="none", timeout=5) as transport:
        yield transport


def batch(count: int, first: int = 1) -> Batch:
    return Batch(
        id=first,
        recipients=tuple(
            Recipient(subscriber_id=one, email=address(one), unsubscribe_url=link(one))
            for one in range(first, first + count)
        ),
    )


def test_everybody_gets_a_message_of_their_own(smtp: Smtp, mailbox: Mailbox) -> None:
    receipt = smtp.hand_over(MAIL, batch(3))
    assert (receipt.refused, receipt.in_doubt, receipt.unsent) == ({}, {}, ())
    assert [who for who, _ in mailbox.accepted] == [address(1), address(2), address(3)]
    message = email.message_from_bytes(mailbox.accepted[1][1], policy=default)
    assert message["To"] == address(2)
    assert message["List-Unsubscribe"] == f"<{link(2)}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_connection_serves_many_batches(smtp: Smtp, mailbox: Mailbox) -> None:
    smtp.hand_over(MAIL, batch(3))
    smtp.hand_over(MAIL, batch(3, first=4))
    assert len(mailbox.sessions) == 1
    assert len(mailbox.accepted) == 6


def test_a_line_that_is_a_dot_does_not_end_the_mail(smtp: Smtp, mailbox: Mailbox) -> None:
    smtp.hand_over(replace(MAIL, text="before\n.\nafter\n"), batch(1))
    assert b"before\r\n.\r\nafter" in mailbox.accepted[0][1]


@pytest.mark.parametrize("stage", ["recipients", "contents"])
def test_a_5xx_refuses_one_recipient(smtp: Smtp, mailbox: Mailbox, stage: str) -> None:
    getattr(mailbox, stage)[address(2)] = "550 5.1.1 no such user"
    receipt = smtp.hand_over(MAIL, batch(3))
    assert receipt.refused == {2: "550 5.1.1 no such user"}
    assert [who for who, _ in mailbox.accepted] == [address(1), address(3)]


@pytest.mark.parametrize("stage", ["recipients", "contents"])
def test_a_4xx_puts_one_recipient_off(smtp: Smtp, mailbox: Mailbox, stage: str) -> None:
    getattr(mailbox, stage)[address(2)] = "450 4.2.1 greylisted"
    receipt = smtp.hand_over(MAIL, batch(3))
    assert list(receipt.unsent) == [2]
    assert receipt.error is None
    assert [who for who, _ in mailbox.accepted] == [address(1), address(3)]


def test_a_connection_lost_after_the_mail_is_in_doubt(smtp: Smtp, mailbox: Mailbox) -> None:
    mailbox.dropped.add(address(2))
    receipt = smtp.hand_over(MAIL, batch(4))
    assert list(receipt.in_doubt) == [2]
    assert list(receipt.unsent) == [3, 4]
    assert isinstance(receipt.error, Unavailable)
    assert [who for who, _ in mailbox.accepted] == [address(1), address(2)]


def test_any_2xx_is_a_yes(smtp: Smtp, mailbox: Mailbox) -> None:
    mailbox.contents[address(2)] = "200 fine"
    receipt = smtp.hand_over(MAIL, batch(3))
    assert (receipt.refused, receipt.in_doubt, receipt.unsent) == ({}, {}, ())


@pytest.mark.parametrize("answer", ["354 go ahead", "no code at all"])
def test_an_answer_that_is_neither_yes_nor_no_is_in_doubt(
    smtp: Smtp, mailbox: Mailbox, answer: str
) -> None:
    mailbox.contents[address(2)] = answer
    receipt = smtp.hand_over(MAIL, batch(3))
    assert list(receipt.in_doubt) == [2]
    assert list(receipt.unsent) == [3]


def test_a_421_is_for_later_and_for_all(smtp: Smtp, mailbox: Mailbox) -> None:
    mailbox.recipients[address(2)] = "421 4.3.2 shutting down"
    receipt = smtp.hand_over(MAIL, batch(3))
    assert list(receipt.unsent) == [2, 3]
    assert isinstance(receipt.error, Unavailable)


def test_a_refused_sender_is_for_a_person(smtp: Smtp, mailbox: Mailbox) -> None:
    mailbox.senders["weekly@example.org"] = "550 5.7.1 not yours"
    with pytest.raises(Refused, match=r"refuses the sender: 550 5\.7\.1 not yours; check"):
        smtp.hand_over(MAIL, batch(3))


def test_a_sender_put_off_is_for_later(smtp: Smtp, mailbox: Mailbox) -> None:
    mailbox.senders["weekly@example.org"] = "451 4.7.1 slow down"
    with pytest.raises(Unavailable, match=r"451 4\.7\.1 slow down"):
        smtp.hand_over(MAIL, batch(3))


def test_nobody_listening_is_for_later() -> None:
    with (
        Smtp("127.0.0.1", free_port(), now=lambda: NOW, security="none") as nowhere,
        pytest.raises(Unavailable, match="cannot be reached"),
    ):
        nowhere.hand_over(MAIL, batch(1))


def test_a_server_that_closed_the_connection_is_for_later(smtp: Smtp, mailbox: Mailbox) -> None:
    smtp.hand_over(MAIL, batch(1))
    mailbox.senders["weekly@example.org"] = "drop"
    with pytest.raises(Unavailable):
        smtp.hand_over(MAIL, batch(1))


def test_no_starttls_is_said(server: Controller) -> None:
    with (
        Smtp("127.0.0.1", server.port, now=lambda: NOW) as transport,
        pytest.raises(Refused, match="does not offer what the settings ask for: STARTTLS"),
    ):
        transport.hand_over(MAIL, batch(1))


@pytest.mark.parametrize(("password", "accepted"), [("right", 1), ("wrong", 0)])
def test_the_login_is_used(
    server: Controller, mailbox: Mailbox, password: str, accepted: int
) -> None:
    transport = Smtp(
        "127.0.0.1",
        server.port,
        now=lambda: NOW,
        security="none",
        username="weekly",
        password=password,
    )
    assert password not in repr(transport)
    with transport:
        if accepted:
            transport.hand_over(MAIL, batch(1))
        else:
            with pytest.raises(Refused, match="refuses the login: 535"):
                transport.hand_over(MAIL, batch(1))
    assert len(mailbox.accepted) == accepted


def test_an_address_outside_ascii_needs_a_server_that_knows_it(
    smtp: Smtp, mailbox: Mailbox
) -> None:
    someone = batch(1).recipients[0]._replace(email="ügur@bücher.example")
    smtp.hand_over(MAIL, replace(batch(1), recipients=(someone,)))
    assert mailbox.accepted[0][0] == "ügur@xn--bcher-kva.example"


def test_an_address_that_cannot_be_written_is_refused(smtp: Smtp) -> None:
    someone = batch(1).recipients[0]._replace(email="no domain")
    receipt = smtp.hand_over(MAIL, replace(batch(1), recipients=(someone,)))
    assert list(receipt.refused) == [1]


def send(
    engine: Engine, smtp: Smtp, clock: Clock, stop: Callable[[], bool] = lambda: False
) -> Report:
    return deliver(
        MAIL,
        ledger=SqlLedger(engine, MAIL.issue),
        transport=smtp,
        link=link,
        now=clock.now,
        wait=clock.wait,
        stop=stop,
        progress=lambda _counts: None,
    )


def test_an_issue_with_every_kind_of_answer_comes_to_its_end(
    engine: Engine, smtp: Smtp, mailbox: Mailbox
) -> None:
    start_issue(engine)
    add_people(engine, 120)
    mailbox.recipients[address(5)] = "550 no such user"
    mailbox.recipients[address(7)] = "450 greylisted"
    mailbox.dropped.add(address(60))
    clock = Clock()

    def stop() -> bool:
        # By the second round the greylisting is over.
        if len(mailbox.accepted) >= 118:
            mailbox.recipients.pop(address(7), None)
        return False

    report = send(engine, smtp, clock, stop)
    assert report.counts == Counts(accepted=118, refused=1, in_doubt=1)
    got = [who for who, _ in mailbox.accepted]
    assert len(got) == len(set(got)) == 119


@pytest.mark.parametrize("count", [3, 70])
def test_a_server_that_refuses_everybody_leaves_nobody_out(
    engine: Engine, smtp: Smtp, mailbox: Mailbox, count: int
) -> None:
    start_issue(engine)
    add_people(engine, count)
    mailbox.recipients = {address(one): "554 relay access denied" for one in range(1, count + 1)}
    report = send(engine, smtp, Clock())
    assert not report.finished
    assert "554 relay access denied" in report.reason
    assert report.counts == Counts(planned=count)
    mailbox.recipients = {address(2): "550 no such user"}
    assert send(engine, smtp, Clock()).counts == Counts(accepted=count - 1, refused=1)


@pytest.mark.parametrize("count", [3, 12])
def test_small_batches_that_are_all_refused_leave_nobody_out(
    engine: Engine, smtp: Smtp, mailbox: Mailbox, count: int
) -> None:
    """Under a low rate a batch is of two, or of one."""
    start_issue(engine)
    add_people(engine, count)
    smtp.limit = 2
    mailbox.recipients = {address(one): "554 relay access denied" for one in range(1, count + 1)}
    assert send(engine, smtp, Clock()).counts == Counts(planned=count)
    mailbox.recipients = {address(one): "550 no such user" for one in (1, 2)}
    assert send(engine, smtp, Clock()).counts == Counts(accepted=count - 2, refused=2)


def test_a_small_batch_that_is_put_off_is_no_end(
    engine: Engine, smtp: Smtp, mailbox: Mailbox
) -> None:
    start_issue(engine)
    add_people(engine, 7)
    smtp.limit = 2
    mailbox.recipients = {address(one): "550 no such user" for one in (1, 2, 3)}
    mailbox.recipients[address(4)] = "450 greylisted"
    clock = Clock()

    def stop() -> bool:
        if clock.waits:
            mailbox.recipients.pop(address(4), None)
        return False

    assert send(engine, smtp, clock, stop).counts == Counts(accepted=4, refused=3)


def test_the_verdict_names_nobody_who_was_refused(
    engine: Engine, smtp: Smtp, mailbox: Mailbox
) -> None:
    start_issue(engine)
    add_people(engine, 1)
    mailbox.recipients[address(1)] = f"554 <{address(1).upper()}>: relay access denied"
    report = send(engine, smtp, Clock())
    assert "554 <…>: relay access denied" in report.reason


def test_a_rate_is_kept_over_the_batches(server: Controller, mailbox: Mailbox) -> None:
    clock = Clock()
    with Smtp(
        server.hostname,
        server.port,
        now=clock.now,
        wait=clock.wait,
        security="none",
        rate=30,
    ) as slow:
        assert slow.limit == 2
        slow.hand_over(MAIL, batch(2))
        slow.hand_over(MAIL, batch(1, first=3))
    assert clock.waits == [2.0, 2.0]
    assert len(mailbox.accepted) == 3
