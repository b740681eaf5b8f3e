"""Rule for the CSS and HTML that clients know: caniemail's data, and what may fail without harm."""

from __future__ import annotations

import functools
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from flows.render.rules.features import used

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flows.render.rules.reading import Reading

_TABLE = "caniemail.txt"
_NAMED_CLIENTS = 3

_KEPT_BLOCK = "stands in the kept style block only, which adds to what the style attributes say"
# Progressive enhancement: what some client does not know and a mail may use all the same, each
# with what a reader has without it.
ENHANCEMENTS: Mapping[str, str] = MappingProxyType(
    {
        # The kept style block: dark mode, states, and hooks that only some clients have.
        "css-at-media": _KEPT_BLOCK,
        "css-at-media-prefers-color-scheme": "without it the mail is light (C05)",
        "css-color-scheme": "without it the mail is light",
        "html-meta-color-scheme": "without it the mail is light",
        "css-selector-attribute": "the hooks of Outlook.com's dark mode; elsewhere nothing matches",
        "css-selector-chaining": _KEPT_BLOCK,
        "css-selector-class": _KEPT_BLOCK,
        "css-selector-descendant": _KEPT_BLOCK,
        "css-selector-grouping": _KEPT_BLOCK,
        "css-selector-type": _KEPT_BLOCK,
        "css-pseudo-class-active": "without it a pressed link looks like any link",
        "css-pseudo-class-focus": "without it the client's own mark shows where one is",
        "css-pseudo-class-hover": "without it a link under the mouse looks like any link",
        "css-pseudo-class-link": "without it a link has the colour of its style attribute",
        "css-pseudo-class-visited": "without it a visited link looks like any link",
        # Measures of the layout that Word takes from attributes and tables instead.
        "css-height": "a picture's height:auto; Yahoo's min-height does no harm to it",
        "css-max-height": "hides the preheader a second time",
        "css-min-width": "without it a column may get narrower",
        "css-overflow": "hides the preheader a second time",
        "css-table-layout": "without it a very long word may widen the column in Word",
        "css-word-break": "without it a very long word may run out of the column",
        "css-overflow-wrap": "without it a very long word may run out of the column",
        "css-word-wrap": "without it a very long word may run out of the column",
        "css-display-none": "the preheader; where it shows, it is a sentence above the mail",
        # Looks.
        "css-background-image": "the background colour beneath is seen (I05)",
        "css-background-position": "the background colour beneath is seen (I05)",
        "css-background-repeat": "the background colour beneath is seen (I05)",
        "css-background-size": "the background colour beneath is seen (I05)",
        "css-border-radius": "without it corners are square",
        "css-box-shadow": "without it there is no shadow",
        "css-box-sizing": "without it a box is as wide as its table says",
        "css-cursor": "without it the mouse looks as the client has it",
        "css-font-kerning": "without it letters stand a little looser",
        "css-hyphens": "without it no word is parted",
        "css-linear-gradient": "the background colour beneath is seen (I05)",
        "css-list-style-position": "without it the marks stand outside",
        "css-system-ui": "the next font of the list is taken",
        "css-text-decoration-color": "without it the line has the text's colour",
        "css-text-decoration-line": "without it the client's own underline is seen",
        "css-text-decoration-skip-ink": "without it the line goes through descenders",
        "css-text-decoration-style": "without it the line is plain",
        "css-text-decoration-thickness": "without it the line is as thick as the client has it",
        "css-text-shadow": "without it there is no shadow",
        "css-text-underline-offset": "without it the line is where the client has it",
        "css-text-wrap": "without it lines break as they come",
        "css-transition": "without it states change at once",
        "css-white-space": "without it lines break as they come",
        # What is said to screen readers, beside what everybody sees.
        "html-aria-hidden": "without it a decoration is read out",
        "html-aria-label": "without it the subject names the mail",
        "html-aria-labelledby": "without it the words themselves are read",
        "html-role": "without it a table may be announced as one",
        # Elements that are text where they are not known.
        "html-abbr": "its words are seen",
        "html-body": "what it says stands on the elements in it once more (D02)",
        "html-bdi": "its words are seen, in the paragraph's direction",
        "html-wbr": "without it the word is not broken there",
        "html-target": "without it the client opens links as it does",
    }
)


@functools.cache
def support() -> Mapping[str, tuple[str, ...]]:
    """Return the features that some client does not know at all, and the clients' names."""
    clients: list[str] = []
    lacking: dict[str, tuple[str, ...]] = {}
    text = files("flows.render").joinpath(_TABLE).read_text(encoding="utf-8")
    for line in text.splitlines():
        letters, _, name = line.partition(" ")
        if letters == "client":
            clients.append(name)
        elif letters not in {"", "#"}:
            told = zip(clients, letters, strict=True)
            lacking[name] = tuple(client for client, letter in told if letter == "n")
    return MappingProxyType(lacking)


def known(reading: Reading) -> Iterator[str]:
    """No feature that a client does not know, unless the mail is whole without it."""
    told: set[str] = set()
    clients = support()
    for feature, where in used(reading, clients):
        lacking = clients[feature]
        if lacking and feature not in ENHANCEMENTS and feature not in told:
            told.add(feature)
            yield f"{where} uses {_plainly(feature)}, which {_these(lacking)} not know."


def _plainly(feature: str) -> str:
    kind, _, name = feature.partition("-")
    return f"CSS {name}" if kind == "css" else f"HTML {name}"


def _these(clients: tuple[str, ...]) -> str:
    if len(clients) == 1:
        return f"{clients[0]} does"
    named = clients[:_NAMED_CLIENTS]
    others = len(clients) - len(named)
    return f"{', '.join(named)}{f' and {others} other clients' if others else ''} do"
