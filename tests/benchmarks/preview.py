"""How long an editor waits: python tests/benchmarks/preview.py.

On an issue of 30 entries: `newsletter check` with its imports (bar 1.5 s), `newsletter preview`
until its page is there, and from a save to the new words on the screen (bar 0.5 s), in Chromium
where it is installed, else until the new mail is served. Medians, in milliseconds of wall time,
and the CPU time of the command. Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from flows.edit.issue_file import write
from flows.models import Section
from flows.render.sample import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.models import Issue

ENTRIES = 30
RUNS = 7
BARS = {"check": 1500.0, "save to screen": 500.0}
NUMBER = "42"
TITLE = re.compile(r"part 0[^\]]*\]")
COMMAND = [sys.executable, "-m", "flows.cli"]


def issue() -> Issue:
    """The sample's stories over and over, with titles and addresses of their own."""
    stories = [entry for entry in SAMPLE.entries if entry.url]
    entries = tuple(
        replace(
            stories[number % len(stories)],
            title=f"{stories[number % len(stories)].title}, part {number}",
            url=f"{stories[number % len(stories)].url}/{number}",
        )
        for number in range(ENTRIES)
    )
    return replace(SAMPLE, sections=(Section(name="All", entries=entries),), left_over=entries)


def newsletter(folder: Path) -> Path:
    """Make a newsletter with one issue; return the issue's file."""
    told = {
        "--title": "Benchmark Weekly",
        "--sender": "Benchmark <weekly@news.example.com>",
        "--postal-address": "1 Bench Street",
        "--base-url": "https://news.example.com",
    }
    options = [part for option in told.items() for part in option]
    subprocess.run([*COMMAND, "init", *options], cwd=folder, check=True, capture_output=True)
    file = folder / "issues" / f"{NUMBER.zfill(3)}.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(write(issue()), encoding="utf-8")
    return file


def show(what: str, walls: list[float], *, cpu: float | None = None) -> bool:
    wall = statistics.median(walls)
    bar = BARS.get(what)
    used = f"{cpu:8.0f}" if cpu is not None else " " * 8
    wanted = f"  bar {bar:.0f}" if bar else ""
    print(f"{what:34}{wall:8.0f}{min(walls):8.0f}{max(walls):8.0f}{used}{wanted}")
    return bar is None or wall <= bar


def timed(act: Callable[[], object]) -> tuple[list[float], float]:
    """Return the wall time of each run, and the median CPU time of its children."""
    walls, used = [], []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        act()
        walls.append((time.perf_counter() - start) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    return walls, statistics.median(used)


@contextmanager
def previewing(folder: Path) -> Iterator[str]:
    command = [*COMMAND, "preview", NUMBER]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        yield found[0]
        process.terminate()


def first_page(folder: Path) -> None:
    with previewing(folder) as url:
        httpx.get(url, trust_env=False).raise_for_status()


def saves(file: Path) -> Iterator[str]:
    """Save the file with another title each time, and yield the title."""
    for number in range(RUNS + 1):
        title = f"part 0 saved for the {number}th time"
        text = file.read_text(encoding="utf-8")
        file.write_text(TITLE.sub(f"{title}]", text, count=1), encoding="utf-8")
        yield title


def by_browser(url: str, file: Path) -> list[float]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is installed

    walls = []
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.goto(url)
        mail = page.frame_locator("iframe.desk")
        mail.locator("h3").first.wait_for()
        for title in saves(file):
            start = time.perf_counter()
            mail.get_by_text(title).wait_for()
            walls.append((time.perf_counter() - start) * 1000)
            page.wait_for_timeout(300)
        browser.close()
    return walls[1:]


def by_server(url: str, file: Path) -> list[float]:
    walls = []
    with httpx.Client(base_url=url, trust_env=False) as client:
        word = client.get("/changes", params={"since": ""}).text
        for title in saves(file):
            start = time.perf_counter()
            word = client.get("/changes", params={"since": word}, timeout=30).text
            assert title in client.get("/light.html").text
            walls.append((time.perf_counter() - start) * 1000)
    return walls[1:]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = newsletter(folder)
        check = [*COMMAND, "check", NUMBER]
        print(f"{'milliseconds':34}{'median':>8}{'least':>8}{'most':>8}{'CPU':>8}")
        walls, cpu = timed(
            lambda: subprocess.run(check, cwd=folder, capture_output=True, check=False)
        )
        held = [show("check", walls, cpu=cpu)]
        walls, cpu = timed(lambda: first_page(folder))
        show("preview, until the page is there", walls, cpu=cpu)
        with previewing(folder) as url:
            show("save to served mail", by_server(url, file))
            if shutil.which("chromium"):
                held.append(show("save to screen", by_browser(url, file)))
    print("All bars are held." if all(held) else "A bar is missed.")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
