"""Frontier: students of many families by size and fidelity, and what may be said of all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explaindistill import plugins
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import number_in
from explaindistill.protocols import Complexity

__all__ = ["Frontier"]

SIZE_LIMITS = (8, 256)
"""Numbers to read between which :meth:`Frontier.area` is taken: what a person may read."""


@dataclass(frozen=True, repr=False)
class Frontier:
    """Students by size and fidelity.

    Attributes
    ----------
    frame : DataFrame, one line per student, smallest first
        ``student, family``; ``n_lines, n_numbers, n_features`` as :class:`~explaindistill.protocols.Complexity` counts
        them, and ``n_parameters``; ``metric`` ("agreement", or "r2" in regression), ``n`` (held-out rows), ``k``,
        ``estimate``, ``low``, ``high`` (95 %), ``low_simultaneous``, ``high_simultaneous`` (95 % for all students at
        once), ``front`` ("front": no student of no more numbers does better; "tied": one does, but not beyond chance;
        "dominated"; "no size": its numbers are not counted), ``fit_seconds``.
    students : mapping of name to fitted student
    n_queries : int
        Distinct rows the teacher was asked to fit all of them, and to measure them.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 2000)})
    >>> students = {f"{n} leaves": xd.TreeRegressor(max_leaf_nodes=n) for n in (2, 8)}
    >>> front = xd.frontier(lambda X: X["x"].to_numpy() ** 2, X, students, n_queries=300, random_state=0)
    >>> front.frame[["student", "n_numbers", "front"]].values.tolist()
    [['2 leaves', 3, 'front'], ['8 leaves', 15, 'front']]
    >>> front.simplest(r2=0.9).complexity().n_leaves
    8
    >>> front.best(max_lines=5).complexity().n_leaves
    2
    """

    frame: pd.DataFrame
    students: Mapping[str, Any]
    n_queries: int

    def verdicts(self, agreement: float | None = None, *, r2: float | None = None) -> pd.DataFrame:
        """Whether each student reaches a target, said so that all of it holds at once with 95 %.

        Every student is tested, by Bonferroni's correction over all of them, so that picking one of those that pass
        takes nothing away from the claim.

        Parameters
        ----------
        agreement, r2 : float in (0, 1)
            One of the two, as the task asks.

        Returns
        -------
        DataFrame
            ``student, n_lines, n_numbers, n_features, n, estimate, low_simultaneous, high_simultaneous``, and
            ``verdict``: "pass" (the whole interval reaches the target), "fail" (none of it does), "inconclusive", or
            "cannot say" where nothing was measured.
        """
        target = self._target(agreement, r2)
        low, high = self.frame["low_simultaneous"], self.frame["high_simultaneous"]
        verdict = np.select(
            [low.isna() | high.isna(), low >= target, high < target], ["cannot say", "pass", "fail"], "inconclusive"
        )
        columns = ["student", "n_lines", "n_numbers", "n_features", "n", "estimate"]
        return self.frame[[*columns, "low_simultaneous", "high_simultaneous"]].assign(verdict=verdict)

    def simplest(
        self,
        agreement: float | None = None,
        *,
        r2: float | None = None,
        max_lines: int | None = None,
        max_numbers: int | None = None,
        max_columns: int | None = None,
    ) -> Any:
        """The student of the fewest numbers that passes; see :meth:`verdicts`.

        Parameters
        ----------
        agreement, r2 : float in (0, 1)
            One of the two, as the task asks.
        max_lines, max_numbers, max_columns : int, optional
            What it may have at most, as in :func:`~explaindistill.best`.

        Raises
        ------
        InvalidInputError
            If no student passes; the message says how many are inconclusive and how far the best one comes.
        """
        table = self._within(self.verdicts(agreement, r2=r2), ReadingBudget(max_lines, max_numbers, max_columns))
        good = table[table["verdict"] == "pass"]
        if good.empty:
            metric, target = self._metric, self._target(agreement, r2)
            nearest = table.loc[table["low_simultaneous"].fillna(-np.inf).idxmax()]
            undecided = int((table["verdict"] == "inconclusive").sum())
            raise InvalidInputError(
                f"no student reaches {metric} {target:g} with its lower bound; the best, {nearest['student']!r}, has "
                f"{nearest['estimate']:.3f} with lower bound {nearest['low_simultaneous']:.3f}; of {len(table)} "
                f"students {undecided} are inconclusive; allow larger students or more held-out rows"
            )
        return self.students[str(good["student"].iloc[0])]

    def best(
        self, *, max_lines: int | None = None, max_numbers: int | None = None, max_columns: int | None = None
    ) -> Any:
        """The student of the highest estimate within a reader's budget; the one of fewer numbers between equals.

        Its estimate was searched for, and so is somewhat lucky; ``low_simultaneous`` in its line of ``frame`` is not.

        Parameters
        ----------
        max_lines, max_numbers, max_columns : int, at least 1, optional
            As in :func:`~explaindistill.best`, which fits students to the budget; here one is picked from those that
            were measured.

        Raises
        ------
        InvalidInputError
            For a limit that is no whole number of at least 1; if no student keeps to the budget.
        """
        table = self._within(self.frame, ReadingBudget(max_lines, max_numbers, max_columns))
        return self.students[str(table.loc[table["estimate"].idxmax(), "student"])]

    def area(self, limits: tuple[float, float] = SIZE_LIMITS) -> float:
        r"""Mean fidelity of the front over :math:`\log_2` of the numbers to read between two limits.

        At each size counts the best student that is no larger; sizes below the smallest student count as 0.
        """
        low, high = (float(np.log2(v)) for v in limits)
        if not low < high:
            raise InvalidInputError(f"limits must rise, got {limits}")
        sized = self.frame.dropna(subset="n_numbers")
        size = np.log2(np.maximum(sized["n_numbers"].to_numpy(dtype=float), 1))
        best = np.maximum.accumulate(sized["estimate"].to_numpy(dtype=float))
        edges = np.clip(np.concatenate([size, [high]]), low, high)
        return float((np.diff(edges) * best).sum() / (high - low))

    def plot(self, ax: Any = None) -> Any:
        """Fidelity against the numbers to read, a colour per family, the front named; returns the matplotlib Axes."""
        table = self.frame.rename(columns={"student": "subject", "n_numbers": "size"}).dropna(subset="size")
        table = table.assign(named=table["front"].eq("front"), family=table["family"].str.replace("_", " "))
        return plugins.door("plots").fidelity_size(table, ax, name=self._metric)

    @property
    def _metric(self) -> str:
        return str(self.frame["metric"].iloc[0])

    def _target(self, agreement: float | None, r2: float | None) -> float:
        """The one of both targets that the task asks for."""
        target = {"agreement": agreement, "r2": r2}[self._metric]
        if target is None:
            raise InvalidInputError(f"simplest needs {self._metric}=, a number between 0 and 1")
        number_in(self._metric, target, 0, 1)
        return float(target)

    def _within(self, table: pd.DataFrame, budget: ReadingBudget) -> pd.DataFrame:
        """Lines of the students that keep to a budget; all where there is none."""
        admitted = table[[budget.admits(_size(line)) for line in table.to_dict("records")]]
        if admitted.empty:
            raise InvalidInputError(f"no student of the frontier keeps to {budget.words()}; allow more of one of them")
        return admitted

    def _repr_html_(self) -> str:
        return str(self.frame.to_html(index=False, float_format="{:.3f}".format))

    def __repr__(self) -> str:
        """The table as text."""
        return str(self.frame.to_string(index=False, float_format="{:.3f}".format))


def _size(line: Mapping[Any, Any]) -> Complexity:
    """The counts of a line of the frame that a budget may limit."""
    lines, numbers = (None if np.isnan(line[name]) else int(line[name]) for name in ("n_lines", "n_numbers"))
    return Complexity("", 0, int(line["n_features"]), 0, n_lines=lines, n_numbers=numbers)
