"""Rules for the HTML itself: its size, its skeleton, and the CSS that clients drop or mangle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import lxml.etree

from flows.render.rules.reading import all_css, elements, rules, style, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from flows.render.rules.reading import Anchor, Reading

# Where Gmail cuts a mail.
CLIPPED_AT = 102_400
_LARGE = 60_000
_LARGEST_STYLE = 16_384
_FORBIDDEN = tuple(
    """
    script iframe frame frameset object embed applet video audio base link math
    form input button select textarea
    """.split()
)
_FORBIDDEN_TAG = re.compile(rf"<({'|'.join(_FORBIDDEN)})\b", re.IGNORECASE)
_DIRECTIONS = frozenset({"ltr", "rtl", "auto"})
_METAS = ("viewport", "x-apple-disable-message-reformatting", "format-detection")
_TABLE = re.compile(r"<table\b[^>]*>", re.IGNORECASE)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = ("table", "div", "p", *_HEADINGS, "ul", "ol")
_SPACED_RGB = re.compile(r"\b(?:rgb|hsl)a?\([^,)]*\)")
_CELLS = ("td", "th")
_LONE_MEDIA = re.compile(r"@media\s+([^{]+)\{")
_WIDE_ENOUGH = 400
# One link or two may stand alone and be no title: to the web, to what is folded.
_SEVERAL = 3


def clipped(reading: Reading) -> Iterator[str]:
    """The HTML part is not cut."""
    size = len(reading.mail.html.encode())
    if size > CLIPPED_AT:
        yield f"The HTML part has {size:,} bytes; Gmail cuts it and hides the unsubscribe link."


def large(reading: Reading) -> Iterator[str]:
    """The HTML part has room for what providers add."""
    if folded := reading.mail.folded:
        yield f"The HTML part is full: the last {_entries(folded)} in it only by a link to the web."
        return
    size = len(reading.mail.html.encode())
    if _LARGE < size <= CLIPPED_AT:
        yield f"The HTML part has {size:,} bytes; keep it under 60,000 for what a provider adds."


def _entries(count: int) -> str:
    return "entry is" if count == 1 else f"{count} entries are"


def style_size(reading: Reading) -> Iterator[str]:
    """A style block is small enough for Gmail."""
    for css in reading.styles:
        if len(css.encode()) > _LARGEST_STYLE:
            yield f"A style block has {len(css.encode()):,} bytes; Gmail drops it above 16,384."


def enough_words(reading: Reading) -> Iterator[str]:
    """A mail with pictures has words too."""
    if reading.root.findall(".//img") and len(words(reading.root.body)) < _WIDE_ENOUGH:
        yield "The mail is pictures with less than 400 characters of text, as spam is."


def doctype(reading: Reading) -> Iterator[str]:
    """The HTML begins with its doctype."""
    if not reading.mail.html.lower().startswith("<!doctype html>"):
        yield "The HTML part does not begin with <!DOCTYPE html>."


def language(reading: Reading) -> Iterator[str]:
    """Language and direction outlive the loss of <html> and <body>."""
    places = [reading.root, *reading.root.body.findall("div")]
    found = [place for place in places if place.get("lang") and place.get("dir") in _DIRECTIONS]
    if reading.root not in found:
        yield "<html> lacks lang or dir."
    if not any(place is not reading.root for place in found):
        yield "No <div> right in <body> has lang and dir; Gmail throws <html> and <body> away."


def metas(reading: Reading) -> Iterator[str]:
    """The head tells clients to leave the mail as it is."""
    if b"charset=utf-8" not in reading.mail.html.encode()[:1024].lower().replace(b'"', b""):
        yield "The first 1,024 bytes do not say <meta charset=utf-8>."
    names = {str(meta.get("name")).lower() for meta in reading.root.iter("meta")}
    for name in _METAS:
        if name not in names:
            yield f"The head has no <meta name={name}>."


def title(reading: Reading) -> Iterator[str]:
    """The document has a title."""
    if not (reading.root.findtext(".//title") or "").strip():
        yield "The HTML part has no <title>."


def layout_tables(reading: Reading) -> Iterator[str]:
    """A layout table says that it is one."""
    tables = [dict(table.attrib) for table in reading.root.iter("table")]
    tables += [_attributes(tag) for comment in reading.comments for tag in _TABLE.findall(comment)]
    wanted = {"role": "presentation", "cellpadding": "0", "cellspacing": "0", "border": "0"}
    for table in tables:
        if lacks := [name for name, value in wanted.items() if table.get(name) != value]:
            yield f"A table lacks {', '.join(lacks)}: layout, read out as data."


def _attributes(tag: str) -> dict[str, str]:
    return dict(re.findall(r'([\w-]+)="([^"]*)"', tag))


def forbidden(reading: Reading) -> Iterator[str]:
    """Nothing that clients strip or spam filters count."""
    for element in reading.root.iter(*_FORBIDDEN):
        yield f"<{element.tag}> has no place in a mail."
    for tag in _FORBIDDEN_TAG.findall("".join(reading.comments)):
        yield f"<{tag}> has no place in a mail, nor in what Outlook alone sees."
    for css in reading.styles:
        if "@import" in css:
            yield "A style block imports another; its rules must stand in it."


def acting(reading: Reading) -> Iterator[str]:
    """Nothing in the mail acts by itself."""
    for element in reading.root.iter(lxml.etree.Element):
        for name in element.attrib:
            if str(name).startswith("on"):
                yield f"<{element.tag}> has the handler {name}."
    for element in reading.root.iter("meta"):
        if element.get("http-equiv", "").lower() == "refresh":
            yield "<meta http-equiv=refresh> leads readers away from the mail."


def padding(reading: Reading) -> Iterator[str]:
    """Padding on cells, width as an attribute."""
    for element in elements(reading):
        found = style(element)
        padded = any(_is_some(value) for name, value in found.items() if name.startswith("padding"))
        if padded and element.tag not in _CELLS and not _is_button(element):
            yield f"<{element.tag}> has padding, which Outlook knows on cells only."
        if "width" in found and element.tag not in {"table", "td", "th", "img"}:
            yield f"<{element.tag}> has a CSS width, which Outlook ignores."


def _is_some(value: str) -> bool:
    return any(part not in {"0", "0px"} for part in value.split())


def _is_button(element: HtmlElement) -> bool:
    parent = element.getparent()
    return element.tag == "a" and parent is not None and bool(parent.get("bgcolor"))


def container(reading: Reading) -> Iterator[str]:
    """One column of 600 px, and Outlook's table for it."""
    widths = [style(element).get("max-width", "") for element in elements(reading)]
    pixels = [int(found[1]) for width in widths if (found := re.fullmatch(r"(\d+)px", width))]
    if not any(100 <= width <= 680 for width in pixels):
        yield "No container has a max-width of at most 680px."
    if any(width > 680 for width in pixels):
        yield f"A container has a max-width of {max(pixels)}px; lines over 680px are hard to read."
    ghosts = [tag for comment in reading.comments for tag in _TABLE.findall(comment)]
    if not any(_attributes(ghost).get("width") == "600" for ghost in ghosts):
        yield "There is no table of width 600 for Outlook around the container."
    outlook = "".join(reading.comments)
    if len(_TABLE.findall(outlook)) != outlook.count("</table>"):
        yield "Outlook's table around the container is not closed."


def outlook_comments(reading: Reading) -> Iterator[str]:
    """Outlook's conditions are whole."""
    html = reading.mail.html
    if len(re.findall(r"<!--\[if", html)) != html.count("<![endif]"):
        yield "Outlook's conditional comments are not balanced; a broken one swallows the mail."
    if "<o:PixelsPerInch>96</o:PixelsPerInch>" not in html:
        yield "The head lacks PixelsPerInch 96, so Outlook scales the mail on dense screens."


def blocks_in_links(reading: Reading) -> Iterator[str]:
    """No block stands in a link."""
    for link in reading.root.iter("a"):
        for block in link.iter(*_BLOCKS):
            yield f"<{block.tag}> stands in a link, out of which parsers move it."


def fatal_css(reading: Reading) -> Iterator[str]:
    """No CSS for which Gmail drops the whole style."""
    for css in all_css(reading):
        if "var(" in css:
            yield "var() is used, which Gmail drops."
        if any(" " in found for found in _SPACED_RGB.findall(css)):
            yield "A colour is spelled with spaces, for which Gmail drops the whole style."
        if re.search(r"margin[\w-]*\s*:[^;}]*-\d", css):
            yield "A margin is negative, which Outlook and Gmail drop."
        if re.search(r"\d\s*rem\b", css):
            yield "A size is in rem, which Outlook does not know."


def important(reading: Reading) -> Iterator[str]:
    """`!important` as Gmail and Word read it."""
    for element in elements(reading):
        if "!important" in element.get("style", "").lower():
            yield f"<{element.tag}> has !important in its style attribute, where Word ignores it."
    for css in reading.styles:
        for found in re.findall(r"\S?!\s*important", css, re.IGNORECASE):
            if found != "!important":
                yield f'"{found}" is not written " !important", as Gmail and Word need it.'


def media(reading: Reading) -> Iterator[str]:
    """Media queries of the two kinds that clients read."""
    for css in reading.styles:
        for query in _LONE_MEDIA.findall(css):
            plain = re.sub(r"\s+", "", query.lower()).removeprefix("screenand")
            if not re.fullmatch(
                r"(onlyscreenand)?\((max-width|min-width):\d+px\)|\(prefers-color-scheme:dark\)",
                plain,
            ):
                yield f"@media {query.strip()} is not read by all; ask for one width or the dark."
        if re.search(r"@media[^{]*\{[^{}]*(\{[^{}]*\}[^{}]*)*@media", css):
            yield "A media query stands in another."
    asked = sum(css.count("(prefers-color-scheme") for css in reading.styles)
    if asked > 1:
        yield f"The dark is asked for {asked} times; put its rules into one @media block."


def styles_in_head(reading: Reading) -> Iterator[str]:
    """Style blocks stand in the head."""
    if reading.root.body.findall(".//style"):
        yield "A <style> stands in the body, where Gmail ignores it."


def headings(reading: Reading) -> Iterator[str]:
    """One h1, and no level left out."""
    levels = [int(element.tag[1]) for element in reading.root.iter(*_HEADINGS)]
    if levels.count(1) != 1:
        yield f"There are {levels.count(1)} h1 headings; there should be one."
    for before, after in zip([0, *levels], levels, strict=False):
        if after > before + 1:
            yield f"A heading of level {after} follows one of level {before}."
            return


def titles(reading: Reading) -> Iterator[str]:
    """Titles of entries are headings, or listed under one."""
    alone = [anchor for anchor in reading.anchors if _stands_alone(anchor)]
    if len(alone) >= _SEVERAL:
        yield (
            f"{alone[0].words[:60]!r} and {len(alone) - 1} other links stand alone like titles, "
            "but are no headings; put them into h3."
        )


def _stands_alone(anchor: Anchor) -> bool:
    element = anchor.element
    around = [one.tag for one in element.iterancestors()]
    if not anchor.words or _is_button(element) or {*_HEADINGS, "li"} & set(around):
        return False
    block = next((one for one in element.iterancestors() if one.tag in {"p", "div", "td"}), element)
    return words(block) == anchor.words


def alternatives(reading: Reading) -> Iterator[str]:
    """Every picture says what it shows."""
    for image in reading.root.iter("img"):
        if image.get("alt") is None:
            yield f"The picture {image.get('src', '')[:80]} has no alt."


def picture_width(reading: Reading) -> Iterator[str]:
    """Pictures shrink, and Word knows their width."""
    for image in reading.root.iter("img"):
        found = style(image)
        fluid = (
            found.get("width") == "100%"
            and found.get("height") == "auto"
            and found.get("display") == "block"
            and re.fullmatch(r"\d+px", found.get("max-width", ""))
        )
        width = image.get("width", "")
        if not (width.isdigit() and int(width) <= 600) or not fluid:
            yield (
                f"The picture {image.get('src', '')[:80]} needs width=N (at most 600) and the "
                "style width:100%; max-width:Npx; height:auto; display:block."
            )


def picture_source(reading: Reading) -> Iterator[str]:
    """Pictures that every client shows."""
    for image in reading.root.iter("img"):
        source = image.get("src", "")
        if not re.match(r"https://[^?#]+\.(png|jpe?g|gif)([?#]|$)", source, re.IGNORECASE):
            yield f"The picture {source[:80]!r} is not a PNG, JPEG or GIF at an https address."


def picture_height(reading: Reading) -> Iterator[str]:
    """Word cuts what is higher than 18 inches."""
    for image in reading.root.iter("img"):
        if image.get("height", "").isdigit() and int(image.get("height")) > 1728:
            yield f"The picture {image.get('src', '')[:80]} is higher than 1,728 px."


def background_picture(reading: Reading) -> Iterator[str]:
    """A background picture has a colour beneath."""
    for element in elements(reading):
        if "url(" in element.get("style", "") and not element.get("bgcolor"):
            yield f"<{element.tag}> has a background picture but no bgcolor for where it is lost."
    for css in reading.styles:
        for selector, body in rules(css):
            if "url(" in "".join(body.values()):
                yield f"{selector} loads a background picture."
