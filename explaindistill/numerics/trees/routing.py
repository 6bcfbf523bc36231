"""Where rows end up in a tree, and what their leaves should say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.trees.fixed_point import SCALE, WeightUnits, whole_targets

__all__ = ["LeafSums", "NodeQuestions", "OutputUnits", "any_infinite", "bounded", "gap", "node_means", "walk"]


class NodeQuestions(NamedTuple):
    """What each node asks, one entry per node but for ``sets``.

    Attributes
    ----------
    feature : int64 ndarray, shape (n_nodes,)
        Which of the columns handed to :func:`walk` is asked about.
    threshold : ndarray, shape (n_nodes,)
        Yes where the value is at most this, for a node without a set.
    first, last : int64 ndarrays, shape (n_nodes,)
        Node ``v`` asks ``sets[first[v]:last[v]]``, one entry per category; ``first[v]`` is -1 without a set.
    sets : bool ndarray
        All sets, one after the other.
    missing_left, unseen_left : bool ndarrays, shape (n_nodes,)
        The answer for a missing value, and for a category without an entry.
    children : int64 ndarray, shape (n_nodes, 2)
        Where no (0) and yes (1) lead; a leaf is its own child.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    sets: NDArray[np.bool_]
    missing_left: NDArray[np.bool_]
    unseen_left: NDArray[np.bool_]
    children: NDArray[np.int64]


@kernel
def walk(
    columns: NDArray[np.float64], questions: NodeQuestions, under_way: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Leaf of each row i into ``out`` ``(n,)``; ``columns`` is ``(u, n)``, ``under_way`` ``(n,)`` for the kernel's use.

    All rows go down side by side, a step at a time, and those that have arrived drop out: the processor has no branch
    to guess and works on many rows at once.
    """
    feature, threshold, first, last, sets, missing_left, unseen_left, children = questions
    n = 0 if children[0, 0] == 0 else len(out)
    out[:] = 0
    for i in range(n):
        under_way[i] = i
    while n:
        n_under_way = 0
        for j in range(n):
            i = under_way[j]
            node = out[i]
            x = columns[feature[node], i]
            if first[node] < 0:
                goes = (x <= threshold[node]) | (np.isnan(x) & missing_left[node])
            elif np.isnan(x):
                goes = missing_left[node]
            elif x < 0 or first[node] + x >= last[node]:
                goes = unseen_left[node]
            else:
                goes = sets[first[node] + int(x)]
            child = children[node, 1 if goes else 0]
            out[i] = child
            under_way[n_under_way] = i
            n_under_way += children[child, 0] != child
        n = n_under_way


@kernel
def any_infinite(columns: NDArray[np.float64]) -> bool:
    """Whether some number is infinite; reads each once and keeps no copy."""
    infinite = False
    for column in columns:
        for x in column:
            infinite |= abs(x) == np.inf
    return infinite


@kernel
def gap(
    values: NDArray[np.float64], index: NDArray[np.int32], start: int, middle: int, end: int
) -> tuple[float, float]:
    """Largest value on the left and smallest on the right of a split; infinity where there is none.

    ``values`` is ``(n,)``; the rows ``index[start:middle]`` are on the left, ``index[middle:end]`` on the right.
    """
    low, high = -np.inf, np.inf
    for i in range(start, middle):
        x = values[index[i]]
        if x > low:  # noqa: PLR1730 - a comparison lets NaN lose
            low = x
    for i in range(middle, end):
        x = values[index[i]]
        if x < high:  # noqa: PLR1730 - the same
            high = x
    return low, high


@kernel
def _sums(
    whole: NDArray[np.int64], index: NDArray[np.int32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each node ``v`` the sum of ``whole[i]`` over its rows ``i`` in ``index[start[v]:end[v]]``."""
    out = np.zeros(len(start), dtype=np.int64)
    for node in range(len(start)):
        for i in range(start[node], end[node]):
            out[node] += whole[index[i]]
    return out


@dataclass(frozen=True, eq=False)
class OutputUnits:
    r"""How outputs become whole numbers, for sums that do not depend on the order of the rows.

    Output k lies within :math:`m_k \pm h_k`; with whole weights :math:`v_i` and s steps per unit, node t has

    .. math:: \bar y_{tk} = m_k + h_k\,
        \frac{\sum_{i \in t} v_i\,\mathrm{round}(s\,(y_{ik} - m_k) / h_k)}{s \sum_{i \in t} v_i}.

    s is the largest power of two for which the sum over all rows has at most 61 bits, so that 64 do not overflow, and
    at most :math:`2^{50}`, so that a single step is still a whole number of float64's 53 bits.

    Attributes
    ----------
    lows, highs : ndarrays, shape (m,)
        Smallest and largest value of each output.
    weights : WeightUnits
        Of all rows.
    largest : float
        Whole-number weight of all rows, or their number where weights are not whole.
    """

    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    weights: WeightUnits
    largest: float

    @property
    def scale(self) -> float:
        """Steps per unit."""
        return 2.0 ** min(50, int(61 - np.ceil(np.log2(self.largest))))

    def _middle(self, k: int) -> tuple[float, float]:
        low, high = float(self.lows[k]), float(self.highs[k])
        if low >= 0 and high <= 1 and high > low:
            return 0.0, 1.0  # probabilities stay exact at 0 and 1
        return low / 2 + high / 2, high / 2 - low / 2

    def steps(self, Y: NDArray[np.float64], whole: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """Weighted whole numbers ``(n,)`` of output k of some rows; zeros where it is constant."""
        middle, half = self._middle(k)
        if half == 0:
            return np.zeros(len(Y), dtype=np.int64)
        units = ((Y[:, k] - middle) / half)[:, None]
        return whole_targets(units, whole, self.weights.unit, self.scale, self.weights.is_repetition)[:, 0]

    def means(self, sums: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
        """Means ``(n_nodes, m)`` from sums of steps of that shape, and whole-number weights ``(n_nodes,)``."""
        mean = np.empty(sums.shape)
        per_weight = total if self.weights.is_repetition else total / SCALE
        for k in range(sums.shape[1]):
            middle, half = self._middle(k)
            if half == 0:
                mean[:, k] = middle
                continue
            raw = middle + half * (sums[:, k] / self.scale / per_weight)
            mean[:, k] = np.clip(raw, float(self.lows[k]), float(self.highs[k]))
        return mean


@dataclass(frozen=True, eq=False)
class LeafSums:
    """Whole-number weight ``(n_nodes,)``, and sums ``(n_nodes, m)`` of the outputs, of leaves; zeros for other nodes.

    Of parts of the rows it adds up to that of all.
    """

    total: NDArray[np.int64]
    sums: NDArray[np.int64]

    @classmethod
    def of(
        cls, Y: NDArray[np.float64], whole: NDArray[np.int64], units: OutputUnits, index: NDArray[np.int32],
        start: NDArray[np.int64], end: NDArray[np.int64],
    ) -> LeafSums:  # fmt: skip
        """Add up rows ``index[start[t]:end[t]]`` of each leaf t; other nodes have none."""
        sums = [_sums(units.steps(Y, whole, k), index, start, end) for k in range(Y.shape[1])]
        return cls(_sums(whole, index, start, end), np.stack(sums, axis=1))

    def __add__(self, other: LeafSums) -> LeafSums:
        """Of the rows of both."""
        return LeafSums(self.total + other.total, self.sums + other.sums)

    def means(
        self, units: OutputUnits, feature: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean ``(n_nodes, m)`` and weight ``(n_nodes,)`` of all nodes; see :func:`node_means`."""
        totals = _from_leaves(self.total.copy(), feature, left, right)
        sums = _from_leaves(self.sums.copy(), feature, left, right)
        return units.means(sums, totals), totals.astype(np.float64) * units.weights.unit


def node_means(
    Y: NDArray[np.float64],
    weight: NDArray[np.float64],
    index: NDArray[np.int32],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    feature: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean of each output in each node, from whole-number sums: see :class:`OutputUnits`.

    Parameters
    ----------
    Y : ndarray, shape (n, m)
    weight : ndarray, shape (n,)
    index : int32 ndarray, shape (n,)
        Rows of node ``t`` are ``index[start[t]:end[t]]``.
    start, end, feature, left, right : ndarrays, shape (n_nodes,)
        ``feature`` is negative for a leaf; children come after their parent.

    Returns
    -------
    mean : ndarray, shape (n_nodes, m)
    total : ndarray, shape (n_nodes,)
        Weight of each node.
    """
    weights = WeightUnits.of(weight)
    whole = weights.whole(weight)
    largest = float(whole.sum()) if weights.is_repetition else float(len(whole))
    units = OutputUnits(Y.min(axis=0), Y.max(axis=0), weights, largest)
    leaf = feature < 0
    sums = LeafSums.of(Y, whole, units, index, np.where(leaf, start, 0), np.where(leaf, end, 0))
    return sums.means(units, feature, left, right)


def _from_leaves(
    sums: NDArray[np.int64], feature: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Sums of all nodes from those of the leaves, in place: a node has what its two children have."""
    for node in range(len(sums) - 1, -1, -1):
        if feature[node] >= 0:
            sums[node] = sums[left[node]] + sums[right[node]]
    return sums


def bounded(
    value: NDArray[np.float64],
    total: NDArray[np.float64],
    feature: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    signs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Values ``(n_nodes,)`` that keep monotone constraints: each side of such a split stays on its side of a middle.

    The middle is half of both children's values ``x`` and ``y`` where their order is right, else their weighted mean
    ``(W_a x + W_b y) / (W_a + W_b)``: the one value that fits both best, at which they then meet.
    """
    out = value.copy()
    low, high = np.full(len(value), -np.inf), np.full(len(value), np.inf)
    for node in range(len(value)):
        out[node] = min(max(value[node], low[node]), high[node])
        if feature[node] < 0:
            continue
        a, b = left[node], right[node]
        low[[a, b]], high[[a, b]] = low[node], high[node]
        sign = signs[feature[node]]
        if sign == 0:
            continue
        x, y = np.clip(value[[a, b]], low[node], high[node])
        w = total[a] / (total[a] + total[b])
        middle = (x + y) / 2 if sign * (y - x) >= 0 else w * x + (1 - w) * y
        (high if sign > 0 else low)[a] = middle
        (low if sign > 0 else high)[b] = middle
    return out
