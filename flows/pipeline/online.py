"""What only the network can tell of a mail: whether its links lead somewhere, what DNS says."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default as email_policy
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

import dns.exception
import dns.resolver
import httpx
import lxml.html

from flows.errors import NewsletterError, RefusedAddress
from flows.gather.fetch import open_client, user_agent
from flows.gather.guards import check_url, shown
from flows.gather.limits import HostLimit
from flows.gather.transport import DEADLINE, Deadline
from flows.models import Finding
from flows.render.check import check_domain, check_received
from flows.render.rules.domain import USUAL_SELECTORS, Domain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.render.rules.domain import Resolver
    from flows.settings import Settings

MOST_LINKS = 300
MOST_HOPS = 5
AT_ONCE = 8
LINK_SECONDS = 15.0
DNS_SECONDS = 5.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Not every server knows HEAD, and not all of those say so.
TRY_GET = frozenset({400, 401, 403, 404, 405, 406, 410, 429, 500, 501, 503})
# The page may be there: it wants a password, or no program at its door.
ONLY_SHY = frozenset({401, 402, 403, 406, 407, 429, 451, 503})


class Dns:
    """Asks the resolvers of this machine, unless given another."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        self._resolver = resolver

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a name's TXT records, None if there is no such name; raises NewsletterError."""
        try:
            resolver = self._resolver or dns.resolver.get_default_resolver()
            answer = resolver.resolve(name, "TXT", lifetime=DNS_SECONDS)
        except dns.resolver.NXDOMAIN:
            return None
        except dns.resolver.NoAnswer:
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise NewsletterError(f"DNS does not say what {name} is: {error}") from error
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)


def look_online(settings: Settings, html: str, *, resolver: Resolver) -> list[Finding]:
    """Return what DNS and an issue's own links have to say against it; nothing here raises."""
    return [*ask_dns(settings, resolver), *try_links(settings, html)]


def ask_dns(settings: Settings, resolver: Resolver) -> list[Finding]:
    """Return what DNS lacks for the sender's domain; if it does not answer, that is a warning."""
    by_sendgrid = settings.sending.transport == "sendgrid"
    name = settings.sending.domain or settings.newsletter.sender.rpartition("@")[2].rstrip("> ")
    sender = Domain(
        name=name,
        resolver=resolver,
        # SendGrid's bounces go to a domain of its own making under ours, its keys have set names.
        own_bounces=not by_sendgrid,
        selectors=("s1", "s2") if by_sendgrid else USUAL_SELECTORS,
    )
    try:
        return check_domain(sender)
    except NewsletterError as error:
        return [Finding(rule="H14", severity="warn", message=str(error))]


def read_received(path: Path) -> list[Finding]:
    """Return what is wrong with a mail that somebody received; raises NewsletterError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NewsletterError(f"{path}: {error.strerror}") from error
    # Nothing is folded anew: its lines are judged as they came.
    policy = email_policy.clone(refold_source="none")
    message = message_from_bytes(data, policy=policy)
    if "From" not in message:
        raise NewsletterError(f"{path} is no mail; save one with all its headers, as .eml")
    return check_received(message)


def links_of(settings: Settings, html: str) -> list[str]:
    """Return the web addresses a reader can follow, each once, in order.

    Without the recipients' links and the issue's own page, which is there once it is sent.
    """
    base = settings.newsletter.base_url.rstrip("/")
    anchors = lxml.html.document_fromstring(html).iter("a")
    links = (urldefrag(anchor.get("href", "")).url for anchor in anchors)
    return [
        link
        for link in dict.fromkeys(links)
        if link.startswith(("http://", "https://")) and not link.startswith(f"{base}/issues/")
    ]


def try_links(settings: Settings, html: str) -> list[Finding]:
    """Return a warning for each link that leads nowhere, and for those too many to try."""
    links = links_of(settings, html)
    with (
        open_client(
            user_agent=user_agent(contact=settings.newsletter.base_url),
            allow_private_networks=settings.gather.allow_private_networks,
        ) as client,
        _pool() as (pool, stopped),
    ):
        visitor = _Visitor(client, stopped)
        told = pool.map(visitor.problem, links[:MOST_LINKS])
        sentences = [sentence for sentence in told if sentence]
    if len(links) > MOST_LINKS:
        sentences.append(f"Only the first {MOST_LINKS} of {len(links)} links were tried.")
    why, source = "readers who follow it find nothing", "measured"
    return [
        Finding(rule="L02", severity="warn", message=sentence, why=why, source=source)
        for sentence in sentences
    ]


@contextmanager
def _pool() -> Iterator[tuple[ThreadPoolExecutor, Event]]:
    stopped = Event()
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="links")
    try:
        yield pool, stopped
    finally:
        # Ctrl-C does not wait for the links that are left.
        stopped.set()
        pool.shutdown(cancel_futures=True)


class _Visitor:
    """Tries links with one client, two at a time at one host."""

    def __init__(self, client: httpx.Client, stopped: Event) -> None:
        self._client = client
        self._stopped = stopped
        self._hosts = HostLimit()

    def problem(self, link: str) -> str:
        """Return "" if the link leads somewhere, else a sentence."""
        try:
            status = self._status(link)
        except RefusedAddress as error:
            return f"The link {shown(link)} cannot be tried: {str(error).removeprefix('guard: ')}."
        except httpx.TimeoutException:
            return f"The link {shown(link)} did not answer within {LINK_SECONDS:.0f} seconds."
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return f"The link {shown(link)} leads nowhere: {str(error).rstrip('.')}."
        if status in REDIRECTS:
            return f"The link {shown(link)} redirects more than {MOST_HOPS} times."
        if status < httpx.codes.BAD_REQUEST or status in ONLY_SHY:
            return ""
        return f"The link {shown(link)} leads nowhere: its server answers {status}."

    def _status(self, link: str) -> int:
        url, status = httpx.URL(link), 0
        deadline = Deadline(at=time.monotonic() + LINK_SECONDS, stopped=self._stopped)
        for _ in range(MOST_HOPS + 1):
            check_url(str(url))
            with self._hosts.turn(url.host):
                status, location = self._ask("HEAD", url, deadline)
                if status in TRY_GET:
                    status, location = self._ask("GET", url, deadline)
            if status not in REDIRECTS or not location:
                break
            url = url.join(location).copy_with(userinfo=b"", fragment=None)
        return status

    def _ask(self, method: str, url: httpx.URL, deadline: Deadline) -> tuple[int, str]:
        """Return the answer's status and where it redirects; its body is not read."""
        with self._client.stream(
            method, url, headers={"Accept": "*/*"}, extensions={DEADLINE: deadline}
        ) as response:
            return response.status_code, response.headers.get("location", "")
