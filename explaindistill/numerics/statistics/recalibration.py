"""Logistic recalibration: how log-odds must be shifted and stretched to mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

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
Fitted = tuple[float, float] | None


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
    intercept, slope : (estimate, standard error), or None
        The error is the sandwich's where weights differ, rows cluster or targets are not labels, else that of the
        likelihood. None where the fit runs away: one label only, one probability only, or labels that the
        probabilities separate.

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
    groups = None if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    slope = _newton(np.column_stack([one, x]), y, w, np.zeros_like(x), groups) if np.ptp(x) > 1e-9 else None
    return _newton(one[:, None], y, w, x, groups), slope


def _newton(A: Floats, y: Floats, w: Floats, offset: Floats, clusters: NDArray[np.int64] | None) -> Fitted:
    r"""Last coefficient and its standard error; None where it runs away (separation).

    Newton's steps solve :math:`A^\top \mathrm{diag}(w \mu (1 - \mu)) A\, \delta = A^\top w (y - \mu)` with :math:`\mu =
    1 / (1 + e^{-(A\beta + \text{offset})})`. Of equal weights and labels the squared error is the last entry of the
    inverse information, weights counted as one row each; else the sandwich's.
    """
    beta = np.zeros(A.shape[1])
    for _ in range(60):
        mu = special.expit(A @ beta + offset)
        information = (A * (w * mu * (1 - mu))[:, None]).T @ A
        try:
            step = np.linalg.solve(information, A.T @ (w * (y - mu)))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -MOST_STEP, MOST_STEP)
        if np.abs(beta).max() > RUNAWAY:
            return None
        if np.abs(step).max() < CONVERGED:
            inverse = np.linalg.inv(information)
            if clusters is None and np.allclose(w, w[0]) and np.isin(y, (0.0, 1.0)).all():
                return float(beta[-1]), float(np.sqrt(inverse[-1, -1] * w[0]))
            return float(beta[-1]), _sandwich(A * (w * (y - mu))[:, None], inverse, clusters)
    return None


def _sandwich(score: Floats, inverse: Floats, clusters: NDArray[np.int64] | None) -> float:
    """Standard error of the last coefficient from the scores of rows, or of clusters of rows.

    The last entry of ``I^-1 (sum_i s_i s_i') I^-1`` with the scores ``s_i`` and the information ``I``.
    """
    if clusters is not None:
        count = int(clusters.max(initial=0)) + 1
        score = np.column_stack([np.bincount(clusters, column, count) for column in score.T])
    return float(np.sqrt((inverse @ (score.T @ score) @ inverse)[-1, -1]))
