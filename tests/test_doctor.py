from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.pipeline.doctor import Diagnosis, Health, examine
from flows.pipeline.stores import open_store
from flows.pipeline.versions import misfits, within
from flows.store import runs
from flows.store.owner import this_process
from tests.newsletters import STORIES, Newsletter, answering
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.feed_server import FeedServer
    from tests.sendgrid_server import SendGridServer

EDITOR = 'editor = "ed@example.org"'
SENDGRID = """
transport = "sendgrid"
sendgrid_host = "{host}"
"""
EVERYTHING = [
    "mail.send",
    "mail.batch.create",
    "user.scheduled_sends.create",
    "user.scheduled_sends.read",
]


@pytest.fixture
def newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsletter:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return Newsletter(tmp_path).write(newsletter=EDITOR).tell(*STORIES).subscribe(3)


@pytest.fixture
def by_sendgrid(
    newsletter: Newsletter, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sendgrid_server.scopes = EVERYTHING
    sendgrid_server.domains = ["harbour.example.com"]
    return newsletter.write(sending=SENDGRID.format(host=sendgrid_server.url))


class NoDns:
    def texts(self, _name: str) -> tuple[str, ...] | None:
        return None


def look(newsletter: Newsletter, part: str, *, online: bool = False) -> Diagnosis:
    """Return the worst that is found of a part."""
    found = examine(newsletter.settings, online=online, resolver=NoDns(), clock=newsletter.clock)
    order = [Health.BROKEN, Health.LOOK, Health.UNKNOWN, Health.WELL]
    return min((one for one in found if one.part == part), key=lambda one: order.index(one.health))


@pytest.mark.parametrize("part", ["settings", "keys", "database", "clock", "templates", "editor"])
def test_what_is_in_order_is_said_to_be(newsletter: Newsletter, part: str) -> None:
    assert look(newsletter, part).health is Health.WELL


def test_a_good_set_up_ends_well(newsletter: Newsletter) -> None:
    config = str(newsletter.folder / "newsletter.toml")
    done = CliRunner().invoke(command, ["doctor", "--config", config, "--json"])
    found = json.loads(done.stdout)
    broken = [one for one in found if one["health"] == "broken"]
    # This machine's libraries may be others than the package wants.
    assert [one for one in broken if one["part"] != "versions"] == []
    assert {one["part"] for one in found} >= {"database", "transport", "schedule"}


def test_placeholders_and_a_missing_key_are_broken(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    newsletter.write(sending='transport = "sendgrid"', base_url="https://newsletter.example.org")
    found = list(examine(newsletter.settings, online=False, clock=newsletter.clock))
    told = " ".join(one.told for one in found if one.part == "settings")
    assert "SENDGRID_API_KEY" in told
    assert "newsletter.base_url" in told
    assert look(newsletter, "transport").health is Health.UNKNOWN


def test_keys_that_others_can_read_are_told(newsletter: Newsletter) -> None:
    keys = newsletter.folder / ".newsletter" / "keys"
    keys.chmod(0o644)
    found = look(newsletter, "keys")
    assert (found.health, found.next) == (Health.LOOK, f"chmod 600 {keys}")
    keys.unlink()
    assert look(newsletter, "keys").health is Health.BROKEN


def test_no_key_is_ever_printed(newsletter: Newsletter, by_sendgrid: Newsletter) -> None:
    found = list(examine(by_sendgrid.settings, online=False, clock=newsletter.clock))
    signing = (newsletter.folder / ".newsletter" / "keys").read_text(encoding="utf-8").strip()
    told = " ".join(f"{one.told} {one.next}" for one in found)
    assert KEY not in told
    assert signing not in told


def test_a_key_that_is_not_taken_is_broken(
    by_sendgrid: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.of-somebody-else")
    found = look(by_sendgrid, "transport")
    assert found.health is Health.BROKEN
    assert "401" in found.told
    assert "SG.of-somebody-else" not in found.told


def test_what_the_key_lacks_is_named(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.scopes = EVERYTHING[:2]
    found = look(by_sendgrid, "transport")
    assert found.health is Health.BROKEN
    assert "lacks user.scheduled_sends.create, user.scheduled_sends.read" in found.told


def test_a_key_and_a_domain_in_order_are_well(by_sendgrid: Newsletter) -> None:
    assert look(by_sendgrid, "transport").health is Health.WELL


def test_a_sender_that_sendgrid_does_not_know_is_broken(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sendgrid_server.domains = []
    assert "neither weekly@harbour.example.com nor" in look(by_sendgrid, "transport").told
    sendgrid_server.senders = ["weekly@harbour.example.com"]
    assert look(by_sendgrid, "transport").health is Health.LOOK


def test_a_dead_unsubscribe_link_is_broken_and_a_living_one_well(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    sending = SENDGRID.format(host=sendgrid_server.url)
    by_sendgrid.write(sending=sending, base_url="http://127.0.0.1:9")
    assert look(by_sendgrid, "unsubscribe").health is Health.BROKEN
    with answering(by_sendgrid) as url:
        by_sendgrid.write(sending=sending, base_url=url)
        assert look(by_sendgrid, "unsubscribe").health is Health.WELL


def test_a_mail_server_that_is_not_there_is_broken(newsletter: Newsletter) -> None:
    sending = 'transport = "smtp"\nsmtp_host = "127.0.0.1"\nsmtp_port = 9\nsmtp_security = "none"'
    newsletter.write(sending=sending)
    found = look(newsletter, "transport")
    assert found.health is Health.BROKEN
    assert "127.0.0.1 port 9" in found.told


def test_a_clock_that_was_set_back_is_noticed(newsletter: Newsletter) -> None:
    newsletter.run()
    newsletter.clock.go_on(-timedelta(days=2))
    found = look(newsletter, "clock")
    assert found.health is Health.BROKEN
    assert "set back" in found.told


def web_feed(newsletter: Newsletter, feed_server: FeedServer, path: str) -> None:
    with (newsletter.folder / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[[feeds]]\nurl = "{feed_server.url(path)}"\n')
        settings.write("[gather]\nallow_private_networks = true\n")


@pytest.mark.parametrize("wrong", [timedelta(days=-400), timedelta(minutes=-5), timedelta(hours=1)])
def test_a_clock_that_differs_from_those_of_the_feeds_servers_is_broken(
    newsletter: Newsletter, feed_server: FeedServer, wrong: timedelta
) -> None:
    web_feed(newsletter, feed_server, "/etag")
    newsletter.clock.now = datetime.now(UTC)
    assert look(newsletter, "clock", online=True).health is Health.WELL
    newsletter.clock.go_on(wrong)
    assert look(newsletter, "clock").health is Health.WELL
    found = look(newsletter, "clock", online=True)
    assert found.health is Health.BROKEN
    assert "by the clock of its feeds' servers" in found.told


def test_a_server_that_tells_no_time_says_nothing_of_the_clock(newsletter: Newsletter) -> None:
    with (newsletter.folder / "newsletter.toml").open("a", encoding="utf-8") as settings:
        settings.write('[[feeds]]\nurl = "http://127.0.0.1:9/feed"\n')
    found = look(newsletter, "clock", online=True)
    assert (found.health, "no feed's server" in found.told) == (Health.WELL, True)


@pytest.mark.postgres
def test_a_clock_that_differs_from_the_databases_is_broken(
    newsletter: Newsletter, postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", url)
    newsletter.clock.now = datetime.now(UTC)
    assert look(newsletter, "clock").health is Health.WELL
    newsletter.clock.go_on(timedelta(days=30))
    assert "by the clock of the database's server" in look(newsletter, "clock").told


def test_a_run_of_a_machine_that_may_be_gone_is_worth_a_look(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine:
        begin = partial(runs.begin, engine, job="weekly", scheduled=True)
        begin(flow_run="r8", owner=this_process(), now=newsletter.clock() - timedelta(days=1))
        begin(flow_run="r9", owner="web-2:7:123", now=newsletter.clock())
    assert look(newsletter, "runs").health is Health.WELL
    newsletter.clock.go_on(timedelta(days=1))
    found = look(newsletter, "runs")
    assert (found.health, found.next) == (
        Health.LOOK,
        "if it is gone: prefect flow-run cancel r9",
    )
    assert "weekly is at work on web-2 since 2026-11-25 09:00 UTC" in found.told


def test_a_full_disk_is_told_where_the_database_cannot_be_opened_for_it(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: full)
    (newsletter.folder / "newsletter.db").write_bytes(b"garbage, " * 100)
    found = look(newsletter, "disk")
    assert (found.health, found.next) == (Health.BROKEN, "make room")
    assert look(newsletter, "database").health is Health.BROKEN


def test_one_fault_is_one_finding(newsletter: Newsletter) -> None:
    (newsletter.folder / "newsletter.db").write_bytes(b"garbage, " * 100)
    found = list(examine(newsletter.settings, online=False, clock=newsletter.clock))
    broken = {one.part for one in found if one.health is Health.BROKEN}
    # This machine's libraries may be others than the package wants.
    assert broken - {"versions"} == {"database"}
    [clock] = [one for one in found if one.part == "clock"]
    assert (clock.health, clock.told) == (
        Health.UNKNOWN,
        "not looked at before the database is mended",
    )


def test_dns_is_asked_only_online(newsletter: Newsletter) -> None:
    assert look(newsletter, "domain").health is Health.UNKNOWN
    assert look(newsletter, "domain", online=True).health in (Health.BROKEN, Health.LOOK)


@pytest.mark.parametrize(
    ("day", "health", "told"),
    [
        ("2026-11-30", Health.WELL, "1 slot booked, the next for 2026-11-30"),
        ("2026-12-01", Health.LOOK, "Tar Ltd booked 2026-12-01, a Tuesday, and no issue is due"),
    ],
)
def test_a_slot_that_is_booked_for_a_day_without_an_issue_is_told(
    newsletter: Newsletter, day: str, health: Health, told: str
) -> None:
    assert newsletter.settings.schedule.day == "monday"
    file = newsletter.folder / "newsletter.toml"
    booking = f'\n[[sponsors]]\ndate = {day}\nname = "Tar Ltd"\n'
    file.write_text(file.read_text(encoding="utf-8") + booking, encoding="utf-8")
    assert look(newsletter, "templates").health is Health.WELL
    found = look(newsletter, "sponsors")
    assert (found.health, found.told.startswith(told)) == (health, True)


def test_a_broken_theme_is_told_with_its_place(newsletter: Newsletter) -> None:
    newsletter.write(newsletter=f'{EDITOR}\ntheme = "mine"')
    found = look(newsletter, "templates")
    assert found.health is Health.BROKEN
    assert "mine" in found.told


def test_nobody_to_mail_and_nobody_to_tell_are_worth_a_look(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    newsletter = Newsletter(empty).write()
    assert look(newsletter, "subscribers").health is Health.LOOK
    assert look(newsletter, "editor").health is Health.LOOK


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("2.0.58", ">=2.0,<2.1", True),
        ("2.1.9", ">=2.0,<2.1", False),
        ("2.0", ">=2.0.0,<3", True),
        ("0.150.0", "<0.151", True),
        ("0.151.0", "<0.151", False),
        ("0.151", "", True),
        ("4.0.0rc1", "<4", False),
        ("1.9", ">=1.10", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, bounds: str, fits: bool) -> None:  # noqa: FBT001 - parametrised
    assert within(version, bounds) is fits


def test_the_libraries_that_prefect_needs_are_within_their_bounds() -> None:
    assert not [one for one in misfits() if one.startswith(("prefect", "fastapi", "sqlalchemy"))]
