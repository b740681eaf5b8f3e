"""How well headings are guessed: python tests/benchmarks/sections.py --labelled FILE.

FILE has a JSON object a line, with title, url, section (People, Process or Tools), blurb and issue.
Prints accuracy, macro F1 and the F1 of each heading: of the majority, of the rules that come with
the layout "people-process-tools" on the older and the newer half of the issues, and, with
scikit-learn, of what `newsletter sections train` learns, in folds in the order of time. With
`--train OLDER` it learns from that file and guesses FILE's instead.

The rules were written on the issues before 118 of DevOps'ish; what is later is news to them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from flows.edit.classifier import Example, best, features, glimpse
from flows.edit.rules import people_process_tools, place
from flows.models import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADINGS = ("People", "Process", "Tools")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labelled", type=Path, required=True)
    parser.add_argument("--train", type=Path, help="learn from this file, guess the other's")
    options = parser.parse_args()
    rows = read(options.labelled)
    middle = rows[len(rows) // 2][0]
    older = [example for issue, example in rows if issue < middle]
    newer = [example for issue, example in rows if issue >= middle]
    print(f"{len(rows):,} entries; the newer half begins with issue {middle}")
    print(f"{'':34} {'accuracy':>8} {'macro F1':>8}   {'   '.join(HEADINGS)}")
    majority = Counter(example.section for example in older).most_common(1)[0][0]
    row("majority, newer half", [(one.section, majority) for one in newer])
    started = time.process_time()
    row("rules, older half", ruled(older))
    row("rules, newer half", ruled(newer))
    row("rules, all", ruled([*older, *newer]))
    spent = (time.process_time() - started) / (2 * len(rows))
    print(f"rules take {spent * 1e6:,.0f} µs of CPU time an entry")
    learned([example for _, example in rows], options.train)


def read(path: Path) -> list[tuple[str, Example]]:
    """Return the examples with their issues, in the order of time."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        example = Example(
            title=values["title"],
            url=values["url"],
            section=values["section"],
            text=values.get("blurb", ""),
        )
        found.append((str(values.get("issue", "")), values.get("position", 0), example))
    found.sort(key=lambda one: one[:2])
    return [(issue, example) for issue, _, example in found]


def item(example: Example) -> Item:
    return Item(feed="", guid="", url=example.url, title=example.title, summary=example.text)


def ruled(examples: Sequence[Example]) -> list[tuple[str, str]]:
    rules = people_process_tools()
    found = ((example.section, place(item(example), rules)) for example in examples)
    return [(section, guessed.section if guessed else "") for section, guessed in found]


def row(name: str, pairs: Sequence[tuple[str, str]]) -> None:
    accuracy = sum(one == other for one, other in pairs) / max(1, len(pairs))
    each = [f1(heading, pairs) for heading in HEADINGS]
    shown = "  ".join(f"{one:>6.3f}" for one in each)
    print(f"{name:34} {accuracy:>8.3f} {sum(each) / len(each):>8.3f}   {shown}")


def f1(heading: str, pairs: Sequence[tuple[str, str]]) -> float:
    hits = sum(1 for section, found in pairs if section == found == heading)
    told = sum((section == heading) + (found == heading) for section, found in pairs)
    return 2 * hits / told if told else 0.0


def learned(examples: Sequence[Example], older: Path | None) -> None:
    try:
        from flows.edit.training import train  # noqa: PLC0415 - scikit-learn is an extra
    except ImportError:
        print("classifier: left out, because scikit-learn is not installed")
        return
    wall, used = time.perf_counter(), time.process_time()
    trained = train([example for _, example in read(older)] if older else examples)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    print(f"classifier: trained and measured in {wall:.1f} s ({used:.1f} s of CPU time)")
    for number, fold in enumerate(trained.folds, start=1):
        print(
            f"{f'classifier, fold {number} in time':34} {fold.accuracy:>8.3f} {fold.macro_f1:>8.3f}"
        )
    if trained.measured:
        found = trained.measured
        print(
            f"{'classifier, all folds':34} {found.accuracy:>8.3f} {found.macro_f1:>8.3f}"
            f"   sure of {found.share:.0%}, right in {found.precision:.0%} of those"
        )
    if older and trained.model:
        told = [(one.section, item(one)) for one in examples]
        guesses = [
            (section, best(trained.model, features(found, glimpse(found))))
            for section, found in told
        ]
        pairs = [(section, guess.section if guess else "") for section, guess in guesses]
        row(f"classifier learned from {older.name}", pairs)


if __name__ == "__main__":
    main()
