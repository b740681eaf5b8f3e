"""The first settings file: every setting, commented, with the first newsletter's real sources."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import resources
from string import Template

from flows.settings.model import (
    PLACEHOLDER_ADDRESS,
    PLACEHOLDER_BASE_URL,
    PLACEHOLDER_POSTAL_ADDRESS,
    PLACEHOLDER_TITLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What `init` asks; the defaults are placeholders, which no real transport sends with."""

    title: str = PLACEHOLDER_TITLE
    sender: str = f"{PLACEHOLDER_TITLE} <{PLACEHOLDER_ADDRESS}>"
    postal_address: str = PLACEHOLDER_POSTAL_ADDRESS
    base_url: str = PLACEHOLDER_BASE_URL


def write_starter(starter: Starter) -> str:
    """Return the text of a newsletter.toml with these values."""
    text = resources.files("flows.settings").joinpath("starter.toml").read_text(encoding="utf-8")
    values = {name: toml_string(value) for name, value in asdict(starter).items()}
    return Template(text).substitute(values)


def toml_string(value: str) -> str:
    """Return `value` as TOML writes a string."""
    # JSON's escapes are TOML's too; only DEL, which JSON leaves bare, may not stand in a TOML file.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
