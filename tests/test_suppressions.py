"""SendGrid's suppression lists, read for those whom its webhook cannot reach."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.errors import SettingsError, Unavailable
from flows.pipeline.stores import open_store
from flows.pipeline.suppressions import sync
from flows.store.feedback import looked_until
from subscribers import store
from tests.newsletters import NOW, STORIES, Newsletter
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline.suppressions import Synced
    from tests.sendgrid_server import SendGridServer

SENDGRID = 'transport = "sendgrid"\nsendgrid_host = "{url}"\nsoft_bounces = 2\n'


@pytest.fixture
def newsletter(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sendgrid_server.clock = NOW.timestamp
    sending = SENDGRID.format(url=sendgrid_server.url)
    return Newsletter(tmp_path).write(sending=sending).tell(*STORIES).subscribe(12)


def entry(who: int, *, age: timedelta = timedelta(), **more: Any) -> dict[str, Any]:
    created = int((NOW - age).timestamp())
    return {"email": f"reader{who}@example.com", "created": created, **more}


def look(newsletter: Newsletter) -> Synced:
    return sync(newsletter.settings, clock=newsletter.clock)


def standings(newsletter: Newsletter) -> dict[str, int]:
    with open_store(newsletter.settings) as engine:
        return store.count(engine)


def test_each_list_is_heeded(newsletter: Newsletter, sendgrid_server: SendGridServer) -> None:
    sendgrid_server.lists = {
        "bounces": [entry(1, reason="550", status="5.1.1")],
        "spam_reports": [entry(2, ip="192.0.2.1")],
        "invalid_emails": [entry(3, reason="no such domain")],
        "unsubscribes": [entry(4)],
        "blocks": [entry(5, reason="blocked")],
    }
    synced = look(newsletter)
    assert sum(synced.read.values()) == 5
    # Those who are imported agreed at this very moment: who left before that is not let go.
    assert (synced.heeded.suppressed, synced.heeded.soft) == (3, 1)
    assert standings(newsletter)["suppressed"] == 3


def test_who_left_after_agreeing_is_let_go(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.lists = {"unsubscribes": [entry(4, age=-timedelta(hours=1))]}
    newsletter.clock.go_on(timedelta(hours=2))
    assert look(newsletter).heeded.left == 1
    assert standings(newsletter)["unsubscribed"] == 1


def test_pages_are_read_until_an_empty_one(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    # However many are asked for, this server gives two.
    sendgrid_server.page = 2
    sendgrid_server.lists = {"bounces": [entry(one) for one in range(9)]}
    synced = look(newsletter)
    assert synced.read["bounces"] == synced.heeded.suppressed == 9


def test_the_next_time_only_what_is_new_is_read_with_an_overlap(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.lists = {"bounces": [entry(1, age=timedelta(days=30)), entry(2)]}
    look(newsletter)
    newsletter.clock.go_on(timedelta(hours=6))
    sendgrid_server.lists["bounces"].append(entry(3, age=-timedelta(hours=1)))
    synced = look(newsletter)
    assert (synced.read["bounces"], synced.heeded.suppressed) == (2, 1)


def test_a_look_that_breaks_off_is_done_again(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.lists = {"bounces": [entry(1)]}
    url, sendgrid_server_url = sendgrid_server.url, "http://127.0.0.1:9"
    newsletter.write(sending=SENDGRID.format(url=sendgrid_server_url))
    with pytest.raises(Unavailable):
        look(newsletter)
    with open_store(newsletter.settings) as engine:
        assert looked_until(engine, "bounces") is None
    newsletter.write(sending=SENDGRID.format(url=url))
    assert look(newsletter).heeded.suppressed == 1


def test_blocks_of_two_issues_in_a_row_suppress(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    newsletter.run(at_once=True, because="no web here")
    sendgrid_server.lists = {"blocks": [entry(1, age=-timedelta(minutes=5))]}
    newsletter.clock.go_on(timedelta(hours=1))
    look(newsletter)
    assert standings(newsletter)["suppressed"] == 0
    newsletter.clock.go_on(timedelta(days=5))
    newsletter.tell(
        *[(f"{title} again", text) for title, text in STORIES], when=newsletter.clock.now
    )
    verdict = newsletter.run(at_once=True, because="no web here", extra=True)
    assert (verdict.issue, verdict.accepted) == (2, 12)
    later = newsletter.clock.now + timedelta(hours=1)
    sendgrid_server.lists["blocks"].append(entry(1, age=NOW - later))
    newsletter.clock.go_on(timedelta(hours=2))
    look(newsletter)
    assert standings(newsletter)["suppressed"] == 1


@pytest.mark.parametrize(
    "rows", [[1, None, "x"], [{"email": 3, "created": 1}], [{"email": "a@b.example"}], [{}]]
)
def test_entries_that_are_none_are_passed_over(
    newsletter: Newsletter, sendgrid_server: SendGridServer, rows: list[Any]
) -> None:
    good = entry(1)
    sendgrid_server.lists = {"bounces": [good]}
    sendgrid_server.extra = rows
    assert look(newsletter).heeded.suppressed == 1


def test_only_sendgrid_has_lists(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="outbox"):
        sync(Newsletter(tmp_path).write().settings)


def test_the_command_tells_what_it_did(
    newsletter: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.lists = {"bounces": [entry(1, age=timedelta(days=90))]}
    config = str(newsletter.folder / "newsletter.toml")
    result = CliRunner().invoke(command, ["suppressions", "sync", "--json", "--config", config])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["read"]["bounces"], told["suppressed"], told["left"]) == (1, 1, 0)
    assert "1 people newly suppressed" in result.stderr
