"""The XML parser under feedparser: a text in one piece, and the same as it ever was."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import InputSource

import feedparser.api
import pytest

from flows.gather import expat
from flows.gather.parse import parse
from flows.models import Feed
from tests.test_parse import EXPECTED, NOW, URL, source_of

if TYPE_CHECKING:
    from pathlib import Path


class Texts(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def characters(self, content: str) -> None:
        self.texts.append(content)


def test_lines_and_entities_come_in_one_piece() -> None:
    texts, source = Texts(), InputSource()
    source.setCharacterStream(StringIO("<a>one\ntwo &lt;b&gt;\nthree</a>"))
    parser = expat.create_parser()
    parser.setContentHandler(texts)
    parser.parse(source)
    assert texts.texts == ["one\ntwo <b>\nthree"]


def test_what_is_not_read_is_not_handed_on() -> None:
    texts, source = Texts(), InputSource()
    document = "<rss><category>a<b>c</b></category>d<title>e</title><category/>f</rss>"
    source.setCharacterStream(StringIO(document))
    parser = expat.create_parser()
    parser.setFeature(feature_namespaces, state=True)
    parser.setContentHandler(texts)
    parser.parse(source)
    assert texts.texts == ["d", "e", "f"]


@pytest.mark.parametrize(
    "pair",
    [path for path in EXPECTED if source_of(path).suffix == ".xml"],
    ids=lambda path: path.stem,
)
def test_every_feed_reads_as_with_feedparsers_own_parts(
    pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = source_of(pair).read_bytes()
    ours = parse(body, feed=Feed(url=URL), url=URL, now=NOW)
    monkeypatch.setattr(feedparser.api, "PREFERRED_XML_PARSERS", [])
    parser = feedparser.api.StrictFeedParser
    monkeypatch.setattr(feedparser.api, "StrictFeedParser", parser.__base__)
    assert parse(body, feed=Feed(url=URL), url=URL, now=NOW) == ours
