"""Calibration, ranking and losses against true labels, from sums over rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from explaindistill.measures.calibration import AUC_MINIMUM, _p_value
from explaindistill.measures.score_ranks import RANKS, ScoreRanks, counted_auc, tenths_of
from explaindistill.measures.table import frame, row, shares
from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.intervals import normal_quantile, wilson
from explaindistill.numerics.statistics.summed_moments import MomentSums
from explaindistill.numerics.statistics.summed_recalibration import TargetSums, summed_recalibration

__all__ = [
    "TruthByRank", "calibration_lines", "in_the_large", "ranked_sums", "reliability_frame",
    "summed_losses",
]  # fmt: skip

Line = dict[str, Any]
Floats = NDArray[np.float64]


def in_the_large(y: NDArray[np.bool_], p: Floats, w: Floats) -> Floats:
    r"""Numbers per row ``(n, 11)`` whose sums tell how probabilities and labels meet.

    n and k; :math:`w, w^2, w y, w p, w^2 p (1 - p), w^2 (y - p), w^2 (y - p)^2, w (y - p)(1 - 2 p)` and
    :math:`w^2 (1 - 2 p)^2 p (1 - p)`.

    Examples
    --------
    >>> in_the_large(np.array([True, False]), np.array([0.5, 0.5]), np.ones(2)).sum(axis=0).tolist()
    [2.0, 1.0, 2.0, 2.0, 1.0, 1.0, 0.5, 0.0, 0.5, 0.0, 0.0]
    """
    one, off, spread = (w > 0).astype(float), y - p, p * (1 - p)
    return np.column_stack(
        [
            one, one * y, w, w**2, w * y, w * p, w**2 * spread, w**2 * off, w**2 * off**2, w * off * (1 - 2 * p),
            w**2 * (1 - 2 * p) ** 2 * spread,
        ]
    )  # fmt: skip


def ranked_sums(y: NDArray[np.bool_], p: Floats, w: Floats) -> Floats:
    """Numbers per row ``(n, 8)`` that are summed by rank: rows, those that count, w, w², the same of y, and w p.

    Examples
    --------
    >>> ranked_sums(np.array([True]), np.array([0.5]), np.array([3.0])).tolist()
    [[1.0, 1.0, 3.0, 9.0, 1.0, 3.0, 9.0, 1.5]]
    """
    one = (w > 0).astype(float)
    return np.column_stack([np.ones(len(y)), one, w, w**2, one * y, w * y, w**2 * y, w * p])


@dataclass(frozen=True, eq=False)
class TruthByRank:
    """Sums of `ranked_sums` by rank of one model's score.

    Attributes
    ----------
    sums : ndarray of shape (ranks, 8)
    ranks : ScoreRanks

    Examples
    --------
    >>> y, p = np.array([True, False, True]), np.array([0.8, 0.2, 0.6])
    >>> ranks = ScoreRanks.of(np.unique(p), None)
    >>> ranked = TruthByRank(ranked_sums(y, p, np.ones(3))[np.argsort(p)], ranks)
    >>> ranked.n, ranked.area(0.95)["estimate"]
    ({'n': 3, 'k': 2.0}, 1.0)
    """

    sums: Floats
    ranks: ScoreRanks

    @property
    def rows(self) -> Counted:
        """All rows of each rank."""
        return Counted(np.rint(self.sums[:, 1]).astype(np.int64), self.sums[:, 2], self.sums[:, 3])

    @property
    def positive(self) -> Counted:
        """Rows whose label is the favourable one."""
        return Counted(np.rint(self.sums[:, 4]).astype(np.int64), self.sums[:, 5], self.sums[:, 6])

    @property
    def negative(self) -> Counted:
        """Rows with another label."""
        both, first = self.rows, self.positive
        return Counted(both.count - first.count, both.weight - first.weight, both.square - first.square)

    @property
    def mean(self) -> Floats:
        """The probability of each rank: where ranks hold several, their mean."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = self.sums[:, 7] / self.sums[:, 2]
        return self.ranks.values if self.ranks.is_exact else np.where(self.sums[:, 2] > 0, means, 0.5)

    @property
    def targets(self) -> TargetSums:
        """Labels as targets of a recalibration."""
        both, first = self.rows, self.positive
        n, weight = both.count.sum(), both.weight.sum()
        each = float(weight / n) if n else 1.0
        is_even = np.allclose(both.weight, each * both.count) and np.allclose(both.square, each**2 * both.count)
        return TargetSums(both.weight, first.weight, both.square, first.square, first.square, each if is_even else None)

    def area(self, level: float) -> Line:
        """The line of the area under the ROC curve."""
        *area, bound = counted_auc(self.positive, self.negative, level, self.ranks.is_exact)
        ranked = "" if self.ranks.is_exact else f", {RANKS:,} ranks, within {bound:.1g}"
        return row("auc", *area, method=f"newcombe 2006 and logit{ranked}", **self.n)

    @property
    def n(self) -> Line:
        """Rows and positives."""
        return {"n": int(self.rows.count.sum()), "k": float(self.positive.count.sum())}


def calibration_lines(large: Floats, ranked: TruthByRank, level: float = 0.95) -> Iterator[Line]:
    """Lines of `explaindistill.measures.calibration.calibration` of one set of rows.

    Parameters
    ----------
    large : ndarray of shape (11,)
        Sums of `in_the_large`.
    ranked : TruthByRank
        Of the same rows.

    Examples
    --------
    >>> y, p, one = np.array([True, False, True, False]), np.array([0.8, 0.2, 0.6, 0.3]), np.ones(4)
    >>> ranked = TruthByRank(ranked_sums(y, p, one)[np.argsort(p)], ScoreRanks.of(np.unique(p), None))
    >>> lines = {line["metric"]: line for line in calibration_lines(in_the_large(y, p, one).sum(axis=0), ranked)}
    >>> round(lines["calibration_gap"]["estimate"], 3), lines["auc"]["estimate"]
    (0.025, 1.0)
    """
    n, k, total, square, yes, expected, spread, second, product, crossed, variance = large
    count: Line = {"n": round(n), "k": float(k)}
    if round(n) == 0:
        yield row("calibration_gap", np.nan, np.nan, np.nan, **count)
        yield row("spiegelhalter", np.nan, np.nan, np.nan, **count)
        return
    z, gap = normal_quantile(level), float((yes - expected) / total)
    usual = float(np.sqrt(spread)) / total
    residual = product - 2 * gap * second + gap**2 * square
    error = float(np.sqrt(max(residual, 0.0) * n / max(n - 1, 1))) / total
    half = z * max(error, usual)
    yield row(
        "calibration_gap", gap, gap - half, gap + half, method="normal", p_value=_p_value(gap, usual, np.inf), **count
    )
    ratio, mean = (float(yes / expected), expected / total) if expected > 0 else (np.nan, np.nan)
    share, worth = float(np.clip(yes / total, 0, 1)), min(float(total**2 / square), n)
    low, high = (float(limit) / mean for limit in wilson(share * worth, worth, level))
    yield row("calibration_ratio", ratio, low, high, method="wilson over expected", **count)
    yield _spiegelhalter(float(crossed), float(variance), count)
    yield from _recalibration(ranked, level, count)
    line = ranked.area(level)
    few = min(count["k"], count["n"] - count["k"])
    if 0 < few < AUC_MINIMUM:
        line |= {"status": "small", "reason": f"{int(few)} rows of one label, fewer than {AUC_MINIMUM}"}
    yield line


def _spiegelhalter(distance: float, variance: float, n: Line) -> Line:
    if variance <= 0:
        return row("spiegelhalter", np.nan, np.nan, np.nan, **n)
    z = float(distance / np.sqrt(variance))
    return row("spiegelhalter", z, np.nan, np.nan, method="z", p_value=float(2 * special.ndtr(-abs(z))), **n)


def _recalibration(ranked: TruthByRank, level: float, n: Line) -> Iterator[Line]:
    both = summed_recalibration(ranked.mean, ranked.targets)
    method = "wald" if ranked.ranks.is_exact else f"wald, {RANKS:,} ranks"
    for name, neutral, fitted in zip(("calibration_intercept", "calibration_slope"), (0.0, 1.0), both, strict=True):
        if fitted is None:
            reason = "one label only, one probability only, or labels that the probabilities separate"
            yield row(name, np.nan, np.nan, np.nan, status="undefined", reason=reason, **n)
            continue
        p_value = _p_value(fitted.estimate - neutral, fitted.standard_error, fitted.freedom)
        yield row(name, fitted.estimate, *fitted.limits(level), method=method, p_value=p_value, **n)


def reliability_frame(ranked: TruthByRank, subject: str, n_bins: int = 10, level: float = 0.95) -> pd.DataFrame:
    """What `explaindistill.measures.calibration.reliability` gives of the rows.

    Examples
    --------
    >>> y, p = np.array([False, False, True, True]), np.array([0.1, 0.2, 0.7, 0.8])
    >>> ranked = TruthByRank(ranked_sums(y, p, np.ones(4)), ScoreRanks.of(p, None))
    >>> reliability_frame(ranked, "tree", n_bins=2)[["estimate", "predicted"]].round(2).values.tolist()
    [[0.0, 0.15], [1.0, 0.75]]
    """
    cuts = np.linspace(0, 1, n_bins + 1)[1:-1]
    place, n_present = tenths_of(np.rint(ranked.sums[:, 0]).astype(np.int64), cuts)
    names = [{"subject": subject, "subset": f"bin {i + 1}"} for i in range(n_present)]
    both = Counted(
        *(np.concatenate([a, b]) for a, b in zip(_parts(ranked.positive), _parts(ranked.negative), strict=True))
    )
    success = np.arange(len(both)) < len(place)
    lines = shares("observed_share", both.tally(success, np.tile(place, 2), n_present), names, level=level)
    inside = place >= 0
    sums = (np.bincount(place[inside], ranked.sums[inside, column], n_present) for column in (7, 2))
    with np.errstate(invalid="ignore"):
        predicted = np.divide(*sums)
    return frame((line | {"predicted": m} for line, m in zip(lines, predicted, strict=True)), extra=["predicted"])


def _parts(counted: Counted) -> tuple[NDArray[Any], ...]:
    return counted.count, counted.weight, counted.square


def summed_losses(losses: MomentSums, subject: str, level: float = 0.95) -> pd.DataFrame:
    """Log loss and Brier distance as `explaindistill.measures.performance.performance` gives them.

    Parameters
    ----------
    losses : MomentSums
        Of both, in this order.

    Examples
    --------
    >>> table = summed_losses(MomentSums.of(np.array([[0.1, 0.0], [0.3, 0.2]])), "tree")
    >>> table[["metric", "n", "estimate"]].values.tolist()
    [['log_loss', 2, 0.2], ['brier', 2, 0.1]]
    """
    lines = []
    for i, name in enumerate(("log_loss", "brier")):
        smooth = losses.at(slice(i, i + 1)).smooth(lambda m: float(m[0]))
        low, high = smooth.limits(level)
        lines.append(
            row(name, smooth.estimate, float(np.maximum(low, 0.0)), high, n=losses.n, method="delta", subject=subject)
        )
    return frame(lines)
