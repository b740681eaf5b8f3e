"""`newsletter subscribers` as it is typed: what it prints, what it leaves, how it exits."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flows.cli import newsletter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

SETTINGS = """\
[newsletter]
title = "Rocks and Rivers"
sender = "Rocks and Rivers <news@rivers.example>"
"""
AGREED = ("--consent", "signed the sheet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
    tmp_path.joinpath("newsletter.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def invoke(*words: str, code: int = 0, answer: str = "") -> Result:
        command = ["subscribers", *words, "--config", str(folder / "newsletter.toml")]
        result = CliRunner().invoke(newsletter, command, input=answer, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return invoke


def listed(run: Run, *words: str) -> list[str]:
    return [who["email"] for who in json.loads(run("list", "--json", *words).stdout)]


def test_one_person_is_added_once(run: Run) -> None:
    assert "was added" in run("add", "Ann@Rivers.example", "--name", "Ann", *AGREED).stderr
    assert "is on the list already, since" in run("add", "ann@rivers.example", *AGREED).stderr
    assert listed(run) == ["Ann@rivers.example"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "ann@@rivers.example", *AGREED), 1, "is no e-mail address"),
        (("add", "ann@rivers.example"), 2, "--consent"),
        (("add", "ann@rivers.example", "--consent", " "), 2, "say how they agreed"),
        (("remove", "ann@rivers.example"), 1, "ann@rivers.example is not on the list"),
        (("show", "ann@rivers.example"), 1, "is not on the list"),
        (("import", "people.csv"), 2, "--consent"),
        (("import", "people.csv", *AGREED), 1, "people.csv: cannot be read: No such file"),
        (("list", "--status", "gone"), 2, "active"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    result = run(*words, code=code)
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_removing_twice_is_the_same_as_once(run: Run) -> None:
    run("add", "ann@rivers.example", *AGREED)
    assert "is unsubscribed" in run("remove", "ANN@rivers.example").stderr
    assert "nothing changed" in run("remove", "ann@rivers.example").stderr
    assert listed(run, "--status", "unsubscribed") == ["ann@rivers.example"]
    assert listed(run, "--status", "active") == []


def test_whoever_left_comes_back_by_their_own_wish_only(run: Run) -> None:
    run("add", "ann@rivers.example", *AGREED)
    run("remove", "ann@rivers.example")
    assert "--again" in run("add", "ann@rivers.example", *AGREED, code=1).stderr
    assert listed(run, "--status", "active") == []
    assert "on the list again" in run("add", "ann@rivers.example", "--again", *AGREED).stderr
    assert listed(run, "--status", "active") == ["ann@rivers.example"]


def test_an_import_tells_every_row_that_was_not_added(run: Run, folder: Path) -> None:
    run("add", "left@rivers.example", *AGREED)
    run("remove", "left@rivers.example")
    people = folder / "people.csv"
    people.write_text(
        "email,name,shoe size\nann@rivers.example,Ann,38\nleft@rivers.example,,\nbad,,\n",
        encoding="utf-8",
    )
    told = run("import", "people.csv", *AGREED).stderr
    assert "Passed over the columns shoe size." in told
    assert "line 3: kept out: left@rivers.example: unsubscribed on" in told
    assert "line 4: refused: 'bad' is no e-mail address" in told
    assert "Imported people.csv: 1 added, 0 already there, 1 kept out, 1 refused." in told
    assert not people.with_name("people.csv.refused.csv").exists()


def test_an_import_as_json_is_data_for_scripts(run: Run, folder: Path) -> None:
    folder.joinpath("people.csv").write_text("email,x\nann@rivers.example,\nbad,\n", "utf-8")
    assert json.loads(run("import", "people.csv", "--json", *AGREED).stdout) == {
        "file": "people.csv",
        "dry_run": False,
        "added": 1,
        "already_there": 0,
        "kept_out": 0,
        "refused": 1,
        "ignored_columns": ["x"],
        "rows": [
            {
                "line": 3,
                "email": "bad",
                "fate": "refused",
                "reason": "'bad' is no e-mail address: an email address must have an @-sign",
            }
        ],
    }


def test_many_bad_rows_are_told_in_a_file(run: Run, folder: Path) -> None:
    rows = "".join(f"bad{number}\n" for number in range(50))
    folder.joinpath("people.csv").write_text(f"email\n{rows}good@rivers.example\n", "utf-8")
    told = run("import", "people.csv", *AGREED).stderr
    assert told.count("refused: 'bad") == 20
    assert "and 30 more; all of them are in people.csv.refused.csv" in told
    with folder.joinpath("people.csv.refused.csv").open(newline="") as file:
        report = list(csv.DictReader(file))
    assert [row["line"] for row in report] == [str(number) for number in range(2, 52)]
    assert listed(run) == ["good@rivers.example"]


def test_many_bad_rows_are_all_told_where_no_file_can_be_written(run: Run, folder: Path) -> None:
    rows = "".join(f"bad{number}\n" for number in range(50))
    folder.joinpath("people.csv").write_text(f"email\n{rows}", encoding="utf-8")
    folder.joinpath("people.csv.refused.csv").mkdir()
    assert run("import", "people.csv", *AGREED).stderr.count("refused: 'bad") == 50


def test_a_dry_run_adds_nobody(run: Run, folder: Path) -> None:
    folder.joinpath("people.csv").write_text("email\nann@rivers.example\n", encoding="utf-8")
    told = run("import", "people.csv", "--dry-run", *AGREED).stderr
    assert "Nobody was added yet; an import would give: 1 added" in told
    assert listed(run) == []


def test_an_encoding_can_be_named(run: Run, folder: Path) -> None:
    folder.joinpath("people.csv").write_bytes("email,name\nz@rivers.example,Zoë".encode("latin-1"))
    assert "windows-1252" in run("import", "people.csv", *AGREED, code=1).stderr
    run("import", "people.csv", "--encoding", "windows-1252", *AGREED)
    assert "Zoë" in run("list").stdout


def test_the_list_is_data_and_the_counts_are_narration(run: Run) -> None:
    run("add", "ann@rivers.example", "--name", "Ann", *AGREED)
    result = run("list")
    assert result.stdout.split()[:2] == ["ann@rivers.example", "active"]
    assert result.stderr == "0 pending, 1 active, 0 unsubscribed, 0 suppressed\n"
    assert json.loads(run("list", "--status", "pending", "--json").stdout) == []


def test_an_export_goes_to_stdout_or_a_file_for_its_owner(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", "--name", "=1+1", *AGREED)
    stdout = run("export").stdout
    assert stdout.splitlines()[0] == "email,name,status,created_at,consent"
    assert stdout.splitlines()[1].startswith("ann@rivers.example,'=1+1,active,")
    run("export", "--output", "out.csv")
    out = folder / "out.csv"
    assert out.read_text(encoding="utf-8") == stdout
    assert out.stat().st_mode & 0o777 == 0o600


def test_an_export_that_cannot_be_written_is_one_sentence(run: Run) -> None:
    assert "nowhere" in run("export", "--output", "nowhere/out.csv", code=1).stderr


def test_one_person_is_shown_with_what_they_agreed_to(run: Run) -> None:
    run("add", "ann@rivers.example", *AGREED)
    run("remove", "ann@rivers.example")
    assert "(subscribers add): signed the sheet" in run("show", "ann@rivers.example").stdout
    told = json.loads(run("show", "ann@rivers.example", "--json").stdout)
    assert [record["action"] for record in told["consents"]] == ["added", "unsubscribed"]


def test_forgetting_asks_first_and_then_keeps_them_out(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", *AGREED)
    run("forget", "ann@rivers.example", answer="n\n", code=130)
    assert listed(run) == ["ann@rivers.example"]
    assert "is forgotten" in run("forget", "ann@rivers.example", answer="y\n").stderr
    assert listed(run) == []
    assert "Nothing was held" in run("forget", "ann@rivers.example", "--yes").stderr
    folder.joinpath("people.csv").write_text("email\nann@rivers.example\n", encoding="utf-8")
    assert "1 kept out" in run("import", "people.csv", *AGREED).stderr
