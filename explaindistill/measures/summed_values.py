"""Regressors from sums over rows: means by group, and fidelity to the teacher or to true values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.counted_pair import CountedPair
from explaindistill.measures.fidelity import ROUNDING, _size, _square
from explaindistill.measures.groups import Grouping
from explaindistill.measures.summed_fidelity import CARRIED, Ends, far_sums, tail_of
from explaindistill.measures.table import row
from explaindistill.measures.transfer import DEFAULTS
from explaindistill.numerics.statistics.counted import Counted
from explaindistill.numerics.statistics.heavy_tails import HEAVY
from explaindistill.numerics.statistics.mean_limits import ALIKE, _turned
from explaindistill.numerics.statistics.summed_moments import MomentSums
from explaindistill.numerics.statistics.unseen import unseen_share, widened

__all__ = ["GroupSums", "ValueSums", "summed_means", "value_lines"]

Line = dict[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GroupSums:
    """Sums of one number per row, less a number near its mean, by group.

    Attributes
    ----------
    sums : ndarray of shape (groups, 10)
        n, and of weight w and number u the sums of w, w², w u, w² u, w² u², w³, w³ u, w³ u², w³ u³.
    least, largest : ndarray of shape (groups,)
        Infinite where a group has no row.
    shift : float

    Examples
    --------
    >>> one = GroupSums.of(np.array([1.0, 3.0, np.nan]), np.array([0, 1, 1]), np.ones(3), 2, 2.0)
    >>> (one + one).sums[:, 0].tolist(), one.least.tolist()
    ([2.0, 2.0], [-1.0, 1.0])
    """

    sums: Floats
    least: Floats
    largest: Floats
    shift: float

    @classmethod
    def of(cls, values: Floats, codes: NDArray[np.int64], weight: Floats, size: int, shift: float) -> GroupSums:
        """Of some rows; those without a number, or of weight 0, are left out."""
        inside = ~np.isnan(values) & (weight > 0)
        u, w, g = values[inside] - shift, weight[inside], codes[inside]
        w2, w3 = w**2, w**3
        columns = (np.ones(len(u)), w, w2, w * u, w2 * u, w2 * u**2, w3, w3 * u, w3 * u**2, w3 * u**3)
        least, largest = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(least, g, u)
        np.maximum.at(largest, g, u)
        sums = np.column_stack([np.asarray(np.bincount(g, x, size), dtype=np.float64) for x in columns])
        return cls(np.asarray(sums, dtype=np.float64), least, largest, shift)

    def __add__(self, other: GroupSums) -> GroupSums:
        """Of the rows of both."""
        least, largest = np.minimum(self.least, other.least), np.maximum(self.largest, other.largest)
        return GroupSums(self.sums + other.sums, least, largest, self.shift)

    def joined(self, codes: NDArray[np.int64], size: int) -> GroupSums:
        """Of larger groups; ``codes`` says which each group belongs to, -1 for none."""
        at = codes >= 0
        sums = np.column_stack([np.asarray(np.bincount(codes[at], x[at], size), dtype=float) for x in self.sums.T])
        least, largest = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(least, codes[at], self.least[at])
        np.maximum.at(largest, codes[at], self.largest[at])
        return GroupSums(np.asarray(sums, dtype=np.float64), least, largest, self.shift)

    def limits(self, level: float) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean, limits and effective rows of each group, as `mean_limits.mean_limits` gives them of the rows."""
        n, w, w2, first, second, product, w3, cubed, cubed2, cubed3 = self.sums.T
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, worth = first / w, w**2 / w2
            square = np.maximum(product - 2 * mean * second + mean**2 * w2, 0.0)
            cube = cubed3 - 3 * mean * cubed2 + 3 * mean**2 * cubed - mean**3 * w3
            error = np.where(n > 1, np.sqrt(square / w**2 * n / (n - 1)), np.nan)
        freedom = np.where(n > 1, np.maximum(np.minimum(worth, n) - 1, 0.5), np.nan)
        quantile = special.stdtrit(freedom, 0.5 + level / 2)
        low = np.fmin(mean - quantile * error, mean - error * _turned(quantile, square, cube))
        high = np.fmax(mean + quantile * error, mean - error * _turned(-quantile, square, cube))
        least, largest = float(self.least.min()), float(self.largest.max())
        size = np.maximum(np.abs(self.least + self.shift), np.abs(self.largest + self.shift))
        with np.errstate(invalid="ignore"):
            alike = self.largest - self.least <= ALIKE * size
        for a in np.flatnonzero(np.isfinite(error) & ((error == 0) | alike)):
            rounding = ALIKE * max(abs(least + self.shift), abs(largest + self.shift))
            reach = [step if step > rounding else 0.0 for step in (float(mean[a] - least), float(largest - mean[a]))]
            ends = widened(float(mean[a]), (mean[a], mean[a]), (reach[0], reach[1]), float(worth[a]), level)
            low[a], high[a] = ends if ends[0] < ends[1] else (np.nan, np.nan)
        mean = np.where(n > 0, mean, np.nan)
        return mean + self.shift, low + self.shift, high + self.shift, np.where(n > 0, np.minimum(worth, n), 0.0)


def summed_means(
    metric: str, sums: GroupSums, grouping: Grouping, subject: str, options: GroupOptions = DEFAULTS
) -> Iterator[Line]:
    """Lines of `explaindistill.measures.bias.group_means_frame` from sums by group.

    Examples
    --------
    >>> from explaindistill.measures.groups import groupings
    >>> import pandas as pd
    >>> (sex,) = groupings(pd.DataFrame({"sex": ["f", "f", "m"]}))
    >>> sums = GroupSums.of(np.array([1.0, 3.0, 5.0]), sex.codes, np.ones(3), 2, 2.0)
    >>> [(line["group"], line["n"], line["estimate"]) for line in summed_means("mean_prediction", sums, sex, "tree")]
    [('f', 2, 2.0), ('m', 1, 5.0)]
    """
    mean, low, high, worth = sums.limits(options.level)
    for i, name in enumerate(grouping.names):
        n = round(sums.sums[i, 0])
        line = row(
            metric, float(mean[i]), float(low[i]), float(high[i]), n=n, n_effective=worth[i], method="t and hall",
            attribute=grouping.attribute, group=name, subject=subject,
        )  # fmt: skip
        if 0 < n < options.min_group_size:
            line |= {"status": "small", "reason": f"{n} rows, fewer than {options.min_group_size}"}
        yield line


@dataclass(frozen=True, eq=False)
class ValueSums:
    """Sums over rows of how far values are from those that they should be.

    Attributes
    ----------
    counted : Counted
        All rows, as one cell.
    moments : MomentSums
        Squared error over all outputs, squared distance to the mean of the aim, distance by output; then mean absolute
        error, mean squared error and mean difference of the outputs.
    far : ndarray of shape (2, 2)
        Sums of weight times absolute and squared loss of far values, see `unseen.far_loss`.
    plain : ndarray of shape (2,)
        Unweighted sums of squared distances to the mean, and of squares.
    n_positive : int
        Rows with an error.
    largest : ndarray of shape (2, most)
        The greatest absolute and squared errors.

    Examples
    --------
    >>> t, one = np.array([[1.0], [2.0], [4.0]]), np.ones(3)
    >>> ends = Ends.of(t, one)
    >>> sums = ValueSums.of((t, t + 1), one, (ends, Ends.of(t + 1, one)), 5)
    >>> (sums + sums).n_positive, sums.moments.mean[-2].item()
    (6, 1.0)
    """

    counted: Counted
    moments: MomentSums
    far: Floats
    plain: Floats
    n_positive: int
    largest: Floats

    @classmethod
    def of(cls, values: tuple[Floats, Floats], weight: Floats, ends: tuple[Ends, Ends], most: int) -> ValueSums:
        """Of some rows of weights above 0; the first values are the aim."""
        t, s = values
        centred = t - ends[0].first / ends[0].weight
        size, square = _size(t, s), _square(t, s)
        columns = [square, (centred**2).sum(axis=1), *centred.T, size, square / t.shape[1], (s - t).mean(axis=1)]
        every = slice(None)
        far = [far_sums(values, ends, every, loss, weight) for loss in (_size, _square)]
        largest = np.zeros((2, most))
        for i, loss in enumerate((size, square)):
            top = np.sort(loss)[::-1][:most]
            largest[i, : len(top)] = top
        counted = Counted(np.array([len(t)]), np.array([weight.sum()]), np.array([weight @ weight]))
        plain = np.array([float((centred**2).sum()), float((t**2).sum())])
        moments = MomentSums.of(np.column_stack(columns), weight)
        return cls(counted, moments, np.array(far), plain, int((size > 0).sum()), largest)

    def __add__(self, other: ValueSums) -> ValueSums:
        """Of the rows of both."""
        mine, theirs = self.counted, other.counted
        both = np.sort(np.concatenate([self.largest, other.largest], axis=1), axis=1)[:, ::-1]
        return ValueSums(
            Counted(mine.count + theirs.count, mine.weight + theirs.weight, mine.square + theirs.square),
            self.moments + other.moments,
            self.far + other.far,
            self.plain + other.plain,
            self.n_positive + other.n_positive,
            both[:, : self.largest.shape[1]],
        )


def value_lines(sums: ValueSums, ends: tuple[Ends, Ends], subject: str, level: float = 0.95) -> Iterator[Line]:
    """Lines of `explaindistill.measures.fidelity.regression_fidelity` but those of ranks.

    Examples
    --------
    >>> t, s, one = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [2.0], [3.0]]), np.ones(3)
    >>> ends = Ends.of(t, one), Ends.of(s, one)
    >>> lines = value_lines(ValueSums.of((t, s), one, ends, 5), ends, "tree")
    >>> {line["metric"]: round(line["estimate"], 3) for line in lines}
    {'r2': 0.786, 'mae': 0.333, 'rmse': 0.577, 'bias': -0.333}
    """
    m = len(ends[0].first)
    pair = CountedPair.of_cells((np.zeros((1, 1)), np.zeros((1, 1))), sums.counted, level, subject)
    size, square, first = (sums.moments.at(slice(at, at + 1)) for at in (2 + m, 3 + m, 4 + m))
    spread = sums.moments.at(slice(0, 2 + m))
    heavy = [tail_of(sums.n_positive, largest) < HEAVY for largest in sums.largest]
    far_size, far_square = sums.far.max(axis=1) / sums.moments.weight
    varied, plain = sums.plain / (pair.n * m)
    if varied <= ROUNDING * max(1.0, float(plain)):
        line = row("r2", np.nan, np.nan, np.nan, n=pair.n, method="delta", **pair.names())
        yield line | {"reason": "the teacher gives every row the same value"}
    else:
        reach = (float(far_square) - float(spread.mean[0])) / float(spread.mean[1])
        yield _weighed(pair.summed("r2", spread, _r2, bounds=(-np.inf, 1.0), reach=(reach, 0.0)), heavy[1])
    ends_of = (0.0, np.inf)
    mean = float(size.mean[0])
    yield _weighed(pair.summed("mae", size, _first, bounds=ends_of, reach=(0.0, float(far_size) - mean)), heavy[0])
    mean, far = float(square.mean[0]), float(far_square) / m
    share = unseen_share(pair.worth, level)
    moved = (np.sqrt(mean + share * max(far - mean, 0.0)) - np.sqrt(mean)) / share
    yield _weighed(pair.summed("rmse", square, _root, bounds=ends_of, reach=(0.0, float(moved))), heavy[1])
    usual, mean = float((ends[0].first / ends[0].weight).mean()), float(first.mean[0])
    low, high = (float(np.diag(of).mean()) - usual for of in (ends[1].lowest, ends[1].highest))
    yield pair.summed("bias", first, _first, reach=(mean - low, high - mean))


def _weighed(line: Line, is_heavy: bool) -> Line:
    """A line without limits where a few rows carry most of it."""
    return line | ({"status": "small", "reason": CARRIED, "low": np.nan, "high": np.nan} if is_heavy else {})


def _first(means: Floats) -> float:
    return float(means[0])


def _root(means: Floats) -> float:
    return float(np.sqrt(max(means[0], 0.0)))


def _r2(means: Floats) -> float:
    return float(1 - means[0] / (means[1] - (means[2:] ** 2).sum()))
