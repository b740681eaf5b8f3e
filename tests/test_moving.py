"""A newsletter that moves here: its past issues are history, and it goes on counting."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from flows.cli import newsletter as command
from flows.pipeline.stores import open_store
from flows.pipeline.why import Standing, explain
from flows.store.history import ran_by_issue
from tests.mere_owner import as_mere_owner
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

RAN = "https://harbour.example.com/blog/three-ways-to-drain-a-node/"
FRONT = "---\nissue: 41\n---\n"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    return Newsletter(tmp_path).write().tell(*STORIES)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    (folder / "2020").mkdir(parents=True)
    (folder / "one.md").write_text(f"{FRONT}[Three ways to drain a node]({RAN})", "utf-8")
    page = f'<a href="{RAN}?utm_source=w">Read more</a> <a href="https://b.example/x">Other</a>'
    (folder / "2020" / "issue-7.html").write_text(f"<html>{page}</html>", "utf-8")
    (folder / "empty.md").write_text("Nothing here.", "utf-8")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.md").write_text(f"[Hidden]({RAN})", "utf-8")
    return folder


def call(newsletter: Newsletter, *arguments: str) -> Result:
    config = str(newsletter.folder / "newsletter.toml")
    return CliRunner().invoke(command, ["history", *arguments, "--config", config])


def remembered(newsletter: Newsletter) -> dict[int, int]:
    with open_store(newsletter.settings) as engine:
        return ran_by_issue(engine)


def test_a_folder_becomes_history_and_each_file_is_told(
    newsletter: Newsletter, archive: Path
) -> None:
    result = call(newsletter, "import", str(archive), "--issue-from-name")
    assert result.exit_code == 0, result.output
    assert f"#7            2 links  {archive / '2020' / 'issue-7.html'}" in result.stdout
    assert f"#41           1 links  {archive / 'one.md'}" in result.stdout
    assert f"{archive / 'empty.md'}  no link in it" in result.stdout
    assert "3 files, 3 links: 3 are new to the history, 0 were there already." in result.stderr
    assert "Passed over 1 files" in result.stderr
    assert remembered(newsletter) == {41: 1, 7: 2}


def test_importing_again_changes_nothing(newsletter: Newsletter, archive: Path) -> None:
    call(newsletter, "import", str(archive))
    before = remembered(newsletter)
    result = call(newsletter, "import", str(archive), "--json")
    told = json.loads(result.stdout)
    assert (told["links"], told["new"], told["passed_over"]) == (3, 0, 1)
    assert remembered(newsletter) == before


def test_what_ran_elsewhere_does_not_run_here_and_the_numbers_go_on(
    newsletter: Newsletter, archive: Path
) -> None:
    newsletter.subscribe(2)
    call(newsletter, "import", str(archive))
    verdict = newsletter.run()
    assert (verdict.issue, verdict.entries) == (42, len(STORIES) - 1)
    draft = (newsletter.folder / "issues" / "042.md").read_text("utf-8")
    assert "<!-- left out: ran in #41: same address -->" in draft


def test_an_issue_without_a_number_still_counts(newsletter: Newsletter, archive: Path) -> None:
    newsletter.subscribe(2)
    (archive / "one.md").write_text(RAN, "utf-8")
    result = call(newsletter, "import", str(archive / "one.md"))
    assert "no number" in result.stdout
    assert "--issue-from-name takes it" in result.stderr
    assert newsletter.run().issue == 1
    draft = (newsletter.folder / "issues" / "001.md").read_text("utf-8")
    assert "<!-- left out: ran in a past issue: same address -->" in draft


def test_why_knows_what_was_imported(newsletter: Newsletter, archive: Path) -> None:
    call(newsletter, "import", str(archive), "--issue-from-name")
    answer = explain(newsletter.settings, "https://b.example/x", now=NOW)
    assert (answer.standing, answer.sentence) == (
        Standing.SENT,
        "ran in #7, which was imported",
    )
    assert explain(newsletter.settings, "other", now=NOW).known.subject.url == "https://b.example/x"


def test_a_number_that_is_taken_here_is_not_given_twice(
    newsletter: Newsletter, archive: Path
) -> None:
    newsletter.subscribe(2).run()
    (archive / "one.md").write_text(f"{FRONT.replace('41', '1')}https://c.example/y", "utf-8")
    result = call(newsletter, "import", str(archive / "one.md"))
    assert "#1 is an issue of this newsletter already" in result.stdout
    assert remembered(newsletter)[0] == 1


def test_importing_our_own_issues_adds_nothing_that_ran(newsletter: Newsletter) -> None:
    newsletter.subscribe(2).run()
    before = remembered(newsletter)
    result = call(newsletter, "import", str(newsletter.folder / "issues"), "--json")
    told = json.loads(result.stdout)
    assert ([file["issue"] for file in told["files"]], told["new"]) == ([1], 0)
    assert remembered(newsletter) == before


def test_the_list_says_what_ran_where(newsletter: Newsletter, archive: Path) -> None:
    newsletter.subscribe(2)
    call(newsletter, "import", str(archive))
    newsletter.clock.go_on(timedelta(minutes=1))
    newsletter.run()
    told = json.loads(call(newsletter, "list", "--json").stdout)
    assert [(one["issue"], one["imported"]) for one in told] == [
        (42, False),
        (41, True),
        (None, True),
    ]
    words = call(newsletter, "list").stdout
    assert "sent 2026-11-25 09:01 UTC" in words
    assert "no number" in words


@pytest.mark.parametrize("name", ["nowhere", "pictures"])
def test_what_cannot_be_imported_is_one_sentence(newsletter: Newsletter, name: str) -> None:
    (newsletter.folder / "pictures").mkdir()
    (newsletter.folder / "pictures" / "a.png").write_bytes(b"\x89PNG")
    result = call(newsletter, "import", str(newsletter.folder / name))
    assert result.exit_code == 1
    assert "there is no" in result.stderr


def test_a_file_that_cannot_be_read_is_told_not_fatal(
    newsletter: Newsletter, archive: Path
) -> None:
    (archive / "one.md").chmod(0)
    result = as_mere_owner(lambda: call(newsletter, "import", str(archive)))
    assert result.exit_code == 0
    assert "it cannot be read: Permission denied" in result.stdout
