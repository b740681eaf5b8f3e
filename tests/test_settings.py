from __future__ import annotations

import os
import re
import stat
import tomllib
from datetime import time, timedelta
from email.utils import parseaddr
from pathlib import Path

import pytest
import tomlkit
from pydantic import ValidationError

from flows.errors import SettingsError
from flows.models import Brand, Feed, FeedKind
from flows.settings import FILE_NAME, Settings, find, load, parse
from flows.settings.keys import make_keys
from flows.settings.shapes import is_loopback, parse_duration
from flows.settings.starter import Starter, write_starter

LEAST = '[newsletter]\ntitle = "Weekly"\nsender = "Weekly <weekly@letters.example>"\n'
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("NEWSLETTER_") or name in {"SENDGRID_API_KEY", "SMTP_PASSWORD"}:
            monkeypatch.delenv(name)


def settings(more: str = "", *, least: str = LEAST) -> Settings:
    return parse(f"{least}{more}", Path("/letters/newsletter.toml"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / FILE_NAME
    file.write_text(LEAST, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Harbour Weekly", "Harbour Weekly <weekly@letters.example>"),
        ('Ships, "barges" & co.', '"Ships, \\"barges\\" & co." <weekly@letters.example>'),
        ('"Quoted"', '"\\"Quoted\\"" <weekly@letters.example>'),
        ("Häfen", "Häfen <weekly@letters.example>"),
    ],
)
def test_an_address_alone_gets_the_title_in_front(title: str, expected: str) -> None:
    own = {"title": title, "sender": "weekly@letters.example"}
    brand = settings(least=tomlkit.dumps({"newsletter": own})).brand()
    assert brand.sender == expected
    assert parseaddr(brand.sender) == (title, "weekly@letters.example")


def test_every_setting_but_title_and_sender_has_a_default() -> None:
    found = settings()
    assert found.newsletter.max_entries == 20
    assert found.newsletter.min_entries == 3
    assert found.newsletter.approval == "automatic"
    assert found.schedule.draft_ahead == timedelta(hours=48)
    assert found.schedule.grace == timedelta(hours=6)
    assert found.gather.first_window == timedelta(days=7)
    assert found.gather.max_age == timedelta(days=21)
    assert found.gather.every == timedelta(hours=6)
    assert not found.gather.allow_private_networks
    assert found.sending.transport == "outbox"
    assert found.sending.sendgrid_host == "https://api.sendgrid.com"
    assert found.sending.fence
    assert found.sending.fence_minutes == 20
    assert found.sending.batch_size == 1000
    assert found.database_url() == "sqlite:////letters/newsletter.db"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings().sending, "batch_size", 5)  # noqa: B010 - mypy knows that it is frozen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", timedelta(minutes=90)),
        ("48h", timedelta(hours=48)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1d12h", timedelta(hours=36)),
        ("1D 12H", timedelta(hours=36)),
    ],
)
def test_a_duration_is_a_number_and_its_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ['"7:05"', '"07:05"', "07:05:00"])
def test_a_time_of_day_is_written_as_text_or_as_tomls_own(text: str) -> None:
    assert settings(f"[schedule]\ntime = {text}").schedule.time == time(7, 5)


def test_a_weekday_may_begin_with_a_capital() -> None:
    assert settings('[schedule]\nday = "Friday"').schedule.day == "friday"


def test_the_schedule_is_in_the_newsletters_zone_unless_it_has_its_own() -> None:
    vienna = settings('timezone = "Europe/Vienna"')
    lima = settings('timezone = "Europe/Vienna"\n[schedule]\ntimezone = "America/Lima"')
    assert vienna.schedule.timezone == "Europe/Vienna"
    assert lima.schedule.timezone == "America/Lima"


def test_two_entries_at_most_are_also_enough_for_an_issue() -> None:
    assert settings("max_entries = 2").newsletter.min_entries == 2


def test_the_base_address_has_no_slash_at_its_end() -> None:
    assert settings('base_url = "https://news.my.org/weekly/"').brand().base_url == (
        "https://news.my.org/weekly"
    )


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_http_is_enough_for_this_machine(host: str) -> None:
    assert settings(f'base_url = "http://{host}"').newsletter.base_url == f"http://{host}"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.org", "", "127.0.0.1.nip.io"])
def test_another_machine_is_not_this_one(host: str) -> None:
    assert not is_loopback(host)


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_SENDING__BATCH_SIZE", "7")
    monkeypatch.setenv("NEWSLETTER_NEWSLETTER__TITLE", "Monthly")
    monkeypatch.setenv("NEWSLETTER_GATHER__ALLOW_PRIVATE_NETWORKS", "true")
    found = settings('[sending]\nbatch_size = 5\ntransport = "smtp"')
    assert found.sending.batch_size == 7
    assert found.sending.transport == "smtp"
    assert found.newsletter.title == "Monthly"
    assert found.gather.allow_private_networks


def test_secrets_come_from_the_environment_and_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWSLETTER_KEYS"):
        monkeypatch.setenv(name, f"hunter22{KEY}")
    found = settings('[database]\nurl = "postgresql://me:hunter22@host/db"')
    assert found.sendgrid_api_key.get_secret_value() == f"hunter22{KEY}"
    assert found.smtp_password.get_secret_value() == f"hunter22{KEY}"
    assert found.database_url() == "postgresql://me:hunter22@host/db"
    assert len(found.keys()) == 1
    told = (
        repr(found),
        str(found),
        repr(found.database),
        repr(found.keys()),
        f"{found.model_dump()}",
    )
    assert not any("hunter22" in text for text in told)


def test_the_brand_has_a_reason_even_if_nobody_wrote_one() -> None:
    assert settings('timezone = "Europe/Vienna"').brand() == Brand(
        title="Weekly",
        sender="Weekly <weekly@letters.example>",
        postal_address="Street 1, City",
        base_url="https://newsletter.example.org",
        reason="You get this mail because you subscribed to Weekly.",
        timezone="Europe/Vienna",
    )


def test_feeds_are_handed_on_as_the_other_rooms_know_them() -> None:
    found = settings(
        '[[sections]]\nname = "Kubernetes"\nmax = 4\n'
        '[[feeds]]\nurl = "https://x.org/feed"\nname = "X"\nsection = "Kubernetes"\nweight = 2\n'
        '[[feeds]]\nurl = "rivers/devops.txt"\nkind = "river"\ntimezone = "US/Eastern"\n'
    )
    assert found.feed_list() == [
        Feed(url="https://x.org/feed", name="X", section="Kubernetes", weight=2.0),
        Feed(url="/letters/rivers/devops.txt", kind=FeedKind.RIVER, timezone="US/Eastern"),
    ]
    assert [(section.name, section.max) for section in found.sections] == [("Kubernetes", 4)]


def test_a_feed_may_name_the_section_that_is_built_in() -> None:
    assert settings('[[feeds]]\nurl = "https://x.org"\nsection = "Worth a look"').feeds


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///data/my.db", "sqlite:////letters/data/my.db"),
        ("sqlite:////var/my.db", "sqlite:////var/my.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
    ],
)
def test_a_relative_database_lies_beside_the_settings(url: str, expected: str) -> None:
    assert settings(f'[database]\nurl = "{url}"').database_url() == expected


def test_all_paths_are_beside_the_settings() -> None:
    paths = settings().paths
    assert paths.issues == Path("/letters/issues")
    assert paths.outbox == Path("/letters/outbox")
    assert paths.keys == Path("/letters/.newsletter/keys")
    assert paths.server == Path("/letters/.newsletter/server.json")
    assert paths.prefect == Path("/letters/.newsletter/prefect")


def test_a_folder_of_ones_own_templates_is_found(file: Path) -> None:
    assert load(file).templates_folder is None
    (file.parent / "templates").mkdir()
    assert load(file).templates_folder == file.parent / "templates"


def test_the_file_named_is_read_before_the_one_here_before_the_variables(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other = tmp_path / "named.toml", tmp_path / "other.toml"
    monkeypatch.setenv("NEWSLETTER_CONFIG", str(other))
    monkeypatch.chdir(tmp_path)
    assert find(named) == named
    assert find(None) == file
    file.unlink()
    assert find(None) == other


def test_no_file_at_all_leads_to_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="newsletter init"):
        load()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: there is no such file"):
        load(tmp_path / "none.toml")


def test_a_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="this is a folder"):
        load(tmp_path)


def test_what_is_not_utf8_is_named(file: Path) -> None:
    file.write_bytes(LEAST.encode("utf-16"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(file)


def test_windows_line_ends_and_a_byte_order_mark_are_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert load(file).newsletter.title == "Weekly"


def test_the_outbox_needs_nothing() -> None:
    settings().require_sendable()


def test_a_real_transport_refuses_every_placeholder_in_one_message() -> None:
    text = write_starter(Starter()).replace('# transport = "outbox"', 'transport = "sendgrid"')
    with pytest.raises(SettingsError) as caught:
        settings(least=text).require_sendable()
    for key in (
        "newsletter.title",
        "newsletter.sender",
        "postal_address",
        "base_url",
        "SENDGRID_API_KEY",
    ):
        assert key in str(caught.value)


def test_a_real_transport_takes_what_is_nobodys_placeholder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.x")
    text = 'postal_address = "Lane 7, Graz"\nbase_url = "https://news.my.org"\n'
    settings(f'{text}[sending]\ntransport = "sendgrid"').require_sendable()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", "sending.smtp_host"),
        ('smtp_host = "smtp.my.org"\nsmtp_username = "me"', "SMTP_PASSWORD"),
        ('smtp_host = "smtp.my.org"\nunsubscribe = "sendgrid"', "sending.unsubscribe"),
    ],
)
def test_smtp_says_what_it_misses(more: str, expected: str) -> None:
    found = settings(f'[sending]\ntransport = "smtp"\n{more}')
    with pytest.raises(SettingsError, match=expected):
        found.require_sendable()


def test_keys_are_made_for_their_owner_only_and_never_again(file: Path) -> None:
    keys = load(file).paths.keys
    assert make_keys(keys)
    before = keys.read_bytes()
    assert not make_keys(keys)
    assert keys.read_bytes() == before
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.parent.stat().st_mode) == 0o700
    assert len(load(file).keys()) == 1


def test_missing_keys_lead_to_init(file: Path) -> None:
    with pytest.raises(SettingsError, match="newsletter init"):
        load(file).keys()


def test_a_short_key_is_named_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSLETTER_KEYS", "short")
    with pytest.raises(SettingsError, match=r"NEWSLETTER_KEYS.*32"):
        settings().keys()


def test_keys_that_are_not_text_are_named(file: Path) -> None:
    keys = load(file).paths.keys
    keys.parent.mkdir()
    keys.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not text"):
        load(file).keys()


SECTION = '[[sections]]\nname = "Boats"\n'


def test_a_rule_takes_a_text_or_a_list() -> None:
    rules = settings(
        f'{SECTION}[[rules]]\nsection = "Boats"\nkeyword = "keel"\n'
        'kind = ["video", "repository"]\npoints = 2'
    ).rules
    assert (rules[0].keyword, rules[0].kind) == (("keel",), ("video", "repository"))
    assert (rules[0].domain, rules[0].points) == ((), 2.0)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "it fits nothing; give it a domain, path, keyword or kind"),
        ('kind = "vide"', 'did you mean "video"?'),
        ('keyword = "!"', "has no letter or figure in it"),
        ('keyword = "one two three four five"', "is more than 4 words"),
        ('domain = "https://a.example/b"', "has more than the domain in it"),
        ('path = "blog"', "does not begin with /"),
    ],
)
def test_a_wrong_rule_is_told(rule: str, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        settings(f'{SECTION}[[rules]]\nsection = "Boats"\n{rule}')


def test_a_rule_for_a_heading_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingsError, match=r'rules\[1\]\.section = "Boat".*did you mean "Boats"'):
        settings(f'{SECTION}[[rules]]\nsection = "Boat"\nkeyword = "keel"')


def test_the_classic_layout_brings_its_own_headings() -> None:
    rule = '[[rules]]\nsection = "People"\nkeyword = "hiring"\n'
    assert settings(f'[edit]\nlayout = "people-process-tools"\n{rule}').rules
    with pytest.raises(SettingsError, match="write the name of one of the"):
        settings(rule)


def test_a_sponsor_is_booked_by_date_and_may_send_the_copy_later() -> None:
    [sponsor] = settings('[[sponsors]]\ndate = 2026-11-30\nname = "Ropes"').sponsors
    assert (sponsor.date.isoformat(), sponsor.url, sponsor.text) == ("2026-11-30", "", "")
    with pytest.raises(SettingsError, match=r"sponsors\[1\]\.date.*such as 2026-11-30"):
        settings('[[sponsors]]\ndate = "soon"\nname = "Ropes"')


def test_a_sponsor_may_book_several_days_and_a_day_have_several_sponsors() -> None:
    booked = [("2026-11-30", "Ropes"), ("2026-12-07", "Ropes"), ("2026-11-30", "Knots")]
    slots = [f'[[sponsors]]\ndate = {day}\nname = "{name}"\n' for day, name in booked]
    assert len(settings("".join(slots)).sponsors) == 3


def test_limits_by_kind_are_those_that_are_set() -> None:
    edit = settings("[edit]\nmax_videos = 2\nmax_repositories = 3").edit
    assert edit.max_by_kind() == {"video": 2, "repository": 3}


def _uncommented() -> str:
    """The starter with every default taken as a setting."""
    return "\n".join(
        line[2:] if line.startswith("# ") and _is_setting(line[2:]) else line
        for line in write_starter(Starter()).splitlines()
    )


def _is_setting(line: str) -> bool:
    try:
        return bool(tomllib.loads(line))
    except tomllib.TOMLDecodeError:
        return False


def test_the_starter_shows_every_setting_with_its_default() -> None:
    assert settings(least=_uncommented()) == settings(least=write_starter(Starter()))
    shown = tomllib.loads(_uncommented())
    for name in ("newsletter", "schedule", "gather", "sending", "web", "edit", "database"):
        known = type(getattr(settings(), name)).model_fields
        assert sorted(shown[name]) == sorted(known)
    feeds = settings(least=_uncommented()).feeds
    assert sorted(shown["feeds"][0]) == sorted(type(feeds[0]).model_fields)


def test_the_starter_takes_any_text_as_title() -> None:
    title = 'A "quoted" $title \\ with\x7f'
    text = write_starter(Starter(title=title))
    assert tomllib.loads(text)["newsletter"]["title"] == title
