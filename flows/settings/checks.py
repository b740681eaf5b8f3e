"""What holds between settings, and between the file and the environment; each breach a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.edit.outline import PEOPLE_PROCESS_TOOLS, Layout
from flows.models import DEFAULT_SECTION
from flows.settings.problems import LISTS, OTHER_VARIABLES, PREFIX, Problem, dotted, variable
from flows.settings.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

    from flows.settings.problems import Reporter


def unknown_sections(
    values: Mapping[str, Any], sections: Mapping[str, object], reporter: Reporter
) -> Iterator[Problem]:
    """Yield a problem for each top-level name of the file that is no section."""
    for name in values:
        if name not in sections:
            advice = f"there is no such section{nearest(name, sections)}"
            yield Problem(key=name, origin=reporter.origin((name,)), advice=advice)


def repeated(values: Mapping[str, Any], reporter: Reporter) -> Iterator[Problem]:
    """Yield a problem for each section or feed that is listed twice."""
    for name, key in (("sections", "name"), ("feeds", "url")):
        seen: dict[str, int] = {}
        for index, entry in enumerate(_entries(values, name)):
            value = entry.get(key)
            if not isinstance(value, str):
                continue
            first = seen.setdefault(value.strip(), index)
            if first != index:
                location = (name, index, key)
                advice = f"{dotted((name, first))} has it already; remove one of them"
                yield Problem(
                    key=dotted(location),
                    given=f'"{value}"',
                    origin=reporter.origin(location),
                    advice=advice,
                )


def booked_twice(values: Mapping[str, Any], reporter: Reporter) -> Iterator[Problem]:
    """Yield a problem for each sponsor who has a slot of the same day already."""
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(_entries(values, "sponsors")):
        name = entry.get("name")
        if not isinstance(name, str) or "date" not in entry:
            continue
        first = seen.setdefault((str(entry["date"]), name.strip().casefold()), index)
        if first != index:
            location = ("sponsors", index, "name")
            # An entry of the issue is known to be a sponsor's by the name.
            advice = f"{dotted(('sponsors', first))} has it for this day already; write another"
            yield Problem(
                key=dotted(location),
                given=f'"{name}"',
                origin=reporter.origin(location),
                advice=f"{advice} name, or remove one of them",
            )


def homeless(values: Mapping[str, Any], reporter: Reporter) -> Iterator[Problem]:
    """Yield a problem for each feed or rule whose section is none of the sections."""
    known = _headings(values)
    for name in ("feeds", "rules"):
        for index, entry in enumerate(_entries(values, name)):
            section = entry.get("section")
            if isinstance(section, str) and section.strip() and section.strip() not in known:
                location = (name, index, "section")
                hint = nearest(section, known) or f"; there are {', '.join(known)}"
                yield Problem(
                    key=dotted(location),
                    given=f'"{section}"',
                    origin=reporter.origin(location),
                    advice=f"write the name of one of the [[sections]]{hint}",
                )


def _headings(values: Mapping[str, Any]) -> list[str]:
    names = [entry.get("name") for entry in _entries(values, "sections")]
    known = [name.strip() for name in names if isinstance(name, str)]
    edit = values.get("edit")
    if isinstance(edit, dict) and edit.get("layout") == Layout.PEOPLE_PROCESS_TOOLS.value:
        known += [name for name, _ in PEOPLE_PROCESS_TOOLS if name not in known]
    return [*known, DEFAULT_SECTION]


def misnamed_variables(
    environment: Mapping[str, str], sections: Mapping[str, type[BaseModel] | None]
) -> Iterator[Problem]:
    """Yield a problem for each variable that looks like a setting and is none."""
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in OTHER_VARIABLES:
            advice = _variable_advice(name[len(PREFIX) :].lower(), sections)
            if advice:
                yield Problem(key=name, origin="environment", advice=advice)


def _variable_advice(rest: str, sections: Mapping[str, type[BaseModel] | None]) -> str:
    section, separator, _key = rest.partition("__")
    if section in LISTS:
        return "lists stand in the settings file only"
    if section in sections:
        return "" if separator else f"name a key too, such as {PREFIX}{section.upper()}__KEY"
    if separator:
        return f"there is no section {section}{nearest(section, sections)}"
    for name, model in sections.items():
        key = rest.removeprefix(f"{name}_")
        if model is not None and key in model.model_fields:
            return f"two underscores stand between section and key: {variable((name, key))}"
    return ""


def _entries(values: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the entries of a list in the file; one that is no table counts as an empty one."""
    listed = values.get(name)
    if not isinstance(listed, list):
        return []
    return [entry if isinstance(entry, dict) else {} for entry in listed]
