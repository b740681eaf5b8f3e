"""Learns headings from past issues, and measures itself as time goes by: past foretells later.

The only module that needs scikit-learn (the extra `classifier`); nothing imports it but
`newsletter sections train` and the benchmark.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import ComplementNB

from flows.edit.classifier import Example, Guess, Model, best, features
from flows.models import Item
from flows.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FOLDS = 5
LEAST_EXAMPLES = 200
# Under a heading with fewer there is nothing to learn.
LEAST_OF_HEADING = 20
# So often a guess that counts must have been right.
PRECISION = 0.85
_SMOOTHING = 0.3
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What guesses were worth on later issues than those learned from.

    `share` is how many of them counted as sure, and `precision` how many of these were right.
    """

    accuracy: float
    macro_f1: float
    share: float = 0.0
    precision: float = 0.0
    sure: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model and how it did; without `model` the `problem` says why there is none."""

    model: Model | None = None
    measured: Measured | None = None
    folds: tuple[Measured, ...] = ()
    examples: int = 0
    headings: tuple[str, ...] = ()
    problem: str = ""


def train(examples: Sequence[Example]) -> Trained:
    """Return a model of the examples, which are in the order of their issues."""
    counts = Counter(example.section for example in examples)
    headings = tuple(sorted(name for name, count in counts.items() if count >= LEAST_OF_HEADING))
    kept = [example for example in examples if example.section in headings]
    if len(kept) < LEAST_EXAMPLES or len(headings) < 2:  # noqa: PLR2004 - of one there is no choice
        problem = (
            f"{counted(len(kept), 'entry')} under {counted(len(headings), 'heading')} are too few "
            f"to learn from: {LEAST_EXAMPLES} under two headings are the least; until then rules "
            "do better"
        )
        return Trained(examples=len(kept), headings=headings, problem=problem)
    told = [_features(example) for example in kept]
    folds = list(_folds(told, [example.section for example in kept]))
    later = [pair for fold in folds for pair in fold]
    measured = measure(later)
    found = Trained(
        measured=measured,
        folds=tuple(map(measure, folds)),
        examples=len(kept),
        headings=headings,
    )
    if not measured.share:
        problem = f"no guess was right in {PRECISION:.0%} of cases; rules do better"
        return _with(found, problem=problem)
    model = _fitted(told, [example.section for example in kept], measured)
    return _with(found, model=model)


def _with(found: Trained, *, model: Model | None = None, problem: str = "") -> Trained:
    return Trained(
        model=model,
        measured=found.measured,
        folds=found.folds,
        examples=found.examples,
        headings=found.headings,
        problem=problem,
    )


def _features(example: Example) -> dict[str, float]:
    item = Item(feed="", guid="", url=example.url, title=example.title)
    return features(item, example.text)


def _folds(
    told: Sequence[dict[str, float]], sections: Sequence[str]
) -> Iterator[list[tuple[str, Guess | None]]]:
    """Yield, for each later part, its headings and what all before it had guessed."""
    size = len(told) / (FOLDS + 1)
    for number in range(1, FOLDS + 1):
        start, end = round(size * number), round(size * (number + 1))
        if len(set(sections[:start])) < 2:  # noqa: PLR2004 - of one there is no choice
            continue
        model = _fitted(told[:start], sections[:start], None)
        yield [
            (section, best(model, found))
            for section, found in zip(sections[start:end], told[start:end], strict=True)
        ]


def _fitted(
    told: Sequence[dict[str, float]], sections: Sequence[str], measured: Measured | None
) -> Model:
    often = Counter(name for found in told for name in found)
    vectors = DictVectorizer()
    # What was seen once says nothing yet, and is most of the file.
    counts: Any = vectors.fit_transform(
        {name: value for name, value in found.items() if often[name] > 1} for found in told
    )
    rarity = TfidfTransformer().fit(counts)
    bayes = ComplementNB(alpha=_SMOOTHING).fit(rarity.transform(counts), sections)
    rows = zip(vectors.feature_names_, rarity.idf_, bayes.feature_log_prob_.T, strict=True)
    weights = {
        str(name): (round(float(idf), _DIGITS), *(round(float(one), _DIGITS) for one in says))
        for name, idf, says in rows
    }
    return Model(
        headings=tuple(map(str, bayes.classes_)),
        weights=weights,
        sure=measured.sure if measured else 0.0,
        precision=measured.precision if measured else 0.0,
    )


def measure(guessed: Iterable[tuple[str, Guess | None]]) -> Measured:
    """Return how good guesses were, and from which lead on they are right often enough."""
    told = list(guessed)
    pairs = [(section, found.section if found else "") for section, found in told]
    leads = [(found.lead, section == found.section) for section, found in told if found]
    sure, sured, right = _sure(leads)
    return Measured(
        accuracy=sum(one == other for one, other in pairs) / len(pairs),
        macro_f1=macro_f1(pairs),
        share=sured / len(pairs),
        precision=right / sured if sured else 0.0,
        sure=sure,
    )


def _sure(leads: Iterable[tuple[float, bool]]) -> tuple[float, int, int]:
    """Return the least lead from which on guesses are right often enough, how many, and rights.

    Guesses with the same lead count together or not at all.
    """
    best = (0.0, 0, 0)
    count = right = 0
    ordered = sorted(leads, key=itemgetter(0), reverse=True)
    for lead, same in groupby(ordered, key=itemgetter(0)):
        hits = [is_right for _, is_right in same]
        count, right = count + len(hits), right + sum(hits)
        if right >= PRECISION * count and count >= LEAST_OF_HEADING:
            best = (lead, count, right)
    return best


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean of the headings' F1 for pairs of what it was and what was guessed."""
    scores = []
    for name in sorted({section for section, _ in pairs}):
        hits = sum(1 for section, found in pairs if section == found == name)
        told = sum(1 for section, found in pairs if name in (section, found))
        scores.append(2 * hits / (told + hits) if hits else 0.0)
    return sum(scores) / len(scores)
