"""Teacher and student on the same rows, and the lines that shares and smooth figures of them make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import few_clusters, row, shares
from explaindistill.numerics.statistics.heavy_tails import carried_by_few
from explaindistill.numerics.statistics.intervals import normal_quantile
from explaindistill.numerics.statistics.mean_limits import mean_limits
from explaindistill.numerics.statistics.tallies import mean_function, tally, weights_of
from explaindistill.numerics.statistics.unseen import widened

__all__ = ["Pair"]

Line = dict[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Teacher and student on the same rows, and how the rows count."""

    t: Floats
    s: Floats
    weight: Floats
    clusters: NDArray[Any] | None
    level: float
    subject: str

    @classmethod
    def of(cls, teacher: ArrayLike, student: ArrayLike, weight: Any, clusters: Any, level: float, subject: str) -> Pair:
        t, s = np.asarray(teacher, dtype=float), np.asarray(student, dtype=float)
        if t.shape != s.shape:
            raise InvalidInputError(f"teacher and student must answer the same rows: shapes {t.shape} and {s.shape}")
        if not (np.isfinite(t).all() and np.isfinite(s).all()):
            raise InvalidInputError("answers of teacher and student must be finite, got NaN or infinity")
        normal_quantile(level)
        w = weights_of(weight, len(t))
        groups = None if clusters is None else np.asarray(clusters)
        if groups is not None and len(groups) != len(t):
            raise InvalidInputError(f"clusters must have one entry per row: {len(t)} rows, got {len(groups)}")
        keep = w > 0
        return cls(t[keep], s[keep], w[keep], None if groups is None else groups[keep], level, subject)

    def __len__(self) -> int:
        return len(self.t)

    def names(self, subset: str = "") -> Line:
        return {"subject": self.subject, "subset": subset}

    def share(
        self,
        metric: str,
        success: NDArray[np.bool_],
        codes: NDArray[np.int64],
        subsets: list[str],
        empty: str = "no rows",
    ) -> list[Line]:
        """Share of successes in each subset; ``codes`` gives the subset of each row, -1 for none."""
        counted = tally(success, codes, len(subsets), sample_weight=self.weight, clusters=self.clusters)
        return shares(metric, counted, [self.names(s) for s in subsets], level=self.level, empty=empty)

    def smooth(
        self,
        metric: str,
        moments: list[Floats],
        function: Callable[[Floats], float],
        method: str = "delta",
        bounds: tuple[float, float] = (-np.inf, np.inf),
        subset: str = "",
        reach: tuple[float, float] = (0.0, 0.0),
        losses: Floats | None = None,
    ) -> Line:
        r"""A smooth function g of means m, with the delta method's interval inside ``bounds``.

        :math:`g(m) \pm z\,se`, where se is that of the mean over rows i of
        :math:`\nabla g(m)^\top x_i`; ``moments`` holds the columns of x. With clusters Student's quantile takes z's
        place. ``reach`` says how far rows of an unseen kind would move it, see `unseen.widened`. ``losses`` have no
        bound: where their tail is too heavy nothing is said, see `heavy_tails`.
        """
        smooth = mean_function(np.column_stack(moments), function, sample_weight=self.weight, clusters=self.clusters)
        limits = widened(smooth.estimate, smooth.limits(self.level), reach, self.worth, self.level)
        return self._line(metric, smooth.estimate, limits, method, bounds, subset, losses)

    def average(
        self,
        metric: str,
        values: Floats,
        bounds: tuple[float, float] = (-np.inf, np.inf),
        subset: str = "",
        reach: tuple[float, float] = (0.0, 0.0),
        losses: Floats | None = None,
    ) -> Line:
        """Mean of one number per row; ``reach`` and ``losses`` as in `smooth`.

        Of rows in clusters the limits are those of `mean_limits`, which know the skewness of the clusters' sums, and
        rows of an unseen kind are taken to be as much alike inside a cluster as the rows that were seen. Taken for
        copies, they would make intervals up to 3.5 times as wide as the spread of the mean asks for.
        """
        if self.clusters is None or self.few():
            return self.smooth(metric, [values], lambda m: float(m[0]), bounds=bounds, subset=subset, reach=reach,
                               losses=losses)  # fmt: skip
        mean, everyone = self.mean(values), np.zeros(len(self), dtype=np.int64)
        limits, worth = np.full(2, mean), self.worth
        if np.ptp(values) > 0:
            shared: Line = {"sample_weight": self.weight, "clusters": self.clusters, "level": self.level}
            clustered = mean_limits(values, everyone, 1, **shared)
            limits, worth = np.r_[clustered.low, clustered.high], float(clustered.n_effective[0])
        limits = widened(mean, limits, reach, worth, self.level)
        return self._line(metric, mean, limits, "t and hall, clusters", bounds, subset, losses)

    def _line(
        self,
        metric: str,
        estimate: float,
        limits: Floats,
        method: str,
        bounds: tuple[float, float],
        subset: str,
        losses: Floats | None,
    ) -> Line:
        """The line of a figure; without limits where no interval says how far it may be off."""
        if limits[0] == limits[1]:
            limits = np.full(2, np.nan)  # certain after so few rows: no interval says how far it may be off
        heavy = carried_by_few(losses) if losses is not None else ""
        if heavy:
            limits = np.full(2, np.nan)
        line = row(metric, estimate, *np.clip(limits, *bounds), n=len(self), method=method,
                   **self.names(subset))  # fmt: skip
        return line | ({"status": "small", "reason": heavy} if heavy else {}) | self.few()

    def bias(
        self,
        metric: str,
        values: Floats,
        ends: tuple[float, float],
        bounds: tuple[float, float] = (-np.inf, np.inf),
        subset: str = "",
    ) -> Line:
        """Mean of signed differences; ``ends`` are the mean differences that rows of an unseen kind may have."""
        mean = self.mean(values)
        reach = (mean - ends[0], ends[1] - mean)
        return self.average(metric, values, bounds=bounds, subset=subset, reach=reach)

    def mean(self, values: Floats) -> float:
        """Weighted mean of one number per row."""
        return float(np.average(values, weights=self.weight))

    @cached_property
    def n_clusters(self) -> float:
        """Clusters that the rows are in; infinite where rows are independent."""
        return np.inf if self.clusters is None else float(len(pd.unique(self.clusters)))

    def few(self) -> Line:
        """Status and reason of a figure of rows in too few clusters; nothing where there are enough."""
        return few_clusters(self.n_clusters)

    @cached_property
    def worth(self) -> float:
        r"""Independent rows: Kish's :math:`(\sum w)^2 / \sum w^2`; of clusters, as if each held copies of one row."""
        if self.clusters is None:
            return float(self.weight.sum() ** 2 / (self.weight**2).sum())
        total = np.bincount(pd.factorize(self.clusters)[0], self.weight)
        return float(total.sum() ** 2 / (total**2).sum()) if not self.few() else np.nan
