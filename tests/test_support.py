"""What clients do not know is found, unless the mail is whole without it."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from flows.render.check import check
from flows.render.html import render
from flows.render.rules.features import of_attribute, of_style
from flows.render.rules.support import ENHANCEMENTS, support
from flows.render.sample import SAMPLE, SAMPLE_BRAND
from flows.render.themes import names

if TYPE_CHECKING:
    from flows.models import Mail

MAIL = render(SAMPLE, SAMPLE_BRAND)


def with_markup(markup: str) -> Mail:
    return replace(MAIL, html=MAIL.html.replace("</h1>", f"</h1>{markup}", 1))


def with_style(css: str) -> Mail:
    return replace(MAIL, html=MAIL.html.replace("</head>", f"<style>{css}</style></head>", 1))


def told(mail: Mail) -> list[str]:
    return [found.message for found in check(mail, SAMPLE_BRAND) if found.rule == "D07"]


@pytest.mark.parametrize(
    ("css", "feature"),
    [
        ("display:flex", "display-flex"),
        ("display:inline-grid", "display-grid"),
        ("float:left", "float"),
        ("position:absolute", "position"),
        ("top:4px", "left-right-top-bottom"),
        ("z-index:2", "z-index"),
        ("gap:4px", "gap"),
        ("column-gap:4px", "gap"),
        ("grid-template-columns:1fr 1fr", "grid-template"),
        ("justify-content:center", "justify-content"),
        ("margin-inline-start:4px", "margin-inline-start-end"),
        ("padding-block:4px", "padding-inline-block"),
        ("border-inline-start:1px solid #000000", "border-inline-block"),
        ("object-fit:cover", "object-fit"),
        ("opacity:0.5", "opacity"),
        ("visibility:hidden", "visibility"),
        ("transform:rotate(1deg)", "transform"),
        ("filter:blur(1px)", "filter"),
        ("clip-path:circle(1px)", "clip-path"),
        ("width:calc(100% - 4px)", "unit-calc"),
        ("height:50vh", "unit-vh"),
        ("margin:1rem", "unit-rem"),
        ("width:min(1px, 2px)", "function-min"),
        ("color:var(--ink)", "variables"),
        ("color:oklch(0.5 0.1 20)", "modern-color"),
        ("color:rgba(0,0,0,0.5)", "rgba"),
        ("background-image:radial-gradient(red, blue)", "radial-gradient"),
        ("background-clip:text", "background-clip"),
    ],
)
def test_css_that_a_client_does_not_know_is_found(css: str, feature: str) -> None:
    sentences = told(with_markup(f'<p style="{css}">x</p>'))
    assert any(sentence.startswith(f"<p> uses CSS {feature}, which ") for sentence in sentences)


@pytest.mark.parametrize(
    ("css", "feature"),
    [
        ("@font-face { src: url(x) }", "at-font-face"),
        ("@import 'x';", "at-import"),
        ("@supports (gap: 1px) { p { margin: 0 } }", "at-supports"),
        ("@keyframes a { from { margin: 0 } }", "at-keyframes"),
        ("@media (orientation: portrait) { p { margin: 0 } }", "at-media-orientation"),
        ("@media (max-width: 600px) { .x { display: flex } }", "display-flex"),
        ("td > p { margin: 0 }", "selector-child"),
        ("* { margin: 0 }", "selector-universal"),
        ("#x { margin: 0 }", "selector-id"),
        ("p + p { margin: 0 }", "selector-adjacent-sibling"),
        ("p:not(.x) { margin: 0 }", "pseudo-class-not"),
        ("p:nth-child(2) { margin: 0 }", "pseudo-class-nth-child"),
        ("p::before { margin: 0 }", "pseudo-element-before"),
        ("p:after { margin: 0 }", "pseudo-element-after"),
    ],
)
def test_a_style_block_is_read_too(css: str, feature: str) -> None:
    assert any(
        f"a style block uses CSS {feature}, " in sentence for sentence in told(with_style(css))
    )


@pytest.mark.parametrize(
    "markup", ["section", "video", "audio", "svg", "picture", "progress", "dialog", "object"]
)
def test_an_element_that_a_client_does_not_know_is_found(markup: str) -> None:
    assert any(
        f"<{markup}> uses HTML " in one for one in told(with_markup(f"<{markup}></{markup}>"))
    )


@pytest.mark.parametrize(
    "css",
    [
        "margin-top:4px",
        "float:none",
        "position:static",
        "display:block",
        "border-radius:4px",
        "text-underline-offset:2px",
        "mso-line-height-rule:exactly",
        "font-family:'display:flex', serif",
        "font-family:Segoe UI, Helvetica",
    ],
)
def test_what_all_know_or_a_mail_can_do_without_is_no_breach(css: str) -> None:
    assert told(with_markup(f'<p style="{css}">x</p>')) == []


@pytest.mark.parametrize("theme", names())
def test_the_themes_use_nothing_else(theme: str) -> None:
    assert told(render(SAMPLE, SAMPLE_BRAND, theme=theme)) == []


def test_a_finding_names_the_clients() -> None:
    assert told(with_markup('<p style="float:left">x</p>')) == [
        "<p> uses CSS float, which Outlook on Windows, Windows Mail do not know."
    ]


def test_every_enhancement_is_one_and_has_its_reason() -> None:
    assert [name for name in ENHANCEMENTS if not support().get(name)] == []
    assert all(len(reason.split()) >= 4 for reason in ENHANCEMENTS.values())


def test_the_table_is_whole() -> None:
    table = support()
    assert len(table) == 291
    assert table["css-background-color"] == ()
    assert table["css-color-scheme"][0] == "Gmail on the web"
    assert "Yahoo on Android" in table["css-at-media-prefers-color-scheme"]


def test_the_table_ships_with_its_licence() -> None:
    notice = files("flows.render").joinpath("caniemail.txt").read_text(encoding="utf-8")
    words = " ".join(notice.replace("\n#", " ").split())
    assert "MIT License: Copyright (c) 2019 Rémi Parmentier Permission is hereby granted" in words
    assert "this permission notice shall be included in all copies" in words
    assert 'THE SOFTWARE IS PROVIDED "AS IS"' in words


def test_features_are_told_once_a_style() -> None:
    assert of_attribute("margin:0; margin:1px").count("css-margin") == 1
    assert of_style("p { margin: 0 } a { margin: 0 }").count("css-margin") == 1
