"""Importance by shuffling, by Shapley values, and gaps of attributions, against values known in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from abroad._cells import Answer, Cell, interval
from numpy.typing import NDArray

from explaindistill.measures.attributions import Attributions, attribution_gaps, attribution_importance
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


SIZES = {"normal": np.sqrt(2 / np.pi), "exponential": 2 / np.e, "binary, 5 %": 0.095, "binary, 10 %": 0.18}
"""Mean distance of each law from its mean: the Shapley importance of a model that answers with its column."""


def explained(kind: str, n: int, background: int, rng: np.random.Generator) -> Answer:
    """Values of a row are its own answer less the mean answer to a background of other people."""
    phi = column(kind, n, rng) - column(kind, background, rng).mean()
    line = attribution_importance(Attributions(phi[:, None], ["a"], background=background)).iloc[0]
    return interval(line["low"], line["high"], float(SIZES[kind]))


def parted(kind: str, n: int, rng: np.random.Generator) -> Answer:
    """Two groups of one law, one of them small: no gap of attributions."""
    phi = column(kind, n + 200, rng)
    groups = np.repeat(["small", "large"], [n, 200])
    lines = attribution_gaps(Attributions(phi[:, None], ["a"]), groups, rng=rng)
    line = lines[lines["metric"] == "attribution_gap"].iloc[0]
    return interval(line["low"], line["high"], 0.0)


def cells(quick: bool) -> Iterator[Cell]:
    for kind, n, repeats in product(KINDS, (300,) if quick else (60, 100, 300, 1000), (3,) if quick else (3, 5, 30)):
        if "binary" in kind and n * (0.05 if "5 %" in kind else 0.1) < ENOUGH:
            continue
        draw = partial(shuffled, kind, n, repeats)
        yield Cell("importance: by shuffling", f"{kind}, {n} rows, {repeats} shuffles", 0.93, 1.0, draw)
    backgrounds = ((200, 100),) if quick else ((100, 100), (200, 100), (1000, 100), (200, 1000))
    for kind, (n, background) in product(KINDS, backgrounds):
        draw = partial(explained, kind, n, background)
        yield Cell("importance: Shapley", f"{kind}, {n} rows, {background} of background", 0.93, 1.0, draw)
    for kind, n in product(KINDS, (30,) if quick else (10, 30, 100)):
        draw = partial(parted, kind, n)
        yield Cell("importance: gap of attributions", f"{kind}, {n} + 200 rows", 0.93, 1.0, draw)
