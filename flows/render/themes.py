"""Themes: a folder of templates is a theme, and a folder of one's own goes before ours."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import jinja2
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from flows.errors import TemplateError
from flows.render import markdown, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jinja2 import BaseLoader

DEFAULT_THEME = "default"
HTML = "issue.html.j2"
TEXT = "issue.txt.j2"
_FOLDER = "issue"
_OURS = PackageLoader("templates", "")


def open_theme(name: str, templates: Path | None = None) -> Environment:
    """Return the templates of a theme, those under `templates` before ours.

    Raises TemplateError if there is no such theme.
    """
    environment = _environment(templates)
    known = _names(environment)
    if name not in known:
        raise TemplateError(
            f"render: there is no theme {name!r}; the themes are {', '.join(known)}", name=name
        )
    return environment


def fill(environment: Environment, file: str, values: Mapping[str, object]) -> str:
    """Return a template of the theme `values["theme"]`, filled in; raises TemplateError."""
    name = f"{_FOLDER}/{values['theme']}/{file}"
    try:
        return environment.get_template(name).render(values)
    except jinja2.TemplateNotFound as error:
        raise TemplateError(f"render: there is no template {error.name}", name=name) from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"render: {error.name or name}, line {error.lineno}: {error.message}",
            name=error.name or name,
            line=error.lineno,
        ) from error
    except (jinja2.TemplateError, TypeError) as error:
        raise TemplateError(f"render: {name}: {error}", name=name) from error


def names(templates: Path | None = None) -> list[str]:
    """Return the themes there are, in alphabetical order."""
    return _names(_environment(templates))


def _names(environment: Environment) -> list[str]:
    parts = (name.split("/") for name in environment.list_templates())
    return sorted({part[1] for part in parts if part[0] == _FOLDER and part[2:] == [HTML]})


def _environment(templates: Path | None) -> Environment:
    if templates is None:
        return _our_environment()
    # Not kept: a file added to the folder later is to go before ours at once.
    return _make_environment(ChoiceLoader([FileSystemLoader(templates), _OURS]))


@functools.cache
def _our_environment() -> Environment:
    # Compiling the templates takes longer than filling them.
    return _make_environment(_OURS)


def _is_html(name: str | None) -> bool:
    return name is None or not name.endswith(".txt.j2")


def _make_environment(loader: BaseLoader) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=_is_html,  # noqa: S701 - all but the text part is escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(text.FILTERS)
    environment.filters["markdown"] = markdown.to_html
    environment.filters["paragraphs"] = markdown.to_html_paragraphs
    return environment
