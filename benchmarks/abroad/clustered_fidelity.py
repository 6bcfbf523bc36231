"""Fidelity of rows in clusters: agreement, a smooth mean of losses, and regions of mistakes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache, partial
from itertools import count, product

import numpy as np
import pandas as pd
from abroad._cells import Answer, Cell, interval
from abroad.clusters import FEWEST, Design, alone, cell, designs, drawn, enough
from numpy.typing import NDArray

from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity
from explaindistill.measures.mistakes import mistakes

RULE = DecisionRule(["no", "yes"], favorable="yes")


@cache
def sample(design: Design, number: int) -> dict[str, tuple[float, float]]:
    """Limits by metric of one sample, by its number: both metrics are asked of the same samples, drawn once.

    A student repeats its teacher, or is surely wrong with the chance of the row's cluster; see `MISSED`.
    """
    rng = np.random.default_rng([15, zlib.crc32(str(design).encode()), number])
    x, _, cluster = drawn(alone(design), False, rng)
    t = rng.uniform(0.1, 0.9, len(x))
    s = np.where(x, np.where(t < 0.5, 0.95, 0.05), t)
    table = fidelity(np.c_[1 - t, t], np.c_[1 - s, s], RULE, clusters=cluster)
    table = table[table["subset"] == ""]
    return {line.metric: (line.low, line.high) for line in table.itertuples() if line.metric in ("agreement", "brier")}


def fidelity_interval(design: Design, numbers: Iterator[int], _: np.random.Generator, *, metric: str) -> Answer:
    rate = design.rates[0]
    truth = 1 - rate if metric == "agreement" else rate * MISSED
    return interval(*sample(design, next(numbers))[metric], truth)


MISSED = float((0.85**3 - 0.45**3) / (3 * 0.4))
"""Mean of (t - .95)² for t uniform on [.1, .5]; of (t - .05)² on [.5, .9] it is the same."""


class _Halves:
    """Two regions by the sign of a column: what `mistakes` is given in place of a tree."""

    def apply(self, X: pd.DataFrame) -> NDArray[np.int64]:
        return (X["a"].to_numpy() > 0).astype(np.int64)

    def rules(self) -> pd.DataFrame:
        return pd.DataFrame({"leaf": [0, 1], "rule": ["a <= 0", "a > 0"]})


def mistakes_interval(design: Design, rng: np.random.Generator) -> Answer:
    """Both regions of mistakes at once hold the two rates; the column is a row's own, groups are inside clusters."""
    x, group, cluster = drawn(design, True, rng)
    X = pd.DataFrame({"a": np.where(group == 1, 1.0, -1.0)})
    options = GroupOptions(min_group_size=1)
    table = mistakes(X, x, lambda *_: _Halves(), rng=rng, clusters=cluster, options=options)
    lines = table.iloc[1:].set_index("subset")
    if len(lines) < 2 or not np.isfinite(lines["low"]).all():
        return interval(np.nan, np.nan, 0.0)
    held = all(
        lines.loc[rule, "low"] <= p <= lines.loc[rule, "high"]
        for rule, p in zip(("a <= 0", "a > 0"), design.rates, strict=True)
    )
    return Answer(bool(held), True, float((lines["high"] - lines["low"]).mean()))


METRICS = {"agreement": "agreement", "Brier score of fidelity": "brier"}


def cells(quick: bool) -> Iterator[Cell]:
    for (name, metric), design in product(METRICS.items(), designs(quick)):
        if enough(design, False):
            yield cell(name, design, partial(fidelity_interval, design, count(), metric=metric))
    for design in designs(quick):
        half = design._replace(clusters=design.clusters // 2)  # mistakes are counted on half of the clusters
        if half.clusters >= FEWEST and enough(half, True):
            yield cell("regions of mistakes", design, partial(mistakes_interval, design))
