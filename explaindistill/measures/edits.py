"""What a change of an object does to an answer: decisions that turn, probabilities that move, and a control beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.table import few_clusters, frame, row, shares
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.tallies import tally

__all__ = ["EXTRA", "AnswerPair", "edit_effects", "over_control"]

EXTRA = ("edit",)
"""Columns beside the canonical ones."""
CLIP = 1e-6
"""Probabilities are held this far from 0 and 1 before their log-odds are taken: a change of one that is nearer is not a
matter of the edit but of rounding."""
LEVEL = 0.95
ENDS = {
    "edit_score": (-1.0, 1.0),
    "edit_over_control": (-1.0, 1.0),
    "edit_logit": (-2 * np.log((1 - CLIP) / CLIP), 2 * np.log((1 - CLIP) / CLIP)),
}
"""How far an object of a kind that none of these is could move an answer: where all move alike, the interval is as wide
as such objects may make it, and never without width. Values have no such ends."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnswerPair:
    """One model's answers to objects as they are, and as an edit leaves them.

    Attributes
    ----------
    changed : ndarray of shape (n,)
        Whether the edit changes the object at all.
    turned : ndarray of shape (n,), optional
        Whether the decision is another one; None for values.
    moved : ndarray of shape (n,), optional
        Probability of the favourable class, or value, after less before; None where no class is favourable.
    moved_logit : ndarray of shape (n,), optional
        The same in log-odds; None for values.

    Examples
    --------
    >>> P = np.array([0.2, 0.9])
    >>> AnswerPair.of(P, P + 0.1, np.array([True, True]), DecisionRule(None)).moved.round(2).tolist()
    [0.1, 0.1]
    """

    changed: NDArray[np.bool_]
    turned: NDArray[np.bool_] | None
    moved: Floats | None
    moved_logit: Floats | None

    @classmethod
    def of(cls, P: Floats, Q: Floats, changed: NDArray[np.bool_], rule: DecisionRule) -> AnswerPair:
        """Compare answers before, ``P``, and after, ``Q``, of shape (n, k) or (n,)."""
        if rule.classes is None:
            moved = (Q - P).reshape(len(P), -1)
            return cls(changed, None, moved[:, 0] if moved.shape[1] == 1 else None, None)
        turned = np.asarray(rule.decide(P) != rule.decide(Q))
        if rule.position is None:
            return cls(changed, turned, None, None)
        p, q = P[:, rule.position], Q[:, rule.position]
        return cls(changed, turned, q - p, _log_odds(q) - _log_odds(p))

    @property
    def size(self) -> Floats | None:
        """How far each answer moved, whichever way."""
        if self.moved is not None:
            return np.abs(self.moved)
        return None if self.turned is None else self.turned.astype(float)


def _log_odds(p: Floats) -> Floats:
    held = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(np.log(held / (1 - held)))


def edit_effects(
    pair: AnswerPair,
    *,
    edit: str,
    subject: str,
    minimum: int = 10,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Effects of one edit on one model, over the objects that it changes.

    Parameters
    ----------
    pair : AnswerPair
    edit, subject : str
    minimum : int
        With fewer changed objects the figures are withheld.
    sample_weight, clusters, level
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns, then ``edit``. ``metric`` is ``edit_changed`` (share of objects that the edit changes; k of
        n), ``edit_flip_rate`` (share of those whose decision turns; Wilson's interval), ``edit_score`` (mean change of
        the probability of the favourable class, paired), ``edit_logit`` (the same in log-odds: a bias that a model adds
        to its log-odds is found as itself) or ``edit_mean`` (mean change of a value). Means have the wider of Student's
        and Hall's limits.

    Examples
    --------
    >>> P = np.linspace(0, 0.8, 40)
    >>> pair = AnswerPair.of(P, P + 0.1, np.ones(40, bool), DecisionRule(None))
    >>> edit_effects(pair, edit="higher", subject="teacher")[["metric", "n", "estimate"]].round(2).values.tolist()
    [['edit_changed', 40, 1.0], ['edit_mean', 40, 0.1]]
    """
    shared: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    names = {"subject": subject, "edit": edit}
    n, every = len(pair.changed), np.zeros(len(pair.changed), dtype=np.int64)
    lines = shares("edit_changed", tally(pair.changed, every, 1, **shared), [names], level=level)
    figures = _figures(pair)
    if pair.changed.sum() < minimum:
        why = f"the edit changes fewer than {minimum} of {n} objects"
        lines = [row("edit_changed", np.nan, np.nan, np.nan, n=0, status="suppressed", reason=why, **names)]
        lines += [
            row(metric, np.nan, np.nan, np.nan, n=0, status="undefined", reason=why, **names) for metric in figures
        ]
        return frame(lines, EXTRA)
    only = np.where(pair.changed, 0, -1)
    for metric, values in figures.items():
        if metric == "edit_flip_rate":
            lines += shares(metric, tally(values, only, 1, **shared), [names], level=level)
        else:
            lines.append(_mean(metric, values, only, level, shared) | names)
    return frame(lines, EXTRA)


def over_control(
    pair: AnswerPair,
    control: AnswerPair,
    *,
    edit: str,
    subject: str,
    minimum: int = 10,
    sample_weight: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """How much further an edit moves answers than its control, over the objects that both change.

    Parameters
    ----------
    pair, control : AnswerPair
        Of the same objects and the same model.
    edit, subject, minimum, sample_weight, clusters, level
        As in `edit_effects`.

    Returns
    -------
    DataFrame
        One line, ``edit_over_control``: mean over objects of the size of the change by the edit less that by the
        control, with the wider of Student's and Hall's limits. Not above 0 where a change of such a size does as much
        whatever it changes.

    Examples
    --------
    >>> P, every = np.linspace(0, 0.6, 40), np.ones(40, bool)
    >>> edit, control = (AnswerPair.of(P, P + by, every, DecisionRule(None)) for by in (0.3, 0.1))
    >>> float(over_control(edit, control, edit="higher", subject="teacher")["estimate"].round(2).item())
    0.2
    """
    names = {"subject": subject, "edit": edit}
    both = pair.changed & control.changed
    first, second = pair.size, control.size
    if first is None or second is None:
        return frame([], EXTRA)
    if both.sum() < minimum:
        why = f"fewer than {minimum} objects are changed by both the edit and its control"
        line = row("edit_over_control", np.nan, np.nan, np.nan, n=0, status="undefined", reason=why, **names)
        return frame([line], EXTRA)
    shared: dict[str, Any] = {"sample_weight": sample_weight, "clusters": clusters}
    line = _mean("edit_over_control", first - second, np.where(both, 0, -1), level, shared)
    return frame([line | names | {"reference": "control"}], EXTRA)


def _figures(pair: AnswerPair) -> dict[str, Floats]:
    """What there is to average of a pair, by the name of its metric."""
    if pair.turned is None:
        return {} if pair.moved is None else {"edit_mean": pair.moved}
    figures: dict[str, Any] = {"edit_flip_rate": pair.turned}
    if pair.moved is not None and pair.moved_logit is not None:
        figures |= {"edit_score": pair.moved, "edit_logit": pair.moved_logit}
    return figures


def _mean(metric: str, values: Floats, only: NDArray[np.int64], level: float, shared: dict[str, Any]) -> dict[str, Any]:
    """Mean over the chosen objects with the wider of Student's and Hall's limits: most objects may not move at all."""
    limits = mean_limits(values, only, 1, level=level, ends=ENDS.get(metric), **shared)
    mean, low, high = (float(x) for x in limits.sides(0))
    few = few_clusters(limits.members[0].count) if limits.members else {}
    n = int((only == 0).sum())
    return row(
        metric, mean, low, high, n=n, n_effective=float(limits.n_effective[0]), method="t and hall, paired", **few
    )
