"""Bodies within bounds: what is decoded, and what is refused before it is large."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.body import MOST_BYTES, Unusable, decode

TEXT = b"<rss>harbour</rss>"
RAW = zlib.compress(TEXT)[2:-4]


@pytest.mark.parametrize(
    ("raw", "codings"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (TEXT, "utf-8"),
        (TEXT, "gzip"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "X-GZIP"),
        (gzip.compress(TEXT) + b"\0\0", "gzip"),
        (gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (RAW, "deflate"),
        (gzip.compress(gzip.compress(TEXT)), "gzip, gzip"),
    ],
    ids=[
        "plain", "identity", "a charset", "said but not done", "gzip", "x-gzip", "padded",
        "two members", "deflate", "bare deflate", "twice",
    ],
)  # fmt: skip
def test_a_coding_is_taken_off(raw: bytes, codings: str) -> None:
    assert decode(raw, codings) == TEXT


@pytest.mark.parametrize(
    ("raw", "codings", "why"),
    [
        (gzip.compress(b"A" * (MOST_BYTES + 1)), "gzip", "larger than 10 MB"),
        (gzip.compress(gzip.compress(b"A" * (MOST_BYTES + 1))), "gzip, gzip", "larger than"),
        (gzip.compress(TEXT)[:-10], "gzip", "ends too early"),
        (gzip.compress(TEXT)[:-8] + bytes(8), "gzip", "broken"),
        (gzip.compress(b"") * 20, "gzip", "too many pieces"),
        (b"no deflate at all", "deflate", "broken"),
        (TEXT, "br", "encoded with br"),
        (TEXT, "gzip, gzip, gzip, gzip", "more often"),
    ],
    ids=["bomb", "nested", "cut", "broken", "pieces", "deflate", "brotli", "four times"],
)
def test_a_body_that_cannot_be_used_says_why(raw: bytes, codings: str, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        decode(raw, codings)


@pytest.mark.parametrize("bits", [31, 15, -15], ids=["gzip", "zlib", "deflate"])
def test_a_bomb_is_counted_while_it_is_unpacked_and_never_held(bits: int) -> None:
    pack = zlib.compressobj(9, zlib.DEFLATED, bits)
    block = b"A" * 2**20
    raw = b"".join(pack.compress(block) for _ in range(100)) + pack.flush()
    tracemalloc.start()
    try:
        with pytest.raises(Unusable, match="larger than 10 MB"):
            decode(raw, "gzip" if bits == 31 else "deflate")
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "gzip, deflate"]))
def test_any_bytes_raise_nothing_but_unusable(raw: bytes, codings: str) -> None:
    try:
        decode(raw, codings)
    except Unusable:
        return
