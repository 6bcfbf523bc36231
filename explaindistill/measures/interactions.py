"""Pairs of columns that act together in the teacher, and how much of that the student repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row

__all__ = ["missed_interactions"]

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]
Floats = NDArray[np.float64]


def missed_interactions(
    teacher: Predict,
    students: dict[str, Predict],
    X: pd.DataFrame,
    background: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    rng: np.random.Generator | int = 0,
    level: float = 0.95,
    scale: str = "value",
) -> pd.DataFrame:
    r"""How far each pair of columns departs from a sum of the two, in the teacher, and in teacher minus student.

    For a row x and a background row b, :math:`I_{jk} = f(x_{jk}, b) - f(x_j, b) - f(x_k, b) + f(b)`, with all other
    columns those of b and :math:`f(x_{jk}, b)` the answer with columns j and k of x; it is 0 in an additive model. The
    estimate is its root mean square over pairs (x, b), :math:`\sqrt{\frac1n \sum I_{jk}^2}`; of a student, that of the
    teacher's I less the student's.

    Parameters
    ----------
    teacher : callable
        From rows to numbers ``(n,)``; asked about ``(1 + d + d (d - 1) / 2) n`` rows.
    students : mapping of name to callable
        On the same scale.
    X, background : DataFrame
        Each row of X meets one background row, drawn at random.
    columns : names, optional
        Which columns are paired, d of them; all when None.
    rng, level
        As in the other measures.
    scale : str
        Unit of the answers, kept in ``subset``.

    Returns
    -------
    DataFrame
        Canonical columns, ``feature`` and ``feature_2``, the strongest pair of the teacher first. ``metric`` is
        ``interaction`` (subject ``"teacher"``) and ``interaction_missed`` (one line per student: what it leaves of the
        teacher's). Intervals: Student's over rows for the mean square, then the root.

    References
    ----------
    Friedman and Popescu (2008), doi:10.1214/07-AOAS148 (anchored here at single background rows).

    Examples
    --------
    >>> X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 2.0], "c": [0.0, 0.0, 1.0, 1.0]})
    >>> product = lambda r: (r["a"] * r["b"] + r["c"]).to_numpy()
    >>> table = missed_interactions(product, {"sum": lambda r: (r["a"] + r["c"]).to_numpy()}, X, X)
    >>> missed = table[table["metric"] == "interaction_missed"]
    >>> missed[["feature", "feature_2"]].to_numpy().tolist()
    [['a', 'b'], ['a', 'c'], ['b', 'c']]
    >>> bool(missed["estimate"].iloc[0] > 0), missed["estimate"].iloc[1:].round(9).tolist()
    (True, [0.0, 0.0])
    """
    if list(X.columns) != list(background.columns):
        raise InvalidInputError("background must have the columns of X, in the same order")
    names = list(X.columns) if columns is None else list(columns)
    if unknown := [c for c in names if c not in X.columns]:
        raise InvalidInputError(f"columns names {unknown[0]!r}, X has: {', '.join(map(str, X.columns))}")
    pairs = list(combinations(names, 2))
    other = background.iloc[np.random.default_rng(rng).integers(0, len(background), len(X))]
    rows = _mixtures(X, other, names, pairs)
    of_teacher = _departures(teacher, rows, len(X), names, pairs)
    lines = [_line("interaction", of_teacher[p], p, "teacher", level, scale) for p in range(len(pairs))]
    for name, student in students.items():
        missed = of_teacher - _departures(student, rows, len(X), names, pairs)
        lines += [_line("interaction_missed", missed[p], p, name, level, scale) for p in range(len(pairs))]
    strength = [line["estimate"] for line in lines[: len(pairs)]]
    order = {p: i for i, p in enumerate(sorted(range(len(pairs)), key=lambda p: (-strength[p], pairs[p])))}
    lines.sort(key=lambda line: order[line["pair"]])
    for line in lines:
        line["feature"], line["feature_2"] = pairs[line["pair"]]
    return frame(lines, extra=["feature", "feature_2"])


def _mixtures(X: pd.DataFrame, other: pd.DataFrame, names: list[str], pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """Background rows; with each column of X; with each pair of columns of X: one below the other."""
    n = len(X)
    inside: list[tuple[str, ...]] = [(), *((c,) for c in names), *pairs]
    first, second = np.arange(n), n + np.arange(n)  # places of X and of the background, one below the other
    mixed = {}
    for c in X.columns:
        both = pd.concat([X[c], other[c]], ignore_index=True)
        mixed[c] = both.take(np.concatenate([first if c in chosen else second for chosen in inside])).array
    return pd.DataFrame(mixed)


def _departures(predict: Predict, rows: pd.DataFrame, n: int, names: list[str], pairs: list[tuple[str, str]]) -> Floats:
    """I of each pair and row ``(pairs, n)``, from the answers to the rows of `_mixtures`, n for each coalition."""
    answers = np.asarray(predict(rows), dtype=float).reshape(-1, n)
    empty, single, double = answers[0], answers[1 : 1 + len(names)], answers[1 + len(names) :]
    at = {c: i for i, c in enumerate(names)}
    return np.array([double[p] - single[at[j]] - single[at[k]] + empty for p, (j, k) in enumerate(pairs)])


def _line(metric: str, values: Floats, pair: int, subject: str, level: float, scale: str) -> dict[str, Any]:
    """Root of the mean square; Student's interval of the mean square, then the root of its limits."""
    square, n = values**2, len(values)
    mean = float(square.mean())
    half = float("nan")
    if n > 1:
        half = float(special.stdtrit(n - 1, 0.5 + level / 2) * square.std(ddof=1) / np.sqrt(n))
    low, high = np.sqrt(max(mean - half, 0.0)) if n > 1 else half, np.sqrt(mean + half)
    return row(metric, np.sqrt(mean), low, high, n=n, subject=subject, subset=scale, method="t of squares", pair=pair)
