"""What a fitted additive model is made of: grids, and functions given by their values on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.schema import Feature
from explaindistill.numerics.additive.splines import hat_weights

__all__ = ["HELD_TAIL", "TAIL", "Blend", "Shape", "TermGrid", "blended"]

Vector = NDArray[np.float64]
Blend = tuple[NDArray[np.int32], NDArray[np.int32], Vector]
EDGE = 1e-3
"""Share of the range over which a line turns level: two knots so close that no value is likely to lie between."""
TAIL = 0.1
"""Share of the range seen for which a curve goes on as a straight line; two knots decide it, and it may be wrong."""
HELD_TAIL = 1.0
"""The same where people lie beyond the bounds that may be shown, and hold the line: with a tenth a quadratic answer on
200 rows was explained to .89 in place of .99; who is further out than a range is answered like who is a range out."""


@dataclass(frozen=True)
class TermGrid:
    """Where a function of one column is written down: at knots or at categories, and for missing values.

    Attributes
    ----------
    feature : str
    axis : int
        Position of the column.
    knots : ndarray of shape (k,)
        Increasing; empty for categories.
    position : ndarray of shape (categories,), int
        Place of each category on the grid, -1 for one that was never seen; empty for numbers.
    missing : bool
        Whether the last place stands for missing values.
    seen : (lowest, highest), optional
        Values of the rows of the fit; knots beyond them say how the function ends. None: the first and the last knot.
    """

    feature: str
    axis: int
    knots: Vector
    position: NDArray[np.int64]
    missing: bool
    seen: tuple[float, float] | None = None

    @property
    def n_places(self) -> int:
        """Number of knots or categories, without the place for missing values."""
        return len(self.knots) if len(self.knots) else int(self.position.max(initial=-1)) + 1

    @property
    def size(self) -> int:
        """Number of values on the grid."""
        return self.n_places + self.missing

    def weights(self, x: Vector) -> tuple[NDArray[np.int32], NDArray[np.int32], Vector, NDArray[np.bool_]]:
        """Two places and the share of the way, ``f(x) = (1 - share) f_lo + share f_hi``; and whether x has a place."""
        absent = np.isnan(x)
        if len(self.knots):
            lo, hi, share = hat_weights(np.where(absent, self.knots[0], x), self.knots)
            has_place = np.ones(len(x), dtype=bool)
        else:
            codes = np.where(absent, -1, x).astype(np.int64)
            inside = (codes >= 0) & (codes < len(self.position))
            place = np.where(inside, self.position[np.where(inside, codes, 0)], -1)
            has_place = place >= 0
            lo = np.maximum(place, 0).astype(np.int32)
            hi, share = lo.copy(), np.zeros(len(x))
        if absent.any():
            lo[absent] = hi[absent] = self.size - 1 if self.missing else 0
            share[absent] = 0.0
            has_place[absent] = self.missing
        return lo, hi, share, has_place

    def range_seen(self) -> tuple[float, float]:
        """Lowest and highest value of the rows of the fit; of categories there is none (NaN)."""
        if len(self.knots) == 0:
            return np.nan, np.nan
        return (float(self.knots[0]), float(self.knots[-1])) if self.seen is None else self.seen

    def within(self) -> NDArray[np.bool_]:
        """Mask of the places that stand for values seen in fitting."""
        out = np.ones(self.size, dtype=bool)
        if len(self.knots):
            low, high = self.range_seen()
            out[: len(self.knots)] = (self.knots >= low) & (self.knots <= high)
        return out

    def outside(self, x: Vector) -> NDArray[np.bool_]:
        """Whether a value lies beyond the values seen."""
        if len(self.knots) < 2:
            return np.zeros(len(x), dtype=bool)
        low, high = self.range_seen()
        with np.errstate(invalid="ignore"):
            return (x < low) | (x > high)

    def extended(self, reach: tuple[float, float]) -> tuple[TermGrid, Blend]:
        """Let the function go on in a straight line for some way, and then stay level.

        Parameters
        ----------
        reach : (below, above)
            How far the first and the last line go on; 0 makes the function level at once, infinity never.

        Returns
        -------
        TermGrid with up to two more knots at each end, and for each of its places the two old ones that it blends.
        """
        first, last = float(self.knots[0]), float(self.knots[-1])
        step = EDGE * (last - first)
        starts = [[] if np.isinf(r) else [step] if r == 0 else [r, r + step] for r in reach]
        # values one rounding apart leave no room for some of these knots, and knots must increase
        low = sorted({first - d for d in starts[0]} - {first})
        high = sorted({last + d for d in starts[1]} - {last})
        grid = replace(self, knots=np.concatenate([low, self.knots, high]), seen=(first, last))
        at = np.clip(grid.knots, first - reach[0], last + reach[1])
        lo, hi, share, _ = self.weights(np.append(at, np.nan) if self.missing else at)
        return grid, (lo, hi, share)

    def labels(self, feature: Feature) -> list[str]:
        """Each place in the user's words; categories that share a place are joined."""
        if len(self.knots):
            out = [feature.shown(float(v)) for v in self.knots]
        else:
            names: list[list[str]] = [[] for _ in range(self.n_places)]
            for code, place in enumerate(self.position):
                if place >= 0:
                    names[place].append(feature.words(float(code)))
            out = [", ".join(group) for group in names]
        return [*out, "missing"] if self.missing else out

    def places(self) -> Vector:
        """Knots, or the first code of each category's place; NaN for missing."""
        if len(self.knots):
            out = self.knots
        else:
            out = np.array([int(np.flatnonzero(self.position == p)[0]) for p in range(self.n_places)], dtype=float)
        return np.append(out, np.nan) if self.missing else out

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "feature": self.feature,
            "axis": self.axis,
            "knots": self.knots.tolist(),
            "position": self.position.tolist(),
            "missing": self.missing,
            "seen": None if self.seen is None else list(self.seen),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TermGrid:
        """Inverse of :meth:`to_dict`."""
        return cls(
            str(data["feature"]),
            int(data["axis"]),
            np.asarray(data["knots"], dtype=float),
            np.asarray(data["position"], dtype=np.int64),
            bool(data["missing"]),
            None if data.get("seen") is None else (float(data["seen"][0]), float(data["seen"][1])),
        )


@dataclass(frozen=True)
class Shape:
    """One term: its values on a grid, or on the product of two, for each output.

    Attributes
    ----------
    name : str
    grids : one or two Grids
    values : ndarray of shape (outputs, size) or (outputs, size, size)
    sd : ndarray like ``values``
        Standard error; NaN where it is not known.
    n : ndarray of shape (size,) or (size, size)
        Weight of the rows near each place.
    edf : float
        Effective degrees of freedom.
    spread : ndarray of shape (outputs,)
        Mean absolute contribution over the rows of the fit.
    """

    name: str
    grids: tuple[TermGrid, ...]
    values: NDArray[np.float64]
    sd: NDArray[np.float64]
    n: NDArray[np.float64]
    edf: float
    spread: Vector

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(g.feature for g in self.grids)

    def contribution(self, columns: Mapping[int, Vector]) -> NDArray[np.float64]:
        """Contribution ``(n, outputs)`` of rows given by their encoded columns; unknown values contribute 0."""
        lo, hi, share, has_place = self.grids[0].weights(columns[self.grids[0].axis])
        if len(self.grids) == 1:
            out = _between(self.values[:, lo], self.values[:, hi], share)
            return np.where(has_place, out, 0.0).T
        lo2, hi2, share2, has_place2 = self.grids[1].weights(columns[self.grids[1].axis])
        near = _between(self.values[:, lo, lo2], self.values[:, lo, hi2], share2)
        far = _between(self.values[:, hi, lo2], self.values[:, hi, hi2], share2)
        return np.where(has_place & has_place2, _between(near, far, share), 0.0).T

    def n_parameters(self) -> int:
        """Count the numbers that a person would have to write down; how a term ends follows from them."""
        inside = [int(g.within().sum()) for g in self.grids]
        places = sum(k - g.missing for k, g in zip(inside, self.grids, strict=True) if len(g.knots))
        return len(self.values) * int(np.prod(inside)) + places

    def n_levels(self) -> int:
        """Count the categories that a person would have to name."""
        return sum(g.n_places for g in self.grids if not len(g.knots))

    def seen_values(self) -> NDArray[np.float64]:
        """Values where rows of the fit were, NaN beyond."""
        inside = self.grids[0].within()
        if len(self.grids) == 2:
            inside = inside[:, None] & self.grids[1].within()[None, :]
        return np.where(inside, self.values, np.nan)

    def with_values(self, values: NDArray[np.float64], **changes: Any) -> Shape:
        """Return the term with other values."""
        return replace(self, values=values, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what is not known is None."""
        return {
            "name": self.name,
            "grids": [g.to_dict() for g in self.grids],
            "values": self.values.tolist(),
            "sd": _nullable(self.sd),
            "n": self.n.tolist(),
            "edf": self.edf,
            "spread": self.spread.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Shape:
        """Inverse of :meth:`to_dict`."""
        values = np.asarray(data["values"], dtype=float)
        sd = np.full(values.shape, np.nan) if data["sd"] is None else np.asarray(data["sd"], dtype=float)
        return cls(
            str(data["name"]),
            tuple(TermGrid.from_dict(g) for g in data["grids"]),
            values,
            sd,
            np.asarray(data["n"], dtype=float),
            float(data["edf"]),
            np.asarray(data["spread"], dtype=float),
        )


def blended(values: NDArray[np.float64], blends: Sequence[Blend | None]) -> NDArray[np.float64]:
    """Values on other grids: along each axis after the first, a blend of two old places; None leaves an axis."""
    for i, blend in enumerate(blends, start=1):
        if blend is not None:
            lo, hi, share = blend
            along = share.reshape(-1, *[1] * (values.ndim - i - 1))
            values = _between(values.take(lo, axis=i), values.take(hi, axis=i), along)
    return values


def _between(near: NDArray[np.float64], far: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blend of two values; exact where they are equal, so that flat is flat to the last bit."""
    return near + share * (far - near)


def _nullable(values: NDArray[np.float64]) -> Any:
    return None if np.isnan(values).any() else values.tolist()
