"""The editor's rules: what fits, what decides, and what is added up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.edit.outline import PEOPLE_PROCESS_TOOLS
from flows.edit.repositories import is_repository, licence
from flows.edit.rules import Place, Rule, people_process_tools, place
from flows.models import Item, Kind


def item(
    title: str = "A boat", url: str = "https://example.org/a", kind: Kind = Kind.ARTICLE
) -> Item:
    return Item(feed="Feed", guid=url, url=url, title=title, kind=kind)


@pytest.mark.parametrize(
    ("rule", "one", "fits"),
    [
        (Rule(section="S", domain=("example.org",)), item(), True),
        (Rule(section="S", domain=("www.Example.org",)), item(), True),
        (Rule(section="S", domain=("example.org",)), item(url="https://news.example.org/a"), True),
        (Rule(section="S", domain=("example.org",)), item(url="https://myexample.org/a"), False),
        (Rule(section="S", domain=("a.org", "example.org")), item(), True),
        (Rule(section="S", path=("/a",)), item(), True),
        (Rule(section="S", path=("/A/",)), item(url="https://example.org/a/b"), True),
        (Rule(section="S", path=("/b",)), item(url="https://example.org/a/b"), False),
        (Rule(section="S", keyword=("boat",)), item("The BOAT, again"), True),
        (Rule(section="S", keyword=("boat",)), item("Boats"), False),
        (Rule(section="S", keyword=("boat*",)), item("Boats"), True),
        (Rule(section="S", keyword=("dry dock",)), item("In the dry-dock"), True),
        (Rule(section="S", keyword=("dry dock",)), item("Dock, then dry"), False),
        (Rule(section="S", keyword=("CI/CD",)), item("Our CI/CD is slow"), True),
        (Rule(section="S", kind=("video", "podcast")), item(kind=Kind.PODCAST), True),
        (Rule(section="S", kind=("video",)), item(), False),
        (Rule(section="S", kind=("repository",)), item(url="https://github.com/a/b"), True),
        (Rule(section="S", keyword=("boat",), domain=("a.org",)), item(), False),
        (Rule(section="S", keyword=("boat",)), item(url="http://[broken"), True),
    ],
)
def test_a_rule_fits_if_all_it_asks_for_is_there(rule: Rule, one: Item, fits: bool) -> None:  # noqa: FBT001 - a table's column
    assert (place(one, [rule]) is not None) is fits


def test_the_first_rule_that_fits_decides() -> None:
    rules = [Rule(section="A", keyword=("boat",)), Rule(section="B", keyword=("boat",))]
    assert place(item(), rules) == Place(section="A", because="keyword boat")


def test_points_are_added_up_where_no_rule_decides() -> None:
    rules = [
        Rule(section="A", keyword=("red",), points=2),
        Rule(section="B", keyword=("boat",), points=1),
        Rule(section="B", domain=("example.org",), points=1.5),
    ]
    found = place(item("A red boat"), rules)
    assert found == Place(section="B", because="domain example.org, keyword boat")
    decisive = Rule(section="C", keyword=("boat",))
    assert place(item("A red boat"), [*rules, decisive]) == Place(
        section="C", because="keyword boat"
    )


def test_of_equal_points_the_heading_named_first_wins() -> None:
    rules = [Rule(section=name, keyword=("boat",), points=1) for name in ("B", "A")]
    assert place(item(), rules) == Place(section="B", because="keyword boat")


def test_what_spoke_is_told_the_same_way_each_time() -> None:
    rule = Rule(section="S", keyword=("red", "red boat", "boat"))
    assert place(item("Red boat"), [rule]) == Place(section="S", because="keyword red boat")


@given(st.text(), st.text(), st.sampled_from(Kind))
def test_whatever_an_item_says_has_one_of_the_three_headings(
    title: str, url: str, kind: Kind
) -> None:
    found = place(item(title, url, kind), people_process_tools())
    assert found is not None
    assert found.section in dict(PEOPLE_PROCESS_TOOLS)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/owner/name", True),
        ("https://www.github.com/owner/name/", True),
        ("https://codeberg.org/owner/name", True),
        ("https://github.com/owner", False),
        ("https://github.com/topics/boats", False),
        ("https://github.com/owner/name/releases/tag/v1", False),
        ("https://example.org/owner/name", False),
        ("http://[broken", False),
    ],
)
def test_a_repository_is_known_by_its_address(url: str, *, expected: bool) -> None:
    assert is_repository(url) is expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A knot tester. Licensed under the MIT license.", "MIT"),
        ("Go · License: Apache-2.0 · 3k stars", "Apache-2.0"),
        ("released under the GPL v3 license", "GPL-3.0"),
        ("Its licence is the Mozilla Public License 2.0.", "MPL-2.0"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("Two researchers at MIT tied it.", ""),
        ("You need a licence to sail.", ""),
    ],
)
def test_a_licence_is_what_the_description_calls_it(text: str, name: str) -> None:
    assert licence(text) == name
