"""What a mail costs to make: python tests/benchmarks/render.py.

Renders, inlines and checks issues of 30 and 60 entries, after a warm-up, and beside it inlines
the same HTML by premailer as it comes and by css-inline. Median of several runs, in milliseconds
of wall and CPU time. Exits with 1 if a bar is missed: 150 ms for 30 entries, 300 ms for 60.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import css_inline
import premailer

from flows.models import Section
from flows.render import html as rendering
from flows.render import themes
from flows.render.check import check
from flows.render.html import render
from flows.render.inline import inline
from flows.render.sample import SAMPLE, SAMPLE_BRAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.models import Issue

RUNS = 15
WARM_UP = 3
BARS = {30: 150.0, 60: 300.0}


def issue_of(count: int) -> Issue:
    """The sample's stories over and over, with titles and addresses of their own."""
    stories = [entry for entry in SAMPLE.entries if entry.url and not entry.sponsor]
    entries = tuple(
        replace(
            stories[number % len(stories)],
            title=f"{stories[number % len(stories)].title}, part {number}",
            url=f"{stories[number % len(stories)].url}/{number}",
        )
        for number in range(count)
    )
    parts = [entries[start : start + 10] for start in range(0, count, 10)]
    sections = tuple(
        Section(name=f"Part {number}", entries=part) for number, part in enumerate(parts, 1)
    )
    return replace(SAMPLE, sections=sections)


def median(act: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU milliseconds."""
    for _ in range(WARM_UP):
        act()
    walls, used = [], []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        walls.append((time.perf_counter() - wall) * 1000)
        used.append((time.process_time() - cpu) * 1000)
    return statistics.median(walls), statistics.median(used)


def raw(issue: Issue) -> str:
    """The template filled in, its stylesheet not yet in the elements."""
    environment = themes.open_theme(themes.DEFAULT_THEME)
    values = rendering._values(
        issue, SAMPLE_BRAND, theme=themes.DEFAULT_THEME, unsubscribe="-unsubscribe-"
    )
    return themes.fill(environment, themes.HTML, values)


def show(what: str, act: Callable[[], object], note: str = "") -> float:
    wall, cpu = median(act)
    print(f"  {what:42} {wall:>8.1f} {cpu:>8.1f}  {note}")
    return wall


def measure(count: int) -> bool:
    issue = issue_of(count)
    mail = render(issue, SAMPLE_BRAND)
    html = raw(issue)
    print(f"{count} entries, {len(mail.html.encode()):,} bytes of HTML {'wall':>24} {'CPU':>8}")
    bar = BARS[count]
    whole = show(
        "render, inline and check",
        lambda: check(render(issue, SAMPLE_BRAND), SAMPLE_BRAND),
        f"bar {bar:.0f}",
    )
    show("  render and inline", lambda: render(issue, SAMPLE_BRAND))
    show("  check", lambda: check(mail, SAMPLE_BRAND))
    show("inline: ours (premailer, tamed)", lambda: inline(html))
    show("inline: premailer as it comes", lambda: premailer.transform(html, allow_network=False))
    show("inline: css-inline", lambda: css_inline.inline(html))
    return whole <= bar


def main() -> int:
    # premailer as it comes lets cssutils log every value it does not know.
    logging.getLogger("CSSUTILS").setLevel(logging.CRITICAL + 1)
    held = [measure(count) for count in BARS]
    print("All bars are held." if all(held) else "A bar is missed.")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
