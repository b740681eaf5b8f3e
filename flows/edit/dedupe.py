"""Items into stories: each told once, within the issue, across feeds and across all past issues.

Every merge and every story held back carries its reason. What is only likely stays apart and is
flagged. How sure is sure enough stands in `likeness.THRESHOLDS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from flows.edit import addresses, titles
from flows.edit.clusters import Cluster, cluster
from flows.edit.collecting import at_rest
from flows.edit.fingerprint import unpack
from flows.edit.keys import TELLING, history_keys, keys_of, remembered
from flows.edit.likeness import Judgement, Reading, Verdict, judge
from flows.edit.lookalikes import look_alikes
from flows.edit.readings import read, read_all
from flows.edit.republished import Republication, republished
from flows.models import Story

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from flows.models import Item, Remembered

__all__ = [
    "NO_HISTORY",
    "UNNUMBERED",
    "History",
    "Recollection",
    "Republication",
    "dedupe",
    "history_keys",
    "named",
    "ran_before",
    "remembered",
    "republished",
]

# What ran in issues that were imported without their numbers.
UNNUMBERED = 0
# How many look-alikes of one story an editor is asked about.
MOST_LIKELY = 3


class History(Protocol):
    """What ran in past issues: enough to know a story by its address, guid or full title."""

    def ran_in(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return the newest issue for each of `keys` (see `history_keys`) that ran."""
        ...


@runtime_checkable
class Recollection(History, Protocol):
    """A history that keeps titles and texts too: it knows moved and retitled stories again."""

    def recall(self, stories: Sequence[Collection[str]]) -> Sequence[Sequence[Remembered]]:
        """Return, for the keys of each story, the few that ran and share most of them."""
        ...


class _NoHistory:
    """The history of a newsletter that has sent nothing yet."""

    def ran_in(self, keys: Collection[str]) -> Mapping[str, int]:  # noqa: ARG002 - the protocol's
        return {}


NO_HISTORY: History = _NoHistory()


@dataclass(frozen=True, slots=True)
class _Past:
    """What history says of a story: the issue it ran in and why, and what merely looks like it."""

    issue: int | None = None
    reason: str = ""
    likely: tuple[str, ...] = ()


@at_rest()
def dedupe(items: Iterable[Item], *, history: History = NO_HISTORY) -> list[Story]:
    """Return the stories that `items` tell, the newest first; the order of the items is the same.

    A story that ran before says in which issue and is held. Nothing is dropped, nothing raised.
    """
    members = read_all(items)
    clusters = cluster(members)
    likely = look_alikes(clusters)
    pasts = _look_up(clusters, history)
    stories = [
        _story(cluster, past, likely[index])
        for index, (cluster, past) in enumerate(zip(clusters, pasts, strict=True))
    ]
    return sorted(stories, key=_newest_first)


def _story(cluster: Cluster, past: _Past, likely: Sequence[str]) -> Story:
    others = cluster.members()
    story = Story(
        lead=cluster.lead.item,
        others=tuple(member.item for member, _ in others),
        reasons=tuple(reason for _, reason in others),
        likely=(*likely, *past.likely)[:MOST_LIKELY],
    )
    if past.issue is None:
        return story
    return replace(story, ran_in=past.issue, held=f"ran in {named(past.issue)}: {past.reason}")


def named(issue: int) -> str:
    """Return how an issue is called: "#42", or "a past issue" if it was imported unnumbered."""
    return f"#{issue}" if issue != UNNUMBERED else "a past issue"


def ran_before(item: Item, ran: Iterable[Remembered]) -> list[tuple[Remembered, str]]:
    """Return what of `ran` certainly told the item's story, newest issue first, and why."""
    reading = read(item)
    judged = ((past, _judge_past([reading], past)) for past in sorted(ran, key=_latest))
    return [(past, judgement.reason) for past, judgement in judged if judgement]


def _newest_first(story: Story) -> tuple[object, ...]:
    lead = story.lead
    when = -lead.published.timestamp() if lead.published else 0.0
    return (lead.published is None, when, lead.url, lead.title, lead.feed, lead.guid, lead.summary)


def _look_up(clusters: Sequence[Cluster], history: History) -> list[_Past]:
    if history is NO_HISTORY or not clusters:
        return [_Past()] * len(clusters)
    readings = [_readings(cluster) for cluster in clusters]
    keys = [{key for reading in told for key in keys_of(reading)} for told in readings]
    if isinstance(history, Recollection):
        recalled = history.recall(keys)
        return [_recalled(told, ran) for told, ran in zip(readings, recalled, strict=True)]
    issues = history.ran_in({key for own in keys for key in own if key.startswith(TELLING)})
    return [_known(own, issues) for own in keys]


def _readings(cluster: Cluster) -> list[Reading]:
    return [member.reading for page in cluster.pages for member in page.members]


def _known(keys: Iterable[str], issues: Mapping[str, int]) -> _Past:
    """Return the newest issue a telling key ran in."""
    found = [(issues[key], key) for key in keys if key in issues]
    if not found:
        return _Past()
    issue, key = max(found)
    return _Past(issue, f"same {_NAMES[key.partition(':')[0]]}")


_NAMES = {
    "url": "address",
    "guid": "guid in its feed",
    "medium": "Medium post",
    "title": "title",
}


def _recalled(readings: Sequence[Reading], ran: Iterable[Remembered]) -> _Past:
    """Return the newest issue with certainly the same story, and what there looks like it."""
    held: list[tuple[int, str]] = []
    likely: list[tuple[int, str]] = []
    for past in sorted(ran, key=_latest):
        judgement = _judge_past(readings, past)
        if judgement:
            held.append((past.issue, judgement.reason))
        elif judgement.verdict is Verdict.LIKELY:
            told = f"looks like “{past.title}”, which ran in {named(past.issue)}"
            likely.append((past.issue, told))
    if held:
        return _Past(*held[0])
    return _Past(likely=tuple(text for _, text in likely[:1]))


def _judge_past(readings: Iterable[Reading], past: Remembered) -> Judgement:
    address = addresses.read(past.url)
    then = Reading(
        address=address,
        title=titles.read(past.title),
        text=unpack(past.fingerprint),
        feed=past.feed,
        guid=past.guid,
        own=addresses.names_site(address, titles.compact(past.feed)),
    )
    return max((judge(then, reading) for reading in readings), key=lambda found: found.verdict)


def _latest(past: Remembered) -> tuple[int, str, str, str]:
    return (-past.issue, past.url, past.title, past.guid)
