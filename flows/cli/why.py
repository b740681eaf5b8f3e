"""`newsletter why`: what is known of one item, and why it is where it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from flows.cli.options import config_option, json_option, load_settings, narrate, show, show_json

if TYPE_CHECKING:
    from pathlib import Path

    from flows.models import Item
    from flows.pipeline.known import Known, Ran
    from flows.pipeline.why import Answer
    from flows.store.decisions import Decision

_WIDTH = 12
# Of what is told per feed and per issue, so much is shown; --json has all.
_SHOWN = 10


@click.command()
@click.argument("asked", metavar="URL|TITLE")
@json_option
@config_option
def why(asked: str, *, as_json: bool, config: Path | None) -> None:
    """Say what is known of an item, and why it was sent, merged, held back or left out.

    Takes its address, with or without tracking, or its title; of a title that nothing has, the
    nearest one is taken, and you are told. Looks at the stored items, at what was decided when an
    issue was drafted, at past issues, imported ones too, and at the newest issue files.
    """
    from flows.pipeline.why import explain

    answer = explain(load_settings(config), asked, now=datetime.now(UTC))
    if as_json:
        show_json(_as_json(asked, answer))
    else:
        _tell(asked, answer)


def _as_json(asked: str, answer: Answer) -> dict[str, Any]:
    known = answer.known
    merged = answer.merged
    return {
        "asked": asked,
        "match": known.subject.match,
        "others": [{"title": one.title, "url": one.url or None} for one in known.subject.others],
        "title": known.subject.title,
        "url": known.subject.url or None,
        "standing": answer.standing,
        "reason": answer.sentence,
        "first_seen": _first_seen(known),
        "published": _published(known),
        "merged_into": merged
        and {"title": merged.title, "url": merged.url, "because": answer.merged_because},
        "feeds": [
            {
                "feed": item.feed,
                "url": item.url,
                "title": item.title,
                "guid": item.guid,
                "published": item.published,
                "first_seen": item.first_seen,
            }
            for item in known.items
        ],
        "decisions": [_decision(one) for one in known.decisions],
        "ran": [
            {
                "issue": ran.issue or None,
                "sent_at": ran.record.sent_at if ran.record else None,
                "imported": ran.record is None,
                "title": ran.title,
                "url": ran.url,
                "because": ran.because,
            }
            for ran in known.ran
        ],
        "files": [{"issue": one.issue, "section": one.section} for one in known.places],
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "issue": one.issue,
        "decided_at": one.decided_at,
        "feed": one.feed,
        "title": one.title,
        "url": one.url,
        "fate": one.fate,
        "section": one.section,
        "reason": one.reason,
    }


def _tell(asked: str, answer: Answer) -> None:
    known = answer.known
    subject = known.subject
    if subject.match == "nearest title":
        narrate(f"Nothing is called “{asked}”; the nearest title is this one.")
    show(subject.title or "(no title)")
    if subject.url:
        show(subject.url)
    show(f"{answer.sentence[:1].upper()}{answer.sentence[1:]}.")
    show("")
    for label, text in _facts(answer):
        show(f"{label:<{_WIDTH}}{text}")
    if subject.others:
        told = (f"“{one.title}” {one.url}".rstrip() for one in subject.others)
        narrate(f"Also near: {'; '.join(told)}")


def _facts(answer: Answer) -> list[tuple[str, str]]:
    known = answer.known
    facts = []
    if seen := _first_seen(known):
        facts.append(("first seen", _moment(seen)))
    if known.items:
        published = _published(known)
        facts.append(("published", _moment(published) if published else "no date"))
    told = [("in feed", _sighting(item)) for item in known.items[:_SHOWN]]
    facts += told
    if answer.merged:
        into = f"“{answer.merged.title}” ({answer.merged.feed}): {answer.merged_because}"
        facts.append(("merged into", into))
    decided = known.decisions or (known.coming.decisions if known.coming else ())
    facts += [_fact(one) for one in decided[:_SHOWN]]
    facts += [("ran", _issue(ran)) for ran in known.ran[:_SHOWN]]
    facts += [("in file", f"#{one.issue}, under {one.section}") for one in known.places[:_SHOWN]]
    return facts


def _fact(one: Decision) -> tuple[str, str]:
    under = f" under {one.section}" if one.section and one.fate == "chosen" else ""
    because = f": {one.reason}" if one.reason else ""
    return f"for #{one.issue}", f"{one.feed}: {one.fate}{under}{because}"


def _sighting(item: Item) -> str:
    seen = f", seen {_moment(item.first_seen)}" if item.first_seen else ""
    return f"{item.feed}{seen}: {item.url or '(no link)'}"


def _issue(ran: Ran) -> str:
    where = f"#{ran.issue}" if ran.issue else "a past issue"
    if ran.record is None:
        return f"{where} (imported): {ran.because}"
    sent = ran.record.sent_at
    return f"{where}, {_moment(sent) if sent else ran.record.status.value}: {ran.because}"


def _first_seen(known: Known) -> datetime | None:
    return min((item.first_seen for item in known.items if item.first_seen), default=None)


def _published(known: Known) -> datetime | None:
    return min((item.published for item in known.items if item.published), default=None)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
