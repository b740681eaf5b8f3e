"""What a transport is: the door for whoever adds another way to carry mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from flows.models import Batch, Mail, Receipt


class Transport(Protocol):
    """Carries mail. `hand_over` is called for one batch at a time, always in order."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def limit(self) -> int:
        """How many recipients one batch may have."""

    @property
    def repeatable(self) -> bool:
        """Whether handing the same batch over twice does what once does."""

    def hand_over(self, mail: Mail, batch: Batch) -> Receipt:
        """Return what became of each recipient.

        Raises Unavailable or Refused if surely nobody was accepted, InDoubt if that is not sure.
        """
