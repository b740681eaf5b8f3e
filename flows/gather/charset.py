"""Decodes a feed's bytes: byte order mark, then HTTP, then the XML declaration, then a guess."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    # No mark, but "<" is two bytes wide (XML 1.0, appendix F).
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_HTTP = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
# Names that mean a larger set in practice (encoding.spec.whatwg.org, "names and labels").
_LARGER = {
    "ascii": "windows-1252",
    "big5": "big5-hkscs",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "windows-1252",
    "iso-8859-9": "windows-1254",
    "iso-8859-11": "windows-874",
    "ks_c_5601-1987": "cp949",
    "latin-1": "windows-1252",
    "latin1": "windows-1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "tis-620": "windows-874",
    "us-ascii": "windows-1252",
    "windows-31j": "cp932",
}


def decode(body: bytes, *, content_type: str = "") -> str:
    """Return the text of `body`; there always is one."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body.decode(name, errors="replace")
    for name in _candidates(body, content_type):
        try:
            return body.decode(_LARGER.get(name, name))
        except (LookupError, ValueError):
            continue
    return body.decode("utf-8", errors="replace")


def _candidates(body: bytes, content_type: str) -> list[str]:
    named = _HTTP.search(content_type)
    declared = _DECLARED.match(body[:400])
    names = [named[1] if named else "", declared[1].decode("ascii", "replace") if declared else ""]
    names = [name.lower() for name in names if name]
    # Text in a one-byte encoding is never valid UTF-8 by chance, so such a claim is mistaken.
    first = [] if body.isascii() or any(_is_wide(name) for name in names[:1]) else ["utf-8"]
    return [*first, *names, "utf-8", "windows-1252"]


def _is_wide(name: str) -> bool:
    return not name.startswith(("iso-8859", "windows-125", "latin", "us-ascii", "ascii", "cp125"))
