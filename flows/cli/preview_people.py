"""The preview's page on the list: how it grows, and who left by which issue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.cli.preview_page import environment
from flows.pipeline.growth import growth
from flows.pipeline.stores import open_store
from flows.render.growth import growth_svg

if TYPE_CHECKING:
    from flows.settings import Settings


def people_page(settings: Settings) -> str:
    """Return the page with the figures as they are now; raises DatabaseError."""
    with open_store(settings) as engine:
        found = growth(engine, now=datetime.now(UTC))
    page = environment().get_template("preview_subscribers.html.j2")
    return page.render(
        title=settings.newsletter.title, growth=found, picture=growth_svg(found.weeks)
    )
