"""Headings learned from past issues: what is read, what is learned, and when it counts."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flows.cli import newsletter as command
from flows.edit.classifier import Example, Model, dumps, guess, loads
from flows.edit.past import LARGEST
from flows.edit.past_sections import read_sections
from flows.edit.training import macro_f1, train
from flows.models import Item
from flows.pipeline.outlining import learned, outline
from tests.newsletters import NOW, Newsletter

WORDS = {
    "Boats": "hull keel sail mast rudder tiller deck anchor".split(),
    "Birds": "gull tern heron osprey plover curlew avocet dunlin".split(),
}
MODEL = Model(
    headings=("Birds", "Boats"),
    weights={"t:gull": (1.0, 2.0, 0.0), "t:hull": (1.0, 0.0, 2.0), "t:ship": (1.0, 0.0, 0.1)},
    sure=0.5,
    precision=0.9,
)


def examples(count: int) -> list[Example]:
    found = []
    for number in range(count):
        section = ("Boats", "Birds")[number % 2]
        words = WORDS[section]
        title = f"The {words[number % 8]} and the {words[number * 3 % 8]} number {number}"
        url = f"https://{section.lower()}.example.org/{number}"
        found.append(Example(title=title, url=url, section=section, text=f"Of {words[2]}s."))
    return found


def known() -> Item:
    example = examples(1)[0]
    return replace(item(example.title, example.url), summary=f"<p>{example.text}</p>")


def item(title: str, url: str = "https://elsewhere.example/1") -> Item:
    return Item(feed="Feed", guid=url, url=url, title=title)


def test_past_issues_teach_their_headings() -> None:
    trained = train(examples(240))
    assert trained.model is not None
    assert trained.measured is not None
    assert trained.measured.accuracy > 0.95
    assert (trained.measured.share, trained.measured.precision) > (0.9, 0.85)
    found = guess(trained.model, known())
    assert found is not None
    assert found.section == "Boats"
    assert "like past issues" in found.because


def test_too_few_past_issues_teach_nothing() -> None:
    trained = train(examples(60))
    assert trained.model is None
    assert "60 entries under 2 headings are too few" in trained.problem
    assert train([]).model is None


def test_what_cannot_be_told_apart_teaches_nothing() -> None:
    noise = [
        Example(title="The same", url="https://a.example/", section="Boats" if n % 3 else "Birds")
        for n in range(300)
    ]
    trained = train(noise)
    assert trained.model is None
    assert "rules do better" in trained.problem


def test_a_guess_counts_only_if_it_is_sure() -> None:
    assert guess(MODEL, item("ship")) is None
    assert guess(MODEL, item("nothing known")) is None
    found = guess(MODEL, item("gull"))
    assert found is not None
    assert found.section == "Birds"


def test_a_model_is_read_back_as_it_was() -> None:
    assert loads(dumps(MODEL)) == MODEL


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"headings": ["One"]},
        {"headings": 5},
        {"weights": {"t:a": [1.0]}},
        {"weights": {"t:a": ["x", "y", "z"]}},
        {"sure": None},
    ],
)
def test_what_is_no_model_is_not_taken_for_one(change: dict[str, object]) -> None:
    assert loads(json.dumps({**json.loads(dumps(MODEL)), **change})) is None


@given(st.text())
def test_any_text_is_a_model_or_none(text: str) -> None:
    assert loads(text) is None


def test_macro_f1_is_the_mean_over_headings() -> None:
    pairs = [("A", "A"), ("A", "B"), ("B", "B"), ("C", "A")]
    assert macro_f1(pairs) == pytest.approx((0.5 + 2 / 3 + 0) / 3)


MARKDOWN = """\
Some words before.

## Boats

[The keel](https://a.example/1)
Ann, Boat News
It keeps us upright.

* [The sail](https://a.example/2) - it pulls
1. **[The mast](https://a.example/3)**

### Birds ###

[The gull](https://a.example/4)
Words with a [link](https://a.example/no) in them.
"""


def test_any_markdown_with_headings_is_read() -> None:
    found, _why = read_sections(MARKDOWN.encode(), Path("old.md"))
    assert [(one.title, one.section) for one in found] == [
        ("The keel", "Boats"),
        ("The sail", "Boats"),
        ("The mast", "Boats"),
        ("The gull", "Birds"),
    ]
    assert "upright" in found[0].text


def test_json_lines_are_read_and_others_passed_over() -> None:
    lines = [
        {"title": "T", "url": "https://a.example/1", "section": "Boats", "blurb": "B"},
        {"title": "T"},
        5,
    ]
    text = "\n".join([*map(json.dumps, lines), "no json"])
    assert read_sections(text.encode(), Path("old.jsonl"))[0] == [
        Example(title="T", url="https://a.example/1", section="Boats", text="B")
    ]


def test_lines_of_json_may_be_all_past_issues_at_once() -> None:
    line = {"title": "T", "url": "https://a.example/1", "section": "Boats"}
    text = json.dumps(line).ljust(LARGEST + 1)
    found, why = read_sections(text.encode(), Path("old.jsonl"))
    assert ([one.title for one in found], why) == (["T"], "")
    assert "is larger than" in read_sections(text.encode(), Path("old.md"))[1]


OWN = """\
+++
number = 3
date = 2026-11-02
subject = "Weekly 3"
+++

## Sponsor

[Buy](https://s.example/1)
Sponsored · Ropes

## Boats

[The keel](https://a.example/1)
Boat News · 3 min
It keeps us upright.

## Left over

[The gull](https://a.example/2)
"""


def test_of_our_own_issues_only_what_was_sent_is_read() -> None:
    found, _why = read_sections(OWN.encode(), Path("003.md"))
    assert [(one.title, one.section) for one in found] == [("The keel", "Boats")]


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path).write()
    file = tmp_path / "newsletter.toml"
    sections = '\n[[sections]]\nname = "Boats"\n[[sections]]\nname = "Birds"\n'
    file.write_text(file.read_text(encoding="utf-8") + sections, encoding="utf-8")
    return made


def test_the_command_learns_and_drafts_follow_it(newsletter: Newsletter, tmp_path: Path) -> None:
    past = tmp_path / "past.jsonl"
    rows = [
        {"title": one.title, "url": one.url, "section": one.section, "blurb": one.text}
        for one in examples(240)
    ]
    past.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert learned(newsletter.settings) is None
    config = ["--config", str(tmp_path / "newsletter.toml")]
    result = CliRunner().invoke(command, ["sections", "train", str(past), *config, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["examples"], told["headings"]) == (240, ["Birds", "Boats"])
    assert told["accuracy"] > 0.9
    asked = outline(newsletter.settings, NOW).guess
    assert asked is not None
    found = asked(known())
    assert found is not None
    assert found.section == "Boats"


@pytest.mark.usefixtures("newsletter")
def test_what_teaches_nothing_says_why_and_is_not_waited_for(tmp_path: Path) -> None:
    past = tmp_path / "past"
    past.mkdir()
    (past / "1.md").write_text(MARKDOWN, encoding="utf-8")
    (past / "2.md").write_bytes(b"")
    (past / "3.md").write_bytes(b"\x00\x01")
    (past / "4.jsonl").write_text("{}", encoding="utf-8")
    (past / "5.md").symlink_to(tmp_path / "moved-away.md")
    os.mkfifo(past / "6.md")
    (past / "7.md").write_text("# Boats\n- [A keel](https://a.example/k)\n", encoding="utf-16")
    config = ["--config", str(tmp_path / "newsletter.toml")]
    result = CliRunner().invoke(command, ["sections", "train", str(past), *config, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert {Path(one["file"]).name: one["reason"] for one in told["unread"]} == {
        "2.md": "the file is empty",
        "3.md": "it is no text",
        "4.jsonl": "no link under a heading in it",
        "5.md": "it cannot be read: No such file or directory",
        "6.md": "it cannot be read: it is no regular file",
    }
    assert "3.md: it is no text." in result.stderr
    assert "of 2 files" in result.stderr


def test_too_little_leaves_what_was_learned_before(newsletter: Newsletter, tmp_path: Path) -> None:
    model = newsletter.settings.paths.model
    model.write_text(dumps(MODEL), encoding="utf-8")
    past = tmp_path / "past.md"
    past.write_text(MARKDOWN, encoding="utf-8")
    config = ["--config", str(tmp_path / "newsletter.toml")]
    result = CliRunner().invoke(command, ["sections", "train", str(past), *config])
    assert result.exit_code == 0
    assert "Nothing was kept" in result.stderr
    assert loads(model.read_text(encoding="utf-8")) == MODEL
    missing = CliRunner().invoke(command, ["sections", "train", str(tmp_path / "no"), *config])
    assert missing.exit_code == 1
    assert "there is no such file" in missing.stderr


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"version": 0}'])
def test_what_was_learned_and_is_damaged_is_told_and_left_out(
    newsletter: Newsletter, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    assert learned(newsletter.settings) is None
    assert not caplog.records
    newsletter.settings.paths.model.write_bytes(data)
    assert outline(newsletter.settings, NOW).guess is None
    [record] = caplog.records
    assert str(newsletter.settings.paths.model) in record.getMessage()
    assert "run newsletter sections train again" in record.getMessage()


def test_the_settings_can_leave_it_out(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletter.settings.paths.model.write_text(dumps(MODEL), encoding="utf-8")
    assert learned(newsletter.settings) is not None
    monkeypatch.setenv("NEWSLETTER_EDIT__CLASSIFIER", "false")
    assert learned(newsletter.settings) is None
