"""The rows of an additive fit as bins, and the few sums over them that a Newton step needs; chunks add up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.families import Family
from explaindistill.numerics.additive.gram import Codes, Design, cross, gram, predictor

__all__ = ["BinnedRows", "CurvatureSample", "Statistics", "collect"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class BinnedRows:
    """Rows as the solver sees them: bins ``(d, n)``, outcome ``(n,)`` or ``(n, k)``, weight ``(n,)``."""

    codes: Codes
    y: Matrix
    weight: Vector

    def __len__(self) -> int:
        return len(self.weight)

    def take(self, chosen: NDArray[np.intp]) -> BinnedRows:
        """Return some of the rows."""
        return BinnedRows(np.ascontiguousarray(self.codes[:, chosen]), self.y[chosen], self.weight[chosen])

    def joined(self) -> BinnedRows:
        """Rows in a canonical order, equal ones made one by adding their weights.

        Neither the order nor the repetition of rows then changes a single bit of the fit, even where there are more
        coefficients than rows.
        """
        keys = np.vstack([self.y.T if self.y.ndim == 2 else self.y[None], self.codes])
        order = np.lexsort(keys)
        ordered = keys[:, order]
        first = np.append(True, (ordered[:, 1:] != ordered[:, :-1]).any(axis=0))
        weight = np.bincount(np.cumsum(first) - 1, self.weight[order]).astype(np.float64)
        return replace(self.take(order[first]), weight=weight)


@dataclass(frozen=True)
class CurvatureSample:
    """Rows on which curvature is measured in place of all: positions ``(m,)``, weights ``(m,)`` that stand for all."""

    positions: NDArray[np.intp]
    weight: Vector


@dataclass(frozen=True)
class Statistics:
    """What a Newton step needs to know of rows; the sum of two is the statistics of both together.

    Attributes
    ----------
    gram : ndarray of shape (p, p)
        ``X' diag(weight * curvature) X``.
    score : ndarray of shape (p,)
        ``X' (weight * score)``.
    deviance, weight : float
    curvature, curvature_squared : float
        Weighted sums over rows of the curvature and of its square.
    """

    gram: Matrix
    score: Vector
    deviance: float
    weight: float
    curvature: float
    curvature_squared: float

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(*(a + b for a, b in zip(self._sums(), other._sums(), strict=True)))

    def scaled(self, factor: float) -> Statistics:
        """Return the statistics of ``factor`` times as many rows."""
        return Statistics(*(factor * a for a in self._sums()))

    def _sums(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self))

    def informative(self) -> float:
        r"""Return how many rows say something about a misfit, :math:`(\sum w c)^2 / \sum w c^2` with curvature c.

        Noise has variance :math:`\phi / c` on the scale of the predictor; what an additive model misses of a teacher
        is about as large where the teacher is sure, and there neither the deviance nor the score sees it.
        """
        return self.curvature**2 / max(self.curvature_squared, 1e-300)


def collect(
    design: Design, rows: BinnedRows, family: Family, beta: Vector, pool: ThreadPoolExecutor | None = None
) -> Statistics:
    """Sum what a Newton step needs over rows, at the coefficients ``beta``.

    Chunks of rows may be collected apart and added up.
    """
    eta = predictor(design, rows.codes, beta)
    curvature = family.curvature(eta)
    return Statistics(
        gram(design, rows.codes, rows.weight * curvature, pool),
        cross(design, rows.codes, rows.weight * family.score(rows.y, eta)),
        float(rows.weight @ family.deviance(rows.y, eta)),
        float(rows.weight.sum()),
        float(rows.weight @ curvature),
        float(rows.weight @ curvature**2),
    )
