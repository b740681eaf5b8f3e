"""The README tells what exists, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from flows.cli import newsletter
from flows.settings import (
    DatabaseSettings,
    EditSettings,
    FeedSettings,
    GatherSettings,
    NewsletterSettings,
    RuleSettings,
    ScheduleSettings,
    SectionSettings,
    SendingSettings,
    SponsorSettings,
    WebSettings,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```.*?```|`[^`]+`", README, re.DOTALL))


def commands(group: click.Group, prefix: str = "newsletter") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        found[f"{prefix} {name}"] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
    return found


COMMANDS = commands(newsletter)
OPTIONS = {
    option
    for command in [newsletter, *COMMANDS.values()]
    for parameter in command.params
    for option in parameter.opts
    if option.startswith("--")
} | {"--help"}


def settings() -> set[str]:
    parts: dict[str, type[BaseModel]] = {
        "newsletter": NewsletterSettings,
        "schedule": ScheduleSettings,
        "gather": GatherSettings,
        "sending": SendingSettings,
        "web": WebSettings,
        "database": DatabaseSettings,
        "sections": SectionSettings,
        "feeds": FeedSettings,
        "edit": EditSettings,
        "rules": RuleSettings,
        "sponsors": SponsorSettings,
    }
    return {f"{name}.{key}" for name, part in parts.items() for key in part.model_fields}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"{re.escape(command)}\b", README)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_command_teaches_in_its_help(command: str) -> None:
    text = COMMANDS[command].help or ""
    assert len(text.split()) >= 4, f"{command} --help says too little"


@pytest.mark.parametrize("key", sorted(settings()))
def test_each_setting_is_in_the_readme(key: str) -> None:
    assert re.search(rf"`{key.rpartition('.')[2]}`", README), key


def test_each_command_in_the_readme_exists() -> None:
    words = {name.removeprefix("newsletter ").split()[0] for name in COMMANDS}
    named = set(re.findall(r"\bnewsletter ([a-z]+)\b", CODE))
    assert named - words == set()


def test_each_option_in_the_readme_exists() -> None:
    # Other programs' options stand in lines that start other programs.
    ours = [line for line in CODE.splitlines() if not re.search(r"\b(pip|pytest|prefect) ", line)]
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", "\n".join(ours)))
    assert named - OPTIONS == set()
