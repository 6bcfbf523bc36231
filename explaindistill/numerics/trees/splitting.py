r"""Best cut of each column of a node from its histogram.

A side with weight :math:`W` and target sums :math:`S_k` has the score :math:`\sum_k S_k^2 / W`; the gain of a cut is
the score of both sides less the node's own: the drop of the weighted squared error (one-hot targets: of Gini impurity).
Under a monotone constraint a side's value :math:`v` is clipped to the node's bounds and its score is
:math:`2 v S - v^2 W`.

Of a category column with :math:`m` categories in the node the best of :math:`2^{m-1} - 1` cuts is taken, so it gains
something by chance alone: the best halving of :math:`m` equal normal means explains :math:`2 / \pi` of what lies
between them, about :math:`(2/\pi) (m - 2) \hat\sigma^2` more than a single cut. That much is taken off before columns
are compared.

In all of this module ``f`` numbers columns, ``b`` the bins of one column, and ``c`` the channels of a histogram, in the
order of :class:`~explaindistill.numerics.trees.histogram.Channels`: 0 counts rows, ``rules.weight`` holds weights,
``rules.target`` and those after it the targets. A column's histogram is ``(n_bins + 1, c)``, its last row for missing
values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel
from explaindistill.numerics.trees.binning import MISSING
from explaindistill.numerics.trees.histogram import Slots

__all__ = ["ColumnCuts", "CutRules", "best_cuts", "left_table", "score"]

Ints = NDArray[np.int64]


class CutRules(NamedTuple):
    """What the cuts of one node have to keep to.

    Attributes
    ----------
    weight, target : int
        Channel of the weight, and of the first target.
    least : int
        Fewest rows of a side.
    low, high : float
        Bounds of the first target's mean on either side; infinite without monotone constraints.
    chance : float
        What each category beyond two is expected to gain by chance.
    """

    weight: int
    target: int
    least: int
    low: float
    high: float
    chance: float


class ColumnCuts(NamedTuple):
    """Best cut of each column ``(d,)``: its gain, where it is, and what else has to be known of it.

    For a number ``cut`` is the last bin on the left and ``side`` whether missing values go left (1) or right (0). For a
    category ``cut`` is how many bins go left, in the order of their means of the target in channel ``side``.
    """

    gain: NDArray[np.float64]
    cut: Ints
    side: Ints


@kernel
def score(sums: Ints, weight: int, target: int, low: float, high: float) -> float:
    """Score of one side; see the module's equation."""
    total = 0.0
    w = float(sums[weight])
    for c in range(target, len(sums)):
        s = float(sums[c])
        v = s / w
        if v < low or v > high:
            v = min(max(v, low), high)
            total += 2 * v * s - v * v * w
        else:
            total += s * v
    return total


@kernel
def _gain(left: Ints, total: Ints, right: Ints, sign: int, node_score: float, rules: CutRules) -> float:
    """Score of both sides less the node's; -1 where the sides' means break the sign. Fills ``right``."""
    for c in range(len(total)):
        right[c] = total[c] - left[c]
    weight, target = rules.weight, rules.target
    if sign != 0 and sign * (left[target] / left[weight] - right[target] / right[weight]) > 0:
        return -1.0
    left_score = score(left, weight, target, rules.low, rules.high)
    return left_score + score(right, weight, target, rules.low, rules.high) - node_score


@kernel
def _cut_number(
    hist: Ints, total: Ints, left: Ints, right: Ints, sign: int, node_score: float, rules: CutRules
) -> tuple[float, int, int]:
    """Gain, last bin on the left, and whether missing values go left: every bin is tried with them on either side.

    ``left`` and ``right`` are ``(c,)``, for the kernel's use.
    """
    m = len(hist) - 1
    missing = hist[m, 0] > 0
    best, cut, side = 0.0, -1, 0
    for missing_left in range(2 if missing else 1):
        for c in range(len(left)):
            left[c] = hist[m, c] if missing_left else 0
        for b in range(m if missing and not missing_left else m - 1):
            if hist[b, 0] == 0:
                continue
            for c in range(len(left)):
                left[c] += hist[b, c]
            if left[0] < rules.least:
                continue
            if total[0] - left[0] < rules.least:
                break
            gain = _gain(left, total, right, sign, node_score, rules)
            if gain > best:
                best, cut, side = gain, b, missing_left
    return best, cut, side


@kernel
def category_order(hist: Ints, weight: int, channel: int) -> Ints:
    """Non-empty bins (missing is the last) by their mean of one target, ties by bin.

    Of one target the best cut of all subsets is among the cuts of this order (Breiman, Friedman, Olshen and Stone 1984,
    theorem 4.5).
    """
    order, means = np.empty(len(hist), dtype=np.int64), np.empty(len(hist))
    n = 0
    for code in range(len(hist)):  # insertion: at most 255 bins, and numpy's sort takes a second to compile
        if hist[code, 0] == 0:
            continue
        mean, at = hist[code, channel] / hist[code, weight], n
        while at > 0 and means[at - 1] > mean:
            order[at], means[at] = order[at - 1], means[at - 1]
            at -= 1
        order[at], means[at] = code, mean
        n += 1
    return order[:n]


@kernel
def _cut_category(
    hist: Ints, total: Ints, left: Ints, right: Ints, node_score: float, rules: CutRules
) -> tuple[float, int, int]:
    """Gain, how many of the ordered bins go left, and the target that orders them; each target is tried.

    ``left`` and ``right`` are ``(c,)``, for the kernel's use.
    """
    present = 0
    for code in range(len(hist)):
        present += hist[code, 0] > 0
    price = rules.chance * (present - 2) if present > 2 else 0.0
    best, cut, by = price, -1, 0
    for channel in range(rules.target, hist.shape[1]):
        order = category_order(hist, rules.weight, channel)
        left[:] = 0
        for i in range(len(order) - 1):
            for c in range(len(left)):
                left[c] += hist[order[i], c]
            if left[0] < rules.least:
                continue
            if total[0] - left[0] < rules.least:
                break
            gain = _gain(left, total, right, 0, node_score, rules)
            if gain > best:
                best, cut, by = gain, i + 1, channel
    return (best - price, cut, by) if cut >= 0 else (0.0, -1, 0)


@kernel
def best_cuts(
    hist: Ints, slots: Slots, features: Ints, total: Ints, signs: Ints, rules: CutRules, cuts: ColumnCuts
) -> None:
    """Best cut of some columns, written into ``cuts``; gain 0 where there is none.

    Parameters
    ----------
    hist : shape (n_slots, c)
        Of the node, laid out by ``slots``.
    features : shape (any,)
        Numbers of the columns to look at.
    total : shape (c,)
        Sums of the node.
    signs : shape (d,)
        Monotone constraint of each column: 1, -1 or 0.
    """
    node_score = score(total, rules.weight, rules.target, rules.low, rules.high)
    left, right = np.empty_like(total), np.empty_like(total)
    for f in features:
        column = hist[slots.offsets[f] : slots.offsets[f + 1]]
        if slots.is_category[f]:
            best = _cut_category(column, total, left, right, node_score, rules)
        else:
            best = _cut_number(column, total, left, right, signs[f], node_score, rules)
        cuts.gain[f], cuts.cut[f], cuts.side[f] = best


def left_table(hist: Ints, is_category: bool, cut: int, side: int, weight: int) -> tuple[NDArray[np.bool_], Ints]:
    """Which codes go left, and the sums of the left side.

    Bins that no row of the node has, and missing values where none was seen, go with the heavier side; so do unseen
    categories (code 255).

    Parameters
    ----------
    hist : int64 ndarray, shape (n_bins + 1, c)
        Of the column that is cut.
    is_category, cut, side : as :func:`best_cuts` gives them
    weight : int
        Channel of the weight.

    Returns
    -------
    goes_left : bool ndarray, shape (256,)
    left : int64 ndarray, shape (c,)
    """
    m = len(hist) - 1
    chosen = np.zeros(m + 1, dtype=np.bool_)
    if is_category:
        chosen[category_order(hist, weight, side)[:cut]] = True
    else:
        chosen[: cut + 1] = True
        chosen[m] = side == 1
    left_sums = hist[chosen].sum(axis=0)
    heavy_left = bool(2 * left_sums[weight] >= hist[:, weight].sum())
    empty = hist[:, 0] == 0
    if is_category:
        chosen[empty] = heavy_left
    elif empty[m]:
        chosen[m] = heavy_left
    goes_left = np.full(256, heavy_left)
    goes_left[:m] = chosen[:m]
    goes_left[MISSING] = chosen[m]
    return goes_left, left_sums
