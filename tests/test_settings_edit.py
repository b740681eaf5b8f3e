"""Changes to the feeds in the settings file: what is not changed stays as it was written."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import SettingsError
from flows.models import Feed, FeedKind
from flows.settings.edit import add_feeds, move_feed, remove_feed, rewrite
from flows.settings.starter import Starter, write_starter

if TYPE_CHECKING:
    from pathlib import Path

STARTER = write_starter(Starter())
NEW = Feed(url="https://new.example/feed", name='The "new" one', section="Videos")
TWO = """\
# Who we read.
[[feeds]]
url = "https://a.example/" # since 2019
name = "A"
# weight = 1.0

# B is new here.
[[feeds]]
url = "https://b.example/"

# Where it all goes.
[database]
url = "sqlite:///x.db"
"""
INLINE = '# ours\nfeeds = [ {url = "https://a.example/"}, {url = "https://b.example/"} ]\n'


def urls(text: str) -> list[str]:
    return [feed["url"] for feed in tomllib.loads(text).get("feeds", [])]


@pytest.mark.parametrize("text", [STARTER, TWO, INLINE, "", '[newsletter]\ntitle = "T"'], ids=len)
def test_a_feed_is_added_behind_the_others_and_every_line_stays(text: str) -> None:
    changed = add_feeds(text, [NEW])
    assert urls(changed) == [*urls(text), NEW.url]
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in changed.splitlines() if line.startswith("#")] == comments
    left = remove_feed(changed, len(urls(text)))
    assert left.rstrip().replace("}, ]", "} ]") == text.rstrip()


def test_what_is_not_as_usual_is_written_too() -> None:
    river = Feed(url="https://r.example/", kind=FeedKind.RIVER, timezone="US/Eastern")
    (values,) = tomllib.loads(add_feeds("", [river]))["feeds"]
    assert values == {"url": river.url, "kind": "river", "timezone": "US/Eastern"}


def test_line_ends_stay_what_they_are() -> None:
    changed = add_feeds(TWO.replace("\n", "\r\n"), [NEW, NEW])
    assert changed.count("\n") == changed.count("\r\n")


def test_a_removed_feed_takes_its_own_comments_only() -> None:
    without_a = remove_feed(TWO, 0)
    assert urls(without_a) == ["https://b.example/"]
    assert "# Who we read." in without_a
    assert "# B is new here." in without_a
    assert "weight" not in without_a
    assert "# Where it all goes.\n[database]" in remove_feed(TWO, 1)


def test_a_moved_feed_keeps_the_comment_beside_it() -> None:
    changed = move_feed(TWO, 0, "https://c.example/")
    assert changed == TWO.replace("https://a.example/", "https://c.example/")


def test_inline_feeds_are_changed_too() -> None:
    assert urls(remove_feed(INLINE, 0)) == ["https://b.example/"]
    assert urls(move_feed(INLINE, 1, "https://c.example/"))[1] == "https://c.example/"


def test_what_is_in_doubt_is_not_removed() -> None:
    hidden = '[newsletter]\ntitle = """\n[[feeds]]\n"""\n[[feeds]]\nurl = "https://a.example/"\n'
    with pytest.raises(SettingsError, match="by hand"):
        remove_feed(hidden, 0)


@hypothesis.settings(max_examples=15)
@given(st.permutations(range(5)))
def test_whichever_feeds_go_the_others_stay_in_their_order(order: list[int]) -> None:
    left, text = urls(STARTER), STARTER
    for index in order:
        gone = index % len(left)
        text = remove_feed(text, gone)
        del left[gone]
        assert urls(text) == left


def test_a_file_that_would_be_wrong_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.toml"
    path.write_text(STARTER, encoding="utf-8")
    homeless = Feed(url="https://new.example/feed", section="Nowhere")
    with pytest.raises(SettingsError, match="Nowhere"):
        rewrite(path, lambda text: add_feeds(text, [homeless]))
    assert path.read_text(encoding="utf-8") == STARTER
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_changed_file_keeps_its_mode_its_mark_and_its_link(tmp_path: Path) -> None:
    path, link = tmp_path / "real.toml", tmp_path / "newsletter.toml"
    path.write_bytes(b"\xef\xbb\xbf" + STARTER.encode())
    path.chmod(0o640)
    link.symlink_to(path)
    settings = rewrite(link, lambda text: add_feeds(text, [NEW]))
    assert settings.feed_list()[-1].url == NEW.url
    assert link.is_symlink()
    assert path.read_bytes().startswith(b"\xef\xbb\xbf#")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be changed"):
        rewrite(tmp_path / "newsletter.toml", lambda text: text)
