"""An issue that waits for approval is mailed to its editor, with what to do."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from flows.pipeline import approval
from subscribers.tokens import Purpose, read
from tests.newsletters import STORIES, Newsletter

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

WAITS = 'approval = "required"\neditor = "Ed <ed@harbour.example.com>"'


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write(newsletter=WAITS).tell(*STORIES).subscribe(2)


def letters(newsletter: Newsletter) -> list[EmailMessage]:
    """The letters in the outbox, the oldest first."""
    paths = [path for path in newsletter.mails if "letters" in path.parts]
    paths.sort(key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=default) for path in paths]


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_a_held_run_mails_the_draft_to_the_editor(newsletter: Newsletter) -> None:
    verdict = newsletter.run()
    assert verdict.verdict == "held"
    [letter] = letters(newsletter)
    assert letter["To"] == "Ed <ed@harbour.example.com>"
    assert letter["Subject"].startswith("Draft of issue 1: Harbour Weekly 1")
    text = part(letter, "plain")
    assert text.startswith("Issue 1 waits for approval.")
    for line in ("newsletter preview 1", "newsletter test 1 --to", "newsletter approve 1"):
        assert line in text
    assert str(newsletter.settings.paths.issues / "001.md") in text
    assert "The check finds nothing." in text
    for title, _words in STORIES:
        assert title in text
        assert title in part(letter, "html")


def test_the_drafts_link_unsubscribes_nobody(newsletter: Newsletter) -> None:
    newsletter.run()
    [letter] = letters(newsletter)
    [link] = [line for line in part(letter, "plain").splitlines() if "/u/" in line]
    token = read(newsletter.settings.keys(), link.rpartition("/")[2])
    assert (token.purpose, token.subscriber_id) == (Purpose.TEST, 0)


def test_findings_are_told_with_their_line(newsletter: Newsletter) -> None:
    newsletter.run()
    file = newsletter.settings.paths.issues / "001.md"
    file.write_text(file.read_text().replace('subject = "', 'subject = "Re: '))
    newsletter.run()
    text = part(letters(newsletter)[-1], "plain")
    assert "- warn H12, line 4: The subject pretends to be an answer" in text


def test_an_edit_after_the_approval_is_told_as_such(newsletter: Newsletter) -> None:
    newsletter.run()
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    file = newsletter.settings.paths.issues / "001.md"
    file.write_text(file.read_text().replace('subject = "', 'subject = "New: '))
    assert newsletter.run().verdict == "held"
    text = part(letters(newsletter)[-1], "plain")
    assert text.startswith("Issue 1 was changed since its approval.")


def test_a_broken_file_is_told_by_the_verdict_alone(newsletter: Newsletter) -> None:
    newsletter.run()
    file = newsletter.settings.paths.issues / "001.md"
    file.write_text(file.read_text().replace("+++", "---", 1))
    assert newsletter.run().verdict == "failed"
    last = letters(newsletter)[-1]
    assert "line 1" in part(last, "plain")
    assert "Draft of" not in last["Subject"]


def test_what_is_sent_brings_no_draft(newsletter: Newsletter) -> None:
    newsletter.run()
    approval.approve_now(newsletter.settings, 1, observer=newsletter.watcher)
    assert newsletter.run().verdict == "sent"
    assert "sent" in letters(newsletter)[-1]["Subject"]


def test_markup_in_a_finding_stays_text(newsletter: Newsletter) -> None:
    newsletter.run()
    file = newsletter.settings.paths.issues / "001.md"
    entry = "[A <b>bold</b> word that ends](https://a.example/)\nBlog\nIt ends in the\n\n## Left"
    text = file.read_text()
    assert "## " in text
    file.write_text(text.rstrip() + f"\n\n{entry.removesuffix(chr(10) * 2 + '## Left')}\n")
    newsletter.run()
    html = part(letters(newsletter)[-1], "html")
    assert "<b>bold" not in html
