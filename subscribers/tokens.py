"""Signs and reads the tokens in links: what a link is for, and for whom, without naming them.

A token is forty URL-safe characters: a version, a 16-byte HMAC-SHA256 over version, purpose,
subscriber and issue, and those three encrypted by a stream keyed with that HMAC. So ids cannot
be read, counted or altered, and no two purposes share a token.
"""

from __future__ import annotations

import base64
import hmac
import math
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from subscribers.errors import InvalidKeys, InvalidToken

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST_KEY: Final = 32
VERSION: Final = b"\x01"
# 30 bytes are 40 characters of base64 exactly: no spare bits, so one token has one spelling.
SPELLING: Final = re.compile(r"[A-Za-z0-9_-]{40}")
_BODY: Final = struct.Struct(">BQI")
_MAC_LENGTH: Final = 16
_LARGEST_ID: Final = 2**63 - 1
_LARGEST_ISSUE: Final = 2**32 - 1


class Purpose(StrEnum):
    """What a token allows; a token for one is refused for any other."""

    UNSUBSCRIBE = "unsubscribe"
    PROBE = "probe"
    TEST = "test"
    CONFIRM = "confirm"
    FORM = "form"


# On the wire for good: numbers are only ever added.
_CODES: Final = {
    Purpose.UNSUBSCRIBE: 1,
    Purpose.PROBE: 2,
    Purpose.TEST: 3,
    Purpose.CONFIRM: 4,
    Purpose.FORM: 5,
}
_PURPOSES: Final = {code: purpose for purpose, code in _CODES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a genuine token says. Probe, test and form tokens are for nobody: subscriber 0.

    Those to confirm by and those of a form are good for a while: in the place of the issue they
    carry the second they were signed in.
    """

    purpose: Purpose
    subscriber_id: int
    issue: int

    @property
    def signed_at(self) -> datetime:
        """When a token that is good for a while was signed."""
        return datetime.fromtimestamp(self.issue, UTC)


class Hmac:
    """HMAC-SHA256 (RFC 2104, 2) that has hashed its key already; the key is 64 bytes at most.

    A million tokens take two each, and copies of the library's own take twice as long.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes that authenticate a message."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class _Key:
    """One key, ready to authenticate and to encrypt; each job has a key of its own."""

    __slots__ = ("_authenticate", "_encrypt", "_seal")

    def __init__(self, secret: bytes) -> None:
        self._authenticate = _started(secret, b"newsletter token 1: authenticate")
        self._encrypt = _started(secret, b"newsletter token 1: encrypt")
        self._seal = _started(secret, b"newsletter document 1: seal")

    def authenticate(self, body: bytes) -> bytes:
        return self._authenticate.digest(VERSION + body)[:_MAC_LENGTH]

    def seal(self, document: bytes) -> str:
        return self._seal.digest(document).hex()

    def encrypt(self, body: bytes, mac: bytes) -> bytes:
        stream = int.from_bytes(self._encrypt.digest(mac)[: _BODY.size])
        return (int.from_bytes(body) ^ stream).to_bytes(_BODY.size)


def _started(secret: bytes, label: bytes) -> Hmac:
    return Hmac(hmac.digest(secret, label, "sha256"))


class Keys:
    """The signing keys: the first signs, all verify. Never shown, not even by `repr`."""

    __slots__ = ("_keys",)

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise InvalidKeys(
                "keys: there is no signing key; run `newsletter init`, or set NEWSLETTER_KEYS"
            )
        for position, secret in enumerate(secrets, start=1):
            if len(secret) < SHORTEST_KEY:
                raise InvalidKeys(
                    f"keys: key {position} has {len(secret)} characters; a key has at least "
                    f"{SHORTEST_KEY} random ones, such as `openssl rand -hex 32` prints"
                )
        self._keys = tuple(_Key(secret.encode()) for secret in secrets)

    @classmethod
    def load(cls, text: str) -> Keys:
        """Return the keys in `text`, one a line or separated by commas; raises InvalidKeys.

        Blank lines and lines that start with # are passed over.
        """
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        secrets = [secret.strip() for line in lines for secret in line.split(",")]
        return cls([secret for secret in secrets if secret])

    @property
    def first(self) -> _Key:
        """The key that signs."""
        return self._keys[0]

    @property
    def all(self) -> tuple[_Key, ...]:
        """The keys that verify."""
        return self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"<Keys: {len(self)}, not shown>"


def seal(keys: Keys, document: bytes) -> str:
    """Return what proves that we wrote this document, to whoever has the keys."""
    return keys.first.seal(document)


def is_sealed(keys: Keys, document: bytes, given: str) -> bool:
    """Return whether the seal is ours, and is for this very document."""
    written = given.encode("utf-8", "replace")
    return any(hmac.compare_digest(key.seal(document).encode(), written) for key in keys.all)


def sign(keys: Keys, purpose: Purpose, subscriber_id: int, issue: int) -> str:
    """Return the token; the same values make the same token. Raises ValueError on wild ids."""
    if not (0 <= subscriber_id <= _LARGEST_ID and 0 <= issue <= _LARGEST_ISSUE):
        raise ValueError(f"no token for subscriber {subscriber_id}, issue {issue}")
    body = _BODY.pack(_CODES[purpose], subscriber_id, issue)
    key = keys.first
    mac = key.authenticate(body)
    return base64.urlsafe_b64encode(VERSION + mac + key.encrypt(body, mac)).decode()


def sign_now(keys: Keys, purpose: Purpose, subscriber_id: int, *, now: datetime) -> str:
    """Return a token that says when it was signed, up to the second that `now` is in."""
    return sign(keys, purpose, subscriber_id, math.ceil(now.timestamp()))


def is_fresh(token: Token, *, now: datetime, lasts: timedelta) -> bool:
    """Return whether a token that says when it was signed is not older than `lasts`."""
    age = now - token.signed_at
    # What is a little in the future was signed on another machine.
    return timedelta(minutes=-5) <= age <= lasts


def read(keys: Keys, token: str) -> Token:
    """Return what a genuine token says; raises InvalidToken for any other text.

    Whoever reads it must look at its purpose.
    """
    if not SPELLING.fullmatch(token):
        raise InvalidToken("token: it is cut short or was altered")
    raw = base64.urlsafe_b64decode(token)
    version, mac, hidden = raw[:1], raw[1 : 1 + _MAC_LENGTH], raw[1 + _MAC_LENGTH :]
    if version != VERSION:
        raise InvalidToken("token: its version is not known here")
    for key in keys.all:
        body = key.encrypt(hidden, mac)
        if hmac.compare_digest(key.authenticate(body), mac):
            return _token(body)
    raise InvalidToken("token: it was not signed by any of the keys in use")


def _token(body: bytes) -> Token:
    code, subscriber_id, issue = _BODY.unpack(body)
    if code not in _PURPOSES:
        raise InvalidToken("token: a later version of this software made it")
    return Token(purpose=_PURPOSES[code], subscriber_id=subscriber_id, issue=issue)
