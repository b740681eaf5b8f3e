"""What a client makes of an element that reads the style blocks too, and not its style alone."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from flows.render.rules.reading import rules, style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.html import HtmlElement

    from flows.render.rules.reading import Reading

    Rules = list[tuple[str, Mapping[str, str]]]

_DARK = re.compile(
    r"@media[^{]*prefers-color-scheme\s*:\s*dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)[^{}]*\}"
)
_AT_BLOCK = re.compile(r"@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
# What hides text when it comes to nothing.
_TO_NOTHING = ("max-height", "font-size", "opacity")
_ELEMENTS_AND_CLASSES = re.compile(r"[\w-]*(?:\.[\w-]+)*(?:\s+[\w-]*(?:\.[\w-]+)*)*")


def dark_rules(reading: Reading) -> Rules:
    """Return (selector, properties) of what the style blocks change in the dark."""
    blocks = (block for css in reading.styles for block in _DARK.findall(css))
    return [rule for block in blocks for rule in rules(block)]


def plain_rules(reading: Reading) -> Rules:
    """Return (selector, properties) of what the style blocks say on any screen, by weight."""
    return by_weight(rule for css in reading.styles for rule in rules(_AT_BLOCK.sub("", css)))


def by_weight(found: Iterable[tuple[str, Mapping[str, str]]]) -> Rules:
    """Return the rules for elements and classes, the weightiest last; states and hooks go."""
    simple = [rule for rule in found if _ELEMENTS_AND_CLASSES.fullmatch(rule[0])]
    # Classes weigh more than elements; among equals the later one wins (sorting is stable).
    return sorted(simple, key=lambda rule: (rule[0].count("."), len(rule[0].split())))


def styled(element: HtmlElement, overrides: Rules) -> Mapping[str, str]:
    """Return an element's properties; its style attribute yields to `!important` only."""
    own = _spelled(style(element))
    found = dict(own)
    for selector, body in overrides:
        if _matches(selector, element):
            for name, value in _spelled(body).items():
                if name not in own or "!important" in value:
                    found[name] = value.replace("!important", "").strip()
    return found


def hidden(found: Mapping[str, str]) -> bool:
    """Return whether an element with these properties is not to be seen."""
    return (
        found.get("display") == "none"
        or found.get("visibility") == "hidden"
        or any(name in found and _is_nothing(found[name]) for name in _TO_NOTHING)
    )


def seen(element: HtmlElement, overrides: Rules) -> bool:
    """Return whether neither the element nor one around it is hidden."""
    return not any(hidden(styled(one, overrides)) for one in (element, *element.iterancestors()))


@functools.lru_cache(maxsize=256)
def _is_nothing(value: str) -> bool:
    return re.fullmatch(r"0*\.?0+(px|em|%)?", value) is not None


def _spelled(found: Mapping[str, str]) -> Mapping[str, str]:
    """Return the properties with one name for a background's colour; the later one counts."""
    if "background" not in found:
        return found
    return {
        "background-color" if name == "background" else name: value for name, value in found.items()
    }


def _matches(selector: str, element: HtmlElement) -> bool:
    last, *outer = _compounds(selector)
    if not _is(last, element):
        return False
    around = element.iterancestors()
    return all(any(_is(part, one) for one in around) for part in outer)


@functools.lru_cache(maxsize=256)
def _compounds(selector: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return a selector's elements and classes, the innermost first."""
    parts = (part.split(".") for part in reversed(selector.split()))
    return tuple((tag, frozenset(classes)) for tag, *classes in parts)


def _is(compound: tuple[str, frozenset[str]], element: HtmlElement) -> bool:
    tag, classes = compound
    if tag not in {"", element.tag}:
        return False
    return not classes or classes <= set(element.get("class", "").split())
