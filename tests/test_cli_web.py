"""`newsletter web` as a process: it says where it serves, and ends in peace."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from flows.cli import newsletter
from flows.cli.web import address, listen
from flows.errors import NewsletterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = """\
[newsletter]
title = "Rocks and Rivers"
sender = "Rocks and Rivers <news@rivers.example>"
base_url = "http://127.0.0.1:8080/news"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEWSLETTER_KEYS", "a-key-for-tests-only-" * 2)
    file = tmp_path / "newsletter.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


@pytest.fixture
def process(config: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "web"]
    with subprocess.Popen(
        [*command, "--port", "0", "--config", str(config)], stderr=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_serves_and_ends_when_asked(
    process: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"on (http://127\.0\.0\.1:\d+), for http://127\.0\.0\.1:8080/news", line)
    assert found, line
    assert httpx.get(f"{found[1]}/news/healthz", trust_env=False).text == "ok"
    process.send_signal(number)
    assert process.wait(20) == 0
    assert process.stderr.read().endswith("Stopped.\n")


def test_a_port_in_use_is_one_sentence(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(
            newsletter, ["web", "--port", port, "--config", str(config)], catch_exceptions=False
        )
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in result.stderr


def test_a_host_that_is_not_here_is_one_sentence() -> None:
    with pytest.raises(NewsletterError, match="no address of this machine"):
        listen("not a host", 0)


def test_an_address_of_the_new_kind_is_shown_in_brackets() -> None:
    try:
        listener = listen("::1", 0)
    except NewsletterError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert address(listener).startswith("http://[::1]:")


def test_missing_keys_are_a_matter_of_settings(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEWSLETTER_KEYS")
    result = CliRunner().invoke(newsletter, ["web", "--config", str(config)])
    assert result.exit_code == 2
    assert "signing keys are missing" in result.stderr
