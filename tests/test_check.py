"""Every rule finds what it is for, and nothing in a mail that is right."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from importlib import import_module

import pytest

from flows.errors import TemplateError
from flows.models import Brand, Entry, Finding, Mail, Section
from flows.render.check import (
    DOMAIN_RULES,
    ELSEWHERE,
    MESSAGE_RULES,
    RECEIVED_RULES,
    RULES,
    check,
    check_message,
    check_received,
    errors,
)
from flows.render.html import render
from flows.render.rules.looks import contrast, parse_colour
from flows.render.sample import SAMPLE, SAMPLE_BRAND

MAIL = render(SAMPLE, SAMPLE_BRAND)
IMAGE = (
    '<img src="https://example.org/a.png" alt="A" width="600" '
    'style="width:100%; max-width:600px; height:auto; display:block">'
)
TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0">'


def ids(mail: Mail, brand: Brand = SAMPLE_BRAND, *, domain: str = "") -> set[tuple[str, str]]:
    return {(found.rule, found.severity) for found in check(mail, brand, domain=domain)}


def html(old: str, new: str, count: int = -1) -> Mail:
    assert old in MAIL.html
    return replace(MAIL, html=MAIL.html.replace(old, new, count))


def after_h1(markup: str) -> Mail:
    return html("</h1>", f"</h1>{markup}")


def style(css: str) -> Mail:
    return html("</style>\n</head>", f"</style><style>{css}</style></head>")


def dark_rule(css: str) -> Mail:
    block = "@media (prefers-color-scheme: dark) {"
    return html(block, f"{block} {css}")


def text(old: str, new: str) -> Mail:
    assert old in MAIL.text
    return replace(MAIL, text=MAIL.text.replace(old, new))


TITLE = SAMPLE.entries[0].title
LINK = '<a style="color:#0a58ad; text-decoration:underline" href="{}">{}</a>'

BREACHES = [
    ("H01", "error", replace(MAIL, sender="nobody")),
    ("H01", "error", replace(MAIL, sender="a@example.org")),
    ("H01", "error", replace(MAIL, sender="A <a@example.org>, B <b@example.org>")),
    ("H01", "error", replace(MAIL, sender="A <a@gmail.com>")),
    ("H07", "warn", replace(MAIL, headers=())),
    ("H07", "warn", replace(MAIL, headers=(("List-Id", "News"),))),
    ("H09", "error", text(TITLE, "")),
    ("H09", "error", text("https://kestrel.example.org/blog/streaming-lists", "https://kestrel")),
    ("H09", "error", text("Kestrel Blog", "<p>Kestrel Blog</p>")),
    ("H11", "error", replace(MAIL, subject=" ")),
    ("H11", "error", replace(MAIL, subject="Two\nlines")),
    ("H11", "warn", replace(MAIL, subject="x" * 51)),
    ("H12", "warn", replace(MAIL, subject="BUY THIS NOW")),
    ("H12", "warn", replace(MAIL, subject="News!!")),
    ("H12", "warn", replace(MAIL, subject="Re: News")),
    ("H13", "warn", replace(MAIL, reply_to="no-reply@example.org")),
    ("S01", "error", after_h1("<!--" + "x" * 102_400 + "-->")),
    ("S01", "warn", after_h1("<!--" + "x" * 60_000 + "-->")),
    ("S02", "error", style("p { margin: 0 }" * 1200)),
    (
        "S03",
        "warn",
        replace(MAIL, html=f"<!DOCTYPE html><html><body><p>Few</p>{IMAGE}</body></html>"),
    ),
    ("D01", "error", html("<!DOCTYPE html>", "")),
    ("D02", "error", html('<html lang="en"', "<html")),
    ("D02", "error", html(' lang="en" dir="ltr">\n<table', ">\n<table")),
    ("D02", "error", html('dir="ltr">\n<table', 'dir="sideways">\n<table')),
    ("D03", "error", html('<meta charset="utf-8">', "")),
    ("D03", "error", html('name="viewport"', 'name="x"')),
    ("D04", "error", html("<title>Harbour Weekly 42: lists that stream", "<title>")),
    ("D05", "error", after_h1(TABLE.replace(' border="0"', "") + "</table>")),
    ("D05", "error", html('<!--[if mso]><table role="presentation"', "<!--[if mso]><table")),
    ("D06", "error", after_h1("<script></script>")),
    ("D06", "error", after_h1('<input name="x">')),
    ("D06", "error", after_h1("<math><mi>x</mi></math>")),
    ("D06", "error", after_h1("<!--[if mso]><script>x</script><![endif]-->")),
    ("D06", "error", html("<html ", '<html onload="x" ')),
    ("D06", "error", html("<title>", '<meta http-equiv="Refresh" content="0;url=x"><title>')),
    ("D06", "error", after_h1('<p onclick="x">x</p>')),
    ("D06", "error", style("@import 'x';")),
    ("D07", "error", after_h1('<p style="display:flex">x</p>')),
    ("D07", "error", after_h1('<p style="float:left">x</p>')),
    ("D07", "error", style("@supports (display: grid) { .x { color: #000000 } }")),
    ("D07", "error", after_h1("<section>x</section>")),
    ("D08", "error", after_h1('<p style="padding:4px">x</p>')),
    ("D08", "error", after_h1('<div style="width:50px">x</div>')),
    ("D09", "error", html("max-width:600px", "max-width:none")),
    ("D09", "error", after_h1('<div style="max-width:900px">x</div>')),
    ("D09", "error", html('width="600"', 'width="700"')),
    ("D09", "error", html("</table><![endif]", "<![endif]")),
    ("D10", "error", html("<![endif]-->", "-->", 1)),
    ("D10", "error", html("PixelsPerInch", "Pixels")),
    ("D11", "error", after_h1(LINK.format("https://example.org", "<div>x</div>"))),
    ("D12", "error", after_h1('<p style="color:var(--x)">x</p>')),
    ("D12", "error", after_h1('<p style="color:rgb(0 0 0)">x</p>')),
    ("D12", "error", after_h1('<p style="margin:-4px">x</p>')),
    ("D12", "error", after_h1('<p style="margin:1rem">x</p>')),
    ("D13", "error", after_h1('<p style="margin:0 !important">x</p>')),
    ("D13", "error", style("p { margin: 0!important }")),
    ("D13", "error", style("p { margin: 0 !IMPORTANT }")),
    ("D14", "error", style("@media (orientation: landscape) { p { margin: 0 } }")),
    (
        "D14",
        "error",
        style("@media (max-width: 1px) { @media (min-width: 1px) { p { margin: 0 } } }"),
    ),
    ("D14", "error", style("@media (prefers-color-scheme: dark) { p { margin: 0 } }")),
    ("D15", "error", after_h1("<style>p { margin: 0 }</style>")),
    ("D16", "warn", after_h1("<h1>Again</h1>")),
    ("D16", "warn", html("h2", "h4")),
    ("D16", "warn", html("h3", "h5")),
    ("D16", "warn", replace(MAIL, html=re.sub("<(/?)h3[^>]*>", r"<\1p>", MAIL.html))),
    ("I01", "error", after_h1(IMAGE.replace(' alt="A"', ""))),
    ("I02", "error", after_h1(IMAGE.replace('"600"', '"100%"'))),
    ("I02", "error", after_h1(IMAGE.replace("width:100%;", ""))),
    ("I02", "error", after_h1(IMAGE.replace('"600"', '"700"'))),
    ("I02", "error", after_h1(IMAGE.replace("max-width:600px", "max-width:50%"))),
    ("I03", "error", after_h1(IMAGE.replace("a.png", "a.svg"))),
    ("I03", "error", after_h1(IMAGE.replace("https:", "http:"))),
    ("I04", "warn", after_h1(IMAGE.replace("<img", '<img height="1800"'))),
    ("I05", "warn", after_h1('<p style="background:url(https://example.org/a.png)">x</p>')),
    ("I05", "warn", style("p { background-image: url(https://example.org/a.png) }")),
    ("L01", "error", after_h1(LINK.format("https://example.org", " "))),
    ("L01", "warn", after_h1(LINK.format("https://example.org", "Click here"))),
    ("L01", "warn", after_h1(LINK.format("https://example.org", "https://example.org"))),
    ("L01", "warn", after_h1(LINK.format("https://www.example.org/x", "www.example.org/x"))),
    ("L02", "error", after_h1(LINK.format("#top", "Top"))),
    ("L02", "error", after_h1(LINK.format("", "Nothing"))),
    ("L02", "error", after_h1(LINK.format("javascript:x", "Act"))),
    ("L02", "error", after_h1(LINK.format("https://example.org/{{ x }}", "Tag"))),
    ("L02", "warn", after_h1(LINK.format("http://example.org", "Plain"))),
    ("L02", "warn", after_h1(LINK.format("http://localhost:1313/draft", "My own machine"))),
    ("L02", "warn", after_h1(LINK.format("https://127.0.0.2/draft", "My own machine"))),
    ("L02", "warn", after_h1(LINK.format("https://blog.localhost/draft", "My own machine"))),
    ("L03", "error", html(MAIL.unsubscribe_tag, "https://example.org")),
    ("L03", "error", html('<td class="foot mute rule" style="', '<td style="display:none; ')),
    ("L03", "error", style(".foot { visibility: hidden }")),
    ("L03", "error", text(MAIL.unsubscribe_tag, "")),
    ("L03", "error", replace(MAIL, unsubscribe_tag="")),
    ("L04", "warn", html("/issues/042", "/")),
    ("L05", "warn", after_h1(LINK.format("https://bit.ly/x", "A page"))),
    ("L05", "warn", after_h1(LINK.format("https://evil.example/", "www.bank.example"))),
    ("L05", "warn", after_h1(LINK.format("https://evil.example/", "harbourbank.com"))),
    ("L05", "warn", after_h1(LINK.format("https://evil.example/x", "login.HarbourBank.com"))),
    (
        "L05",
        "warn",
        after_h1(LINK.format("https://evil.example/?to=harbourbank", "harbourbank.com")),
    ),
    ("L07", "error", html("text-decoration:underline", "text-decoration:none")),
    ("L07", "error", style("a { text-decoration: none !important }")),
    ("L07", "error", style("td a.title { text-decoration-line: none !important }")),
    ("L08", "error", html(MAIL.unsubscribe_tag, MAIL.unsubscribe_tag.replace("-u", "%2Du"))),
    ("L08", "error", after_h1("<%asm_group_unsubscribe_raw_url%>")),
    ("P01", "warn", replace(MAIL, preheader="")),
    ("P01", "warn", render(replace(SAMPLE, preheader="Short"), SAMPLE_BRAND)),
    ("P01", "warn", render(replace(SAMPLE, subject=SAMPLE.preheader), SAMPLE_BRAND)),
    ("P01", "warn", html('<div class="preheader"', '<p>First</p><div class="preheader"')),
    ("P02", "warn", after_h1('<p style="display:none">Hidden words</p>')),
    ("P02", "warn", html("max-height:0;", "")),
    ("P02", "warn", html("mso-hide:all;", "")),
    ("P02", "warn", after_h1('<p style="max-height:0; overflow:hidden">Hidden words</p>')),
    ("P02", "warn", after_h1('<p style="font-size:0px">Hidden words</p>')),
    ("P02", "warn", style(".words { display: none !important }")),
    ("C01", "error", html("#59636e", "#999999")),
    ("C01", "error", html("#a3abb3 !important", "#444444 !important")),
    (
        "C01",
        "error",
        html('<div role="article"', '<div style="color:#8a8a8a">Pale</div><div role="article"'),
    ),
    ("C01", "error", style("p { color: #cccccc !important }")),
    ("C01", "error", dark_rule(".head p { color: #222222 !important }")),
    ("C01", "error", dark_rule(".head p { background: #eeeeee !important }")),
    ("C01", "error", html("#14171a !important", "#14171a")),
    ("C01", "error", after_h1('<p style="background:#1f2328 none">Words</p>')),
    ("C01", "error", after_h1('<p style="color:gray">Words</p>')),
    ("C01", "error", after_h1('<p style="color:rgb(9,9,9)">Words</p>')),
    ("C01", "error", after_h1('<p style="background:silver">Words</p>')),
    ("C01", "error", after_h1('<p><font color="#000000">Words</font></p>')),
    ("C01", "error", style("a:hover { color: red }")),
    ("C02", "error", html(' bgcolor="#ffffff"', "")),
    ("C02", "error", html(' bgcolor="#ffffff"', ' bgcolor="#000000"')),
    ("C03", "warn", html('content="light dark"', 'content="light"')),
    ("C03", "warn", html(":root { color-scheme: light dark", ":root { color-scheme: light")),
    ("C04", "warn", html("[data-ogsb]", "[data-x]")),
    ("C04", "warn", html("prefers-color-scheme: dark", "max-width: 300px")),
    ("C05", "warn", after_h1('<p style="background-color:#000000; color:#777777">x</p>')),
    ("C05", "warn", after_h1('<p style="background-color:#7f7f7f; color:#000000">x</p>')),
    ("C06", "warn", after_h1('<p style="font-size:11px">x</p>')),
    ("C06", "warn", after_h1('<p style="font-size:1em">x</p>')),
    ("C06", "warn", after_h1('<p style="font-size:16px; line-height:18px">x</p>')),
    ("C06", "warn", after_h1('<p style="font-size:16px; line-height:1.1">x</p>')),
    ("C06", "warn", after_h1('<p style="font-size:16px; line-height:110%">x</p>')),
    ("C06", "warn", after_h1('<p style="font-size:22px">lines of 26px come from around</p>')),
    ("C06", "warn", after_h1('<p style="font:16px/18px Arial">x</p>')),
    ("C06", "warn", after_h1("<p><small>x</small></p>")),
    ("C06", "warn", style("@media (max-width: 400px) { p { font-size: 11px !important } }")),
    ("G01", "error", html("12 Quay Street", "")),
    ("G01", "error", text("12 Quay Street", "")),
    ("G02", "error", html("Harbour Weekly", "Weekly")),
    ("G02", "error", text("You get this mail", "This is")),
    ("G02", "warn", html("https://harbour.example.org/privacy", "https://harbour.example.org/")),
    ("X01", "error", replace(MAIL, subject="exe\u202egpj")),
    ("X01", "error", text("Kestrel Blog", "Kestrel\u200b Blog")),
    ("X01", "error", after_h1("<p>pay\u200bpal</p>")),
    ("X02", "error", text("Kestrel Blog", "[unsubscribe]")),
    ("X02", "error", after_h1("<p>[weblink]</p>")),
    ("X02", "error", replace(MAIL, subject="<%asm_global_unsubscribe_url%>")),
    ("X03", "error", after_h1(LINK.format("https://user:word@example.org/", "A page"))),
    ("X03", "error", after_h1(LINK.format("https://ex\u0430mple.org/", "A page"))),
]


def test_a_mail_that_is_right_has_no_findings() -> None:
    assert check(MAIL, SAMPLE_BRAND, domain="harbour.example.org") == []


@pytest.mark.parametrize(
    ("rule", "severity", "mail"),
    [pytest.param(*row, id=f"{row[0]}-{number}") for number, row in enumerate(BREACHES)],
)
def test_a_breach_is_found(rule: str, severity: str, mail: Mail) -> None:
    found = check(mail, SAMPLE_BRAND)
    assert (rule, severity) in {(finding.rule, finding.severity) for finding in found}
    assert not any("\n" in finding.message for finding in found)


def test_every_rule_has_a_breach_in_the_table() -> None:
    assert {(rule.id, rule.severity) for rule in RULES} == {row[:2] for row in BREACHES}


# All that a mail of ours has to keep to, by group.
IDS = {"H": 15, "S": 3, "D": 16, "I": 6, "L": 8, "P": 2, "C": 6, "G": 5, "X": 3}
TABLES = (*RULES, *MESSAGE_RULES, *RECEIVED_RULES, *DOMAIN_RULES)


def test_the_tables_hold_all_rules_and_no_other() -> None:
    wanted = {f"{group}{number:02}" for group, most in IDS.items() for number in range(1, most + 1)}
    assert len(wanted) == 64
    assert {rule.id for rule in (*TABLES, *ELSEWHERE)} == wanted


def test_a_rule_that_is_held_elsewhere_is_held_there_only() -> None:
    assert {rule.id for rule in TABLES} & {rule.id for rule in ELSEWHERE} == set()


@pytest.mark.parametrize("where", [rule.where for rule in ELSEWHERE])
def test_what_holds_a_rule_elsewhere_exists(where: str) -> None:
    module, _, name = where.partition(":")
    holder: object = import_module(module)
    for part in name.split("."):
        holder = getattr(holder, part)
    assert callable(holder)
    assert holder.__doc__ or name.startswith("test_")


def test_every_rule_says_why_and_who_says_so() -> None:
    assert all(rule.why and rule.source for rule in (*TABLES, *ELSEWHERE))
    assert all(rule.find.__doc__ for rule in TABLES)


def test_a_finding_says_why_and_who_says_so() -> None:
    found = check(replace(MAIL, subject=" "), SAMPLE_BRAND)
    assert [(one.rule, one.why, one.source) for one in found] == [
        ("H11", "providers refuse a mail without", "RFC 5322")
    ]


def test_severities_are_two() -> None:
    assert set(Counter(rule.severity for rule in (*TABLES, *ELSEWHERE))) == {"error", "warn"}


def test_the_sender_is_of_the_domain_that_signs() -> None:
    assert ("H01", "error") in ids(MAIL, domain="elsewhere.example")


@pytest.mark.parametrize(
    ("rule", "severity", "brand"),
    [
        ("G01", "error", replace(SAMPLE_BRAND, postal_address=" ")),
        ("G02", "warn", replace(SAMPLE_BRAND, privacy_url="")),
    ],
)
def test_a_setting_that_lacks_is_found(rule: str, severity: str, brand: Brand) -> None:
    assert (rule, severity) in ids(render(SAMPLE, brand), brand)


def test_pictures_as_they_should_be_are_no_breach() -> None:
    assert check(after_h1(IMAGE), SAMPLE_BRAND) == []


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("harbourbank.com", "https://www.harbourbank.com/"),
        ("harbourbank.com", "https://newsroom.harbourbank-group.com/x"),
        ("blog.harbour.org", "https://harbour.org/blog/"),
        ("kubernetes.io", "https://blog.kubernetes.io/x"),
        ("crates.io", "https://github.com/rust-lang/crates.io"),
        *((name, "https://a.example/x") for name in ("Node.js", "ASP.NET", "v1.32", "README.md")),
    ],
)
def test_a_link_whose_text_is_a_name_or_its_own_host_deceives_nobody(said: str, url: str) -> None:
    assert ("L05", "warn") not in ids(after_h1(LINK.format(url, said)))


def test_an_address_with_an_entity_in_it_is_no_markup() -> None:
    entry = Entry(title="Knots", url="https://a.example.org/read?id=5&amp;page=2")
    mail = render(replace(SAMPLE, sections=(Section(name="News", entries=(entry,)),)), SAMPLE_BRAND)
    assert entry.url in mail.text
    assert "H09" not in {rule for rule, _ in ids(mail)}


def test_a_story_about_markup_is_no_breach() -> None:
    entry = Entry(
        title="The <table> element, &nbsp; and {{ .Values }}", url="https://example.org/t"
    )
    mail = render(replace(SAMPLE, sections=(Section(name="S", entries=(entry,)),)), SAMPLE_BRAND)
    assert check(mail, SAMPLE_BRAND) == []


@pytest.mark.parametrize(
    ("look", "readable"),
    [
        ("font-size:24px", True),
        ("font-size:23px", False),
        ("font-size:19px; font-weight:700", True),
        ("font-size:18px; font-weight:700", False),
    ],
)
def test_large_letters_need_less_contrast(look: str, *, readable: bool) -> None:
    found = ids(after_h1(f'<p style="color:#8a8a8a; {look}">Words</p>'))
    assert (("C01", "error") not in found) is readable


def test_contrast_is_told_as_it_is_and_as_inversions_make_it() -> None:
    dull = after_h1('<p style="color:#101820; background-color:#707a84">Words</p>')
    told = [found.message for found in check(dull, SAMPLE_BRAND) if found.rule in {"C01", "C05"}]
    assert [re.findall(r"contrast of ([\d.]+)", message) for message in told] == [
        ["4.1"],  # as it is
        ["4.1"],  # in the dark, which leaves it alone
        ["3.0"],  # all colours inverted: #efe7df on #8f857b
        ["3.6"],  # light grounds inverted: the ground is dark, the text is not
    ]


def test_sizes_below_the_limits_are_no_breach() -> None:
    assert ("S01", "warn") not in ids(after_h1("<!--" + "x" * 45_000 + "-->"))
    assert ("S02", "error") not in ids(style("p { margin: 0 }" * 1_000))


def test_links_are_the_privacy_page_in_any_language() -> None:
    assert check(html(">Privacy<", ">Datenschutz<"), SAMPLE_BRAND) == []


@pytest.mark.parametrize(
    "css",
    [
        "a { color: #cccccc }",  # a style attribute goes before it
        "p:hover { color: #cccccc !important }",
        "[data-ogsc] p { color: #cccccc !important }",
        "ol p { color: #cccccc !important }",
        "@media (max-width: 400px) { p { color: #1f2328 } }",
    ],
)
def test_a_rule_that_takes_no_text_its_contrast_is_no_breach(css: str) -> None:
    assert ("C01", "error") not in ids(style(css))


@pytest.mark.parametrize("words", ["inherit", "currentColor", "#abc", "white", "#1F2328"])
def test_colours_that_can_be_judged_are_no_breach(words: str) -> None:
    ground = '<p style="background-color:#1f2328; color:{}">Words</p>'
    told = [one.message for one in check(after_h1(ground.format(words)), SAMPLE_BRAND)]
    assert not any("cannot be judged" in message for message in told)


@pytest.mark.parametrize("height", ["1.5", "150%", "1.5em", "24px", "normal"])
def test_lines_that_are_apart_are_no_breach(height: str) -> None:
    mail = after_h1(f'<p style="font-size:16px; line-height:{height}">Words</p>')
    assert check(mail, SAMPLE_BRAND) == []


def test_black_on_grey_outlives_half_an_inversion() -> None:
    grey = '<p style="background-color:#b0b0b0; color:#000000">Words</p>'
    assert ("C05", "warn") not in ids(after_h1(grey))


def test_a_vague_headline_does_not_block() -> None:
    entry = Entry(title="Here", url="https://example.org/t")
    mail = render(replace(SAMPLE, sections=(Section(name="S", entries=(entry,)),)), SAMPLE_BRAND)
    findings = check(mail, SAMPLE_BRAND)
    assert [found.rule for found in findings] == ["L01"]
    assert errors(findings) == []


def test_links_on_this_machine_need_no_encryption() -> None:
    brand = replace(
        SAMPLE_BRAND, base_url="http://127.0.0.1:8000", privacy_url="http://localhost/p"
    )
    assert check(render(SAMPLE, brand), brand) == []


def test_many_breaches_of_a_rule_are_counted() -> None:
    mail = after_h1("".join(LINK.format(f"#{n}", f"Place {n}") for n in range(20)))
    found = [finding.message for finding in check(mail, SAMPLE_BRAND) if finding.rule == "L02"]
    assert len(found) == 6
    assert found[-1] == "And 15 more of the same kind."


def test_html_that_is_none_is_an_error() -> None:
    with pytest.raises(TemplateError, match="the HTML part cannot be read"):
        check(replace(MAIL, html=""), SAMPLE_BRAND)


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#fff", 4.48), ("white", "#FFF", 1.0)],
)
def test_contrast_is_that_of_wcag(first: str, second: str, ratio: float) -> None:
    one, other = parse_colour(first), parse_colour(second)
    assert one is not None
    assert other is not None
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


def message() -> EmailMessage:
    built = EmailMessage(policy=SMTP)
    built["From"] = MAIL.sender
    built["To"] = "reader@example.org"
    built["Subject"] = MAIL.subject
    built["Date"] = datetime(2026, 11, 30, tzinfo=UTC)
    built["Message-ID"] = "<1@example.org>"
    built["List-Unsubscribe"] = "<https://harbour.example.org/u/token>"
    built["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    built.set_content(MAIL.text)
    built.add_alternative(MAIL.html, subtype="html")
    return built


def changed(name: str, value: str | None) -> EmailMessage:
    built = message()
    del built[name]
    if value is not None:
        built[name] = value
    return built


def long_line() -> EmailMessage:
    built = EmailMessage(policy=SMTP.clone(max_line_length=0, cte_type="8bit"))
    built.set_content("x" * 1200, cte="8bit")
    return built


def html_first() -> EmailMessage:
    built = EmailMessage(policy=SMTP)
    built.set_content(MAIL.html, subtype="html")
    built.add_alternative(MAIL.text)
    return built


def latin() -> EmailMessage:
    built = EmailMessage(policy=SMTP)
    built.set_content("x", charset="iso-8859-1")
    built.add_alternative("<p>x</p>", subtype="html")
    return built


def test_a_message_that_is_right_has_no_findings() -> None:
    assert check_message(message()) == []


@pytest.mark.parametrize(
    ("rule", "built"),
    [
        ("H02", changed("Date", None)),
        ("H02", changed("Date", "yesterday")),
        ("H02", changed("Subject", "")),
        ("H03", changed("List-Unsubscribe", "<mailto:leave@example.org>")),
        ("H03", changed("List-Unsubscribe", "<https://a.example/1>, <https://a.example/2>")),
        ("H03", changed("List-Unsubscribe", "<http://a.example/1>")),
        ("H04", changed("List-Unsubscribe-Post", "List-Unsubscribe=One-click")),
        ("H05", changed("List-Unsubscribe", "<https://a.example/u?m=reader%40example.org>")),
        ("H05", changed("List-Unsubscribe", f"<https://a.example/{MAIL.unsubscribe_tag}>")),
        ("H05", changed("List-Unsubscribe", "<https://a.example/*|UNSUB|*>")),
        ("H05", changed("List-Unsubscribe", "<https://a.example/[unsubscribe]>")),
        ("H08", html_first()),
        ("H08", latin()),
        ("H10", long_line()),
    ],
)
def test_a_breach_in_a_message_is_found(rule: str, built: EmailMessage) -> None:
    assert rule in {found.rule for found in check_message(built)}


# As an inbox keeps it: the way there added who signed, and what the receiver makes of it.
SIGNED = (
    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=harbour.example.org; s=s1;\r\n"
    " h=from:subject:list-unsubscribe:\r\n list-unsubscribe-post:to; bh=AA==; b=AA=="
)


def received(
    signature: str = SIGNED, verdict: str = "mx; spf=pass; dkim=pass; dmarc=pass"
) -> bytes:
    lines = [f"Authentication-Results: {verdict}"] if verdict else []
    lines += [f"DKIM-Signature: {signature}"] if signature else []
    return "".join(f"{line}\r\n" for line in lines).encode() + message().as_bytes()


def of_received(data: bytes) -> list[str]:
    return [found.rule for found in check_received(message_from_bytes(data, policy=default))]


def test_a_received_message_that_is_right_has_no_findings() -> None:
    assert of_received(received()) == []
    assert of_received(received(verdict="")) == []


@pytest.mark.parametrize(
    "signature",
    [
        "",
        SIGNED.replace("list-unsubscribe-post:", ""),
        SIGNED.replace("list-unsubscribe:", ""),
        SIGNED.replace("d=harbour.example.org", "d=sendgrid.net"),
        SIGNED.replace("d=harbour.example.org", "d=arbour.example.org"),
        "v=1",
    ],
)
def test_a_signature_that_does_not_cover_one_click_is_found(signature: str) -> None:
    assert set(of_received(received(signature))) == {"H15"}


def test_a_long_line_of_a_received_header_is_found() -> None:
    # Reading folds headers; what matters is how they came.
    assert of_received(b"X-Long: " + b"x y " * 300 + b"\r\n" + received()) == ["H10"]


def test_a_signature_of_the_domain_above_counts() -> None:
    assert of_received(received(SIGNED.replace("d=harbour.", "d="))) == []


def test_one_signature_of_two_is_enough() -> None:
    other = SIGNED.replace("d=harbour.example.org", "d=sendgrid.net").replace("list-", "x-")
    assert of_received(received(f"{other}\r\nDKIM-Signature: {SIGNED}")) == []


@pytest.mark.parametrize(
    "verdict", ["mx; spf=softfail; dkim=pass", "mx; dkim=fail reason=x", "mx; dmarc=fail (p=NONE)"]
)
def test_what_the_receiver_doubts_is_found(verdict: str) -> None:
    assert of_received(received(verdict=verdict)) == ["H14"]


def test_a_verdict_that_came_with_the_mail_does_not_count() -> None:
    theirs = "mx; dmarc=pass\r\nAuthentication-Results: forged; dmarc=fail"
    assert of_received(received(verdict=theirs)) == []


def test_every_rule_for_messages_is_an_error() -> None:
    findings: list[Finding] = check_message(EmailMessage())
    assert {found.severity for found in findings} == {"error"}
