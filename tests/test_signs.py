"""Patterns that are tried only where one of their signs is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.edit import blurb, boilerplate, fingerprint, titles
from flows.edit.signs import Signed

USED = {
    f"{module.__name__}.{name}": value
    for module in (blurb, boilerplate, fingerprint, titles)
    for name, value in vars(module).items()
    if isinstance(value, Signed)
}


@pytest.mark.parametrize("signed", USED.values(), ids=USED)
@given(data=st.data())
def test_whatever_a_pattern_finds_has_one_of_its_signs(data: st.DataObject, signed: Signed) -> None:
    found = data.draw(st.from_regex(signed.pattern))
    assert signed.may_find(found)
    assert signed.search(found)


@pytest.mark.parametrize("name", ["blurb._CODE", "boilerplate._ADDRESS", "fingerprint._APPEARED"])
def test_the_patterns_of_the_room_are_among_them(name: str) -> None:
    assert f"flows.edit.{name}" in USED


def test_signs_of_a_pattern_that_minds_no_case_are_found_in_any() -> None:
    folding = Signed(re.compile("knots? tied", re.IGNORECASE), ("knot",))
    assert folding.search("All KNOTS tied")
    assert folding.sub("ropes", "All Knots tied") == "All ropes"
    assert folding.match("Knots tied")
    assert folding.match("All knots tied") is None
    assert folding.search("All \u212anots T\u0130ED")
    assert folding.search("All knots t\u0131ed")
    strict = Signed(re.compile("knots? tied"), ("knot",))
    assert strict.search("All KNOTS tied") is None
    assert strict.sub("ropes", "All KNOTS tied") == "All KNOTS tied"
