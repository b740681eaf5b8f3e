"""One batch: claimed, handed over, and what the answer asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flows.deliver.fence import has_left
from flows.deliver.sending import GO_ON, LOOK_AROUND, Next, Sending, Then, later
from flows.errors import InDoubt, Refused, Unavailable
from flows.models import Batch, Receipt

if TYPE_CHECKING:
    from flows.models import Recipient, Wave

BAD_REQUEST = 400
# So many refusals and no acceptance are no accident.
ENOUGH = 5


def hand_over_next(sending: Sending, wave: Wave | None) -> Next:
    """Claim a batch and hand it over; LOOK_AROUND if there is none to claim."""
    batch = _claim(sending, wave)
    if batch is None:
        return LOOK_AROUND
    parts = Parts(sending, batch)
    try:
        then = parts.hand_over()
    finally:
        # Whatever ended this, what was not asked yet was surely not accepted.
        parts.give_back_rest()
    return _within_limits(sending, then)


def _claim(sending: Sending, wave: Wave | None) -> Batch | None:
    batch = sending.ledger.claim(
        sending.batch_size, now=sending.now(), link=sending.link, wave=wave
    )
    if batch is not None:
        sending.claimed(batch)
    return batch


def _within_limits(sending: Sending, then: Next) -> Next:
    if then.then is Then.STOP:
        return then
    if sending.limits.too_many_refused(sending.refused, sending.counts):
        return Next(
            then=Then.STOP,
            reason=f"{sending.refused} recipients were refused in this run, too many for a sound "
            "list; look at the reasons before going on",
        )
    if sending.doubts_in_a_row >= sending.limits.doubts_in_a_row:
        return Next(
            then=Then.STOP,
            reason=f"{sending.doubts_in_a_row} hand-overs in a row are in doubt; the provider is "
            "in trouble, go on once it is well again",
        )
    return then


class Parts:
    """A batch on its way: whole at first, in halves while a bad recipient is looked for."""

    def __init__(self, sending: Sending, batch: Batch) -> None:
        self._sending = sending
        self._parts = [batch]
        # Refused alone or all together, but not recorded yet: if nobody is accepted, the mail or
        # the account is to blame.
        self._suspects: list[tuple[Batch, Receipt]] = []
        # Named for something that all have alike: whether it is they, the rest's answer tells.
        self._apart: list[tuple[Batch, Receipt]] = []
        # What the latest 400 said that named nobody: while it is searched for whom it is about,
        # each request may be one 400 more, and is counted before it is made.
        self._searching = ""
        self._counted = False
        self._searched = 0

    def hand_over(self) -> Next:
        """Hand over all parts; return what comes next."""
        then = GO_ON
        while self._parts and then.then is Then.GO_ON and not self._too_late():
            then = self._hand_over_one(self._parts.pop())
        self._settle_suspects()
        if self._suspects and then.then is Then.GO_ON:
            [reason, *_] = self._suspects[0][1].refused.values()
            return Next(then=Then.STOP, reason=reason)
        return then

    def give_back_rest(self) -> None:
        """Put what was not handed over back among the planned."""
        held = (batch for batch, _ in (*self._suspects, *self._apart))
        rest = [*self._parts, *held]
        self._parts, self._suspects, self._apart = [], [], []
        self._sending.give_back(*rest)

    def _too_late(self) -> bool:
        """Return whether the wave's time came since the claim, as after a suspension.

        Others may have cancelled it by then and handed its people over anew; a request under it
        would not be dropped any more, but leave at once.
        """
        wave = self._parts[-1].wave
        return wave is not None and has_left(wave, self._sending.now())

    def _hand_over_one(self, batch: Batch) -> Next:
        if self._searching and not self._may_cost_one_more():
            self._parts.append(batch)
            return Next(
                then=Then.STOP,
                reason=f"{self._searching}; looking for the recipient it is about took too many "
                "requests: correct the address if you know it, or lower [sending] batch_size",
            )
        then = self._asked(batch)
        if self._counted:
            self._counted = False
            self._sending.ledger.release_bad_request()
        return then

    def _may_cost_one_more(self) -> bool:
        ledger, limits = self._sending.ledger, self._sending.limits
        if self._searched >= limits.bad_requests_a_batch:
            return False
        self._counted = ledger.reserve_bad_request(most=limits.bad_requests_an_issue)
        return self._counted

    def _asked(self, batch: Batch) -> Next:
        try:
            receipt = self._ask(batch)
        except Unavailable as error:
            self._sending.give_back(batch)
            return later(error)
        except InDoubt as error:
            self._sending.doubt(batch, str(error))
            return Next(then=Then.WAIT, reason=str(error))
        except Refused as error:
            # Should the database fail now, it is given back like the parts not asked yet.
            self._parts.append(batch)
            return self._refused(batch, error)
        then = GO_ON
        if self._is_nobody_welcome(batch, receipt):
            self._suspects.append((batch, receipt))
        else:
            self._record(batch, receipt)
            then = _after(receipt, batch)
        if self._suspects and then.then is Then.GO_ON and not self._sending.counts.accepted:
            return self._ask_others(batch.wave)
        return then

    def _record(self, batch: Batch, receipt: Receipt) -> None:
        accepted_before = self._sending.counts.accepted
        self._sending.record(batch, receipt)
        while self._apart and self._sending.counts.accepted > accepted_before:
            self._sending.record(*self._apart.pop())

    def _is_nobody_welcome(self, batch: Batch, receipt: Receipt) -> bool:
        """Return whether everybody so far was refused: no list is that wrong, but an account is."""
        return not self._sending.counts.accepted and len(receipt.refused) == len(batch.recipients)

    def _ask_others(self, wave: Wave | None) -> Next:
        """Go on until the refusals are enough to tell; a batch may be of one alone."""
        refused, counts = sum(len(one.refused) for _, one in self._suspects), self._sending.counts
        enough = refused >= ENOUGH
        everybody = refused + counts.refused + counts.suppressed == counts.intended
        others = None if enough or everybody else _claim(self._sending, wave)
        if others is None:
            return Next(then=Then.STOP, reason=_all_refused(*self._suspects[0], refused))
        self._parts.append(others)
        return GO_ON

    def _ask(self, batch: Batch) -> Receipt:
        try:
            return self._sending.transport.hand_over(self._sending.mail, batch)
        except (Unavailable, InDoubt, Refused):
            raise
        except BaseException:
            # A bug or a Ctrl-C in mid-request: this process may live on, so say it now.
            self._sending.doubt(batch, "the hand-over broke off")
            raise

    def _refused(self, batch: Batch, error: Refused) -> Next:
        positions = [index for index in error.indexes if index < len(batch.recipients)]
        if error.status == BAD_REQUEST and positions:
            return self._drop(batch, error, positions)
        if error.status == BAD_REQUEST and error.field is None and not error.indexes:
            return self._halve(batch, error)
        return Next(then=Then.STOP, reason=str(error))

    def _drop(self, batch: Batch, error: Refused, positions: list[int]) -> Next:
        reasons = {batch.recipients[index].subscriber_id: str(error) for index in positions}
        if not error.for_address:
            said = _without(batch.recipients[positions[0]], str(error))
            return self._set_apart(batch, reasons, f"{error.status} {said} ({error.field})")
        rest = self._sending.refuse(batch, reasons)
        self._parts.pop()
        if not rest.recipients:
            self._sending.record(rest, Receipt())
        else:
            self._parts.append(rest)
        return _within_limits(self._sending, GO_ON)

    def _set_apart(self, batch: Batch, reasons: dict[int, str], said: str) -> Next:
        """Hand the rest over without those named; they are refused once it was accepted.

        If it is not, the mail is to blame, and nobody is left out for it.
        """
        everybody = len(reasons) == len(batch.recipients)
        alone = everybody and len(reasons) == 1 and not self._apart
        if alone and self._sending.counts.accepted:
            # There is no rest, but the mail was accepted for others.
            self._suspects.append((self._parts.pop(), Receipt(refused=reasons)))
            return GO_ON
        if everybody or len(self._apart) >= self._sending.limits.bad_requests_a_batch:
            return Next(
                then=Then.STOP,
                reason=f"the provider refuses what all recipients have alike: {said}; the mail or "
                "a setting is wrong, nobody is left out for it",
            )
        self._parts[-1], apart = self._sending.ledger.split(batch, reasons)
        self._apart.append((apart, Receipt(refused=reasons)))
        return GO_ON

    def _halve(self, batch: Batch, error: Refused) -> Next:
        # The first 400 came by itself; those after it are caused by looking for its reason.
        self._searched += self._counted
        self._counted = False
        self._searching = str(error)
        if len(batch.recipients) == 1:
            [person] = batch.recipients
            refused = {person.subscriber_id: str(error)}
            self._suspects.append((self._parts.pop(), Receipt(refused=refused)))
        else:
            second_half = batch.recipients[len(batch.recipients) // 2 :]
            apart = {person.subscriber_id for person in second_half}
            first, second = self._sending.ledger.split(batch, apart)
            self._parts[-1:] = [second, first]
        return GO_ON

    def _settle_suspects(self) -> None:
        """Record who was refused, if anybody else was ever accepted with this mail."""
        if self._sending.counts.accepted:
            for batch, receipt in self._suspects:
                self._sending.record(batch, receipt)
            self._suspects = []


def _all_refused(batch: Batch, receipt: Receipt, count: int) -> str:
    person = batch.recipients[0]
    said = _without(person, receipt.refused[person.subscriber_id])
    return (
        f"all of the first {count} recipients were refused: {said}; check the account and "
        "[sending], nobody is left out for it"
    )


def _without(person: Recipient, said: str) -> str:
    """Return what was said without the address: a verdict is kept when its reader is forgotten."""
    return re.sub(re.escape(person.email), "…", said, flags=re.IGNORECASE)


def _after(receipt: Receipt, batch: Batch) -> Next:
    if isinstance(receipt.error, Refused):
        return Next(then=Then.STOP, reason=str(receipt.error))
    if isinstance(receipt.error, Unavailable):
        return later(receipt.error)
    if receipt.in_doubt or len(receipt.unsent) == len(batch.recipients):
        return Next(then=Then.WAIT, reason="the provider takes nobody for now")
    return GO_ON
