from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from flows.cli import newsletter as command
from flows.models import DeliveryState
from flows.pipeline import approval
from flows.pipeline.status import status
from flows.pipeline.stores import open_store
from flows.store import runs
from flows.store.owner import this_process
from flows.store.schema import batches, deliveries
from tests.newsletters import NOW, STORIES, Newsletter
from tests.prefect_server import Prefect, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


@pytest.fixture
def newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsletter:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return Newsletter(tmp_path).write().tell(*STORIES).subscribe(3)


def shown(newsletter: Newsletter, *options: str) -> tuple[int, str]:
    config = str(newsletter.folder / "newsletter.toml")
    done = CliRunner().invoke(command, ["status", "--config", config, *options])
    return done.exit_code, done.stdout


def test_a_new_newsletter_has_a_next_issue_and_no_last(newsletter: Newsletter) -> None:
    found = status(newsletter.settings, now=NOW)
    assert (found.last_run, found.last_sent, found.coming.slot) == (None, None, SLOT)
    code, told = shown(newsletter)
    assert code == 0
    assert "Last run     none yet" in told
    assert "> newsletter serve" in told
    assert "3 active" in told


def test_the_last_run_and_issue_are_told(newsletter: Newsletter) -> None:
    newsletter.run()
    _, told = shown(newsletter)
    assert "Last run     Wed 25 Nov 2026 09:00 UTC: issue 1 sent: handed over to outbox" in told
    assert "3 of 3 accepted" in told


def test_a_slot_whose_issue_is_out_is_not_the_next(newsletter: Newsletter) -> None:
    newsletter.run()
    assert status(newsletter.settings, now=NOW).coming.slot == SLOT + timedelta(days=7)


def test_an_issue_that_waits_is_told_with_what_to_type(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"').run()
    _, told = shown(newsletter)
    assert "issue 1 is draft" in told
    assert "> newsletter preview 1" in told
    assert status(newsletter.settings, now=NOW).coming.drafted_at == SLOT - timedelta(hours=48)


def test_an_issue_whose_sending_was_cut_short_is_told_with_what_ends_it(
    newsletter: Newsletter,
) -> None:
    newsletter.watcher.stop_after = 1
    newsletter.write(sending="batch_size = 1").run()
    _, told = shown(newsletter)
    assert "Open         issue 1 is sending\n             > newsletter send 1\n" in told


def test_an_approval_that_an_edit_voided_is_told_as_void(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"').run()
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    assert "issue 1 is approved\n" in shown(newsletter)[1]
    draft = newsletter.folder / "issues" / "001.md"
    draft.write_text(draft.read_text(encoding="utf-8").replace("Draining", "Emptying"))
    assert "is approved, and was changed since: the approval is void" in shown(newsletter)[1]
    assert json.loads(shown(newsletter, "--json")[1])["void_approvals"] == [1]


def test_doubts_are_told_and_change_the_exit_code(newsletter: Newsletter) -> None:
    newsletter.run()
    with open_store(newsletter.settings) as engine, engine.begin() as connection:
        for table in (batches, deliveries):
            connection.execute(table.update().values(status=DeliveryState.IN_DOUBT.value))
    code, told = shown(newsletter)
    assert code == 4
    assert "3 deliveries of issue 1" in told


def test_where_a_run_is_at_work_is_told(newsletter: Newsletter) -> None:
    with open_store(newsletter.settings) as engine:
        begin = partial(runs.begin, engine, flow_run="", scheduled=True, now=NOW)
        begin(job="gather", owner=this_process())
        begin(job="weekly", owner="web-2:7:123")
    _, told = shown(newsletter)
    assert "Running      gather, since Wed 25 Nov 2026 09:00 UTC\n" in told
    assert "Running      weekly, since Wed 25 Nov 2026 09:00 UTC, on web-2\n" in told


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prefect]:
    """A server of somebody else's that is well."""
    with serving(prefect := Prefect()):
        monkeypatch.setenv("PREFECT_API_URL", prefect.url)
        yield prefect


def test_a_server_that_knows_nothing_of_us_keeps_no_schedule(
    newsletter: Newsletter, prefect: Prefect
) -> None:
    prefect.deploy("weekly", "/srv/other/newsletter.toml")
    _, told = shown(newsletter)
    assert "knows no deployment of this newsletter" in told
    assert "> newsletter serve" in told


def test_a_server_that_is_set_and_does_not_answer_is_told(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    _, told = shown(newsletter)
    assert "kept by nobody: http://127.0.0.1:9/api (PREFECT_API_URL) does not answer" in told
    assert "> start that server, or unset the variable" in told


def test_a_schedule_that_nobody_is_there_to_run_is_told(
    newsletter: Newsletter, prefect: Prefect
) -> None:
    deployed = prefect.deploy("weekly", newsletter.settings.path)
    assert f"kept by {prefect.url.removesuffix('/api')} (cron 0 8 * * 1)" in shown(newsletter)[1]
    deployed["status"] = "NOT_READY"
    assert "but nobody is there to run it" in shown(newsletter)[1]


@pytest.mark.parametrize("change", [{"paused": True}, {"schedules": [{"active": False}]}])
def test_a_schedule_that_a_person_paused_is_told(
    newsletter: Newsletter, prefect: Prefect, change: dict[str, Any]
) -> None:
    prefect.deploy("gather", newsletter.settings.path, flow="gather")
    prefect.deploy("weekly", newsletter.settings.path).update(change)
    pages = prefect.url.removesuffix("/api")
    wanted = f"paused by hand at {pages}: weekly\n             > switch it on at {pages}/"
    assert wanted in shown(newsletter)[1]
    told = json.loads(shown(newsletter, "--json")[1])
    assert (told["server"], "paused" in told["schedule_problem"]) == (prefect.url, True)


def test_a_draft_that_rests_where_nobody_has_to_approve_is_in_order(
    newsletter: Newsletter, prefect: Prefect
) -> None:
    prefect.deploy("weekly", newsletter.settings.path)
    prefect.deploy("draft", newsletter.settings.path, flow="draft")["paused"] = True
    assert "Schedule     kept by" in shown(newsletter)[1]
    newsletter.write(newsletter='approval = "required"')
    assert "Schedule     paused by hand" in shown(newsletter)[1]


def test_a_program_reads_the_same(newsletter: Newsletter) -> None:
    newsletter.run()
    code, told = shown(newsletter, "--json")
    values = json.loads(told)
    assert code == 0
    assert values["last_run"]["verdict"] == "sent"
    assert values["last_counts"]["intended"] == 3
    assert values["server"] is None
