from __future__ import annotations

import json
import resource
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flows.cli import COMMANDS, Commands, newsletter
from flows.cli.options import (
    as_of_option,
    config_option,
    json_option,
    load_settings,
    parse_moment,
    rfc3339,
    show_json,
    since_option,
)
from flows.errors import NewsletterError, SettingsError
from flows.models import Outcome

if TYPE_CHECKING:
    from pathlib import Path

# What a command's help must not pay for.
HEAVY = ("prefect", "sqlalchemy", "pydantic", "httpx", "premailer")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


def imported_by(arguments: list[str], cwd: Path) -> set[str]:
    code = (
        "import os, sys\n"
        f"os.chdir({str(cwd)!r})\n"
        "from flows.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print('modules', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split()[1:])


def command(name: str) -> click.Command:
    found = newsletter.get_command(click.Context(newsletter), name)
    assert found is not None
    return found


def failing(error: BaseException) -> click.Group:
    """A group with one command, which raises."""

    @click.group(cls=Commands)
    def group() -> None:
        """Fail."""

    @click.command()
    @json_option
    def fail(*, as_json: bool) -> None:  # noqa: ARG001 - the option is what counts
        raise error

    group.get_command = lambda ctx, cmd_name: fail  # type: ignore[method-assign]  # noqa: ARG005 - a table of one
    return group


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_loads_and_helps(name: str) -> None:
    assert command(name).help


def commands_with_their_own() -> list[tuple[str, click.Command]]:
    found = []
    for name in COMMANDS:
        loaded = command(name)
        if isinstance(loaded, click.Group):
            found += [(f"{name} {inner}", loaded.commands[inner]) for inner in loaded.commands]
        else:
            found.append((name, loaded))
    return found


def test_every_command_takes_config() -> None:
    without = [
        name
        for name, found in commands_with_their_own()
        if not any("--config" in parameter.opts for parameter in found.params)
    ]
    assert without == []


def test_every_option_is_explained() -> None:
    unexplained = [
        f"{name} {parameter.opts[0]}"
        for name, found in commands_with_their_own()
        for parameter in found.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert unexplained == []


def test_help_lists_the_commands_in_the_order_of_the_work() -> None:
    told = CliRunner().invoke(newsletter, ["--help"]).output
    places = [told.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(newsletter, ["--version"]).output.startswith("newsletter ")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported_by(["--help"], tmp_path).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_commands_help_imports_prefect(name: str, tmp_path: Path) -> None:
    assert "prefect" not in imported_by([name, "--help"], tmp_path)


def test_a_preview_of_the_sample_imports_neither_prefect_nor_the_database(tmp_path: Path) -> None:
    modules = imported_by(["preview", "--sample", "--output", "sample.html"], tmp_path)
    assert (tmp_path / "sample.html").stat().st_size > 0
    assert modules.isdisjoint({"prefect", "sqlalchemy"})


@pytest.mark.parametrize("name", ["gather", "draft", "status", "feeds status"])
def test_what_makes_no_mail_loads_nothing_that_does(name: str, tmp_path: Path) -> None:
    text = '[newsletter]\ntitle = "Weekly"\nsender = "Weekly <weekly@letters.example>"\n'
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    modules = imported_by(name.split(), tmp_path)
    heavy = {"premailer", "jinja2", "markdown_it", "feedparser", "email_validator", "prefect"}
    assert modules.isdisjoint(heavy)


def test_no_driver_of_a_database_is_loaded_that_is_not_in_use() -> None:
    """SQLAlchemy loads all of a dialect's at its first mention: in a table's definition, say."""
    tables = "import flows.store.schema, subscribers.schema"
    told = run_python(f"{tables}, sys\nprint('sqlalchemy.dialects.postgresql' in sys.modules)")
    assert told.stdout == "False\n", told.stderr


def test_help_takes_less_than_three_tenths_of_a_second() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_python("from flows.cli import main; main(['--help'])")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (NewsletterError("a: it went wrong"), 1, "newsletter: a: it went wrong\n"),
        (SettingsError("b: it is set wrong"), 2, "newsletter: b: it is set wrong\n"),
        (
            PermissionError(13, "Permission denied", "/x"),
            1,
            (
                "newsletter: /x: Permission denied; "
                "name another place, or give yourself the right to this one\n"
            ),
        ),
        (
            FileExistsError(17, "It exists", "/x"),
            1,
            "newsletter: /x: It exists; name another place\n",
        ),
        (KeyboardInterrupt(), 130, "newsletter: interrupted\n"),
        (click.Abort(), 130, "newsletter: interrupted\n"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_an_exit_code(
    error: BaseException, code: int, told: str
) -> None:
    result = CliRunner().invoke(failing(error), ["fail"])
    assert (result.exit_code, result.stderr, result.stdout) == (code, told, "")


def test_with_json_the_error_is_also_data() -> None:
    result = CliRunner().invoke(failing(NewsletterError("it went wrong")), ["fail", "--json"])
    assert json.loads(result.stdout) == {"error": "it went wrong"}
    assert result.exit_code == 1


@pytest.mark.parametrize("command", [["run"], ["send", "1"]])
def test_wrong_settings_are_a_failed_verdict_in_json(command: list[str], tmp_path: Path) -> None:
    missing = ["--config", str(tmp_path / "no.toml"), "--json"]
    result = CliRunner().invoke(newsletter, [*command, *missing])
    verdict = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (verdict["verdict"], verdict["issue"], verdict["entries"]) == ("failed", None, 0)
    assert "there is no such file" in verdict["reason"]


def test_a_bug_shows_itself() -> None:
    result = CliRunner().invoke(failing(ZeroDivisionError()), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_an_error_of_the_system_without_a_file_is_a_bug() -> None:
    result = CliRunner().invoke(failing(PermissionError("no")), ["fail"])
    assert isinstance(result.exception, PermissionError)


@pytest.mark.parametrize("arguments", [["nonsense"], ["init", "--nonsense"]])
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(newsletter, arguments).exit_code == 2


def test_a_mistyped_command_is_told_the_nearest() -> None:
    assert "did you mean 'preview'" in CliRunner().invoke(newsletter, ["previw"]).stderr


def test_missing_settings_are_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(newsletter, ["gather", "--config", str(tmp_path / "no.toml")])
    assert result.exit_code == 2
    assert "there is no such file" in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-12-19", datetime(2024, 12, 19, tzinfo=UTC)),
        ("2024-12-19T12:00Z", datetime(2024, 12, 19, 12, tzinfo=UTC)),
        ("2024-12-19T12:00:30+02:00", datetime(2024, 12, 19, 10, 0, 30, tzinfo=UTC)),
        ("2024-12-19 12:00", datetime(2024, 12, 19, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_date_or_a_time(text: str, expected: datetime) -> None:
    assert parse_moment(text) == expected


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1000, 1, 1)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_moment_survives_its_rfc_3339_text(moment: datetime) -> None:
    text = rfc3339(moment)
    assert text is not None
    assert parse_moment(text) == moment.astimezone(UTC).replace(microsecond=0)


def test_no_moment_is_null() -> None:
    assert rfc3339(None) is None


@click.command()
@since_option
@as_of_option
@config_option
def times(*, since: datetime | None, as_of: datetime | None, config: Path | None) -> None:
    """Show what the options make of it."""
    show_json({"since": since, "as_of": as_of, "config": config})


@pytest.mark.parametrize("text", ["yesterday", "", "2024-13-01", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_wrong_use(text: str) -> None:
    result = CliRunner().invoke(times, ["--since", text])
    assert result.exit_code == 2
    assert "2024-12-19T12:00Z" in result.stderr


def test_options_hand_on_aware_times_and_paths() -> None:
    given = ["--since", "2024-12-01", "--as-of", "2024-12-19T12:00+01:00", "--config", "my.toml"]
    result = CliRunner().invoke(times, given)
    assert json.loads(result.stdout) == {
        "since": "2024-12-01T00:00:00Z",
        "as_of": "2024-12-19T11:00:00Z",
        "config": "my.toml",
    }


def test_json_knows_dates_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"date": date(2026, 11, 23), "verdict": Outcome.SENT})
    assert json.loads(capsys.readouterr().out) == {"date": "2026-11-23", "verdict": "sent"}


def test_what_has_no_json_form_is_a_bug() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        show_json(object())


def test_the_settings_are_loaded_where_they_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"my\.toml"):
        load_settings(tmp_path / "my.toml")
