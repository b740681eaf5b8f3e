"""Titles and paragraphs as readers are to see them."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.edit import boilerplate, clean, sentences
from flows.edit.characters import visible
from flows.edit.markup import Line
from flows.models import Item, Kind


def item(content: str, *, kind: Kind = Kind.ARTICLE, title: str = "A title") -> Item:
    return Item(
        feed="Feed",
        guid=title,
        url="https://example.org/a",
        title=title,
        content=content,
        kind=kind,
    )


@pytest.mark.parametrize(
    ("raw", "source", "shown"),
    [
        ("Backups that work | Harbour Blog", "Harbour Blog", "Backups that work"),
        ("Backups that work - YouTube", "Harbour Talks", "Backups that work"),
        ("Backups that work — Harbour Blog", "Harbour", "Backups that work"),
        ("[video] Backups that work", "", "Backups that work"),
        ("(Podcast) Backups that work", "", "Backups that work"),
        ("Ships &amp;amp; sails", "", "Ships & sails"),
        ("Use <b>one</b> mast", "", "Use one mast"),
        ("How the &lt;main&gt; element works", "", "How the <main> element works"),
        ("Why is\n  it \t slow", "", "Why is it slow"),
        ("Pay\u202elapyap\u202c now\u200b", "", "Paylapyap now"),
        ("Cut off in the mid...", "", "Cut off in the mid"),
        ("Sails - and oars", "Harbour", "Sails - and oars"),
        ("Backups that work | Blog | Harbour", "Harbour", "Backups that work"),
        ("Backups that work #shorts", "Harbour", "Backups that work"),
        ("Backups that work at sea #sails #oars", "Harbour", "Backups that work at sea"),
        ("Backups that work - #sails #shorts", "Harbour", "Backups that work"),
        ("Sails or oars #shorts #sails", "Harbour", "Sails or oars"),
        ("How to use it | #shorts", "Harbour", "How to use it"),
        ("Why we left #sails #oars", "Harbour", "Why we left #sails #oars"),
        ("It&aposs a rope", "Harbour", "It's a rope"),
        ("What came of #ropes", "Harbour", "What came of #ropes"),
        ("Why we left for #ropes #tar", "Harbour", "Why we left for #ropes #tar"),
        ("How we fixed bug #12 and #13", "Harbour", "How we fixed bug #12 and #13"),
        ("iOS and eBPF KEEP their case", "", "iOS and eBPF KEEP their case"),
        ("Harbour Blog", "Harbour Blog", "Harbour Blog"),
        ("A family 👨‍👩‍👧 afloat", "", "A family 👨‍👩‍👧 afloat"),
    ],
)
def test_a_title_is_freed_of_what_is_not_of_it(raw: str, source: str, shown: str) -> None:
    assert clean.title(raw, source=source) == shown


@pytest.mark.parametrize(
    ("raw", "host", "shown"),
    [
        ("Ropes turn thirty-five | QUAYNET", "quaynet.example", "Ropes turn thirty-five"),
        ("Knots at night - The Rope Stack", "theropestack.example", "Knots at night"),
        ("Knots at night :: Tar Magazine", "tarmagazine.example", "Knots at night"),
        ("Knots at night • The Ledger", "theledger.co.uk", "Knots at night"),
        ("Knots at night | Tar-Mag Blog", "blog.tar-mag.example", "Knots at night"),
        ("Knots at night | by Ann Lee | Ropewalk TechBlog | Nov, 2026", "ropewalk.example",
         "Knots at night"),
        ("Knots at night | by Ann Lee | Medium", "ropewalk.example", "Knots at night"),
        ("Harbour teams | By the numbers", "ropewalk.example", "Harbour teams | By the numbers"),
        ("Knots | By Example | Part 2", "ropewalk.example", "Knots | By Example | Part 2"),
        ("Knots at night - Quaynet.com", "www.quaynet.com", "Knots at night"),
        ("Knots at night | The Quaynet Blog", "quaynet.com", "Knots at night"),
        ("Guide - Blog", "blog.example", "Guide - Blog"),
        ("Knots at night | Rope Walk", "theropestack.example", "Knots at night | Rope Walk"),
        ("Generics - Go", "go.example", "Generics - Go"),
        ("Quaynet", "quaynet.example", "Quaynet"),
        ("Knoten bei Nacht | Küste", "www.xn--kste-0ra.example", "Knoten bei Nacht"),
        ("Knots | Kiste", "xn--\u00e9.example", "Knots | Kiste"),
    ],
)  # fmt: skip
def test_a_shared_title_is_freed_of_the_site_it_leads_to(raw: str, host: str, shown: str) -> None:
    assert clean.title(raw, source="r/platformcraft", host=host) == shown


@given(st.text(max_size=80), st.text(max_size=20))
def test_a_clean_title_stays_as_it_is(raw: str, source: str) -> None:
    once = clean.title(raw, source=source)
    assert clean.title(once, source=source) == once


@given(st.text(max_size=80))
def test_a_clean_title_is_one_visible_line(raw: str) -> None:
    title = clean.title(raw, source="")
    assert title == visible(title)
    assert title == " ".join(title.split())


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
        ("<div>One<br>two</div>three", "One\ntwo\nthree"),
        (
            "<p>Today we are all<br>\nreleasing ropes.<br>They hold.",
            "Today we are all releasing ropes.\nThey hold.",
        ),
        (
            "<p>The ropes hold: see<br><br>what came of it.",
            "The ropes hold: see\n\nwhat came of it.",
        ),
        (
            "<p>What you need to know today<br>eBPF ropes were lost.",
            "What you need to know today\neBPF ropes were lost.",
        ),
        (
            "<p>We trace all of the ropes with<br>eBPF on every pier.",
            "We trace all of the ropes with eBPF on every pier.",
        ),
        ("<p>Today we are<br>releasing ropes.", "Today we are releasing ropes."),
        ("<p>Ein Seil,<br>über das wir sprachen.", "Ein Seil, über das wir sprachen."),
        (
            "<p>The harbour tells of it in a report<br>about the ropes.",
            "The harbour tells of it in a report about the ropes.",
        ),
        ("<td>One</td><td>two</td>", "One\ntwo"),
        ("<p>Sp<b>li</b>t</p>", "Split"),
        ("<ul><li>One</li><li><p>Two</p></li></ul>", "- One\n- Two"),
        ("<p>Run</p><pre><code>rm -rf /</code></pre><p>Done</p>", "Run\nDone"),
        ("<p>Use <code>ls</code> here</p>", "Use ls here"),
        ("<table><tr><td>1</td></tr><tr><td>2</td></tr></table><p>Yes</p>", "Yes"),
        ("<table><tr><td><p>Laid out</p></td></tr><tr><td>x</td></tr></table>", "Laid out\nx"),
        ("&lt;p&gt;Escaped twice&lt;/p&gt;", "Escaped twice"),
        ("Fish &amp; chips", "Fish & chips"),
        ("csi-hostpath <unset> 2m15s", "csi-hostpath <unset> 2m15s"),
        ("The <b> tag is old", "The <b> tag is old"),
        ("One line\nand another", "One line\nand another"),
        ("* one\n* two", "- one\n- two"),
        ("We saw <b>No\n  Sails</b> and\n  The Boat.", "We saw No Sails and The Boat."),
        ("<b>Boats</b>\n  - one\n  - two", "Boats\n- one\n- two"),
        ("<b>Boats</b>\nSails", "Boats\nSails"),
        ("Word<sup>1</sup> by word", "Word by word"),
        ("<p>A<!-- secret -->B<script>c()</script></p>", "AB"),
        ("", ""),
        ("<p></p>", ""),
    ],
)
def test_markup_becomes_text(markup: str, text: str) -> None:
    assert clean.text_of(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Ropes Q&amp;amp;A</p>", "Ropes Q&A"),
        ("Ropes Q&amp;amp;A", "Ropes Q&A"),
        ("<p>Ann&amp;#8217;s &amp;ldquo;rope&amp;rdquo;&amp;nbsp;is</p>", "Ann’s “rope” is"),
        ("<p>Ann&amp;#x2019;s</p>", "Ann’s"),
        ("<p>Ropes &amp;amp;amp; knots</p>", "Ropes & knots"),
        ("<p>Three &amp;lt; four</p>", "Three < four"),
        ("<p>A List&amp;lt;Rope&amp;gt; of ropes</p>", "A List<Rope> of ropes"),
        ("<p>Q&amp;amp;A of <code>a &amp;amp; b</code></p>", "Q&A of a &amp; b"),
        ("Q&amp;amp;A of `a &amp;amp;&amp;amp; b`", "Q&A of `a &amp;&amp; b`"),
        ("<p>Is &quot;&amp;nbsp;&quot; a space?</p>", 'Is "&nbsp;" a space?'),
        ("<p>Is “&amp;nbsp;” a space?</p>", "Is “&nbsp;” a space?"),
        ("<p>Write &amp;lt; as an entity.</p>", "Write &lt; as an entity."),
        ("<p>In HTML &amp;amp; stands for it.</p>", "In HTML &amp; stands for it."),
        ("<p>Escaping makes it &amp;amp;amp; at last.</p>", "Escaping makes it &amp;amp; at last."),
        ("<p>Rope&amp;reg; is a mark, as is Knot&amp;trade;</p>", "Rope® is a mark, as is Knot™"),
        ("<p>&amp;copy; 2026 Ann, see &amp;sect; 4</p>", "© 2026 Ann, see § 4"),
        ("<p>It&aposs Ann&amp;aposs rope, and it isn&apost &apos;old&apos;</p>",
         "It's Ann's rope, and it isn't 'old'"),
        ("<p>They wrote &amp;copy; and &amp;reg; there</p>", "They wrote &copy; and &reg; there"),
        ("<p>See page.html: Q&amp;amp;A</p>", "See page.html: Q&A"),
        ("<p>Where &amp;rope; is a word, &amp;copy=1 too</p>",
         "Where &rope; is a word, &copy=1 too"),
    ],
)  # fmt: skip
def test_what_was_encoded_twice_is_read_but_for_what_is_about_it(markup: str, text: str) -> None:
    assert clean.text_of(markup) == text


NOTES = """## What's Changed
* fix: dry the ropes by @ann in #12
* chore: tar the rope that
  held the ship.
"""
READ = (
    "What's Changed\n- fix: dry the ropes by @ann in #12\n- chore: tar the rope that held the ship."
)


@pytest.mark.parametrize(
    "notes",
    [
        NOTES,
        f"<p>{NOTES}</p>",
        f"<div><p>{NOTES.replace('* ', '- ')}</p></div>",
        " ".join(NOTES.split()),
        f"<p>{' '.join(NOTES.split())}</p>",
        NOTES.replace("\n", "\r\n"),
    ],
)
def test_notes_in_markdown_keep_their_heading_and_their_bullets(notes: str) -> None:
    assert clean.text_of(notes) == READ
    assert clean.body(item(notes)) == READ.split("\n")[1:]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It has: * Sails of flax * Ropes of hemp * fix: a knot.",
         "It has:\n- Sails of flax\n- Ropes of hemp\n- fix: a knot."),
        ("<p>It has:\n* sails\n* ropes</p><p>And oars.</p>",
         "It has:\n- sails\n- ropes\nAnd oars."),
        ("* Sails of flax * Ropes of hemp", "- Sails of flax\n- Ropes of hemp"),
        ("Its size is length * Width * height.", "Its size is length * Width * height."),
        ("<p>The harbour is wet\n* and so is the rope.</p>",
         "The harbour is wet * and so is the rope."),
        ("<p>The harbour\n- and the rope -\nis wet.</p>", "The harbour - and the rope - is wet."),
        ("<p>#ropes are dry\n#knots are not</p>", "#ropes are dry #knots are not"),
        ("## Ropes", "Ropes"),
        ("<p>## Ropes ##</p><p>They are dry.</p>", "Ropes\nThey are dry."),
    ],
)  # fmt: skip
def test_markdown_is_told_from_prose_with_such_signs(text: str, told: str) -> None:
    assert clean.text_of(text) == told


def test_lines_that_an_editor_wrapped_are_joined() -> None:
    wrapped = (
        "The harbour master counts the ships that come in every morning and\n"
        "writes their number down, because nobody else would believe it if\n"
        "she did not."
    )
    assert clean.text_of(wrapped) == wrapped.replace("\n", " ")


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_any_text_can_be_read(raw: str) -> None:
    assert clean.text_of(raw) == visible(clean.text_of(raw))
    clean.body(item(raw, kind=Kind.VIDEO))


DESCRIPTION = """How do you restore a volume that nobody has looked at for a year? We try it.
volumes #backup #restore
▬▬▬▬▬▬ 💰 Sponsoships 💰 ▬▬▬▬▬▬
If you are interested in sponsoring this channel, book a timeslot that suits you.
▬▬▬▬▬▬ 👋 Contact me 👋 ▬▬▬▬▬▬ ➡ Bluesky: https://bsky.example/kitchen
"""

LABELLED = """How do you restore a volume that nobody has looked at for a year? We try it.
Consider joining the channel: https://video.example/join
Sponsor: Mooring Ltd 🔗 https://mooring.example
Additional info:
➡ Transcript and commands: https://kitchen.example/restore
👋 Contact me 👋
➡ LinkedIn: https://linkedin.example/kitchen
Timecodes
00:00 Intro
01:12 What a volume is (sponsort)
17:12 Restoring it
"""


@pytest.mark.parametrize("description", [DESCRIPTION, LABELLED], ids=["bars", "labels"])
def test_a_description_keeps_only_what_it_describes(description: str) -> None:
    assert clean.body(item(description, kind=Kind.VIDEO)) == [description.partition("\n")[0]]


def test_a_description_that_begins_with_a_bar_is_read_by_its_labels() -> None:
    text = (
        "▬▬▬▬▬ Sponsors ▬▬▬▬▬\nMooring Ltd keeps your boat where you put it.\n"
        "▬▬▬▬▬ About this talk ▬▬▬▬▬\nHow do you restore a volume that nobody looked at?\n"
    )
    assert clean.body(item(text, kind=Kind.VIDEO)) == [
        "About this talk",
        "How do you restore a volume that nobody looked at?",
    ]


def test_a_text_far_too_long_is_cut_at_a_line() -> None:
    text = "One line that is as long as any other line in it.\n" * 2000
    assert set(clean.body(item(text))) == {"One line that is as long as any other line in it."}


@pytest.mark.parametrize("name", ["containerd 2.3.0", "eBPF in production", "v1.2.3", "k9s"])
def test_a_heading_in_markdown_may_begin_with_a_small_letter(name: str) -> None:
    text = f"# {name}\n\nThe ropes of the harbour are dry."
    assert clean.paragraphs(text) == ["The ropes of the harbour are dry."]


@pytest.mark.parametrize(
    "plea",
    [
        "The post Ropes appeared first on Harbour Blog.",
        "This article was originally published on Harbour Blog.",
        "Subscribe to our newsletter and never miss a knot.",
        "Follow us on Mastodon for more.",
        "Photo by Ann Chor on Unsplash.",
        "Thanks for reading Ropes! Subscribe for free to receive new posts and support my work.",
        "Ropes is a reader-supported publication.",
        "If you enjoyed this article, please share it with your friends.",
        "Don't forget to like, comment and subscribe!",
        "Join the conversation on the pier.",
        "Your browser does not support the video tag.",
        "We use cookies to tie better knots.",
        "© 2026 Harbour Blog.",
        "Do you have something cool to share? Let us know on the pier!",
        "submitted by /u/sailor [link] [comments]",
        "Get 20% off with code FOO.",
        "Enjoy an extra $10 off your first rope.",
        "Code FOO saves you money: 20% off with this code!",
        "When you need a rope, get 10% off at mooring.example with offer code TAR26.",
        "Enter the discount code TAR26 and pay less.",
        "https://harbour.example/ropes",
        "#ropes #knots",
        "ropes #knots",
        "00:00 Intro 01:12 Knots 02:40 Ropes",
        "━━━━━━━━━━",
        "----------",
    ],
)
def test_what_asks_for_something_is_no_text(plea: str) -> None:
    told = "A rope that is never dried is a rope that breaks when it is needed."
    assert clean.body(item(f"{told}\n{plea}")) == [told]


@pytest.mark.parametrize(
    "told",
    [
        "The release adds support for sponsors, and the links in the footer are fixed now.",
        "At 10:30 and again at 11:45 the cluster fell over, and nobody knew why it did so.",
        "We moved our newsletter to a database, and our channels had never been so quiet.",
        "The browser supports it, we like this article, and the cookies were good to the last one.",
        "The setting issue #42 asks for is called `max_age` and follows RFC 9110 to the letter.",
        "Harbours that commit for three years get 20% off the price, and most of them do.",
        "Moving the parser out of the loop took 20% off the time our code spends on a rope.",
    ],
)
def test_prose_that_names_such_things_stays(told: str) -> None:
    assert clean.body(item(told)) == [told]


@pytest.mark.parametrize(
    "plea",
    [
        "Foloow me on twiter @foo. Conect with me on LinkedIn.",
        "Folow us @harbour for more.",
        "Feel free to connect with me on Linkedin!",
        "Come chat with us in our new Slack team!",
        "Reach out to us on slack or reply here!",
        "You can contct us via our Discord.",
        "Ping me at @knot@ropes.example",
    ],
)
def test_who_wants_to_be_met_elsewhere_is_no_text(plea: str) -> None:
    told = "A rope that is never dried is a rope that breaks when it is needed."
    assert clean.body(item(f"{told}\n{plea}")) == [told]
    assert clean.body(item(f"{told} {plea}")) == [told]


@pytest.mark.parametrize(
    "told",
    [
        "Harbours collect with us on slack days what nobody else would carry.",
        "She told me on Twitter that the rope was dry, which it was not.",
        "It took us on a tour of the harbour, and of what connects it with us at night.",
        "Connect with us on the pier is what the sign in the harbour said.",
        "The harbour wrote a bot that follows me in Slack and counts my ropes.",
    ],
)
def test_prose_of_meeting_somebody_stays(told: str) -> None:
    assert clean.body(item(told)) == [told]


def test_what_a_sponsor_offers_goes_with_the_sponsor() -> None:
    told = "A rope that is never dried is a rope that breaks when it is needed."
    text = f"Sponsor: Mooring Ltd 🔗 https://mooring.example\nGet 20% off with code FOO.\n{told}"
    assert clean.body(item(text)) == [told]


@pytest.mark.parametrize(
    "byline",
    [
        "By Ann Chor | 5 min read | November 3, 2026",
        "By Ann Chor | 5 min read | November 3, 2026 |",
        "by Jean-Luc J. Knot · 3 Nov 2026 ·",
        "By Ann Chor — 2026-11-03 —",
        "Ann Chor | 5 min read",
        "Knots at night • Ann Chor • 12 minute read • Nov. 3, 2026 –",
        "November 3rd, 2026 | 5-minute read",
        "5 min read · By Ann Chor · 3 November 2026",
        "Posted on November 3, 2026 | By Ann Chor | Reading time: 5 min",
        "Published by Ann Chor | Updated on Tuesday, November 3, 2026",
    ],
)
def test_who_wrote_it_and_when_is_no_text(byline: str) -> None:
    told = "A rope that is never dried is a rope that breaks when it is needed."
    assert clean.body(item(f"{byline} {told}")) == [told]
    assert clean.body(item(f"{byline}\n{told}")) == [told]


@pytest.mark.parametrize(
    "told",
    [
        "By November 3, 2026 the harbour will be closed to all that sail.",
        "By Ann Chor's account of it | November 3 was a day like any other.",
        "By the way – 3 November 2026 is when the harbour closes.",
        "A rope is dry. | 5 min read",
        "5 minute read timeouts are what the harbour sets for all of its ropes.",
        "On November 3, 2026 – a Tuesday – 5 ropes broke.",
        "By Ann | 5 min read access is what it takes to read a rope.",
    ],
)
def test_prose_that_begins_like_a_byline_stays(told: str) -> None:
    assert clean.body(item(told)) == [told]


def test_what_repeats_across_a_source_is_no_text() -> None:
    footer = "Harbour is made by three people and a dog in a shed."
    texts = ["Ropes are dry again.", "Knots are hard to tie.", "Sails are being mended."]
    items = [item(f"{text}\n{footer}", title=text) for text in texts]
    repeated = clean.repeats(items)
    assert [clean.body(one, repeated) for one in items] == [[text] for text in texts]


def test_two_items_repeat_nothing() -> None:
    same = "We say this twice and mean it."
    assert clean.repeats([item(same, title="One"), item(same, title="Two")]) == frozenset()


def test_headings_are_no_paragraphs() -> None:
    text = "<h2>News</h2><p>The pier is open.</p><h2>Sponsors</h2><p>Mooring</p><p>Rope Ltd</p>"
    assert clean.body(item(text)) == ["The pier is open."]


SIGNS = st.text(st.sampled_from("ab1.:/@w-_=*~# \t\n▬W"), max_size=60)


@given(st.one_of(SIGNS, st.from_regex(boilerplate._BAR)))
def test_counting_its_signs_first_passes_over_no_bar(line: str) -> None:
    assert boilerplate._between_bars(line) == boilerplate._BAR.split(line)


@given(st.text(st.characters(max_codepoint=127)))
def test_a_word_of_a_plain_text_has_a_letter_or_a_figure_in_it(text: str) -> None:
    tokens = text.split()
    assert sentences.count(text) == sum(1 for token in tokens if re.search("[A-Za-z0-9]", token))


@pytest.mark.parametrize(
    "told",
    [
        "The bot will message us on Slack whenever a crane fails.",
        "Someone tried to reach us on Facebook with a broken rope.",
        "Any stranger can message me on LinkedIn, which is how it began.",
        "Attackers could apply promo codes twice in the shop.",
        "The harbour now lets captains apply coupon codes at checkout.",
        "Thieves use discount codes leaked on GitHub to buy ropes for free.",
        "The harbour may receive compensation for its lost ropes in May.",
        "The crane fails with code 0x80070643 on many of the piers.",
        "The crane answers with code 5xx when the pier is gone.",
        "Ropes 2.0 is out today, with a long guide to follow next week, so stay tuned!",
        "A guest post by Ann shows how to use it.",
        "The crane fails with code 137 and restarts at once in the fog.",
        "The pier answers with code 429 after ten ropes a minute.",
        "The crane stops with code 1 on any warning of the wind.",
        "Ropes 3.8 holds twice as much; see the changelog for what it drops.",
        "You can now see the release notes of every rope in the harbour.",
        "Captains can try Ropes free for 30 days, the harbour announced.",
        "The harbour closes its affiliate program in the north.",
        "A guest post from the tar team explains how it dries.",
        "By default | May 5, 2025 | is what the label of the rope said.",
        "By the end of May - May 5, 2025 - the harbour was closed.",
        "May 5, 2024 - June 1, 2024 The harbour was closed.",
        "On May 5, 2024 - June 1, 2024 the harbour was closed.",
        "eBPF - May 5, 2025 - is how we watch the ropes.",
        "# of ropes grew from ten to two thousand in three years.",
    ],
)
def test_what_is_told_of_such_things_is_text(told: str) -> None:
    assert clean.paragraphs(f"<p>{told}</p>", kind=Kind.ARTICLE) == [told]


@pytest.mark.parametrize(
    "plea",
    [
        "👋 Connect with me on LinkedIn for more updates.",
        "Don’t forget to connect with me on LinkedIn.",
        "If you have questions ping me on Slack.",
        "If you have feedback please don't hesitate to reach out to us on Twitter at @ropes!",
        "Be sure to connect with us on LinkedIn for more.",
        "Hop on and chat with us in our Discord server.",
        "Try it out and ping us on Slack with feedback.",
        # The words that ask stand far before those that say where.
        "And if any of this leaves a question open you are free to come and chat with us on Slack.",
        "If you simply want to say hello again please feel free to connect with me on LinkedIn.",
        "Get 30% off all courses this week.",
        "Save 40% off the list price of all courses!",
        "Apply coupon code SHIP at checkout.",
        "You can use the discount code HARBOUR to save on tickets.",
        "Remember to enter promo code SHIP at checkout.",
        "With discount code HARBOUR, tickets are cheaper.",
        "Get your ticket with code ROPE20 today.",
        "Use code 25OFF before Friday.",
        "The harbour may earn compensation for sales through affiliate programs.",
        "We are a partner of the rope walk and may earn a commission.",
        "When you buy through links on our site, we may receive a commission.",
        "A guest post from our friends at Quay.",
        "We have more to say soon, so please stay tuned!",
        "As always, see the changelog for the full list.",
        "Sign up today and try Ropes free for 30 days.",
        "Check out my new course on knots!",
        "Sign up for our free webinar on knots.",
        "This is a guest post by Ann Lee of the harbour.",
        "For more, see the release notes of the rope.",
        "See the manual for all that is new.",
        "Stay tuned!",
        "As an Affiliate Partner I earn from what is bought.",
        "Thanks to Knots & Rope for sponsoring today's episode!",
        "You can try Knots & Rope free for one month!",
        "Published May 5, 2024 · Updated Jun 1, 2024",
        "May 5, 2024 | May 7, 2024 |",
        "By the Harbour team - May 5, 2025 -",
        "Posted by the Rope team · November 20, 2026 ·",
        "By Design Team | 20 Nov 2026 |",
    ],
)
def test_what_asks_or_dates_is_cut_off_before_prose(plea: str) -> None:
    told = "The harbour lost four ships last winter."
    assert clean.paragraphs(f"<p>{plea} {told}</p>", kind=Kind.ARTICLE) == [told]


def test_a_byline_before_a_small_letter_goes_with_its_dash() -> None:
    told = "eBPF is how we watch the ropes."
    byline = "Posted by Ann Lee - May 5, 2025 - "
    assert clean.paragraphs(f"<p>{byline}{told}</p>", kind=Kind.ARTICLE) == [told]


@pytest.mark.parametrize("told", [" me @a", "chat with me @a "], ids=["no verb", "a verb"])
def test_a_thousand_words_that_may_be_a_plea_cost_no_time(told: str) -> None:
    line = Line(text=told * (100_000 // len(told)))
    began = time.process_time()
    boilerplate.without_boilerplate([line], cut_at_bar=False)
    assert time.process_time() - began < 5
