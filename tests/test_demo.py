from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from flows.cli.demo_report import report
from flows.demo.folder import furnish, open_folder
from flows.edit.issue_file import write
from flows.models import Entry, FeedState, Issue, Outcome, Section, Verdict
from flows.pipeline.reading import files_of
from flows.pipeline.stores import open_store
from flows.settings import load
from flows.store.feeds import save_state

if TYPE_CHECKING:
    from flows.settings import Settings

ISSUE = Issue(
    number=1,
    date=datetime(2026, 11, 23, tzinfo=UTC).date(),
    subject="Platform Weekly 1",
    sections=(
        Section(
            name="Kubernetes",
            entries=(
                Entry(
                    title="A new release",
                    url="https://a.example/1",
                    source="A",
                    notes=("why: A, 23 Nov; also in B, C; score 2.4",),
                ),
            ),
        ),
    ),
    left_over=(
        Entry(title="One", url="https://a.example/one", notes=("left out: over the limit",)),
        Entry(title="Two", url="https://a.example/two", notes=("left out: over the limit",)),
        Entry(
            title="Contact us",
            url="https://a.example/contact/",
            source="A",
            notes=("left out: not an article (path /contact/)",),
        ),
    ),
)
SENT = Verdict(
    verdict=Outcome.SENT,
    reason="sent to 25",
    issue=1,
    items=5,
    stories=3,
    entries=1,
    intended=25,
    accepted=25,
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path, now: datetime) -> Settings:
    folder = open_folder(tmp_path / "demo" / "newsletter.toml", now=now)
    furnish(folder, port=1234)
    return load(folder.settings_file)


@pytest.fixture
def sent(settings: Settings, now: datetime) -> Settings:
    files = files_of(settings, 1)
    files.folder.mkdir(parents=True)
    files.draft.write_text(write(ISSUE), encoding="utf-8")
    outbox = settings.paths.outbox / "001"
    outbox.mkdir(parents=True)
    (outbox / "1.eml").write_text("", encoding="utf-8")
    failed = FeedState(url=settings.feeds[-1].url, asked_at=now, error="answered 404")
    with open_store(settings) as engine:
        save_state(engine, failed)
    return settings


@pytest.mark.parametrize(
    "told",
    [
        "10 asked, 9 with news, 1 failed",
        "The Old Rack: answered 404",
        "3; 2 items tell a story that another tells too",
        "A new release: also in B, C",
        "1: 1 Kubernetes",
        "2 entries: over the limit",
        "Contact us: not an article (path /contact/)",
        "25 of 25 put into the outbox",
        "1 mails (.eml)",
        "newsletter preview 1",
        "newsletter run",
    ],
)
def test_the_report_tells_what_happened_and_what_to_type(sent: Settings, told: str) -> None:
    assert told in report(sent, SENT)


def test_the_report_names_files_that_one_can_open(
    sent: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sent.folder.parent)
    lines = report(sent, SENT).splitlines()
    assert any(line.startswith("  demo/issues/001.md ") for line in lines)
    assert any(line.startswith("  demo/issues/001/mail.html ") for line in lines)


def test_a_second_demo_is_told_that_nobody_is_mailed_twice(settings: Settings) -> None:
    again = Verdict(verdict=Outcome.SKIPPED, reason="already sent #1", issue=1)
    text = report(settings, again)
    assert "already sent #1" in text
    assert "never sent again" in text
    assert "to begin afresh" in text


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("NEWSLETTER_SENDING__TRANSPORT", "smtp", "the demo mails nobody"),
        ("NEWSLETTER_DATABASE__URL", "sqlite:////elsewhere/real.db", "not the demo's own"),
    ],
)
def test_the_demo_refuses_to_reach_anything_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(newsletter, ["demo", str(tmp_path / "demo")])
    assert result.exit_code == 2
    assert told in result.stderr
    assert name in result.stderr


def test_the_demo_leaves_a_folder_with_something_else_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(newsletter, ["demo", str(tmp_path)])
    assert result.exit_code == 1
    assert "something else" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
# The sample feeds are dated by the day of the demo, and a score goes by the hour.
DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]{2}\b|(?<=score )\d\.\d")


def shown_in_readme() -> list[str]:
    """Return what the README's first example shows, but for commands and what it leaves out."""
    [example] = re.findall(r"```\n(\$ newsletter demo\n.*?)```", README, re.DOTALL)
    lines = [line for line in DAY.sub("DAY", example).splitlines() if not line.startswith("$")]
    return [part.strip(" ->") for line in lines for part in re.split(r" …|^…", line) if part]


@pytest.mark.prefect
def test_the_demo_sends_once_to_all_25_and_says_so_when_run_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "demo", "trial"]
    first, second = (
        subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240
        )
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert "25 of 25 put into the outbox" in first.stdout
    assert len([*(tmp_path / "trial" / "outbox").rglob("*.eml")]) == 25
    issue = (tmp_path / "trial" / "issues" / "001.md").read_text(encoding="utf-8")
    seen = DAY.sub("DAY", f"{first.stderr}\n{first.stdout}\n{issue}")
    assert [part for part in shown_in_readme() if part not in seen] == []
    assert second.returncode == 0, second.stderr
    assert "already sent #1" in second.stdout
    assert len([*(tmp_path / "trial" / "outbox").rglob("*.eml")]) == 25
