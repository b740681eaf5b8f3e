"""The receipt: sealed, without a person in it, and what the ledger says."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from flows.cli import newsletter as command
from flows.errors import NewsletterError
from flows.models import IssueStatus
from flows.pipeline.receipts import Verified, verify
from flows.pipeline.stores import open_store
from flows.store.schema import deliveries
from subscribers.tokens import Keys, is_sealed, seal
from tests.newsletters import STORIES, Newsletter
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.sendgrid_server import SendGridServer


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path).write().tell(*STORIES).subscribe(5)
    made.run()
    return made


def receipt(newsletter: Newsletter) -> Path:
    return newsletter.settings.paths.issues / "001" / "receipt"


def check(newsletter: Newsletter, path: Path | None = None) -> Verified:
    return verify(newsletter.settings, path or receipt(newsletter))


def run_verify(newsletter: Newsletter, *options: str) -> Result:
    config = str(newsletter.folder / "newsletter.toml")
    path = str(receipt(newsletter))
    return CliRunner().invoke(command, ["verify", path, "--config", config, *options])


def test_a_sent_issue_has_a_receipt_that_is_genuine(newsletter: Newsletter) -> None:
    found = check(newsletter)
    assert (found.issue, found.differences) == (1, ())
    assert "Deliveries: 5 accepted, 5 intended." in found.lines


def test_it_says_what_was_handed_over(newsletter: Newsletter) -> None:
    told = json.loads(receipt(newsletter).read_text(encoding="utf-8"))
    mail = json.loads((receipt(newsletter).parent / "mail.json").read_text(encoding="utf-8"))
    assert told["totals"] == {
        **dict.fromkeys(("planned", "handed_over", "refused", "in_doubt"), 0),
        "cancelled": 0,
        "suppressed": 0,
        "accepted": 5,
        "intended": 5,
    }
    assert told["mail_sha256"] == mail["digest"]
    assert [batch["size"] for batch in told["batches"]] == [5]
    assert told["batches"][0]["handed_over_at"] == "2026-11-25T09:00:00.000Z"


@pytest.fixture
def by_sendgrid(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    """A newsletter of five readers that is sent by SendGrid, two a request."""
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sending = f'transport = "sendgrid"\nsendgrid_host = "{sendgrid_server.url}"\nbatch_size = 2\n'
    made = Newsletter(tmp_path).write(sending=sending).tell(*STORIES).subscribe(5)
    sendgrid_server.clock = made.clock.now.timestamp
    return made


def test_sendgrids_ids_and_times_are_in_it(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    made = by_sendgrid
    made.run(because="no web here")
    told = json.loads(receipt(made).read_text(encoding="utf-8"))
    assert {one["provider_id"] for one in told["batches"]} == {
        one.request for one in sendgrid_server.accepted
    }
    assert {wave["batch_id"] for wave in told["waves"]} == set(sendgrid_server.batch_ids)
    assert check(made).differences == ()


def test_batches_that_were_cancelled_are_told_apart(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    made = by_sendgrid
    sendgrid_server.script = deque(["drop-after"])
    made.run(because="no web here")
    [line] = [one for one in check(made).lines if "batches" in one]
    assert line.startswith("4 batches were handed over by sendgrid")
    assert line.endswith("; 1 of them cancelled.")


def test_no_person_is_in_it(newsletter: Newsletter) -> None:
    text = receipt(newsletter).read_text(encoding="utf-8")
    assert "reader" not in text.lower()
    assert "@example.com" not in text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_refused(newsletter: Newsletter, data: st.DataObject) -> None:
    raw = receipt(newsletter).read_bytes()
    place = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != raw[place]))
    changed = newsletter.folder / "changed"
    changed.write_bytes(raw[:place] + bytes([byte]) + raw[place + 1 :])
    with pytest.raises(NewsletterError):
        check(newsletter, changed)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seal": 1}', '{"seal": "é"}', "[" * 100_000])
def test_what_is_no_receipt_is_refused(newsletter: Newsletter, text: str) -> None:
    path = newsletter.folder / "other"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NewsletterError, match="other"):
        check(newsletter, path)


def test_a_receipt_that_is_not_there_is_said(newsletter: Newsletter) -> None:
    with pytest.raises(NewsletterError, match="cannot be read"):
        check(newsletter, newsletter.folder / "nowhere")


def test_another_newsletters_receipt_is_refused(newsletter: Newsletter) -> None:
    keys = newsletter.settings.paths.keys
    keys.write_text("f" * 64 + "\n", encoding="utf-8")
    with pytest.raises(NewsletterError, match="the seal does not fit"):
        check(newsletter)


def test_an_old_key_still_verifies(newsletter: Newsletter) -> None:
    keys = newsletter.settings.paths.keys
    keys.write_text("f" * 64 + "\n" + keys.read_text(encoding="utf-8"), encoding="utf-8")
    assert check(newsletter).differences == ()


def test_a_ledger_that_was_changed_is_told(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.subscriber_id == 1).values(status="refused")
        )
    assert check(newsletter).differences == ("totals: accepted 5 -> 4, refused 0 -> 1",)


def test_a_mail_that_was_changed_is_told(newsletter: Newsletter) -> None:
    path = receipt(newsletter).parent / "mail.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Harbour", "Harbor"), encoding="utf-8")
    [difference] = check(newsletter).differences
    assert "not the mail that was approved" in difference


def test_a_folder_that_cannot_be_written_does_not_undo_the_issue(tmp_path: Path) -> None:
    made = Newsletter(tmp_path).write().tell(*STORIES).subscribe(5)
    receipt(made).mkdir(parents=True)
    assert made.run().verdict == "sent"
    assert any("receipt of issue 1 was not written" in said for said in made.watcher.said)


def test_the_command_says_so_and_exits_with_it(newsletter: Newsletter) -> None:
    good = run_verify(newsletter)
    assert (good.exit_code, "the ledger says the same" in good.stderr) == (0, True)
    assert json.loads(run_verify(newsletter, "--json").stdout) == {
        "issue": 1,
        "genuine": True,
        "same": True,
        "differences": [],
    }
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        connection.execute(update(deliveries).values(status="in_doubt"))
    changed = run_verify(newsletter)
    assert (changed.exit_code, "accepted 5 -> 0" in changed.stderr) == (1, True)
    path = receipt(newsletter)
    path.write_bytes(path.read_bytes().replace(b" ", b"\t", 1))
    forged = run_verify(newsletter)
    assert (forged.exit_code, "the seal does not fit" in forged.stderr) == (1, True)


def test_a_seal_is_for_one_document_and_one_newsletter() -> None:
    keys, others = Keys.load("a" * 64), Keys.load("b" * 64)
    assert is_sealed(keys, b"text", seal(keys, b"text"))
    assert not is_sealed(keys, b"text ", seal(keys, b"text"))
    assert not is_sealed(others, b"text", seal(keys, b"text"))
    assert not is_sealed(keys, b"text", "é")


def test_a_status_of_sent_is_what_has_a_receipt(newsletter: Newsletter) -> None:
    assert IssueStatus.SENT.value == "sent"
    assert newsletter.run().verdict == "skipped"
    assert check(newsletter).differences == ()
