"""A small stand-in for SendGrid's v3 API on loopback: it checks, it fails on demand, it remembers.

Faults come from `script` (one word a mail/send request, in order) and then from `chances`.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
import uuid
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "SG.test-key"
RESERVED = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
    *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
}
HTML = b"<html><head><title>413 Payload Too Large</title></head><body><h1>413</h1></body></html>"
THREE_DAYS = 72 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One recipient of an accepted request."""

    request: str
    email: str
    headers: dict[str, str]
    arguments: dict[str, str]
    substitutions: dict[str, str]
    batch_id: str | None
    send_at: int | None


class Invalid(Exception):
    """What a 400 says."""

    def __init__(self, *errors: tuple[str | None, str]) -> None:
        self.errors = [{"field": name, "message": text, "help": None} for name, text in errors]


@dataclass
class SendGridServer:
    """Serves on a free port while its `with` block lasts."""

    script: deque[str] = field(default_factory=deque)
    chances: dict[str, float] = field(default_factory=dict)
    seed: int = 1
    # Addresses that are refused by position, and addresses that spoil a request without a word.
    bad: re.Pattern[str] | None = None
    spoiling: re.Pattern[str] | None = None
    name_all: bool = False
    # What it names of a bad address's place: another field is of all alike.
    bad_field: str = "to.0.email"
    # Whether the key may schedule mail, and take back what was scheduled.
    schedules: bool = True
    takes_back: bool = True
    max_cancels: int = 10
    cancel_lead: float = 600.0
    clock: Callable[[], float] = time.time
    # What its answers give as the date; none, unless this is set.
    date: Callable[[], float] | None = None
    slowness: float = 0.0
    retry_headers: dict[str, str] = field(default_factory=dict)
    accepted: list[Accepted] = field(default_factory=list)
    statuses: list[int | str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    batch_ids: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    # Told "arrived" before a mail/send request is looked at, and "answered" after it.
    watcher: Callable[[str], None] = field(default=lambda _moment: None)
    # Suppression lists by SendGrid's names, and how many entries a page has at most.
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page: int = 500
    # What stands at the head of each list's first page besides.
    extra: list[Any] = field(default_factory=list)
    # Whether the account may ask for its activity (a paid addition); what was asked of whom.
    has_activity: bool = True
    queries: list[str] = field(default_factory=list)
    # Words for the answers to POST /v3/user/scheduled_sends, like `script`.
    cancel_script: deque[str] = field(default_factory=deque)
    # The account: what the key may do, and whom SendGrid has verified.
    scopes: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.random = random.Random(self.seed)  # noqa: S311 - faults, not secrets
        self.lock = threading.Lock()
        self.due: dict[str, int] = {}
        handler = type("Handler", (_Handler,), {"api": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def delivered(self) -> Counter[str]:
        """How many copies each address gets in the end: cancelled mail never leaves."""
        return Counter(one.email for one in self.accepted if one.batch_id not in self.cancelled)

    def fault(self) -> str:
        if self.script:
            return self.script.popleft()
        drawn = self.random.random()
        for name, chance in self.chances.items():
            if drawn < chance:
                return name
            drawn -= chance
        return ""

    def take(self, body: dict[str, Any]) -> str:
        """Accept a valid request; raises Invalid."""
        people = [self._person(index, one) for index, one in enumerate(_people(body))]
        self._check_addresses(people)
        _check_mail(body)
        batch_id, send_at = body.get("batch_id"), body.get("send_at")
        if batch_id is not None and batch_id not in self.batch_ids:
            raise Invalid(("batch_id", "The batch_id must be a valid batch ID."))
        if send_at is not None and send_at > self.clock() + THREE_DAYS:
            raise Invalid(("send_at", "Scheduling more than 72 hours in advance is forbidden."))
        request = uuid.uuid4().hex[:22]
        for person in people:
            self.accepted.append(
                Accepted(request=request, batch_id=batch_id, send_at=send_at, **person)
            )
        if batch_id is not None and send_at is not None:
            self.due[batch_id] = min(send_at, self.due.get(batch_id, send_at))
        return request

    def _person(self, index: int, one: dict[str, Any]) -> dict[str, Any]:
        place = f"personalizations.{index}"
        to = one.get("to")
        if not isinstance(to, list) or len(to) != 1 or "@" not in to[0].get("email", ""):
            raise Invalid((f"{place}.to.0.email", "Does not contain a valid address."))
        name = to[0].get("name", "")
        if not name.startswith('"') and ("," in name or ";" in name):
            raise Invalid((f"{place}.to.0.name", "The name must not contain ; or ,"))
        headers = _strings(one.get("headers", {}), f"{place}.headers")
        for header, value in headers.items():
            if header.lower() in RESERVED or not header.isascii() or " " in header:
                raise Invalid((f"{place}.headers", f"{header} is not allowed."))
            if "\n" in value or "\r" in value or not value.isascii():
                raise Invalid((f"{place}.headers", "Header values must be one line of ASCII."))
        arguments = _strings(one.get("custom_args", {}), f"{place}.custom_args")
        substitutions = _strings(one.get("substitutions", {}), f"{place}.substitutions")
        if sum(len(key) + len(value) for key, value in substitutions.items()) > 10_000:
            raise Invalid((f"{place}.substitutions", "More than 10000 bytes."))
        return {
            "email": to[0]["email"],
            "headers": headers,
            "arguments": arguments,
            "substitutions": substitutions,
        }

    def _check_addresses(self, people: list[dict[str, Any]]) -> None:
        emails = [person["email"].lower() for person in people]
        if len(set(emails)) != len(emails):
            raise Invalid((None, "Each email address should be unique."))
        if self.spoiling and any(map(self.spoiling.search, emails)):
            raise Invalid((None, "Bad Request"))
        errors = [
            (f"personalizations.{index}.{self.bad_field}", "Does not contain a valid address.")
            for index, email in enumerate(emails)
            if self.bad and self.bad.search(email)
        ]
        if errors:
            raise Invalid(*(errors if self.name_all else errors[:1]))

    def cancel(self, body: dict[str, Any]) -> tuple[int, Any]:
        batch_id = body.get("batch_id")
        if body.get("status") != "cancel" or batch_id not in self.batch_ids:
            return 400, _errors(("batch_id", "invalid batch id"))
        if batch_id in self.cancelled:
            return 400, _errors(("batch_id", "a status update exists already"))
        if len(self.cancelled) >= self.max_cancels:
            return 400, _errors((None, "maximum number of cancellations/pauses reached"))
        if self.due.get(batch_id, THREE_DAYS + self.clock()) - self.clock() < self.cancel_lead:
            return 400, _errors(("batch_id", "the batch is due too soon"))
        self.cancelled.append(batch_id)
        return 201, body


def _people(body: dict[str, Any]) -> list[dict[str, Any]]:
    people = body.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= 1000:
        raise Invalid(("personalizations", "There must be 1 to 1000 personalizations."))
    return people


def _check_mail(body: dict[str, Any]) -> None:
    if not body.get("from", {}).get("email", "").isascii():
        raise Invalid(("from.email", "Unicode is not supported in the from address."))
    if not body.get("subject"):
        raise Invalid(("subject", "The subject is required."))
    kinds = [content.get("type") for content in body.get("content", [])]
    if kinds != ["text/plain", "text/html"]:
        raise Invalid(("content", "Wants text/plain, then text/html."))


def _strings(values: Any, place: str) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(v, str) and v for v in values.values()):
        raise Invalid((place, "Wants an object of strings."))
    return values


def _errors(*errors: tuple[str | None, str]) -> dict[str, Any]:
    return {"errors": Invalid(*errors).errors}


class _Handler(BaseHTTPRequestHandler):
    api: SendGridServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_parts: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self.api.statuses.append(401)
            self._answer(401, _errors((None, "authorization required")))
        elif self.path == "/v3/mail/send":
            self.api.watcher("arrived")
            self._mail_send(json.loads(body))
            self.api.watcher("answered")
        elif self.path == "/v3/mail/batch" and not self.api.schedules:
            self._answer(403, _errors((None, "access forbidden")))
        elif self.path == "/v3/mail/batch":
            with self.api.lock:
                self.api.batch_ids.append(f"batch-{uuid.uuid4().hex}")
                self._answer(201, {"batch_id": self.api.batch_ids[-1]})
        elif self.path == "/v3/user/scheduled_sends":
            self._cancel(json.loads(body))
        else:
            self._answer(404, _errors((None, "not found")))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if parts.path.startswith("/v3/suppression/"):
            return self._answer(200, self._entries(parts.path.rpartition("/")[2], query))
        if parts.path == "/v3/messages":
            self.api.queries.append(query["query"])
            if not self.api.has_activity:
                return self._answer(403, _errors((None, "authorization required")))
            return self._answer(200, {"messages": self._messages(query["query"])})
        if parts.path in ("/v3/scopes", "/v3/whitelabel/domains", "/v3/verified_senders"):
            return self._account(parts.path)
        if not self.api.takes_back:
            return self._answer(403, _errors((None, "access forbidden")))
        batch_id = self.path.rpartition("/")[2]
        known = batch_id in self.api.cancelled
        return self._answer(200, [{"batch_id": batch_id, "status": "cancel"}] if known else [])

    def _entries(self, name: str, query: dict[str, str]) -> list[Any]:
        since, until, offset = (int(query[key]) for key in ("start_time", "end_time", "offset"))
        rows = [one for one in self.api.lists.get(name, []) if since <= one["created"] <= until]
        found = [*self.api.extra, *rows]
        return found[offset : offset + min(self.api.page, int(query["limit"]))]

    def _messages(self, query: str) -> list[dict[str, str]]:
        wanted = dict(re.findall(r'unique_args\["(\w+)"\]="(\w+)"', query))
        whom = re.search(r'to_email="([^"]+)"', query)
        found = [
            one
            for one in self.api.accepted
            if wanted.items() <= one.arguments.items() and (whom is None or one.email == whom[1])
        ]
        return [{"to_email": one.email, "msg_id": one.request} for one in found[:1]]

    def _account(self, path: str) -> None:
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self._answer(401, _errors((None, "authorization required")))
        if path == "/v3/scopes":
            return self._answer(200, {"scopes": self.api.scopes})
        if path == "/v3/whitelabel/domains":
            domains = [{"domain": domain, "valid": True} for domain in self.api.domains]
            return self._answer(200, domains)
        senders = [{"from_email": sender, "verified": True} for sender in self.api.senders]
        return self._answer(200, {"results": senders})

    def _cancel(self, body: dict[str, Any]) -> None:
        with self.api.lock:
            fault = self.api.cancel_script.popleft() if self.api.cancel_script else ""
            if fault == "drop-before":
                return self._drop()
            if fault.isdecimal():
                return self._fail(int(fault))
            status, answer = self.api.cancel(body)
        return self._drop() if fault == "drop-after" else self._answer(status, answer)

    def _mail_send(self, body: dict[str, Any]) -> None:
        with self.api.lock:
            self.api.bodies.append(body)
            fault = self.api.fault()
            self.api.statuses.append(fault or 202)
            if fault == "drop-before":
                return self._drop()
            if fault.isdecimal():
                return self._fail(int(fault))
            try:
                request = self.api.take(body)
            except Invalid as error:
                self.api.statuses[-1] = 400
                return self._answer(400, {"errors": error.errors})
        if self.api.slowness:
            time.sleep(self.api.slowness)
        if fault == "drop-after":
            return self._drop()
        if fault == "500-after":
            return self._fail(500)
        return self._answer(202, None, {"X-Message-Id": request})

    def _fail(self, status: int) -> None:
        if status == 413:
            return self._answer(413, HTML)
        text = {429: "too many requests", 403: "The from address is not verified."}
        headers = self.api.retry_headers if status == 429 else {}
        answer = _errors((None, text.get(status, "something went wrong")))
        return self._answer(status, answer, headers)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        # The other side may be dead: it is killed in some tests.
        with suppress(OSError):
            self.send_response_only(status)
            if self.api.date is not None:
                self.send_header("Date", self.date_time_string(int(self.api.date())))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _drop(self) -> None:
        self.close_connection = True
