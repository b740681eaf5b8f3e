"""Makes the pages: templates in, a response with its headers out."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from email.utils import parseaddr
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from flows.models import Brand


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A page that only tells something; `help` leads to the address to write to."""

    status: int
    title: str
    text: str
    help: str = ""


TEST_LINK: Final = Message(
    status=200,
    title="This was a test",
    text="The link works. It came with a test of an issue, stands for nobody, and changes nothing.",
)
PROBE_LINK: Final = Message(
    status=200,
    title="The unsubscribe page works",
    text="This link is a check before sending. It stands for nobody and changes nothing.",
)
BAD_LINK: Final = Message(
    status=404,
    title="This link does not work",
    text="It is incomplete or too old; links break when a mail is copied or forwarded. Open it "
    "again from the newsletter's own mail. Nothing was changed.",
    help="If that does not help, ask to be taken off the list:",
)
NOT_FOUND: Final = Message(
    status=404,
    title="There is no such page",
    text="Nothing is published at this address. Was the link copied as a whole?",
)
WRONG_METHOD: Final = Message(
    status=405,
    title="This page cannot be used that way",
    text="Open the link in a browser. Nothing was changed.",
)
TOO_SLOW: Final = Message(
    status=408,
    title="That took too long",
    text="The request did not arrive in time, so nothing was changed. Please try again.",
)
TOO_LARGE: Final = Message(
    status=413,
    title="That is too much",
    text="The request is larger than anything this page needs, so nothing was changed.",
)
BROKEN: Final = Message(
    status=500,
    title="Something went wrong here",
    text="It is not your fault, and nothing was changed. Please try again later.",
    help="If it keeps happening, write to",
)
UNAVAILABLE: Final = Message(
    status=503,
    title="Please try again in a few minutes",
    text="The newsletter's database does not answer, so nothing was changed.",
    help="If it keeps happening, write to",
)
MESSAGES: Final = {
    message.status: message
    for message in (NOT_FOUND, WRONG_METHOD, TOO_SLOW, TOO_LARGE, BROKEN, UNAVAILABLE)
}


class Pages:
    """The templates of one newsletter's pages, compiled once."""

    __slots__ = ("_environment", "policy")

    def __init__(self, brand: Brand) -> None:
        style = files("templates").joinpath("web", "style.css").read_text(encoding="utf-8")
        self._environment = Environment(
            loader=PackageLoader("templates", "web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        contact = parseaddr(brand.reply_to or brand.sender)[1]
        # Our own file, not input: quotes in it must stay quotes.
        trusted = Markup(style)  # noqa: S704
        self._environment.globals.update(brand=brand, contact=contact, style=trusted)
        # The only thing these pages load is this one style block, named by its hash.
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def show(self, name: str) -> Response:
        """Return the page of this name."""
        return self._respond(self._environment.get_template(f"{name}.html.j2").render(), 200)

    def tell(self, message: Message, headers: Mapping[str, str] | None = None) -> Response:
        """Return a page that tells the message, with its status."""
        text = self._environment.get_template("message.html.j2").render(message=message)
        return self._respond(text, message.status, headers)

    def _respond(
        self, text: str, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        policy = {"Content-Security-Policy": self.policy}
        return HTMLResponse(text, status_code=status, headers={**(headers or {}), **policy})
