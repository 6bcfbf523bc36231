"""Importance by shuffling, by Shapley values, and gaps of attributions, against values known in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from abroad._cells import Answer, Cell, interval
from numpy.typing import NDArray

from explaindistill.measures.importance import permutation_growth, permutation_importance

Floats = NDArray[np.float64]
KINDS = {"normal": 1.0, "exponential": 1.0, "binary, 5 %": 0.05 * 0.95, "binary, 10 %": 0.1 * 0.9}
"""Columns and their variances."""
ENOUGH = 5.0
"""Expected rows of the rarer kind from which coverage is asked for."""


def column(kind: str, n: int, rng: np.random.Generator) -> Floats:
    if kind == "normal":
        return rng.normal(size=n)
    if kind == "exponential":
        return rng.exponential(size=n)
    return (rng.random(n) < (0.05 if "5 %" in kind else 0.1)).astype(float)


def answered(rows: pd.DataFrame) -> Floats:
    return rows["a"].to_numpy(dtype=float)


def shuffled(kind: str, n: int, repeats: int, rng: np.random.Generator) -> Answer:
    """A model that answers with its column: shuffling costs it twice the column's variance."""
    x = column(kind, n, rng)
    growth = permutation_growth(answered, pd.DataFrame({"a": x}), rng=rng, n_repeats=repeats)
    line = permutation_importance(growth).iloc[0]
    return interval(line["low"], line["high"], 2 * KINDS[kind])


def cells(quick: bool) -> Iterator[Cell]:
    for kind, n, repeats in product(KINDS, (300,) if quick else (60, 100, 300, 1000), (3,) if quick else (3, 5, 30)):
        if "binary" in kind and n * (0.05 if "5 %" in kind else 0.1) < ENOUGH:
            continue
        draw = partial(shuffled, kind, n, repeats)
        yield Cell("importance: by shuffling", f"{kind}, {n} rows, {repeats} shuffles", 0.93, 1.0, draw)
