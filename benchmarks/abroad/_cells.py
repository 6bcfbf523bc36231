"""Cells of a coverage table: how one is measured, kept, and held against its bar."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _digests import code_digest

BENCHMARKS = Path(__file__).parents[1]
RESULTS = BENCHMARKS / "results" / "coverage_abroad"
LEVEL = 0.95


class Answer(NamedTuple):
    """What one sample gave.

    ``held``: the interval holds the truth, or the word is not wrong. ``said``: there was an interval, or a word other
    than "inconclusive" and "cannot say". ``figure``: width of the interval, or 1 where the right word was given.
    """

    held: bool
    said: bool
    figure: float


def interval(low: float, high: float, truth: float) -> Answer:
    """An interval against the truth; without limits nothing was said."""
    said = bool(np.isfinite([low, high]).any())
    return Answer(said and bool(low <= truth <= high), said, float(high - low))


def word(given: str, right: str) -> Answer:
    """A verdict against the right one; "inconclusive" and "cannot say" are never wrong."""
    silent = given in {"inconclusive", "cannot say"}
    return Answer(silent or given == right, not silent, float(given == right))


@dataclass(frozen=True)
class Cell:
    """One question in one design.

    Attributes
    ----------
    question, design : str
    low, high : float
        Bar of the share of answers that hold.
    draw : callable
        From a generator to the answer that one sample gives.
    silence : bool
        Whether a sample of which nothing is said counts as held: it misleads nobody.
    """

    question: str
    design: str
    low: float
    high: float
    draw: Callable[[np.random.Generator], Answer]
    silence: bool = False

    @property
    def name(self) -> str:
        return f"{self.question} | {self.design}"

    def measure(self, draws: int) -> Count:
        """Seeded by its own name, so that a cell is the same alone and among others."""
        rng = np.random.default_rng([15, zlib.crc32(self.name.encode())])
        start = time.perf_counter()
        answers = [self.draw(rng) for _ in range(draws)]
        said = [a for a in answers if a.said]
        held = sum(a.held for a in (said if not self.silence else answers))
        if self.silence:
            held += sum(not a.said and not a.held for a in answers)
        figure = float(np.median([a.figure for a in said])) if said else float("nan")
        right = float(np.mean([a.figure for a in answers if np.isfinite(a.figure)] or [float("nan")]))
        asked = draws if self.silence else len(said)
        return Count(held, asked, len(said), draws, figure, right, time.perf_counter() - start)


class Count(NamedTuple):
    """Answers that hold of those that are asked; samples of which something was said; figures and seconds."""

    held: int
    asked: int
    said: int
    draws: int
    median: float
    mean: float
    seconds: float

    @property
    def share(self) -> float:
        return self.held / self.asked if self.asked else float("nan")

    @property
    def error(self) -> float:
        """Error of simulation; half a sample at least, since no miss among n does not mean that there is none."""
        n = max(self.asked, 1)
        return float(np.sqrt(max(self.share * (1 - self.share), 0.25 / n) / n)) if self.asked else float("nan")

    def keeps(self, cell: Cell) -> bool:
        """Whether the share is on the right side of the bar up to two errors; so it is where nothing was asked."""
        if not self.asked:
            return True
        return cell.low <= self.share + 2 * self.error and self.share - 2 * self.error <= cell.high


class Shelf:
    """Counts of the cells of one file, by name and number of draws, as long as the code is the same."""

    def __init__(self, file: Path, folder: Path = RESULTS) -> None:
        self.path = folder / f"{file.stem}-{code_digest(file)}.json"
        text = self.path.read_text() if self.path.exists() else "{}"
        self.counts = {name: Count(*numbers) for name, numbers in json.loads(text).items()}

    def get(self, cell: Cell, draws: int) -> Count | None:
        return self.counts.get(f"{draws} × {cell.name}")

    def put(self, cell: Cell, count: Count) -> None:
        """Written at once, beside the old file and renamed: a stopped run loses one cell."""
        self.counts[f"{count.draws} × {cell.name}"] = count
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(self.counts, indent=0) + "\n")
        fresh.replace(self.path)


def by_question(counted: list[tuple[Cell, Count]]) -> Iterator[tuple[str, list[tuple[Cell, Count]]]]:
    """Cells of one question and one bar together, in their order."""
    names = dict.fromkeys((cell.question, cell.low, cell.high) for cell, _ in counted)
    for name in names:
        yield name[0], [pair for pair in counted if (pair[0].question, pair[0].low, pair[0].high) == name]
