"""Makes the pages: templates in, a response with its headers out."""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from email.utils import parseaddr
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from subscribers.tokens import Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response

    from flows.models import Brand


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A page that only tells something.

    `help` leads to the address to write to, `form` says that the sign-up form is linked.
    """

    status: int
    title: str
    text: str
    help: str = ""
    form: bool = False


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
# Links that stand for nobody: they tell what they are, whatever is done with them.
NOBODYS: Final = {Purpose.TEST: TEST_LINK, Purpose.PROBE: PROBE_LINK}
BAD_LINK: Final = Message(
    status=404,
    title="This link does not work",
    text="It is incomplete or too old; links break when a mail is copied or forwarded. Open it "
    "again from the newsletter's own mail. Nothing was changed.",
    help="If that does not help, ask to be taken off the list:",
)
OLD_LINK: Final = Message(
    status=410,
    title="This link is no longer good",
    text="It is too old, or was not copied as a whole. Nothing was changed; sign up again to get a "
    "new one.",
    form=True,
)
NOT_SUBSCRIBED: Final = Message(
    status=200,
    title="You are not subscribed",
    text="No issue goes to this address, so there is nothing to choose.",
    form=True,
)
TOO_OFTEN: Final = Message(
    status=429,
    title="Please try again in an hour",
    text="There were many sign-ups from your network in the last hour, so this one was not taken.",
    help="If you cannot wait, write to",
)
TOO_MANY: Final = Message(
    status=429,
    title="Please try again in an hour",
    text="More people signed up in the last hour than we can write to, so nothing was changed.",
    help="If you cannot wait, write to",
)
NOT_FOUND: Final = Message(
    status=404,
    title="There is no such page",
    text="Nothing is published at this address. Was the link copied as a whole?",
)
NOT_OUT: Final = Message(
    status=404,
    title="This issue is not out",
    text="An issue has its page once it is sent. If a test of one led you here: the link will work "
    "for its readers.",
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

    __slots__ = ("_environment", "_fixed", "_zone", "brand", "policy")

    def __init__(self, brand: Brand, *, form: bool = False) -> None:
        self.brand = brand
        self._zone = ZoneInfo(brand.timezone)
        style = files("templates").joinpath("web", "style.css").read_text(encoding="utf-8")
        self._environment = Environment(
            loader=PackageLoader("templates", "web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            # Else each page asks the disk whether its templates are still the same.
            auto_reload=False,
        )
        # What nothing is put into is the same page for everybody: made once.
        self._fixed = functools.cache(self._render)
        contact = parseaddr(brand.reply_to or brand.sender)[1]
        # Our own file, not input: quotes in it must stay quotes.
        trusted = Markup(style)  # noqa: S704
        self._environment.globals.update(
            brand=brand, contact=contact, style=trusted, framed=False, has_form=form
        )
        # The only thing these pages load is this one style block, named by its hash.
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def show(
        self, name: str, *, status: int = 200, framed: bool = False, **values: Any
    ) -> Response:
        """Return the page of this name; one that is `framed` may stand in anybody's page."""
        text = self._render(name, framed, **values) if values else self._fixed(name, framed)
        policy = self.policy
        if framed:
            policy = policy.replace("frame-ancestors 'none'", "frame-ancestors *")
        return HTMLResponse(text, status, headers={"Content-Security-Policy": policy})

    def _render(self, name: str, framed: bool, **values: Any) -> str:  # noqa: FBT001 - `show` names it
        return self._environment.get_template(f"{name}.html.j2").render(framed=framed, **values)

    def tell(
        self,
        message: Message,
        headers: Mapping[str, str] | None = None,
        *,
        framed: bool = False,
    ) -> Response:
        """Return a page that tells the message, with its status."""
        page = self.show("message", status=message.status, framed=framed, message=message)
        page.headers.update(headers or {})
        return page

    def day(self, moment: datetime) -> str:
        """Return the day of a moment as the newsletter's readers say it."""
        local = moment.astimezone(self._zone)
        return f"{local.day} {local:%B %Y}"
