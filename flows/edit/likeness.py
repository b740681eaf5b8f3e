"""Judges two items: the same story for certain, perhaps, or not; each time with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from flows.edit import addresses, anchors, titles
from flows.edit.addresses import Address, Kinship
from flows.edit.fingerprint import NO_TEXT, Text, containment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.edit.titles import Title


class Verdict(IntEnum):
    """How sure it is that two items tell the same story."""

    DIFFERENT = 0
    LIKELY = 1
    CERTAIN = 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the reason as an editor reads it: "same address"."""

    verdict: Verdict
    reason: str = ""

    def __bool__(self) -> bool:
        return self.verdict is Verdict.CERTAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where certain ends and likely begins. Weights count meaningful words, generic ones half."""

    # Texts: shares of the shorter one found in the longer one. Two publishers' own summaries of
    # one piece are one text; of two pieces they may share phrases.
    texts_agree: float = 0.6
    publishers_agree: float = 0.8
    texts_same: float = 0.85
    texts_identical: float = 0.95
    # From how many words on a text is worth that judgement.
    words_to_agree: int = 10
    words_of_copy: int = 15
    words_to_stand_alone: int = 40
    # An equal title on another site.
    title_alone: float = 3.5
    title_with_slug: float = 2.5
    title_with_text: float = 2.0
    title_before_name: float = 3.5
    title_after_name: float = 5.0
    title_against_comment: float = 4.0
    title_against_text: float = 6.0
    title_of_project: float = 2.0
    title_with_version: float = 2.0
    # An equal title on the same site: at an address that reads as moved, at any.
    title_moved: float = 2.0
    title_unusual: float = 5.0
    # Titles that are not equal.
    title_part: float = 1.5
    near_ratio: float = 90.0
    spelling_ratio: float = 70.0
    likely_weight: float = 2.5


THRESHOLDS = Thresholds()

_DIFFERENT = Judgement(Verdict.DIFFERENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is read from an item to compare it."""

    address: Address
    title: Title
    text: Text = NO_TEXT
    feed: str = ""
    guid: str = ""
    # Whether the feed is the publisher's own, so that its summary is the piece's, not a comment.
    own: bool = False
    # Whether so many pages have the title that it tells nothing: a wall's, an error's, a form's.
    common: bool = False


class Relation(IntEnum):
    """How two titles are related."""

    OTHER = 0
    NEAR = 1
    PART = 2
    EQUAL = 3


def judge(one: Reading, other: Reading, *, thresholds: Thresholds = THRESHOLDS) -> Judgement:
    """Return whether two items tell the same story, and why; the order of the two is the same."""
    known = _by_identity(one, other)
    if known is not None:
        return known
    if titles.differ_in_number(one.title, other.title):
        return _DIFFERENT
    relation = relate(one, other, thresholds=thresholds)
    if one.guid and one.guid == other.guid and one.feed == other.feed:
        return _under_one_guid(relation)
    if not one.address.url and not other.address.url and one.feed == other.feed:
        return _in_one_feed(one, other, relation, thresholds=thresholds)
    if _share_a_site(one, other):
        return _on_one_site(one, other, relation, thresholds=thresholds)
    return _across_sites(one, other, relation, thresholds=thresholds)


def relate(one: Reading, other: Reading, *, thresholds: Thresholds = THRESHOLDS) -> Relation:
    """Return how two titles are related; the names of their sites do not count."""
    first, second = one.title, other.title
    if not first.key or not second.key:
        return Relation.OTHER
    if first.key == second.key or _equal_but_for_sites(one, other, thresholds=thresholds):
        return Relation.EQUAL
    if first.numbers != second.numbers:
        return Relation.OTHER
    mine, yours = set(first.words), set(second.words)
    if mine <= yours or yours <= mine:
        enough = min(first.weight, second.weight) >= thresholds.title_part
        return Relation.PART if enough else Relation.OTHER
    if fuzz.ratio(first.key, second.key, score_cutoff=thresholds.near_ratio):
        return Relation.NEAR
    return Relation.OTHER


def agreement(one: Reading, other: Reading, *, thresholds: Thresholds = THRESHOLDS) -> float | None:
    """Return how much of the shorter text is in the longer; None if there is too little to say."""
    if min(one.text.length, other.text.length) < thresholds.words_to_agree:
        return None
    return containment(one.text, other.text)


def _by_identity(one: Reading, other: Reading) -> Judgement | None:
    first, second = one.address, other.address
    if first.url and first.url == second.url:
        return _at_one_address(one, other)
    if first.medium and first.medium == second.medium:
        return Judgement(Verdict.CERTAIN, "same Medium post on two domains")
    if one.feed == other.feed and _are_one_entry(one, other):
        return Judgement(Verdict.CERTAIN, "same entry")
    if first.project and first.project == second.project and _share_words(one, other):
        return Judgement(Verdict.CERTAIN, "same project on two code hosts")
    return None


def _are_one_entry(one: Reading, other: Reading) -> bool:
    """Return whether a feed says the very same twice: address, guid, title and text."""
    return (
        one.address.url == other.address.url
        and one.guid == other.guid
        and one.title.key == other.title.key
        and one.text.hashes == other.text.hashes
    )


def _at_one_address(one: Reading, other: Reading) -> Judgement:
    first, second = one.title, other.title
    # A page that rolls on (a changelog, "current issue") tells another story with each number.
    rolls = first.template == second.template and not addresses.is_numbered(one.address)
    if rolls and titles.differ_in_number(first, second):
        return _DIFFERENT
    mine, yours = one.address.fragment, other.address.fragment
    if anchors.are_entries(mine, yours, (first, second)):
        return _DIFFERENT
    if not _share_words(one, other):
        if anchors.differ(mine, yours):
            return _DIFFERENT
        # A feed whose entries all lead to its front page says nothing with that address.
        if one.address.is_front and one.feed == other.feed and one.guid != other.guid:
            return Judgement(Verdict.LIKELY, "same front page")
    return Judgement(Verdict.CERTAIN, "same address")


def _under_one_guid(relation: Relation) -> Judgement:
    if relation is Relation.OTHER:
        return Judgement(Verdict.LIKELY, "same guid, other title")
    return Judgement(Verdict.CERTAIN, "same guid in its feed")


def _in_one_feed(
    one: Reading, other: Reading, relation: Relation, *, thresholds: Thresholds
) -> Judgement:
    """Return the judgement of two entries without addresses: titles there may name a column."""
    if relation is not Relation.EQUAL:
        return _DIFFERENT
    agreed = agreement(one, other, thresholds=thresholds)
    if agreed is not None and agreed >= thresholds.texts_identical:
        return Judgement(Verdict.CERTAIN, f"same title in its feed, texts agree {_percent(agreed)}")
    return Judgement(Verdict.LIKELY, "same title in its feed")


def _on_one_site(
    one: Reading, other: Reading, relation: Relation, *, thresholds: Thresholds
) -> Judgement:
    if relation < Relation.PART and one.address.loose != other.address.loose:
        return _DIFFERENT
    kinship = addresses.kinship(one.address, other.address)
    if relation is Relation.EQUAL:
        return _equal_on_one_site(one, other, kinship, thresholds=thresholds)
    if kinship is Kinship.VARIANTS and _share_words(one, other):
        return Judgement(Verdict.CERTAIN, "same address but for its ending")
    # A second page of one name under another title is a second piece.
    moved = kinship is Kinship.MOVED and one.address.counter == other.address.counter
    if moved and relation is Relation.PART and not _disagree(one, other):
        return Judgement(Verdict.CERTAIN, "like title, address moved on its site")
    # On one site like titles mean siblings of a series, and their texts begin alike.
    return _DIFFERENT


def _equal_on_one_site(
    one: Reading, other: Reading, kinship: Kinship, *, thresholds: Thresholds
) -> Judgement:
    agreed = agreement(one, other, thresholds=thresholds)
    weight = _weight_on_site(one, other)
    agree = agreed is not None and agreed >= thresholds.texts_same
    # A column has the same few words under its title each week ("Top posts of the week").
    if agree and weight < thresholds.title_moved and kinship is Kinship.STRANGERS:
        agree = min(one.text.length, other.text.length) >= thresholds.words_to_stand_alone
    if kinship is Kinship.SIBLINGS or (one.common and other.common and not agree):
        return Judgement(Verdict.LIKELY, "same title, two entries of one site")
    if agree:
        return Judgement(Verdict.CERTAIN, f"same title on its site, texts agree {_percent(agreed)}")
    if kinship is Kinship.VARIANTS or (
        kinship is not Kinship.STRANGERS and weight >= thresholds.title_moved
    ):
        return Judgement(Verdict.CERTAIN, "same title, address moved on its site")
    if agreed is None and _has_version(one.title) and weight >= thresholds.title_with_version:
        return Judgement(Verdict.CERTAIN, "same title with the same version on one site")
    if agreed is None and weight >= thresholds.title_unusual:
        return Judgement(Verdict.CERTAIN, "same unusual title on one site")
    return Judgement(Verdict.LIKELY, "same title on one site")


def _across_sites(
    one: Reading, other: Reading, relation: Relation, *, thresholds: Thresholds
) -> Judgement:
    agreed = agreement(one, other, thresholds=thresholds)
    if relation is Relation.EQUAL:
        return _equal_across_sites(one, other, agreed, thresholds=thresholds)
    copied = one.text.republished or other.text.republished
    words_needed = thresholds.words_of_copy if copied else thresholds.words_to_stand_alone
    long_enough = min(one.text.length, other.text.length) >= words_needed
    if agreed is not None and agreed >= thresholds.texts_same:
        like = relation in {Relation.PART, Relation.NEAR} and not _tell_of_two(one, other)
        if like or (long_enough and _share_words(one, other)):
            return Judgement(
                Verdict.CERTAIN, f"like title on another site, texts agree {_percent(agreed)}"
            )
        return Judgement(Verdict.LIKELY, f"texts agree {_percent(agreed)}")
    if relation is Relation.OTHER or agreed is not None:
        return _DIFFERENT
    weight = min(one.title.weight, other.title.weight)
    if weight >= thresholds.likely_weight:
        return Judgement(Verdict.LIKELY, "like title on another site")
    return _DIFFERENT


def _equal_across_sites(
    one: Reading, other: Reading, agreed: float | None, *, thresholds: Thresholds
) -> Judgement:
    # What an aggregator writes under a link is its own comment, and need not agree.
    publishers = one.own and other.own
    enough = thresholds.publishers_agree if publishers else thresholds.texts_agree
    if agreed is not None and agreed >= enough:
        return Judgement(
            Verdict.CERTAIN, f"same title on another site, texts agree {_percent(agreed)}"
        )
    if one.common and other.common:
        return Judgement(Verdict.LIKELY, "same title on many pages")
    weight = _weight_of_equal(one.title, other.title)
    if weight >= thresholds.title_of_project and _are_project_and_home(one, other):
        return Judgement(Verdict.CERTAIN, "a project and its home page")
    if weight >= thresholds.title_moved and addresses.same_dated_path(one.address, other.address):
        return Judgement(Verdict.CERTAIN, "same title, its site has another name")
    if weight >= _weight_needed(one, other, agreed, thresholds=thresholds):
        return Judgement(Verdict.CERTAIN, "same title on another site")
    return Judgement(Verdict.LIKELY, "same short title on another site")


def _weight_needed(
    one: Reading, other: Reading, agreed: float | None, *, thresholds: Thresholds
) -> float:
    if one.text and one.text.hashes == other.text.hashes:
        return thresholds.title_with_text
    if agreed is not None and one.own and other.own:
        return thresholds.title_against_text
    if agreed is not None:
        return thresholds.title_against_comment
    # Two pieces of one title have words of their own in their addresses, a copy has not.
    if addresses.slugs_contain(one.address, other.address):
        return thresholds.title_with_slug
    return thresholds.title_alone


def _weight_of_equal(first: Title, second: Title) -> float:
    """Return the weight of what two equal titles share, without the names of sites behind it."""
    if first.key == second.key:
        return min(first.weight, second.weight)
    mine, yours = _parts(first), _parts(second)
    return max((min(mine[key], yours[key]) for key in mine.keys() & yours.keys()), default=0.0)


def _weight_on_site(one: Reading, other: Reading) -> float:
    """Return the weight of what two equal titles share, without the name of the site behind it."""
    weights = [_weight_of_equal(one.title, other.title)]
    for told in (one, other):
        weights += [head.weight for head in told.title.heads if _names(told, head)]
    return min(weights)


def _parts(title: Title) -> dict[str, float]:
    """Return the weights of a title and of what it is without the names of sites."""
    parts = {head.key: head.weight for head in title.heads}
    if title.tail:
        parts[title.tail.key] = title.tail.weight
    return {**parts, title.key: title.weight}


def _are_project_and_home(one: Reading, other: Reading) -> bool:
    first, second = one.address, other.address
    return bool((first.project and second.is_front) or (second.project and first.is_front))


def _equal_but_for_sites(one: Reading, other: Reading, *, thresholds: Thresholds) -> bool:
    first, second = one.title, other.title
    if _is_rest_of(one, other, thresholds=thresholds):
        return True
    if _is_rest_of(other, one, thresholds=thresholds):
        return True
    return any(
        mine.key == yours.key and _names(one, mine) and _names(other, yours)
        for mine in first.heads
        for yours in second.heads
    )


def _is_rest_of(one: Reading, other: Reading, *, thresholds: Thresholds) -> bool:
    """Return whether `one`'s title is `other`'s with but the name of a site before or behind it."""
    title, key = one.title, other.title.key
    elsewhere = not _share_a_site(one, other)
    for head in title.heads:
        if head.key == key:
            far_enough = elsewhere and head.weight >= thresholds.title_before_name
            return far_enough or _names(one, head)
    if title.tail is None or title.tail.key != key:
        return False
    # What stands before may narrow a title down, and a site's name is often its first word.
    if elsewhere and title.tail.weight >= thresholds.title_after_name:
        return True
    return title.tail.site == titles.compact(one.feed)


def _names(one: Reading, head: titles.Head) -> bool:
    """Return whether what stands behind a title names its site or feed."""
    if addresses.names_site(one.address, head.site, initials=head.initials):
        return True
    return head.site == titles.compact(one.feed)


def _disagree(one: Reading, other: Reading) -> bool:
    agreed = agreement(one, other)
    return agreed is not None and agreed < THRESHOLDS.texts_agree


def _share_a_site(one: Reading, other: Reading) -> bool:
    return bool(one.address.site) and one.address.site == other.address.site


def _share_words(one: Reading, other: Reading) -> bool:
    return not set(one.title.words).isdisjoint(other.title.words)


def _tell_of_two(one: Reading, other: Reading) -> bool:
    """Return whether each title has a word that is no spelling of one of the other's."""
    mine, yours = set(one.title.words), set(other.title.words)
    return _has_own_word(mine - yours, yours) and _has_own_word(yours - mine, mine)


def _has_own_word(words: Iterable[str], others: Iterable[str]) -> bool:
    return any(
        all(fuzz.ratio(word, other) < THRESHOLDS.spelling_ratio for other in others)
        for word in words
    )


def _has_version(title: Title) -> bool:
    return any("." in number for number in title.numbers)


def _percent(share: float | None) -> str:
    return f"{round(100 * (share or 0.0))} %"
