"""The systemd unit that `newsletter serve --print-unit` prints."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from flows.cli.unit import unit
from tests.newsletters import Newsletter

if TYPE_CHECKING:
    from pathlib import Path


def lines(newsletter: Newsletter, *options: str) -> dict[str, str]:
    """Return the unit's settings by name, with systemd's escapes undone."""
    told = unit(newsletter.settings, options, user="ada").replace("%%", "%")
    return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


@pytest.mark.parametrize(
    "name",
    ["plain", "my news", "100% news", "tab and $HOME", "Ada's", 'the "best"', r"back\slash"],
)
def test_a_folder_of_any_name_is_one_word_where_systemd_splits_words(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    found = lines(Newsletter(folder).write(), "--web")
    assert found["WorkingDirectory"] == str(folder)
    assert shlex.split(found["ReadWritePaths"]) == [str(folder)]
    assert shlex.split(found["Environment"]) == [f"PREFECT_HOME={folder}/.newsletter/prefect"]
    command = [part.replace("$$", "$") for part in shlex.split(found["ExecStart"])]
    assert command[-4:] == ["serve", "--web", "--config", str(folder / "newsletter.toml")]


def test_a_run_that_is_killed_for_want_of_memory_does_not_end_serve(tmp_path: Path) -> None:
    # systemd's own choice is to stop the whole unit.
    assert lines(Newsletter(tmp_path).write())["OOMPolicy"] == "continue"


def test_a_database_elsewhere_can_be_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletter = Newsletter(tmp_path).write()
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", "sqlite:////srv/data/newsletter.db")
    assert lines(newsletter)["ReadWritePaths"] == f"{tmp_path} /srv/data"
    monkeypatch.setenv("NEWSLETTER_DATABASE__URL", "postgresql://news@localhost/news")
    assert lines(newsletter)["ReadWritePaths"] == str(tmp_path)


@pytest.mark.parametrize("name", ["my news", """Ada's "best" news"""])
def test_systemd_has_nothing_to_say_against_it(tmp_path: Path, name: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze on this machine (apt-get install systemd)")
    folder = tmp_path / name
    folder.mkdir()
    file = tmp_path / "newsletter.service"
    text = unit(Newsletter(folder).write().settings, ["--web"], user="root")
    file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(file)], capture_output=True, check=False, text=True
    )
    assert [line for line in done.stderr.splitlines() if "newsletter.service" in line] == []
