"""SMTP (RFC 5321): one message a recipient, over one connection as long as it holds.

SMTP answers for each recipient, so a batch may end with some accepted, some refused and some to
be tried again. It brings no bounces back: those go to the sender's mailbox.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING, Self

from flows.deliver.message import as_bytes, ascii_address, build, build_letter
from flows.errors import InDoubt, Refused, TransportError, Unavailable
from flows.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from email.message import EmailMessage
    from types import TracebackType

    from flows.models import Batch, Letter, Mail, Recipient

# A crash leaves a batch in doubt: a small one, for messages go one by one.
LIMIT = 50

# Seconds that a batch may take under a rate.
LONGEST_BATCH = 5

# Seconds for each step; RFC 5321 4.5.3.2 would wait minutes, but there is a next time.
TIMEOUT = 30.0

# RFC 5321 4.2.1: 2yz is a yes whatever its details, 4yz a no for now, 5yz for good; 421 also
# closes the connection.
TAKEN = range(200, 300)
FOR_NOW = 400
FOR_GOOD = 500
CLOSING = 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said of one recipient."""

    code: int
    text: str = ""


@dataclass(slots=True)
class Smtp:
    """A mail server; the connection is made when it is needed and closed with the `with` block."""

    host: str
    port: int
    _: KW_ONLY
    now: Callable[[], datetime]
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = TIMEOUT
    domain: str = ""
    # Mails a minute; 0 is as many as the server takes.
    rate: int = 0
    wait: Callable[[float], None] = time.sleep
    name: str = field(default="smtp", init=False)
    limit: int = field(default=LIMIT, init=False)
    repeatable: bool = field(default=False, init=False)
    _connection: smtplib.SMTP | None = field(default=None, init=False, repr=False)
    _due: datetime | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep batches short under a low rate: a stop is heard between two of them."""
        if self.rate:
            self.limit = max(1, min(LIMIT, self.rate * LONGEST_BATCH // 60))

    def __enter__(self) -> Self:
        """Return the transport."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Take leave of the server."""
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.quit()
        except (smtplib.SMTPException, OSError):
            connection.close()

    def hand_over(self, mail: Mail, batch: Batch) -> Receipt:
        """Return what became of each recipient.

        Raises Unavailable or Refused if that is what the server says before the first of them.
        """
        left = list(batch.recipients)
        refused: dict[int, str] = {}
        doubtful: dict[int, str] = {}
        later: list[int] = []
        error: TransportError | None = None
        while left and error is None:
            try:
                answer = self._send(mail, left[0])
            except InDoubt as doubt:
                doubtful[left.pop(0).subscriber_id] = str(doubt)
                error = Unavailable(str(doubt))
            except (Unavailable, Refused) as problem:
                if len(left) == len(batch.recipients):
                    raise
                error = problem
            else:
                who = left.pop(0).subscriber_id
                if answer.code >= FOR_GOOD:
                    refused[who] = f"{answer.code} {answer.text}".strip()
                elif answer.code not in TAKEN:
                    later.append(who)
        unsent = (*later, *(person.subscriber_id for person in left))
        return Receipt(refused=refused, in_doubt=doubtful, unsent=unsent, error=error)

    def post(self, letter: Letter) -> str:
        """Return the Message-ID of a single mail; raises Unavailable, Refused or InDoubt."""
        message = build_letter(letter, date=self.now(), message_id_domain=self.domain)
        email = ascii_address(parseaddr(letter.to)[1])
        answer = self._carry(message, letter.sender, email)
        said = f"the mail server says of the letter: {answer.code} {answer.text}"
        if answer.code >= FOR_GOOD:
            raise Refused(said, status=answer.code)
        if answer.code not in TAKEN:
            raise Unavailable(said, status=answer.code)
        return str(message["Message-ID"])

    def greet(self) -> None:
        """Connect and log in, and no more; raises Unavailable or Refused."""
        self._connected()

    def _send(self, mail: Mail, recipient: Recipient) -> Answer:
        """Return the server's answer for one recipient; raises what concerns the others too."""
        try:
            message = build(
                mail,
                recipient,
                date=self.now(),
                message_id_domain=self.domain,
                list_unsubscribe=True,
            )
            email = ascii_address(recipient.email)
        except Refused as error:
            return Answer(code=FOR_GOOD, text=str(error))
        return self._carry(message, mail.sender, email)

    def _keep_the_rate(self) -> None:
        """Wait until one more mail is within the rate."""
        if not self.rate:
            return
        now = self.now()
        due = max(now, self._due or now)
        if due > now:
            self.wait((due - now).total_seconds())
        self._due = due + timedelta(seconds=60 / self.rate)

    def _carry(self, message: EmailMessage, sender: str, email: str) -> Answer:
        self._keep_the_rate()
        connection = self._connected()
        if not email.isascii() and not connection.has_extn("smtputf8"):
            return Answer(code=FOR_GOOD, text="the server takes no address outside ASCII")
        answer = self._announce(connection, sender, email)
        if answer.code in TAKEN:
            answer = self._say(connection, as_bytes(message))
        if answer.code == CLOSING:
            self.close()
            raise Unavailable(f"the mail server closed the connection: {answer.text}")
        if answer.code not in TAKEN:
            self._reset(connection)
        return answer

    def _announce(self, connection: smtplib.SMTP, mailbox: str, email: str) -> Answer:
        """Say whom the message is from and for: so far nothing was accepted."""
        sender = ascii_address(parseaddr(mailbox)[1])
        options = [] if email.isascii() else ["SMTPUTF8"]
        try:
            answer = _answer(*connection.mail(sender, options))
            if answer.code >= FOR_GOOD:
                raise Refused(
                    f"the mail server refuses the sender: {answer.code} {answer.text}; check "
                    "[newsletter] sender and the server's account",
                    status=answer.code,
                )
            if answer.code not in TAKEN:
                raise Unavailable(f"the mail server is not ready: {answer.code} {answer.text}")
            return _answer(*connection.rcpt(email))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self.close()
            raise Unavailable(f"the connection to the mail server broke: {error}") from error

    def _say(self, connection: smtplib.SMTP, message: bytes) -> Answer:
        try:
            answer = _answer(*connection.data(message))
        except smtplib.SMTPDataError as error:
            # The message was not asked for, and not sent.
            return _answer(max(error.smtp_code, FOR_NOW), error.smtp_error)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self.close()
            raise InDoubt(f"the mail server did not say whether it took the mail: {error}") from (
                error
            )
        if answer.code in TAKEN or answer.code >= FOR_NOW:
            return answer
        self.close()
        raise InDoubt(f"the mail server answered neither yes nor no: {answer.code} {answer.text}")

    def _reset(self, connection: smtplib.SMTP) -> None:
        try:
            connection.rset()
        except (smtplib.SMTPServerDisconnected, OSError):
            self.close()

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        try:
            return self._introduced(self._opened())
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(
                f"the mail server {self.host}:{self.port} does not offer what the settings ask "
                f"for: {error}; look at [sending] smtp_security and smtp_username"
            ) from error
        except smtplib.SMTPAuthenticationError as error:
            answer = _answer(error.smtp_code, error.smtp_error)
            if answer.code < FOR_GOOD:
                raise Unavailable(f"the mail server lets nobody in for now: {answer.text}") from (
                    error
                )
            raise Refused(
                f"the mail server refuses the login: {answer.code} {answer.text}; check "
                "[sending] smtp_username and its password",
                status=answer.code,
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                f"the certificate of {self.host} is not valid: {error.verify_message}; check "
                "[sending] smtp_host"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(
                f"the mail server {self.host}:{self.port} cannot be reached: {error}"
            ) from error

    def _opened(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout, context=ssl.create_default_context()
            )
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)

    def _introduced(self, connection: smtplib.SMTP) -> smtplib.SMTP:
        try:
            if self.security == "starttls":
                connection.starttls(context=ssl.create_default_context())
            connection.ehlo_or_helo_if_needed()
            if self.username:
                connection.login(self.username, self.password)
        except BaseException:
            connection.close()
            raise
        return connection


def _answer(code: int, text: bytes | str) -> Answer:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Answer(code=code, text=" ".join(said.split()))
