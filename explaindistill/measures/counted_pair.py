"""Teacher and student on rows that were counted where they lie: shares and means of what cells tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.measures._pair import Pair
from explaindistill.measures.table import shares
from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.summed_moments import MomentSums
from explaindistill.numerics.statistics.unseen import widened

__all__ = ["CountedPair", "answers_in_order"]

Line = dict[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CountedPair(Pair):
    """Cells in the place of rows; answers only say in which order the classes of a cell come.

    Examples
    --------
    >>> pair = CountedPair.of_cells((np.eye(2), np.eye(2)), Counted.unweighted([90, 10]), 0.95, "tree")
    >>> line = pair.share("agreement", np.array([True, False]), np.zeros(2, dtype=int), [""])[0]
    >>> pair.n, line["n"], float(line["estimate"])
    (100, 100, 0.9)
    """

    counted: Counted

    @classmethod
    def of_cells(cls, answers: tuple[Floats, Floats], counted: Counted, level: float, subject: str) -> CountedPair:
        """Cells that hold a row; the answers are those of teacher and student."""
        has_rows = counted.count > 0
        t, s = (P[has_rows] for P in answers)
        return cls(t, s, counted.weight[has_rows], None, level, subject, counted.at(has_rows))

    @property
    def n(self) -> int:
        """Rows; the length is the number of cells, since arrays of answers have one entry per cell."""
        return int(self.counted.count.sum())

    def share(
        self,
        metric: str,
        success: NDArray[np.bool_],
        codes: NDArray[np.int64],
        subsets: list[str],
        empty: str = "no rows",
    ) -> list[Line]:
        """Share of successes in each subset; ``codes`` gives the subset of each cell, -1 for none."""
        tally = self.counted.tally(success, codes, len(subsets))
        return shares(metric, tally, [self.names(s) for s in subsets], level=self.level, empty=empty)

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
        """A smooth function of means of numbers that all rows of a cell share; see `Pair.smooth`."""
        sums = MomentSums.of_cells(np.column_stack(moments), self.counted)
        return self.summed(metric, sums, function, method, bounds, subset, reach)

    def summed(
        self,
        metric: str,
        sums: MomentSums,
        function: Callable[[Floats], float],
        method: str = "delta",
        bounds: tuple[float, float] = (-np.inf, np.inf),
        subset: str = "",
        reach: tuple[float, float] = (0.0, 0.0),
    ) -> Line:
        """The same of numbers whose sums over all rows are known."""
        smooth = sums.smooth(function)
        limits = widened(smooth.estimate, smooth.limits(self.level), reach, self.worth, self.level)
        return self._line(metric, smooth.estimate, limits, method, bounds, subset, None) | {"n": self.n}

    @cached_property
    def worth(self) -> float:
        """Independent rows that all rows are worth."""
        return self.counted.worth


def answers_in_order(
    first: NDArray[np.int64], n_classes: int, other: NDArray[np.int64] | None = None, place: Any = None
) -> Floats:
    """Numbers per class ``(m, n_classes)`` of which those of ``first`` are greatest, and of ``other`` so many greater.

    Parameters
    ----------
    first : int array of shape (m,)
        The class of the greatest answer.
    other, place : int arrays of shape (m,), optional
        A class, and how many come before it.

    Examples
    --------
    >>> answers_in_order(np.array([2]), 4, np.array([0]), np.array([2])).argsort()[0, ::-1].tolist()[2]
    0
    """
    out = np.zeros((len(first), n_classes))
    rows = np.arange(len(first))
    if other is not None and place is not None:
        others = np.ones_like(out, dtype=bool)
        others[rows, first] = others[rows, other] = False
        # of the classes that are neither, the first ones come before the other class, as many as its place asks for
        before = others & (np.cumsum(others, axis=1) <= np.maximum(np.asarray(place) - 1, 0)[:, None])
        out[before] = 2.0
        out[rows, other] = 1.0
    out[rows, first] = 3.0
    return out
