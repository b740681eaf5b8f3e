"""Headers as they are written: words in ASCII (RFC 2047), folded, and read back as they were.

The standard library's own folding loses or adds spaces between encoded words, writes some of 76
characters, and leaves a name of a thousand letters on one line. So what may hold any text (a
subject, a name) is written here.
"""

from __future__ import annotations

import base64
import re
from email.headerregistry import (
    Address,
    BaseHeader,
    HeaderRegistry,
    UniqueAddressHeader,
    UniqueUnstructuredHeader,
    UnstructuredHeader,
)
from email.policy import SMTP, EmailPolicy, Policy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import EmailMessage

# RFC 2047, 2: an encoded word has 75 characters, of which "=?utf-8?q?" and "?=" are twelve, and a
# line with one in it 76.
_AROUND = 12
_ROOM = 75 - _AROUND
_LINE = 76
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~ -]*", re.ASCII)
_IDENTIFIED = re.compile(r"(.*?)\s*(<[^<>]*>)", re.DOTALL)


def words(text: str, *, after: str = "") -> list[str]:
    """Return a text in the words a header has it in, to be joined by a space or a line's end.

    `after` is the header's name, beside which the first word has to fit.
    """
    plain = text.isascii() and text.isprintable() and "=?" not in text
    split = text.split(" ")
    if plain and max(map(len, split)) < _LINE:
        return split
    return [f"=?utf-8?{letter}?{part}?=" for letter, part in _encoded(text, after)]


def phrase(name: str, *, after: str = "") -> list[str]:
    """Return a name in the words an address has it in front; quoted if it must be."""
    found = words(name, after=after)
    if found == name.split(" ") and not _ATOMS.fullmatch(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'.split(" ")
    return found


def identified(value: str, *, after: str = "") -> list[str]:
    """Return a List-Id (RFC 2919) in words: the label for people encoded, the identifier never."""
    found = _IDENTIFIED.fullmatch(value)
    if not found or words(value) == value.split(" "):
        return words(value, after=after)
    return [*phrase(found[1].strip('"'), after=after), found[2]]


def _encoded(text: str, after: str) -> Iterable[tuple[str, str]]:
    """Yield the pieces of an encoded text, each of whole characters (RFC 2047, 5)."""
    first = min(_ROOM, _LINE - len(f"{after}: ") - _AROUND)
    quoted = [_quoted(character) for character in text]
    if sum(map(len, quoted)) <= len(text.encode("utf-8", "replace")) * 4 / 3:
        return [("q", piece) for piece in _filled(quoted, _ROOM, first)]
    # Every three bytes take four letters.
    characters = (character.encode("utf-8", "replace") for character in text)
    pieces = _filled(
        (piece.decode("latin-1") for piece in characters), _ROOM // 4 * 3, first // 4 * 3
    )
    return [("b", base64.b64encode(piece.encode("latin-1")).decode("ascii")) for piece in pieces]


def _quoted(character: str) -> str:
    if character == " ":
        return "_"
    data = character.encode("utf-8", "replace")
    return "".join(chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in data)


def _filled(parts: Iterable[str], room: int, first: int) -> list[str]:
    pieces = [""]
    for part in parts:
        if len(pieces[-1]) + len(part) > (room if pieces[1:] else first):
            pieces.append("")
        pieces[-1] += part
    return pieces


def folded(name: str, parts: Iterable[str], *, linesep: str) -> str:
    """Return a header's lines, of at most 76 characters where its words allow it."""
    lines, line = [], f"{name}:"
    for part in parts:
        if len(line) + 1 + len(part) > _LINE and line.strip() and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {part}"
    return linesep.join([*lines, line]) + linesep


class _Verbatim(UnstructuredHeader, BaseHeader):
    """A header that is written as it is: folding would turn a long address into encoded words."""

    def fold(self, *, policy: Policy[Any]) -> str:
        """Return the header's line."""
        return f"{self.name}: {self}{policy.linesep}"


# The registry puts a header's two halves together; the stubs find them at odds.
class _Text(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]
    """A header of any text, of which there is one; what looks encoded in it is text too."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """Take the value as it is."""
        kwds["parse_tree"] = cls.value_parser("")
        kwds["decoded"] = value

    def fold(self, *, policy: Policy[Any]) -> str:
        """Return the header's lines."""
        return folded(self.name, words(str(self), after=self.name), linesep=policy.linesep)


class _Identity(UnstructuredHeader, BaseHeader):
    """A List-Id."""

    def fold(self, *, policy: Policy[Any]) -> str:
        """Return the header's lines."""
        return folded(self.name, identified(str(self), after=self.name), linesep=policy.linesep)


class _Mailboxes(UniqueAddressHeader, BaseHeader):  # type: ignore[misc]
    """A header of addresses with names in front."""

    def fold(self, *, policy: Policy[Any]) -> str:
        """Return the header's lines; an address stays whole."""
        boxes = [_mailbox(address, after=self.name) for address in self.addresses]
        for box in boxes[:-1]:
            box[-1] += ","
        parts = (part for box in boxes for part in box)
        return folded(self.name, parts, linesep=policy.linesep)


def _mailbox(address: Address, *, after: str) -> list[str]:
    if not address.display_name:
        return [address.addr_spec]
    return [*phrase(address.display_name, after=after), f"<{address.addr_spec}>"]


def _policy() -> EmailPolicy[EmailMessage]:
    registry = HeaderRegistry()
    kinds = {
        _Verbatim: ("list-unsubscribe", "message-id"),
        _Text: ("subject",),
        _Identity: ("list-id",),
        _Mailboxes: ("from", "reply-to", "to"),
    }
    for kind, names in kinds.items():
        for name in names:
            registry.map_to_type(name, kind)
    return SMTP.clone(header_factory=registry)


POLICY = _policy()
