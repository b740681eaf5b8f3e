from __future__ import annotations

import os
import stat
import tomllib
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from flows.cli import init as init_module
from flows.cli import newsletter
from flows.settings import load
from tests.mere_owner import as_mere_owner

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SOURCES = [
    "https://www.youtube.com/feeds/videos.xml?channel_id=UCfz8x0lVzJpb_dgWm9kPVrw",
    "https://lwkd.info/feed.xml",
    "https://chrisshort.net/index.xml",
    "https://kubernetes.io/feed.xml",
    "https://www.reddit.com/r/devopsish/.rss",
]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)


def init(*arguments: str) -> Result:
    return CliRunner().invoke(newsletter, ["init", *arguments])


def test_what_init_writes_can_be_loaded_and_has_the_real_sources(tmp_path: Path) -> None:
    assert init(str(tmp_path)).exit_code == 0
    settings = load(tmp_path / "newsletter.toml")
    assert [feed.url for feed in settings.feeds] == SOURCES
    names = ["Kubernetes", "Security", "Releases", "Videos"]
    assert [section.name for section in settings.sections] == names
    assert {rule.section for rule in settings.rules} == set(names)
    assert len(settings.keys()) == 1


def test_what_is_given_is_written(tmp_path: Path) -> None:
    given = ["--title", 'Dev "Ops"', "--sender", "Me, Us <me@my.org>"]
    given += ["--postal-address", "Lane 7, Graz", "--base-url", "https://news.my.org/"]
    assert init(str(tmp_path / "new" / "folder"), *given).exit_code == 0
    brand = load(tmp_path / "new" / "folder" / "newsletter.toml").brand()
    assert brand.title == 'Dev "Ops"'
    assert brand.sender == '"Me, Us" <me@my.org>'
    assert brand.postal_address == "Lane 7, Graz"
    assert brand.base_url == "https://news.my.org"


def test_the_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    init(str(tmp_path))
    keys = tmp_path / ".newsletter" / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.parent.stat().st_mode) == 0o700


def test_git_is_told_to_pass_over_secrets(tmp_path: Path) -> None:
    init(str(tmp_path))
    ignored = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".newsletter/", "newsletter.db*", "outbox/"} <= set(ignored)


def test_a_gitignore_that_stands_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n", encoding="utf-8")
    init(str(tmp_path))
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "mine\n"


def test_an_existing_file_is_not_written_without_force(tmp_path: Path) -> None:
    init(str(tmp_path))
    file = tmp_path / "newsletter.toml"
    file.write_text("mine", encoding="utf-8")
    result = init(str(tmp_path))
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert file.read_text(encoding="utf-8") == "mine"


def test_force_writes_the_file_anew_and_keeps_the_keys(tmp_path: Path) -> None:
    init(str(tmp_path))
    keys = (tmp_path / ".newsletter" / "keys").read_bytes()
    assert init(str(tmp_path), "--force", "--title", "Second").exit_code == 0
    assert (tmp_path / ".newsletter" / "keys").read_bytes() == keys
    assert load(tmp_path / "newsletter.toml").newsletter.title == "Second"


def test_a_wrong_value_leaves_nothing_behind(tmp_path: Path) -> None:
    result = init(str(tmp_path / "new"), "--sender", "nobody")
    assert result.exit_code == 2
    assert "newsletter.sender" in result.stderr
    assert not (tmp_path / "new").exists()


def test_another_file_can_be_named(tmp_path: Path) -> None:
    assert init("--config", str(tmp_path / "my.toml")).exit_code == 0
    assert load(tmp_path / "my.toml").newsletter.title
    assert not (tmp_path / "newsletter.toml").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = init(str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = as_mere_owner(lambda: init(str(tmp_path / "new")))
    tmp_path.chmod(0o700)
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_init_says_what_to_type_next(tmp_path: Path) -> None:
    told = init(str(tmp_path)).stderr
    for command in ("gather", "draft", "preview", "run"):
        assert f"newsletter {command}" in told


def test_somebody_gets_the_first_issue_before_it_is_run(tmp_path: Path) -> None:
    steps = init(str(tmp_path)).stderr.partition("Next:")[2]
    assert 0 < steps.find("newsletter subscribers add") < steps.find("newsletter run")


def test_nothing_but_narration_is_printed(tmp_path: Path) -> None:
    assert init(str(tmp_path)).stdout == ""


def test_on_a_terminal_what_is_not_given_is_asked_for_until_it_will_do(tmp_path: Path) -> None:
    @click.command()
    def ask() -> None:
        given = {"title": "Given", "sender": None, "postal_address": None, "base_url": None}
        starter = init_module.ask(init_module.filled_in(given))
        (tmp_path / "newsletter.toml").write_text(
            init_module.checked(starter, tmp_path / "newsletter.toml"), encoding="utf-8"
        )

    answers = "nobody\nMe <me@my.org>\nLane 7\n\n"
    result = CliRunner().invoke(ask, input=answers)
    assert result.exit_code == 0, result.output
    written = tomllib.loads((tmp_path / "newsletter.toml").read_text(encoding="utf-8"))
    assert written["newsletter"] == {
        "title": "Given",
        "sender": "Me <me@my.org>",
        "postal_address": "Lane 7",
        "base_url": "https://newsletter.example.org",
    }


def test_missing_keys_are_made_beside_settings_that_stay_as_they_are(tmp_path: Path) -> None:
    init(str(tmp_path))
    file, keys = tmp_path / "newsletter.toml", tmp_path / ".newsletter" / "keys"
    file.write_text(file.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = file.read_bytes()
    keys.unlink()
    assert init(str(tmp_path)).exit_code == 0
    assert keys.exists()
    assert file.read_bytes() == before


def test_force_keeps_what_the_file_was(tmp_path: Path) -> None:
    init(str(tmp_path))
    file = tmp_path / "newsletter.toml"
    file.write_text("# mine\n", encoding="utf-8")
    assert init(str(tmp_path), "--force").exit_code == 0
    assert (tmp_path / "newsletter.toml.bak").read_text(encoding="utf-8") == "# mine\n"
