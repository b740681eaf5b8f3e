"""What tests of the sign-up form need: the app with its postman, and a reader who uses it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.testclient import TestClient

from flows.models import Brand, Letter
from flows.web.app import create_app
from flows.web.networks import NetworkLimit, parse_networks
from flows.web.postman import Postman
from flows.web.site import SignUps
from subscribers import store
from subscribers.models import Limits, Newcomer
from subscribers.tokens import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from pathlib import Path

    from httpx2 import Response
    from sqlalchemy import Engine
    from starlette.types import ASGIApp

    from subscribers.models import Subscriber

BASE = "https://rivers.example/news"
BRAND = Brand(
    title="Rocks & Rivers",
    sender="Rocks & Rivers <news@rivers.example>",
    postal_address="1 Bank Street, Riverton",
    base_url=BASE,
)
KEY = "a-key-for-tests-only-" * 2
ANN = "ann@readers.example"
LASTS = timedelta(hours=48)


class Clock:
    """Stands still until told."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **lasts: float) -> None:
        self.now += timedelta(**lasts)


@dataclass
class Mailbox:
    """Takes letters; what stands in `errors` is raised first, one a letter."""

    letters: list[Letter] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def post(self, letter: Letter) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.letters.append(letter)
        return f"letter {len(self.letters)}"


class Site:
    """The whole app on one database, with a clock and a mailbox of the test's."""

    def __init__(self, engine: Engine, folder: Path, **limits: int) -> None:
        self.engine = engine
        self.folder = folder
        self.keys = Keys.load(KEY)
        self.clock = Clock()
        self.mailbox = Mailbox()
        self.limits = Limits(an_hour=limits.get("an_hour", 200), lasts=LASTS)
        self.per_network = limits.get("per_network", 10)
        self.rebuild()

    def rebuild(self, **signups: Any) -> None:
        """Open the app anew, with the keys as they are now, and the sign-ups changed."""
        self.postman = Postman(
            engine=self.engine,
            keys=self.keys,
            brand=BRAND,
            post=self.mailbox.post,
            clock=self.clock,
            confirm_within=LASTS,
        )
        taken = SignUps(
            limits=self.limits,
            confirm_within=LASTS,
            per_network=NetworkLimit(self.per_network),
            proxies=parse_networks("127.0.0.1, 10.0.0.0/8"),
            wake=self.postman.call,
        )
        self.app: ASGIApp = create_app(
            engine=self.engine,
            keys=self.keys,
            brand=BRAND,
            issues=self.folder / "issues",
            clock=self.clock,
            signups=replace(taken, **signups),
        )
        self.client = TestClient(
            self.app,
            follow_redirects=False,
            raise_server_exceptions=False,
            client=("127.0.0.1", 5000),
        )

    def form(self, path: str = "/subscribe") -> dict[str, str]:
        """Open the form; return its hidden fields."""
        page = self.client.get(path).text
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))

    def send(
        self, email: str, *, path: str = "/subscribe", forwarded: str = "", **fields: str
    ) -> Response:
        """Fill in the form after a while and send it."""
        filled = {**self.form(path), "email": email, "website": "", **fields}
        self.clock.go_on(seconds=5)
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        return self.client.post(path, data=filled, headers=headers)

    def bombard(self, sent: Iterable[tuple[str, str]]) -> Counter[int]:
        """Send the form with each address, forwarded for each network; return the statuses.

        Without a client in between: it takes ten times as long as the app.
        """
        token = self.form()["form"]
        self.clock.go_on(seconds=5)
        codes: Counter[int] = Counter()

        async def one(email: str, network: str) -> None:
            body = urlencode({"form": token, "email": email}).encode()

            async def receive() -> dict[str, object]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def take(message: MutableMapping[str, Any]) -> None:
                codes[message.get("status", 0)] += 1

            await self.app(
                {
                    "type": "http",
                    "method": "POST",
                    "path": "/subscribe",
                    "headers": [(b"x-forwarded-for", network.encode())],
                    "query_string": b"",
                    "client": ("127.0.0.1", 5000),
                },
                receive,
                take,
            )

        async def everyone() -> None:
            for email, network in sent:
                await one(email, network)

        asyncio.run(everyone())
        del codes[0]
        return codes

    def letters(self) -> list[Letter]:
        """Post what is due; return all that was ever posted."""
        self.postman.go_round()
        return self.mailbox.letters

    def link(self, letter: Letter | None = None) -> str:
        """Return the path of the link to confirm by in the newest letter."""
        letter = letter or self.letters()[-1]
        found = re.search(rf"{BASE}(/confirm/\S+)", letter.text)
        assert found, letter.text
        return found[1]

    def person(self, email: str = ANN) -> Subscriber | None:
        return store.find(self.engine, email)

    def standing(self, email: str = ANN) -> str:
        who = self.person(email)
        return who.standing if who else "nobody"


def newcomer(email: str = ANN) -> Newcomer:
    return Newcomer(email=email, key=email)
