"""Logistic recalibration of rows that were summed by their probability; see `recalibration`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from explaindistill.numerics.statistics.recalibration import CLIP, CONVERGED, MOST_STEP, RUNAWAY
from explaindistill.numerics.statistics.tallies import Smooth

__all__ = ["TargetSums", "summed_recalibration"]

Floats = NDArray[np.float64]
Fitted = Smooth | None


class TargetSums(NamedTuple):
    """Sums over the rows of each probability, arrays of shape (m,): of weight w, w y, w², w² y and w² y².

    ``even`` is the weight of every row where all have one and targets are labels; else None.
    """

    weight: Floats
    first: Floats
    square: Floats
    second: Floats
    product: Floats
    even: float | None


def summed_recalibration(p: Floats, sums: TargetSums) -> tuple[Fitted, Fitted]:
    """What `recalibration.recalibrated` gives of the rows.

    Parameters
    ----------
    p : array of shape (m,)
    sums : TargetSums

    Returns
    -------
    intercept, slope : Smooth, or None

    Examples
    --------
    >>> from explaindistill.numerics.statistics.recalibration import recalibrated
    >>> p, n, k = np.array([0.2, 0.5, 0.9]), np.array([50.0, 30.0, 40.0]), np.array([14.0, 15.0, 33.0])
    >>> mine = summed_recalibration(p, TargetSums(n, k, n, k, k, 1.0))
    >>> chance = np.repeat(np.r_[p, p], np.r_[k, n - k].astype(int))
    >>> rows = recalibrated(np.arange(120) < k.sum(), chance)
    >>> all(np.allclose(a, b) for a, b in zip(mine, rows))
    True
    """
    some = sums.weight > 0
    x = special.logit(np.clip(p[some], CLIP, 1 - CLIP))
    weight, first, square, second, product = (values[some] for values in sums[:5])
    of = TargetSums(weight, first, square, second, product, sums.even)
    if not 0 < of.first.sum() < of.weight.sum():
        return None, None
    one = np.ones_like(x)
    slope = _newton(np.column_stack([one, x]), of, np.zeros_like(x)) if np.ptp(x) > 1e-9 else None
    return _newton(one[:, None], of, x), slope


def _newton(A: Floats, sums: TargetSums, offset: Floats) -> Fitted:
    """Last coefficient and its standard error; None where it runs away (separation)."""
    beta = np.zeros(A.shape[1])
    for _ in range(60):
        mu = special.expit(A @ beta + offset)
        information = (A * (sums.weight * mu * (1 - mu))[:, None]).T @ A
        try:
            step = np.linalg.solve(information, A.T @ (sums.first - sums.weight * mu))
        except np.linalg.LinAlgError:
            return None
        beta = beta + step * min(1.0, MOST_STEP / max(float(np.abs(step).max()), MOST_STEP))
        if np.abs(beta).max() > RUNAWAY:
            return None
        if np.abs(step).max() < CONVERGED:
            inverse = np.linalg.inv(information)
            last = float(beta[-1])
            if sums.even is not None:
                return Smooth(last, float(np.sqrt(inverse[-1, -1] * sums.even)), np.inf)
            residual = sums.product - 2 * mu * sums.second + mu**2 * sums.square
            return Smooth(last, float(np.sqrt(residual @ (A @ inverse[-1]) ** 2)), np.inf)
    return None
