"""From probabilities to decisions: one rule, used by every measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.favorable import favorable_position, which_is_wanted
from explaindistill.numerics.statistics.tallies import weights_of
from explaindistill.protocols import Task

__all__ = ["EVEN", "DecisionRule", "Threshold", "decisions"]

Threshold = float | Mapping[str, float] | None
EVEN = 0.5
"""The one threshold at which either of two classes may be the favourable one: the most probable class is decided."""
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
        The decision that people want. None where nobody said it: then the most probable class is decided, and figures
        that depend on the direction cannot be had.
    threshold : float in [0, 1], or ``{"top": share}``, or None
        See :func:`decisions`.
    cut : float, optional
        Of a top share: the probability from which on other rows are selected, see :meth:`fixed`. None takes the top
        share of the very rows that are decided about.

    Examples
    --------
    >>> rule = DecisionRule(["no", "yes"], "yes", threshold=0.3)
    >>> rule.position, rule.decide([[0.6, 0.4], [0.8, 0.2]]).tolist()
    (1, ['yes', 'no'])
    >>> DecisionRule(["no", "yes"]).position is None
    True
    """

    classes: Any
    favorable: Any = None
    threshold: Threshold = None
    cut: float | None = None

    @property
    def task(self) -> Task:
        """Classification where there are classes, else regression."""
        return "regression" if self.classes is None else "classification"

    @property
    def position(self) -> int | None:
        """Column of the favourable class; None for values, and where none is named."""
        if self.classes is None or self.favorable is None:
            return None
        return favorable_position(self.classes, self.favorable)

    @property
    def column(self) -> int | None:
        """Column for figures that are the same for either of two classes: the favourable one, else the second."""
        if self.position is None and self.classes is not None and len(self.classes) == 2:
            return 1
        return self.position

    def bound(self, P: ArrayLike, weight: ArrayLike | None = None) -> float | None:
        """Probability of the favourable class from which on it is decided.

        Of a top share it is the lowest probability that was selected among the rows of ``P``, infinite where none was;
        None where the most probable class is decided.

        Examples
        --------
        >>> P = [[0.7, 0.3], [0.4, 0.6], [0.5, 0.5]]
        >>> DecisionRule(["no", "yes"], "yes", {"top": 1 / 3}).bound(P), DecisionRule(["no", "yes"]).bound(P)
        (0.6, None)
        """
        if self.position is None or self.threshold is None:
            return None
        if not isinstance(self.threshold, Mapping):
            return float(self.threshold) if len(self.classes) == 2 else None
        if self.cut is not None:
            return self.cut
        score = np.asarray(P, dtype=float)[:, self.position]
        selected = _top(score, self.threshold, weights_of(weight, len(score)))
        return float(score[selected].min()) if selected.any() else float("inf")

    def decide(self, P: ArrayLike, weight: ArrayLike | None = None) -> NDArray[Any]:
        """Label of each row, see :func:`decisions`."""
        if self.classes is None:
            raise InvalidInputError("decisions need classes, and these answers are values")
        if self.cut is None or self.position is None:
            return decisions(P, self.classes, self.favorable, self.threshold, sample_weight=weight)
        answers = _checked(P, np.asarray(self.classes))
        return _labels(answers, np.asarray(self.classes), self.position, answers[:, self.position] >= self.cut)

    def fixed(self, P: ArrayLike, weight: ArrayLike | None = None) -> DecisionRule:
        """The rule as it decides about one model's answers to real rows, for other rows: a top share keeps its cut.

        A rank is a place among the rows that compete. Changed, made-up or fewer rows do not: ranked among themselves,
        one person would be selected because another row was changed.

        Examples
        --------
        >>> rule = DecisionRule(["no", "yes"], "yes", {"top": 0.5})
        >>> P = np.array([[0.7, 0.3], [0.4, 0.6]])
        >>> rule.decide(P[:1]).tolist(), rule.fixed(P).decide(P[:1]).tolist()
        (['no'], ['no'])
        >>> rule.decide([[0.1, 0.9], [0.3, 0.7]]).tolist(), rule.fixed(P).decide([[0.1, 0.9], [0.3, 0.7]]).tolist()
        (['yes', 'no'], ['yes', 'yes'])
        """
        return replace(self, cut=self.bound(P, weight)) if isinstance(self.threshold, Mapping) else self


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
        Needed for a top share, and for a number other than one half: whose probability it is held against is not
        guessed. With one half and no favourable class the most probable class is decided.
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
    >>> decisions(P, ["no", "yes"], "yes", 0.5).tolist()
    ['no', 'yes', 'yes']
    >>> decisions(P, ["no", "yes"], "yes", {"top": 1 / 3}).tolist()
    ['no', 'yes', 'no']
    """
    names = np.asarray(classes)
    P = _checked(P, names)
    if threshold is None or (not isinstance(threshold, Mapping) and len(names) != 2):
        return np.asarray(names[P.argmax(axis=1)])
    if not isinstance(threshold, Mapping) and not 0 <= float(threshold) <= 1:
        raise InvalidInputError(f"threshold must lie between 0 and 1, got {threshold}")
    if favorable is None:
        if threshold == EVEN:
            return np.asarray(names[P.argmax(axis=1)])
        raise InvalidInputError(
            f"threshold {threshold} is held against the probability of one class: {which_is_wanted(names)}"
        )
    position = favorable_position(names, favorable)
    if isinstance(threshold, Mapping):
        selected = _top(P[:, position], threshold, weights_of(sample_weight, len(P)))
    else:
        selected = P[:, position] >= float(threshold)
    return _labels(P, names, position, selected)


def _checked(P: ArrayLike, names: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities, one column per class."""
    answers = np.asarray(P, dtype=float)
    if answers.ndim != 2 or answers.shape[1] != len(names):
        raise InvalidInputError(f"P must have one column per class: {len(names)} classes, got shape {answers.shape}")
    if (gone := np.isnan(answers).any(axis=1)).any():
        raise InvalidInputError(f"P must hold no NaN, got {int(gone.sum())} rows, the first is {gone.argmax()}")
    return answers


def _labels(P: NDArray[np.float64], names: NDArray[Any], position: int, selected: NDArray[np.bool_]) -> NDArray[Any]:
    """The favourable class of those who are selected, the most probable other one of the rest."""
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
