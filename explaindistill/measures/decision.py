"""From probabilities to decisions: one rule, used by every measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.tallies import weights_of
from explaindistill.protocols import Task

__all__ = ["DecisionRule", "Threshold", "decisions", "favorable_position"]

Threshold = float | Mapping[str, float] | None
TIE = 1e-12
"""Two shares that differ by less are the same: sums of weights are rounded."""


@dataclass(frozen=True, eq=False)
class DecisionRule:
    """How probabilities become decisions: the classes in the order of the columns, the wish, and the threshold.

    Attributes
    ----------
    classes : array of shape (k,), or None
        None where answers are values, and nothing is decided.
    favorable : class, optional
        The second of two classes when None.
    threshold : float in [0, 1], or ``{"top": share}``, or None
        See :func:`decisions`.

    Examples
    --------
    >>> rule = DecisionRule(["no", "yes"], threshold=0.3)
    >>> rule.position, rule.decide([[0.6, 0.4], [0.8, 0.2]]).tolist()
    (1, ['yes', 'no'])
    """

    classes: Any
    favorable: Any = None
    threshold: Threshold = None

    @property
    def task(self) -> Task:
        """Classification where there are classes, else regression."""
        return "regression" if self.classes is None else "classification"

    @property
    def position(self) -> int | None:
        """Column of the favourable class; None for values, and where there are several classes and none is named."""
        if self.classes is None or (self.favorable is None and len(self.classes) != 2):
            return None
        return favorable_position(self.classes, self.favorable)

    def decide(self, P: ArrayLike, weight: ArrayLike | None = None) -> NDArray[Any]:
        """Label of each row, see :func:`decisions`."""
        if self.classes is None:
            raise InvalidInputError("decisions need classes, and these answers are values")
        return decisions(P, self.classes, self.favorable, self.threshold, sample_weight=weight)


def favorable_position(classes: ArrayLike, favorable: Any = None) -> int:
    """Position of the favourable class; the second of two when None.

    Raises
    ------
    InvalidInputError
        If it is not among the classes, or there are more than two and none is named.

    Examples
    --------
    >>> favorable_position(["no", "yes"]), favorable_position(["a", "b", "c"], "b")
    (1, 1)
    """
    names = np.asarray(classes).tolist()
    if favorable is None:
        if len(names) == 2:
            return 1
        raise InvalidInputError(f"favorable must name one of the classes {names} when there are more than two")
    if favorable not in names:
        raise InvalidInputError(f"favorable must be one of the classes {names}, got {favorable!r}")
    return names.index(favorable)


def decisions(
    P: ArrayLike,
    classes: ArrayLike,
    favorable: Any = None,
    threshold: Threshold = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> NDArray[Any]:
    """Decide each row: ``P[favorable] >= threshold``, the argmax, or membership in the top share.

    Parameters
    ----------
    P : array of shape (n, k)
        Rows sum to 1, columns in the order of ``classes``.
    classes : array of shape (k,)
    favorable : class, optional
        The second of two classes when None.
    threshold : float in [0, 1], or ``{"top": share}``, or None
        A number applies to two classes: the favourable one is decided from ``threshold`` on. With more than two
        classes a number is ignored and the most probable class is decided. ``{"top": share}`` selects the rows
        with the highest probability of ``favorable``; rows that tie are selected together, and the cut is the one
        whose share comes closest. None means the most probable class; of equals the first.
    sample_weight : array of shape (n,), optional
        Counts towards the share of ``{"top": share}``.

    Returns
    -------
    ndarray of shape (n,)
        Labels. A row that is not selected by a top share gets its most probable other class.

    Examples
    --------
    >>> P = [[0.7, 0.3], [0.4, 0.6], [0.5, 0.5]]
    >>> decisions(P, ["no", "yes"], threshold=0.5).tolist()
    ['no', 'yes', 'yes']
    >>> decisions(P, ["no", "yes"], threshold={"top": 1 / 3}).tolist()
    ['no', 'yes', 'no']
    """
    P, names = np.asarray(P, dtype=float), np.asarray(classes)
    if P.ndim != 2 or P.shape[1] != len(names):
        raise InvalidInputError(f"P must have one column per class: {len(names)} classes, got shape {P.shape}")
    if (gone := np.isnan(P).any(axis=1)).any():
        raise InvalidInputError(f"P must hold no NaN, got {int(gone.sum())} rows, the first is {gone.argmax()}")
    if threshold is None or (not isinstance(threshold, Mapping) and len(names) != 2):
        return np.asarray(names[P.argmax(axis=1)])
    position = favorable_position(names, favorable)
    if isinstance(threshold, Mapping):
        selected = _top(P[:, position], threshold, weights_of(sample_weight, len(P)))
    else:
        if not 0 <= float(threshold) <= 1:
            raise InvalidInputError(f"threshold must lie between 0 and 1, got {threshold}")
        selected = P[:, position] >= float(threshold)
    others = P.copy()
    others[:, position] = -1.0  # below every probability: the best of the others is taken
    return np.where(selected, names[position], names[others.argmax(axis=1)])


def _top(score: NDArray[np.float64], threshold: Mapping[str, float], weight: NDArray[np.float64]) -> NDArray[np.bool_]:
    r"""Rows whose score is among the v highest different values, with v such that their weight is nearest to the share.

    With values :math:`s_1 < \dots < s_m` and the weight :math:`W_v` of rows at or above :math:`s_{m-v+1}`,
    :math:`v = \arg\min_v |W_v / W_m - share|`, the smallest of equals; v = 0 selects nobody.
    """
    if set(threshold) != {"top"} or not 0 < threshold["top"] < 1:
        raise InvalidInputError(
            f'threshold must be a number, or {{"top": share}} with a share between 0 and 1, got {dict(threshold)}'
        )
    if len(score) == 0:
        return np.zeros(0, dtype=bool)
    values, inverse = np.unique(score, return_inverse=True)
    mass = np.bincount(inverse, weight)[::-1].cumsum() / weight.sum()
    distance = np.abs(np.concatenate([[0.0], mass]) - threshold["top"])
    n_values = int(np.flatnonzero(distance <= distance.min() + TIE)[0])
    return np.asarray(inverse >= len(values) - n_values)
