"""Words of transfer about gaps of means: the planted shifts of `planted_bias`, a margin that is left included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from abroad._cells import Answer, Cell, word
from planted_bias import Answers, mean_cases

MOST_WRONG = 0.025
"""One side of a two-sided interval at 95 %, as for rates."""


def worded(case: Callable[[np.random.Generator], Answers], rng: np.random.Generator) -> Answer:
    ((_, right, given),) = case(rng)
    return word(given, right)


def cells(quick: bool) -> Iterator[Cell]:
    cases = mean_cases()
    for name in ("means, hidden", "means, a margin is left") if quick else cases:

        def draw(rng: np.random.Generator, name: str = name) -> Answer:
            return worded(cases[name], rng)

        design = name.removeprefix("means, ")
        yield Cell("means: words of transfer, none wrong", design, 1 - MOST_WRONG, 1.0, draw, silence=True)
