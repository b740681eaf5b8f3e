"""The outbox: a folder that gets one .eml file a recipient, and mails nobody."""

from __future__ import annotations

import secrets
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from flows.deliver.message import as_bytes, build, build_letter
from flows.errors import Refused
from flows.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from flows.models import Batch, Letter, Mail, Recipient


@dataclass(frozen=True, slots=True)
class Outbox:
    """Writes to `folder`. A recipient's file has always the same name: nobody is in it twice."""

    folder: Path
    _: KW_ONLY
    now: Callable[[], datetime]
    domain: str = ""
    name: str = field(default="outbox", init=False)
    limit: int = field(default=1000, init=False)
    repeatable: bool = field(default=True, init=False)

    def hand_over(self, mail: Mail, batch: Batch) -> Receipt:
        """Return who could not be written to; raises Refused if the folder cannot be."""
        refused: dict[int, str] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for recipient in batch.recipients:
                try:
                    path = self.folder / f"{recipient.subscriber_id:06}.eml"
                    _write(path, self._message(mail, recipient))
                except Refused as error:
                    refused[recipient.subscriber_id] = str(error)
        except OSError as error:
            raise self._unwritable(error) from error
        return Receipt(refused=refused)

    def post(self, letter: Letter) -> str:
        """Return the path of the file with the letter; raises Refused."""
        message = build_letter(letter, date=self.now(), message_id_domain=self.domain)
        name = f"{self.now():%Y%m%dT%H%M%S}-{letter.purpose}-{secrets.token_hex(4)}.eml"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / name, as_bytes(message))
        except OSError as error:
            raise self._unwritable(error) from error
        return str(self.folder / name)

    def _unwritable(self, error: OSError) -> Refused:
        return Refused(
            f"outbox: cannot write to {self.folder}: {error.strerror}; make room or make the "
            "folder writable"
        )

    def _message(self, mail: Mail, recipient: Recipient) -> bytes:
        return as_bytes(
            build(
                mail,
                recipient,
                date=self.now(),
                message_id_domain=self.domain,
                list_unsubscribe=True,
            )
        )


def _write(path: Path, message: bytes) -> None:
    # Under another name first: whoever watches the folder sees whole mails only.
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(message)
    unfinished.replace(path)
