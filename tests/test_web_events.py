"""`/hooks/sendgrid`: only what SendGrid signed is heeded, once, and nothing breaks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event as on
from sqlalchemy import select, update
from starlette.testclient import TestClient

from flows.pipeline.receipts import renew_receipt
from flows.pipeline.stores import open_store
from flows.store.schema import batches, deliveries
from flows.web.events import LARGEST_BODY, open_hook
from subscribers import store
from subscribers.models import SuppressionReason
from tests.newsletters import NOW, STORIES, Newsletter, web_app
from tests.sendgrid_server import KEY
from tests.signing import Signer, body_of, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

ROUTE = "/hooks/sendgrid"
READER = "reader0@example.com"


@dataclass
class Site:
    client: TestClient
    engine: Engine
    signer: Signer
    newsletter: Newsletter

    def post(self, body: bytes, *, age: timedelta = timedelta()) -> int:
        headers = self.signer.headers(body, NOW - age)
        return self.client.post(ROUTE, content=body, headers=headers).status_code

    def tell(self, *events: dict[str, Any]) -> int:
        return self.post(body_of(*events))

    @property
    def suppressed(self) -> SuppressionReason | None:
        found = store.suppressed(self.engine, READER)
        return found.reason if found else None


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    signer = Signer()
    newsletter = Newsletter(tmp_path).write(sending=f'webhook_key = "{signer.public}"')
    newsletter.tell(*STORIES).subscribe(5)
    with open_store(newsletter.settings) as engine:
        app = web_app(newsletter, engine, clock=lambda: NOW)
        client = TestClient(app, raise_server_exceptions=False)
        yield Site(client, engine, signer, newsletter)


def test_a_bounce_is_heeded(site: Site) -> None:
    assert site.tell(event("bounce", READER, NOW)) == 204
    assert site.suppressed is SuppressionReason.BOUNCE


def test_a_forged_request_is_refused(site: Site) -> None:
    body = body_of(event("bounce", READER, NOW))
    headers = Signer().headers(body, NOW)
    assert site.client.post(ROUTE, content=body, headers=headers).status_code == 403
    assert site.client.post(ROUTE, content=body).status_code == 403
    headers = site.signer.headers(body, NOW)
    assert site.client.post(ROUTE, content=body + b" ", headers=headers).status_code == 403
    assert site.suppressed is None


def test_a_replayed_request_is_refused(site: Site) -> None:
    body = body_of(event("bounce", READER, NOW))
    assert site.post(body, age=timedelta(hours=1)) == 403
    assert site.suppressed is None


@pytest.mark.parametrize("body", [b"{", b"{}", b"[" * 100_000, b"null"])
def test_broken_json_is_refused_even_if_signed(site: Site, body: bytes) -> None:
    assert site.post(body) == 400


def test_a_body_without_end_is_cut_off(site: Site) -> None:
    assert site.post(b" " * (LARGEST_BODY + 1)) == 413


def test_a_get_is_no_request_for_it(site: Site) -> None:
    assert site.client.get(ROUTE).status_code == 405


def test_without_a_key_there_is_no_webhook(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path).write()
    assert open_hook(newsletter.settings) is None
    with open_store(newsletter.settings) as engine:
        app = web_app(newsletter, engine, clock=lambda: NOW)
        assert TestClient(app).post(ROUTE, content=b"[]").status_code == 404


def test_events_settle_a_doubt_and_renew_the_receipt(site: Site) -> None:
    site.newsletter.run()
    receipt = site.newsletter.settings.paths.issues / "001" / "receipt"
    before = json.loads(receipt.read_text(encoding="utf-8"))
    assert before["totals"]["accepted"] == 5
    # As if its only request had never been answered.
    with site.engine.begin() as connection:
        for table in (batches, deliveries):
            connection.execute(update(table).values(status="in_doubt"))
        batch = connection.execute(select(batches.c.id)).scalar_one()
    renew_receipt(site.newsletter.settings, site.engine, 1)
    assert json.loads(receipt.read_text(encoding="utf-8"))["totals"]["accepted"] == 0
    arguments = {"np_issue": "1", "np_batch": batch, "np_rcpt": 1}
    assert site.tell(event("processed", READER, NOW, **arguments)) == 204
    assert json.loads(receipt.read_text(encoding="utf-8"))["totals"]["accepted"] == 5


def test_ten_thousand_deliveries_cost_a_few_statements(site: Site) -> None:
    arguments = {"np_issue": "1", "np_batch": "1"}
    events = [
        event("delivered", f"reader{one}@example.com", NOW, np_rcpt=str(one), **arguments)
        for one in range(10_000)
    ]
    statements: list[str] = []
    on.listen(site.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    assert site.tell(*events) == 204
    assert len(statements) < 10


def test_a_database_that_is_away_is_told_so_that_sendgrid_comes_again(site: Site) -> None:
    site.engine.dispose()
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE suppressions")
    assert site.tell(event("bounce", READER, NOW)) in (500, 503)
