"""What is wrong with the settings, told so that a person can mend it, all in one message."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.settings.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]

# The sections that are lists: they stand in the file only.
LISTS = ("sections", "feeds", "rules", "sponsors")
PREFIX = "NEWSLETTER_"
# Variables with our prefix that are no settings.
OTHER_VARIABLES = ("NEWSLETTER_CONFIG", "NEWSLETTER_KEYS")
LONGEST_SHOWN = 60

_SECRET_WORD = re.compile(r"key|password|secret|token", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(://[^/:@\s]*):[^\s]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One wrong setting: its key, what was given (already masked), where, and what is wanted."""

    key: str
    given: str = ""
    origin: str = ""
    advice: str

    def __str__(self) -> str:
        """Return the one line a person reads."""
        given = f" = {self.given}" if self.given else ""
        origin = f" ({self.origin})" if self.origin else ""
        return mask(f"{self.key}{given}{origin}: {self.advice}")


def mask(text: str) -> str:
    """Return the text with every password in an address starred out."""
    return _PASSWORD_IN_URL.sub(r"\1:***@", text)


def message(name: str, problems: Iterable[Problem]) -> str:
    """Return the one message that lists every problem of the file `name`."""
    lines = [str(problem) for problem in problems]
    if len(lines) == 1:
        return f"{name}: {lines[0]}"
    return "\n".join([f"{name}: {len(lines)} settings are wrong", *(f"  {line}" for line in lines)])


def broken_toml(name: str, text: str, error: ValueError) -> str:
    """Return the message for text that is no TOML, with the place and the line shown."""
    reason = str(error)
    place = re.search(r" \(at line (\d+), column (\d+)\)$", reason)
    lines = text.split("\n")
    if place is None:
        reason = reason.removesuffix(" (at end of document)")
        number, column = len(lines), len(lines[-1]) + 1
    else:
        reason = reason[: place.start()]
        number, column = int(place[1]), int(place[2])
    shown = lines[number - 1].rstrip("\r") if number <= len(lines) else ""
    head = f"{name}, line {number}, column {column}: this is not TOML: {reason}"
    return mask(f"{head}\n    {shown}\n    {' ' * (column - 1)}^")


def line_of(text: str, location: Location) -> int:
    """Return the line on which a setting (or else its section) stands, 0 if it is not found."""
    table: Location = ()
    counts: dict[str, int] = {}
    found = 0
    wanted_table, wanted_key = _split(location)
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([^\]\s]+)\s*\]", line):
            name = header[2].strip("\"'")
            counts[name] = counts.get(name, -1) + 1
            table = (name, counts[name]) if header[1] == "[[" else (name,)
            found = number if table == wanted_table else found
        elif table == wanted_table and re.match(
            rf"\s*[\"']?{re.escape(wanted_key)}[\"']?\s*=", line
        ):
            return number
    return found


def _split(location: Location) -> tuple[Location, str]:
    if len(location) > 1 and isinstance(location[1], int):
        return location[:2], str(location[2]) if len(location) > 2 else ""  # noqa: PLR2004 - list, index, key
    if len(location) > 1:
        return location[:1], str(location[1])
    return location, ""


def dotted(location: Location) -> str:
    """Return the setting's name as messages write it; list entries count from 1."""
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def variable(location: Location) -> str:
    """Return the name of the environment variable for a setting."""
    return PREFIX + "__".join(str(step) for step in location).upper()


def shown(value: object) -> str:
    """Return a given value as TOML would write it, cut if it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Turns what pydantic found into problems; knows the model, the file's text and variables."""

    model: type[BaseModel]
    text: str
    environment: Mapping[str, str]

    def report(self, error: ErrorDetails) -> Problem:
        """Return one finding of pydantic's as a problem."""
        location = error["loc"]
        kind = error["type"]
        if kind == "extra_forbidden":
            return self.unknown(location)
        if kind == "missing":
            return self._missing(location)
        model, shape = self._wanted(location)
        if model is not None and kind == "value_error":
            # A check across keys says all there is to say.
            advice = _reason(error)
            return Problem(key=dotted(location), origin=self.origin(location), advice=advice)
        advice = f"write {shape}{self._hint(error)}"
        given = "" if _is_secret(location) else shown(error["input"])
        origin = self.origin(location)
        return Problem(key=dotted(location), given=given, origin=origin, advice=advice)

    def unknown(self, location: Location) -> Problem:
        """Return the problem that there is no such key; its value may be a secret: not shown."""
        model, _shape = self._wanted(location[:-1])
        known = list(model.model_fields) if model is not None else []
        hint = nearest(str(location[-1]), known) or f"; the keys are {', '.join(known)}"
        key = str(location[-1]).lower()
        if _SECRET_WORD.search(key):
            hint = "; secrets stand in the environment: SENDGRID_API_KEY, SMTP_PASSWORD"
        origin = self.origin(location)
        return Problem(key=dotted(location), origin=origin, advice=f"there is no such key{hint}")

    def origin(self, location: Location) -> str:
        """Return where a setting came from: the variable, or its line in the file."""
        name = variable(location)
        for known in map(str.upper, self.environment):
            # A key has no keys of its own: one that a variable gives it is what is wrong.
            if known == name or (len(location) > 1 and known.startswith(f"{name}__")):
                return known
        line = line_of(self.text, location)
        return f"line {line}" if line else ""

    def _missing(self, location: Location) -> Problem:
        model, shape = self._wanted(location)
        if model is not None:
            section = dotted(location)
            needed = [name for name, field in model.model_fields.items() if field.is_required()]
            return Problem(key=section, advice=f"add the section, with {' and '.join(needed)}")
        line = line_of(self.text, location)
        origin = f"the section in line {line}" if line else ""
        return Problem(key=dotted(location), origin=origin, advice=f"it is missing: write {shape}")

    def _wanted(self, location: Location) -> tuple[type[BaseModel] | None, str]:
        """Return the section's model a location leads to (None for a key), and the shape wanted."""
        model = self.model
        for step in location:
            if isinstance(step, int):
                continue
            field = model.model_fields.get(str(step))
            inner = None if field is None else section_model(field.annotation)
            if inner is None:
                return None, (field.description if field else None) or "something else"
            model = inner
        section = "".join(str(step) for step in location[:1])
        return model, f"[[{section}]]" if section in LISTS else f"a section [{section}]"

    def _hint(self, error: ErrorDetails) -> str:
        context = error.get("ctx", {})
        if error["type"] == "value_error":
            return _reason(error)
        if error["type"] in {"literal_error", "enum"} and isinstance(error["input"], str):
            return nearest(
                error["input"], re.findall(r"'([^']*)'", str(context.get("expected", "")))
            )
        return ""


def _reason(error: ErrorDetails) -> str:
    return str(error.get("ctx", {}).get("error", ""))


def _is_secret(location: Location) -> bool:
    return location == ("database", "url") or bool(_SECRET_WORD.search(str(location[-1])))


def section_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a section's field, or of a list's entries; None for any other field."""
    arguments = getattr(annotation, "__args__", ())
    for candidate in (annotation, *arguments):
        if isinstance(candidate, type) and hasattr(candidate, "model_fields"):
            found: type[BaseModel] = candidate
            return found
    return None
