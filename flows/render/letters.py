"""The small mails: one person, one matter; a pair of templates each, HTML and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

if TYPE_CHECKING:
    from flows.models import Brand


def write(name: str, brand: Brand, **values: Any) -> tuple[str, str]:
    """Return the text and the HTML of the small mail of this name (templates/mail/NAME.*)."""
    environment = Environment(
        loader=PackageLoader("templates", "mail"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text, html = (
        environment.get_template(f"{name}.{kind}.j2").render(brand=brand, **values)
        for kind in ("txt", "html")
    )
    return text, html
