"""Looks at every part of a set-up and says what is wrong with it, and the one thing to do."""

from __future__ import annotations

import shutil
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.deliver.smtp import Smtp
from flows.errors import NewsletterError, Refused, TransportError
from flows.pipeline.bookings import bookings
from flows.pipeline.clocks import web_time
from flows.pipeline.online import Dns, ask_dns
from flows.pipeline.rendering import render_issue
from flows.pipeline.sending import probe
from flows.pipeline.standing import standings
from flows.pipeline.stores import open_store
from flows.pipeline.transports import open_sendgrid, open_transport
from flows.pipeline.versions import misfits
from flows.pipeline.work import utc_now
from flows.render.sample import SAMPLE
from flows.settings.sendable import unsendable
from flows.settings.slots import next_slot
from flows.store import runs
from flows.store.overview import damage, database_time, doubts, newest_moment
from flows.store.owner import alive, host
from flows.wording import counted
from subscribers import store as people
from subscribers.database import sqlite_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from flows.render.rules.domain import Resolver
    from flows.settings import Settings

# Less than this fills up while an issue is sent.
LEAST_SPACE = 200 << 20
CLOCK_SLACK = 60.0
# A run that takes longer may be one of a machine that is gone.
LONG = timedelta(hours=1)
# What the key must allow, by SendGrid's names; the fence wants the second line too.
SEND = ("mail.send",)
FENCE = ("mail.batch.create", "user.scheduled_sends.create", "user.scheduled_sends.read")
UNWELL = ("failing", "gone", "moved")


class Health(StrEnum):
    """How a part is: in order, worth a look, broken, or not looked at."""

    WELL = "well"
    LOOK = "look"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found of one part, in a sentence, and what to do."""

    part: str
    health: Health
    told: str
    next: str = ""


Found = tuple[Health, str, str]


def examine(
    settings: Settings,
    *,
    online: bool,
    resolver: Resolver | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Diagnosis]:
    """Yield what is found of each part, in the order of an issue's life; nothing here raises."""
    parts: tuple[tuple[str, Callable[[], Iterator[Found]]], ...] = (
        ("settings", lambda: _settings(settings)),
        ("keys", lambda: _keys(settings)),
        ("versions", _versions),
        # Before the database: that cannot be opened on a disk that is full, and does not say why.
        ("disk", lambda: _disk(settings)),
        ("database", lambda: _database(settings)),
        ("clock", lambda: _clock(settings, clock(), online=online)),
        ("runs", lambda: _runs(settings, clock())),
        ("feeds", lambda: _feeds(settings, clock())),
        ("templates", lambda: _templates(settings)),
        ("subscribers", lambda: _subscribers(settings)),
        ("transport", lambda: _transport(settings, clock)),
        ("unsubscribe", lambda: _unsubscribe(settings)),
        ("domain", lambda: _domain(settings, resolver, online=online)),
        ("sponsors", lambda: _sponsors(settings, clock())),
        ("editor", lambda: _editor(settings)),
    )
    told_of: dict[str, str] = {}
    for part, look in parts:
        try:
            found = list(look())
        except NewsletterError as error:
            # One fault is one finding, however many parts stand on what is broken.
            first = told_of.setdefault(str(error), part)
            found = [(Health.BROKEN, str(error), "")]
            if first != part:
                found = [(Health.UNKNOWN, f"not looked at before the {first} is mended", "")]
        for health, told, advice in found:
            yield Diagnosis(part=part, health=health, told=told, next=advice)


def _settings(settings: Settings) -> Iterator[Found]:
    problems = list(unsendable(settings))
    for problem in problems:
        given = f" is {problem.given}" if problem.given else ""
        yield Health.BROKEN, f"{problem.key}{given}: {problem.advice}", ""
    if not problems:
        schedule = settings.schedule
        yield (
            Health.WELL,
            (
                f"{settings.path}: {counted(len(settings.feeds), 'feed')}, an issue every "
                f"{schedule.day.capitalize()} at {schedule.time:%H:%M} {schedule.timezone}"
            ),
            "",
        )


def _keys(settings: Settings) -> Iterator[Found]:
    settings.keys()
    if settings.newsletter_keys.get_secret_value():
        yield Health.WELL, "links are signed with a key of NEWSLETTER_KEYS", ""
        return
    file = settings.paths.keys
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield Health.LOOK, f"{file}: others on this machine can read it", f"chmod 600 {file}"
        return
    yield Health.WELL, f"links are signed with a key of {file}", ""


def _versions() -> Iterator[Found]:
    found = list(misfits())
    for one in found:
        yield Health.BROKEN, one, "pip install --upgrade newsletter, in an environment of its own"
    if not found:
        yield Health.WELL, "Python and every library are of versions that work together", ""


def _disk(settings: Settings) -> Iterator[Found]:
    database = sqlite_path(settings.database_url())
    folders = dict.fromkeys([settings.folder, *([database.parent] if database else [])])
    free = {one: shutil.disk_usage(one).free for one in folders if one.is_dir()}
    full = [folder for folder, space in free.items() if space < LEAST_SPACE]
    for folder in full:
        yield Health.BROKEN, f"only {free[folder] >> 20} MB are free in {folder}", "make room"
    if not full:
        yield Health.WELL, f"{min(free.values()) >> 20} MB are free", ""


def _database(settings: Settings) -> Iterator[Found]:
    with open_store(settings) as engine:
        people.ping_for_writing(engine)
        broken = damage(engine)
        if broken:
            yield Health.BROKEN, f"the file is damaged: {broken}", "put it back from a backup"
            return
        name = engine.url.render_as_string(hide_password=True)
        yield Health.WELL, f"{name} is up to date and can be written", ""
        yield from _doubts(engine)


def _doubts(engine: Engine) -> Iterator[Found]:
    for issue, count in doubts(engine).items():
        told = f"{count} deliveries of issue {issue} are in doubt"
        yield Health.LOOK, told, f"newsletter deliveries {issue}"


def _clock(settings: Settings, now: datetime, *, online: bool) -> Iterator[Found]:
    with open_store(settings) as engine:
        newest = newest_moment(engine)
        by_database = database_time(engine)
    here = f"it is {now:%Y-%m-%d %H:%M} UTC here, but "
    advice = "set it right, such as with timedatectl set-ntp true"
    if newest is not None and (newest - now).total_seconds() > CLOCK_SLACK:
        told = f"this newsletter was at work at {newest:%Y-%m-%d %H:%M} UTC: the clock was set back"
        yield Health.BROKEN, here + told, advice
        return
    others = (
        ("the database's server", by_database),
        ("its feeds' servers", web_time(settings) if online else None),
    )
    compared = [(whose, time) for whose, time in others if time is not None]
    for whose, time in compared:
        if abs((time - now).total_seconds()) > CLOCK_SLACK:
            told = f"{time:%Y-%m-%d %H:%M} UTC by the clock of {whose}"
            yield Health.BROKEN, here + told, advice
            return
    agreed = " and ".join(whose for whose, _time in compared)
    alone = "by this machine's own clock; --online compares it with others"
    if online:
        alone = "by this machine's own clock; no feed's server told its own"
    yield (
        Health.WELL,
        f"it is {now:%Y-%m-%d %H:%M} UTC, " + (f"as {agreed} have it" if agreed else alone),
        "",
    )


def _runs(settings: Settings, now: datetime) -> Iterator[Found]:
    with open_store(settings) as engine:
        elsewhere = [one for one in runs.unended(engine) if alive(one.owner) is None]
    long = [one for one in elsewhere if now - one.started_at > LONG]
    for one in long:
        since = f"{one.started_at:%Y-%m-%d %H:%M} UTC"
        told = f"{one.job} is at work on {host(one.owner)} since {since}, or that machine is gone"
        yield Health.LOOK, told, f"if it is gone: prefect flow-run cancel {one.flow_run}"
    if not long:
        yield Health.WELL, "none is stuck", ""


def _feeds(settings: Settings, now: datetime) -> Iterator[Found]:
    if not settings.feeds:
        yield Health.BROKEN, "there are no feeds", "newsletter feeds add URL"
        return
    with open_store(settings) as engine:
        unwell = [one for one in standings(settings, engine, now=now) if one.state in UNWELL]
    for one in unwell:
        name = one.feed.name or one.feed.url
        yield Health.LOOK, f"{name} is {one.state}: {one.reason}", one.command
    if not unwell:
        yield Health.WELL, f"{counted(len(settings.feeds), 'feed')}, none failing", ""


def _templates(settings: Settings) -> Iterator[Found]:
    rendered = render_issue(settings, SAMPLE)
    theme = settings.newsletter.theme
    # Nobody booked a slot in the sample.
    errors = [one for one in rendered.errors if not one.rule.startswith("sponsor.")]
    for finding in errors:
        told = f"the sample issue in the theme {theme} breaks {finding.rule}: {finding.message}"
        yield Health.BROKEN, told, "newsletter check"
    if not errors:
        yield Health.WELL, f"the theme {theme} renders the sample issue", ""


def _subscribers(settings: Settings) -> Iterator[Found]:
    with open_store(settings) as engine:
        active = people.count(engine).get("active", 0)
    if active:
        yield Health.WELL, f"{active} active", ""
    else:
        advice = 'newsletter subscribers import FILE --consent "how they agreed"'
        yield Health.LOOK, "nobody would get an issue", advice


def _transport(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Found]:
    transport = settings.sending.transport
    if list(unsendable(settings)):
        yield Health.UNKNOWN, "not asked before the settings are complete", ""
    elif transport == "sendgrid":
        yield from _sendgrid(settings, clock)
    elif transport == "smtp":
        yield from _smtp(settings, clock)
    else:
        yield Health.WELL, "mails are only written to outbox/; nobody is mailed", ""


def _smtp(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Found]:
    server = f"{settings.sending.smtp_host} port {settings.sending.smtp_port}"
    try:
        with open_transport(settings, 0, clock=clock) as transport:
            if isinstance(transport, Smtp):
                transport.greet()
    except TransportError as error:
        yield Health.BROKEN, f"{server}: {error}", "correct [sending] smtp_… or SMTP_PASSWORD"
        return
    yield Health.WELL, f"{server} takes us", ""


def _sendgrid(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Found]:
    account = open_sendgrid(settings, clock=clock)
    try:
        scopes = account.scopes()
    except TransportError as error:
        advice = "correct SENDGRID_API_KEY, or [sending] sendgrid_host for an EU account"
        yield Health.BROKEN, f"SENDGRID_API_KEY: {error}", advice
        return
    needed = SEND + (FENCE if settings.sending.fence else ())
    missing = [scope for scope in needed if scope not in scopes]
    if missing:
        yield (
            Health.BROKEN,
            f"the key of SENDGRID_API_KEY lacks {', '.join(missing)}",
            "give it these permissions (Settings, API Keys), or fence = false",
        )
    else:
        yield Health.WELL, f"SendGrid takes the key; it allows what is needed ({len(scopes)})", ""
    try:
        identities = account.identities()
    except Refused:
        yield Health.UNKNOWN, "the key may not ask which senders are verified", ""
        return
    yield _identity(settings, identities)


def _identity(settings: Settings, identities: frozenset[str]) -> Found:
    address = settings.newsletter.sender.rpartition("<")[2].rstrip("> ").lower()
    domain = settings.sending.domain or address.rpartition("@")[2]
    if domain in identities:
        return Health.WELL, f"SendGrid has authenticated {domain}", ""
    if address in identities:
        advice = "authenticate the domain (Settings, Sender Authentication): DMARC wants it"
        return Health.LOOK, f"SendGrid has verified {address}, but not the domain {domain}", advice
    advice = "authenticate the domain (Settings, Sender Authentication)"
    return Health.BROKEN, f"SendGrid knows neither {address} nor {domain} as a sender", advice


def _unsubscribe(settings: Settings) -> Iterator[Found]:
    sending = settings.sending
    if sending.transport == "outbox":
        yield Health.UNKNOWN, "not asked: mails in outbox/ leave nobody to unsubscribe", ""
        return
    if sending.unsubscribe == "sendgrid":
        yield Health.WELL, "SendGrid serves the links", ""
        return
    problem = probe(settings)
    if problem:
        yield Health.BROKEN, problem, "start newsletter web there"
    else:
        base = settings.newsletter.base_url
        yield Health.WELL, f"one click on {base}/u/… is answered", ""


def _domain(settings: Settings, resolver: Resolver | None, *, online: bool) -> Iterator[Found]:
    if not online:
        yield Health.UNKNOWN, "DNS was not asked", "newsletter doctor --online"
        return
    findings = ask_dns(settings, resolver or Dns())
    for finding in findings:
        health = Health.BROKEN if finding.severity == "error" else Health.LOOK
        yield health, finding.message, ""
    if not findings:
        yield Health.WELL, "SPF, DKIM and DMARC stand in DNS", ""


def _sponsors(settings: Settings, now: datetime) -> Iterator[Found]:
    """Yield the slots that are booked for a day on which no issue goes out by itself."""
    schedule = settings.schedule
    zone = ZoneInfo(schedule.timezone)
    today = now.astimezone(zone).date()
    coming = [booking for booking in bookings(settings) if booking.day >= today]
    lost = []
    for booking in coming:
        day = booking.day
        eve = datetime(day.year, day.month, day.day, tzinfo=zone) - timedelta(microseconds=1)
        slot = next_slot(schedule, eve).astimezone(zone).date()
        if slot != day:
            lost.append(booking)
            told = f"{booking.name} booked {day}, a {day:%A}, and no issue is due that day"
            advice = f"book it for {slot} in [[sponsors]], or send an issue that day yourself"
            yield Health.LOOK, told, advice
    if coming and not lost:
        first = min(booking.day for booking in coming)
        yield Health.WELL, f"{counted(len(coming), 'slot')} booked, the next for {first}", ""


def _editor(settings: Settings) -> Iterator[Found]:
    if settings.newsletter.editor:
        yield Health.WELL, f"{settings.newsletter.editor} is told how each run ended", ""
    else:
        yield Health.LOOK, "nobody is told how a run ended", "set [newsletter] editor"
