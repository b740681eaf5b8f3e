from __future__ import annotations

import email
import email.policy
import json
import re
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.errors import CheckFailed, SettingsError
from flows.models import Counts, IssueStatus, Outcome
from flows.pipeline import approval, desk
from flows.pipeline.deliveries import stop
from flows.pipeline.drafting import stored_items, window
from flows.pipeline.gathering import gather_items, gather_now
from flows.pipeline.skipping import Skip
from flows.pipeline.stores import open_store
from flows.pipeline.work import PREPARING, PREPARING_LASTS, utc_now
from flows.store import issues, leases
from tests.newsletters import NOW, STORIES, Newsletter, Watcher, answering
from tests.sendgrid_server import KEY as SENDGRID_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.models import Verdict
    from tests.sendgrid_server import SendGridServer

ROOT = Path(__file__).parent.parent
# The first slot after the tests' NOW, a Wednesday.
SLOT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
SENDGRID = """
transport = "sendgrid"
sendgrid_host = "{host}"
fence = {fence}
batch_size = 10
"""


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write().tell(*STORIES).subscribe(5)


@pytest.fixture
def by_sendgrid(
    tmp_path: Path, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> Newsletter:
    monkeypatch.setenv("SENDGRID_API_KEY", SENDGRID_KEY)
    # The stand-in knows the time the newsletter knows.
    sendgrid_server.clock = NOW.timestamp
    sending = SENDGRID.format(host=sendgrid_server.url, fence="false")
    newsletter = Newsletter(tmp_path).write(sending=sending).tell(*STORIES)
    return newsletter.subscribe(25)


def reachable(newsletter: Newsletter, base_url: str, sendgrid: SendGridServer) -> Newsletter:
    sending = SENDGRID.format(host=sendgrid.url, fence="false")
    return newsletter.write(base_url=base_url, sending=sending)


@contextmanager
def cut_short(newsletter: Newsletter, server: SendGridServer) -> Iterator[Verdict]:
    """Yield the verdict of a run that ended after ten readers; its pages answer meanwhile."""
    with answering(newsletter) as url:
        reachable(newsletter, url, server)
        newsletter.watcher.stop_after = 10
        verdict = newsletter.run()
        newsletter.watcher = Watcher()
        yield verdict


def status(newsletter: Newsletter, number: int = 1) -> IssueStatus | None:
    with open_store(newsletter.settings) as engine:
        record = issues.find(engine, number)
        return record.status if record else None


def test_a_run_ends_with_a_mail_for_each_subscriber(newsletter: Newsletter) -> None:
    verdict = newsletter.run()
    assert (verdict.verdict, verdict.accepted, verdict.entries) == (Outcome.SENT, 5, 4)
    assert len(newsletter.mails) == 5


def test_each_mail_is_left_by_a_link_of_its_own(newsletter: Newsletter) -> None:
    newsletter.run()
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in newsletter.mails
    ]
    links = {mail["List-Unsubscribe"] for mail in mails}
    assert len(links) == 5
    for mail in mails:
        body = mail.get_body(("plain",))
        assert body is not None
        assert mail["List-Unsubscribe"].strip("<>") in body.get_content()


def test_the_same_run_again_sends_nothing(newsletter: Newsletter) -> None:
    first = newsletter.run()
    verdict = newsletter.run()
    assert (verdict.verdict, verdict.reason) == (Outcome.SKIPPED, "already sent #1")
    # What it was made of is told all the same.
    assert (verdict.items, verdict.stories, verdict.entries) == (4, 4, 4)
    assert (first.items, first.stories, first.entries) == (4, 4, 4)
    assert len(newsletter.mails) == 5


RUN_IN_A_PROCESS = """
import json, sys
from pathlib import Path
from flows.pipeline.verdicts import as_json
from tests.newsletters import Newsletter
print(json.dumps(as_json(Newsletter(Path(sys.argv[1])).run())))
"""


def test_two_runs_at_the_same_moment_send_once(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with answering(by_sendgrid) as url:
        reachable(by_sendgrid, url, sendgrid_server)
        command = [sys.executable, "-c", RUN_IN_A_PROCESS, str(by_sendgrid.folder)]
        runs = [
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
        ]
        verdicts = [json.loads(run.communicate()[0]) for run in runs]
    assert {verdict["verdict"] for verdict in verdicts} <= {"sent", "skipped"}, verdicts
    assert set(sendgrid_server.delivered.values()) == {1}
    assert len(sendgrid_server.delivered) == 25


def test_a_run_that_waits_for_another_one_can_be_stopped(newsletter: Newsletter) -> None:
    newsletter.watcher.counts.append(Counts())
    newsletter.watcher.stop_after = 0
    with open_store(newsletter.settings) as engine:
        other = "elsewhere:1:1"
        held = leases.acquire(engine, PREPARING, owner=other, now=NOW, lasts=PREPARING_LASTS)
        verdict = newsletter.run()
    assert held
    assert verdict.verdict is Outcome.FAILED
    assert "stopped while another run was preparing" in verdict.reason


def test_an_empty_week_is_skipped_with_its_reason(newsletter: Newsletter) -> None:
    (newsletter.folder / "river.txt").write_text("", encoding="utf-8")
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert "nothing new" in verdict.reason or "anything new" in verdict.reason
    assert status(newsletter) is None


def test_an_empty_week_tells_since_when_there_is_nothing(newsletter: Newsletter) -> None:
    newsletter.tell(*STORIES, when=NOW - timedelta(days=8))
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert verdict.reason == "no feed has anything newer than 18 Nov 2026 09:00 UTC"
    assert verdict.next.endswith("--since DATE looks further back")


def test_an_empty_week_tells_of_feeds_that_could_not_be_read(newsletter: Newsletter) -> None:
    (newsletter.folder / "river.txt").unlink()
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert verdict.reason.endswith("; 1 of 1 feed failed when last asked")
    assert verdict.next == "newsletter feeds status"


def test_a_thin_week_tells_how_many_feeds_failed(newsletter: Newsletter) -> None:
    newsletter.follow("river.txt", "gone.txt")
    newsletter.tell(STORIES[0])
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert verdict.reason.endswith("min_entries = 3; 1 of 2 feeds failed when last asked")
    assert verdict.next == "newsletter feeds status"


def test_a_draft_before_the_first_gathering_says_what_to_type(newsletter: Newsletter) -> None:
    _record, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher)
    assert drafted.skip == Skip(reason="no feed was asked yet", next="newsletter gather")


def test_without_feeds_it_says_how_to_add_one(newsletter: Newsletter) -> None:
    newsletter.follow()
    verdict = newsletter.run()
    assert (verdict.verdict, verdict.reason) == (Outcome.SKIPPED, "the settings list no feed")
    assert verdict.next == "newsletter feeds add URL"


def test_a_thin_week_is_skipped_and_its_number_is_free_again(newsletter: Newsletter) -> None:
    newsletter.tell(STORIES[0])
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.SKIPPED
    assert "min_entries = 3" in verdict.reason
    newsletter.tell(*STORIES)
    newsletter.clock.go_on(timedelta(hours=2))
    assert newsletter.run().issue == 1


def test_a_story_that_ran_does_not_run_again(newsletter: Newsletter) -> None:
    newsletter.run()
    fresh = [(f"Fresh news number {word}", f"All about {word}.") for word in ("one", "two", "six")]
    newsletter.tell(*STORIES, *fresh, when=NOW + timedelta(days=5), query="?utm_source=digest")
    newsletter.clock.go_on(timedelta(days=7))
    verdict = newsletter.run()
    assert (verdict.verdict, verdict.issue, verdict.entries) == (Outcome.SENT, 2, 3)
    draft = (newsletter.folder / "issues" / "002.md").read_text(encoding="utf-8")
    assert "ran in #1" in draft


def test_approval_holds_the_issue_until_it_is_given(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    held = newsletter.run()
    assert held.verdict is Outcome.HELD
    assert "newsletter approve 1" in held.next
    approval.approve_now(newsletter.settings, None, observer=newsletter.watcher)
    assert newsletter.run().verdict is Outcome.SENT


def test_an_edit_voids_the_approval(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    newsletter.run()
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    draft = newsletter.folder / "issues" / "001.md"
    draft.write_text(draft.read_text(encoding="utf-8").replace("Draining", "Emptying"), "utf-8")
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.HELD
    assert "changed since its approval" in verdict.reason
    assert newsletter.mails == []


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ('sender = "Harbour Weekly <', 'sender = "Mutiny Weekly <'),
        ("@harbour.example.com>", "@mutiny.example.com>"),
        ("postal_address", 'reply_to = "mutiny@example.com"\npostal_address'),
        ('privacy_url = "https://harbour', 'privacy_url = "https://mutiny'),
    ],
)
def test_who_a_mail_is_from_and_answered_to_is_approved_with_it(
    newsletter: Newsletter, line: str, other: str
) -> None:
    newsletter.write(newsletter='approval = "required"')
    newsletter.run()
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    file = newsletter.folder / "newsletter.toml"
    text = file.read_text(encoding="utf-8")
    assert line in text
    file.write_text(text.replace(line, other), encoding="utf-8")
    verdict = newsletter.run()
    assert verdict.verdict is Outcome.HELD
    assert "changed since its approval" in verdict.reason
    assert newsletter.mails == []


def test_a_dry_run_leaves_neither_draft_nor_mail(newsletter: Newsletter) -> None:
    verdict = newsletter.run(dry_run=True)
    assert verdict.verdict is Outcome.SKIPPED
    assert "4 entries would go to 5 subscribers" in verdict.reason
    assert not (newsletter.folder / "issues").exists()
    assert status(newsletter) is None


def test_drafting_again_adds_what_is_new_and_changes_nothing(newsletter: Newsletter) -> None:
    settings, watcher = newsletter.settings, newsletter.watcher
    gather_now(settings, observer=watcher)
    desk.draft_now(settings, observer=watcher, as_of=NOW)
    draft = newsletter.folder / "issues" / "001.md"
    edited = draft.read_text(encoding="utf-8").replace("Draining", "  Emptying")
    draft.write_text(edited, encoding="utf-8")
    newsletter.tell(("Fresh news of the day", "All about it."), when=NOW + timedelta(hours=1))
    gather_again(newsletter)
    _record, drafted = desk.draft_now(settings, observer=watcher, as_of=NOW + timedelta(hours=3))
    assert drafted.added == 1
    again = draft.read_text(encoding="utf-8")
    assert again.startswith(edited.rstrip("\n"))
    assert "## New since the draft\n\n[Fresh news of the day]" in again


def gather_again(newsletter: Newsletter) -> None:
    """Gather as if an hour had gone by: no feed is asked twice within one."""
    later = utc_now() + timedelta(hours=2)
    with open_store(newsletter.settings) as engine:
        gather_items(newsletter.settings, engine, now=later, observer=newsletter.watcher)


def test_an_additional_issue_leaves_the_slot_alone(newsletter: Newsletter) -> None:
    extra = newsletter.run(extra=True)
    fresh = [(f"Fresh news number {word}", f"All about {word}.") for word in ("one", "two", "six")]
    newsletter.tell(*fresh, when=NOW + timedelta(hours=20))
    newsletter.clock.go_on(timedelta(days=1))
    weekly = newsletter.run()
    assert (extra.issue, extra.slot, extra.verdict) == (1, None, Outcome.SENT)
    assert (weekly.issue, weekly.verdict) == (2, Outcome.SENT)
    assert weekly.slot is not None


def test_a_scheduled_run_takes_its_own_slot_and_no_older_issue(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    held = newsletter.run()
    newsletter.clock.now = SLOT + timedelta(days=7)
    parts = [(f"{title} again, part 2", text) for title, text in STORIES]
    newsletter.tell(*parts, when=SLOT + timedelta(days=5))
    scheduled = newsletter.run(scheduled=True)
    assert held.issue == 1
    assert scheduled.issue == 2


def test_a_scheduled_run_that_comes_too_late_sends_nothing(newsletter: Newsletter) -> None:
    newsletter.clock.now = SLOT + timedelta(hours=13)
    verdict = newsletter.run(scheduled=True)
    assert verdict.verdict is Outcome.HELD
    assert "grace" in verdict.reason
    assert newsletter.mails == []
    assert status(newsletter) is None


def test_a_scheduled_run_within_its_grace_sends_its_slots_issue(newsletter: Newsletter) -> None:
    newsletter.clock.now = SLOT + timedelta(hours=5)
    verdict = newsletter.run(scheduled=True)
    assert (verdict.verdict, verdict.slot) == (Outcome.SENT, SLOT)


def test_an_issue_held_past_its_slot_no_longer_stands_in_the_way(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    newsletter.run()
    newsletter.clock.now = SLOT + timedelta(days=5)
    newsletter.tell(*STORIES, when=SLOT + timedelta(days=4), query="?again")
    verdict = newsletter.run()
    assert (verdict.verdict, verdict.issue) == (Outcome.HELD, 2)


def test_an_issue_that_others_overtook_does_not_repeat_them(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    newsletter.run()
    newsletter.write()
    newsletter.clock.now = SLOT + timedelta(days=5)
    newsletter.run(since=NOW - timedelta(days=7))
    overtaken = newsletter.send(1)
    all_the_same = newsletter.send(1, because="asked for again")
    assert (overtaken.verdict, all_the_same.verdict) == (Outcome.HELD, Outcome.SENT)
    assert "#2 told what it tells: Three ways to drain a node" in overtaken.reason


def test_what_its_editor_takes_in_again_is_sent_again(newsletter: Newsletter) -> None:
    newsletter.run()
    newsletter.write(newsletter='approval = "required"').clock.go_on(timedelta(days=7))
    newsletter.tell(*((f"{title} in part two", text) for title, text in STORIES), when=SLOT)
    newsletter.run()
    first, second = (newsletter.folder / "issues" / f"00{number}.md" for number in (1, 2))
    old = next(line for line in first.read_text("utf-8").splitlines() if line.startswith("[Three"))
    fresh = second.read_text("utf-8")
    second.write_text(fresh.replace("\n[", f"\n{old}\nHarbour Blog\n\n[", 1), "utf-8")
    newsletter.write()
    assert newsletter.send(2).verdict is Outcome.SENT


def test_an_additional_issue_repeats_nothing_of_an_open_one(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    newsletter.run()
    verdict = newsletter.run(extra=True)
    assert verdict.verdict is Outcome.SKIPPED
    assert "only 0 of 4" in verdict.reason


def test_a_dry_run_in_the_past_leaves_undated_items_to_the_present(
    newsletter: Newsletter,
) -> None:
    river = newsletter.folder / "river.txt"
    lines = river.read_text(encoding="utf-8").splitlines()
    river.write_text("\n".join(line for line in lines if ", 2026 at" not in line), "utf-8")
    newsletter.run(dry_run=True, as_of=NOW - timedelta(days=400))
    with open_store(newsletter.settings) as engine:
        covers = window(newsletter.settings, engine, now=NOW)
        assert len(stored_items(newsletter.settings, engine, covers)) == 4


def test_an_approval_with_a_reason_admits_what_the_check_blocks(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"').run()
    draft = newsletter.folder / "issues" / "001.md"
    text = draft.read_text(encoding="utf-8")
    subject = re.sub(r'subject = ".*"', 'subject = ""', text)
    draft.write_text(subject, encoding="utf-8")
    with pytest.raises(CheckFailed):
        approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    approval.approve_now(
        newsletter.settings, 1, observer=newsletter.watcher, because="an empty joke"
    )
    told = [sentence for sentence in newsletter.watcher.said if sentence.startswith("Overridden: ")]
    assert [sentence.split()[1] for sentence in told] == ["H11", "D04", "H02"]
    assert newsletter.run().verdict is Outcome.SENT


def test_what_was_stopped_before_anybody_got_it_is_sent_as_corrected(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(by_sendgrid) as url:
        reachable(by_sendgrid, url, sendgrid_server)
        monkeypatch.setenv("SENDGRID_API_KEY", "SG.wrong")
        by_sendgrid.run()
        monkeypatch.setenv("SENDGRID_API_KEY", SENDGRID_KEY)
        stop(by_sendgrid.settings, 1)
        draft = by_sendgrid.folder / "issues" / "001.md"
        text = draft.read_text(encoding="utf-8")
        draft.write_text(re.sub(r'subject = ".*"', 'subject = "Corrected"', text), "utf-8")
        verdict = by_sendgrid.send(1)
    assert (verdict.verdict, verdict.accepted) == (Outcome.SENT, 25)
    assert {body["subject"] for body in sendgrid_server.bodies} == {"Corrected"}


def test_what_was_stopped_before_it_went_on_by_itself_stays_stopped(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with cut_short(by_sendgrid, sendgrid_server):
        stop(by_sendgrid.settings, 1)
        verdict = by_sendgrid.send(1, resumed=True)
    assert (verdict.verdict, verdict.reason) == (Outcome.SKIPPED, "issue 1 is not being sent")
    assert status(by_sendgrid) is IssueStatus.STOPPED


def test_what_others_sent_to_its_end_meanwhile_is_told_as_sent(newsletter: Newsletter) -> None:
    sent = newsletter.run()
    verdict = newsletter.send(1, resumed=True)
    assert (verdict.verdict, verdict.reason) == (Outcome.SKIPPED, "already sent #1")
    assert verdict.accepted == sent.accepted


def test_a_scheduled_run_first_finishes_what_a_crash_cut_short(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with cut_short(by_sendgrid, sendgrid_server):
        by_sendgrid.clock.now = SLOT + timedelta(days=7)
        by_sendgrid.run(scheduled=True)
    assert status(by_sendgrid) is IssueStatus.SENT
    assert len(sendgrid_server.delivered) == 25


def test_without_subscribers_the_issue_waits(tmp_path: Path) -> None:
    verdict = Newsletter(tmp_path).write().tell(*STORIES).run()
    assert verdict.verdict is Outcome.HELD
    assert "no active subscriber" in verdict.reason
    assert (tmp_path / "issues" / "001.md").exists()


def test_a_run_that_was_stopped_goes_on_where_it_was(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with cut_short(by_sendgrid, sendgrid_server) as first:
        second = by_sendgrid.run()
    assert (first.verdict, first.accepted) == (Outcome.FAILED, 10)
    assert (second.verdict, second.accepted) == (Outcome.SENT, 25)
    assert set(sendgrid_server.delivered.values()) == {1}


def test_a_dry_run_of_an_issue_that_is_being_sent_hands_nothing_over(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with cut_short(by_sendgrid, sendgrid_server):
        verdict = by_sendgrid.run(dry_run=True)
    assert (verdict.verdict, verdict.accepted) == (Outcome.SKIPPED, 10)
    assert "would go to 15 more" in verdict.reason
    assert sendgrid_server.delivered.total() == 10


def test_an_edit_while_sending_changes_nobodys_mail(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    with cut_short(by_sendgrid, sendgrid_server):
        draft = by_sendgrid.folder / "issues" / "001.md"
        draft.write_text("+++ broken", encoding="utf-8")
        assert by_sendgrid.run().verdict is Outcome.SENT
    contents = {str(body["content"]) for body in sendgrid_server.bodies}
    assert len(contents) == 1


def test_nothing_is_sent_while_the_unsubscribe_link_is_dead(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer
) -> None:
    reachable(by_sendgrid, "http://127.0.0.1:9", sendgrid_server)
    held = by_sendgrid.run()
    assert held.verdict is Outcome.HELD
    assert "unsubscribe link does not answer" in held.reason
    assert sendgrid_server.accepted == []
    assert by_sendgrid.run(because="moving house").verdict is Outcome.SENT


def test_a_wrong_key_fails_with_what_to_do_and_nothing_is_lost(
    by_sendgrid: Newsletter, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(by_sendgrid) as url:
        reachable(by_sendgrid, url, sendgrid_server)
        monkeypatch.setenv("SENDGRID_API_KEY", "SG.wrong")
        failed = by_sendgrid.run()
        monkeypatch.setenv("SENDGRID_API_KEY", SENDGRID_KEY)
        sent = by_sendgrid.run()
    assert failed.verdict is Outcome.FAILED
    assert "401" in failed.reason
    assert "SG.wrong" not in failed.reason
    assert (sent.verdict, sent.accepted) == (Outcome.SENT, 25)


def test_a_missing_key_is_a_settings_error(
    by_sendgrid: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDGRID_API_KEY")
    with pytest.raises(SettingsError, match="SENDGRID_API_KEY"):
        by_sendgrid.run()


def test_a_broken_draft_names_its_line_and_nothing_is_sent(newsletter: Newsletter) -> None:
    newsletter.write(newsletter='approval = "required"')
    newsletter.run()
    draft = newsletter.folder / "issues" / "001.md"
    text = draft.read_text(encoding="utf-8")
    draft.write_text(text.replace("](https://", "](ht tps://", 1), encoding="utf-8")
    verdict = newsletter.write().run()
    assert verdict.verdict is Outcome.FAILED
    assert "001.md" in verdict.reason
    assert newsletter.mails == []


def test_a_file_of_a_lost_database_is_not_taken_for_a_draft(newsletter: Newsletter) -> None:
    newsletter.run()
    for path in newsletter.folder.glob("newsletter.db*"):
        path.unlink()
    newsletter.subscribe(5)
    assert newsletter.run().issue == 2


def test_the_issue_that_a_preview_shows_is_the_one_a_run_sends(newsletter: Newsletter) -> None:
    gather_now(newsletter.settings, observer=newsletter.watcher)
    shown = desk.open_issue(newsletter.settings, None, as_of=NOW)
    newsletter.run()
    assert desk.open_issue(newsletter.settings, 1) == shown


def test_an_issue_held_past_its_slot_is_still_the_one_a_preview_shows(
    newsletter: Newsletter,
) -> None:
    newsletter.write(newsletter='approval = "required"').run()
    shown = desk.open_issue(newsletter.settings, None, as_of=SLOT + timedelta(days=30))
    assert shown.number == 1
