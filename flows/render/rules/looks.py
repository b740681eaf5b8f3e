"""Rules for how a mail looks: contrast by day, in the dark and inverted; sizes of type."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.render.rules.cascade import by_weight, dark_rules, hidden, plain_rules, styled
from flows.render.rules.reading import elements, rules, style, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lxml.html import HtmlElement

    from flows.render.rules.cascade import Rules
    from flows.render.rules.reading import Reading

Colour = tuple[int, int, int]

_BLACK: Colour = (0, 0, 0)
_WHITE: Colour = (255, 255, 255)
_NAMED = {"black": _BLACK, "white": _WHITE}
_BOLD = frozenset({"bold", "700", "800", "900"})
_BOLD_TAGS = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4"})
# Of colours: what is there without them.
_NO_COLOUR = frozenset({"", "inherit", "initial", "none", "transparent", "unset", "currentcolor"})
_SMALLEST = 14
# How far lines must be apart; headings are large enough to be closer.
_APART, _APART_IN_HEADINGS = 1.4, 1.2
_HEADINGS = frozenset({"h1", "h2", "h3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What an element hands down to the text in it."""

    colour: Colour = _BLACK
    background: Colour = _WHITE
    size: float = 16.0
    bold: bool = False
    shown: bool = True
    # How high its lines are: in pixels, or (written without a unit) in sizes of type.
    line: float | None = None
    lines: float | None = None
    apart: float = _APART


# A mail has a dozen pairs of colours, and hundreds of texts in them.
@functools.lru_cache(maxsize=256)
def contrast(first: Colour, second: Colour) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def parse_colour(text: str) -> Colour | None:
    """Return a colour written as #rgb, #rrggbb, black or white; None for any other."""
    text = text.replace("!important", "").strip().lower()
    digits = text.removeprefix("#")
    if re.fullmatch("[0-9a-f]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    if text.startswith("#") and re.fullmatch("[0-9a-f]{6}", digits):
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    return _NAMED.get(text)


def judged(reading: Reading) -> Iterator[str]:
    """Every colour is written so that its contrast can be judged."""
    stated = [(f"<{element.tag}>", style(element)) for element in elements(reading)]
    stated += [rule for css in reading.styles for rule in rules(css)]
    for where, body in stated:
        for name in ("color", "background-color", "background"):
            if _is_unknown(body.get(name, "")):
                yield f"The {name} {body[name]} of {where} cannot be judged; write it as #rrggbb."
    for element in reading.root.iter("font"):
        if element.get("color"):
            yield "<font> sets a colour that cannot be judged; write it into a style."


def _is_unknown(value: str) -> bool:
    plain = value.replace("!important", "").strip().lower()
    return plain not in _NO_COLOUR and "url(" not in plain and _colour(plain) is None


# A mail says the same few values hundreds of times.
@functools.lru_cache(maxsize=256)
def _colour(value: str) -> Colour | None:
    """Return the colour in a value, which for a background may say more."""
    found = (parse_colour(part) for part in value.split())
    return next((colour for colour in found if colour), None)


def light(reading: Reading) -> Iterator[str]:
    """Text can be read by day."""
    yield from _unreadable(reading, plain_rules(reading), _as_they_are, "")


def dark(reading: Reading) -> Iterator[str]:
    """Text can be read in the dark, where a client asks for it."""
    overrides = by_weight([*plain_rules(reading), *dark_rules(reading)])
    yield from _unreadable(reading, overrides, _as_they_are, " in the dark")


def inverted(reading: Reading) -> Iterator[str]:
    """Text can be read where a client turns all colours round."""
    yield from _unreadable(reading, plain_rules(reading), _both_inverted, " with colours inverted")


def partly_inverted(reading: Reading) -> Iterator[str]:
    """Text can be read where a client turns light grounds dark, and dark text light."""
    overrides = plain_rules(reading)
    yield from _unreadable(
        reading, overrides, _light_grounds_inverted, " with light grounds inverted"
    )


def _as_they_are(text: Colour, ground: Colour) -> tuple[Colour, Colour]:
    return text, ground


def _both_inverted(text: Colour, ground: Colour) -> tuple[Colour, Colour]:
    return _invert(text), _invert(ground)


def _light_grounds_inverted(text: Colour, ground: Colour) -> tuple[Colour, Colour]:
    return (
        text if _is_light(text) else _invert(text),
        _invert(ground) if _is_light(ground) else ground,
    )


def _invert(colour: Colour) -> Colour:
    return 255 - colour[0], 255 - colour[1], 255 - colour[2]


def _is_light(colour: Colour) -> bool:
    return max(colour) + min(colour) > 255


def _unreadable(
    reading: Reading,
    overrides: Rules,
    seen: Callable[[Colour, Colour], tuple[Colour, Colour]],
    where: str,
) -> Iterator[str]:
    told: set[tuple[Colour, Colour]] = set()
    for look, text in _texts(reading.root.body, _Look(), overrides):
        ratio = contrast(*seen(look.colour, look.background))
        pair = (look.colour, look.background)
        if ratio < _needed(look) and pair not in told:
            told.add(pair)
            yield (
                f"{text[:40]!r} has a contrast of {ratio:.1f} to its background{where}; "
                f"it needs {_needed(look)}."
            )


def _needed(look: _Look) -> float:
    large = look.size >= 24 or (look.bold and look.size >= 18.66)
    return 3.0 if large else 4.5


def _texts(element: HtmlElement, look: _Look, overrides: Rules) -> Iterator[tuple[_Look, str]]:
    """Yield each piece of text in the element with the look it is seen in."""
    look = _look(element, look, overrides)
    if not look.shown:
        return
    if element.text and element.text.strip():
        yield look, element.text.strip()
    for child in element:
        if isinstance(child.tag, str):
            yield from _texts(child, look, overrides)
        if child.tail and child.tail.strip():
            yield look, child.tail.strip()


def _look(element: HtmlElement, outer: _Look, overrides: Rules) -> _Look:
    found = styled(element, overrides)
    ground = found.get("background-color") or element.get("bgcolor", "")
    weight = found.get("font-weight", "")
    size = _pixels(found.get("font-size", "")) or outer.size
    line, lines = _lines(found.get("line-height", ""), size) or (outer.line, outer.lines)
    return _Look(
        colour=_colour(found.get("color", "")) or outer.colour,
        background=_colour(ground) or outer.background,
        size=size,
        bold=weight in _BOLD if weight else outer.bold or element.tag in _BOLD_TAGS,
        shown=not hidden(found),
        line=line,
        lines=lines,
        apart=_APART_IN_HEADINGS if element.tag in _HEADINGS else outer.apart,
    )


@functools.lru_cache(maxsize=256)
def _pixels(value: str) -> float:
    found = re.fullmatch(r"(\d*\.?\d+)px", value)
    return float(found[1]) if found else 0.0


@functools.lru_cache(maxsize=256)
def _lines(value: str, size: float) -> tuple[float | None, float | None] | None:
    """Return how high lines are, in pixels or in sizes of type; None if the value does not say."""
    found = re.fullmatch(r"(\d*\.?\d+)(px|%|em|)", value)
    if not found:
        return None
    number, unit = float(found[1]), found[2]
    if not unit:
        return None, number
    return {"px": number, "%": number * size / 100, "em": number * size}[unit], None


def grounded(reading: Reading) -> Iterator[str]:
    """A text colour has a background colour that it was chosen for."""
    grounds = [element for element in elements(reading) if element.get("bgcolor")]
    for element in elements(reading):
        if "color" not in style(element) or style(element).get("display") == "none":
            continue
        if not any(ground is element or ground in element.iterancestors() for ground in grounds):
            yield f"<{element.tag}> {words(element)[:40]!r} has a colour on no bgcolor."
            return
    for ground in grounds:
        if parse_colour(ground.get("bgcolor")) != parse_colour(
            style(ground).get("background-color", "")
        ):
            yield f"<{ground.tag}> has a bgcolor that its style does not repeat."


def schemes(reading: Reading) -> Iterator[str]:
    """The mail says that it has both schemes."""
    named = {
        str(meta.get("name")): str(meta.get("content", "")) for meta in reading.root.iter("meta")
    }
    for name in ("color-scheme", "supported-color-schemes"):
        if named.get(name) != "light dark":
            yield f'The head has no <meta name="{name}" content="light dark">.'
    roots = [body for css in reading.styles for selector, body in rules(css) if selector == ":root"]
    if not any(body.get("color-scheme") == "light dark" for body in roots):
        yield "No style says :root { color-scheme: light dark }."


def dark_twins(reading: Reading) -> Iterator[str]:
    """What is dark for Apple is dark for Outlook.com."""
    overrides = dark_rules(reading)
    if not overrides:
        yield "No style has a block @media (prefers-color-scheme: dark)."
    selectors = {selector for css in reading.styles for selector, _ in rules(css)}
    for selector, body in overrides:
        for name, hook in (("color", "[data-ogsc]"), ("background-color", "[data-ogsb]")):
            if name in body and f"{hook} {selector}" not in selectors:
                yield f"The dark {name} of {selector} has no twin {hook} {selector}."


def type_sizes(reading: Reading) -> Iterator[str]:
    """Type is large enough, and its lines are apart."""
    for look, _ in _texts(reading.root.body, _Look(), plain_rules(reading)):
        if look.size < _SMALLEST:
            yield f"Type of {look.size:g}px is too small to read; use 14px or more."
        line = look.line if look.lines is None else look.lines * look.size
        if line is not None and line < look.apart * look.size:
            yield f"Lines of {line:g}px are too close for type of {look.size:g}px."


def type_written(reading: Reading) -> Iterator[str]:
    """Sizes of type are in px, where a rule of a style block states them too."""
    for body in _stated(reading):
        size = body.get("font-size", "").replace("!important", "").strip()
        if "font" in body:
            yield f"A size of type stands in font: {body['font']}; write font-size and line-height."
        if not size or hidden(body):
            continue
        if not _pixels(size):
            yield f"A size of type is {size}; write it in px."
        elif _pixels(size) < _SMALLEST:
            yield f"Type of {size} is too small to read; use 14px or more."
    for element in reading.root.body.iter("small", "big"):
        yield f"<{element.tag}> has a size of its own; write font-size in px."


def _stated(reading: Reading) -> Iterator[Mapping[str, str]]:
    """Yield the properties of every element, then of every rule of the style blocks."""
    yield from (style(element) for element in elements(reading))
    yield from (body for css in reading.styles for _, body in rules(css))
