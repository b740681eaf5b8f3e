"""SendGrid's v3 API, through its package: up to 1000 recipients a request, and the fence's calls.

The classification of answers is the point. Surely not accepted: 4xx, and no connection. In
doubt: everything else that is not a 202, since there is no idempotency key to ask again with.
"""

from __future__ import annotations

import logging
from email.utils import mktime_tz, parsedate_tz
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from flows.deliver.payload import WEB, letter_payload, payload
from flows.deliver.sendgrid_answer import refusal
from flows.deliver.sendgrid_http import NotConnected, OurClient, opener
from flows.errors import InDoubt, Refused, TransportError, Unavailable
from flows.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flows.models import Batch, Letter, Mail

HOST = "https://api.sendgrid.com"
LIMIT = 1000

# Seconds for each step of a request: to connect, to write, to read.
TIMEOUT = 30.0

# Seconds that our clock may be off SendGrid's: half of what the fence keeps for that.
OFF = 30.0

ACCEPTED = 202
UNAUTHORIZED = 401
FORBIDDEN = 403
TOO_MANY = 429
TIMED_OUT = 408
SERVER_ERRORS = 500


class SendGrid:
    """The API with a key; nothing is asked before the first hand-over."""

    name = "sendgrid"
    limit = LIMIT
    repeatable = False

    def __init__(
        self,
        api_key: str,
        *,
        now: Callable[[], datetime],
        host: str = HOST,
        domain: str = "",
        unsubscribe: str = WEB,
        timeout: float = TIMEOUT,
    ) -> None:
        # At DEBUG the SDK logs the key and every address.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)
        logging.getLogger("python_http_client.client").setLevel(logging.WARNING)
        self._client = _client(api_key, host=host, timeout=timeout)
        self._now = now
        self._domain = domain
        self._unsubscribe = unsubscribe

    def hand_over(self, mail: Mail, batch: Batch) -> Receipt:
        """Return the receipt for all of the batch.

        Raises Unavailable, Refused (with the positions that SendGrid named) or InDoubt.
        """
        body = payload(mail, batch, domain=self._domain, unsubscribe=self._unsubscribe)
        return Receipt(provider_id=self._send(body))

    def post(self, letter: Letter) -> str:
        """Return SendGrid's id of a single mail; raises Unavailable, Refused or InDoubt."""
        return self._send(letter_payload(letter))

    def _send(self, body: dict[str, Any]) -> str:
        answer = self._ask(self._client.mail.send.telling(body).post)
        if answer.status_code != ACCEPTED:
            raise InDoubt(
                f"SendGrid answered {answer.status_code} instead of 202; check what stands at "
                "[sending] sendgrid_host",
                status=answer.status_code,
            )
        return answer.headers.get("X-Message-Id") or ""

    def open_batch(self) -> str:
        """Return a new batch_id, under which a wave can be cancelled.

        Raises Unavailable or Refused.
        """
        began = self._now()
        try:
            given = self._ask_again_later(self._client.mail.batch.post)
        except Refused as error:
            if error.status == FORBIDDEN:
                what = "opens no batch for the fence"
                raise _may_not_schedule(what, ", or set [sending] fence = false") from error
            raise
        self._require_same_time(given, since=began)
        answer = _json(given)
        if not isinstance(answer, dict) or not answer.get("batch_id"):
            raise Unavailable("SendGrid gave no batch_id")
        return str(answer["batch_id"])

    def cancel(self, batch_id: str) -> bool:
        """Return whether SendGrid has surely dropped all mail of the batch_id.

        Raises Unavailable if that cannot be said yet, Refused if the key may not do this or a
        clock is wrong.
        """
        # Asked first: it tells the time before anything happens that cannot be taken back.
        if self.cancelled(batch_id):
            return True
        body = {"batch_id": batch_id, "status": "cancel"}
        try:
            self._ask_again_later(self._client.user.scheduled_sends.post, request_body=body)
        except Refused as error:
            if error.status == FORBIDDEN:
                raise _may_not_schedule("takes nothing back for this key") from error
            if error.status == UNAUTHORIZED:
                raise
            # Perhaps an earlier request of ours got through; else there are too many of them,
            # or it is too late.
            return self.cancelled(batch_id)
        return True

    def cancelled(self, batch_id: str) -> bool:
        """Return whether the batch_id has been cancelled; raises Unavailable, Refused."""
        ask = self._client.user.scheduled_sends._(batch_id).get
        began = self._now()
        try:
            answer = self._ask_again_later(ask)
        except Refused as error:
            if error.status == FORBIDDEN:
                raise _may_not_schedule("does not say what it took back") from error
            if error.status == UNAUTHORIZED:
                raise
            return False
        self._require_same_time(answer, since=began)
        found = _json(answer)
        rows = found if isinstance(found, list) else []
        return any(isinstance(row, dict) and row.get("status") == "cancel" for row in rows)

    def entries(
        self, name: str, *, since: datetime, until: datetime, offset: int, limit: int
    ) -> list[Any]:
        """Return the entries of a suppression list of that time, past `offset`.

        Raises Unavailable or Refused.
        """
        query = {
            "start_time": int(since.timestamp()),
            "end_time": int(until.timestamp()),
            "offset": offset,
            "limit": limit,
        }
        ask = self._client.suppression._(name).get
        found = _json(self._ask_again_later(ask, query_params=query))
        if not isinstance(found, list):
            raise Unavailable(f"SendGrid's list of {name} is no list")
        return found

    def knows(self, issue: int, batch: int, *, email: str) -> bool:
        """Return whether SendGrid's activity has this batch's mail to one of its readers.

        No is not for certain. Raises Unavailable, or Refused if the account lacks the history (a
        paid addition).
        """
        # Another newsletter on the same account has issues and batches of the same numbers.
        query = (
            f'to_email="{email}" AND unique_args["np_issue"]="{issue}" '
            f'AND unique_args["np_batch"]="{batch}"'
        )
        ask = self._client.messages.get
        found = _json(self._ask_again_later(ask, query_params={"query": query, "limit": 1}))
        return isinstance(found, dict) and bool(found.get("messages"))

    def scopes(self) -> frozenset[str]:
        """Return what the key may do, in SendGrid's words; raises Unavailable, Refused."""
        found = _json(self._ask_again_later(self._client.scopes.get))
        words = found.get("scopes") if isinstance(found, dict) else None
        return frozenset(word for word in words or () if isinstance(word, str))

    def identities(self) -> frozenset[str]:
        """Return the addresses and domains that SendGrid has verified for this account.

        In lower case. Raises Unavailable, or Refused if the key may not ask.
        """
        domains = _json(self._ask_again_later(self._client.whitelabel.domains.get))
        senders = _json(self._ask_again_later(self._client.verified_senders.get))
        rows = domains if isinstance(domains, list) else []
        people = senders.get("results") if isinstance(senders, dict) else None
        valid = [row.get("domain") for row in rows if isinstance(row, dict) and row.get("valid")]
        verified = [
            row.get("from_email")
            for row in people or []
            if isinstance(row, dict) and row.get("verified")
        ]
        return frozenset(str(name).lower() for name in (*valid, *verified) if name)

    def _require_same_time(self, answer: Any, *, since: datetime) -> None:
        """Raise Refused if SendGrid's clock, as its answer tells it, is not ours.

        Ours says whether a cancellation is in time: minutes behind, and mail that has left would
        be handed over again.
        """
        told = moment(answer.headers.get("Date"))
        if told is None:
            return
        early, late = since.timestamp() - told, told - self._now().timestamp()
        if max(early, late) <= OFF:
            return
        way = f"{early:.0f} seconds ahead of" if early > late else f"{late:.0f} seconds behind"
        raise Refused(
            f"this machine's clock is {way} SendGrid's, and the fence needs it right; set it "
            "(timedatectl set-ntp true), then go on"
        )

    def _ask_again_later(self, call: Callable[..., Any], **body: Any) -> Any:
        """Ask what may be asked twice: no answer is as good as a later one."""
        try:
            return self._ask(call, **body)
        except InDoubt as error:
            raise Unavailable(str(error), status=error.status) from error

    def _ask(self, call: Callable[..., Any], **body: Any) -> Any:
        try:
            return call(**body)
        except HTTPError as error:
            raise self._judge(error) from error
        except URLError as error:
            if isinstance(error.reason, NotConnected):
                raise Unavailable(f"SendGrid cannot be reached: {error.reason}") from error
            raise InDoubt(f"the connection to SendGrid broke: {error.reason}") from error
        # Not wrapped by the SDK: what happens once the request is out.
        except (HTTPException, OSError) as error:
            what = str(error) or type(error).__name__
            raise InDoubt(f"SendGrid did not answer: {what}") from error

    def _judge(self, error: HTTPError) -> TransportError:
        status = int(error.status_code)
        if status == TOO_MANY:
            return Unavailable(
                "SendGrid takes no more for now",
                status=status,
                retry_after=retry_after(error.headers, now=self._now().timestamp()),
            )
        if status >= SERVER_ERRORS or status == TIMED_OUT:
            return InDoubt(f"SendGrid answered {status}", status=status)
        return refusal(status, error.body)


def _may_not_schedule(what: str, otherwise: str = "") -> Refused:
    return Refused(
        f"SendGrid {what}: {FORBIDDEN}; give the key the rights to schedule mail "
        f"(mail.batch, user.scheduled_sends){otherwise}",
        status=FORBIDDEN,
    )


def _json(answer: Any) -> Any:
    try:
        return answer.to_dict
    except ValueError as error:
        raise Unavailable("SendGrid's answer is not JSON", status=answer.status_code) from error


def _client(api_key: str, *, host: str, timeout: float) -> OurClient:
    if not (api_key.isascii() and api_key.isprintable()):
        raise Refused("SENDGRID_API_KEY holds characters that no key has; copy it again")
    # The SDK has no parameter for the time-out; set on the client it reaches every call.
    sdk = SendGridAPIClient(api_key, host=host.rstrip("/")).client
    client = OurClient(
        host=sdk.host, request_headers=sdk.request_headers, version=3, timeout=timeout
    )
    client.opener = opener()
    return client


def retry_after(headers: Any, *, now: float) -> float | None:
    """Return the seconds that a 429 asks to wait; None if it says nothing usable.

    Retry-After (RFC 9110 10.2.3) goes before X-RateLimit-Reset, which is in epoch seconds.
    """
    told = (headers.get("Retry-After") or "").strip()
    if told.isdecimal():
        return float(told)
    if (due := moment(told)) is not None:
        return max(0.0, due - now)
    reset = (headers.get("X-RateLimit-Reset") or "").strip()
    return max(0.0, float(reset) - now) if reset.isdecimal() else None


def moment(date: str | None) -> float | None:
    """Return the epoch seconds of an HTTP date (RFC 9110 5.6.7); None if it is none."""
    try:
        parsed = parsedate_tz(date or "")
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None
