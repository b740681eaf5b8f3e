"""Blurbs: whole sentences of the publisher's, within the budget, never an echo."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.edit import blurb as blurbs
from flows.edit.blurb import HARD_STOP, Blurb, blurb, echoes
from flows.edit.sentences import count, is_whole, sentences
from flows.models import Item, Kind


def made(
    content: str = "",
    *,
    summary: str = "",
    title: str = "Dry ropes",
    kind: Kind = Kind.ARTICLE,
    truncated: bool = False,
) -> Blurb:
    return blurb(
        Item(
            feed="Harbour",
            guid="1",
            url="https://harbour.example/ropes",
            title=title,
            content=content,
            summary=summary,
            kind=kind,
            truncated=truncated,
        )
    )


LEAD = "The harbour lost four ships last winter because nobody dried what held them."
NEXT = "This spring every mooring got a roof, and the ships have stayed where they were put."
LAST = "The carpenter who built them was paid in fish, which he says is better than nothing at all."
TEXT = f"<p>{LEAD} {NEXT}</p><p>{LAST}</p>"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Use e.g. Rust. Or not.", ["Use e.g. Rust.", "Or not."]),
        ("Dr. Knot met J. Smith. They sailed.", ["Dr. Knot met J. Smith.", "They sailed."]),
        ("Version 1.32 is out. It works.", ["Version 1.32 is out.", "It works."]),
        ("See no. 5 there. He said no. Then left.", None),
        ("He said “stop.” She did.", ["He said “stop.”", "She did."]),
        ("Wait... what is it? Fine.", ["Wait... what is it?", "Fine."]),
        ("Seile, z.B. Taue bzw. Zwei. So.", ["Seile, z.B. Taue bzw. Zwei.", "So."]),
        ("It is in San Jose, CA. They met.", ["It is in San Jose, CA.", "They met."]),
        ("Rope nr. 5 held. It did.", ["Rope nr. 5 held.", "It did."]),
        ("これは船です。綱は乾いた。", ["これは船です。", "綱は乾いた。"]),
        ("In the U.S. Navy it holds.", ["In the U.S. Navy it holds."]),
        ("By R.A. Knot. He left.", ["By R.A. Knot.", "He left."]),
        ("Kubernetes 1.32 moved it. etcd did not.", ["Kubernetes 1.32 moved it. etcd did not."]),
    ],
)
def test_sentences_end_where_they_end(text: str, parts: list[str] | None) -> None:
    expected = parts or ["See no. 5 there.", "He said no.", "Then left."]
    assert sentences(text) == expected


@given(st.text(max_size=200))
def test_sentences_lose_no_word(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_a_text_gives_its_first_whole_sentences() -> None:
    assert made(TEXT).text == f"{LEAD} {NEXT}"


def test_the_next_sentences_are_offered() -> None:
    assert made(TEXT).alternatives == (LAST,)


def test_a_summary_of_the_publisher_wins() -> None:
    summary = (
        "How a roof over every mooring saved the winter fleet, what it cost the harbour, and who "
        "paid for it in the end."
    )
    found = made(TEXT, summary=summary)
    assert found.text == summary
    assert found.alternatives[0] == LEAD


def test_a_short_summary_gets_the_first_sentence_of_the_text() -> None:
    summary = "A roof over every mooring saved the fleet."
    assert made(TEXT, summary=summary).text == f"{summary} {LEAD}"


def test_a_subtitle_gets_its_full_stop() -> None:
    assert (
        made(summary="A roof for what holds the fleet").text == "A roof for what holds the fleet."
    )


@pytest.mark.parametrize(
    "summary",
    [
        f"{LEAD} This spring every moor...",
        f"{LEAD} This spring every mooring got a […]",
        f"{LEAD} This spring every",
        "Dry ropes",
        "Ropes, dried",
        f"What follows {LEAD} This spr",
    ],
)
def test_a_cut_copy_or_the_title_is_no_summary(summary: str) -> None:
    text = TEXT.replace("<p>The", "<h2>What follows</h2><p>The")
    assert made(text, summary=summary).text == f"{LEAD} {NEXT}"


def test_a_teaser_alone_gives_only_its_whole_sentences() -> None:
    assert made(summary=f"{LEAD} This spring every moor […]").text == LEAD


@pytest.mark.parametrize("tail", ["The carpenter who built", "They now run version 1."])
def test_the_tail_of_a_cut_text_never_shows(tail: str) -> None:
    found = made(f"{LEAD}\n{NEXT} {tail}", truncated=True)
    assert tail not in (found.text, *found.alternatives)
    assert found.text == f"{LEAD} {NEXT}"


@pytest.mark.parametrize(
    "text",
    [
        "Dry ropes for the winter fleet.",
        "Dry ropes for the winter fleet",
        "For the winter: dry ropes!",
    ],
)
def test_an_echo_of_the_title_is_no_blurb(text: str) -> None:
    assert made(text, title="Dry ropes for the winter fleet").text == ""


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Knots 0.9 released", "Knots 0.9 has been released."),
        ("Announcing Knots 1.0", "We are announcing Knots 1.0 today."),
        ("How Acme cut its ropes by half", "Here's how Acme has cut its ropes by half."),
    ],
)
def test_words_that_say_little_make_no_blurb_of_an_echo(title: str, text: str) -> None:
    assert made(text, title=title).text == ""
    assert made(f"{text} {LEAD}", title=title).text == LEAD


def test_what_says_the_title_again_further_down_stays_in_its_place() -> None:
    told = "Ropes can be of use. But the ropes that are dry are too few. Dry ropes are for winter."
    assert made(told, title="Too few dry ropes").text == told


def test_a_short_sentence_is_part_of_a_blurb_but_does_not_begin_it() -> None:
    assert made(f"It holds. {LEAD}").text == LEAD
    assert made("I love old ropes. They hold. The pier stands since the rope holds.").text == (
        "I love old ropes. They hold. The pier stands since the rope holds."
    )


def test_a_first_line_that_repeats_the_title_is_passed_over() -> None:
    text = f"<p>Dry ropes for the winter fleet.</p>{TEXT}"
    assert made(text, title="Dry ropes for the winter fleet").text.startswith(LEAD)


@pytest.mark.parametrize("begin", ["Dry ropes - ", "Dry ropes — ", "Dry ropes | ", "TL;DR: "])
def test_a_title_or_a_label_before_the_first_sentence_is_cut_off(begin: str) -> None:
    assert made(f"<p>{begin}{LEAD}</p>").text == LEAD
    assert made(TEXT, summary=f"{begin}{NEXT}").text == NEXT


@pytest.mark.parametrize(
    ("lead_in", "is_one"),
    [
        ("An anonymous reader quotes a report from The Quay:", True),
        ("Longtime reader annlee shares an excerpt:", True),
        ("Longtime Quay reader annlee shares an analysis:", True),
        ("Quay reader Ann posted an article from The Pier:", True),
        ("An anonymous reader writes:", True),
        ("annlee writes:", True),
        ("AnnLee shares a report:", True),
        ("ann_lee7 writes:", True),
        ("Ann Lee writes in an exclusive report for The Quay:", False),
        ("In her farewell post, Ann writes:", False),
        ("AnnLee posted an analysis of the outage:", False),
        ("The harbour shares its ropes with the north:", False),
        ("Three things were lost:", False),
        ("If the harbour master writes:", False),
    ],
)
def test_who_passed_a_story_on_is_no_part_of_its_blurb(lead_in: str, *, is_one: bool) -> None:
    told = "Four ships were lost last winter because nobody dried the ropes."
    assert made(f"<p>{lead_in} {told}</p>").text == (told if is_one else f"{lead_in} {told}")


def test_what_a_text_quotes_stands_in_quotation_marks_behind_who_said_it() -> None:
    found = made(
        "<p>Ada Rope, for Harbour Weekly:</p><blockquote><p>We moved the fleet over and nobody "
        'noticed. The "trick" was one “dry” rope a day.</p><p>It took us one whole month.</p>'
        "</blockquote><p>We will try this here next.</p>"
    )
    assert found.text == (
        "Ada Rope, for Harbour Weekly: “We moved the fleet over and nobody noticed. The ‘trick’ "
        "was one ‘dry’ rope a day. It took us one whole month.” We will try this here next."
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # Cut to the budget, it ends with the quotation.
        (
            "<p>Ada:</p><blockquote>One rope holds the whole long pier here. "
            + "Word " * 40
            + "ends it.</blockquote>",
            "Ada: “One rope holds the whole long pier here.”",
        ),
        # Who said it stands before the first sentence that is fit.
        (
            (
                "<p>Ada says:</p><blockquote><p>See https://a.example/ropes first. The rope of the "
                "pier holds by itself.</p></blockquote>"
            ),
            "Ada says: “The rope of the pier holds by itself.”",
        ),
        (
            "<p>All of the ropes are dry.</p><blockquote>No rope was ever wet here.</blockquote>",
            "All of the ropes are dry. “No rope was ever wet here.”",
        ),
        # Quotation marks of its own are not doubled, also where more of it follows.
        (
            '<p>Ada:</p><blockquote><p>"The rope of the pier holds by itself."</p></blockquote>',
            "Ada: “The rope of the pier holds by itself.”",
        ),
        (
            (
                "<p>Ada:</p><blockquote><p>“The rope of the pier holds by itself. It is dry.</p>"
                "</blockquote>"
            ),
            "Ada: “The rope of the pier holds by itself. It is dry.”",
        ),
        # Each speaker's words stand by themselves.
        (
            (
                "<p>There were two answers to it.</p><h2>Ann</h2><blockquote>We wish them well and "
                "dry.</blockquote><h2>Bob</h2><blockquote>We need no wishes, we said.</blockquote>"
            ),
            (
                "There were two answers to it. “We wish them well and dry.” “We need no wishes, "
                "we said.”"
            ),
        ),
        (
            (
                "<p>Of this they said:</p><blockquote><p>We wish them well and dry.</p><p>— "
                "Ann</p><p>We need no wishes, we said.</p></blockquote>"
            ),
            "Of this they said: “We wish them well and dry.” “We need no wishes, we said.”",
        ),
        (
            (
                "<p>Ann of the harbour says:</p><blockquote><blockquote>We wish them well and dry."
                "</blockquote>We need no wishes, we said.</blockquote>"
            ),
            "Ann of the harbour says: “We need no wishes, we said.”",
        ),
        # Whose words they are is said of the first that is shown.
        (
            (
                "<p>Ann writes:</p><blockquote><p>Hi all,</p><p>The rope holds the pier by itself."
                "</p></blockquote>"
            ),
            "Ann writes: “The rope holds the pier by itself.”",
        ),
        (
            (
                "<p>Ann writes:</p><blockquote>It is in the table below. However, none was wet. "
                "The rope of the pier holds.</blockquote>"
            ),
            "Ann writes: “The rope of the pier holds.”",
        ),
        (
            (
                "<p>Ann:</p><blockquote>See below. The rope holds the pier.</blockquote><p>Bob:</p>"
                "<blockquote>But it will rot by winter.</blockquote>"
            ),
            "Ann: “The rope holds the pier.” Bob: “But it will rot by winter.”",
        ),
        # A list or a heading in a quote does not end it.
        (
            (
                "<p>Ann writes:</p><blockquote><p>Two things:</p><ul><li>Tar.</li></ul><p>The rope "
                "of the pier holds by itself.</p></blockquote>"
            ),
            "Ann writes: “The rope of the pier holds by itself.”",
        ),
        (
            (
                "<p>Ann writes:</p><blockquote><p>Hello.</p><h4>Why</h4><p>The rope of the pier "
                "holds by itself.</p></blockquote>"
            ),
            "Ann writes: “The rope of the pier holds by itself.”",
        ),
        # What begins with a box's word is none where somebody says it.
        (
            "<p>Ann on the list:</p><blockquote>Note: the rope is no toy at all.</blockquote>",
            "Ann on the list: “Note: the rope is no toy at all.”",
        ),
        (
            "<p>The harbour said:</p><blockquote>Update all of your ropes by now.</blockquote>",
            "The harbour said: “Update all of your ropes by now.”",
        ),
        (
            "<p>The harbour is closed.</p><blockquote>Update wars are what we fear.</blockquote>",
            "“Update wars are what we fear.”",
        ),
        (
            "<p>Add the rope first:</p><blockquote>Tip: you can pin the pier to it.</blockquote>",
            "Tip: you can pin the pier to it.",
        ),
        (
            "<p>All of the ropes are dry.</p><blockquote>Update (May 3): now all wet.</blockquote>",
            "All of the ropes are dry. Update (May 3): now all wet.",
        ),
        # A box of the publisher's own.
        (
            (
                "<p>All of the ropes are dry.</p><blockquote><p>⚠️ Note: it is for us only.</p><p>"
                "Each of them is made of wood.</p></blockquote>"
            ),
            "All of the ropes are dry. ⚠️ Note: it is for us only. Each of them is made of wood.",
        ),
        (
            "<p>All of the ropes are dry.</p><blockquote>Note: it is for piers only.</blockquote>",
            "All of the ropes are dry. Note: it is for piers only.",
        ),
        # Before any other words it is the page's own summary, or how it is laid out.
        (
            "<blockquote>How we keep the rope dry.</blockquote><p>Wet ones will all rot too.</p>",
            "How we keep the rope dry. Wet ones will all rot too.",
        ),
        # What is in brackets, or long, is nobody's name.
        (
            (
                "<p>We met (in a bar. It was late) and she said:</p><blockquote>The rope of the "
                "pier holds by itself.</blockquote>"
            ),
            "“The rope of the pier holds by itself.”",
        ),
        # A list in a quote is a list.
        (
            "<p>Ada:</p><blockquote><ul><li>The rope of the pier holds.</li></ul></blockquote>",
            "",
        ),
    ],
    ids=[
        "long",
        "unfit",
        "no name",
        "marks",
        "open",
        "two",
        "in one",
        "inner",
        "greeting",
        "however",
        "but",
        "list within",
        "heading within",
        "on a list",
        "said",
        "a word",
        "no speaker",
        "dated box",
        "long box",
        "box",
        "summary",
        "brackets",
        "list",
    ],
)
def test_a_quote_is_told_as_one(content: str, expected: str) -> None:
    assert made(content).text == expected


def test_a_summary_that_quotes_says_whom() -> None:
    summary = "<p>Ada writes:</p><blockquote>The rope of the pier holds by itself.</blockquote>"
    assert made(summary=summary).text == "Ada writes: “The rope of the pier holds by itself.”"


def test_what_differs_in_its_apostrophes_is_not_offered_again() -> None:
    told = "It’s the harbour’s own rope that held."
    found = made(
        f"<p>{told}</p><p>The roof held too, to everyone's joy.</p>",
        summary=told.replace("’", "'"),
    )
    assert found.text.startswith("It's the harbour's own rope that held.")
    assert not [one for one in found.alternatives if "own rope" in one]


@pytest.mark.parametrize(
    "begin", ["However, it", "But it", "This however", "That’s how it", "They’re what"]
)
def test_behind_a_gap_a_blurb_does_not_begin_with_what_goes_on(begin: str) -> None:
    gap = "The plan stands at https://harbour.example/plan for all to see."
    goes_on = f"{begin} leaves out what the ropes are for."
    whole = "The harbour lost four ships last winter because nobody dried what held them."
    assert made(f"<p>{gap}</p><p>{goes_on}</p><p>{whole}</p>").text == whole
    assert made(f"<p>{goes_on}</p><p>{whole}</p>").text == f"{goes_on} {whole}"


@pytest.mark.parametrize(
    "begin", ["This post", "It is the last winter that", "It", "This is what", "This Week in Ropes"]
)
def test_a_blurb_may_begin_with_itself(begin: str) -> None:
    gap = "The plan stands at https://harbour.example/plan for all to see."
    own = f"{begin} tells how the harbour lost four ships and their ropes."
    assert made(f"<p>{gap}</p><p>{own}</p>").text == own


def test_a_line_that_a_break_cut_is_whole_again_and_no_blurb_begins_in_its_middle() -> None:
    content = "<p>Today we are all<br>\nreleasing ropes. They hold.</p>"
    assert made(content).text == "Today we are all releasing ropes. They hold."
    content = "<p>We moved all of them<br>without any loss of ours. No rope was wet then.</p>"
    assert made(content).text == (
        "We moved all of them without any loss of ours. No rope was wet then."
    )
    content = "<p>Our piers<br>moved in one night. No rope of ours was wet.</p>"
    assert made(content).text == "Our piers moved in one night. No rope of ours was wet."
    content = "<p>Release notes</p><p>containerd holds all of the old ropes by itself.</p>"
    assert made(content).text == "containerd holds all of the old ropes by itself."
    content = "<p>All of the ropes are dry:<br>\nas dry as can be. The pier holds for a winter.</p>"
    assert made(content).text == "The pier holds for a winter."


def test_a_quotation_that_goes_on_is_left_out() -> None:
    quoting = f"<p>{LEAD} The smith said: “It was a good winter. {NEXT} {LAST}”</p>"
    assert made(quoting).text == LEAD
    assert made(quoting.replace("“", '"').replace("”", '"')).text == LEAD
    assert made(f'<p>{LEAD} It took 3" of rope. It held well.</p>').text.endswith("held well.")


@pytest.mark.parametrize(
    "code",
    [
        "public Rope Tie(string knot, int times) { return rope; }",
        "root@mooring ~ # cat /etc/ropes.conf # The ropes we have.",
        "[root@mooring]# rope --version",
        "Private Sub Tie(ByVal sender As Object) End Sub '.",
    ],
)
def test_a_summary_that_lost_the_markup_of_its_code_is_no_summary(code: str) -> None:
    summary = f"The harbour lost four ships last winter\n{code} They stood at the pier."
    assert made(TEXT, summary=summary).text == f"{LEAD} {NEXT}"
    assert made(summary=summary).text == ""


@pytest.mark.parametrize("name", ["{0}", "{0}@{0}", "a@{0}", "{0}@", "{0}@" * 9])
def test_words_without_an_end_cost_no_time(name: str) -> None:
    text = f"{name.format('a' * 9_000)} {LEAD} {NEXT}"
    began = time.process_time()
    made(f"<p>{text}</p>", summary=text)
    # A tenth of a second, and far more where what is tried at each letter has no bounds.
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("words", "is_used"), [(50, True), (HARD_STOP, True), (HARD_STOP + 1, False)]
)
def test_one_very_long_sentence_may_take_more(words: int, *, is_used: bool) -> None:
    sentence = "The " + " ".join(f"rope{number}" for number in range(words - 1)) + "."
    assert bool(made(sentence).text) == is_used


@pytest.mark.parametrize(
    "aside",
    [
        "<pre>kubectl get moorings --all</pre>",
        "<ul><li>Ropes of hemp are the oldest that we have in the harbour.</li></ul>",
        "<table><tr><td>Hemp</td></tr><tr><td>Nylon</td></tr></table>",
        "<p>$ kubectl label mooring one roof=yes and wait.</p>",
        "<p>The graph below shows how many ropes broke in every month.</p>",
        "<h3>Why do ropes break in winter?</h3>",
        "<p>Why do ropes break in winter?</p>",
        "<p>The harbour needs the following before it can begin:</p>",
        "<p>All is told on https://harbour.example/all for those who care.</p>",
        "<p>Thanks to @ann and @ben and @cleo for all that they did there.</p>",
    ],
)
def test_what_is_no_prose_never_enters_a_blurb(aside: str) -> None:
    found = made(f"{aside}{TEXT}")
    assert found.text.startswith(LEAD)
    assert found.alternatives in ((LAST,), (NEXT, LAST))


def test_a_pointer_in_brackets_is_dropped() -> None:
    text = "The ropes broke at 16 ships. (see the section on tests for more). The roofs held well."
    assert made(text).text == "The ropes broke at 16 ships. The roofs held well."


def test_a_digest_gives_its_first_prose() -> None:
    bullets = "".join(f"<li>Fix rope {number}</li>" for number in range(20))
    text = f"<h2>News</h2><p>{LEAD}</p><h2>Merged</h2><ul>{bullets}</ul>"
    assert made(text, kind=Kind.DIGEST, title="Week Ending May 4").text == LEAD


def test_a_list_alone_gives_no_blurb() -> None:
    assert made("<ul><li>Fix the rope.</li><li>Fix the roof.</li></ul>") == Blurb()


@pytest.mark.parametrize(
    ("text", "title", "is_echo"),
    [
        ("Dry ropes", "Dry ropes", True),
        ("DRY ROPES!", "Dry ropes", True),
        ("Dry ropes hold", "Dry ropes", False),
        ("What are the main uses of dry ropes?", "Dry rope - what are its main uses?", True),
        ("Who dries the ropes of the harbour?", "Dry ropes", False),
        ("Why is that?", "Dry ropes hold", False),
        ("What is tar?", "Tar explained", True),
        ("What is it, and what does it do for you?", "Dry ropes hold", False),
        ("The main use of a dry rope is to hold.", "Dry rope - its main use", False),
        ("", "Dry ropes", True),
    ],
)
def test_an_echo_says_nothing_new(text: str, title: str, *, is_echo: bool) -> None:
    assert echoes(text, title) == is_echo


@settings(max_examples=60)
@given(
    content=st.text(alphabet="ab .!?\n<p>/,:AB…", max_size=400),
    summary=st.text(alphabet="ab .!?AB…[]", max_size=200),
)
def test_a_blurb_is_whole_sentences_within_the_hard_stop(content: str, summary: str) -> None:
    found = made(content, summary=summary)
    assert not found.text or is_whole(found.text)
    assert count(found.text) <= HARD_STOP


FIT = "A rope of seven strands holds. "
SHORT = "It all holds. "
LONG = f"{'The rope that nobody on the quay had seen before ' * 6}holds. "
UNFIT = "See the figure below for all of it. "


@given(st.lists(st.sampled_from([FIT, SHORT, LONG, UNFIT]), max_size=60))
def test_reading_no_further_than_needed_changes_no_blurb(told: list[str]) -> None:
    text = "".join(told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blurbs, "_MOST_SENTENCES", 10_000)
        whole = made(text)
    assert made(text) == whole
