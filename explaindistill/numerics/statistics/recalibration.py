"""Logistic recalibration: how log-odds must be shifted and stretched to mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from explaindistill.numerics.statistics.clusters import ClusterSums
from explaindistill.numerics.statistics.tallies import Smooth

__all__ = ["CLIP", "recalibrated"]

CLIP = (
    1e-6  # probabilities nearer to 0 or 1 count as this: log-odds within 13.8, so that one row cannot decide the slope
)
MOST_STEP = (
    5.0  # of a coefficient at once: log-odds that differ by more are hardly told apart, and full steps overshoot
)
RUNAWAY = 50.0  # coefficient from which labels count as separated: the likelihood then has no maximum
CONVERGED = 1e-10  # largest step
Floats = NDArray[np.float64]
Fitted = Smooth | None


def recalibrated(
    target: ArrayLike, p: ArrayLike, weight: ArrayLike | None = None, clusters: ArrayLike | None = None
) -> tuple[Fitted, Fitted]:
    r"""Fit :math:`\text{logit}\,E[y] = a + b\,\text{logit}(p)`: ``a`` with b held at 1, then ``b`` with a free.

    Parameters
    ----------
    target : array of shape (n,)
        Labels 0 and 1, or another model's probabilities.
    p : array of shape (n,)
        Probabilities, clipped to [1e-6, 1 - 1e-6].
    weight : array of shape (n,), optional
    clusters : array of shape (n,), optional
        Rows that belong together.

    Returns
    -------
    intercept, slope : Smooth, or None
        The error is the sandwich's where weights differ, rows cluster or targets are not labels, else that of the
        likelihood; of clusters that of the rows' influences by `ClusterSums.contrast`. None where the fit runs away:
        one label only, one probability only, or labels that the probabilities separate.

    References
    ----------
    Cox (1958), doi:10.1093/biomet/45.3-4.562; Papke and Wooldridge (1996) for targets between 0 and 1,
    doi:10.1002/(SICI)1099-1255(199611)11:6<619::AID-JAE418>3.0.CO;2-1.

    Examples
    --------
    Halved log-odds need to be doubled:

    >>> z = np.linspace(-3, 3, 41)
    >>> intercept, slope = recalibrated(special.expit(z), special.expit(z / 2))
    >>> round(intercept[0], 6), round(slope[0], 6)
    (0.0, 2.0)
    """
    y, chance = np.asarray(target, dtype=float), np.asarray(p, dtype=float)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    x = special.logit(np.clip(chance, CLIP, 1 - CLIP))
    if not 0 < (w * y).sum() < w.sum():
        return None, None
    one = np.ones_like(x)
    slope = _newton(np.column_stack([one, x]), y, w, np.zeros_like(x), clusters) if np.ptp(x) > 1e-9 else None
    return _newton(one[:, None], y, w, x, clusters), slope


def _newton(A: Floats, y: Floats, w: Floats, offset: Floats, clusters: ArrayLike | None) -> Fitted:
    r"""Last coefficient and its standard error; None where it runs away (separation).

    Newton's steps solve :math:`A^\top \mathrm{diag}(w \mu (1 - \mu)) A\, \delta = A^\top w (y - \mu)` with :math:`\mu =
    1 / (1 + e^{-(A\beta + \text{offset})})`. Of equal weights and labels the squared error is the last entry of the
    inverse information, weights counted as one row each; else the sandwich's: the sum over rows i of the squared
    influences :math:`w_i (y_i - \mu_i)\, (I^{-1} A_i)_{last}` with the information I.
    """
    beta = np.zeros(A.shape[1])
    for _ in range(60):
        mu = special.expit(A @ beta + offset)
        information = (A * (w * mu * (1 - mu))[:, None]).T @ A
        try:
            step = np.linalg.solve(information, A.T @ (w * (y - mu)))
        except np.linalg.LinAlgError:
            return None
        # shortened as a whole: of log-odds far from 0 both coefficients move together, and one cut alone runs away
        beta = beta + step * min(1.0, MOST_STEP / max(float(np.abs(step).max()), MOST_STEP))
        if np.abs(beta).max() > RUNAWAY:
            return None
        if np.abs(step).max() < CONVERGED:
            inverse = np.linalg.inv(information)
            last = float(beta[-1])
            if clusters is None and np.allclose(w, w[0]) and np.isin(y, (0.0, 1.0)).all():
                return Smooth(last, float(np.sqrt(inverse[-1, -1] * w[0])), np.inf)
            influence = (A * (y - mu)[:, None]) @ inverse[-1]
            if clusters is None:
                return Smooth(last, float(np.sqrt(((w * influence) ** 2).sum())), np.inf)
            everyone = np.zeros(len(y), dtype=np.int64)
            sums = ClusterSums.of(influence * w.sum(), everyone, 1, clusters=clusters, sample_weight=w)
            spread = sums.contrast([1.0])
            return Smooth(last, float(np.sqrt(spread.variance)), spread.freedom)
    return None
