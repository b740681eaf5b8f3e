"""`newsletter subscribers` as it is typed: what it prints, what it leaves, how it exits."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from flows.cli import newsletter
from flows.store.schema import batches, deliveries, issues
from subscribers.database import open_database

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


def test_whoever_is_kept_out_has_a_way_back_that_works(run: Run, folder: Path) -> None:
    folder.joinpath("people.csv").write_text("email,status\nann@rivers.example,bounced\n", "utf-8")
    run("import", "people.csv", *AGREED)
    told = run("add", "ann@rivers.example", "--again", *AGREED, code=1).stderr
    assert "mail to it bounced" in told
    assert "`newsletter subscribers forget ann@rivers.example`" in told
    assert "is forgotten" in run("forget", "ann@rivers.example", "--yes").stderr
    told = run("add", "ann@rivers.example", *AGREED, code=1).stderr
    assert "asked to be forgotten" in told
    assert "sign up by the form" in told
    assert "--again" not in told


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
    assert "All of these are in people.csv.refused.csv." in told
    with people.with_name("people.csv.refused.csv").open(newline="") as file:
        assert [(row["line"], row["fate"]) for row in csv.DictReader(file)] == [
            ("3", "kept out"),
            ("4", "refused"),
        ]


def test_an_import_as_json_is_data_for_scripts(run: Run, folder: Path) -> None:
    folder.joinpath("people.csv").write_text("email,x\nann@rivers.example,\nbad,\n", "utf-8")
    assert json.loads(run("import", "people.csv", "--json", *AGREED).stdout) == {
        "file": "people.csv",
        "service": "",
        "dry_run": False,
        "added": 1,
        "already_there": 0,
        "kept_out": 0,
        "refused": 1,
        "doubtful": 0,
        "ignored_columns": ["x"],
        "report": "people.csv.refused.csv",
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
    assert "and 30 more" in told
    assert "All of these are in people.csv.refused.csv." in told
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
    assert stdout.splitlines()[0] == "email,name,status,created_at,consent,tags"
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


def test_why_somebody_gets_no_mail_is_shown(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", *AGREED)
    rows = "email,status\nann@rivers.example,bounced\nbob@rivers.example,complained\n"
    folder.joinpath("old.csv").write_text(rows, encoding="utf-8")
    run("import", "old.csv", *AGREED)
    shown = run("show", "ann@rivers.example").stdout
    assert re.search(r"gets no mail: mail to it bounced, on [0-9-]+ \(import old.csv: .*\)", shown)
    told = run("show", "bob@rivers.example", code=1).stderr
    assert "is not on the list; its reader reported our mail as spam, on " in told


def test_forgetting_asks_first_and_then_keeps_them_out(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", *AGREED)
    run("forget", "ann@rivers.example", answer="n\n", code=130)
    assert listed(run) == ["ann@rivers.example"]
    assert "is forgotten" in run("forget", "ann@rivers.example", answer="y\n").stderr
    assert listed(run) == []
    assert "Nothing was held" in run("forget", "ann@rivers.example", "--yes").stderr
    folder.joinpath("people.csv").write_text("email\nann@rivers.example\n", encoding="utf-8")
    assert "1 kept out" in run("import", "people.csv", *AGREED).stderr


def test_a_likely_slip_is_told_and_added_all_the_same(run: Run, folder: Path) -> None:
    assert "for gmail.com" in run("add", "ann@gmial.com", *AGREED).stderr
    folder.joinpath("people.csv").write_text("email\nbob@hotmial.com\ninfo@x.example\n", "utf-8")
    told = run("import", "people.csv", *AGREED).stderr
    assert "line 2: added: bob@hotmial.com looks like a slip of the keys for hotmail.com" in told
    assert "line 3: added: info@x.example is the address of a role, not of a person" in told
    assert "2 added (2 of them doubtful), 0 already there, 0 kept out, 0 refused." in told
    assert sorted(listed(run)) == ["ann@gmial.com", "bob@hotmial.com", "info@x.example"]


def test_tags_are_put_on_and_taken_off(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", "--tag", "Test Group", *AGREED)
    folder.joinpath("people.csv").write_text(
        'email,tags\nbob@rivers.example,"VIP, Berlin"\ncy@rivers.example,\n', "utf-8"
    )
    run("import", "people.csv", "--tag", "meetup", *AGREED)
    assert listed(run, "--tag", "test-group") == ["ann@rivers.example"]
    assert listed(run, "--tag", "meetup") == ["bob@rivers.example", "cy@rivers.example"]
    assert listed(run, "--tag", "berlin") == ["bob@rivers.example"]
    assert "2 more" in run("tag", "vip", "ann@rivers.example", "cy@rivers.example").stderr
    assert "0 more" in run("tag", "VIP", "ann@rivers.example").stderr
    assert "1 fewer" in run("untag", "vip", "bob@rivers.example").stderr
    assert listed(run, "--tag", "vip") == ["ann@rivers.example", "cy@rivers.example"]
    assert listed(run, "--tag", "vip", "--status", "pending") == []
    assert "no tag" in run("tag", "!!", "ann@rivers.example", code=2).stderr


def test_all_that_is_held_on_somebody_comes_as_json(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", "--name", "Ann", "--tag", "team", *AGREED)
    held = json.loads(run("export", "Ann@Rivers.example").stdout)
    assert held["subscriber"]["email"] == "ann@rivers.example"
    assert held["tags"] == ["team"]
    assert [record["text"] for record in held["consents"]] == ["signed the sheet"]
    assert (held["deliveries"], held["letters"], held["suppression"]) == ([], [], None)
    run("export", "ann@rivers.example", "--output", "ann.json")
    assert json.loads((folder / "ann.json").read_text(encoding="utf-8")) == held
    assert (folder / "ann.json").stat().st_mode & 0o777 == 0o600
    run("forget", "ann@rivers.example", "--yes")
    left = json.loads(run("export", "ann@rivers.example").stdout)
    assert left["subscriber"] is None
    assert left["suppression"]["key"].startswith("sha256:")
    assert "ann" not in json.dumps(left)
    assert "nothing is held" in run("export", "bob@rivers.example", code=1).stderr


def test_forgetting_takes_the_mails_in_the_outbox_with_it(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", *AGREED)
    for name in ("042/000001.eml", "042/000002.eml", "letters/x.eml", "letters/y.eml"):
        path = folder / "outbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        who = "bob" if "y" in name else "ann"
        path.write_bytes(f"To: {who.title()} <{who}@rivers.example>\r\n\r\nx".encode())
    assert "2 mails in the outbox" in run("forget", "ann@rivers.example", "--yes").stderr
    left = sorted(path.name for path in (folder / "outbox").rglob("*.eml"))
    assert left == ["000002.eml", "y.eml"]


def test_nothing_readable_is_left_in_any_file_of_the_database(run: Run, folder: Path) -> None:
    run("add", "ann@rivers.example", "--name", "Annabel", *AGREED)
    run("tag", "team", "ann@rivers.example")
    (folder / "backups").mkdir()
    (folder / "backups" / "x.db").touch()
    engine = open_database(f"sqlite:///{folder / 'newsletter.db'}")
    said = "550 no such user <ann@rivers.example>"
    with engine.begin() as connection:
        connection.execute(insert(issues).values(number=7, status="sent"))
        batch = {"id": 1, "issue": 7, "status": "accepted", "size": 0, "owner": "x"}
        now = datetime(2026, 11, 23, 8, tzinfo=UTC)
        connection.execute(insert(batches).values(**batch, handed_over_at=now, reason=said))
        row = {"issue": 7, "subscriber_id": 1, "status": "refused", "batch_id": 1, "reason": said}
        connection.execute(insert(deliveries).values(row))
    # It stays open as that of a web app does: the log is not emptied by its end.
    assert "in backups/ hold is left" in run("forget", "ann@rivers.example", "--yes").stderr
    left = b"".join(path.read_bytes() for path in folder.glob("newsletter.db*"))
    engine.dispose()
    assert b"sha256:" in left
    assert b"ann@rivers" not in left
    assert b"Annabel" not in left


def test_the_figures_are_told_as_tables_and_as_data(run: Run) -> None:
    run("add", "ann@rivers.example", "--tag", "team", *AGREED)
    run("add", "bob@rivers.example", *AGREED)
    run("remove", "bob@rivers.example")
    told = run("stats").stdout
    assert "0 pending, 1 active, 1 unsubscribed" in told
    assert "subscribers add" in told
    found = json.loads(run("stats", "--json").stdout)
    assert (found["active"], found["tags"], len(found["weeks"])) == (1, {"team": 1}, 26)
    assert found["weeks"][-1] | {"monday": ""} == {"monday": "", "came": 2, "left": 1, "total": 1}
    assert found["sources"] == [{"name": "subscribers add", "people": 2, "active": 1}]
