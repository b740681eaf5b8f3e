"""`newsletter test`: the very mail to an address of one's own, which counts for nothing."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from flows.cli import newsletter as command
from flows.pipeline import desk
from flows.pipeline.gathering import gather_now
from flows.pipeline.stores import open_store
from flows.store import issues
from flows.store.schema import batches, deliveries, history
from subscribers.tokens import Purpose, read
from tests.newsletters import NOW, STORIES, Newsletter, answering
from tests.sendgrid_server import KEY

if TYPE_CHECKING:
    from email.message import EmailMessage

    from click.testing import Result

    from tests.sendgrid_server import SendGridServer


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    """A newsletter whose first issue is drafted."""
    made = Newsletter(tmp_path).write().tell(*STORIES).subscribe(1)
    gather_now(made.settings, observer=made.watcher)
    desk.draft_now(made.settings, observer=made.watcher, as_of=NOW)
    return made


def send_test(
    newsletter: Newsletter, *arguments: str, to: str = "me@elsewhere.example.com"
) -> Result:
    config = str(newsletter.folder / "newsletter.toml")
    return CliRunner().invoke(command, ["test", *arguments, "--to", to, "--config", config])


def posted(result: Result) -> EmailMessage:
    assert result.exit_code == 0, result.stderr
    return message_from_bytes(Path(result.stdout.strip()).read_bytes(), policy=default)


def link_of(message: EmailMessage) -> str:
    return str(message["List-Unsubscribe"]).strip("<>")


def test_it_is_the_very_mail_but_for_the_recipients_own(newsletter: Newsletter) -> None:
    test = posted(send_test(newsletter, "1"))
    assert newsletter.send(1).verdict == "sent"
    [path] = [path for path in newsletter.mails if "letters" not in path.parts]
    real = message_from_bytes(path.read_bytes(), policy=default)
    own = {"To", "Date", "Message-ID", "List-Unsubscribe", "Content-Type"}
    assert [pair for pair in sorted(test.items()) if pair[0] not in own] == [
        pair for pair in sorted(real.items()) if pair[0] not in own
    ]
    assert set(test.keys()) == set(real.keys())
    for mine, theirs in zip(test.iter_parts(), real.iter_parts(), strict=True):
        text = theirs.get_content().replace(link_of(real), link_of(test))
        assert mine.get_content() == text


def test_its_link_says_that_this_was_a_test(newsletter: Newsletter) -> None:
    link = link_of(posted(send_test(newsletter, "1")))
    token = read(newsletter.settings.keys(), link.rpartition("/")[2])
    assert (token.purpose, token.subscriber_id, token.issue) == (Purpose.TEST, 0, 1)
    with answering(newsletter) as address:
        for method in ("GET", "POST"):
            page = httpx.request(method, f"{address}/u/{link.rpartition('/')[2]}", trust_env=False)
            assert page.status_code == 200
            assert "This was a test" in page.text


def test_it_is_in_no_ledger_and_no_history(newsletter: Newsletter) -> None:
    send_test(newsletter, "1")
    with open_store(newsletter.settings) as engine, engine.connect() as connection:
        for table in (deliveries, batches, history):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
        record = issues.find(engine, 1)
    assert record is not None
    assert record.status == "draft"
    verdict = newsletter.send(1)
    assert (verdict.intended, verdict.accepted) == (1, 1)


def test_a_sent_issue_is_tested_as_it_was_sent(newsletter: Newsletter) -> None:
    newsletter.send(1)
    file = newsletter.settings.paths.issues / "001.md"
    file.write_text(file.read_text().replace('subject = "', 'subject = "Edited '))
    assert "Edited" not in posted(send_test(newsletter, "1"))["Subject"]


def test_an_edit_is_in_the_next_test(newsletter: Newsletter) -> None:
    file = newsletter.settings.paths.issues / "001.md"
    file.write_text(file.read_text().replace('subject = "', 'subject = "Edited '))
    assert posted(send_test(newsletter, "1"))["Subject"].startswith("Edited ")


def test_several_get_one_each_and_nobody_two(newsletter: Newsletter) -> None:
    result = send_test(newsletter, "1", "--json", "--to", "b@example.com", to="b@example.com")
    assert [one["to"] for one in json.loads(result.stdout)] == ["b@example.com"]
    result = send_test(newsletter, "1", "--json", "--to", "a@example.com", to="b@example.com")
    told = json.loads(result.stdout)
    assert [one["to"] for one in told] == ["a@example.com", "b@example.com"]
    assert all(Path(one["id"]).exists() for one in told)


def test_by_sendgrid_it_is_one_request_without_a_fence(
    newsletter: Newsletter, sendgrid_server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    sending = f'transport = "sendgrid"\nsendgrid_host = "{sendgrid_server.url}"'
    newsletter.write(sending=sending)
    assert send_test(newsletter, "1").exit_code == 0
    [body] = sendgrid_server.bodies
    assert "send_at" not in body
    [person] = body["personalizations"]
    assert person["to"] == [{"email": "me@elsewhere.example.com"}]
    assert person["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("arguments", "to", "code", "sentence"),
    [
        (("1",), "nobody", 2, "is no e-mail address"),
        (("7",), "me@example.com", 1, "007.md: there is no such issue"),
        (("0",), "me@example.com", 2, "0 is not in the range"),
    ],
)
def test_what_cannot_be_is_told(
    newsletter: Newsletter, arguments: tuple[str, ...], to: str, code: int, sentence: str
) -> None:
    result = send_test(newsletter, *arguments, to=to)
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr


def test_a_broken_file_is_told_with_its_line_and_nothing_is_posted(
    newsletter: Newsletter,
) -> None:
    file = newsletter.settings.paths.issues / "001.md"
    file.write_bytes(file.read_bytes().replace(b"Caches lie", "Câches lie".encode("latin-1")))
    result = send_test(newsletter, "1")
    assert result.exit_code == 1
    assert "not written in UTF-8" in result.stderr
    assert newsletter.mails == []
