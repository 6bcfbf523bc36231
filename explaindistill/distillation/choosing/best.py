"""best(): the most faithful student that a reader is ready to read, whatever its family."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from explaindistill.asking.progress import Show
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.distillation.choosing.student_choice import StudentChoice
from explaindistill.distillation.distiller import Distiller
from explaindistill.protocols import Rows, TeacherLike

__all__ = ["best"]


def best(
    teacher: TeacherLike,
    X: Rows,
    *,
    max_lines: int | None = None,
    max_numbers: int | None = None,
    max_columns: int | None = None,
    optimize: Literal["decisions", "probabilities"] = "decisions",
    min_category_size: int = MIN_CATEGORY_SIZE,
    sample_weight: ArrayLike | None = None,
    progress: Show = None,
    **asking: Any,
) -> Distiller:
    """Let all families of students compete for a reader's budget, and fit the winner.

    Trees, rule lists, sparse linear models, sums of curves, scorecards (two classes) and model trees are fitted at the
    largest sizes that keep to the budget, and compared on thirds of the real rows that their fit did not see. The
    teacher is asked no more than for a single student.

    Parameters
    ----------
    teacher : as in :class:`~explaindistill.Distiller`
    X : DataFrame or array of shape (n, d)
    max_lines : int, optional
        Most lines: leaves, rules, terms, or conditions with points. Limits may be combined; how everything is counted
        stands in :class:`~explaindistill.protocols.Complexity`.
    max_numbers : int, optional
        Most numbers (thresholds, coefficients, points, values) and named levels.
    max_columns : int, optional
        Most columns that the student asks about.
    optimize : "decisions" or "probabilities", default="decisions"
        What is compared: the share of rows on which teacher and student decide alike, or the divergence of their
        probabilities. Regression compares squared errors.
    min_category_size : int, at least 1
        As in every student: categories of fewer rows are "(other)".
    sample_weight : array of shape (n,), or name of a column of X, optional
    progress : bool or callable, optional
        How far it is, see :func:`explaindistill.label`.
    **asking
        As in :class:`~explaindistill.Distiller`: ``sampler``, ``features``, ``n_queries``, ``query_strategy``,
        ``proxy``, ``ways``, ``store``, ``target_name``, ``random_state``.

    Returns
    -------
    Distiller
        Fitted: ``predict``, ``describe``, ``export``, ``score``; ``student_`` is the student itself, ``candidates_``
        the table of how all of them did.

    Raises
    ------
    InvalidInputError
        For a limit that is no whole number of at least 1, before any question; if no student keeps to the budget.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    >>> student = xd.best(forest, X, max_lines=3, n_queries=300, random_state=0)
    >>> student.student_.complexity().n_lines <= 3, student.score(X) > 0.9
    (True, True)
    """
    choice = StudentChoice(max_lines, max_numbers, max_columns, optimize, min_category_size)
    return Distiller(teacher, choice, **asking).fit(X, sample_weight=sample_weight, progress=progress)
