"""What a provider tells after a hand-over, taken to heart: doubts settled, people left alone.

Everything here may be told twice, late or in any order: doing it again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from flows.deliver.events import FeedbackKind
from flows.store import feedback as told
from subscribers import store as people
from subscribers.address import parse
from subscribers.errors import InvalidAddress
from subscribers.models import Leaver, Suppression, SuppressionReason
from subscribers.store.feedback import ids, suppress_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from flows.deliver.events import Events, Feedback, Proof

T = TypeVar("T")
REASONS = {
    FeedbackKind.BOUNCED: SuppressionReason.BOUNCE,
    FeedbackKind.INVALID: SuppressionReason.INVALID,
    FeedbackKind.COMPLAINED: SuppressionReason.COMPLAINT,
}
SOURCE = "sendgrid"
# So many addresses are looked at in one statement.
AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeded:
    """What changed: people newly suppressed, people who left, and deliveries settled.

    `soft` counts addresses told to have bounced softly, `unknown` those on nobody's list.
    """

    suppressed: int = 0
    left: int = 0
    settled: int = 0
    soft: int = 0
    unknown: int = 0
    issues: frozenset[int] = frozenset()

    def __add__(self, other: Heeded) -> Heeded:
        """Return both together."""
        return Heeded(
            suppressed=self.suppressed + other.suppressed,
            left=self.left + other.left,
            settled=self.settled + other.settled,
            soft=self.soft + other.soft,
            unknown=self.unknown + other.unknown,
            issues=self.issues | other.issues,
        )


def heed_events(engine: Engine, events: Events, *, soft_bounces: int, now: datetime) -> Heeded:
    """Return what the events changed; raises DatabaseError."""
    heeded = settle_proven(engine, events.proofs, now=now)
    return heeded + heed(engine, events.feedback, soft_bounces=soft_bounces)


def settle_proven(engine: Engine, proofs: Sequence[Proof], *, now: datetime) -> Heeded:
    """Settle the batches that one of their readers' messages proves to have been accepted."""
    by_batch: dict[int, list[Proof]] = defaultdict(list)
    for proof in proofs:
        by_batch[proof.batch].append(proof)
    heeded = Heeded()
    for batch_ids in _pieces(list(by_batch)):
        for batch_id, issue in told.undecided(engine, batch_ids).items():
            settled = _settle(engine, issue, by_batch[batch_id], now)
            heeded += Heeded(settled=settled, issues=frozenset([issue] if settled else []))
    return heeded


def _settle(engine: Engine, issue: int, proofs: Sequence[Proof], now: datetime) -> int:
    # Another newsletter on the same account has batches of the same numbers: the reader decides.
    for proof in proofs:
        if proof.issue == issue and told.is_in(
            engine, proof.batch, subscriber_id=proof.subscriber_id, key=_key(proof.email)
        ):
            return told.accept(engine, proof.batch, now=now, provider_id=proof.provider_id)
    return 0


def heed(engine: Engine, feedback: Sequence[Feedback], *, soft_bounces: int) -> Heeded:
    """Suppress whom the provider cannot reach or who complained, and let go who left there.

    Addresses that nobody on the list has are passed over: nothing is kept of strangers.
    """
    heeded = Heeded()
    for piece in _pieces(feedback):
        by_key = {_key(one.email): one for one in piece}
        known = ids(engine, list(by_key))
        mine = [(known[_key(one.email)], one) for one in piece if _key(one.email) in known]
        suppressed = suppress_all(engine, _suppressions(mine))
        soft = _softly(engine, mine, in_a_row=soft_bounces)
        heeded += Heeded(
            suppressed=suppressed + soft,
            left=_let_go(engine, mine),
            soft=sum(one.kind is FeedbackKind.BLOCKED for _, one in mine),
            unknown=len(piece) - len(mine),
        )
    return heeded


def _suppressions(mine: Iterable[tuple[int, Feedback]]) -> Iterable[Suppression]:
    for _, one in mine:
        if one.kind in REASONS:
            yield Suppression(
                key=_key(one.email), reason=REASONS[one.kind], at=one.at, detail=one.reason
            )


def _softly(engine: Engine, mine: Sequence[tuple[int, Feedback]], *, in_a_row: int) -> int:
    """Count soft bounces, and suppress whose last issues all bounced so; return how many."""
    blocked = [(who, one) for who, one in mine if one.kind is FeedbackKind.BLOCKED]
    dated = [(who, one.issue or told.issue_at(engine, one.at)) for who, one in blocked]
    told.bounce_softly(engine, [(who, issue) for who, issue in dated if issue])
    if not blocked or not in_a_row:
        return 0
    given_up = told.bouncing(engine, {who for who, _ in blocked}, in_a_row=in_a_row)
    return suppress_all(
        engine,
        [
            Suppression(
                key=_key(one.email),
                reason=SuppressionReason.BOUNCE,
                at=one.at,
                detail=f"{in_a_row} issues in a row bounced softly: {one.reason}",
            )
            for who, one in blocked
            if who in given_up
        ],
    )


def _let_go(engine: Engine, mine: Iterable[tuple[int, Feedback]]) -> int:
    """Let go who left at the provider's; return how many had not left here."""
    leaving = [(who, one) for who, one in mine if one.kind is FeedbackKind.LEFT]
    if not leaving:
        return 0
    agreed = people.agreements(engine, [who for who, _ in leaving])
    leavers = [
        Leaver(subscriber_id=who, source=SOURCE, at=one.at, issue=one.issue)
        for who, one in leaving
        # The provider's list is for ever, and events come late: who agreed again since stays.
        if who not in agreed or agreed[who].at < one.at
    ]
    return len(people.unsubscribe_all(engine, leavers))


def _key(email: str) -> str:
    try:
        return parse(email).key
    except InvalidAddress:
        return email.strip().lower()


def _pieces(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
