"""What a draft made of each item, as the store keeps it to be asked for later."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from flows.edit import titles
from flows.edit.canonical import canonical
from flows.edit.draft import Choice
from flows.edit.gist import spelled
from flows.edit.sections import LEFT_OVER
from flows.store.decisions import Decision, Fate
from flows.store.names import number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flows.models import Item
    from flows.pipeline.drafting import Drafted


# A title that shares fewer words is another one's.
_ALIKE = 60
# Of the 63 of a number: 41 tell items apart, these their states.
_BITS_OF_STATE = 22


def decide(
    drafted: Drafted,
    issue: int,
    *,
    but_for: Collection[int] = (),
    told: Collection[str] = (),
) -> list[Decision]:
    """Return what became of every item of the stories drafted for an issue, and why.

    Items with numbers in `but_for` are passed over: of them something was decided before. A story
    at an address in `told` is no entry: the editor links it in words of theirs.
    """
    made: list[Decision] = []
    for choice, drafted_as in _fates(drafted):
        story, section, reason = choice
        fate = drafted_as
        if fate is Fate.CHOSEN and told and any(spelled(item) in told for item in story.items):
            fate, section, reason = Fate.LEFT_OUT, LEFT_OVER, "linked in the intro or in a blurb"
        numbers = [*map(number_of, story.items)]
        reasons = chain([reason], story.reasons, repeat(""))
        for item, own, because in zip(story.items, numbers, reasons, strict=False):
            if own in but_for:
                continue
            made.append(
                Decision(
                    issue=issue,
                    item=own,
                    story=numbers[0],
                    address=spelled(item) or _titled(item.title),
                    feed=item.feed,
                    url=item.url,
                    title=item.title,
                    fate=fate if item is story.lead else Fate.MERGED,
                    section=section,
                    reason=because,
                    decided_at=drafted.window.end,
                )
            )
    return made


def address_of(url: str, name: str) -> str:
    """Return what an item is looked up by: the one spelling of its address, else its title."""
    return canonical(url) or _titled(name)


def _titled(name: str) -> str:
    return f"title:{titles.read(name).key}"


def _fates(drafted: Drafted) -> Iterator[tuple[Choice, Fate]]:
    for choice in drafted.choices:
        story, section, _ = choice
        if story.held or story.ran_in is not None:
            yield choice._replace(reason=story.held or choice.reason), Fate.HELD
        else:
            yield choice, Fate.LEFT_OUT if section == LEFT_OVER else Fate.CHOSEN
    for archive in drafted.again:
        for story in archive.stories:
            yield Choice(story, "", archive.sentence), Fate.HELD


def number_of(item: Item) -> int:
    """Return the number by which what was decided of an item is found.

    It tells what is otherwise now from what was decided of; the item's own part of it stays.
    """
    own = number(f"{item.feed}\n{item.guid}") >> _BITS_OF_STATE << _BITS_OF_STATE
    return own | number(f"{item.url}\n{item.title}") & ((1 << _BITS_OF_STATE) - 1)


def is_alike(title: str, other: str) -> bool:
    """Tell whether two titles may be of one thing, retitled."""
    return fuzz.token_set_ratio(title.casefold(), other.casefold()) >= _ALIKE


def own_part(decided: int) -> int:
    """Return what the numbers of an item have in common, whatever address and title it had."""
    return decided >> _BITS_OF_STATE
