"""What SpamAssassin makes of our mails: python tests/benchmarks/spam.py [--issue FILE.md …].

Renders the sample (and each issue file named), in both themes, as the message one reader would
get, and scores it offline with SpamAssassin's local rules: no DNS, no lists, no learning. The bar
is 0.5 of 5.0. A score here is a floor: who sends, and what people make of it, count for more.
Says "skipped" where SpamAssassin is not installed (apt-get install spamassassin).
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

from flows.deliver.message import as_bytes, build
from flows.edit.issue_file import read
from flows.render.html import render
from flows.render.sample import SAMPLE, SAMPLE_BRAND, SAMPLE_RECIPIENT
from flows.render.themes import names

if TYPE_CHECKING:
    from flows.models import Issue

BAR = 0.5
PROGRAM = "spamassassin"
OFFLINE = ("use_bayes 0", "use_auto_whitelist 0", "dns_available no", "skip_rbl_checks 1")


def message(issue: Issue, theme: str) -> bytes:
    built = build(
        render(issue, SAMPLE_BRAND, theme=theme),
        SAMPLE_RECIPIENT,
        date=datetime.now(UTC),
        message_id_domain="harbour.example.org",
        list_unsubscribe=True,
    )
    return as_bytes(built)


def score(data: bytes) -> tuple[float, str]:
    """Return the score, and the rules that made it."""
    options = [f"--cf={line}" for line in OFFLINE]
    result = subprocess.run(
        [shutil.which(PROGRAM) or PROGRAM, "--local", "--prefspath=/dev/null", *options],
        input=data,
        capture_output=True,
        check=True,
    )
    status = " ".join(str(message_from_bytes(result.stdout)["X-Spam-Status"]).split())
    found = re.search(r"score=(-?[\d.]+)", status)
    tests = re.search(r"tests=(.*?)(?: autolearn| version|$)", status)
    assert found is not None, status
    return float(found[1]), tests[1] if tests else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issue", type=Path, action="append", default=[], metavar="FILE.md")
    options = parser.parse_args()
    if shutil.which(PROGRAM) is None:
        print("skipped: SpamAssassin is not installed (apt-get install spamassassin)")
        return 0
    issues = {"sample": SAMPLE}
    issues |= {str(path): read(path.read_text("utf-8"), path=path) for path in options.issue}
    worst = 0.0
    for name, issue in issues.items():
        for theme in names():
            found, tests = score(message(issue, theme))
            worst = max(worst, found)
            print(f"{name}, {theme}: {found:.1f} of 5.0  {tests}")
    print(f"The bar of {BAR} is {'held' if worst <= BAR else 'missed'}.")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
