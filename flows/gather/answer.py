"""What a feed answered to one visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a feed answered; `body` is None where nothing changed.

    `url` is where the answer came from, `moved_to` the address up to which every redirect was
    permanent, `wire_bytes` what the body took before it was decoded. Validators are byte for byte.
    """

    url: str
    body: bytes | None = None
    wire_bytes: int = 0
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    max_age: timedelta = timedelta()
    retry_after: timedelta | None = None
    moved_to: str | None = None

    @property
    def body_hash(self) -> str | None:
        """The SHA-256 of the body, None where nothing changed."""
        return None if self.body is None else sha256(self.body).hexdigest()
