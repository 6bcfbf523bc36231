r"""Best cut of each column of a node from its histogram.

A side with weight :math:`W` and target sums :math:`S_k` has the score :math:`\sum_k S_k^2 / W`; the gain of a cut is
the score of both sides less the node's own: the drop of the weighted squared error (one-hot targets: of Gini impurity).
Under a monotone constraint a side's value :math:`v` is clipped to the node's bounds and its score is
:math:`2 v S - v^2 W`.

Of a category column with :math:`m` categories in the node the best of :math:`2^{m-1} - 1` cuts is taken, so it gains
something by chance alone: the best halving of :math:`m` equal normal means explains :math:`2 / \pi` of what lies
between them, about :math:`(2/\pi) (m - 2) \hat\sigma^2` more than a single cut. That much is taken off before columns
are compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel

__all__ = ["best_cuts", "left_table", "score"]


@kernel
def score(sums: NDArray[np.int64], weight: int, target: int, low: float, high: float) -> float:
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
def _gain(
    left: NDArray[np.int64],
    total: NDArray[np.int64],
    right: NDArray[np.int64],
    weight: int,
    target: int,
    sign: int,
    low: float,
    high: float,
    own: float,
) -> float:
    for c in range(len(total)):
        right[c] = total[c] - left[c]
    if sign != 0 and sign * (left[target] / left[weight] - right[target] / right[weight]) > 0:
        return -1.0
    return score(left, weight, target, low, high) + score(right, weight, target, low, high) - own


@kernel
def _cut_number(
    hist: NDArray[np.int64],
    total: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    weight: int,
    target: int,
    least: int,
    sign: int,
    low: float,
    high: float,
    own: float,
) -> tuple[float, int, int]:
    """Gain, last bin on the left, and whether missing values go left; the last row of ``hist`` is missing."""
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
            if left[0] < least:
                continue
            if total[0] - left[0] < least:
                break
            gain = _gain(left, total, right, weight, target, sign, low, high, own)
            if gain > best:
                best, cut, side = gain, b, missing_left
    return best, cut, side


@kernel
def category_order(hist: NDArray[np.int64], weight: int, channel: int) -> NDArray[np.int64]:
    """Non-empty bins (missing is the last) by their mean of one target, ties by bin."""
    order, mean = np.empty(len(hist), dtype=np.int64), np.empty(len(hist))
    n = 0
    for code in range(len(hist)):  # insertion: at most 255 bins, and numpy's sort takes a second to compile
        if hist[code, 0] == 0:
            continue
        own, at = hist[code, channel] / hist[code, weight], n
        while at > 0 and mean[at - 1] > own:
            order[at], mean[at] = order[at - 1], mean[at - 1]
            at -= 1
        order[at], mean[at] = code, own
        n += 1
    return order[:n]


@kernel
def _cut_category(
    hist: NDArray[np.int64],
    total: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    weight: int,
    target: int,
    least: int,
    low: float,
    high: float,
    own: float,
    chance: float,
) -> tuple[float, int, int]:
    """Gain, how many of the ordered bins go left, and the target that orders them; each target is tried."""
    present = 0
    for code in range(len(hist)):
        present += hist[code, 0] > 0
    price = chance * (present - 2) if present > 2 else 0.0
    best, cut, by = price, -1, 0
    for channel in range(target, hist.shape[1]):
        order = category_order(hist, weight, channel)
        left[:] = 0
        for i in range(len(order) - 1):
            for c in range(len(left)):
                left[c] += hist[order[i], c]
            if left[0] < least:
                continue
            if total[0] - left[0] < least:
                break
            gain = _gain(left, total, right, weight, target, 0, low, high, own)
            if gain > best:
                best, cut, by = gain, i + 1, channel
    return (best - price, cut, by) if cut >= 0 else (0.0, -1, 0)


@kernel
def best_cuts(
    hist: NDArray[np.int64],
    offsets: NDArray[np.int64],
    is_category: NDArray[np.bool_],
    features: NDArray[np.int64],
    total: NDArray[np.int64],
    weight: int,
    target: int,
    least: int,
    signs: NDArray[np.int64],
    low: float,
    high: float,
    gain: NDArray[np.float64],
    cut: NDArray[np.int64],
    side: NDArray[np.int64],
    chance: float,
) -> None:
    """Best cut of some columns into ``gain``, ``cut`` and ``side``; gain 0 where there is none.

    ``least`` is the fewest rows of a side, ``signs`` are the monotone constraints, ``low`` and ``high`` bound values,
    ``chance`` is what each category beyond two is expected to gain by chance.
    """
    own = score(total, weight, target, low, high)
    left, right = np.empty_like(total), np.empty_like(total)
    for f in features:
        part = hist[offsets[f] : offsets[f + 1]]
        if is_category[f]:
            gain[f], cut[f], side[f] = _cut_category(
                part, total, left, right, weight, target, least, low, high, own, chance
            )
        else:
            gain[f], cut[f], side[f] = _cut_number(
                part, total, left, right, weight, target, least, signs[f], low, high, own
            )


def left_table(
    hist: NDArray[np.int64], is_category: bool, cut: int, side: int, weight: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
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
    left = hist[chosen].sum(axis=0)
    heavy_left = bool(2 * left[weight] >= hist[:, weight].sum())
    empty = hist[:, 0] == 0
    if is_category:
        chosen[empty] = heavy_left
    elif empty[m]:
        chosen[m] = heavy_left
    goes_left = np.full(256, heavy_left)
    goes_left[:m] = chosen[:m]
    goes_left[254] = chosen[m]
    return goes_left, left
