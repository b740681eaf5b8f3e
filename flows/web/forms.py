"""The sign-up form: shown, sent, and confirmed by the link of the mail that follows.

Whatever is sent, the answer does not tell whether the address was known. A GET changes nothing.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from flows.web import pages
from flows.web.guards import read_body
from flows.web.links import genuine
from flows.web.networks import network_of
from subscribers.address import parse
from subscribers.consent import agreement
from subscribers.doubts import likely_typo
from subscribers.errors import InvalidAddress
from subscribers.models import LetterKind
from subscribers.store import signups as store
from subscribers.tokens import Purpose, is_fresh, sign_now

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from flows.models import Brand
    from flows.web.site import SignUps, Site
    from subscribers.address import Address
    from subscribers.models import Agreement
    from subscribers.tokens import Token

logger = logging.getLogger(__name__)

SOURCE: Final = "web form"
# Nobody fills in a form in less, and a page left open in a tab overnight is still good.
FASTEST: Final = timedelta(seconds=2)
SLOWEST: Final = timedelta(hours=24)
MOST_FIELDS: Final = 20
# The field that no person sees: who fills it in is a robot.
TRAP: Final = "website"
LATER: Final = {"Retry-After": "3600"}
# To write a newcomer down takes some milliseconds more than to find a reader, which would tell them
# apart: an answer leaves at a whole step after the question came.
STEP: Final = timedelta(milliseconds=250)
CROWDED: Final = (
    "sign-ups are put off for everybody: the last hour had as many as [web] signups_per_hour allows"
)
CROWDED_NETWORK: Final = (
    "a network's sign-ups are put off: it had as many in the last hour as [web] "
    "signups_per_network allows; if it is your own web server's, name that in [web] trusted_proxies"
)
ONCE_MORE: Final = "Please press Subscribe once more."


def promise(brand: Brand) -> str:
    """Return what a reader agrees to; it stands on the form, and in the record."""
    return (
        f"{brand.title} comes by mail until you leave, which takes one click in any of its mails."
    )


async def subscribe(site: Site, signups: SignUps, request: Request) -> Response:
    """Return the form (GET), or take a sign-up (POST): then a mail asks to confirm it."""
    framed = request.url.path.endswith("/embed")
    if request.method != "POST":
        return _form(site, framed=framed)
    sent = _fields(await read_body(request))
    email = sent.get("email", "").strip()
    if sent.get(TRAP):
        logger.info("a form that only a robot can fill in was passed over")
        return site.pages.show("subscribe_sent", framed=framed)
    if not _genuine_form(site, sent.get("form", "")):
        return _form(site, framed=framed, email=email, hint=ONCE_MORE)
    try:
        address = parse(email)
    except InvalidAddress as error:
        return _form(site, framed=framed, email=email, problem=str(error))
    meant = likely_typo(address.email)
    if meant and sent.get("sure") != address.email:
        hint = f"Did you mean {meant}? If the address is right as it is, press Subscribe again."
        return _form(site, framed=framed, email=address.email, hint=hint, sure=address.email)
    return await _take(site, signups, request, address, framed=framed)


def _fields(body: bytes) -> dict[str, str]:
    """Return the form's fields, the first of each name; raises HTTPException."""
    try:
        told = parse_qs(body.decode(errors="replace"), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(413) from error
    return {name: values[0] for name, values in told.items()}


def _genuine_form(site: Site, text: str) -> bool:
    token, now = genuine(site, text, {Purpose.FORM}), site.clock()
    if token is None or not is_fresh(token, now=now, lasts=SLOWEST):
        return False
    return now - token.signed_at >= FASTEST - timedelta(seconds=1)


def _form(
    site: Site,
    *,
    framed: bool,
    email: str = "",
    hint: str = "",
    problem: str = "",
    sure: str = "",
) -> Response:
    return site.pages.show(
        "subscribe",
        status=422 if problem else 200,
        framed=framed,
        promise=promise(site.pages.brand),
        form=sign_now(site.keys, Purpose.FORM, 0, now=site.clock()),
        email=email[:254],
        hint=hint,
        problem=problem,
        sure=sure,
    )


async def _take(
    site: Site, signups: SignUps, request: Request, address: Address, *, framed: bool
) -> Response:
    now = site.clock()
    if not signups.per_network.allows(network_of(request, signups.proxies), now=now):
        _tell_operator(signups, CROWDED_NETWORK, now)
        return site.pages.tell(pages.TOO_OFTEN, LATER, framed=framed)
    if not await run_in_threadpool(_ask, site, signups, address):
        _tell_operator(signups, CROWDED, now)
        return site.pages.tell(pages.TOO_MANY, LATER, framed=framed)
    page = site.pages.show("subscribe_sent", framed=framed)
    await signups.rest(((now - site.clock()) % STEP).total_seconds())
    return page


def _tell_operator(signups: SignUps, words: str, now: datetime) -> None:
    if signups.alarm.allows(words, now=now):
        logger.warning("%s", words)


def _ask(site: Site, signups: SignUps, address: Address) -> bool:
    """Return whether the sign-up was taken; that does not tell whether the address is known."""
    # A flood of them must hold up nobody who leaves, and no issue that is being sent.
    if not store.has_room(site.engine, signups.limits, now=site.clock()):
        return False
    with site.turn:
        kind = store.ask(
            site.engine,
            address,
            agreement=_agreed(site),
            limits=signups.limits,
            now=site.clock(),
        )
    if kind not in (None, LetterKind.NOTHING):
        signups.wake()
    return kind is not None


def _agreed(site: Site) -> Agreement:
    return agreement(promise(site.pages.brand), source=SOURCE)


async def confirm(site: Site, signups: SignUps, request: Request) -> Response:
    """Return the page with the button (GET), or put the reader on the list (POST)."""
    token = _genuine_link(site, signups, request.path_params["token"])
    if token is None:
        return site.pages.tell(pages.OLD_LINK)
    if request.method != "POST":
        return site.pages.show("confirm")
    await read_body(request)
    if not await run_in_threadpool(_confirm, site, token):
        return site.pages.tell(pages.OLD_LINK)
    return site.pages.show("confirmed")


def _genuine_link(site: Site, signups: SignUps, text: str) -> Token | None:
    token = genuine(site, text, {Purpose.CONFIRM})
    if token is None or not is_fresh(token, now=site.clock(), lasts=signups.confirm_within):
        return None
    return token


def _confirm(site: Site, token: Token) -> bool:
    with site.turn:
        known = store.confirm(
            site.engine,
            token.subscriber_id,
            asked_at=token.signed_at,
            agreement=_agreed(site),
            now=site.clock(),
        )
    if known:
        logger.info("subscriber %d confirmed", token.subscriber_id)
    return known
