"""Do probabilities mean what they say: calibration and ranking, overall and by group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.errors import InvalidInputError
from explaindistill.measures.groups import groupings
from explaindistill.measures.table import frame, row
from explaindistill.numerics.statistics.intervals import normal_quantile, wilson
from explaindistill.numerics.statistics.ranks import auc_and_interval
from explaindistill.numerics.statistics.recalibration import recalibrated
from explaindistill.numerics.statistics.tallies import weights_of

__all__ = ["AUC_MINIMUM", "calibration", "reliability"]

AUC_MINIMUM = 25
"""Rows of either label below which an AUC is ``small``: its interval rests on the rarer label, whose rows alone decide
how long it is. A trade-off: a higher number calls the AUC of most small groups so."""
Floats = NDArray[np.float64]
Line = dict[str, Any]


def calibration(
    y: ArrayLike,
    p: ArrayLike,
    *,
    attributes: pd.DataFrame | None = None,
    intersections: bool | int = True,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Calibration and AUC, overall and in each group.

    =========================  ============================================================================
    metric                     what it is
    =========================  ============================================================================
    ``calibration_gap``        observed minus expected share, :math:`\sum(y-p)/n`; 0 is right
    ``calibration_ratio``      observed over expected, :math:`\sum y / \sum p`; 1 is right
    ``spiegelhalter``          :math:`\sum (y-p)(1-2p) / \sqrt{\sum (1-2p)^2 p(1-p)}`, Spiegelhalter's z; beyond ±1.96
                               the probabilities are wrong somewhere
    ``calibration_slope``      of the logistic regression of y on logit(p); below 1: too extreme
    ``calibration_intercept``  of the same regression with the slope held at 1; 0 is right
    ``auc``                    chance that a positive is ranked above a negative
    =========================  ============================================================================

    The expected calibration error is not here: of a perfectly calibrated model it is 0.18 with 30 rows and
    0.01 with 10,000, so groups of unlike size cannot be compared by it.

    Parameters
    ----------
    y : bool array of shape (n,)
        Whether the true label is the favourable one.
    p : array of shape (n,)
        Its probability.
    attributes : DataFrame of n rows, optional
    intersections, sample_weight, level, subject
        As in `explaindistill.measures.bias.group_rates`.

    Returns
    -------
    DataFrame
        Canonical columns, then ``p_value`` (of the hypothesis that the group is calibrated). ``n`` counts the rows and
        ``k`` those whose true label is the favourable one. The AUC of a group with fewer than 25 rows of either label
        has the status ``small``.

    References
    ----------
    Spiegelhalter (1986), doi:10.1002/sim.4780050506; Cox (1958), doi:10.1093/biomet/45.3-4.562; Newcombe (2006),
    doi:10.1002/sim.2324.

    Examples
    --------
    >>> table = calibration([True, False, True, False], [0.8, 0.2, 0.6, 0.3]).set_index("metric")["estimate"]
    >>> round(float(table["calibration_gap"]), 3), float(table["auc"])
    (0.025, 1.0)
    """
    truth, chance = _truths(y), np.asarray(p, dtype=float)
    if truth.shape != chance.shape or truth.ndim != 1:
        raise InvalidInputError(f"y and p must be vectors of one length, got shapes {truth.shape} and {chance.shape}")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise InvalidInputError("p must hold probabilities between 0 and 1")
    w = weights_of(sample_weight, len(truth))
    lines = [line | {"subject": subject} for line in _one(truth, chance, w, level)]
    for grouping in groupings(attributes, intersections) if attributes is not None else ():
        for code, name in enumerate(grouping.names):
            at = grouping.codes == code
            who = {"subject": subject, "attribute": grouping.attribute, "group": name}
            lines += [line | who for line in _one(truth[at], chance[at], w[at], level)]
    return frame(lines, extra=["p_value"])


def _truths(y: ArrayLike) -> NDArray[np.bool_]:
    """Labels as booleans; a missing one is neither, though NaN would count as true."""
    values = np.asarray(y)
    if (gone := pd.isna(values)).any():
        raise InvalidInputError(f"y must hold no missing labels, got {int(gone.sum())} of {len(values)}")
    return values.astype(bool)


def _one(y: NDArray[np.bool_], p: Floats, w: Floats, level: float) -> Iterator[Line]:
    """Every line of one set of rows i with labels y, probabilities p and weights w."""
    keep = w > 0
    y, p, w = y[keep], p[keep], w[keep]
    n = {"n": len(y), "k": float(y.sum())}
    z = normal_quantile(level)
    yield from _in_the_large(y, p, w, z, n)
    yield _spiegelhalter(y, p, w, n)
    yield from _recalibration(y, p, w, z, n)
    area = auc_and_interval(p, y, w, level) if len(y) else (np.nan, np.nan, np.nan)
    line = row("auc", *area, method="newcombe 2006 and logit", **n)
    few = min(y.sum(), (~y).sum())
    if 0 < few < AUC_MINIMUM:
        line |= {"status": "small", "reason": f"{few} rows of one label, fewer than {AUC_MINIMUM}"}
    yield line


def _in_the_large(y: Any, p: Any, w: Any, z: float, n: Line) -> Iterator[Line]:
    r"""Gap :math:`g = \sum w(y - p) / \sum w` and ratio :math:`\sum wy / \sum wp`.

    Standard errors of g: :math:`\sqrt{\sum w^2 p(1-p)} / \sum w` where the probabilities are right, and
    :math:`\sqrt{\frac{n}{n-1} \sum w^2 (y - p - g)^2} / \sum w` in any case. The interval takes the larger, since
    residuals that are all alike in a small sample have hardly any variance. The interval of the ratio is Wilson's of
    the observed share over the expected one, which is known.
    """
    total, expected = w.sum(), (w * p).sum()
    if len(y) == 0:
        yield row("calibration_gap", np.nan, np.nan, np.nan, **n)
        return
    gap = float((w * (y - p)).sum() / total)
    spread = float(np.sqrt((w**2 * p * (1 - p)).sum())) / total
    p_value = float(2 * special.ndtr(-abs(gap) / spread)) if spread > 0 else np.nan
    # The test takes the variance under calibration, the interval that of the residuals.
    error = float(np.sqrt((w**2 * (y - p - gap) ** 2).sum() * len(y) / max(len(y) - 1, 1))) / total
    error = max(error, spread)
    yield row("calibration_gap", gap, gap - z * error, gap + z * error, method="normal", p_value=p_value, **n)
    ratio = float((w * y).sum() / expected) if expected > 0 else np.nan
    worth = float(total**2 / (w**2).sum())
    low, high = wilson(float((w * y).sum() / total) * worth, worth, 2 * float(special.ndtr(z)) - 1)
    mean = expected / total if expected > 0 else np.nan
    yield row("calibration_ratio", ratio, float(low) / mean, float(high) / mean, method="wilson over expected", **n)


def _spiegelhalter(y: Any, p: Any, w: Any, n: Line) -> Line:
    """Spiegelhalter's z with weights; undefined where every probability is 0, 1 or one half."""
    variance = float((w**2 * (1 - 2 * p) ** 2 * p * (1 - p)).sum())
    if variance <= 0:
        return row("spiegelhalter", np.nan, np.nan, np.nan, **n)
    z = float((w * (y - p) * (1 - 2 * p)).sum() / np.sqrt(variance))
    return row("spiegelhalter", z, np.nan, np.nan, method="z", p_value=float(2 * special.ndtr(-abs(z))), **n)


def _recalibration(y: Any, p: Any, w: Any, z: float, n: Line) -> Iterator[Line]:
    """Intercept a (with the slope b held at 1) and slope b of logit P(y = 1) = a + b logit(p), with Wald's interval."""
    both = recalibrated(y, p, w) if len(y) else (None, None)
    for name, neutral, fitted in zip(("calibration_intercept", "calibration_slope"), (0.0, 1.0), both, strict=True):
        if fitted is None:
            reason = "one label only, one probability only, or labels that the probabilities separate"
            yield row(name, np.nan, np.nan, np.nan, status="undefined", reason=reason, **n)
            continue
        value, error = fitted
        p_value = float(2 * special.ndtr(-abs(value - neutral) / error))
        yield row(name, value, value - z * error, value + z * error, method="wald", p_value=p_value, **n)


def reliability(
    y: ArrayLike, p: ArrayLike, *, n_bins: int = 10, level: float = 0.95, subject: str = "student"
) -> pd.DataFrame:
    """Observed share in bins of equally many rows by probability, for a reliability diagram.

    Parameters
    ----------
    y : bool array of shape (n,)
    p : array of shape (n,)
    n_bins : int, at least 1
        Fewer result where probabilities repeat: equal ones stand in one bin. A trade-off: more bins show more of the
        curve, each from fewer rows.
    level, subject
        As in `calibration`.

    Returns
    -------
    DataFrame
        Canonical columns with ``metric`` ``observed_share`` (``k`` of ``n`` rows of the bin in ``subset``) and Wilson's
        interval, then ``predicted``, the bin's mean probability.

    References
    ----------
    Murphy and Winkler (1977), doi:10.2307/2346866 (the diagram).

    Examples
    --------
    >>> reliability([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], n_bins=2)[["estimate", "predicted"]].round(2).values.tolist()
    [[0.0, 0.15], [1.0, 0.75]]
    """
    if n_bins < 1:
        raise InvalidInputError(f"n_bins must be at least 1, got {n_bins}")
    truth, chance = _truths(y), np.asarray(p, dtype=float)
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, n_bins + 1)[1:-1])) if len(chance) else np.empty(0)
    place = np.searchsorted(edges, chance, side="left")
    lines: list[Line] = []
    for i in np.unique(place):
        at = place == i
        k, n = int(truth[at].sum()), int(at.sum())
        low, high = wilson(k, n, level)
        names = {"subject": subject, "subset": f"bin {len(lines) + 1}", "n": n, "k": k, "method": "wilson"}
        lines.append(row("observed_share", k / n, float(low), float(high), predicted=chance[at].mean(), **names))
    return frame(lines, extra=["predicted"])
