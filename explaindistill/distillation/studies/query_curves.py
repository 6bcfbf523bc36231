"""query_curve(): how faithful a student becomes with more answers of its teacher, with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.base import clone

from explaindistill.asking.forecast import Forecast, StandIn, any_answer
from explaindistill.asking.labelling import label
from explaindistill.data.rows_sent import asking_for
from explaindistill.distillation.corpus import AUTO_FACTOR, AUTO_LIMIT
from explaindistill.distillation.distiller import Distiller
from explaindistill.distillation.student_fit import check_task
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Rows, TeacherLike
from explaindistill.teachers import as_teacher

__all__ = ["query_curve"]

SIZES = 6
"""Sizes tried where the caller names none; each halves the one before."""
SMALLEST = 50
"""Fewest questions tried then: on fewer rows a student is noise."""
TEST_SHARE = 0.3
"""Share of the rows that is held out where the caller gives no rows to measure on."""


def query_curve(
    teacher: TeacherLike,
    X: Rows,
    student: Any = None,
    *,
    n_queries: Iterable[int] | None = None,
    n_repeats: int = 3,
    X_test: Rows | None = None,
    level: float = 0.95,
    name: str = "student",
    **options: Any,
) -> pd.DataFrame | Forecast:
    r"""Fidelity on held-out rows against the number of rows that the teacher was asked about.

    Each size is fitted ``n_repeats`` times with other seeds. The interval of the mean counts both what another corpus
    and what other held-out rows would change: :math:`\bar a \pm t \sqrt{s^2 / R + v / m}` with :math:`s^2` the variance
    over R repeats and :math:`v / m` the variance of a mean over m rows.

    Parameters
    ----------
    teacher : as in Distiller
    X : DataFrame or array of shape (n, d)
    student : unfitted student, optional
        A tree when None.
    n_queries : iterable of int, optional
        Six sizes up to what ``n_queries="auto"`` asks, each twice the one before, when None.
    n_repeats : int, at least 2, default=3
    X_test : rows to measure on, optional
        A random 30 % of X, left out of fitting, when None.
    level : float in (0, 1)
    name : str
        Stands in the column ``subject``.
    **options
        Of :class:`Distiller`: ``sampler``, ``features``, ``query_strategy``, ``proxy``, ``store``, and
        ``random_state``, an int, 0 where it is not given. With a store no row is asked twice. With ``dry_run=True``
        nothing is asked, and what would be is told; see :meth:`Distiller.dry_run`.

    Returns
    -------
    DataFrame
        One line per size: ``subject``, ``metric`` ("agreement", or "r2" in regression), ``n_queries`` (distinct rows
        that needed an answer, mean over repeats), ``n`` (held-out rows), ``n_repeats``, ``estimate``, ``low``,
        ``high``. With ``dry_run`` a :class:`~explaindistill.asking.forecast.Forecast`.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    >>> curve = xd.query_curve(forest, X, xd.TreeClassifier(max_leaf_nodes=8), n_queries=[20, 1000])
    >>> bool(curve["estimate"].iloc[1] > curve["estimate"].iloc[0])
    True
    """
    seed, dry_run = options.pop("random_state", 0), options.pop("dry_run", False)
    adapter = as_teacher(teacher)
    if n_repeats < 2:
        raise InvalidInputError(f"n_repeats must be at least 2 to say how far repeats differ, got {n_repeats}")
    if not 0 < level < 1:
        raise InvalidInputError(f"level must lie between 0 and 1, got {level}")
    if student is None:
        from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

        student = TreeRegressor() if adapter.classes_ is None else TreeClassifier()
    check_task(student, adapter)
    train, test = _split(X, X_test, seed)
    sizes = _sizes(len(train)) if n_queries is None else sorted({int(n) for n in n_queries})
    seeds = range(seed, seed + n_repeats)
    if dry_run:
        return _forecast(adapter, student, train, test, [(n, s) for n in sizes for s in seeds], options)
    with asking_for("curve"):
        truth = label(adapter, test, store=options.get("store"))
    lines = []
    for size in sizes:
        with asking_for("curve"):
            fitted = [
                Distiller(adapter, clone(student), n_queries=size, random_state=s, **options).fit(train) for s in seeds
            ]
        scores = np.array([_scores(truth, d, test, adapter.classes_) for d in fitted])
        mean_queries = float(np.mean([d.n_queries_ for d in fitted]))
        lines.append(_line(scores, truth, adapter.classes_, level) | {"n_queries": mean_queries})
    frame = pd.DataFrame(lines).assign(subject=name, n_repeats=n_repeats)
    return frame[["subject", "metric", "n_queries", "n", "n_repeats", "estimate", "low", "high"]]


def _forecast(
    teacher: Any, student: Any, train: Any, test: Any, fits: list[tuple[int, int]], options: dict[str, Any]
) -> Forecast:
    """What the fits, each of a size and a seed, and the held-out rows would ask."""
    stand_in = teacher
    if not isinstance(teacher, StandIn):
        stand_in = StandIn(teacher, any_answer(teacher.classes_), options.get("store"))
    with asking_for("curve"):
        label(stand_in, test)
        for size, seed in fits:
            Distiller(stand_in, clone(student), n_queries=size, random_state=seed, **options).dry_run(train)
    return stand_in.forecast()


def _split(X: Any, X_test: Any, seed: int) -> tuple[Any, Any]:
    if X_test is not None:
        return X, X_test
    order = np.random.default_rng(seed).permutation(len(X))
    held = max(int(TEST_SHARE * len(X)), 1)
    parts = np.sort(order[held:]), np.sort(order[:held])
    return tuple(X.iloc[at] if isinstance(X, pd.DataFrame) else np.asarray(X)[at] for at in parts)  # type: ignore[return-value]


def _sizes(n: int) -> list[int]:
    top = min(AUTO_FACTOR * n, max(AUTO_LIMIT, n))
    return sorted({max(top >> i, min(SMALLEST, top)) for i in range(SIZES)})


def _scores(
    truth: NDArray[np.float64], student: Distiller, test: Any, classes: NDArray[Any] | None
) -> NDArray[np.float64]:
    """Per held-out row: whether the student agrees, or its squared error."""
    answers = student.predict(test)
    if classes is not None:
        return np.asarray(answers == classes[truth.argmax(axis=1)], dtype=float)
    return ((np.asarray(answers).reshape(len(truth), -1) - truth.reshape(len(truth), -1)) ** 2).sum(axis=1)


def _line(
    scores: NDArray[np.float64], truth: NDArray[np.float64], classes: NDArray[Any] | None, level: float
) -> dict[str, Any]:
    """Mean over repeats with its interval."""
    n_repeats, n = scores.shape
    metric = "agreement"
    if classes is None:
        # R² is one minus the mean of these
        spread = float(truth.reshape(n, -1).var(axis=0).sum())
        metric, scores = "r2", 1.0 - scores / spread if spread > 0 else np.full_like(scores, np.nan)
    means = scores.mean(axis=1)
    rows = scores.mean(axis=0).var(ddof=1) / n if n > 1 else np.nan
    half = stats.t.ppf((1 + level) / 2, n_repeats - 1) * np.sqrt(means.var(ddof=1) / n_repeats + rows)
    estimate = float(means.mean())
    floor = 0.0 if metric == "agreement" else -np.inf
    return {
        "metric": metric,
        "n": n,
        "estimate": estimate,
        "low": max(estimate - float(half), floor),
        "high": min(estimate + float(half), 1.0),
    }
