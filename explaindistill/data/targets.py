"""Soft targets: what the teacher said about each row, and how it is made ready for a student."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.class_words import class_words, unknown_labels
from explaindistill.data.labels import as_labels, check_mask
from explaindistill.errors import InvalidInputError

__all__ = ["SoftTargets", "as_soft_targets", "mix_labels", "one_hot", "sharpen"]

ROW_SUM_TOLERANCE = 1e-6
"""How far from 1 a row of probabilities may sum: float32 answers of many classes come this close."""

ROUNDING = 1e-12
"""Sums closer to 1 are those of float64; rows further off are divided by theirs, or means of them were no shares."""


@dataclass(frozen=True)
class SoftTargets:
    """Rows and what is said about them.

    Attributes
    ----------
    X : DataFrame of n rows
        In the teacher's input space.
    P : ndarray, shape (n, k), (n,) or (n, m)
        Probabilities in the order of ``classes``, or values in regression.
    weight : ndarray, shape (n,)
        Non-negative.
    origin : ndarray of str, shape (n,)
        ``"observed"``, ``"synthetic"``, or ``"proxy"`` where a proxy answered in the teacher's place.
    classes : ndarray of shape (k,), or None in regression
    n_queries : int
        Distinct rows that the teacher itself answered.

    Examples
    --------
    >>> origin = np.array(["observed", "synthetic"])
    >>> targets = SoftTargets(pd.DataFrame({"x": [0.1, 0.9]}), np.array([[0.8, 0.2], [0.3, 0.7]]), np.ones(2), origin,
    ...                       np.array(["no", "yes"]), n_queries=2)
    >>> sharp = targets.with_targets(np.rint(targets.P))
    >>> len(sharp), sharp.P.tolist(), sharp.origin.tolist()
    (2, [[1.0, 0.0], [0.0, 1.0]], ['observed', 'synthetic'])
    >>> more = targets.append(targets.X, targets.P, np.ones(2), "synthetic")
    >>> more.take(np.array([3, 0])).X["x"].tolist()
    [0.9, 0.1]
    """

    X: pd.DataFrame
    P: NDArray[np.float64]
    weight: NDArray[np.float64]
    origin: NDArray[np.str_]
    classes: NDArray[Any] | None
    n_queries: int

    def with_targets(self, P: NDArray[np.float64]) -> SoftTargets:
        """Return the same rows with other targets."""
        return replace(self, P=P)

    def take(self, at: NDArray[np.intp]) -> SoftTargets:
        """Return the rows at these positions, numbered anew; ``n_queries`` stays, since all were asked."""
        return replace(
            self,
            X=self.X.iloc[at].reset_index(drop=True),
            P=self.P[at],
            weight=self.weight[at],
            origin=self.origin[at],
        )

    def append(
        self, rows: pd.DataFrame, P: NDArray[np.float64], weight: NDArray[np.float64], origin: str, n_queries: int = 0
    ) -> SoftTargets:
        """Return these and further rows of one origin, for which the teacher answered ``n_queries`` distinct rows."""
        return replace(
            self,
            X=pd.concat([self.X, rows], ignore_index=True),
            P=np.concatenate([self.P, P]),
            weight=np.concatenate([self.weight, weight]),
            origin=np.concatenate([self.origin, np.full(len(rows), origin)]),
            n_queries=self.n_queries + n_queries,
        )

    def __len__(self) -> int:
        return len(self.P)


def one_hot(y: ArrayLike, classes: ArrayLike) -> NDArray[np.float64]:
    """Hard labels as rows of zeros and a one, in the order of sorted ``classes``.

    Raises
    ------
    InvalidInputError
        If a label is not among the classes.

    Examples
    --------
    >>> one_hot(["yes", "no"], ["no", "yes"]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    >>> one_hot(["perhaps"], ["no", "yes"])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: y has the label 'perhaps', which is not among classes ['no', 'yes']
    """
    labels, names = np.asarray(y), np.asarray(classes)
    position = np.clip(np.searchsorted(names, labels), 0, len(names) - 1)
    if (wrong := names[position] != labels).any():
        raise InvalidInputError(unknown_labels("y", labels[wrong], names))
    out = np.zeros((len(labels), len(names)))
    out[np.arange(len(labels)), position] = 1.0
    return out


def as_soft_targets(y: Any, classes: ArrayLike | None = None) -> tuple[NDArray[np.float64], NDArray[Any], bool]:
    """Bring hard or soft labels into one form: probabilities in the order of sorted classes.

    Parameters
    ----------
    y : array of shape (n,), (n, 1) or (n, k), or a DataFrame whose columns are the classes
        Hard labels, or soft labels: non-negative rows that sum to 1.
    classes : array of shape (k,), optional
        Classes of the columns of a soft array; ``range(k)`` when None. For hard labels: all classes there are,
        the labels seen when None.

    Returns
    -------
    P : ndarray of shape (n, k)
    classes : ndarray of shape (k,), sorted
    soft : bool
        Whether ``y`` was soft.

    Examples
    --------
    >>> P, classes, soft = as_soft_targets([[0.2, 0.8], [1.0, 0.0]], classes=["yes", "no"])
    >>> classes.tolist(), P.tolist(), soft
    (['no', 'yes'], [[0.8, 0.2], [0.0, 1.0]], True)
    """
    if isinstance(y, pd.DataFrame) and y.shape[1] > 1:
        return _soft(_as_floats(y), _class_names(y.columns))
    check_mask(y)
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] > 1:
        columns = np.arange(values.shape[1]) if classes is None else _class_names(classes)
        return _soft(_as_floats(values), columns)
    flat = values.ravel()
    names = np.unique(flat) if classes is None else np.unique(_class_names(classes))
    if classes is not None and len(names) and (flat.dtype.kind in "iufb") != (names.dtype.kind in "iufb"):
        raise InvalidInputError(
            f"classes must be named as the labels of y are, got {names.tolist()[0]!r} for labels such as "
            f"{flat.tolist()[0]!r}; leave classes out, or spell them as y does"
        )
    return one_hot(flat, names), names, False


def _class_names(classes: Any) -> NDArray[Any]:
    """Names of classes as text, flags or numbers, in the given order."""
    if isinstance(classes, str | bytes) or np.ndim(classes) != 1 or np.size(classes) == 0:
        raise InvalidInputError(f"classes must be a list of at least 2 names of classes, got {classes!r}")
    return as_labels(classes)


def _as_floats(soft: Any) -> NDArray[np.float64]:
    check_mask(soft)
    try:
        return np.asarray(soft, dtype=np.float64)
    except (ValueError, TypeError) as error:
        words = " ".join(str(error).split())[:120]
        raise InvalidInputError(
            f"soft labels must be numbers, got {words}; for hard labels give one column of y"
        ) from error


def _soft(P: NDArray[np.float64], columns: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any], bool]:
    if len(columns) != P.shape[1]:
        raise InvalidInputError(f"classes must name the {P.shape[1]} columns of soft labels, got {len(columns)} names")
    if len(np.unique(columns)) != len(columns):
        raise InvalidInputError(f"classes must differ from each other, got {class_words(columns)}")
    if not np.isfinite(P).all():
        raise InvalidInputError("soft labels must be finite, got NaN or infinity; drop those rows")
    if (P < 0).any() or (np.abs(P.sum(axis=1) - 1.0) > ROW_SUM_TOLERANCE).any():
        raise InvalidInputError(
            "soft labels must be non-negative and each row must sum to 1; "
            "for hard labels give one column, multi-label targets are not supported"
        )
    if (off := np.abs(P.sum(axis=1) - 1.0) > ROUNDING).any():
        P = P.copy()
        P[off] /= P[off].sum(axis=1, keepdims=True)
    order = np.argsort(columns)
    return P[:, order], columns[order], True


def sharpen(P: ArrayLike, temperature: float) -> NDArray[np.float64]:
    r"""Sharpen (below 1) or soften (above 1) probabilities: :math:`p_k^{1/T} / \sum_j p_j^{1/T}`.

    Parameters
    ----------
    P : array of shape (n, k)
    temperature : float, at least 0
        1 leaves P as it is; 0 gives one-hot rows. Below 1 a row whose highest probabilities are equal counts wholly for
        the first of them, the class that ``argmax`` decides: vote shares of few trees tie often, and a student is asked
        for the teacher's decision there, too.

    References
    ----------
    Hinton, Vinyals and Dean (2015), arXiv:1503.02531.

    Examples
    --------
    >>> sharpen([[0.6, 0.4]], 0.5).round(3).tolist()
    [[0.692, 0.308]]
    >>> sharpen([[0.5, 0.5], [0.2, 0.8]], 0).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    p = np.asarray(P, dtype=float)
    if not np.isfinite(temperature) or temperature < 0:
        raise InvalidInputError(f"temperature must be at least 0, got {temperature}")
    if temperature == 1:
        return p
    top = p.max(axis=1, keepdims=True)
    decided = np.arange(p.shape[1]) == p.argmax(axis=1)[:, None]
    if temperature == 0:
        return decided.astype(float)
    raised = (p / top) ** (1.0 / temperature)
    if temperature < 1:
        tied = (p == top).sum(axis=1) > 1
        raised[tied] = decided[tied]
    return raised / raised.sum(axis=1, keepdims=True)


def mix_labels(P: NDArray[np.float64], Y: NDArray[np.float64], label_weight: float) -> NDArray[np.float64]:
    """Mix true labels into the teacher's answers: ``(1 - a) P + a Y`` with ``a = label_weight`` in [0, 1].

    Examples
    --------
    >>> mix_labels(np.array([[0.6, 0.4]]), np.array([[0.0, 1.0]]), 0.5).tolist()
    [[0.3, 0.7]]
    """
    if not 0 <= label_weight <= 1:
        raise InvalidInputError(f"label_weight must lie between 0 and 1, got {label_weight}")
    return (1.0 - label_weight) * P + label_weight * Y
