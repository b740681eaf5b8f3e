"""What an editor may do to an issue's file, and what is said of it: nothing sent, nothing lost."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flows.errors import IssueError, IssueState, NewsletterError
from flows.models import Outcome
from flows.pipeline import approval, desk
from flows.pipeline.edits import late_edit
from flows.pipeline.reading import files_of, read_issue
from flows.pipeline.stores import open_store
from flows.store import issues
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return (
        Newsletter(tmp_path).write(newsletter='approval = "required"').tell(*STORIES).subscribe(2)
    )


@pytest.fixture
def draft(newsletter: Newsletter) -> Path:
    newsletter.run()
    return newsletter.folder / "issues" / "001.md"


LINK = "[Three ways to drain a node](https://harbour.example.com/blog/three-ways-to-drain-a-node/)"
BROKEN = {
    "broken front matter": ("number = 1", "number = = 1", "the front matter is no TOML"),
    "a heading twice": ("## Worth a look", "## News\n\n## NEWS\n\n## Worth a look", "join the two"),
    "an entry without a link": (LINK, "Three ways to drain a node, told by us.", "has no link"),
    "a link with a space": (LINK, LINK.replace("three-ways", "three ways"), "has a space in it"),
    "Latin-1": ("Draining a node", "Dr\udce4ining a node", "not written in UTF-8"),
    "a merge conflict": ("## Worth a look", "<<<<<<< HEAD\n## Worth a look", "merge conflict"),
    "another issue's number": ("number = 1", "number = 41", "write 1 or rename the file"),
}


@pytest.mark.parametrize(("right", "wrong", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_with_its_line_and_neither_sent_nor_overwritten(
    newsletter: Newsletter, draft: Path, right: str, wrong: str, says: str
) -> None:
    text = draft.read_text(encoding="utf-8")
    assert right in text
    # A surrogate stands for a byte that is no UTF-8.
    draft.write_bytes(text.replace(right, wrong, 1).encode("utf-8", "surrogateescape"))
    before = draft.read_bytes()
    for step in (
        lambda: approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher),
        lambda: desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW),
    ):
        with pytest.raises(
            IssueError, match=rf"001\.md, line \d+: .*{says}[^\n]*\n    \d+ \| "
        ) as caught:
            step()
        assert caught.value.line > 0
    verdict = newsletter.send(1)
    assert verdict.verdict is Outcome.FAILED
    assert says in verdict.reason
    assert draft.read_bytes() == before
    assert newsletter.mails == []


def test_a_folder_in_an_issues_place_is_told_in_a_sentence(
    newsletter: Newsletter, draft: Path
) -> None:
    draft.unlink()
    draft.mkdir()
    for step in (
        lambda: approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher),
        lambda: desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW),
    ):
        with pytest.raises(IssueError, match=r"001\.md: cannot be read: Is a directory"):
            step()
    assert "001.md: cannot be read" in newsletter.send(1).reason


def test_a_file_that_nobody_drafted_is_named(newsletter: Newsletter, draft: Path) -> None:
    text = draft.read_text(encoding="utf-8").replace("number = 1", "number = 3")
    draft.with_name("003.md").write_text(text, encoding="utf-8")
    told = r"issue 3: nobody drafted it, though .*003\.md is there; newsletter draft writes"
    with pytest.raises(NewsletterError, match=told):
        approval.approve_now(newsletter.settings, 3, observer=newsletter.watcher)
    assert re.match(told, newsletter.send(3).reason)
    assert newsletter.send(4).reason.startswith("issue 4: there is none; newsletter draft writes")


def test_a_number_that_was_sent_is_sent_no_second_time(newsletter: Newsletter, draft: Path) -> None:
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    assert newsletter.send(1).verdict is Outcome.SENT
    draft.write_text(draft.read_text(encoding="utf-8").replace("Draining", "Emptying"))
    before = draft.read_bytes()
    again = newsletter.send(1)
    assert "already" in again.reason
    with pytest.raises(IssueState, match="was sent"):
        approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    assert len(newsletter.mails) == 2
    assert draft.read_bytes() == before


def test_an_edit_while_sending_is_told_and_changes_nothing(
    newsletter: Newsletter, draft: Path
) -> None:
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    settings = newsletter.settings
    later = files_of(settings, 1).frozen.stat().st_mtime + 60
    with open_store(settings) as engine:
        record = issues.find(engine, 1)
    assert record is not None
    assert late_edit(settings, record) == ""
    os.utime(draft, (later, later))
    assert late_edit(settings, record) == ""
    draft.write_text(draft.read_text(encoding="utf-8").replace("Draining", "Emptying"))
    os.utime(draft, (later, later))
    assert "changed after the issue was approved" in late_edit(settings, record)
    draft.write_text("<<<<<<< HEAD\n", encoding="utf-8")
    os.utime(draft, (later, later))
    told = late_edit(settings, record)
    assert "line 1" in told
    assert told.endswith("readers get issue 1 as it was approved")


def test_an_approval_is_void_after_any_edit_and_good_again_after_the_next(
    newsletter: Newsletter, draft: Path
) -> None:
    settings, watcher = newsletter.settings, newsletter.watcher
    text = draft.read_text(encoding="utf-8")
    blocks = text.split("\n\n")
    moved = "\n\n".join([*blocks[:2], blocks[3], blocks[2], *blocks[4:]])
    draft.write_text(moved.replace("Draining a node is easy", "It is easy"), encoding="utf-8")
    newsletter.tell(("Fresh news of the day", "All about it."), when=NOW - timedelta(hours=1))
    desk.draft_now(settings, observer=watcher, as_of=NOW)
    assert "It is easy" in draft.read_text(encoding="utf-8")
    approval.approve_now(settings, 1, observer=watcher)
    draft.write_text(draft.read_text(encoding="utf-8").replace("It is easy", "How easy"))
    assert "changed since its approval" in newsletter.send(1).reason
    approval.approve_now(settings, 1, observer=watcher)
    newsletter.write(newsletter='approval = "required"\ntheme = "plain"')
    assert "changed since its approval" in newsletter.send(1).reason
    approval.approve_now(newsletter.settings, 1, observer=watcher)
    assert newsletter.send(1).verdict is Outcome.SENT


def test_a_blurb_that_its_publisher_mended_is_mended_in_the_draft(
    newsletter: Newsletter, draft: Path
) -> None:
    files = files_of(newsletter.settings, 1)
    first = draft.read_text(encoding="utf-8")
    assert files.wrote.read_text(encoding="utf-8") == first
    old = first.replace("Draining a node is easy", "Draining a knot is easy")
    for path in (draft, files.wrote):
        path.write_text(old, encoding="utf-8")
    _, drafted = desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert (drafted.added, drafted.updated) == (0, 1)
    assert draft.read_text(encoding="utf-8") == first
    assert read_issue(files) == drafted.issue


def test_a_file_that_is_drafted_again_stays_where_it_is_and_whose_it_is(
    newsletter: Newsletter, draft: Path
) -> None:
    first = draft.read_text(encoding="utf-8")
    own = newsletter.folder / "the-editors-own.md"
    for path in (own, files_of(newsletter.settings, 1).wrote):
        path.write_text(first.replace("a node is easy", "a knot is easy"), encoding="utf-8")
    own.chmod(0o660)
    draft.unlink()
    draft.symlink_to(own)
    desk.draft_now(newsletter.settings, observer=newsletter.watcher, as_of=NOW)
    assert draft.is_symlink()
    assert own.read_text(encoding="utf-8") == first
    assert own.stat().st_mode & 0o777 == 0o660
