"""lineage(): students that learn from students, and how far each has drifted from the first teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.labelling import label
from explaindistill.data.rows_sent import asking_for
from explaindistill.distillation.distiller import Distiller
from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import bonett_price, wilson
from explaindistill.protocols import Rows, TeacherLike
from explaindistill.teachers import as_teacher

__all__ = ["Lineage", "lineage"]


@dataclass(frozen=True, repr=False)
class Lineage:
    """Generations of students.

    Attributes
    ----------
    frame : DataFrame
        Canonical columns and ``generation`` (1 learns from the teacher). Per generation: ``agreement`` with the
        first teacher, ``agreement_parent`` with the model it learnt from, ``agreement_direct``, that of the same
        student taught by the first teacher itself, and ``gain``, agreement minus that, on the same rows (paired).
    students : list of fitted Distiller
        One per generation.
    direct : list of fitted Distiller
        The same students taught by the first teacher; the first is ``students[0]``.

    Examples
    --------
    >>> import explaindistill as xd
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"x": rng.random(300), "z": rng.random(300)})
    >>> P = pd.DataFrame({"no": X["x"], "yes": 1 - X["x"]})
    >>> found = lineage((X, P), [xd.TreeClassifier(max_leaf_nodes=8), xd.TreeClassifier(max_leaf_nodes=4)], X[:200],
    ...                 X_test=X[200:], n_queries=200)
    >>> [student.student_.complexity().n_leaves for student in found.students], len(found.direct)
    ([8, 4], 2)
    >>> found.frame["generation"].unique().tolist()
    [1, 2]
    """

    frame: pd.DataFrame
    students: Sequence[Distiller]
    direct: Sequence[Distiller]

    def __repr__(self) -> str:
        """The table as text."""
        shown = ["generation", "subject", "metric", "n", "estimate", "low", "high"]
        return str(self.frame[shown].to_string(index=False, float_format="{:.3f}".format))

    def _repr_html_(self) -> str:
        shown = ["generation", "subject", "metric", "n", "estimate", "low", "high"]
        return str(self.frame[shown].to_html(index=False, float_format="{:.3f}".format))


def lineage(
    teacher: TeacherLike,
    students: Sequence[Any] | Mapping[str, Any],
    X: Rows,
    *,
    X_test: Rows,
    random_state: int = 0,
    **options: Any,
) -> Lineage:
    """Self-distillation: the first student learns from the teacher, each further one from the student before it.

    A path of sizes is ``[TreeClassifier(128), TreeClassifier(64), TreeClassifier(32)]``; born-again refits are the
    same student several times. Drift is measured against the *first* teacher at every step, and beside it stands the
    same student taught by that teacher itself: only where ``gain`` lies above 0 was the detour worth it.

    Parameters
    ----------
    teacher : teacher adapter or fitted classifier
    students : sequence of estimators, or mapping of name to estimator
        At least 2, in the order in which they learn.
    X : DataFrame or array of n rows
        Rows to fit on; made-up ones are drawn anew, with the same seed, for each generation.
    X_test : rows that no fitting sees
    random_state : int, default=0
    **options
        Passed on to :class:`~explaindistill.Distiller`, such as ``n_queries=``, ``sampler=``, ``features=``.

    Returns
    -------
    Lineage

    Raises
    ------
    InvalidInputError
        For fewer than 2 students, or a teacher of values.

    Notes
    -----
    Trees of 16 leaves gain nothing from it: −0.09 points of agreement [−0.81, +0.63] at the end of a path of 64, 32 and
    16 leaves, −0.38 [−0.83, +0.07] for the third generation of equal trees (``benchmarks/ways.py``).

    References
    ----------
    Furlanello, Lipton, Tschannen, Itti and Anandkumar (2018), born-again networks, arXiv:1805.04770.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from explaindistill.distillation.studies.lineages import lineage
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X[:400], y[:400])
    >>> path = [xd.TreeClassifier(max_leaf_nodes=n) for n in (16, 8)]
    >>> found = lineage(forest, path, X[:400], X_test=X[400:], n_queries=800)
    >>> found.frame["metric"].tolist()[:4]
    ['agreement', 'agreement_parent', 'agreement_direct', 'gain']
    """
    first = as_teacher(teacher)
    if first.classes_ is None:
        raise InvalidInputError("lineage measures agreement of decisions and needs a teacher of classes, not of values")
    named = (
        dict(students) if isinstance(students, Mapping) else {f"generation {i + 1}": s for i, s in enumerate(students)}
    )
    if len(named) < 2:
        raise InvalidInputError(f"students must be at least 2, one per generation, got {len(named)}")

    def taught(by: Any, student: Any) -> Distiller:
        return Distiller(by, student, random_state=random_state, **options).fit(X)

    line: list[Distiller] = []
    for student in named.values():
        line.append(taught(line[-1] if line else first, student))
    direct = [line[0], *(taught(first, student) for student in list(named.values())[1:])]
    with asking_for("held-out"):
        truth = np.asarray(first.classes_)[label(first, X_test, store=options.get("store")).argmax(axis=1)]
    answers = [np.asarray(s.predict(X_test)) for s in line]
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(named):
        parent = truth if i == 0 else answers[i - 1]
        other = answers[0] if i == 0 else np.asarray(direct[i].predict(X_test))
        rows += _measured(name, i + 1, answers[i] == truth, answers[i] == parent, other == truth)
    return Lineage(frame(rows, extra=["generation"]), line, direct)


def _measured(
    name: str,
    generation: int,
    agrees: NDArray[np.bool_],
    agrees_with_parent: NDArray[np.bool_],
    direct_agrees: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    named = {"subject": name, "generation": generation, "n": len(agrees)}
    lines = []
    for metric, same in (
        ("agreement", agrees),
        ("agreement_parent", agrees_with_parent),
        ("agreement_direct", direct_agrees),
    ):
        k = int(same.sum())
        low, high = (float(v) for v in wilson(k, len(same)))
        lines.append(row(metric, k / len(same), low, high, k=k, method="wilson", **named))
    gained, lost = int((agrees & ~direct_agrees).sum()), int((~agrees & direct_agrees).sum())
    low, high = (float(v) for v in bonett_price(gained, lost, len(agrees)))
    lines.append(row("gain", (gained - lost) / len(agrees), low, high, method="bonett-price", **named))
    return lines
