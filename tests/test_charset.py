"""Which encoding a feed is in: its mark, then HTTP, then its own word, then a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gather.charset import decode

XML = "<?xml version='1.0' encoding='{}'?><t>Café — naïve</t>"
ROWS = {
    "utf-8": (XML.format("utf-8").encode(), "", "Café — naïve"),
    "nothing said": ("<t>Café — naïve</t>".encode(), "", "Café — naïve"),
    "declared latin-1": ("<?xml encoding='iso-8859-1'?>Café".encode("latin-1"), "", "Café"),
    "latin-1 that is windows-1252": (
        "<?xml encoding='iso-8859-1'?>“Café”".encode("windows-1252"), "", "“Café”"
    ),
    "undeclared latin-1": ("<t>Café</t>".encode("latin-1"), "", "Café"),
    "declared utf-8 but latin-1": ("<?xml encoding='utf-8'?>Café".encode("latin-1"), "", "Café"),
    "HTTP before the declaration": (
        "<?xml encoding='koi8-r'?>Привет".encode("windows-1251"),
        "text/xml; charset=windows-1251",
        "Привет",
    ),
    "a mark before HTTP": (
        "\ufeff<t>Café</t>".encode("utf-16-le"), "text/xml; charset=iso-8859-1", "Café"
    ),
    "HTTP's default over utf-8": (
        XML.format("utf-8").encode(), "text/xml; charset=ISO-8859-1", "Café — naïve"
    ),
    "utf-16 without a mark": ("<t>Café</t>".encode("utf-16-le"), "", "Café"),
    "utf-32": ("\ufeff<t>Café</t>".encode("utf-32-le"), "", "Café"),
    "gb2312 that is gb18030": ("<?xml encoding='gb2312'?>中文镕".encode("gb18030"), "", "中文镕"),
    "Shift_JIS": ("<?xml encoding='Shift_JIS'?>日本①".encode("cp932"), "", "日本①"),
    "an encoding nobody knows": (b"<?xml encoding='x-none'?>plain", "", "plain"),
    "no encoding of text": (b"<?xml encoding='zlib'?>plain", "", "plain"),
    "nothing fits": (b"\x81\x8d", "", "\ufffd\ufffd"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "content_type", "text"), ROWS.values(), ids=ROWS)
def test_text_is_decoded(body: bytes, content_type: str, text: str) -> None:
    assert text in decode(body, content_type=content_type)


@given(st.binary(max_size=100), st.text(max_size=40))
def test_any_bytes_have_a_text(body: bytes, content_type: str) -> None:
    decode(body, content_type=content_type)
