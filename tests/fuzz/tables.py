"""Odd tables, labels and weights, drawn from kinds of the zoo and from numbers that break sums."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
from zoo.columns import COLUMNS, column
from zoo.names import CONTAINERS, LABELS, NAMES, VALUES, contained

__all__ = ["frame_pair", "labels", "rng_of", "values", "weights"]

SIZES = (1, 2, 3, 5, 12, 40, 40, 120, 120, 300)
EDGES = (0.0, -0.0, 1.0, -1.0, 5e-324, 2.2e-308, 1e-160, 1e160, 1.7e308, np.inf, -np.inf, np.nan, 2.0**53, 1e15 + 0.3)
TAME = ("int64", "float64", "float64 missing", "str", "category", "bool", "datetime64[ns]")


def rng_of(draw: random.Random) -> np.random.Generator:
    """A generator that follows from the case's own."""
    return np.random.default_rng(draw.randrange(2**63))


def numbers(draw: random.Random, n: int) -> np.ndarray:
    """Floats of any size: tied, constant, heavy, tiny, with a few edges of the format among them."""
    rng = rng_of(draw)
    kind = draw.randrange(8)
    if kind == 0:
        out = np.full(n, draw.choice(EDGES))
    elif kind == 1:
        out = rng.integers(0, draw.choice([2, 3, 10]), n).astype(float)
    elif kind == 2:
        out = rng.standard_cauchy(n) * 10.0 ** draw.randrange(0, 12)
    elif kind == 3:
        out = rng.normal(size=n) * 10.0 ** draw.randrange(-307, 100)
    elif kind == 4:
        out = 10.0 ** rng.uniform(-300, 99, n)
    elif kind == 5:
        out = 1.0 + rng.integers(0, 3, n) * np.finfo(float).eps
    elif kind == 6:
        out = draw.choice([1e6, 1e9, 1e15]) + rng.normal(size=n)
    else:
        out = rng.normal(size=n)
    if draw.random() < 0.15:
        at = rng.integers(0, n, max(1, n // 20))
        out[at] = draw.choice(EDGES)
    if draw.random() < 0.15:
        out[rng.random(n) < draw.random()] = np.nan
    return out


def frame_pair(draw: random.Random) -> tuple[Any, Any, int, np.ndarray]:
    """Rows to fit and rows to ask about in one container, the number of fitted rows, and a signal in the first ones."""
    n, m = draw.choice(SIZES), draw.choice([1, 7, 60])
    d = draw.choice([1, 1, 2, 3, 4, 6])
    parts: list[tuple[pd.Series, pd.Series]] = []
    for _ in range(d):
        which = draw.random()
        if which < 0.35:
            both = pd.Series(numbers(draw, n + m))
            parts.append((both.iloc[:n], both.iloc[n:]))
        else:
            kind = draw.choice(list(COLUMNS) if which < 0.75 else TAME)
            seed = draw.randrange(100)
            parts.append((column(kind, n, seed), column(kind, m, seed + 1)))
    names: list[Any] = [f"c{j}" for j in range(d)]
    if draw.random() < 0.25:
        names[draw.randrange(d)] = draw.choice(list(NAMES.values()))
    if d > 1 and draw.random() < 0.04:
        names[0] = names[1]
    signal = rng_of(draw).normal(size=n)
    container = draw.choice(list(CONTAINERS)) if draw.random() < 0.3 else "pandas"
    X, asked = (contained(container, _frame([p[i] for p in parts], names)) for i in (0, 1))
    if X is None or asked is None:
        X, asked = (_frame([p[i] for p in parts], names) for i in (0, 1))
    if draw.random() < 0.04 and isinstance(asked, pd.DataFrame):
        asked = draw.choice([asked.iloc[:0], asked.iloc[:, ::-1], asked.assign(extra=1), asked.iloc[:, 1:]])
    return X, asked, n, signal


def _frame(columns: list[pd.Series], names: list[Any]) -> pd.DataFrame:
    frame = pd.concat([c.reset_index(drop=True) for c in columns], axis=1)
    return frame.set_axis(pd.Index(names, dtype=object, tupleize_cols=False), axis=1)


def labels(draw: random.Random, signal: np.ndarray) -> Any:
    """Hard or soft labels of classes, right or wrong ones."""
    n, rng = len(signal), rng_of(draw)
    hard = (signal > 0).astype(np.int64)
    kind = draw.randrange(10)
    if kind < 3:
        return np.array(["no", "yes"])[hard]
    if kind < 5:
        return LABELS[draw.choice([k for k in LABELS if k not in VALUES])](hard, rng)
    if kind == 5:  # classes with few rows each
        return rng.integers(0, draw.choice([3, 7, n + 1]), n)
    P = 1 / (1 + np.exp(-4 * signal))
    P = np.column_stack([1 - P, P])
    if kind == 6:
        P = rng.dirichlet(np.full(draw.choice([2, 3, 5]), draw.choice([0.01, 1.0, 50.0])), n)
    if kind == 7:  # the same answer to all, often exactly 0 and 1
        P = np.tile(draw.choice([[0.0, 1.0], [0.25, 0.75], [1e-300, 1.0], [1 / 3, 2 / 3], [0.0, 0.0, 1.0]]), (n, 1))
    if kind == 8:  # off the simplex
        P = draw.choice([P * 1.1, P - 0.2, P * np.nan, P * np.inf, np.zeros_like(P), P + 1e-7, P[:, :1], P[: n // 2]])
    if draw.random() < 0.3 and P.ndim == 2:
        return pd.DataFrame(P, columns=draw.choice([list("abcdefg"), [3, 1, 2, 0, 9, 8, 7], [1.5] * 7])[: P.shape[1]])
    return P


def values(draw: random.Random, signal: np.ndarray) -> Any:
    """Targets of a regressor, right or wrong ones."""
    n, rng = len(signal), rng_of(draw)
    kind = draw.randrange(8)
    if kind < 3:
        return signal * 10.0 ** draw.choice([0, 0, 3, -8, 60, -200, 300])
    if kind == 3:
        return np.full(n, draw.choice([0.0, 1.0, 1e-320, 1e200, -3.5, 7e15]))
    if kind == 4:
        return LABELS[draw.choice(list(VALUES))]((signal > 0).astype(np.int64), rng)
    if kind == 5:
        return np.column_stack([signal, numbers(draw, n)])
    if kind == 6:
        return numbers(draw, n)
    return 1e12 + signal


def weights(draw: random.Random, n: int) -> Any:  # noqa: PLR0911 - one line per kind
    """Weights of rows: none, of a few decades, of hundreds, zeros, or wrong ones."""
    rng, kind = rng_of(draw), draw.randrange(12)
    if kind < 5:
        return None
    if kind == 5:
        return rng.integers(0, 4, n)
    if kind == 6:
        return 10.0 ** rng.uniform(-6, 6, n)
    if kind == 7:
        return 10.0 ** rng.uniform(-150, 90, n)
    if kind == 8:
        out = np.zeros(n)
        out[rng.integers(0, n)] = draw.choice([1.0, 1e-300, 1e300])
        return out
    if kind == 9:
        return pd.Series(rng.random(n), index=rng.permutation(n))
    if kind == 10:
        return np.full(n, draw.choice([1e-120, 1e90, 1e-99, 3.0]))
    return draw.choice([-np.ones(n), np.full(n, np.nan), np.zeros(n), np.ones(n + 1), np.ones((n, 2)), "x", ["a"] * n])
