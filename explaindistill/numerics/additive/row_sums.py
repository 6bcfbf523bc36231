"""The rows of an additive fit as bins, in one part or many, and the few sums over them that a Newton step needs.

No sum depends on the order of the rows, nor on how they are cut into parts: sums by bin are of addends rounded to a
grid, which bounds on scores and curvatures say (see :mod:`explaindistill.numerics.exact_sums`), others are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.families import Family
from explaindistill.numerics.additive.gram import (
    Codes,
    Design,
    Effects,
    cross,
    cross_of,
    gram,
    gram_of,
    predictor,
    products,
    totals,
)
from explaindistill.numerics.exact_sums import ExactSum
from explaindistill.numerics.one_part import OnePart
from explaindistill.numerics.sums import added, added_all
from explaindistill.protocols import Partitions

__all__ = ["BinnedParts", "BinnedRows", "CurvatureSample", "Statistics", "binned_parts", "collect"]

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

    def of(self, rows: BinnedRows) -> BinnedRows:
        """The rows, with weights that stand for all."""
        return replace(rows.take(self.positions), weight=self.weight)


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


@dataclass(frozen=True, eq=False)
class BinnedParts:
    """Rows of a fit in parts of :class:`BinnedRows`, of which sums are asked.

    Attributes
    ----------
    parts : Partitions
    n : int
    weight : float
        Of all rows.
    mean : float or ndarray of shape (k,)
        Weighted mean of the outcome.
    low, high : float
        Smallest and largest outcome.
    pool : ThreadPoolExecutor or None
        For rows in memory.
    """

    parts: Partitions
    n: int
    weight: float
    mean: Any
    low: float
    high: float
    pool: ThreadPoolExecutor | None = None

    @classmethod
    def of(cls, parts: Partitions, pool: ThreadPoolExecutor | None = None) -> BinnedParts:
        """Look at rows once."""
        n, total, product, low, high = parts.ask(_facts, reduce=_both)
        weight = total.value()
        mean = product.value() / weight if weight > 0 else product.value()
        return cls(parts, n, weight, mean, low, high, pool)

    def __len__(self) -> int:
        return self.n

    def level(self, family: Family) -> float:
        """Best constant linear predictor."""
        return family.level(self.weight, float(self.mean))

    def constant_deviance(self, family: Family, factor: float = 1.0) -> float:
        """Weighted deviance of the best constant from outcomes that are so many times as large."""
        return float(self.parts.ask(_constant, family, self.level(family), factor, reduce=added).value())

    def bounds(self, family: Family, design: Design, beta: Vector) -> tuple[float, float]:
        """Bounds on the sums of the sizes of weighted scores, and of weighted curvatures."""
        (least,), (most,) = Effects.of(design, beta[None]).reach()
        score, curvature = family.largest(self.low, self.high, float(least), float(most))
        return self.weight * score, self.weight * curvature

    def collect(self, design: Design, family: Family, beta: Vector) -> Statistics:
        """See :func:`collect`."""
        bounds = self.bounds(family, design, beta)
        G, score, *rest = self.parts.ask(_collected, design, family, beta, bounds, True, self.pool, reduce=added_all)
        return self._statistics(design, gram_of(design, G), score, rest)

    def gradient(self, design: Design, family: Family, beta: Vector, G: Matrix) -> Statistics:
        """The same with cross-products that are known."""
        bounds = self.bounds(family, design, beta)
        _, score, *rest = self.parts.ask(_collected, design, family, beta, bounds, False, None, reduce=added_all)
        return self._statistics(design, G, score, rest)

    def _statistics(self, design: Design, G: Matrix, score: list[Any], rest: list[ExactSum]) -> Statistics:
        deviance, curvature, squared = (float(total.value()) for total in rest)
        return Statistics(G, cross_of(design, score), deviance, self.weight, curvature, squared)

    def curvature(self, design: Design, family: Family, beta: Vector) -> Matrix:
        """Cross-products alone."""
        bound = self.bounds(family, design, beta)[1]
        return gram_of(design, self.parts.ask(_curved, design, family, beta, bound, self.pool, reduce=added_all))

    def pull_along(self, design: Design, family: Family, beta: Vector, step: Vector) -> Callable[[float], float]:
        """Weighted scores times the predictors of a step, summed, at ``beta + t step``: a function of t."""
        line = self.parts.step(_line, design, beta, step)

        def pull(t: float) -> float:
            return float(line.ask(_pulled, family, t, reduce=added).value())

        return pull


def binned_parts(rows: BinnedRows | BinnedParts, pool: ThreadPoolExecutor | None = None) -> BinnedParts:
    """Rows in memory as one part."""
    return rows if isinstance(rows, BinnedParts) else BinnedParts.of(OnePart(rows), pool)


def _facts(rows: BinnedRows) -> tuple[int, ExactSum, ExactSum, float, float]:
    weight = rows.weight if rows.y.ndim == 1 else rows.weight[:, None]
    low, high = float(rows.y.min(initial=np.inf)), float(rows.y.max(initial=-np.inf))
    return len(rows), ExactSum.of(rows.weight), ExactSum.of(weight * rows.y), low, high


def _both(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], min(a[3], b[3]), max(a[4], b[4])


def _constant(rows: BinnedRows, family: Family, level: float, factor: float) -> ExactSum:
    return ExactSum.of(rows.weight * family.deviance(rows.y * factor, np.full(len(rows), level)))


def _collected(
    rows: BinnedRows, design: Design, family: Family, beta: Vector, bounds: tuple[float, float], with_gram: bool,
    pool: ThreadPoolExecutor | None,
) -> tuple[Any, ...]:  # fmt: skip
    eta = predictor(design, rows.codes, beta)
    curvature, w = family.curvature(eta), rows.weight
    return (
        products(design, rows.codes, w * curvature, bounds[1], pool) if with_gram else None,
        totals(design, rows.codes, w * family.score(rows.y, eta), bounds[0]),
        ExactSum.of(w * family.deviance(rows.y, eta)),
        ExactSum.of(w * curvature),
        ExactSum.of(w * curvature**2),
    )


def _curved(
    rows: BinnedRows, design: Design, family: Family, beta: Vector, bound: float, pool: ThreadPoolExecutor | None
) -> Any:
    curvature = family.curvature(predictor(design, rows.codes, beta))
    return products(design, rows.codes, rows.weight * curvature, bound, pool)


@dataclass(frozen=True, eq=False)
class _Line:
    """Predictors of rows at a point, and along a step."""

    rows: BinnedRows
    eta: Vector
    along: Vector


def _line(rows: BinnedRows, design: Design, beta: Vector, step: Vector) -> _Line:
    return _Line(rows, predictor(design, rows.codes, beta), predictor(design, rows.codes, step))


def _pulled(line: _Line, family: Family, t: float) -> ExactSum:
    pull = family.score(line.rows.y, line.eta + t * line.along)
    return ExactSum.of(line.rows.weight * (pull * line.along))
