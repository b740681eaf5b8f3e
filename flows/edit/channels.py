"""Which channel a passed-on video is of, where its description tells and the settings know it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.edit.sentences import folded_words
from flows.edit.workshop import SITES
from flows.models import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.models import Item, Story

# The link that asks viewers to pay names the channel itself; other links may name any.
_JOIN = re.compile(
    r"(?:youtube\.com/(?:c/|user/|@)?|patreon\.com/)(?P<handle>[\w.-]{3,60})/join\b", re.IGNORECASE
)
_LINK = re.compile(r"https?://[^\s<>\"')]+")
_SITES = frozenset(site.casefold() for site in SITES.values())
_MOST_READ = 8_000
# Two descriptions with so many links in common are of one channel.
_SHARED = 3


def with_channels(stories: Sequence[Story], names: Iterable[str]) -> list[Story]:
    """Return the stories, their videos with the channel as author where `names` has it.

    A channel says who it is in one description or another, and has the same links in all.
    """
    known = {_squeezed(name): name for name in names if name}
    told = [
        (story.lead.feed, _links(story.lead), name)
        for story in stories
        if _is_nameless(story.lead) and (name := known.get(_handle(story.lead)))
    ]
    return [_named(story, told) for story in stories] if told else list(stories)


def _named(story: Story, told: Iterable[tuple[str, frozenset[str], str]]) -> Story:
    item = story.lead
    if not _is_nameless(item):
        return story
    links = _links(item)
    for feed, theirs, name in told:
        if feed == item.feed and (len(links & theirs) >= _SHARED or links == theirs):
            return replace(story, lead=replace(item, author=name))
    return story


def _links(item: Item) -> frozenset[str]:
    return frozenset(_LINK.findall((item.content or item.summary)[:_MOST_READ]))


def _is_nameless(item: Item) -> bool:
    return item.kind is Kind.VIDEO and not item.author and item.source.casefold() in _SITES


def _handle(item: Item) -> str:
    match = _JOIN.search((item.content or item.summary)[:_MOST_READ])
    return _squeezed(match["handle"]) if match else ""


def _squeezed(name: str) -> str:
    return "".join(folded_words(name.replace("-", " ").replace("_", " ")))
