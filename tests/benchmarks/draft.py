"""What a draft of many stored items costs: python tests/benchmarks/draft.py [--items 5000].

Stores made-up items of forty feeds, a tenth of them told twice, and drafts an issue from them by
the starter's rules, in each layout, then again over the file that stands; the whole command, its
start included; and the naive way, with nothing read before somebody drafts. Each in a process of
its own. Wall and CPU seconds; the bar is 2 s for the draft of 5,000 items. The first line is a
plain loop, to hold machines against each other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.models import Item, Kind
from flows.pipeline import desk
from flows.pipeline.gists import read_ahead
from flows.pipeline.observer import LogObserver
from flows.pipeline.stores import open_store
from flows.settings import load
from flows.settings.keys import make_keys
from flows.settings.starter import Starter, write_starter
from flows.store.items import save_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.settings import Settings

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
FEEDS = 40
spawned = multiprocessing.get_context("spawn")
WORDS = (
    "cluster drain harbour rope ledger kernel tracing budget incident hiring deploy shard cache "
    "certificate quorum replica rollout namespace webhook gateway container image registry scanner "
    "policy runbook pager culture review manager team latency queue schema migration index backup "
    "snapshot volume storage network mesh proxy terminal shell editor parser compiler release "
    "vulnerability patch audit secret rotation scheduler autoscaler controller operator observer"
).split()


def made(number: int) -> Item:
    feed = number % FEEDS
    if number % 10 == 0 and number >= FEEDS:
        number, feed = number - 7, (feed + 1) % FEEDS
    chance = random.Random(number)  # noqa: S311 - made-up stories, the same each time
    title = " ".join(chance.sample(WORDS, 7)).capitalize()
    text = " ".join(f"{' '.join(chance.sample(WORDS, 12)).capitalize()}." for _ in range(30))
    kind = Kind.VIDEO if number % 17 == 0 else Kind.ARTICLE
    return Item(
        feed="",
        guid=f"{feed}-{number}",
        url=f"https://blog{number % FEEDS}.example.org/{number}/{'-'.join(title.lower().split())}",
        title=title,
        summary=text[:200],
        content=f"<p>{text}</p>",
        source=f"Blog {number % FEEDS}",
        published=NOW - timedelta(minutes=2 * number % 9000),
        kind=kind,
    )


@contextmanager
def timed(stage: str) -> Iterator[None]:
    wall, used = time.perf_counter(), sum(os.times()[:4])
    yield
    wall, used = time.perf_counter() - wall, sum(os.times()[:4]) - used
    print(f"{stage:62} {wall:>8.2f} {used:>8.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5_000)
    options = parser.parse_args()
    print(f"{'':62} {'wall s':>8} {'CPU s':>8}")
    with timed("a loop of ten million steps"):
        sum(number * number for number in range(10_000_000))
    for layout in ("topics", "people-process-tools", "flat"):
        os.environ["NEWSLETTER_EDIT__LAYOUT"] = layout
        for ahead in (False, True):
            with tempfile.TemporaryDirectory() as folder, spawned.Pool(1) as process:
                process.apply(measure, (Path(folder), options.items, layout, ahead))


def measure(folder: Path, count: int, layout: str, ahead: bool) -> None:  # noqa: FBT001 - as a process gets it
    """Print what a draft takes, with the items read before or not."""
    settings = newsletter(folder)
    gathered(settings, count, ahead=ahead)
    other = shutil.copytree(folder, folder / "other")
    how = "ours" if ahead else "naive, nothing read ahead"
    with timed(f"draft of {count:,} items, {layout}, {how}"):
        _, drafted = desk.draft_now(settings, observer=LogObserver(), as_of=NOW)
    if ahead:
        with timed("  again, over the file that stands"):
            desk.draft_now(settings, observer=LogObserver(), as_of=NOW)
        with timed("  newsletter draft, from its start to its end"):
            command = [sys.executable, "-m", "flows.cli", "draft", "--as-of", NOW.isoformat()]
            subprocess.run(command, cwd=other, check=True, stderr=subprocess.DEVNULL)
        print(f"  {drafted.stories:,} stories, {len(drafted.issue.entries)} entries", flush=True)


def newsletter(folder: Path) -> Settings:
    file = folder / "newsletter.toml"
    starter = write_starter(Starter())
    head = starter[: starter.index("[[feeds]]")]
    feeds = "".join(
        f'[[feeds]]\nurl = "https://blog{n}.example.org/feed"\nname = "Feed {n}"\n'
        for n in range(FEEDS)
    )
    file.write_text(head + feeds, encoding="utf-8")
    make_keys(folder / ".newsletter" / "keys")
    return load(file)


def gathered(settings: Settings, count: int, *, ahead: bool) -> None:
    told: defaultdict[int, list[Item]] = defaultdict(list)
    for number in range(count):
        item = made(number)
        told[int(item.guid.partition("-")[0])].append(item)
    with open_store(settings) as engine:
        for feed, items in told.items():
            save_items(engine, f"https://blog{feed}.example.org/feed", items, now=NOW)
        if ahead:
            # As each gathering does when it has stored what is new.
            with timed("reading ahead, at the gathering"):
                read_ahead(settings, engine, now=NOW)


if __name__ == "__main__":
    main()
