"""How well, how fast and in how much memory items become stories, beside simpler ways.

    python tests/benchmarks/dedupe.py --pairs FILE
    python tests/benchmarks/dedupe.py --stream 100000 --seed 1 [--stream-maker PATH]
    python tests/benchmarks/dedupe.py --history 100000

FILE has one JSON object a line: {"a": {...}, "b": {...}, "same": bool, "kind": str}. A stream
maker is a script that takes --items, --seed and --out, and writes one JSON object a line with
"cluster" beside feed, guid, url, title, summary and published.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from flows.edit.dedupe import dedupe, remembered
from flows.models import Item
from flows.store.history import SqlHistory, remember
from flows.store.migrations import migrate_all
from subscribers.database import open_database

Line = tuple[int, Item]
Sketch = tuple[int, ...]
Judge = Callable[[Item, Item], bool]
SIMILAR = 0.5
RATIO = 90
BINS = 128
BAND = 4
NEW_ITEMS = 1_000
W3LIB = "w3lib's canonical URL"


def w3lib_canonical() -> Callable[[str], str] | None:
    """Return w3lib's way to spell an address, None if it is not installed."""
    if importlib.util.find_spec("w3lib") is None:
        return None
    canonical: Callable[[str], str] = importlib.import_module("w3lib.url").canonicalize_url
    return canonical


def main() -> None:
    """Print the table that was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--stream", type=int)
    parser.add_argument("--history", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stream-maker", type=Path)
    parser.add_argument("--misses", action="store_true", help="print each pair that we get wrong")
    arguments = parser.parse_args()
    if arguments.pairs:
        measure_pairs(arguments.pairs, misses=arguments.misses)
    if arguments.stream:
        lines = read_stream(arguments.stream, arguments.seed, arguments.stream_maker)
        measure_stream(lines, seed=arguments.seed)
    if arguments.history:
        lines = read_stream(arguments.history, arguments.seed, arguments.stream_maker)
        measure_history(lines)
    if not (arguments.pairs or arguments.stream or arguments.history):
        parser.error("say what to measure: --pairs FILE, --stream N or --history N")


def item(told: dict[str, Any]) -> Item:
    """Return what a line tells as an item; where a guid is missing, the address is one."""
    when = told.get("published")
    published = datetime.fromisoformat(str(when)) if when else None
    if published is not None and published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return Item(
        feed=told.get("feed") or told.get("source") or "",
        guid=told.get("guid") or told["url"],
        url=told["url"],
        title=told["title"],
        summary=told.get("summary") or "",
        source=told.get("source") or "",
        published=published,
    )


def measure_pairs(path: Path, *, misses: bool) -> None:
    """Print precision and recall of each way, real pairs and all, and the share right by kind."""
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    judges: dict[str, Judge] = {
        "ours": lambda one, other: len(dedupe([one, other])) == 1,
        "guid only": lambda one, other: (one.feed, one.guid) == (other.feed, other.guid),
        "exact URL": lambda one, other: one.url == other.url,
        "title ratio 90": lambda one, other: fuzz.ratio(_folded(one), _folded(other)) >= RATIO,
        "MinHash 0.5": lambda one, other: _alike(_sketch(one), _sketch(other)),
    }
    if canonical := w3lib_canonical():
        judges[W3LIB] = lambda one, other: canonical(one.url) == canonical(other.url)
    else:
        print(f"{W3LIB}: skipped, w3lib is not installed")
    print(f"{'':24}{'real P':>8}{'real R':>8}{'real F1':>9}{'all P':>8}{'all R':>8}{'all F1':>9}")
    answers = {}
    for name, judge in judges.items():
        answers[name] = [judge(item(pair["a"]), item(pair["b"])) for pair in pairs]
        real = _scores(pairs, answers[name], real=True)
        print(f"{name:24}{_row(real)}{_row(_scores(pairs, answers[name], real=False))}")
    _print_kinds(pairs, answers)
    if misses:
        for pair, answer in zip(pairs, answers["ours"], strict=True):
            if answer != pair["same"]:
                print(f"{pair['id']} {pair['kind']}: {pair['a']['title']} | {pair['b']['title']}")


def _folded(told: Item) -> str:
    return told.title.casefold()


def _sketch(told: Item) -> Sketch:
    """Return the least hash in each bin; an empty one borrows from its neighbour."""
    words = re.findall(r"\w+", f"{told.title} {told.summary}".casefold())
    bins = [-1] * BINS
    for at in range(max(1, len(words) - 2)):
        value = zlib.crc32(" ".join(words[at : at + 3]).encode(errors="replace"))
        place, rest = value % BINS, value // BINS
        if bins[place] < 0 or rest < bins[place]:
            bins[place] = rest
    filled = []
    for at in range(BINS):
        step = next(step for step in range(BINS) if bins[(at + step) % BINS] >= 0)
        # The distance keeps two borrowers apart (Shrivastava and Li, 2014).
        filled.append(bins[(at + step) % BINS] + step * 2**32)
    return tuple(filled)


def _alike(one: Sequence[int], other: Sequence[int]) -> bool:
    return sum(a == b for a, b in zip(one, other, strict=True)) >= SIMILAR * BINS


def _scores(
    pairs: Sequence[dict[str, Any]], answers: Sequence[bool], *, real: bool
) -> tuple[float, float]:
    counted = Counter(
        (bool(pair["same"]), answer)
        for pair, answer in zip(pairs, answers, strict=True)
        if not (real and pair["kind"].startswith("synthetic"))
    )
    right = counted[True, True]
    precision = right / max(1, right + counted[False, True])
    return precision, right / max(1, right + counted[True, False])


def _row(scores: tuple[float, float]) -> str:
    precision, recall = scores
    together = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return f"{precision:8.3f}{recall:8.3f}{together:9.3f}"


def _print_kinds(pairs: Sequence[dict[str, Any]], answers: dict[str, list[bool]]) -> None:
    right: dict[str, Counter[str]] = defaultdict(Counter)
    for index, pair in enumerate(pairs):
        right[pair["kind"]]["pairs"] += 1
        for name, given in answers.items():
            right[pair["kind"]][name] += given[index] == pair["same"]
    names = list(answers)
    print(
        f"\n{'share right, by kind':34}{'pairs':>6}" + "".join(f"{name[:13]:>14}" for name in names)
    )
    for kind, counted in sorted(right.items()):
        shares = "".join(f"{counted[name] / counted['pairs']:14.2f}" for name in names)
        print(f"{kind:34}{counted['pairs']:6}{shares}")


def read_stream(count: int, seed: int, maker: Path | None) -> list[Line]:
    """Return the lines of a stream, from our own generator or from a script."""
    if maker is None:
        return make_stream(count, seed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "stream.jsonl"
        command = [sys.executable, str(maker), "--items", str(count), "--seed", str(seed)]
        subprocess.run([*command, "--out", str(out)], check=True)
        with out.open(encoding="utf-8") as lines:
            return [(told["cluster"], item(told)) for told in map(json.loads, lines)]


def measure_stream(lines: Sequence[Line], *, seed: int) -> None:
    """Print pair precision and recall, time and memory for each way of grouping a stream."""
    clusters = [cluster for cluster, _ in lines]
    items = [told for _, told in lines]
    print(f"\nstream of {len(items)} items, seed {seed}: {len(set(clusters))} true stories")
    print(f"{'':24}{'pair P':>8}{'pair R':>8}{'F1':>9}{'stories':>9}{'CPU s':>8}{'MB':>6}")
    ways: dict[str, Callable[[Sequence[Item]], list[list[int]]]] = {
        "ours": _group_ours,
        "guid only": lambda told: _group(told, lambda one: (one.feed, one.guid)),
        "exact URL": lambda told: _group(told, lambda one: one.url),
        "MinHash 0.5": _group_minhash,
    }
    if canonical := w3lib_canonical():
        ways[W3LIB] = lambda told: _group(told, lambda one: canonical(one.url))
    for name, way in ways.items():
        began = time.process_time()
        groups = way(items)
        spent = time.process_time() - began
        scores = _row(_cluster_scores(groups, clusters))
        print(f"{name:24}{scores}{len(groups):9}{spent:8.1f}{_megabytes():6}")
    pairs = len(items) * (len(items) - 1) // 2
    print(f"title ratio 90: not run, it compares all {pairs:.0e} pairs")


def _group_ours(items: Sequence[Item]) -> list[list[int]]:
    indexes: dict[int, int] = {id(told): index for index, told in enumerate(items)}
    return [[indexes[id(told)] for told in story.items] for story in dedupe(items)]


def _group(items: Sequence[Item], key: Callable[[Item], Hashable]) -> list[list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, told in enumerate(items):
        groups[key(told)].append(index)
    return list(groups.values())


def _group_minhash(items: Sequence[Item]) -> list[list[int]]:
    parents = list(range(len(items)))
    first: dict[Hashable, int] = {}
    sketches = [array("q", _sketch(told)) for told in items]
    for index, values in enumerate(sketches):
        for start in range(0, BINS, BAND):
            band = values[start : start + BAND].tobytes()
            other = first.setdefault((start, band), index)
            mine, theirs = _root(parents, index), _root(parents, other)
            if mine != theirs and _alike(values, sketches[other]):
                parents[mine] = theirs
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(items)):
        groups[_root(parents, index)].append(index)
    return list(groups.values())


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _cluster_scores(
    groups: Iterable[Sequence[int]], clusters: Sequence[int]
) -> tuple[float, float]:
    joined = right = 0
    for group in groups:
        joined += _pairs(len(group))
        right += sum(_pairs(count) for count in Counter(clusters[at] for at in group).values())
    true = sum(_pairs(count) for count in Counter(clusters).values())
    return right / max(1, joined), right / max(1, true)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _megabytes() -> int:
    """Return the most memory this process has held; Linux' ru_maxrss has its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE)
        return int(peak[1]) // 1024 if peak else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure_history(lines: Sequence[Line]) -> None:
    """Print how long the newest items take against a history of all the others on disk."""
    past, new = lines[:-NEW_ITEMS], lines[-NEW_ITEMS:]
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/newsletter.db")
        migrate_all(engine)
        began = time.monotonic()
        # Twenty stories an issue, as a newsletter has.
        remember(
            engine, (remembered(told, issue=at // 20 + 1) for at, (_, told) in enumerate(past))
        )
        wrote = time.monotonic() - began
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
        print(f"\nhistory of {len(past)} items: remembered in {wrote:.1f} s, {size:.0f} MB on disk")
        engine.dispose()
        known = {cluster for cluster, _ in past}
        told = [(cluster in known, item) for cluster, item in new]
        # In a process of its own, as a weekly run is: this one has held the whole archive.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(_look_up, (folder, told))


def _look_up(folder: str, new: Sequence[tuple[bool, Item]]) -> None:
    """Print what looking up `new` items takes; each says whether its story ran before."""
    engine = open_database(f"sqlite:///{folder}/newsletter.db")
    before, began, used = _megabytes(), time.monotonic(), time.process_time()
    stories = dedupe([told for _, told in new], history=SqlHistory(engine))
    spent, used = time.monotonic() - began, time.process_time() - used
    engine.dispose()
    ran = {id(told): ran for ran, told in new}
    told_before = Counter(
        (any(ran[id(told)] for told in story.items), story.ran_in is not None) for story in stories
    )
    print(
        f"{len(new)} new items in a fresh process: {spent:.2f} s ({used:.2f} s of CPU); memory "
        f"{before} MB before, {_megabytes()} MB at most"
    )
    print(
        f"{len(stories)} stories: {told_before[True, True]} ran before and are held, "
        f"{told_before[True, False]} are not noticed, {told_before[False, True]} wrongly held",
        flush=True,
    )


_WORDS = "bace dofu gaki lomu nepa riso tuve waxi yozu braq clem drof flin gnot".split()
_TOOLS = "Kubernetes Terraform Postgres Kafka Nomad Vault Redis Envoy Flux Cilium".split()
_ABOUT = "caching tracing routing backups quotas rollouts secrets queues metrics".split()
_MEANS = "in anger|at night|on one node|after a fire|without a budget|for two teams".split("|")
_SENTENCES = (
    "{name} lost a day to {about} and wrote down how.",
    "The numbers are from {count} services that run {tool} {means}.",
    "What helped in the end was to leave {about} alone for {count} days.",
    "{tool} has {count} settings for it, of which two matter to {name}.",
    "Half of the trouble came from {about} that nobody had asked for {means}.",
    "The old set-up of {name} needed {count} people to keep it going.",
)


def make_stream(count: int, seed: int) -> list[Line]:
    """Return made-up items by date, each with its true story's number; three in ten are copies."""
    chance = random.Random(seed)  # noqa: S311 - made-up items, nothing secret
    sites = [f"{_name(chance).lower()}{index}.example" for index in range(300)]
    lines: list[Line] = []
    story = 0
    while len(lines) < count:
        for original in _series(chance, chance.choice(sites), name=_unique_name(story)):
            story += 1
            lines.append((story, original))
            while chance.random() < 0.3:
                lines.append((story, _copy(chance, original, chance.choice(sites))))
    return sorted(lines[:count], key=lambda line: (str(line[1].published), line[0]))


def _series(chance: random.Random, site: str, *, name: str) -> list[Item]:
    """Return one piece, or three that differ by their number."""
    tool, about = chance.choice(_TOOLS), chance.choice(_ABOUT)
    day = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 360))
    titles = [f"{name}: {tool} {about} {chance.choice(_MEANS)}"]
    if chance.random() < 0.3:
        form = chance.choice(
            ("{name} {tool} 2.{n}.0 released", "{tool} {about} at {name}, part {n}")
        )
        titles = [form.format(name=name, tool=tool, about=about, n=n) for n in (1, 2, 3)]
    told = " ".join(chance.sample(_SENTENCES, chance.randrange(2, 5))).format(
        name=name,
        tool=tool,
        about=about,
        means=chance.choice(_MEANS),
        count=chance.randrange(3, 90),
    )
    form = chance.choice(("blog/{slug}", "{n}/{slug}/", "?p={n}"))
    items = []
    for week, title in enumerate(titles):
        path = form.format(slug=_slug(title), n=chance.randrange(10**6))
        url = f"https://{site}/{path}"
        when = day + timedelta(weeks=week)
        items.append(Item(feed=site, guid=url, url=url, title=title, summary=told, published=when))
    return items


def _copy(chance: random.Random, told: Item, site: str) -> Item:
    number = chance.randrange(10**9)
    mark = "&" if "?" in told.url else "?"
    slug = _slug(told.title)
    cue = "This post was originally published elsewhere."
    copies = (
        replace(told, url=f"{told.url}{mark}utm_source=rss&fbclid=Iw{number}"),
        replace(told, url=told.url.replace("https://", "http://www.")),
        replace(told, title=f"Updated: {told.title}, explained"),
        replace(told, url=f"https://links.example.net/c/{number:x}7"),
        replace(told, url=f"https://{told.feed}/new/{slug}/"),
        replace(
            told,
            feed=site,
            url=f"https://{site}/{slug}-{number:x}",
            summary=f"{cue} {told.summary}",
        ),
    )
    later = (told.published or datetime.now(UTC)) + timedelta(hours=chance.choice((0, 3, 30, 480)))
    return replace(chance.choice(copies), guid=f"tag:{number}", published=later)


def _name(chance: random.Random) -> str:
    return "".join(chance.choices(_WORDS, k=chance.randrange(2, 4))).title()


def _unique_name(number: int) -> str:
    """Return the name of a product that no other story has: two of one title would be one story."""
    # A prime, so that names that follow each other look nothing alike.
    number = number * 7919 % len(_WORDS) ** 5
    words = []
    for _ in range(5):
        number, index = divmod(number, len(_WORDS))
        words.append(_WORDS[index])
    return "".join(words).title()


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


if __name__ == "__main__":
    main()
