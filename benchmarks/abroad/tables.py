"""Strata of few rows: the size of the Breslow–Day test, and of the test of a common effect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
from abroad._cells import Answer, Cell
from scipy import special

from explaindistill.numerics.statistics.hypotheses import stratified

SIZE = 0.05


def tested(rows: int, count: int, log_odds: float, rng: np.random.Generator, *, common: bool) -> Answer:
    """One odds ratio in strata whose rates differ: a test that says otherwise is wrong."""
    every = np.full(count, rows)
    p = rng.uniform(0.2, 0.8, count)
    q = special.expit(special.logit(p) + log_odds)
    found = stratified(rng.binomial(rows, q), every, rng.binomial(rows, p), every)
    value = found.p_value if common else found.homogeneity
    return Answer(not value < SIZE, bool(np.isfinite(value)), float(value))


def cells(quick: bool) -> Iterator[Cell]:
    shapes = ((2, 40), (4, 20)) if quick else ((2, 20), (4, 20), (4, 100), (8, 40), (20, 20))
    for (rows, count), log_odds in product(shapes, (0.5,) if quick else (0.0, 0.5)):
        draw = partial(tested, rows, count, log_odds, common=False)
        design = f"{count} strata of {rows} + {rows}, log odds {log_odds:g}"
        yield Cell("tables: Breslow–Day at 0.05, not rejected", design, 0.94, 1.0, draw)
    for rows, count in shapes:
        draw = partial(tested, rows, count, 0.0, common=True)
        yield Cell("tables: common effect at 0.05, not rejected", f"{count} strata of {rows} + {rows}", 0.94, 1.0, draw)
