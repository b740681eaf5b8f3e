"""Reads an answer's body within bounds: on the wire, decoded, and in time."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from flows.errors import FetchError
from flows.gather.guards import shown

if TYPE_CHECKING:
    import httpx

    from flows.gather.limits import Trip

# Most feeds have under 1 MB; the largest blogs and podcasts a few.
MOST_BYTES = 10 * 2**20
# Asked for by nobody, but some servers gzip what is gzipped already.
_MOST_CODINGS = 3
# A gzip file may consist of several; each costs a copy of what follows.
_MOST_MEMBERS = 16
_PIECE = 2**18
_GZIP, _ZLIB, _RAW = 31, 15, -15
# What we did not ask for and cannot read; other unknown names ("utf-8", "none") mean nothing.
_UNREADABLE = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})


class Unusable(ValueError):
    """A body that is too large, broken or late; the message says which."""


def read_body(response: httpx.Response, *, trip: Trip, deadline: float) -> bytes:
    """Return the decoded body; raises FetchError if it is too large, cut short, broken or late."""
    try:
        raw = _read_raw(response, trip, deadline)
        with trip.limits.decoding:
            body = decode(raw, response.headers.get("content-encoding", ""))
        if not trip.make_room(len(body), deadline=deadline):
            raise _late()
    except Unusable as error:
        url = str(response.url)
        raise FetchError(f"fetch: {shown(url)} cannot be used: {error}", url=url) from error
    return body


def _read_raw(response: httpx.Response, trip: Trip, deadline: float) -> bytes:
    # Counted before decoding: httpx's own decoders return 64 MB for one chunk of a bomb.
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            # An error keeps what the functions it came through had in their hands.
            body.clear()
            raise _too_large()
        if not trip.make_room(len(body), deadline=deadline):
            raise _late()
    trip.is_whole = True
    return bytes(body)


def _late() -> Unusable:
    return Unusable("it was not all there in time")


def decode(raw: bytes, codings: str) -> bytes:
    """Return `raw` without the content codings a header names; raises Unusable."""
    names = [name.strip() for name in codings.lower().split(",")]
    if len(names) > _MOST_CODINGS:
        raise Unusable("it is encoded more often than anybody needs")
    for name in reversed(names):
        raw = _decode(raw, name)
    return raw


def _decode(raw: bytes, coding: str) -> bytes:
    if coding in _UNREADABLE:
        raise Unusable(f"it is encoded with {coding}, which was not asked for")
    try:
        if coding in {"gzip", "x-gzip"}:
            return _gunzip(raw)
        if coding == "deflate":
            return _inflate(raw)
    except zlib.error as error:
        raise Unusable(f"its {coding} encoding is broken ({error})") from error
    return raw


def _gunzip(raw: bytes) -> bytes:
    body = b""
    for _ in range(_MOST_MEMBERS):
        if not raw.startswith(b"\x1f\x8b"):
            # Either a server that only says gzip, or padding after the last member.
            return body or raw
        piece, raw = _decompress(raw, bits=_GZIP, room=MOST_BYTES - len(body))
        body += piece
        if not raw:
            return body
    raise Unusable("its gzip encoding is in too many pieces")


def _inflate(raw: bytes) -> bytes:
    try:
        return _decompress(raw, bits=_ZLIB, room=MOST_BYTES)[0]
    except zlib.error:
        # RFC 9110 8.4.1.2 wants the zlib format; some servers send bare deflate.
        return _decompress(raw, bits=_RAW, room=MOST_BYTES)[0]


def _decompress(raw: bytes, *, bits: int, room: int) -> tuple[bytes, bytes]:
    # Piece by piece: zlib would hold a large result twice while it puts it together.
    decompressor, body = zlib.decompressobj(bits), bytearray()
    while not decompressor.eof:
        piece = decompressor.decompress(raw, _PIECE)
        raw = decompressor.unconsumed_tail
        body += piece
        if len(body) > room:
            body.clear()
            raise _too_large()
        if not piece and not raw and not decompressor.eof:
            raise Unusable("its encoding ends too early")
    return bytes(body), decompressor.unused_data


def _too_large() -> Unusable:
    return Unusable(f"it is larger than {MOST_BYTES // 2**20} MB")
