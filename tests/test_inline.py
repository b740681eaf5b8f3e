"""premailer moves the stylesheet into the elements, and leaves everything else as it was."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import TemplateError
from flows.render import html as rendering
from flows.render import themes
from flows.render.inline import inline
from flows.render.sample import SAMPLE, SAMPLE_BRAND

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "<!DOCTYPE html>\n<html><head><style>{css}</style></head><body>{body}</body></html>"

# How mail services and template languages spell a merge tag.
TAGS = [
    "{{ name }}",
    "{{name}}",
    "{{{ raw }}}",
    "{{ name|default('x') }}",
    "{% if x %}",
    "<%asm_group_unsubscribe_raw_url%>",
    "<% click here %>",
    '<%= link_to("x") if y > 1 %>',
    "[%unsubscribe_url%]",
    "[unsubscribe]",
    "*|UNSUB|*",
    "%%unsubscribe%%",
    "%unsubscribe%",
    "-unsubscribe-",
    "-unsubscribe-0123456789abcdef0123456789abcdef-",
    "${unsubscribe}",
    "((unsubscribe))",
    "$$name$$",
    "#{name}",
]


def of(body: str, css: str = "p { color: #123456 }") -> str:
    return inline(PAGE.format(css=css, body=body))


def test_rules_become_style_attributes_and_the_stylesheet_goes() -> None:
    html = of('<p class="x">a</p>', css="p { color: #123456 } .x { margin: 0 }")
    assert '<p class="x" style="color:#123456; margin:0">a</p>' in html
    assert "<style" not in html


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(
    "place", ["<p>{}</p>", '<a href="{}">x</a>', '<a href="https://e.example/x/{}">x</a>']
)
def test_a_merge_tag_comes_through_byte_for_byte(tag: str, place: str) -> None:
    assert place.format(tag) in of(place.format(tag), css="i { color: #000 }")


def test_a_tag_of_ones_own_comes_through_whatever_it_holds() -> None:
    tag = "@@ a tag with spaces @@"
    html = PAGE.format(css="i { margin: 0 }", body=f'<a href="{tag}">x</a>')
    assert f'<a href="{tag}">' in inline(html, tags=[tag])


def test_braces_of_two_stories_are_no_tag() -> None:
    html = of("<p>open {{ here</p><p>and close }} there</p>")
    assert html.count('<p style="color:#123456">') == 2


@pytest.mark.parametrize(
    "comment",
    [
        '<!--[if mso]><table role="presentation" width="600"><tr><td><![endif]-->',
        "<!--[if mso]><style>td{font-family:Arial,sans-serif !important}</style><![endif]-->",
        "<!--[if !mso]><!-->",
        "<!--<![endif]-->",
        "<![if !mso]>",
        "<![endif]>",
        "<!-- {{ a tag }} in a comment -->",
    ],
)
def test_a_comment_comes_through_byte_for_byte(comment: str) -> None:
    assert f"<td>{comment}" in of(f"<table><tr><td>{comment}<p>x</p></td></tr></table>")


def test_a_comment_between_rows_stays_there() -> None:
    comment = "<!--[if mso]><tr><td>b</td></tr><![endif]-->"
    body = f"<table><tbody><tr><td>a</td></tr>{comment}</tbody></table>"
    assert body in of(body, css="i { margin: 0 }")


def test_a_kept_style_stays_as_it_is() -> None:
    kept = (
        '<style data-premailer="ignore">\n@media (prefers-color-scheme: dark) {\n'
        " p > a:hover , [data-ogsc] p { color: #fff !important }\n}\n</style>"
    )
    html = PAGE.format(css="p { margin: 0 }", body="<p>x</p>").replace("</head>", f"{kept}</head>")
    assert kept in inline(html)


@pytest.mark.parametrize(
    ("css", "named"),
    [
        ("@media (max-width: 1px) { p { margin: 0 } }", "@media"),
        ("@import 'x.css';", "@import"),
        ("@font-face { src: url(x) }", "@font-face"),
        ("a:hover { color: #000000 }", "a:hover"),
        ("[data-ogsc] p { color: #000000 }", "[data-ogsc] p"),
        ("* { margin: 0 }", "*"),
        ("p { margin: 0 } td > p { margin: 0 }", "td > p"),
    ],
)
def test_a_rule_that_premailer_would_lose_is_an_error(css: str, named: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(f'"{named}"')):
        of("<p>x</p>", css=css)


def test_a_css_comment_may_say_anything() -> None:
    css = "/* a:hover { } @media */ p { margin: 0 }"
    assert '<p style="margin:0">' in of("<p>x</p>", css=css)


def test_attributes_of_the_template_are_left_alone() -> None:
    body = (
        '<table width="600" bgcolor="#ffffff"><tr><td align="left" valign="top">x</td></tr></table>'
    )
    css = "table { width: 100%; background-color: #000000 } td { text-align: right }"
    html = of(body, css=css)
    for attribute in ('width="600"', 'bgcolor="#ffffff"', 'align="left"', 'valign="top"'):
        assert attribute in html


def test_nothing_is_fetched_and_no_file_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret.css").write_text("p { color: #654321 }")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for href in (
        "https://evil.example/x.css",
        f"file://{tmp_path}/secret.css",
        f"{tmp_path}/secret.css",
    ):
        page = PAGE.format(css="", body="<p>x</p>").replace(
            "</head>", f'<link rel="stylesheet" href="{href}"></head>'
        )
        with pytest.raises(TemplateError, match="loads no stylesheet"):
            inline(page)


def test_nothing_is_fetched_where_a_stylesheet_hides_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: #654321 }")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    for href in ("https://evil.example/x.css", f"file://{secret}", str(secret)):
        page = PAGE.format(css="", body=f'<p>x</p><img src="{href}">').replace(
            "</head>", f'<link rel="&#115;tylesheet" href="{href}"></head>'
        )
        assert "#654321" not in inline(page)


@pytest.mark.parametrize("html", ["", " ", "<!-- -->"])
def test_what_is_no_html_is_an_error(html: str) -> None:
    with pytest.raises(TemplateError):
        inline(html)


def test_a_tag_that_would_be_lost_is_an_error() -> None:
    with pytest.raises(TemplateError, match=re.escape("'{{ colour }}' was lost")):
        of("<p>x</p>", css="i { color: {{ colour }} }")


def raw(theme: str) -> str:
    environment = themes.open_theme(theme)
    values = rendering._values(SAMPLE, SAMPLE_BRAND, theme=theme, unsubscribe="-tag-")
    return themes.fill(environment, themes.HTML, values)


PIECES = re.compile(r"<!--.*?-->|<!\[[^>]*>|<style data-premailer.*?</style>|-tag-", re.DOTALL)


@pytest.mark.parametrize("theme", themes.names())
def test_a_themes_conditions_tags_and_kept_style_come_through(theme: str) -> None:
    pieces = PIECES.findall(raw(theme))
    assert len(pieces) >= 5
    assert PIECES.findall(inline(raw(theme))) == pieces


def test_all_tags_at_once_come_through_in_order_and_a_second_pass_changes_nothing() -> None:
    body = "".join(
        f'<!--[if mso]><p>{tag}</p><![endif]--><p title="x">{tag} <a href="{tag}">{tag}</a></p>'
        for tag in TAGS
    )
    html = of(body, css="i { color: #000000 }")
    assert body in html
    assert inline(html) == html


def test_threads_make_the_same() -> None:
    pages = [raw(theme) for theme in themes.names() for _ in range(6)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(inline, pages)) == [inline(page) for page in pages]


@pytest.mark.parametrize("theme", themes.names())
def test_a_second_pass_changes_nothing(theme: str) -> None:
    once = inline(raw(theme))
    assert inline(once) == once
    assert inline(raw(theme)) == once


@pytest.mark.parametrize("theme", themes.names())
def test_the_theme_comes_out_as_another_inliner_makes_it(theme: str) -> None:
    css_inline = pytest.importorskip("css_inline", reason="css-inline is not installed")
    html = raw(theme)
    theirs = css_inline.inline(html.replace("data-premailer=", "data-css-inline="))
    assert styles(inline(html)) == styles(theirs)


def styles(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of the body with its styles, spelled one way."""
    body = lxml.html.document_fromstring(html).body
    found = []
    # A parser of HTML 5 adds <tbody>.
    for element in (one for one in body.iter(lxml.etree.Element) if one.tag != "tbody"):
        text = element.get("style", "").lower().replace('"', "").replace("'", "")
        pairs = (part.partition(":") for part in text.split(";") if ":" in part)
        found.append((element.tag, {name.strip(): spell(value) for name, _, value in pairs}))
    return found


def spell(value: str) -> str:
    value = re.sub(r"#([0-9a-f])([0-9a-f])([0-9a-f])\b", r"#\1\1\2\2\3\3", value.strip())
    return re.sub(r"\s*,\s*", ",", value)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60))
def test_any_text_comes_through(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    html = of(f"<p>{escaped}</p>")
    paragraphs = lxml.html.document_fromstring(html).findall(".//p")
    assert [paragraph.text or "" for paragraph in paragraphs] == [text]
