"""Rows at the teacher's decision boundary, found by bisection between rows on its two sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.neighbours import positions
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw
from explaindistill.samplers._ground import lay, together

__all__ = ["BoundarySampler"]

CANDIDATES = 32
"""Rows of another decision among which the nearest is taken: enough to be near, few enough to differ each time."""


class BoundarySampler:
    """Halve the way between two rows that the teacher decides differently, until the decision is about to change.

    On the way numbers move in a straight line, other columns change one after the other, each at its own place.

    Parameters
    ----------
    teacher : Teacher
        A classifier; it is asked ``predict``.
    n_steps : int, at least 1, default=6
        Halvings per row, each one question.
    n_seeds : int, at least 2, default=2000
        Observed rows that are asked at first, at most.
    constraints : list of str
        Rules that every new row keeps.
    private : bool, default=False
        Whether rows that equal an observed row are forbidden.

    Attributes
    ----------
    schema_ : Schema
    n_questions_ : int
        Rows the teacher was asked about, those of ``draw`` included. Inside a ``Distiller`` they count towards
        ``n_queries``: rows then are fewer, or less near the boundary where the budget ends.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: (X["a"] > 3.3).astype(int), classes=[0, 1], output="labels")
    >>> X = pd.DataFrame({"a": np.linspace(0, 10, 50)})
    >>> rows = BoundarySampler(teacher, n_steps=12).fit(X).sample(20, np.random.default_rng(0))
    >>> bool((abs(rows["a"] - 3.3) < 0.01).all())
    True
    """

    def __init__(
        self,
        teacher: Any,
        n_steps: int = 6,
        n_seeds: int = 2000,
        constraints: Sequence[str] = (),
        private: bool = False,
    ) -> None:
        self.teacher = teacher
        self.n_steps = n_steps
        self.n_seeds = n_seeds
        self.constraints = constraints
        self.private = private

    def fit(self, X: Any, schema: Schema | None = None) -> BoundarySampler:
        """Ask the teacher about observed rows; ``schema`` is inferred when None.

        Raises
        ------
        InvalidInputError
            If the teacher is no classifier, or decides all of them alike.
        """
        if self.teacher.classes_ is None:
            raise InvalidInputError("teacher must be a classifier to have a decision boundary, got one of values")
        if self.n_steps < 1 or self.n_seeds < 2:
            raise InvalidInputError(f"n_steps must be at least 1 and n_seeds 2, got {self.n_steps} and {self.n_seeds}")
        self.ground_ = lay(X, schema, self.constraints, self.private)
        self.schema_ = self.ground_.schema
        self.n_questions_ = 0
        n = len(self.ground_.Z)
        step = max(1, -(-n // self.n_seeds))
        self._seeds = np.arange(0, n, step)
        self._points = positions(self.ground_.Z, self.schema_)[self._seeds]
        self._decided = self._ask(self.ground_.Z[self._seeds])
        if len(np.unique(self._decided)) < 2:
            raise InvalidInputError(
                f"the teacher decides all {len(self._seeds)} rows alike; there is no boundary among them"
            )
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows, each with the two rows it lies between."""
        return self.ground_.draw(n, rng, self._make)

    def _make(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        a, b = self._pairs(n, rng)
        start, end = self.ground_.Z[self._seeds[a]], self.ground_.Z[self._seeds[b]]
        turning = _turning(self.schema_, n, rng)
        low, high = np.zeros(n), np.ones(n)
        for _ in range(self._steps(n)):
            middle = (low + high) / 2.0
            same = self._ask(self._between(start, end, middle, turning)) == self._decided[a]
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        rows = self._between(start, end, (low + high) / 2.0, turning)
        return rows, np.column_stack([self._seeds[a], self._seeds[b]]).astype(np.int64)

    def _steps(self, n: int) -> int:
        """Halvings that the budget of the teacher allows for ``n`` rows; a teacher without one allows all."""
        remaining = getattr(self.teacher, "remaining", None)
        return self.n_steps if remaining is None else min(self.n_steps, remaining // n)

    def _pairs(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and near ones of another decision: the nearest of some drawn at random."""
        a = rng.integers(0, len(self._seeds), n)
        b = np.empty(n, dtype=np.intp)
        for decision in np.unique(self._decided):
            same = np.flatnonzero(self._decided[a] == decision)
            others = np.flatnonzero(self._decided != decision)
            drawn = rng.choice(others, (len(same), min(CANDIDATES, len(others))))
            gap = ((self._points[a[same], None] - self._points[drawn]) ** 2).sum(axis=2)
            b[same] = drawn[np.arange(len(same)), gap.argmin(axis=1)]
        return a, b

    def _between(
        self, start: NDArray[np.float64], end: NDArray[np.float64], t: NDArray[np.float64], turning: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        out = np.where(t[:, None] >= turning, end, start)
        for i, feature in enumerate(self.schema_.features):
            if feature.kind in ("numeric", "integer", "datetime") and feature.one_hot is None:
                straight = start[:, i] + t * (end[:, i] - start[:, i])
                out[:, i] = np.where(np.isnan(straight), out[:, i], straight)
                if feature.kind == "integer":
                    out[:, i] = np.rint(out[:, i])
        return out

    def _ask(self, Z: NDArray[np.float64]) -> NDArray[Any]:
        self.n_questions_ += len(Z)
        return np.asarray(self.teacher.predict(self.schema_.restore(self.schema_.decode(Z))))


def _turning(schema: Schema, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Where on the way each column turns over; one place per one-hot group."""
    places = np.empty((n, len(schema)))
    for group in together(schema):
        places[:, group] = rng.random(n)[:, None]
    return places
