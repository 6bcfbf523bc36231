"""MUNGE: rows between near neighbours."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.neighbours import nearest, positions
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Draw
from explaindistill.samplers._ground import lay, together

__all__ = ["MungeSampler"]

REPEATED = 1.5
"""Rows per distinct value from which on a column counts as one whose values repeat."""


class MungeSampler:
    r"""A row takes on some of the values of a near neighbour.

    A new row starts as an observed row e with a near neighbour e'. Each column changes with probability p: a number is
    drawn from :math:`N(e'_a, (|e_a - e'_a| / s)^2)`, anything else becomes :math:`e'_a`. One-hot groups change as one.

    Parameters
    ----------
    p : float in (0, 1], default=0.5
        Probability that a column changes.
    s : float > 0, default=2.0
        Larger is nearer to the neighbour's value.
    n_neighbours : int, default=3
        The neighbour is one of so many, at random.
    support : {"auto", "observed", "free"}, default="auto"
        Whether numbers are moved to the nearest observed value of their column: always, never, or (auto) in columns of
        integers and in columns where values repeat.
    constraints : list of str
        Rules that every new row keeps, such as ``"loan <= income * 10"``; observed rows that break one are left out.
    private : bool, default=False
        Whether rows that equal an observed row are forbidden.

    Attributes
    ----------
    schema_ : Schema

    Notes
    -----
    All rows are made at once from the observed ones, where the paper changes rows in sequence. Bounds, integers,
    categories and missing values are those that were observed. Beyond a few thousand rows the neighbours
    are near ones, not always the nearest.

    References
    ----------
    Buciluă, Caruana and Niculescu-Mizil (2006), doi:10.1145/1150402.1150464.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 21, 60, 61], "home": ["rent", "rent", "own", "own"]})
    >>> rows = MungeSampler(n_neighbours=1).fit(X).sample(100, np.random.default_rng(0))
    >>> bool(((rows["age"] < 30) == (rows["home"] == "rent")).all())
    True
    """

    def __init__(
        self,
        p: float = 0.5,
        s: float = 2.0,
        n_neighbours: int = 3,
        support: str = "auto",
        constraints: Sequence[str] = (),
        private: bool = False,
    ) -> None:
        self.p = p
        self.s = s
        self.n_neighbours = n_neighbours
        self.support = support
        self.constraints = constraints
        self.private = private

    def fit(self, X: Any, schema: Schema | None = None) -> MungeSampler:
        """Find the near neighbours of every row; ``schema`` is inferred when None."""
        self._check()
        self.ground_ = lay(X, schema, self.constraints, self.private)
        self.schema_ = self.ground_.schema
        Z = self.ground_.Z
        self._near = nearest(positions(Z, self.schema_), self.n_neighbours)
        self._support = [_support(z, f.kind, self.support) for z, f in zip(Z.T, self.schema_, strict=True)]
        return self

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """``n`` rows."""
        return self.draw(n, rng).rows

    def draw(self, n: int, rng: np.random.Generator) -> Draw:
        """``n`` rows, each with the row it started as and the neighbour."""
        return self.ground_.draw(n, rng, self._make)

    def _make(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        n_rows = len(self.ground_.Z)
        rounds = [rng.permutation(n_rows) for _ in range(-(-n // n_rows))]
        base = np.concatenate(rounds)[:n]
        other = self._near[base, rng.integers(0, self._near.shape[1], n)]
        out = np.empty((n, len(self.schema_)), order="F")
        groups = together(self.schema_)
        streams = rng.spawn(len(groups))

        def make(g: int) -> None:
            changed = streams[g].random(n) < self.p
            for column in groups[g]:
                out[:, column] = self._column(column, base, other, changed, streams[g])

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            list(pool.map(make, range(len(groups))))
        return out, np.column_stack([base, other]).astype(np.int64)

    def _column(
        self,
        i: int,
        base: NDArray[np.intp],
        other: NDArray[np.int64],
        changed: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        z, feature = self.ground_.Z[:, i], self.schema_[i]
        value = z[np.where(changed, other, base)]
        if feature.is_category or feature.kind == "boolean" or feature.one_hot is not None:
            return value
        spread = np.abs(z[base] - z[other]) / self.s
        moving = np.flatnonzero(changed & (spread > 0))  # NaN is not above 0: missing values are taken on as they are
        moved = value[moving] + spread[moving] * rng.standard_normal(len(moving))
        value[moving] = _snap(moved, self._support[i])
        return value

    def _check(self) -> None:
        if not 0 < self.p <= 1:
            raise InvalidInputError(f"p must lie above 0 and at most at 1, got {self.p}")
        if not self.s > 0:
            raise InvalidInputError(f"s must be above 0, got {self.s}")
        if self.n_neighbours < 1:
            raise InvalidInputError(f"n_neighbours must be at least 1, got {self.n_neighbours}")
        if self.support not in ("auto", "observed", "free"):
            raise InvalidInputError(f"support must be 'auto', 'observed' or 'free', got {self.support!r}")


def _support(z: NDArray[np.float64], kind: str, mode: str) -> NDArray[np.float64] | None:
    """Sorted observed values that new ones are moved to, or None where any value goes."""
    if mode == "free":
        return None
    values, count = np.unique(z[~np.isnan(z)], return_counts=True)
    if mode == "observed" or kind == "integer":
        return values
    return values if count.sum() > REPEATED * len(values) else None


def _snap(x: NDArray[np.float64], support: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Nearest value of the support; the lower of two that are equally near."""
    if support is None or len(support) == 0:
        return x
    middle = (support[1:] + support[:-1]) / 2.0
    return support[np.searchsorted(middle, x, side="left")]
