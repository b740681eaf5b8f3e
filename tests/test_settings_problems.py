from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import SettingsError
from flows.settings import Settings, parse
from flows.settings.problems import mask

LEAST = '[newsletter]\ntitle = "Weekly"\nsender = "Weekly <weekly@letters.example>"\n'


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("NEWSLETTER_") or name in {"SENDGRID_API_KEY", "SMTP_PASSWORD"}:
            monkeypatch.delenv(name)


def settings(more: str = "", *, least: str = LEAST) -> Settings:
    return parse(f"{least}{more}", Path("/letters/newsletter.toml"))


def complaint(more: str, *, least: str = LEAST) -> str:
    with pytest.raises(SettingsError) as caught:
        settings(more, least=least)
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param('titel = "X"', 'newsletter.titel .*did you mean "title"', id="typo-in-a-key"),
        pytest.param("zzz = 1", "newsletter.zzz .*the keys are title, sender", id="unknown-key"),
        pytest.param('[sendng]\nx = "y"', 'sendng .*did you mean "sending"', id="unknown-section"),
        pytest.param("[sending]\nbatch_size = 1001", "from 1 to 1000", id="batch-too-large"),
        pytest.param("[sending]\nbatch_size = 0", "from 1 to 1000", id="batch-too-small"),
        pytest.param(
            '[sending]\ntransport = "sengrid"',
            'sending.transport = "sengrid" .*write "outbox".*did you mean "sendgrid"',
            id="typo-in-a-value",
        ),
        pytest.param('[sending]\nfence = "perhaps"', "write true or false", id="no-boolean"),
        pytest.param("[sending]\nsmtp_port = 70000", "a port from 1 to 65535", id="no-port"),
        pytest.param('[sending]\nsmtp_host = "smtp://x"', "leave out the scheme", id="no-host"),
        pytest.param('[sending]\ndomain = "nodot"', "write a domain", id="no-domain"),
        pytest.param("sending = 3", "there is no such key", id="key-under-newsletter"),
        pytest.param(
            '[schedule]\nday = "Mon"', 'schedule.day .*did you mean "monday"', id="no-weekday"
        ),
        pytest.param('[schedule]\ntime = "25:00"', 'schedule.time = "25:00"', id="no-time"),
        pytest.param("[schedule]\ntime = 8", "a time of day", id="time-as-number"),
        pytest.param('[schedule]\ngrace = "6 hours"', 'such as "90m"', id="no-duration"),
        pytest.param("[schedule]\ngrace = 6", "a duration", id="duration-as-number"),
        pytest.param('[gather]\nmax_age = "0d"', "longer than nothing", id="empty-duration"),
        pytest.param('[schedule]\ngrace = "7d"', "another issue's slot", id="grace-of-a-week"),
        pytest.param('[schedule]\ndraft_ahead = "8d"', "another issue's slot", id="too-far-ahead"),
        pytest.param('[gather]\nmax_age = "9999w"', "ten years", id="endless-duration"),
        pytest.param(
            '[schedule]\ntimezone = "Europe/Berln"', 'did you mean "Europe/Berlin"', id="no-zone"
        ),
        pytest.param('[schedule]\ntimezone = "Europe"', "write a time zone", id="zone-folder"),
        pytest.param(
            '[schedule]\ntimezone = "../UTC"', "write a time zone", id="zone-outside-its-folder"
        ),
        pytest.param('base_url = "http://news.my.org"', "http is for 127.0.0.1", id="plain-http"),
        pytest.param('base_url = "news.my.org"', "write an https://", id="no-scheme"),
        pytest.param('base_url = "https://x.org/?a=b"', "leave out", id="base-with-query"),
        pytest.param('base_url = "https://[x"', "newsletter.base_url", id="broken-host"),
        pytest.param('reply_to = "nobody"', "newsletter.reply_to", id="no-address"),
        pytest.param('language = "english please"', "a language code", id="no-language"),
        pytest.param('theme = "../../etc"', "templates/issue", id="theme-outside-its-folder"),
        pytest.param('reason = "a\\nb"', "line break", id="line-break"),
        pytest.param("max_entries = 2\nmin_entries = 5", "which is 2", id="more-than-most"),
        pytest.param('[database]\nurl = "mysql://x/y"', "write sqlite:///", id="unknown-database"),
        pytest.param('[[sections]]\nname = "Left over"', "already", id="reserved-heading"),
        pytest.param(
            '[[sections]]\nname = "A"\n[[sections]]\nname = "A"',
            r"sections\[2\].name = \"A\" .*sections\[1\] has it already",
            id="section-twice",
        ),
        pytest.param(
            '[[sections]]\nname = "Videos"\n[[feeds]]\nurl = "https://x.org"\nsection = "Vidoes"',
            'feeds.1..section = "Vidoes" .*did you mean "Videos"',
            id="feed-without-a-home",
        ),
        pytest.param(
            '[[feeds]]\nurl = "https://x.org"\n[[feeds]]\nurl = "https://x.org"',
            r"feeds\[2\].url .*feeds\[1\] has it already",
            id="feed-twice",
        ),
        pytest.param('[[feeds]]\nname = "x"', r"feeds\[1\].url .*it is missing", id="no-url"),
        pytest.param('[[feeds]]\nurl = "feed.xml"', 'kind = "river"', id="file-that-is-no-river"),
        pytest.param('[[feeds]]\nurl = "ftp://x.org/"', "http", id="feed-by-ftp"),
        pytest.param('[[feeds]]\nurl = "https://"', "no host", id="feed-without-a-host"),
        pytest.param(
            '[[feeds]]\nurl = "https://x.org"\nkind = "rivr"', 'did you mean "river"', id="kind"
        ),
        pytest.param(
            '[[sponsors]]\ndate = 2026-11-30\nname = "Ropes"\ntext = "- dry\\n- cheap"',
            r"sponsors\[1\].text = .*one paragraph of Markdown; the text of Ropes is",
            id="sponsored-list",
        ),
        pytest.param(
            '[[sponsors]]\ndate = 2026-11-30\nname = "Ropes"\nurl = "https://x.org:0/"',
            r"sponsors\[1\].url .*write an http",
            id="port-that-leads-nowhere",
        ),
        pytest.param(
            '[[sponsors]]\ndate = 2026-11-30\nname = "Ropes"\n'
            '[[sponsors]]\ndate = 2026-11-30\nname = "ropes"',
            r'sponsors\[2\].name = "ropes" \(line 9\): sponsors\[1\] has it for this day already',
            id="sponsor-twice",
        ),
        pytest.param('feeds = "https://x.org"', "there is no such key", id="feeds-as-text"),
    ],
)
def test_a_wrong_setting_is_named_with_its_fix(more: str, expected: str) -> None:
    assert re.search(expected, complaint(more))


def test_a_list_that_is_none_is_a_sentence() -> None:
    text = complaint("", least=f'feeds = ["https://x.org", 3]\nsending = 3\n{LEAST}')
    assert 'feeds[1] = "https://x.org"' in text
    assert "write [[feeds]]" in text
    assert "sending = 3: write a section [sending]" in text


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("weekly@letters.example", "weekly@letters.example"),
        ("Weekly <weekly@letters.example>", "Weekly <weekly@letters.example>"),
        ("Zoë's Weekly <w@letters.example>", "Zoë's Weekly <w@letters.example>"),
        ("Dev, Ops <w@letters.example>", '"Dev, Ops" <w@letters.example>'),
        ('"Dev, Ops" <w@letters.example>', '"Dev, Ops" <w@letters.example>'),
        ("<w@letters.example>", "w@letters.example"),
    ],
)
def test_a_sender_is_an_address_with_or_without_a_name(sender: str, expected: str) -> None:
    text = f'[newsletter]\ntitle = "W"\n{tomlkit.dumps({"sender": sender})}'
    assert settings(least=text).newsletter.sender == expected


@pytest.mark.parametrize("sender", ["", "Weekly", "a@b@c.example", "a@b.example, c@d.example"])
def test_what_is_no_sender_is_refused(sender: str) -> None:
    text = complaint("", least=f'[newsletter]\ntitle = "W"\nsender = "{sender}"\n')
    assert "newsletter.sender" in text


def test_all_problems_are_told_in_one_message_with_their_lines() -> None:
    text = complaint('titel = "X"\n[sending]\nbatch_size = 0\n[schedule]\nday = "x"\n')
    assert text.splitlines()[0] == "/letters/newsletter.toml: 3 settings are wrong"
    assert "newsletter.titel (line 4)" in text
    assert "sending.batch_size = 0 (line 6)" in text
    assert 'schedule.day = "x" (line 8)' in text


def test_a_missing_section_and_a_missing_key_say_what_to_write() -> None:
    assert "add the section" in complaint("", least="")
    assert "newsletter.sender (the section in line 1): it is missing: write an address" in (
        complaint("", least='[newsletter]\ntitle = "W"\n')
    )


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ('[newsletter]\ntitle "W"\n', "line 2, column 7", '    title "W"\n          ^'),
        ("[newsletter\n", "line 1, column 12", "    [newsletter"),
        ('x = "never closed', "line 1", '    x = "never closed'),
        ("x = 1\nx = 2\n", "line 2", "    x = 2"),
    ],
)
def test_broken_toml_is_shown_with_its_place(text: str, place: str, line: str) -> None:
    found = complaint("", least=text)
    assert f"/letters/newsletter.toml, {place}" in found
    assert line in found


@given(st.text(max_size=200))
def test_any_text_gives_settings_or_one_settings_error(text: str) -> None:
    with pytest.raises(SettingsError):
        settings(least=text)


VALUES = st.one_of(
    st.integers(-(10**6), 10**6), st.booleans(), st.text(max_size=30), st.floats(allow_nan=False)
)
KEYS = sorted(
    f"{section}.{key}"
    for section in ("newsletter", "schedule", "gather", "sending", "web", "database")
    for key in Settings.model_fields[section].annotation.model_fields  # type: ignore[union-attr]  # sections are models
)


@given(st.sampled_from(KEYS), VALUES)
def test_any_value_of_any_key_is_taken_or_named(name: str, value: object) -> None:
    section, key = name.split(".")
    values = {"newsletter": {"title": "W", "sender": "w@letters.example"}}
    values.setdefault(section, {})[key] = value  # type: ignore[assignment]  # any value is tried
    text = "".join(f"[{part}]\n{tomlkit.dumps(pairs)}" for part, pairs in values.items())
    try:
        settings(least=text)
    except SettingsError as error:
        assert name in str(error) or "min_entries" in str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param(
            "NEWSLETTER_SENDING__BATCH_SIZE",
            "many",
            r"\(NEWSLETTER_SENDING__BATCH_SIZE\)",
            id="value",
        ),
        pytest.param(
            "NEWSLETTER_SENDING__BACH_SIZE", "5", 'did you mean "batch_size"', id="unknown-key"
        ),
        pytest.param(
            "NEWSLETTER_SENDNG__FENCE", "no", 'did you mean "sending"', id="unknown-section"
        ),
        pytest.param(
            "NEWSLETTER_SENDING_TRANSPORT",
            "smtp",
            "two underscores.*NEWSLETTER_SENDING__TRANSPORT",
            id="one-underscore",
        ),
        pytest.param("NEWSLETTER_SENDING", "{}", "name a key too", id="no-key"),
        pytest.param(
            "NEWSLETTER_NEWSLETTER__TITLE__X",
            "1",
            r"\(NEWSLETTER_NEWSLETTER__TITLE__X\)",
            id="below-a-key",
        ),
        pytest.param("NEWSLETTER_FEEDS", "[]", "in the settings file only", id="list"),
        pytest.param("NEWSLETTER_FEEDS__0__URL", "x", "in the settings file only", id="in-a-list"),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    assert re.search(expected, complaint(""))


def test_a_variable_of_somebody_elses_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_IMAGE_TAG", "1.2")
    assert settings().newsletter.title == "Weekly"


@pytest.mark.parametrize(
    "more",
    [
        '[database]\nurl = "mysql://me:hunter22@host/db"',
        '[database]\nurl = "hunter22"',
        '[sending]\nsendgrid_api_key = "hunter22"',
        '[sending]\nsmtp_password = "hunter22"',
        '[[feeds]]\nurl = "ftp://me:hunter22@host/feed"',
        '[[feeds]]\nurl = "https://me:hunter22@host/"\nweight = 1\nkind = "https://a:hunter22@b/"',
        'base_url = "https://me:hunter22@host/"',
        'privacy_url = "ftp://me:hunter22@host/"',
        '[database]\nurl = "postgresql://me:hunter22@host/db',
    ],
)
def test_no_message_shows_a_secret(more: str) -> None:
    assert "hunter22" not in complaint(more)


def test_a_secret_in_the_file_is_told_where_it_belongs() -> None:
    assert "SENDGRID_API_KEY" in complaint('[sending]\napi_key = "x"')


def test_the_cause_with_the_given_values_is_not_chained() -> None:
    with pytest.raises(SettingsError) as caught:
        settings("[sending]\nbatch_size = 0")
    assert caught.value.__suppress_context__


@given(
    st.text(
        st.characters(exclude_characters="@/ \t\n\r\f\v", exclude_categories=["Z", "C"]), min_size=4
    )
)
def test_a_password_in_an_address_is_always_starred_out(password: str) -> None:
    assert mask(f"x postgresql://me:{password}@host/db y") == "x postgresql://me:***@host/db y"
