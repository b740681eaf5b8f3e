"""The editor's own program for blurbs: asked, limited, marked, and never relied on."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from flows.edit.redraft import PROGRAM_NOTE
from flows.models import Entry
from flows.pipeline import approval, desk
from flows.pipeline.blurbs import Answer, Program, ask, marked
from flows.pipeline.gathering import gather_now
from tests.newsletters import NOW, STORIES, Newsletter

if TYPE_CHECKING:
    from pathlib import Path

STORY = {"title": "Dry ropes", "text": "Ropes rot."}


def program(folder: Path, code: str, *, seconds: float = 20) -> Program:
    return Program(command=(sys.executable, "-c", code), seconds=seconds, folder=folder)


def test_a_program_is_told_the_story_and_prints_the_blurb(tmp_path: Path) -> None:
    code = "import json, sys; print('Of', json.load(sys.stdin)['title'] + '.')"
    assert ask(program(tmp_path, code), STORY, seconds=20) == Answer(text="Of Dry ropes.")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise SystemExit(3)", "it ended with exit code 3"),
        (
            r"import sys; sys.stdout.buffer.write(b'\xf6l on ropes.')",
            "what it printed is not in UTF-8",
        ),
        ("import os; os.kill(os.getpid(), 9)", "it ended with exit code -9"),
        ("raise KeyError('text')", "it ended with exit code 1: KeyError: 'text'"),
        (
            "import sys; sys.stderr.write('no key is set  \\n\\n'); raise SystemExit(2)",
            "it ended with exit code 2: no key is set",
        ),
    ],
)
def test_a_program_that_fails_says_how(tmp_path: Path, code: str, problem: str) -> None:
    assert ask(program(tmp_path, code), STORY, seconds=20).problem == problem


def test_a_program_has_its_time_and_no_more(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], stdin=None)"
    slow = "import time; time.sleep(60)"
    began = time.monotonic()
    answer = ask(program(tmp_path, slow), STORY, seconds=0.3)
    assert answer.problem == "it took longer than 0.3 s"
    assert time.monotonic() - began < 20
    assert not ask(program(tmp_path, code), STORY, seconds=0).text


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = Program(command=(str(tmp_path / "nobody"),), seconds=1, folder=tmp_path)
    assert "cannot be started" in ask(missing, STORY, seconds=1).problem


def test_a_program_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWSLETTER_KEYS"):
        monkeypatch.setenv(name, "hunter22")
    code = "import os; print('seen' if 'hunter22' in os.environ.values() else 'clean')"
    assert ask(program(tmp_path, code), STORY, seconds=20).text == "clean"


ENTRY = Entry(
    title="Dry ropes hold", url="https://a.example/1", blurb="Own words.", notes=("why: x",)
)


def test_what_a_program_wrote_is_marked_and_the_publishers_words_are_offered(
    tmp_path: Path,
) -> None:
    found = marked(ENTRY, Answer(text="A *rope* that is dry lives longer."), program(tmp_path, ""))
    assert found.blurb == r"A \*rope\* that is dry lives longer."
    assert found.notes[0].startswith("draft: written by python")
    assert found.notes[1:] == ("or: Own words.", "why: x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it printed nothing"),
        ("dry ropes hold", "says no more than the title"),
        ("Dry ropes hold.", "says no more than the title"),
        ("A text that never ends", "has no whole sentences of 5 to 65 words"),
        ("word " * 90 + "end.", "has no whole sentences of 5 to 65 words"),
    ],
    ids=["nothing", "the title", "the title again", "a scrap", "too long"],
)
def test_what_is_no_blurb_leaves_the_publishers_words_and_says_why(
    tmp_path: Path, text: str, problem: str
) -> None:
    found = marked(ENTRY, Answer(text=text), program(tmp_path, ""))
    assert found.blurb == "Own words."
    assert found.notes[-1].endswith(problem)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("bin/summarise", "--model", "small"), "summarise"),
        (("/usr/bin/python3.11", "-u", "tools/blurb.py"), "blurb.py"),
        (("python3", "-m", "tools.blurb"), "python3"),
        (("bash", "-c", "cat"), "bash"),
        (("node", "blurb.js"), "blurb.js"),
    ],
)
def test_the_notes_name_the_script_and_not_who_runs_it(
    tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    assert Program(command=command, seconds=1, folder=tmp_path).name == name


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path).write().tell(*STORIES)
    script = tmp_path / "blurb.py"
    script.write_text(
        "import json, sys\n"
        "story = json.load(sys.stdin)\n"
        "print('Somebody else tells about', story['source'], 'and its news in this sentence.')\n",
        encoding="utf-8",
    )
    file = tmp_path / "newsletter.toml"
    setting = f'\n[edit]\nblurb_command = "{sys.executable} blurb.py"\nblurb_timeout = "30s"\n'
    file.write_text(file.read_text(encoding="utf-8") + setting, encoding="utf-8")
    return made


def test_a_draft_has_the_programs_blurbs_and_the_check_asks_to_read_them(
    newsletter: Newsletter,
) -> None:
    settings, watcher = newsletter.settings, newsletter.watcher
    gather_now(settings, observer=watcher)
    _record, drafted = desk.draft_now(settings, observer=watcher, as_of=NOW)
    assert {entry.blurb for entry in drafted.issue.entries} == {
        "Somebody else tells about Harbour Blog and its news in this sentence."
    }
    issue = approval.approve_now(settings, 1, observer=watcher)
    assert all(entry.notes[0].startswith("draft: ") for entry in issue.entries)
    assert "4 blurbs by a program, read by nobody yet." in watcher.said
    newsletter.subscribe(1).run()
    assert watcher.said.count("4 blurbs by a program, read by nobody yet.") == 2


def test_a_program_that_failed_is_asked_again_for_what_nobody_touched(
    newsletter: Newsletter,
) -> None:
    settings, watcher = newsletter.settings, newsletter.watcher
    script = newsletter.folder / "blurb.py"
    works = script.read_text(encoding="utf-8")
    script.write_text("raise SystemExit('no key is set')", encoding="utf-8")
    gather_now(settings, observer=watcher)
    _, drafted = desk.draft_now(settings, observer=watcher, as_of=NOW)
    edited, *others = drafted.issue.entries
    failure = f"{PROGRAM_NOTE}blurb.py: it ended with exit code 1: no key is set"
    assert all(failure in entry.notes for entry in drafted.issue.entries)
    file = newsletter.folder / "issues" / "001.md"
    text = file.read_text(encoding="utf-8").replace(edited.blurb, "In my own words it holds.")
    file.write_text(text, encoding="utf-8")
    _, drafted = desk.draft_now(settings, observer=watcher, as_of=NOW)
    assert file.read_text(encoding="utf-8") == text
    script.write_text(works, encoding="utf-8")
    _, drafted = desk.draft_now(settings, observer=watcher, as_of=NOW)
    mine, *written = drafted.issue.entries
    assert (mine.blurb, failure in mine.notes) == ("In my own words it holds.", True)
    assert {entry.blurb for entry in written} == {
        "Somebody else tells about Harbour Blog and its news in this sentence."
    }
    for before, entry in zip(others, written, strict=True):
        assert entry.notes[0].startswith("draft: written by blurb.py")
        assert f"or: {before.blurb}" in entry.notes
        assert failure not in entry.notes
    again = file.read_text(encoding="utf-8")
    desk.draft_now(settings, observer=watcher, as_of=NOW)
    assert file.read_text(encoding="utf-8") == again
