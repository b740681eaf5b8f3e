"""A SendGrid simulator (a program of its own) for the benchmarks, and what its log says."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

ACCEPTED = 202


class Simulator:
    """Serves on loopback while its `with` block lasts; `log` outlives it."""

    def __init__(self, program: str, log: Path, *flags: str) -> None:
        self.log = log
        self._process = subprocess.Popen(
            [sys.executable, program, "--log", str(log), *flags], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{self._process.stdout.readline().split()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def change(self, **settings: Any) -> None:
        """Change what goes wrong from now on."""
        data = json.dumps(settings).encode()
        with urllib.request.urlopen(f"{self.url}/__sim/config", data, timeout=30):  # noqa: S310 - loopback
            pass


def arrived(log: Path) -> Counter[str]:
    """Return how many copies each address gets in the end: cancelled mail never leaves."""
    found: Counter[str] = Counter()
    cancelled = {line["b"] for line in _lines(log) if line["k"] == "c" and line["st"] == "cancel"}
    for line in _lines(log):
        if line["k"] == "a" and line.get("b") not in cancelled:
            found.update(person[0] for person in line["r"])
    return found


def faults(log: Path) -> Counter[str]:
    """Return how often each thing went wrong."""
    found: Counter[str] = Counter()
    for line in _lines(log):
        if line["k"] == "x":
            found[str(line["st"])] += 1
        elif line["k"] == "a" and line["o"] != ACCEPTED:
            found[f"{line['o']} after"] += 1
    return found


def _lines(log: Path) -> Any:
    with log.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
