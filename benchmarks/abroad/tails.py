"""Means of losses with rare large values: KL, Brier and R² of fidelity, against the law that they are drawn from."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache, partial
from itertools import count, product

import numpy as np
from abroad._cells import Answer, Cell, interval
from numpy.typing import NDArray
from scipy import special

from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity

Floats = NDArray[np.float64]
RULE = DecisionRule(["no", "yes"], favorable="yes")
SUPERSAMPLE = 400_000
"""Rows whose figures stand for the truth: their own error is a fourteenth of that of the largest sample."""
CLASSES = ("1 % wrong", "t2", "3 % wrong", "none wrong", "log-normal", "1 % turned round")
VALUES = ("normal", "1 % wrong values", "t3 values", "log-normal values")
ASKED = 0.9


def answers(tail: str, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Probabilities of teacher and student, by their logits: rows that are surely wrong, or a heavy-tailed noise."""
    z = rng.normal(0, 1.5, n)
    s = z + rng.normal(0, 0.2, n)
    if "wrong" in tail and tail != "none wrong":
        s = np.where(rng.random(n) < float(tail.split(maxsplit=1)[0]) / 100, -np.sign(z) * 4.5, s)
    elif tail == "1 % turned round":
        s = np.where(rng.random(n) < 0.01, -z, s)
    elif tail == "log-normal":
        s = z + 0.2 * rng.choice([-1.0, 1.0], n) * rng.lognormal(0, 1, n)
    elif tail == "t2":
        s = z + 0.3 * rng.standard_t(2, n)
    return special.expit(z), special.expit(s)


def values(tail: str, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Values of teacher and student of a regression."""
    t = rng.normal(size=n) if tail != "log-normal values" else rng.lognormal(0, 0.7, n)
    s = t + (0.2 * rng.standard_t(3, n) if tail == "t3 values" else rng.normal(0, 0.2, n))
    if tail == "1 % wrong values":
        s = np.where(rng.random(n) < 0.01, -2.5 * np.sign(t), s)
    return t, s


def measured(tail: str, n: int, rng: np.random.Generator) -> dict[str, tuple[float, float, float]]:
    """Estimate and limits by metric."""
    if tail in VALUES:
        table = regression_fidelity(*values(tail, n, rng))
    else:
        t, s = answers(tail, n, rng)
        table = fidelity(np.c_[1 - t, t], np.c_[1 - s, s], RULE)
    table = table[table["subset"] == ""]
    return {line.metric: (line.estimate, line.low, line.high) for line in table.itertuples()}


@cache
def truths(tail: str) -> dict[str, float]:
    return {m: v[0] for m, v in measured(tail, SUPERSAMPLE, np.random.default_rng(15)).items()}


@cache
def sample(tail: str, n: int, number: int) -> dict[str, tuple[float, float, float]]:
    """One sample by its number: all metrics of a design are asked of the same samples, and drawn once."""
    return measured(tail, n, np.random.default_rng([15, zlib.crc32(tail.encode()), n, number]))


def held(metric: str, tail: str, n: int, numbers: Iterator[int], _: np.random.Generator) -> Answer:
    return interval(*sample(tail, n, next(numbers))[metric][1:], truths(tail)[metric])


def cells(quick: bool) -> Iterator[Cell]:
    sizes = (60, 400) if quick else (60, 120, 400, 2000)
    tails = ("1 % wrong", "t2") if quick else CLASSES
    for tail, n, metric in product(tails, sizes, ("kl", "brier", "r2_probability")):
        draw = partial(held, metric, tail, n, count())
        yield Cell(f"tails: {metric}", f"{tail}, {n} rows", ASKED, 1.0, draw, silence=True)
    for tail, n, metric in product(() if quick else VALUES, (60, 400, 2000), ("r2", "mae", "rmse")):
        draw = partial(held, metric, tail, n, count())
        yield Cell(f"tails: {metric} of values", f"{tail}, {n} rows", ASKED, 1.0, draw, silence=True)
