"""Which features of CSS and HTML a mail uses, by the names that caniemail gives them."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from flows.render.rules.reading import elements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from flows.render.rules.reading import Reading

# Properties that caniemail has under another name; the logical ones (of inline and block) would
# else be taken for the physical ones, which far more clients know.
_ALSO_CALLED = {
    "margin-inline": "margin-inline-block",
    "margin-block": "margin-inline-block",
    "margin-inline-start": "margin-inline-start-end",
    "margin-inline-end": "margin-inline-start-end",
    "margin-block-start": "margin-block-start-end",
    "margin-block-end": "margin-block-start-end",
    "padding-inline": "padding-inline-block",
    "padding-block": "padding-inline-block",
    "padding-inline-start": "padding-inline-start-end",
    "padding-inline-end": "padding-inline-start-end",
    "padding-block-start": "padding-block-start-end",
    "padding-block-end": "padding-block-start-end",
    "block-size": "block-inline-size",
    "inline-size": "block-inline-size",
    "left": "left-right-top-bottom",
    "right": "left-right-top-bottom",
    "top": "left-right-top-bottom",
    "bottom": "left-right-top-bottom",
    "row-gap": "gap",
    "column-gap": "gap",
    "columns": "column-count",
    "background-position-x": "background-position",
    "background-position-y": "background-position",
}
# What these set is what there is without them.
_NOTHING_SET = {"float": {"none"}, "position": {"static"}, "background-image": {"none"}}
_IN_VALUES = (
    ("variables", re.compile(r"\bvar\(")),
    ("unit-calc", re.compile(r"\bcalc\(")),
    ("function-min", re.compile(r"\bmin\(")),
    ("function-max", re.compile(r"\bmax\(")),
    ("function-clamp", re.compile(r"\bclamp\(")),
    ("function-light-dark", re.compile(r"\blight-dark\(")),
    ("linear-gradient", re.compile(r"\blinear-gradient\(")),
    ("radial-gradient", re.compile(r"\bradial-gradient\(")),
    ("conic-gradient", re.compile(r"\bconic-gradient\(")),
    ("modern-color", re.compile(r"\b(?:lab|lch|oklab|oklch|hwb|color|color-mix)\(")),
    ("rgb", re.compile(r"\brgb\(")),
    ("rgba", re.compile(r"\brgba\(")),
    ("important", re.compile(r"!\s*important\b")),
    ("unit-initial", re.compile(r"\binitial\b")),
    ("system-ui", re.compile(r"\bsystem-ui\b")),
)
_UNITS = re.compile(r"(?<![\w#-])[\d.]+(rem|vh|vw|vmin|vmax|ch|ex|em|pt|cm|mm|in|pc)\b")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|url\([^)]*\)")
_AT_RULE = re.compile(r"@([\w-]+)([^{;]*)")
_SEMANTIC = frozenset(
    "article aside details figcaption figure footer header main mark nav section summary "
    "time".split()
)
_QUERIES = ("prefers-color-scheme", "prefers-reduced-motion", "orientation", "hover")
_PSEUDO = re.compile(r"(::?)([\w-]+)")
# Of old these elements' names took one colon.
_PSEUDO_ELEMENTS = frozenset({"before", "after", "first-line", "first-letter"})
_IN_SELECTORS = (
    ("attribute", re.compile(r"\[")),
    ("universal", re.compile(r"\*")),
    ("child", re.compile(r">")),
    ("adjacent-sibling", re.compile(r"\+")),
    ("general-sibling", re.compile(r"~")),
    ("chaining", re.compile(r"[.#][\w-]+[.#]")),
    ("id", re.compile(r"#")),
    ("class", re.compile(r"\.")),
    ("descendant", re.compile(r"[\w\])*]\s+[\w.#\[:*]")),
    ("type", re.compile(r"(?:^|[\s>+~])[a-z]")),
)


def used(reading: Reading, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the known features that the mail uses, with where it stands."""
    for element in elements(reading):
        where = f"<{element.tag}>"
        yield from ((name, where) for name in _of_tag(element.tag, known))
        for attribute in element.attrib:
            if attribute == "style":
                names = of_attribute(element.get("style", "").lower())
                yield from ((name, where) for name in _under(names, known))
            elif f"html-{attribute}" in known:
                yield f"html-{attribute}", where
    for css in reading.styles:
        yield from ((name, "a style block") for name in _under(of_style(css), known))
    if any(meta.get("name") == "color-scheme" for meta in reading.root.iter("meta")):
        yield "html-meta-color-scheme", "<meta>"


def _of_tag(tag: str, known: Collection[str]) -> Iterator[str]:
    name = "html-semantics" if tag in _SEMANTIC else f"html-{tag}"
    if name in known:
        yield name


def _under(names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield the names under which features are known: "margin-top" is a part of "margin"."""
    for name in names:
        found = name
        while found and found not in known:
            found = found.rpartition("-")[0]
        if found:
            yield found


def of_style(css: str) -> list[str]:
    """Return the features that a style block uses."""
    css = css.lower()
    found: dict[str, None] = {}
    for name, query in _AT_RULE.findall(css):
        found[f"css-at-{name}"] = None
        found |= {f"css-at-media-{asked}": None for asked in _QUERIES if f"({asked}" in query}
        if "device-pixel-ratio" in query:
            found["css-at-media-device-pixel-ratio"] = None
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        found |= dict.fromkeys(_of_selectors(selectors.strip()))
        found |= dict.fromkeys(of_attribute(body))
    return list(found)


def _of_selectors(selectors: str) -> Iterator[str]:
    if "," in selectors:
        yield "css-selector-grouping"
    for selector in (part.strip() for part in selectors.split(",")):
        for colons, name in _PSEUDO.findall(selector):
            kind = "element" if colons == "::" or name in _PSEUDO_ELEMENTS else "class"
            yield f"css-pseudo-{kind}-{name}"
        bare = _PSEUDO.sub("", selector)
        for name, pattern in _IN_SELECTORS:
            if pattern.search(bare):
                yield f"css-selector-{name}"


# A mail has hundreds of style attributes, of which about twenty differ.
@functools.lru_cache(maxsize=512)
def of_attribute(css: str) -> tuple[str, ...]:
    """Return the features that a style attribute, or a rule's body, uses."""
    found: dict[str, None] = {}
    for part in _QUOTED.sub("", css).split(";"):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if colon and value not in _NOTHING_SET.get(name, ()):
            found |= dict.fromkeys(_of_property(name, value))
    return tuple(found)


def _of_property(name: str, value: str) -> Iterator[str]:
    if name == "display" and value:
        # "inline-flex" and "flex" are one feature, and so are those of a grid.
        yield f"css-display-{value.split(maxsplit=1)[0].removeprefix('inline-')}"
    elif not name.startswith(("mso-", "-")):
        logical = re.match(r"border-(?:inline|block)", name)
        yield "css-border-inline-block" if logical else f"css-{_ALSO_CALLED.get(name, name)}"
    for feature, pattern in _IN_VALUES:
        if pattern.search(value):
            yield f"css-{feature}"
    for unit in _UNITS.findall(value):
        yield f"css-unit-{unit}"
